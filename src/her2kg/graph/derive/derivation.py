"""Derive what the tables imply: each rule a CONSTRUCT in ``ontology/rules/``, run in the order of the names.

What a rule makes goes into the inferred graph and says which rule made it; nothing asserted is changed.
Triples whose predicate is in ``rule:`` only help later rules: they are dropped at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import PROV, RDF, RDFS

from her2kg.errors import InputError, QueryError
from her2kg.model.namespaces import HER2, rule
from her2kg.sparql.engine import Engine, Triples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from her2kg.model.queries import Query

#: Classes whose nodes only rules make; each node says by which rule.
_WORKING = str(rule(""))
DERIVED = (HER2.Conflict,)


def derive(known: Iterable[Graph], rules: Iterable[Query]) -> Graph:
    """Run the rules over the union of the graphs; a later rule sees what an earlier one derived."""
    engine = Engine()
    for graph in known:
        engine.add_text(graph.serialize(format="nt"), "application/n-triples")
    inferred = Graph()
    for query in rules:
        try:
            answer = engine.query(query.text)
        except QueryError as error:
            raise InputError(f"the rule {query.name}: {error.problem}", error.remedy) from error
        if not isinstance(answer, Triples):
            raise InputError(f"the rule {query.name} is no CONSTRUCT", "write it as CONSTRUCT")
        made = Graph().parse(data=answer.text("application/n-triples"), format="nt")
        node = rule(query.name)
        for kind in DERIVED:
            for subject in list(made.subjects(RDF.type, kind)):
                made.add((subject, PROV.wasGeneratedBy, node))
        made.add((node, RDF.type, PROV.Activity))
        for language, words in query.summary.items():
            made.add((node, RDFS.label, Literal(words, lang=language)))
        engine.add_text(made.serialize(format="nt"), "application/n-triples")
        inferred += made
    for subject, predicate, obj in list(inferred):
        if str(predicate).startswith(_WORKING):
            inferred.remove((subject, predicate, obj))
    return inferred


def names(graph: Graph) -> list[URIRef]:
    """Name the rules that made something in an inferred graph, sorted."""
    return sorted({maker for maker in graph.objects(None, PROV.wasGeneratedBy) if isinstance(maker, URIRef)})
