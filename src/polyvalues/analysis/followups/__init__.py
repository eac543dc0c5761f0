"""Analyses of a finished study beyond recognition, consistency and transfer."""
