"""Tests of her2kg: one module per module, drift, data and ontology."""
