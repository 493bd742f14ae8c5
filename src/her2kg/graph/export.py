"""Write the graph in every format, byte by byte the same for the same data, and publish it in one step.

Turtle, N-Triples and RDF/XML carry the default graph (ontology, asserted and inferred together);
N-Quads, TriG and JSON-LD carry every named graph. Blank nodes, which only the ontology has, get
canonical names first.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rdflib import XSD, Dataset, Graph, Literal
from rdflib.compare import to_canonical_graph
from rdflib.plugins.serializers.trig import TrigSerializer
from rdflib.plugins.serializers.turtle import TurtleSerializer

from her2kg.engine import convert
from her2kg.model.namespaces import DEFAULT_GRAPHS, GRAPHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rdflib.term import Node

CHECKSUMS = "checksums.txt"


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
    union = _ordered_graph(default, prefixes)
    dataset = Dataset(default_union=False)
    for prefix, namespace in prefixes.items():
        dataset.bind(prefix, namespace, replace=True)
    for name in sorted(lines):
        named = dataset.graph(GRAPHS[name])
        named.parse(data=_text(lines[name]), format="nt", bnode_context=_Names())
    nquads = _text(quads)
    return {
        "her2kg.nt": _text(default).encode(),
        "her2kg.nq": nquads.encode(),
        "her2kg.ttl": _written(_Turtle(union)),
        "her2kg.rdf": union.serialize(format="xml").encode(),
        "her2kg.trig": _written(_Trig(dataset)),
        "her2kg.jsonld": convert(nquads, "application/ld+json"),
        "ontology.rdf": _ordered_graph(lines["ontology"], prefixes).serialize(format="xml").encode(),
    }


class _Turtle(TurtleSerializer):
    """Write whole decimals in quotes: the short form of rdflib, ``5.0`` for ``5``, is another literal."""

    def label(self, node: Node, position: int) -> str:
        """Write a term."""
        if isinstance(node, Literal) and node.datatype == XSD.decimal and "." not in node:
            return node.n3(self.store.namespace_manager)
        return super().label(node, position)


class _Trig(_Turtle, TrigSerializer):
    """The same with named graphs."""


def _written(serializer: TurtleSerializer) -> bytes:
    stream = io.BytesIO()
    serializer.serialize(stream, encoding="utf-8")
    return stream.getvalue()


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _lines(graph: Graph) -> list[str]:
    """Give the sorted N-Triples lines of a graph, in the engine's escaping, which is canonical."""
    return sorted(line for line in graph.serialize(format="nt").splitlines() if line)


def _ordered_graph(lines: list[str], prefixes: Mapping[str, str]) -> Graph:
    """Read lines into a graph that keeps their order, and with it the RDF/XML writer does."""
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in prefixes.items():
        graph.bind(prefix, namespace, replace=True)
    return graph.parse(data=_text(lines), format="nt", bnode_context=_Names())


class _Names(dict[str, object]):
    """Keep the names of blank nodes when a document is read."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> object:
        from rdflib import BNode  # noqa: PLC0415

        return BNode(name)


def publish(files: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    """Put the files in the place of an earlier build and give their SHA-256.

    Everything is written beside the folder first and then renamed into its place, so that a reader
    finds the old build or the new one; ``checksums.txt`` shows a copy that was cut off.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        (fresh / CHECKSUMS).write_text(
            "".join(f"{value}  {name}\n" for name, value in sums.items()), encoding="ascii"
        )
        fresh.chmod(0o755)
        _swap(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sums


def _swap(fresh: Path, folder: Path) -> None:
    old = fresh.with_name(f"{fresh.name}-old")
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
