"""Write the graph in every format, byte by byte the same for the same data.

Turtle, N-Triples and RDF/XML carry the default graph (ontology, asserted and inferred together);
N-Quads, TriG and JSON-LD carry every named graph. Blank nodes, which only the ontology has, get
canonical names first.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.parsers import expat

from rdflib import XSD, Graph, Literal
from rdflib.compare import to_canonical_graph
from rdflib.plugins.serializers.turtle import TurtleSerializer

from her2kg.model.namespaces import DEFAULT_GRAPHS, GRAPHS
from her2kg.model.queries import read_query
from her2kg.sparql.engine import Engine, Table, convert, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rdflib.term import Node

_MEDIA_TYPES = {
    "ttl": "text/turtle",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "nq": "application/n-quads",
    "trig": "application/trig",
    "jsonld": "application/ld+json",
}


def canonical(graph: Graph) -> Graph:
    """Give the graph with blank nodes named after their content."""
    named = Graph()
    named += to_canonical_graph(graph)
    return named


def artefacts(graphs: Mapping[str, Graph], prefixes: Mapping[str, str]) -> dict[str, bytes]:
    """Serialise the named graphs, keyed by short name, into the bytes of each file."""
    lines = {name: _lines(graph) for name, graph in graphs.items()}
    default = sorted({line for name, iri in GRAPHS.items() if iri in DEFAULT_GRAPHS for line in lines[name]})
    quads = [f"{line[:-2]} <{GRAPHS[name]}> ." for name in sorted(lines) for line in lines[name]]
    union = _ordered([graphs[name] for name, iri in GRAPHS.items() if iri in DEFAULT_GRAPHS], prefixes)
    nquads = _text(quads)
    return {
        "her2kg.nt": _text(default).encode(),
        "her2kg.nq": nquads.encode(),
        "her2kg.ttl": _written(_Turtle(union)),
        "her2kg.rdf": union.serialize(format="xml").encode(),
        "her2kg.trig": convert(nquads, "application/trig", prefixes),
        "her2kg.jsonld": convert(nquads, "application/ld+json"),
    }


def modules(graphs: Mapping[str, Graph], prefixes: Mapping[str, str]) -> dict[str, bytes]:
    """Serialise the modules of the ontology, each as Turtle, RDF/XML and N-Triples."""
    files: dict[str, bytes] = {}
    for name, graph in graphs.items():
        ordered = _ordered([graph], prefixes)
        files[f"{name}.ttl"] = _written(_Turtle(ordered))
        files[f"{name}.rdf"] = ordered.serialize(format="xml").encode()
        files[f"{name}.nt"] = _text(_lines(graph)).encode()
    return files


def document(graph: Graph, kind: str, prefixes: Mapping[str, str]) -> bytes:
    """Serialise a graph by itself as ``ttl``, ``nt`` or ``jsonld``; its blank nodes keep their names."""
    if kind == "ttl":
        return _written(_Turtle(_ordered([graph], prefixes)))
    text = _text(_lines(graph))
    return text.encode() if kind == "nt" else convert(text, _MEDIA_TYPES[kind])


class _Turtle(TurtleSerializer):
    """Write whole decimals in quotes: the short form of rdflib, ``5.0`` for ``5``, is another literal.

    Prefixed names are kept: most IRIs stand in many triples, and finding a name is slow.
    """

    def __init__(self, store: Graph) -> None:
        """Start without names."""
        super().__init__(store)
        self._names: dict[tuple[Node, bool], str | None] = {}

    def get_pname(self, uri: Node, gen_prefix: bool = True) -> str | None:  # noqa: FBT001, FBT002 - as in rdflib
        """Give the prefixed name of an IRI, if it has one."""
        key = uri, gen_prefix
        if key not in self._names:
            self._names[key] = super().get_pname(uri, gen_prefix)
        return self._names[key]

    def label(self, node: Node, position: int) -> str:
        """Write a term."""
        if isinstance(node, Literal) and node.datatype == XSD.decimal and "." not in node:
            return node.n3(self.store.namespace_manager)
        return super().label(node, position)


def _written(serializer: TurtleSerializer) -> bytes:
    stream = io.BytesIO()
    serializer.serialize(stream, encoding="utf-8")
    return stream.getvalue()


def directions(home: Path, content: bytes, name: str) -> dict[str, int]:
    """Read an export again and count its claims by direction, to show that no negative one was lost."""
    engine = Engine()
    engine.add_text(content.decode(), _MEDIA_TYPES[name.rpartition(".")[2]])
    answer = engine.query(read_query(home / "queries" / "export" / "directions.rq").text)
    counted = answer.rows() if isinstance(answer, Table) else ()
    return dict(
        sorted((plain(row["direction"]).rpartition("/")[2], int(plain(row["claims"]))) for row in counted)
    )


def no_xml(content: bytes) -> str:
    """Say where an export is no XML; nothing when it is.

    The engine reads characters that XML has not, and the writer lets them through.
    """
    try:
        expat.ParserCreate().Parse(content, True)  # noqa: FBT003 - the parser takes no keyword
    except expat.ExpatError as error:
        return f"{expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset + 1}"
    return ""


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _lines(graph: Graph) -> list[str]:
    """Give the sorted N-Triples lines of a graph, in the engine's escaping, which is canonical."""
    return sorted(line for line in graph.serialize(format="nt").split("\n") if line)


def _ordered(graphs: Iterable[Graph], prefixes: Mapping[str, str]) -> Graph:
    """Unite graphs in one whose store keeps the sorted order, and with it the RDF/XML writer does."""
    ordered = Graph(store="SimpleMemory", bind_namespaces="none")
    for prefix, namespace in prefixes.items():
        ordered.bind(prefix, namespace, replace=True)
    triples = {triple for graph in graphs for triple in graph}
    for triple in sorted(triples, key=lambda triple: [term.n3() for term in triple]):
        ordered.add(triple)
    return ordered
