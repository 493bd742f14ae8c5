"""Which format an answer has: ``format=`` first, then the Accept header, within what fits the query."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import parse_accept_header

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
#: Formats of each form of answer.
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "table": RESULTS,
    "truth": {name: RESULTS[name] for name in ("json", "xml")},
    "triples": GRAPHS,
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
    return _choose(request.headers.get("Accept", ""), request.values.get("format", ""), family)


@lru_cache(maxsize=256)
def formats(accept: str, asked: str) -> Mapping[str, str]:
    """Give the media type for each form of answer; a form that has none that fits is missing."""
    found = {}
    for form, family in FAMILIES.items():
        try:
            found[form] = _choose(accept, asked, family)
        except NotAcceptable:
            continue
    return found


def unfit(accept: str, asked: str, form: str) -> NotAcceptable:
    """Say why no format fits a form of answer."""
    try:
        _choose(accept, asked, FAMILIES[form])
    except NotAcceptable as error:
        return error
    return NotAcceptable()


def _choose(accept: str, asked: str, family: Mapping[str, str]) -> str:
    if asked:
        name = _ALIASES.get(asked, asked)
        media_type = family.get(name, name if name in family.values() else "")
        if not media_type:
            raise NotAcceptable(f"format {asked!r} does not fit this query; use {', '.join(family)}")
        return media_type
    best = _best(parse_accept_header(accept or None, MIMEAccept), list(family.values()))
    if best is None:
        raise NotAcceptable(
            f"no format that is accepted fits this query; accept {', '.join(family.values())}"
        )
    return best


def _best(accepted: MIMEAccept, offers: list[str]) -> str | None:
    """Give the offer that is liked best: named types before wildcards, equals in the client's order.

    The first offer answers who names nothing, or anything. Parameters of a type, such as a charset, tell
    nothing about which format is meant.
    """
    ranges = [(name.partition(";")[0].strip().lower(), q) for name, q in accepted]
    if not ranges:
        return offers[0]
    meant = [(_ALIASES.get(name, name) if name not in offers else name, q) for name, q in ranges]
    named = [(q, -place, name) for place, (name, q) in enumerate(meant) if q > 0 and name in offers]
    if named:
        return max(named)[2]
    refused = {name for name, q in meant if q == 0}
    wild = {name.partition("/")[0] for name, q in ranges if q > 0 and name.endswith("/*")}
    return next(
        (
            offer
            for offer in offers
            if offer not in refused and ("*" in wild or offer.partition("/")[0] in wild)
        ),
        None,
    )


def wants_page(request: Request) -> bool:
    """Say whether a browser asks: HTML is preferred to what programs take."""
    accepted = request.accept_mimetypes
    best = accepted.best_match(["application/json", *RESULTS.values(), *GRAPHS.values(), "text/html"])
    return best == "text/html" and accepted["text/html"] > accepted["application/json"]
