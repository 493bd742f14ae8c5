"""From the asserted graph to the inferred one: rules, the EL reasoner, justifications, intervals."""
