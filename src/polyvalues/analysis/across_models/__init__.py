"""Analyses over several models."""
