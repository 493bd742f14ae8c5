"""Which format an answer has: ``format=`` first, then the Accept header, within what fits the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotAcceptable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request

#: Formats of tables and truth values, and of graphs: short name to media type, best first.
RESULTS = {
    "json": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
}
GRAPHS = {
    "ttl": "text/turtle",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "jsonld": "application/ld+json",
    "nq": "application/n-quads",
    "trig": "application/trig",
}
#: What people write for the same formats.
_ALIASES = {
    "application/json": "application/sparql-results+json",
    "application/xml": "application/sparql-results+xml",
    "text/xml": "application/sparql-results+xml",
    "text/plain": "application/n-triples",
    "turtle": "ttl",
    "n-triples": "nt",
    "rdfxml": "rdf",
    "json-ld": "jsonld",
}


def choose(request: Request, family: Mapping[str, str]) -> str:
    """Give the media type of the answer; raises NotAcceptable when none fits."""
    asked = request.values.get("format", "")
    if asked:
        name = _ALIASES.get(asked, asked)
        media_type = family.get(name, name if name in family.values() else "")
        if not media_type:
            raise NotAcceptable(f"format {asked!r} does not fit this query; use {', '.join(family)}")
        return media_type
    if not request.accept_mimetypes:
        return next(iter(family.values()))
    spelt = {media_type: media_type for media_type in family.values()}
    spelt |= {alias: media_type for alias, media_type in _ALIASES.items() if media_type in spelt}
    best = request.accept_mimetypes.best_match(list(spelt))
    if best is None:
        raise NotAcceptable(
            f"no format that is accepted fits this query; accept {', '.join(family.values())}"
        )
    return spelt[best]


def wants_page(request: Request) -> bool:
    """Say whether a browser asks: HTML is preferred to what programs take."""
    accepted = request.accept_mimetypes
    best = accepted.best_match(["application/json", *RESULTS.values(), *GRAPHS.values(), "text/html"])
    return best == "text/html" and accepted["text/html"] > accepted["application/json"]
