"""What steering costs: one file each, all give `Judged`."""
