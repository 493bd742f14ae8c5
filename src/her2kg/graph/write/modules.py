"""The modules that other ontologies import, each complete in itself.

``ontology-base`` holds our own terms only; ``ontology`` adds the entities that they speak of (alterations,
genes, drugs, diseases, assays, ... with their class axioms), which is what a foreign variant class needs;
``ontology-inferred`` adds what the EL reasoner derives. Statements are in none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import Graph, URIRef
from rdflib.namespace import OWL, RDF, RDFS

from her2kg.model.namespaces import HER2, MODULES, ONTOLOGY

if TYPE_CHECKING:
    from rdflib.term import Node

#: Classes whose members, and those of their subclasses, are entities of the ontology.
_ENTITIES = (HER2.BiologicalEntity, HER2.Category, HER2.Criterion, HER2.VocabularyTerm)


def modules(base: Graph, ontology: Graph, asserted: Graph, inferred: Graph) -> dict[str, Graph]:
    """Give the modules by name: the edit file, it with entities and axioms, and that with what follows."""
    entities = _entities(base, asserted)
    described = _described(asserted, entities)
    # A rule reads off the residues which exon lies in which domain; without it no definition reaches far.
    for triple in inferred.triples((None, HER2.withinDomain, None)):
        described.add(triple)
    derived = Graph()
    for triple in inferred:
        if triple[0] in entities and isinstance(triple[2], URIRef) and triple[1] != RDF.type:
            derived.add(triple)
    whole = ontology + described
    return {
        "ontology-base": _headed(base, "ontology-base"),
        "ontology": _headed(whole, "ontology"),
        "ontology-inferred": _headed(whole + derived, "ontology-inferred"),
    }


def _entities(base: Graph, asserted: Graph) -> set[Node]:
    kinds = {kind for root in _ENTITIES for kind in base.transitive_subjects(RDFS.subClassOf, root)}
    return {node for kind in kinds for node in asserted.subjects(RDF.type, kind)}


def _described(asserted: Graph, entities: set[Node]) -> Graph:
    """Give what is said of entities, as far as it leads to no other kind of thing."""
    described = Graph()
    for entity in entities:
        described.add((entity, RDF.type, OWL.NamedIndividual))
        for triple in asserted.triples((entity, None, None)):
            obj = triple[2]
            own = isinstance(obj, URIRef) and "/her2kg/id/" in obj
            if not own or obj in entities or triple[1] == RDF.type:
                described.add(triple)
    return described


def _headed(graph: Graph, name: str) -> Graph:
    """Give the graph with the header of the module in the place of that of the edit file."""
    iri = MODULES[name]
    version = str(graph.value(ONTOLOGY, OWL.versionIRI))
    headed = Graph()
    for subject, predicate, obj in graph:
        headed.add((iri if subject == ONTOLOGY else subject, predicate, obj))
    if iri != ONTOLOGY:
        headed.set((iri, OWL.versionIRI, URIRef(f"{version}/{str(iri).rpartition('/')[2]}")))
    return headed
