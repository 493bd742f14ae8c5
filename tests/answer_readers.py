"""Readers of answers in every format, each also by a parser that owes nothing to the writer.

A table is its columns and its rows; a cell is a term of the engine's types, or nothing when it is unbound.
"""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree as ET

import pyoxigraph as ox
import rdflib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Row: TypeAlias = tuple[Term | None, ...]
Rows: TypeAlias = tuple[list[str], list[Row]]

_XSD = "http://www.w3.org/2001/XMLSchema#"
_SPARQL = "{http://www.w3.org/2005/sparql-results#}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def literal(text: str, language: str | None = None, datatype: str | None = None) -> ox.Literal:
    """Make a literal as a format says it."""
    if language:
        return ox.Literal(text, language=language)
    return ox.Literal(text, datatype=ox.NamedNode(datatype)) if datatype else ox.Literal(text)


# Tables -----------------------------------------------------------------------------------------------


def read_json(content: bytes) -> Rows:
    """Read SPARQL 1.1 Query Results JSON."""
    document = json.loads(content)
    assert set(document) == {"head", "results"}
    columns: list[str] = document["head"]["vars"]
    bindings = document["results"]["bindings"]
    assert all(set(binding) <= set(columns) for binding in bindings)
    return columns, [
        tuple(_of_json(binding[name]) if name in binding else None for name in columns)
        for binding in bindings
    ]


def _of_json(cell: dict[str, str]) -> Term:
    if cell["type"] == "uri":
        return ox.NamedNode(cell["value"])
    if cell["type"] == "bnode":
        return ox.BlankNode(cell["value"])
    assert cell["type"] == "literal"
    return literal(cell["value"], cell.get("xml:lang"), cell.get("datatype"))


def read_xml(content: bytes) -> Rows:
    """Read SPARQL Query Results XML."""
    root = ET.fromstring(content)  # noqa: S314 - our own server wrote it
    columns = [variable.get("name") or "" for variable in root.iterfind(f"{_SPARQL}head/{_SPARQL}variable")]
    rows: list[Row] = []
    for result in root.iterfind(f"{_SPARQL}results/{_SPARQL}result"):
        cells = {binding.get("name") or "": _of_xml(binding[0]) for binding in result}
        assert set(cells) <= set(columns)
        rows.append(tuple(cells.get(name) for name in columns))
    return columns, rows


def _of_xml(cell: ET.Element) -> Term:
    text = cell.text or ""
    if cell.tag == f"{_SPARQL}uri":
        return ox.NamedNode(text)
    if cell.tag == f"{_SPARQL}bnode":
        return ox.BlankNode(text)
    assert cell.tag == f"{_SPARQL}literal"
    return literal(text, cell.get(_LANG), cell.get("datatype"))


