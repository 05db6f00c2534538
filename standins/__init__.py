"""Small, honest replacements for what cannot be downloaded everywhere: engine plugins and charts; not in the wheel."""
