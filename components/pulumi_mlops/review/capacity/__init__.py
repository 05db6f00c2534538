"""Whether what runs on a cluster fits on its nodes, from a preview alone."""
