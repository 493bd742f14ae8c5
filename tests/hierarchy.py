"""What lies above what, and which genes an alteration changes, as the reasoner finds it from the tables.

The tests of the conflict rules take it as given: they are about conflicts, and the reasoner has tests of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rdflib import URIRef
from rdflib.namespace import RDF, RDFS

from her2kg.graph.build import read_ontology
from her2kg.graph.derive.derivation import derive
from her2kg.graph.derive.reasoning import reason
from her2kg.graph.make.class_axioms import class_axioms
from her2kg.graph.make.mapping import map_tables
from her2kg.model.namespaces import HER2
from her2kg.model.queries import read_query
from her2kg.model.records import SHARED_TABLES, Alteration, Disease
from her2kg.model.rows import Row, Tables
from tests.conftest import ROOT

if TYPE_CHECKING:
    from rdflib import Graph


@dataclass
class Hierarchy:
    """Next wider things and all wider things by slug, and changed genes by slug of an alteration."""

    next_wider: dict[str, set[str]] = field(default_factory=dict)
    wider: dict[str, set[str]] = field(default_factory=dict)
    genes: dict[str, set[str]] = field(default_factory=dict)


def hierarchy(tables: Tables) -> dict[str, Hierarchy]:
    """Give the hierarchy of alterations and that of diseases."""
    return _hierarchy(tuple(row for kind in SHARED_TABLES for row in tables.of(kind)))


def derived(tables: Tables) -> Graph:
    """Give what is inferred of the entities before the rules of conflicts run."""
    asserted = map_tables(tables).graph
    ontology = read_ontology(ROOT) + class_axioms(tables)
    early = derive([ontology, asserted], [read_query(ROOT / "ontology" / "rules" / "00-within-domain.rq")])
    return early + reason(ontology, asserted + early)


@lru_cache(maxsize=8)
def _hierarchy(rows: tuple[Row[Any], ...]) -> dict[str, Hierarchy]:
    tables = Tables()
    for row in rows:
        tables.rows[type(row.record)].append(row)
    asserted = map_tables(tables).graph
    known = asserted + derived(tables)
    found = {}
    for kind, category in ((Alteration, HER2.AlterationCategory), (Disease, HER2.DiseaseCategory)):
        members = sorted({node for node in known.subjects(RDF.type, category) if isinstance(node, URIRef)})
        part = found[kind.TYPE] = Hierarchy()
        for node in members:
            slug = _slug(node)
            part.next_wider[slug] = {
                _slug(wide) for wide in known.objects(node, RDFS.subClassOf) if wide in members
            }
            above = set(known.transitive_objects(node, RDFS.subClassOf)) - {node}
            part.wider[slug] = {_slug(wide) for wide in above & set(members)}
            part.genes[slug] = {_slug(gene) for gene in known.objects(node, HER2.affectsGene)}
    return found


def _slug(node: object) -> str:
    return str(node).rpartition("/")[2]
