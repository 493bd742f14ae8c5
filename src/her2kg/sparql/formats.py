"""The formats of RDF graphs and of SPARQL results, once: names, media types, file endings, and their use.

Nothing here needs the engine, so that the command line starts fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Format:
    """A format: ``name`` is its short name in an option or parameter, ``ending`` that of a file, without dot.

    ``label`` is for people, ``iri`` names the format in a service description. ``aliases`` are other words
    that people write for it, in lower case.
    """

    name: str
    media_type: str
    ending: str
    label: str
    iri: str
    aliases: tuple[str, ...] = ()
    #: Words for a format of the other family that this one comes nearest to.
    counterparts: tuple[str, ...] = ()
    #: Of graphs: whether it keeps named graphs apart, and whether the engine shortens IRIs in it by prefixes
    #: (RDF/XML would get elements without a name).
    named_graphs: bool = False
    prefixes: bool = False
    #: Of results: whether it can hold the answer of an ASK.
    truth: bool = False


_W3C = "http://www.w3.org/ns/formats/"


def _by_name(formats: Iterable[Format]) -> Mapping[str, Format]:
    return {known.name: known for known in formats}


#: Formats of graphs by their short names, best first. A word that both families have, such as ``xml``, means
#: the format of the family that fits the query.
GRAPH_FORMATS = _by_name((
    Format(
        "ttl", "text/turtle", "ttl", "Turtle", f"{_W3C}Turtle",
        # N3 is a superset of Turtle: who reads it reads Turtle.
        (
            "turtle", "application/turtle", "application/x-turtle", "n3", "text/n3", "application/n3",
            "text/rdf+n3",
        ),
        prefixes=True,
    ),
    Format(
        "nt", "application/n-triples", "nt", "N-Triples", f"{_W3C}N-Triples",
        ("n-triples", "ntriples", "text/ntriples", "text/plain"),
    ),
    Format(
        "rdf", "application/rdf+xml", "rdf", "RDF/XML", f"{_W3C}RDF_XML",
        ("rdf+xml", "rdf/xml", "rdfxml", "xml", "application/xml", "text/xml"),
        ("sparql-results+xml", "application/sparql-results+xml"),
    ),
    Format(
        "jsonld", "application/ld+json", "jsonld", "JSON-LD", f"{_W3C}JSON-LD",
        ("json-ld", "ld+json", "json", "application/json", "application/x-json+ld"),
        ("sparql-results+json", "application/sparql-results+json"),
        named_graphs=True,
    ),
    Format(
        "nq", "application/n-quads", "nq", "N-Quads", f"{_W3C}N-Quads",
        ("n-quads", "nquads", "text/x-nquads"),
        named_graphs=True,
    ),
    Format(
        "trig", "application/trig", "trig", "TriG", f"{_W3C}TriG",
        ("application/x-trig",),
        named_graphs=True, prefixes=True,
    ),
))  # fmt: skip

#: Formats of tables and truth values by their short names, best first.
RESULT_FORMATS = _by_name((
    Format(
        "json", "application/sparql-results+json", "srj", "SPARQL results in JSON",
        f"{_W3C}SPARQL_Results_JSON",
        ("application/json", "sparql-results+json"),
        ("jsonld", "json-ld", "ld+json", "application/ld+json", "application/x-json+ld"),
        truth=True,
    ),
    Format(
        "xml", "application/sparql-results+xml", "srx", "SPARQL results in XML",
        f"{_W3C}SPARQL_Results_XML",
        ("application/xml", "text/xml", "sparql-results+xml"),
        ("rdf", "rdf+xml", "rdf/xml", "rdfxml", "application/rdf+xml"),
        truth=True,
    ),
    Format("csv", "text/csv", "csv", "SPARQL results in CSV", f"{_W3C}SPARQL_Results_CSV"),
    Format(
        "tsv", "text/tab-separated-values", "tsv", "SPARQL results in TSV", f"{_W3C}SPARQL_Results_TSV",
        ("text/tsv",),
    ),
))  # fmt: skip

#: The part of the results formats that can hold the answer of an ASK.
TRUTH_FORMATS = _by_name(known for known in RESULT_FORMATS.values() if known.truth)


def counterpart(word: str, formats: Mapping[str, Format]) -> Format | None:
    """Give the format of a family that comes nearest to one of another family.

    >>> found = counterpart("application/ld+json", RESULT_FORMATS)
    >>> found.label if found else ""
    'SPARQL results in JSON'
    """
    meant = _plain(word)
    return next((known for known in formats.values() if meant in known.counterparts), None)


def _plain(word: str) -> str:
    return word.strip().lower().replace(" ", "+")  # a plus sign that was not escaped


def find(word: str, formats: Mapping[str, Format]) -> Format | None:
    """Give the format that a short name, media type, file ending or alias means, in upper or lower case.

    >>> [found.label for found in (find("XML", GRAPH_FORMATS), find("xml", RESULT_FORMATS)) if found]
    ['RDF/XML', 'SPARQL results in XML']
    >>> find("ttl", RESULT_FORMATS)
    """
    meant = _plain(word)
    return next(
        (
            known
            for known in formats.values()
            if meant in {known.name, known.media_type, known.ending, *known.aliases}
        ),
        None,
    )
