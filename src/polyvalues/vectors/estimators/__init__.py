"""Estimators of a concept direction."""
