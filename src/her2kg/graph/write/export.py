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

from her2kg.errors import FormatError
from her2kg.model.layout import DATA_FILES, FILES, module_file
from her2kg.model.namespaces import DEFAULT_GRAPHS, GRAPHS
from her2kg.model.queries import read_query
from her2kg.sparql.engine import Engine, Table, convert, plain
from her2kg.sparql.formats import GRAPH_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rdflib.term import Node

    from her2kg.sparql.formats import Format


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
    files = {
        "nt": _text(default).encode(),
        "nq": nquads.encode(),
        "ttl": _written(_Turtle(union)),
        "rdf": union.serialize(format="xml").encode(),
    }
    return {
        file: files[kind] if kind in files else _converted(nquads, GRAPH_FORMATS[kind], prefixes)
        for kind, file in DATA_FILES.items()
    }


def modules(graphs: Mapping[str, Graph], prefixes: Mapping[str, str]) -> dict[str, bytes]:
    """Serialise the modules of the ontology, each as Turtle, RDF/XML and N-Triples."""
    files: dict[str, bytes] = {}
    for name, graph in graphs.items():
        ordered = _ordered([graph], prefixes)
        files[module_file(name, "ttl")] = _written(_Turtle(ordered))
        files[module_file(name, "rdf")] = ordered.serialize(format="xml").encode()
        files[module_file(name, "nt")] = _text(_lines(graph)).encode()
    return files


def document(graph: Graph, kind: str, prefixes: Mapping[str, str]) -> bytes:
    """Serialise a graph by itself in a format of graphs; its blank nodes keep their names.

    Raises FormatError when it holds a character that RDF/XML cannot.
    """
    if kind == "ttl":
        return _written(_Turtle(_ordered([graph], prefixes)))
    if kind == "rdf":
        content = _ordered([graph], prefixes).serialize(format="xml").encode()
        if where := xml_error(content):
            raise FormatError(f"the graph cannot be written as RDF/XML: {where}", "use Turtle or JSON-LD")
        return content
    text = _text(_lines(graph))
    return text.encode() if kind == "nt" else _converted(text, GRAPH_FORMATS[kind], prefixes)


def _converted(nquads: str, known: Format, prefixes: Mapping[str, str]) -> bytes:
    return convert(nquads, known.media_type, prefixes if known.prefixes else None)


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
    engine.add_text(content.decode(), FILES[name])
    answer = engine.query(read_query(home / "queries" / "export" / "directions.rq").text)
    counted = answer.rows() if isinstance(answer, Table) else ()
    return dict(
        sorted((plain(row["direction"]).rpartition("/")[2], int(plain(row["claims"]))) for row in counted)
    )


def xml_error(content: bytes) -> str:
    """Say where an export is not well-formed XML; nothing when it is.

    The engine reads characters that XML does not allow, and the writer lets them through.
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
