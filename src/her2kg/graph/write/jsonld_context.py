"""What others need to write and read our names: a JSON-LD context and the record of our preferred prefix.

Both are made of the ontology and the one prefix map. The context is one of JSON-LD 1.1; it names properties
by their CURIEs, since a word like ``direction`` is a prefix already. The record has the fields that
Bioregistry wants of a new prefix.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rdflib import Literal
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SKOS, VANN, XSD

from her2kg.model.layout import CONTEXT, PREFIX_RECORD
from her2kg.model.namespaces import ONTOLOGY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rdflib import Graph
    from rdflib.term import Node

#: Texts in both languages, under short names of their own.
_TEXTS = {"label": RDFS.label, "definition": SKOS.definition, "synonym": SKOS.altLabel}
#: Properties of the languages themselves, which the ontology need not declare, and mappings, whose values are
#: things.
_LINKS = (
    RDF.type, RDFS.subClassOf, RDFS.isDefinedBy, SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch,
    SKOS.narrowMatch, SKOS.relatedMatch,
)  # fmt: skip


def documents(ontology: Graph, prefixes: Mapping[str, str]) -> dict[str, bytes]:
    """Give the bytes of both files by their names."""
    return {CONTEXT: _written(_context(ontology, prefixes)), PREFIX_RECORD: _written(_record(ontology))}


def _written(content: dict[str, Any]) -> bytes:
    return f"{json.dumps(content, ensure_ascii=False, indent=1)}\n".encode()


def _context(ontology: Graph, prefixes: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"@version": 1.1, "id": "@id", "type": "@type", **prefixes}
    for name, prop in _TEXTS.items():
        said[name] = {"@id": str(prop), "@container": "@language"}
    terms = dict(_terms(ontology))
    for prop in _LINKS:
        terms[str(prop)] = {"@type": "@id"}
    for iri, how in sorted(terms.items()):
        name = _curie(iri, prefixes)
        if name and how and iri not in map(str, _TEXTS.values()):
            said[name] = {"@id": iri, **how}
    return {"@context": said}


def _terms(ontology: Graph) -> Iterator[tuple[str, dict[str, str]]]:
    """Give how the values of each property are to be read."""
    for prop in ontology.subjects(RDF.type, OWL.ObjectProperty):
        yield str(prop), {"@type": "@id"}
    for kind in (OWL.DatatypeProperty, OWL.AnnotationProperty):
        for prop in ontology.subjects(RDF.type, kind):
            yield str(prop), _literals(ontology.value(prop, RDFS.range))


def _literals(values: Node | None) -> dict[str, str]:
    if values == RDF.langString:
        return {"@container": "@language"}
    # A plain string of JSON is an xsd:string already; of what has no range nothing can be said.
    if values is None or values == XSD.string:
        return {}
    return {"@type": str(values)}


def _curie(iri: str, prefixes: Mapping[str, str]) -> str:
    """Give an IRI as a CURIE; empty when no prefix is its namespace."""
    start = max(iri.rfind("#"), iri.rfind("/")) + 1
    return next(
        (f"{name}:{iri[start:]}" for name, namespace in prefixes.items() if namespace == iri[:start]), ""
    )


def _record(ontology: Graph) -> dict[str, Any]:
    def said(prop: Node, language: str | None = None) -> str:
        """Give the one value of a property of the ontology, in a language if it is a text."""
        values = (str(value) for value in ontology.objects(ONTOLOGY, prop) if _in(value, language))
        return next(values)

    prefix = said(VANN.preferredNamespacePrefix)
    return {
        prefix: {
            "prefix": prefix,
            "preferred_prefix": prefix,
            "name": said(DCTERMS.title, "en"),
            "description": said(DCTERMS.description, "en"),
            "homepage": str(ONTOLOGY),
            "uri_format": f"{said(VANN.preferredNamespaceUri)}$1",
            "pattern": "^[A-Za-z][A-Za-z0-9]*$",
            "example": "Statement",
            "license": said(DCTERMS.license),
            "version": said(OWL.versionInfo),
            "keywords": ["HER2", "ERBB2", "non-small cell lung cancer", "evidence", "ontology"],
        }
    }


def _in(value: Node, language: str | None) -> bool:
    return (value.language if isinstance(value, Literal) else None) == language
