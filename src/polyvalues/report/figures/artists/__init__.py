"""Cells, labels and scales that several figures share."""
