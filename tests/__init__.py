"""Tests of her2kg, from the tables to the browser."""
