"""Describe the graph in the graph: VoID counts, licence, distributions and the questions as queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, RDF, RDFS, SH, VOID

from her2kg.model.namespaces import DATASET, GRAPHS, HER2, ONTOLOGY, thing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from her2kg.model.queries import Query

LICENCE = URIRef("https://creativecommons.org/licenses/by/4.0/")
_DISTRIBUTIONS = {
    "her2kg.ttl": "text/turtle",
    "her2kg.nt": "application/n-triples",
    "her2kg.rdf": "application/rdf+xml",
    "her2kg.nq": "application/n-quads",
    "her2kg.trig": "application/trig",
    "her2kg.jsonld": "application/ld+json",
    "alignments.sssom.tsv": "text/tab-separated-values",
    "context.jsonld": "application/ld+json",
    "prefix.json": "application/json",
}


def describe(graphs: Mapping[str, Graph], questions: Iterable[Query], version: str, modified: date) -> Graph:
    """Give the metadata graph: what is there, how much, under which licence, and what can be asked."""
    described = Graph()
    described += _dataset(graphs, version, modified)
    for query in questions:
        node = thing("question", query.name)
        described.add((node, RDF.type, SH.SPARQLExecutable))
        described.add((node, RDF.type, SH.SPARQLSelectExecutable))
        described.add((node, SH.select, Literal(query.text)))
        described.add((node, DCTERMS.identifier, Literal(query.name)))
        for language, words in query.question.items():
            described.add((node, RDFS.label, Literal(words, lang=language)))
        described.add((DATASET, VOID.exampleResource, node))
    return described


def _dataset(graphs: Mapping[str, Graph], version: str, modified: date) -> Graph:
    described = Graph()
    described.add((DATASET, RDF.type, VOID.Dataset))
    described.add((DATASET, RDF.type, DCAT.Dataset))
    described.add(
        (
            DATASET,
            DCTERMS.title,
            Literal("her2kg: HER2 in non-small-cell lung cancer, claim by claim", lang="en"),
        )
    )
    described.add((DATASET, DCTERMS.title, Literal("her2kg：HER2与非小细胞肺癌，逐条论断", lang="zh")))
    described.add((DATASET, DCTERMS.license, LICENCE))
    described.add((DATASET, DCTERMS.creator, Literal("her2kg contributors")))
    described.add((DATASET, DCTERMS.hasVersion, Literal(version)))
    described.add((DATASET, DCTERMS.modified, Literal(modified)))
    described.add((DATASET, VOID.vocabulary, ONTOLOGY))
    for name, media_type in _DISTRIBUTIONS.items():
        node = thing("distribution", name.replace(".", "-"))
        described.add((DATASET, DCAT.distribution, node))
        described.add((node, RDF.type, DCAT.Distribution))
        described.add((node, DCTERMS.title, Literal(name)))
        described.add(
            (node, DCAT.mediaType, URIRef(f"https://www.iana.org/assignments/media-types/{media_type}"))
        )
    for name, graph in sorted(graphs.items()):
        described.add((DATASET, VOID.subset, GRAPHS[name]))
        described.add((GRAPHS[name], RDF.type, VOID.Dataset))
        described.add((GRAPHS[name], VOID.triples, Literal(len(graph))))
    described.add((GRAPHS["asserted"], VOID.entities, Literal(len(set(graphs["asserted"].subjects())))))
    statements = len(set(graphs["asserted"].subjects(RDF.type, HER2.Statement)))
    partition = thing("partition", "statement")
    described.add((GRAPHS["asserted"], VOID.classPartition, partition))
    described.add((partition, RDF.type, VOID.Dataset))
    described.add((partition, VOID["class"], HER2.Statement))
    described.add((partition, VOID.entities, Literal(statements)))
    return described
