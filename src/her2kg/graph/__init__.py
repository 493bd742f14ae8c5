"""From tables to graph: a room for each stage, composed only in ``build``."""
