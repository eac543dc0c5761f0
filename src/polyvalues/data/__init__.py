"""Pairs: reading them from their original formats, checking, splitting and summarising them."""
