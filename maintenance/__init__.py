"""Tools of the maintainers: locks, prices, generated pages and pictures. Never in the wheel."""
