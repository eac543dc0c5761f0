"""Where the work of a study runs."""
