"""From tables to graph: each module one stage, composed only in ``build``."""
