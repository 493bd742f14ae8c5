"""One query of each form, and a reader that says whether its answer is right, whatever its media type."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rdflib import RDFS, Graph, Literal, URIRef

if TYPE_CHECKING:
    from collections.abc import Callable

DRUG = URIRef("https://w3id.org/her2kg/id/drug/afatinib")
LABEL = Literal("阿法替尼", lang="zh")
_PATTERN = f"<{DRUG}> <{RDFS.label}>"
_CHINESE = 'FILTER (LANG(?label) = "zh")'
#: The queries by their form. Each needs UTF-8 on the way there or on the way back.
QUERIES = {
    "SELECT": f"SELECT ?drug ?label {{ VALUES ?drug {{ <{DRUG}> }} ?drug <{RDFS.label}> ?label {_CHINESE} }}",
    "ASK": f"ASK {{ {_PATTERN} {LABEL.n3()} }}",
    "CONSTRUCT": f"CONSTRUCT {{ {_PATTERN} ?label }} WHERE {{ {_PATTERN} ?label }}",
    "DESCRIBE": f"DESCRIBE <{DRUG}>",
}
#: Media types by the short names of the tables beside the tests.
TYPES = {
    "json": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ttl": "text/turtle",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "jsonld": "application/ld+json",
    "nq": "application/n-quads",
    "trig": "application/trig",
}
_SPARQL = "{http://www.w3.org/2005/sparql-results#}"


def right(form: str, content_type: str, content: bytes) -> bool:
    """Say whether an answer to the query of a form is read by a parser of its type, and right.

    Raises KeyError when the type is not one of this form.
    """
    media_type = content_type.partition(";")[0].strip()
    if form == "SELECT":
        return _ROWS[media_type](content) == [[str(DRUG), str(LABEL)]]
    if form == "ASK":
        return _TRUTH[media_type](content)
    return (DRUG, RDFS.label, LABEL) in Graph().parse(data=content, format=media_type)


def _rows_of_json(content: bytes) -> list[list[str]]:
    document = json.loads(content)
    names = document["head"]["vars"]
    return [[row[name]["value"] for name in names] for row in document["results"]["bindings"]]


def _rows_of_xml(content: bytes) -> list[list[str]]:
    results = ET.fromstring(content).iter(f"{_SPARQL}result")  # noqa: S314
    return [[binding[0].text or "" for binding in result] for result in results]


def _rows_of_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))[1:]


def _rows_of_tsv(content: bytes) -> list[list[str]]:
    """Take the signs of N3 away from each cell: <IRI>, "text"@language."""
    rows = [line.split("\t") for line in content.decode().splitlines()[1:]]
    return [
        [cell.rpartition("@")[0].strip('"') if cell[0] == '"' else cell[1:-1] for cell in row] for row in rows
    ]


def _truth_of_json(content: bytes) -> bool:
    return json.loads(content)["boolean"] is True


def _truth_of_xml(content: bytes) -> bool:
    return ET.fromstring(content).findtext(f"{_SPARQL}boolean") == "true"  # noqa: S314


_ROWS: dict[str, Callable[[bytes], list[list[str]]]] = {
    TYPES["json"]: _rows_of_json,
    TYPES["xml"]: _rows_of_xml,
    TYPES["csv"]: _rows_of_csv,
    TYPES["tsv"]: _rows_of_tsv,
}
_TRUTH: dict[str, Callable[[bytes], bool]] = {TYPES["json"]: _truth_of_json, TYPES["xml"]: _truth_of_xml}
