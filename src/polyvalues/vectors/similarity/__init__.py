"""Similarities of concept vectors between languages."""
