"""Pages for people: what the graph holds, and the questions with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from her2kg.answer.questions import answer, ask
from her2kg.answer.results import FORMATS, Answers
from her2kg.engine import Table
from her2kg.model.queries import read_queries, read_question

if TYPE_CHECKING:
    from her2kg.answer.store import Store
    from her2kg.settings import Settings

blueprint = Blueprint("pages", __name__)


def _store() -> Store:
    store: Store = current_app.config["STORE"]
    return store


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _language() -> str:
    return request.args.get("lang", "en")


@blueprint.get("/")
def home() -> str:
    """Show what the graph holds and list the questions."""
    folder = _settings().home / "queries"
    tables = {}
    for query in read_queries(folder / "pages"):
        found = _store().query(query.text)
        if isinstance(found, Table):
            tables[query] = Answers.of(found, query)
    questions = list(read_queries(folder / "questions")) if current_app.config["BUILT"] else []
    return render_template(
        "home.html", tables=tables, questions=questions, lang=_language(), quads=len(_store())
    )


@blueprint.get("/questions/<name>")
def question(name: str) -> str:
    """Show a question with its answer."""
    query = read_question(_settings().home, name)
    answers = answer(_store(), query, _parameters(), _language())
    return render_template("question.html", query=query, answers=answers, lang=_language())


@blueprint.get("/questions/<name>.<kind>")
def question_file(name: str, kind: str) -> Response:
    """Give the answer of a question as CSV, TSV, JSON or XML."""
    if kind not in FORMATS:
        return Response(f"no such format; use {', '.join(FORMATS)}\n", 404, mimetype="text/plain")
    answers = ask(_store(), _settings().home, name, _parameters(), _language())
    media_type, write = FORMATS[kind]
    return Response(write(answers), mimetype=media_type)


def _parameters() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name != "lang"}


@blueprint.get("/healthz")
def health() -> Response:
    """Say that the service answers, and from which version of the data."""
    return jsonify(status="ok", quads=len(_store()), data=_store().version)
