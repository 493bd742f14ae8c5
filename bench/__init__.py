"""Measurements of her2kg."""
