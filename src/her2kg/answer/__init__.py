"""From the built graph to answers: a read-only store, tables of results, notations resolved to things."""
