"""Sums collected while hidden states stream by."""
