"""What follows by OWL 2 EL: the wider classes of entities, and values through property chains.

The reasoner sees the class part of the ontology and the entities, never statements: their number would
cost time and nothing that it derives hangs on them. Ranges are left to the DL gate of the tests, since
ELK's procedure is incomplete for ranges of properties that have values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import Graph, URIRef
from rdflib.namespace import OWL, RDF, RDFS

from her2kg.errors import Fault, NotConformError
from her2kg.model.namespaces import HER2
from her2kg.reasoner import Ontology, values

if TYPE_CHECKING:
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
    if faults := _faults(found):
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


def _faults(found: Classification) -> list[Fault]:
    """Say what of a classification must not be published."""

    def fault(iri: str, problem: str) -> Fault:
        return Fault(
            "ontology/her2kg.ttl",
            0,
            "",
            iri,
            problem,
            "mend its axioms or the row that defines it",
            "owl-2-el",
        )

    if not found.consistent:
        return [fault("", "the ontology contradicts itself")]
    faults = [fault(iri, "the class can have no member") for iri in found.unsatisfiable]
    faults += [fault(" ".join(names), "the classes have the same members") for names in found.equivalent]
    return faults
