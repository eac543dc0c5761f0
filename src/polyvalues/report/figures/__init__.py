"""Figures of a study, drawn with matplotlib."""
