"""What a build folder holds: the contract between the code that writes it and the code that reads it."""

from __future__ import annotations

#: SHA-256 of every other file of a build.
CHECKSUMS = "checksums.txt"
#: The default graph: ontology, asserted and inferred triples.
DEFAULT_GRAPH = "her2kg.nt"
#: The same triples and the metadata, each in its named graph.
DATASET = "her2kg.nq"
