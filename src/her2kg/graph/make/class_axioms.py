"""Records to class axioms: what it takes to be an alteration, a drug class or a disease of the tables.

A row whose column ``defined`` is true becomes an equivalence of its genus with the places, criteria and
other marks that its cells name; any other row becomes the same as necessary conditions. All are in OWL 2
EL and RL: named classes and ``hasValue``. Restrictions have to be blank nodes (OWL 2 Mapping to RDF Graphs,
section 2); their names are made of the row, so that two builds give the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rdflib import BNode, Graph, URIRef
from rdflib.namespace import OWL, RDF, RDFS

from her2kg.model.columns import column
from her2kg.model.namespaces import HER2, term, thing, token
from her2kg.model.records import Alteration, Disease, Drug, DrugClass
from her2kg.model.vocabulary import KIND_CLASSES, Token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rdflib.term import Node

    from her2kg.model.records import Entity
    from her2kg.model.rows import Tables

#: Columns that mark members of a class, most telling first.
_MARKS: dict[type[Entity], tuple[str, ...]] = {
    Alteration: ("exon", "domain", "genes", "assays", "criteria", "origin"),
    Disease: ("site", "morphology"),
    Drug: ("targets", "reversibility"),
    DrugClass: ("targets", "reversibility"),
}


@dataclass(frozen=True)
class Mark:
    """A restriction: every member has this value of the property."""

    prop: URIRef
    value: URIRef


def class_axioms(tables: Tables) -> Graph:
    """Give the class axioms of all rows, and declare each class so that the graph stands by itself."""
    graph = Graph()
    for kind in _MARKS:
        for row in tables.of(kind):
            _define(graph, row.record)
    return graph


def marks(record: Entity) -> list[Mark]:
    """Give the restrictions that the cells of a row name.

    An alteration that names several genes is said of any of them, which is no condition in EL: none is given.
    """
    found: list[Mark] = []
    for name in _MARKS[type(record)]:
        what = column(type(record).model_fields[name])
        value = getattr(record, name)
        values = value if isinstance(value, tuple) else (value,) if value is not None else ()
        if name == "genes" and len(values) > 1:
            continue
        prop = term(what.prop)
        found.extend(
            Mark(prop, token(item) if isinstance(item, Token) else thing(what.refs[0], item))
            for item in values
        )
    return found


def genus(record: Entity) -> URIRef:
    """Give the named class that a row falls under: the kind of an alteration, else parent or root."""
    if isinstance(record, Alteration):
        return HER2[KIND_CLASSES[record.kind]]
    parent = getattr(record, "parent", None)
    return thing(record.TYPE, parent) if parent else HER2[record.ROOT]


def _define(graph: Graph, record: Entity) -> None:
    node = thing(record.TYPE, record.id)
    name = f"{record.TYPE}-{record.id}"
    graph.add((node, RDF.type, OWL.Class))
    conditions = [_restriction(graph, f"{name}-{number}", mark) for number, mark in enumerate(marks(record))]
    if getattr(record, "defined", False) and conditions:
        whole = BNode(f"{name}-whole")
        parts = _list(graph, f"{name}-part", [genus(record), *conditions])
        graph.add((node, OWL.equivalentClass, whole))
        graph.add((whole, RDF.type, OWL.Class))
        graph.add((whole, OWL.intersectionOf, parts))
    else:
        for condition in conditions:
            graph.add((node, RDFS.subClassOf, condition))
    if isinstance(record, Alteration):
        for number, criterion in enumerate(record.meets):
            met = Mark(HER2.criterion, thing("criterion", criterion))
            graph.add((node, RDFS.subClassOf, _restriction(graph, f"{name}-meets-{number}", met)))


def _restriction(graph: Graph, name: str, mark: Mark) -> BNode:
    node = BNode(name)
    graph.add((node, RDF.type, OWL.Restriction))
    graph.add((node, OWL.onProperty, mark.prop))
    graph.add((node, OWL.hasValue, mark.value))
    return node


def _list(graph: Graph, name: str, items: Iterable[Node]) -> Node:
    """Write an RDF list whose cells are named by their place."""
    cells = [(BNode(f"{name}-{number}"), item) for number, item in enumerate(items)]
    for (cell, item), (rest, _) in zip(cells, [*cells[1:], (RDF.nil, RDF.nil)], strict=True):
        graph.add((cell, RDF.first, item))
        graph.add((cell, RDF.rest, rest))
    return cells[0][0]
