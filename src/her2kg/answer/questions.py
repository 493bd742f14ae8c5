"""Ask the named questions, with a notation of the user's resolved to the thing that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from her2kg.answer.matching import resolve
from her2kg.answer.results import Answers
from her2kg.engine import Table, iri, literal, written
from her2kg.errors import QueryError
from her2kg.model.queries import read_question

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from her2kg.answer.store import Store
    from her2kg.model.queries import Query

LANGUAGES = ("en", "zh")
#: The parameter that takes any notation of an alteration; the others take an IRI.
_NOTATION = "alteration"


def ask(
    store: Store, home: Path, name: str, parameters: Mapping[str, str] | None = None, lang: str = "en"
) -> Answers:
    """Answer a named question in a language; raises UnknownQuestionError, QueryError or NotationError."""
    return answer(store, read_question(home, name), parameters, lang)


def answer(
    store: Store, query: Query, parameters: Mapping[str, str] | None = None, lang: str = "en"
) -> Answers:
    """Answer a question that was read already."""
    found = store.query(bound(store, query, parameters or {}, lang))
    if not isinstance(found, Table):
        raise QueryError(f"{query.name} gives no table", "use SELECT in a question")
    return Answers.of(found, query)


def bound(store: Store, query: Query, parameters: Mapping[str, str], lang: str) -> str:
    """Give the text of a question with its parameters in place; ``lang`` may be one of them."""
    lang = parameters.get("lang", lang)
    if lang not in LANGUAGES:
        raise QueryError(f"there are no labels in {lang!r}", f"choose {' or '.join(LANGUAGES)}")
    terms = {"lang": written(literal(lang))} if "lang" in query.parameters else {}
    for name, value in parameters.items():
        if name not in query.parameters:
            known = ", ".join(query.parameters) or "none"
            raise QueryError(f"{query.name} has no parameter {name!r}", f"its parameters: {known}")
        if name != "lang":
            terms[name] = written(iri(resolve(store, value) if name == _NOTATION else value))
    return query.bind(terms)
