"""A read-only SPARQL engine that can be trusted with strangers; it knows nothing of HER2."""