_TSV_CELL = re.compile(
    r"""<(?P<iri>[^<>"{}|^`\\]*)>
    |_:(?P<blank>[\w.-]+)
    |"(?P<text>(?:[^"\\\n\r\t]|\\["'\\nrtbf])*)"(?:@(?P<language>[A-Za-z0-9-]+)|\^\^<(?P<datatype>[^<>]*)>)?
    |(?P<integer>[+-]?\d+)
    |(?P<decimal>[+-]?\d*\.\d+)
    |(?P<double>[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)
    |(?P<boolean>true|false)""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def read_tsv(content: bytes) -> Rows:
    """Read SPARQL 1.1 Query Results TSV: one line a row, terms as Turtle writes them."""
    header, *lines = content.decode().removesuffix("\n").split("\n")
    columns = [name.removeprefix("?") for name in header.split("\t")] if header else []
    return columns, [tuple(map(_of_tsv, line.split("\t"))) if columns else () for line in lines]


def _of_tsv(cell: str) -> Term | None:
    if not cell:
        return None
    found = _TSV_CELL.fullmatch(cell)
    assert found, cell
    kind, group = found.lastgroup or "", found.groupdict()
    if kind == "iri":
        return ox.NamedNode(found["iri"])
    if kind == "blank":
        return ox.BlankNode(found["blank"])
    if group["text"] is None:
        return literal(cell, None, _XSD + kind)
    text = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), group["text"])
    return literal(text, group["language"], group["datatype"])


def read_csv(content: bytes) -> tuple[list[str], list[tuple[str, ...]]]:
    """Read SPARQL 1.1 Query Results CSV, whose cells are plain values."""
    csv.field_size_limit(1 << 30)
    columns, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    # A line without anything is a row of one empty cell, or of none where there are no columns.
    return columns, [tuple(row) or ("",) * len(columns) for row in rows]


def read_by_engine(kind: ox.QueryResultsFormat) -> Callable[[bytes], Rows]:
    """Give the engine's own reader of a format."""

    def read(content: bytes) -> Rows:
        answer = ox.parse_query_results(content, kind)
        assert isinstance(answer, ox.QuerySolutions)
        return rows_of(answer)

    return read


def rows_of(answer: ox.QuerySolutions) -> Rows:
    """Give an answer of the engine as columns and rows."""
    columns = [variable.value for variable in answer.variables]
    return columns, [tuple(solution[name] for name in columns) for solution in answer]


def read_truth(content: bytes) -> bool:
    """Read the answer of an ASK in JSON or XML."""
    if content.startswith(b"{"):
        value = json.loads(content)["boolean"]
        assert isinstance(value, bool)
        return value
    said = ET.fromstring(content).findtext(f"{_SPARQL}boolean")  # noqa: S314 - our own server wrote it
    return {"true": True, "false": False}[said or ""]


def plain(term: Term | None) -> str:
    """Give a cell as CSV says it."""
    if term is None or isinstance(term, ox.Triple):
        return ""
    return str(term) if isinstance(term, ox.BlankNode) else term.value


def settled(rows: Iterable[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Give rows as text in which a blank node is named by where it stands, whatever its label is.

    Two nodes that nothing tells apart get the same name. Cells of CSV are plain text already.
    """
    cells = [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    places: dict[str, list[tuple[int, int]]] = {}
    for number, row in enumerate(cells):
        for column, cell in enumerate(row):
            if cell.startswith("_:"):
                places.setdefault(cell, []).append((number, column))
    names = dict.fromkeys(places, "_:")
    for _ in range(3):
        hashes = [hash(tuple(names.get(cell, cell) for cell in row)) for row in cells]
        names = {
            node: f"_:{hash(tuple(sorted((column, hashes[number]) for number, column in found)))}"
            for node, found in places.items()
        }
    return [tuple(names.get(cell, cell) for cell in row) for row in cells]


# Graphs -----------------------------------------------------------------------------------------------


def read_graph(content: bytes, kind: ox.RdfFormat) -> Iterator[ox.Triple]:
    """Read triples with the engine's own reader; all must stand in the default graph."""
    for quad in ox.parse(content, format=kind):
        assert isinstance(quad.graph_name, ox.DefaultGraph)
        yield quad.triple


def read_graph_anew(content: bytes, name: str) -> Iterator[ox.Triple]:
    """Read triples with another reader; ``name`` is what it calls the format."""
    graph = (rdflib.Dataset if name in {"nquads", "trig"} else rdflib.Graph)()
    graph.parse(data=content, format=name)
    for row in graph:
        assert row[3:] in ((), (rdflib.graph.DATASET_DEFAULT_GRAPH_ID,))
        s, p, o = map(_of_rdflib, row[:3])
        yield ox.Triple(s, p, o)  # type: ignore[arg-type]


def _of_rdflib(term: object) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    if isinstance(term, rdflib.BNode):
        return ox.BlankNode(str(term))
    if isinstance(term, rdflib.Literal):
        return literal(str(term), term.language, str(term.datatype) if term.datatype else None)
    return ox.NamedNode(str(term))


#: What tells two spellings of a number to be the same.
_VALUES: Mapping[str, Callable[[str], object]] = {
    f"{_XSD}integer": int,
    f"{_XSD}decimal": lambda text: Decimal(text).normalize(),
    f"{_XSD}double": float,
    f"{_XSD}boolean": {"true": True, "1": True, "false": False, "0": False}.__getitem__,
}


def canonical(triples: Iterable[ox.Triple], *, by_value: bool = False) -> set[ox.Quad]:
    """Give triples with canonical labels of blank nodes, so that isomorphic graphs are equal.

    By value, for a reader that makes numbers of the bare numbers of Turtle and loses how they were spelt.
    """
    dataset = ox.Dataset()
    for triple in triples:
        obj = triple.object
        if by_value and isinstance(obj, ox.Literal):
            obj = _respelt(obj)
        dataset.add(ox.Quad(triple.subject, triple.predicate, obj))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(dataset)


def _respelt(number: ox.Literal) -> ox.Literal:
    value = _VALUES.get(number.datatype.value)
    if value is None:
        return number
    try:
        return ox.Literal(str(value(number.value)), datatype=number.datatype)
    except (ValueError, KeyError, InvalidOperation):
        return number
