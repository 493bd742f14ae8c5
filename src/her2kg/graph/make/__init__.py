"""From records to the asserted graph: triples, class axioms and mappings to the terms of others."""
