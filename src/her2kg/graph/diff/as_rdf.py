"""Describe the differences between two versions in RDF, so that a program can read them.

The description is a ``prov:Entity`` derived from both versions. Its parts are change sets
(http://purl.org/vocab/changeset/schema), one for each term, claim or subject of an axiom that differs, with
the triples that came and went as ``rdf:Statement``; what differs in a figure or proposition is a change set
that is part of that of its claim. Blank nodes are numbered in a stable order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, OWL, PROV, RDF, RDFS
from rdflib.util import from_n3

from her2kg.model.namespaces import CS, HER2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rdflib.term import Node

    from her2kg.graph.diff.differences import Axiom, Change, Comparison, Fact, Triple, Version


def describe(found: Comparison) -> Graph:
    """Give the description of a comparison; without differences it has no change sets."""
    return _Description(found).graph


class _Description:
    def __init__(self, found: Comparison) -> None:
        self.graph = Graph()
        self._numbers: dict[str, int] = defaultdict(int)
        self._whole = BNode("difference")
        self._versions(found.old, found.new)
        told: set[Fact] = set()
        for change in (*found.terms, *found.claims):
            self._change(change, found, told)
        # By subject: a class with three new axioms has one change set.
        sides: dict[Node, dict[URIRef, list[Triple]]] = defaultdict(lambda: defaultdict(list))
        for verb, axioms in ((CS.removal, found.removed_axioms), (CS.addition, found.added_axioms)):
            for axiom in axioms:
                triples = self._renamed(axiom)
                sides[_root(triples)][verb] += triples
        for subject, verbs in sides.items():
            changeset = self._changeset(subject, self._whole)
            for verb, triples in verbs.items():
                self._triples(changeset, verb, triples)

    def _versions(self, old: Version, new: Version) -> None:
        self.graph.add((self._whole, RDF.type, PROV.Entity))
        nodes = []
        for side, version in (("old", old), ("new", new)):
            node = BNode(side)
            nodes.append(node)
            self.graph.add((self._whole, PROV.wasDerivedFrom, node))
            self.graph.add((node, RDF.type, PROV.Entity))
            self.graph.add((node, RDFS.label, Literal(version.name)))
            self.graph.add((node, HER2.sha256, Literal(version.sha256)))
            if version.number:
                self.graph.add((node, OWL.versionInfo, Literal(version.number)))
        self.graph.add((nodes[1], PROV.wasRevisionOf, nodes[0]))

    def _change(self, change: Change, found: Comparison, told: set[Fact]) -> None:
        thing = URIRef(change.thing)
        changeset = self._changeset(thing, self._whole)
        parts: dict[str, BNode] = {change.thing: changeset}
        for verb, facts in ((CS.removal, change.removed), (CS.addition, change.added)):
            for fact in sorted(facts):
                # Claims share propositions: what another claim still says has neither come nor gone.
                if fact in found.kept or fact in told:
                    continue
                told.add(fact)
                if fact.about not in parts:
                    parts[fact.about] = self._changeset(URIRef(fact.about), changeset)
                self._triples(parts[fact.about], verb, [_triple(fact)])

    def _changeset(self, subject: Node, whole: BNode) -> BNode:
        node = self._blank("change")
        self.graph.add((node, RDF.type, CS.ChangeSet))
        self.graph.add((node, CS.subjectOfChange, subject))
        self.graph.add((node, DCTERMS.isPartOf, whole))
        return node

    def _triples(self, changeset: BNode, verb: URIRef, triples: Iterable[Triple]) -> None:
        for subject, property_, value in triples:
            node = self._blank("triple")
            self.graph.add((changeset, verb, node))
            self.graph.add((node, RDF.type, RDF.Statement))
            self.graph.add((node, RDF.subject, subject))
            self.graph.add((node, RDF.predicate, property_))
            self.graph.add((node, RDF.object, value))

    def _renamed(self, axiom: Axiom) -> list[Triple]:
        """Give the triples of an axiom with blank nodes of its own: canonical names hold for it alone."""
        names: dict[Node, BNode] = {}
        triples = []
        for triple in sorted(axiom.triples, key=lambda triple: [term.n3() for term in triple]):
            subject, property_, value = triple
            for node in (subject, value):
                if isinstance(node, BNode) and node not in names:
                    names[node] = self._blank("node")
            triples.append((names.get(subject, subject), property_, names.get(value, value)))
        return triples

    def _blank(self, kind: str) -> BNode:
        self._numbers[kind] += 1
        return BNode(f"{kind}{self._numbers[kind]:06d}")


def _root(triples: list[Triple]) -> Node:
    """Give the subject that an axiom is about: a name, or the blank node to which nothing leads."""
    reached = {value for _, _, value in triples}
    subjects = sorted(
        {triple[0] for triple in triples},
        key=lambda node: (isinstance(node, BNode), node in reached, str(node)),
    )
    return subjects[0]


def _triple(fact: Fact) -> Triple:
    value = from_n3(fact.value)  # a str only for an empty text, which no fact has
    return URIRef(fact.about), URIRef(fact.property), cast("Node", value)
