"""Figures in the layout of the paper."""
