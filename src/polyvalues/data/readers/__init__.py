"""Readers: one file per source format, each turning original files into a `PairSet`."""
