"""Babel, the model in the package: its recipe, its texts, its training and how it behaves."""
