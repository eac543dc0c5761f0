"""Helpers of the readers: files, columns, groups, lengths."""
