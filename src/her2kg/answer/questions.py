"""Ask the named questions, with a notation of the user's resolved to the alterations that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from her2kg.answer.results import Answers
from her2kg.errors import QueryError
from her2kg.model.queries import read_question
from her2kg.sparql.engine import Table, iri, literal, written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from her2kg.answer.matching import Match
    from her2kg.model.queries import Query
    from her2kg.sparql.store import Answerer

LANGUAGES = ("en", "zh")
#: The parameter that takes any notation of an alteration; the others take an IRI.
_NOTATION = "alteration"


def ask(
    store: Answerer, home: Path, name: str, parameters: Mapping[str, str] | None = None, lang: str = "en"
) -> Answers:
    """Answer a named question in a language; raises UnknownQuestionError, QueryError or NotationError."""
    return answer(store, home, read_question(home, name), parameters, lang)


def answer(
    store: Answerer, home: Path, query: Query, parameters: Mapping[str, str] | None = None, lang: str = "en"
) -> Answers:
    """Answer a question that was read already."""
    found = store.query(bound(store, home, query, parameters or {}, lang))
    if not isinstance(found, Table):
        raise QueryError(f"{query.name} gives no table", "use SELECT in a question")
    return Answers.of(found, query)


def claims_on(store: Answerer, home: Path, meant: Match, lang: str = "en") -> Answers:
    """Answer which claims apply to what a notation was found to mean."""
    query = read_question(home, "applicable-claims")
    found = store.query(query.bind({"lang": written(literal(lang)), **_matched(meant, lang)}))
    if not isinstance(found, Table):
        raise QueryError(f"{query.name} gives no table", "use SELECT in a question")
    return Answers.of(found, query)


def bound(store: Answerer, home: Path, query: Query, parameters: Mapping[str, str], lang: str) -> str:
    """Give the text of a question with its parameters in place; ``lang`` may be one of them."""
    lang = parameters.get("lang", lang)
    if lang not in LANGUAGES:
        raise QueryError(f"there are no labels in {lang!r}", f"choose {' or '.join(LANGUAGES)}")
    terms = {"lang": written(literal(lang))} if "lang" in query.parameters else {}
    for name, value in parameters.items():
        if name not in query.parameters:
            known = ", ".join(query.parameters) or "none"
            raise QueryError(f"{query.name} has no parameter {name!r}", f"its parameters: {known}")
        if name == _NOTATION:
            from her2kg.answer.matching import match  # noqa: PLC0415 - slow to import, and few questions need it

            terms |= _matched(match(store, home, value), lang)
        elif name != "lang":
            terms[name] = written(iri(value))
    return query.bind(terms)


def _matched(meant: Match, lang: str) -> dict[str, str]:
    """Give the terms by which the question is asked for what a notation means."""
    return {
        _NOTATION: " ".join(written(iri(thing)) for thing in meant.things),
        "name": written(literal(meant.name)),
        "placed": written(literal(meant.placed.get(lang, ""))),
    }
