"""CURIEs of other databases: what the table of prefixes makes of them.

The rules are those of Bioregistry: a prefix stands for one database, what follows it has the form of that
database, and both together make one IRI.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from her2kg.model.records import Prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from her2kg.model.rows import Tables


@dataclass(frozen=True)
class Curies:
    """The prefixes by how CURIEs write them."""

    prefixes: Mapping[str, Prefix]

    def iri(self, curie: str) -> str:
        """Give the IRI of a CURIE; raises KeyError when its prefix is not in the table."""
        prefix, _, local = curie.partition(":")
        return f"{self.prefixes[prefix].namespace}{local}"

    def problem(self, curie: str) -> tuple[str, str] | None:
        """Say what is wrong with a CURIE and how to mend it, if anything is."""
        prefix, _, local = curie.partition(":")
        known = self.prefixes.get(prefix)
        if known is None:
            folded = {name.casefold(): name for name in self.prefixes}
            near = difflib.get_close_matches(prefix.casefold(), folded, 1)
            remedy = f"did you mean {folded[near[0]]}?" if near else "add it to the table of prefixes"
            return f"there is no prefix {prefix}", remedy
        # Python takes the digits of every script for \d; identifiers are written in ASCII.
        if re.fullmatch(known.pattern, local, re.ASCII) is None:
            return f"is no identifier of {known.name}", f"what follows the prefix must match {known.pattern}"
        return None


def curies(tables: Tables) -> Curies:
    """Give the prefixes of the tables."""
    return Curies({row.record.id: row.record for row in tables.of(Prefix)})
