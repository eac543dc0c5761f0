"""Vectors in other tools' formats: one file each, and a table of them in `formats`."""
