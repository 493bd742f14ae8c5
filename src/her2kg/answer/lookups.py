"""Queries that look one thing up: answered on the spot, since nothing in them can take long.

A query of one triple pattern whose subject is named reads no more triples than its subject has, and how many
that may be is counted when the data are opened. Handing such a query to a process that can be ended would
take longer than to answer it, and there is nothing to end. What is not wholly of this form is no lookup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from her2kg.errors import QueryError
from her2kg.model.queries import read_query
from her2kg.sparql.engine import Table, plain

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.sparql.store import Store

#: Triples of one thing up to which a lookup takes about a millisecond.
_FEW = 1000
#: Characters of a lookup.
_LENGTH = 2000
_IRI = r"<[^<>\"{}|^`\\\x00-\x20]*+>"
_VARIABLE = r"[?$][A-Za-z]\w*+"
_LOOKUP = re.compile(
    rf"""\s*+SELECT\s++
    (?:DISTINCT\s++)?(?:\*|(?:{_VARIABLE}\s*+)++)\s*+(?:WHERE\s*+)?
    \{{\s*+{_IRI}\s++(?:{_VARIABLE}|{_IRI})\s++(?:{_VARIABLE}|{_IRI})\s*+\.?\s*+\}}
    \s*+(?:LIMIT\s++\d{{1,9}}\s*+)?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


class Lookups:
    """Answers lookups in this process, where no thing has too many triples."""

    def __init__(self, store: Store, home: Path) -> None:
        """Count the triples of the thing that has the most."""
        self._store = store
        counted = store.query(read_query(home / "queries" / "lookups" / "most.rq").text)
        rows = counted.rows() if isinstance(counted, Table) else iter(())
        most = int(plain(next(rows, {}).get("triples")) or 0)
        self._quick = most <= _FEW

    def answer(self, text: str, media_type: str) -> bytes | None:
        """Give the bytes of the answer; nothing of what is no lookup, or has a fault that is to be told."""
        if not self._quick or not is_lookup(text):
            return None
        try:
            answer = self._store.query(text)
            return answer.text(media_type) if isinstance(answer, Table) else None
        except QueryError:
            return None


def is_lookup(text: str) -> bool:
    """Say whether a query asks for one thing's triples and nothing else.

    >>> is_lookup("SELECT ?p ?o WHERE { <urn:a> ?p ?o }"), is_lookup("SELECT ?s { ?s ?p ?o }")
    (True, False)
    """
    return len(text) <= _LENGTH and _LOOKUP.fullmatch(text) is not None
