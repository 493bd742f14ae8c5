"""From two versions of the graph to what differs, as data, as text and as RDF."""
