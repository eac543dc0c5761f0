"""Judges of answers: one file each, all give `Judged`."""
