"""MVALUE anew: which sources, which pairs of them, and what is written about it."""
