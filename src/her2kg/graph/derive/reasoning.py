"""What follows by OWL 2 EL: the wider classes of entities, and values through property chains.

The reasoner sees the class part of the ontology and the entities, never statements: their number would
cost time and nothing that it derives hangs on them. Ranges are left to the DL gate of the tests, since
ELK's procedure is incomplete for ranges of properties that have values.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from rdflib import Graph, URIRef
from rdflib.collection import Collection
from rdflib.namespace import OWL, RDF, RDFS

from her2kg.errors import Fault, NotConformError
from her2kg.model.namespaces import HER2
from her2kg.reasoner import Ontology, values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from her2kg.reasoner import Classification

#: What of the ontology language the reasoner takes into account.
_LOGICAL = frozenset({
    RDFS.subClassOf, RDFS.subPropertyOf, RDFS.domain, RDF.first, RDF.rest, OWL.equivalentClass,
    OWL.intersectionOf, OWL.onProperty, OWL.hasValue, OWL.someValuesFrom, OWL.disjointWith, OWL.members,
    OWL.propertyChainAxiom,
})  # fmt: skip
_TYPES = frozenset({
    OWL.Class, OWL.ObjectProperty, OWL.NamedIndividual, OWL.Restriction, OWL.AllDisjointClasses,
    OWL.TransitiveProperty,
})  # fmt: skip
#: Properties whose values follow through chains, with the classes of what may be a value.
_CHAINED: dict[URIRef, tuple[URIRef, ...]] = {
    HER2.affectsDomain: (HER2.ProteinDomain,),
    HER2.affectsGene: (HER2.Gene,),
    HER2.affectsPathway: (HER2.Pathway,),
    HER2.assay: (HER2.AssayCategory,),
    HER2.criterion: (HER2.Criterion,),
    HER2.morphology: (HER2.Morphology,),
    HER2.participatesIn: (HER2.Pathway,),
    HER2.partOf: (HER2.AnatomicalSite, HER2.Morphology, HER2.Pathway),
    HER2.site: (HER2.AnatomicalSite,),
    HER2.withinDomain: (HER2.ProteinDomain,),
}
#: Facts of entities that the reasoner sees.
_FACTS = frozenset({*_CHAINED, HER2.affectsExon, HER2.gene, HER2.implies, HER2.target, HER2.reversibility})
#: Nodes whose facts it does not see.
_NO_ENTITIES = frozenset({HER2.Statement, HER2.Measurement})


def logical_part(ontology: Graph, entities: Graph) -> Graph:
    """Give what the reasoner takes into account: axioms of classes and facts of entities.

    Data and annotation properties are left out, and whatever is said of statements.
    """
    part = Graph()
    other = {
        prop
        for kind in (OWL.DatatypeProperty, OWL.AnnotationProperty)
        for prop in ontology.subjects(RDF.type, kind)
    }
    for subject, predicate, obj in ontology:
        known = predicate in _LOGICAL or (predicate == RDF.type and obj in _TYPES)
        if known and subject not in other and obj not in other:
            part.add((subject, predicate, obj))
    skipped = {node for kind in _NO_ENTITIES for node in entities.subjects(RDF.type, kind)}
    named = set()
    for predicate in _FACTS:
        for subject, obj in entities.subject_objects(predicate):
            if subject not in skipped:
                named.update({subject, obj})
                part.add((subject, predicate, obj))
    for narrower, wider in entities.subject_objects(RDFS.subClassOf):
        part.add((narrower, RDFS.subClassOf, wider))
    for node in named:
        part.add((node, RDF.type, OWL.NamedIndividual))
        for kind in entities.objects(node, RDF.type):
            if (kind, RDF.type, OWL.Class) in ontology:
                part.add((node, RDF.type, kind))
    return part


def reason(ontology: Graph, entities: Graph) -> Graph:
    """Give what follows and is not asserted: next wider classes, and values through chains.

    Raises InputError when the ontology goes beyond EL, NotConformError when nothing can be true, a class
    can have no member, or classes fall together.
    """
    part = logical_part(ontology, entities).serialize(format="nt")
    with Ontology(part) as reasoner:
        found = reasoner.classify()
    if faults := _faults(found, ontology, part):
        raise NotConformError(faults)
    inferred = Graph()
    for narrower, wider in found.direct:
        inferred.add((URIRef(narrower), RDFS.subClassOf, URIRef(wider)))
    wanted = (
        (str(prop), str(value))
        for prop, kinds in _CHAINED.items()
        for kind in kinds
        for value in entities.subjects(RDF.type, kind)
        if isinstance(value, URIRef)
    )
    for triple in values(part, wanted):
        subject, prop, value = map(URIRef, triple)
        inferred.add((subject, prop, value))
    inferred -= entities
    inferred -= ontology
    return inferred


def _faults(found: Classification, ontology: Graph, part: str) -> list[Fault]:
    """Say what of a classification must not be published, and of an empty class why it is empty."""
    remedy = "mend its axioms or the row that defines it"

    def fault(iri: str, problem: str) -> Fault:
        return Fault("ontology/her2kg.ttl", 0, "", iri, problem, remedy, "owl-2-el")

    if not found.consistent:
        return [fault("", "the ontology contradicts itself")]
    why = _why_empty(found.unsatisfiable, ontology, part) if found.unsatisfiable else {}
    faults = [fault(iri, f"the class can have no member{why.get(iri, '')}") for iri in found.unsatisfiable]
    faults += [fault(" ".join(names), "the classes have the same members") for names in found.equivalent]
    return faults


def _why_empty(names: Iterable[str], ontology: Graph, part: str) -> dict[str, str]:
    """Say in words, for each class that can have no member, under which disjoint classes it falls.

    The classes above it are those that follow when nothing is disjoint; nothing is said of one that is
    empty for another reason.
    """
    without = Graph().parse(data=part, format="nt")
    apart = _disjoint(without)
    without.remove((None, OWL.disjointWith, None))
    for node in list(without.subjects(RDF.type, OWL.AllDisjointClasses)):
        without.remove((node, None, None))
    with Ontology(without.serialize(format="nt")) as reasoner:
        found = reasoner.classify()
    said = {}
    for name in names:
        above = sorted({name, *found.wider(name)})
        pairs = [pair for pair in combinations(above, 2) if frozenset(pair) in apart]
        if pairs:
            both = " and ".join(_label(ontology, iri) for iri in pairs[0])
            said[name] = f": it falls under both {both}, which share none"
    return said


def _disjoint(graph: Graph) -> set[frozenset[str]]:
    """Give the pairs of classes that are said to have no member in common."""
    groups = [[one, other] for one, other in graph.subject_objects(OWL.disjointWith)]
    for node in graph.subjects(RDF.type, OWL.AllDisjointClasses):
        groups += [list(Collection(graph, members)) for members in graph.objects(node, OWL.members)]
    return {frozenset(map(str, pair)) for group in groups for pair in combinations(group, 2)}


def _label(ontology: Graph, iri: str) -> str:
    labels = ontology.objects(URIRef(iri), RDFS.label)
    return next((str(label) for label in labels if getattr(label, "language", "") == "en"), iri)
