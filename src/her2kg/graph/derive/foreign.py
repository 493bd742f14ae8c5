"""A class of somebody else's ontology, placed under our alterations by its own definition.

The other ontology may subclass our terms or define its classes by our properties; it is read beside the
module that it imports, and the reasoner says what its class falls under.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rdflib import Graph, URIRef
from rdflib.namespace import OWL, RDF, RDFS, SKOS

from her2kg.errors import BuildMissingError, InputError, NotationError, shortened
from her2kg.graph.derive.reasoning import logical_part
from her2kg.model.layout import module_file
from her2kg.model.namespaces import HER2
from her2kg.reasoner import Ontology
from her2kg.sparql.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path


class Placed(NamedTuple):
    """A foreign class: its name by language, and the most specific of our alterations above it."""

    names: dict[str, str]
    things: tuple[str, ...]


def place(build: Path, file: Path, name: str) -> Placed:
    """Place the class of that IRI, label or local name.

    Raises InputError when the file cannot be read or reasoned over, NotationError when it has no such
    class, when the class can have no member, or when it falls under none of our alterations.
    """
    ours = build / module_file("ontology", "nt")
    if not ours.is_file():
        raise BuildMissingError(f"{ours} is missing", "run `her2kg build` first")
    theirs = _read(file)
    merged = _read(ours) + theirs
    found = _named(theirs, merged, name, file)
    part = logical_part(merged, merged)
    for node, kind in theirs.subject_objects(RDF.type):
        if (kind, RDF.type, OWL.Class) in merged:
            part.add((node, RDF.type, OWL.NamedIndividual))
            part.add((node, RDF.type, kind))
    with Ontology(part.serialize(format="nt")) as reasoner:
        classified = reasoner.classify()
    if not classified.consistent:
        raise InputError(f"{file} contradicts the ontology that it imports", "mend its axioms")
    if str(found) in classified.unsatisfiable:
        raise NotationError(f"{name!r} can have no member", f"mend its definition in {file}")
    same = next((group for group in classified.equivalent if str(found) in group), (str(found),))
    above = {wider for one in same for wider in (*classified.wider(one), *same)} - {str(found)}
    alterations = {wider for wider in above if (URIRef(wider), RDF.type, HER2.AlterationCategory) in merged}
    things = {
        thing
        for thing in alterations
        if not any(thing in classified.wider(other) for other in alterations - {thing})
    }
    if not things:
        raise NotationError(
            f"{name!r} falls under no alteration of the graph",
            "define it by a kind of alteration and by the gene, exon or domain that it affects",
        )
    return Placed(_names(merged, found), tuple(sorted(things)))


def _read(file: Path) -> Graph:
    engine = Engine()
    engine.add_file(file)
    return Graph().parse(data=engine.text("application/n-triples"), format="nt")


def _named(theirs: Graph, merged: Graph, name: str, file: Path) -> URIRef:
    """Find the one class of the other ontology that is meant."""
    wanted = name.strip().casefold()
    classes = [node for node in theirs.subjects(RDF.type, OWL.Class) if isinstance(node, URIRef)]
    found = [
        node
        for node in classes
        if wanted in {str(node).casefold(), str(node).replace("/", "#").rpartition("#")[2].casefold()}
        or wanted in {str(label).casefold() for label in _labels(merged, node)}
    ]
    if len(found) != 1:
        known = ", ".join(sorted(str(node) for node in (found or classes))[:5])
        what = "several classes are" if found else "no class is"
        raise NotationError(f"{what} named {shortened(name)!r} in {file}", f"give an IRI: {known}")
    return found[0]


def _labels(graph: Graph, node: URIRef) -> list[object]:
    return [*graph.objects(node, RDFS.label), *graph.objects(node, SKOS.altLabel)]


def _names(graph: Graph, node: URIRef) -> dict[str, str]:
    by_language = {str(label.language or "en"): str(label) for label in graph.objects(node, RDFS.label)}  # type: ignore[attr-defined]
    fallback = by_language.get("en") or next(iter(by_language.values()), str(node))
    return {"en": fallback, "zh": by_language.get("zh", fallback)}
