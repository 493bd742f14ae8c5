"""Which format an answer has: ``format=`` first, then the Accept header, within what fits the query."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import parse_accept_header

from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS, TRUTH_FORMATS, counterpart, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flask import Request

    from her2kg.sparql.formats import Format

#: The formats of each form of answer.
FAMILIES: Mapping[str, Mapping[str, Format]] = {
    "table": RESULT_FORMATS,
    "truth": TRUTH_FORMATS,
    "triples": GRAPH_FORMATS,
}
#: Parameters that name a format: ours, and what clients of other endpoints send.
PARAMETERS = ("format", "output")
#: Characters of a parameter beyond which it cannot name a format.
_LONGEST_WORD = 60
#: A quality that begins with a point, as Java sends it (``q=.2``).
_BARE_FRACTION = re.compile(r"(;\s*q\s*=\s*)\.(?=\d)", re.IGNORECASE)


def choose(request: Request, family: Mapping[str, Format]) -> str:
    """Give the media type of an answer; raises NotAcceptable when the client accepts no format at all."""
    word = next((request.args[name] for name in PARAMETERS if name in request.args), "")
    found = _chosen(request.headers.get("Accept", ""), word[:_LONGEST_WORD], family)
    if found is None:
        raise unacceptable(family)
    return found


def formats(accept: str, word: str) -> Mapping[str, str]:
    """Give the media type for each form of answer; a form for which the client accepts none is missing."""
    return _formats(accept, word[:_LONGEST_WORD])


@lru_cache(maxsize=256)
def _formats(accept: str, word: str) -> Mapping[str, str]:
    chosen = {form: _chosen(accept, word, family) for form, family in FAMILIES.items()}
    return {form: media_type for form, media_type in chosen.items() if media_type}


def unacceptable(family: Mapping[str, Format]) -> NotAcceptable:
    """Say which formats can be accepted."""
    types = ", ".join(known.media_type for known in family.values())
    return NotAcceptable(f"no accepted format fits this answer; accept {types}")


def _chosen(accept: str, word: str, family: Mapping[str, Format]) -> str | None:
    """Choose a format of a family; a word for a format of another family does not refuse this one."""
    if named := find(word, family) or counterpart(word, family):
        return named.media_type
    ranges = [
        (name.partition(";")[0].strip().lower(), quality)
        for name, quality in parse_accept_header(_BARE_FRACTION.sub(r"\g<1>0.", accept), MIMEAccept)
    ]
    if not ranges:
        return _first(family)
    for lookup in (find, counterpart):
        fitting = [
            (quality, -place, known.media_type)
            for place, (name, quality) in enumerate(ranges)
            if quality > 0 and (known := lookup(name, family))
        ]
        if fitting:
            return max(fitting)[2]
    refused = {known.media_type for name, quality in ranges if not quality and (known := find(name, family))}
    accepted = [name for name, quality in ranges if quality > 0]
    if _is_known(word) or any(name in {"*", "*/*"} or _is_known(name) for name in accepted):
        return _first(family, refused)
    kinds = tuple(name.removesuffix("*") for name in accepted if name.endswith("/*"))
    return next((known.media_type for known in family.values() if known.media_type.startswith(kinds)), None)


def _first(family: Mapping[str, Format], refused: Iterable[str] = ()) -> str | None:
    return next((known.media_type for known in family.values() if known.media_type not in refused), None)


def _is_known(word: str) -> bool:
    return any(find(word, family) for family in FAMILIES.values())


def wants_page(request: Request) -> bool:
    """Say whether a browser sent the request: it prefers HTML to what programs read."""
    accepted = request.accept_mimetypes
    offers = [known.media_type for family in (RESULT_FORMATS, GRAPH_FORMATS) for known in family.values()]
    best = accepted.best_match(["application/json", *offers, "text/html"])
    return best == "text/html" and accepted["text/html"] > accepted["application/json"]


def content_type(media_type: str) -> str:
    """Give the Content-Type header; the charset stands where a client would guess a wrong one."""
    return (
        f"{media_type}; charset=utf-8"
        if media_type.startswith("text/") or "xml" in media_type
        else media_type
    )
