"""Distances between languages, shipped with the package."""
