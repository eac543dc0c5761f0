"""Tests of what a study claims, each with its smallest possible p."""
