"""The mix: forms of queries that people send, each as many texts that differ in a constant of the graph.

A form is a file ``mix/<form>.rq``. Its header holds ``constants``, a SELECT over the graph whose columns are
put in the places ``${column}``, or ``query``, a query of ours whose parameters the columns are. ``${number}``
is the number of the text from 1,001 on: as a LIMIT that cuts nothing off, or in a comment where a form has no
constants, it makes another text of one whose constants are used up. So no text is answered twice in a row
from what a server keeps.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import pyoxigraph as ox

from her2kg.model.queries import Query, read_queries, read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
MIX = ROOT / "bench" / "mix"
TABLE, GRAPH = "application/sparql-results+json", "text/turtle"
#: Different texts that each form has.
TEXTS = 400
_FIRST_NUMBER = 1001
_GRAPH_FORM = re.compile(r"^\s*(?:CONSTRUCT|DESCRIBE)\b", re.MULTILINE)


@dataclass(frozen=True)
class Form:
    """A form of query: its name, its texts, and the media type in which it is answered."""

    name: str
    texts: tuple[str, ...]
    accept: str


def read_forms(data: Path, names: tuple[str, ...] = ()) -> list[Form]:
    """Give the forms of the mix, or those named, with constants of an N-Triples file.

    Raises ValueError for a name that is not in the mix, and for a form with too few different texts.
    """
    queries = {query.name: query for query in read_queries(MIX)}
    if unknown := set(names) - set(queries):
        raise ValueError(f"no form is named {min(unknown)}; take some of {', '.join(queries)}")
    store = ox.Store()
    store.bulk_load(path=str(data), format=ox.RdfFormat.N_TRIPLES)
    return [_form(queries[name], store) for name in names or queries]


def _form(query: Query, store: ox.Store) -> Form:
    rows = _constants(query, store)
    write = _writer(query)
    numbered = zip(cycle(rows), count(_FIRST_NUMBER), range(TEXTS), strict=False)
    texts = tuple(write({**row, "number": str(number)}) for row, number, _ in numbered)
    if len(set(texts)) < TEXTS:
        raise ValueError(f"form {query.name} has {len(set(texts))} different texts, not {TEXTS}")
    return Form(query.name, texts, GRAPH if _GRAPH_FORM.search(texts[0]) else TABLE)


def _constants(query: Query, store: ox.Store) -> list[dict[str, str]]:
    """Give the constants of a form, in an order that is the same each time and mixes rare and frequent."""
    if "constants" not in query.header:
        return [{}]
    found = store.query(query.header["constants"])
    if not isinstance(found, ox.QuerySolutions):
        raise TypeError(f"the constants of {query.name} are not a SELECT")
    names = [variable.value for variable in found.variables]
    rows = sorted(tuple(row[name].value for name in names) for row in found)
    random.Random(1).shuffle(rows)  # noqa: S311 - it must be repeatable, not secret
    return [dict(zip(names, row, strict=True)) for row in rows]


def _writer(query: Query) -> Callable[[dict[str, str]], str]:
    """Give what makes a text of a row of constants."""
    if "query" not in query.header:
        return Template(query.text).substitute
    return partial(_bound, read_query(ROOT / query.header["query"]))


def _bound(named: Query, row: dict[str, str]) -> str:
    terms = {name: f"<{value}>" for name, value in row.items() if name != "number"}
    return f"{named.bind(terms)}# {row['number']}\n"


def count_answer(content: bytes, media_type: str) -> int:
    """Count the rows of a table, the triples of a graph; of a truth value, give it as 0 or 1."""
    kind = media_type.partition(";")[0].strip()
    if b"<rdf:RDF" in content[:1000]:  # rdflib's endpoint calls a description a table
        kind = "application/rdf+xml"
    if results := ox.QueryResultsFormat.from_media_type(kind):
        found = ox.parse_query_results(content, results)
        return int(bool(found)) if isinstance(found, ox.QueryBoolean) else sum(1 for _ in found)
    return len(set(_quads(content, kind)))


def _quads(content: bytes, kind: str) -> Iterator[ox.Quad]:
    return iter(ox.parse(content, ox.RdfFormat.from_media_type(kind)))
