"""The forms of a review: Markdown for a comment, text for a terminal, JSON for machines. All are pure functions."""
