"""Pages for people: what the graph holds, and the questions with their answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from her2kg.answer.questions import LANGUAGES, answer, bound
from her2kg.answer.results import FORMATS
from her2kg.model.namespaces import BASE
from her2kg.model.queries import read_queries, read_question
from her2kg.service import schemaorg
from her2kg.service.responses import page
from her2kg.service.served import service
from her2kg.sparql.pool import Job

if TYPE_CHECKING:
    from her2kg.answer.results import Answers
    from her2kg.model.queries import Query
    from her2kg.settings import Settings
    from her2kg.sparql.store import Answerer

blueprint = Blueprint("pages", __name__)

#: The shortest query, to which every graph says yes.
_TRUE = "ASK {}"


def store() -> Answerer:
    """Give the data that are served."""
    return service().store


def settings() -> Settings:
    """Give the settings in force."""
    return service().settings


def language(asked: str | None = None) -> str:
    """Give the language asked for; raises BadRequest when there are no labels in it."""
    lang = request.args.get("lang", "en") if asked is None else asked
    if lang not in LANGUAGES:
        raise BadRequest(f"there are no labels in {lang!r}; choose {' or '.join(LANGUAGES)}")
    return lang


@blueprint.get("/")
def home() -> Response:
    """Show what the graph holds and list the questions; of files of the user's own, only their size."""
    return page(_home)


def _home() -> str:
    folder = settings().home / "queries"
    tables: list[tuple[Query, Answers]] = []
    questions: list[Query] = []
    described: dict[str, Any] = {}
    if service().built:
        tables = [
            (query, answer(store(), settings().home, query))
            for query in read_queries(folder / "pages" / "home")
        ]
        questions = list(read_queries(folder / "questions"))
        described = schemaorg.dataset(store(), settings().home, language(), request.url_root)
    return render_template(
        "home.html",
        tables=tables,
        questions=questions,
        lang=language(),
        triples=len(store()),
        described=described,
    )


def _question(name: str) -> Query:
    if not service().built:
        raise NotFound("the questions are about the built graph; ask these files at /sparql")
    return read_question(settings().home, name)


@blueprint.get("/questions/<name>")
def question(name: str) -> Response:
    """Show a question with its answer."""
    return page(partial(_question_page, name))


def _question_page(name: str) -> str:
    query = _question(name)
    answers = answer(store(), settings().home, query, _parameters(), language())
    return render_template(
        "question.html",
        query=query,
        answers=answers,
        lang=language(),
        parameters=_parameters(),
        kinds=list(FORMATS),
        things=f"{BASE}id/",
        asked=bound(store(), settings().home, query, _parameters(), language()),
    )


@blueprint.get("/questions/<name>.<kind>")
def question_file(name: str, kind: str) -> Response:
    """Give the answer of a question as CSV, TSV, JSON or XML."""
    query = _question(name)
    if kind not in FORMATS:
        raise NotFound(f"no answer is to be had as {kind!r}; use {', '.join(FORMATS)}")
    answers = answer(store(), settings().home, query, _parameters(), language())
    media_type, write = FORMATS[kind]
    return Response(write(answers), mimetype=media_type)


def _parameters() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name != "lang"}


@blueprint.get("/healthz")
def health() -> Response:
    """Say that the service answers, and from which version of the data; it waits for nothing."""
    engine = service().engine
    return jsonify(status="ok", triples=engine.triples, data=engine.version)


@blueprint.get("/readyz")
def ready() -> Response:
    """Say whether a worker answers queries; a problem if none does."""
    reply = service().engine.ask(Job(_TRUE, formats={"truth": FORMATS["json"][0]}))
    return jsonify(status="ready", data=reply.version)
