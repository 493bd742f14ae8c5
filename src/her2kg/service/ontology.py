"""The ontology at its IRI: a page for people, and its modules in the format that a program asks for.

Who names no format gets RDF/XML, since owlready2 and Protégé read that and say nothing of what they take.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from her2kg.answer.questions import answer
from her2kg.answer.results import Answers
from her2kg.errors import BuildMissingError
from her2kg.model.namespaces import HER2, MODULES, ONTOLOGY
from her2kg.model.queries import read_query
from her2kg.service import negotiation
from her2kg.service.pages import language, settings, store
from her2kg.service.responses import page
from her2kg.service.served import service
from her2kg.sparql.engine import Engine, Table
from her2kg.sparql.formats import GRAPH_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

blueprint = Blueprint("ontology", __name__)

#: Formats of the modules, that of who names none first.
_KINDS = {name: GRAPH_FORMATS[name] for name in ("rdf", "ttl", "nt", "jsonld")}


class Term(NamedTuple):
    """A class or property as the page shows it; ``narrower`` are the classes right below it."""

    iri: str
    kind: str
    labels: dict[str, str]
    definitions: dict[str, str]
    under: tuple[str, ...]
    domain: tuple[str, ...]
    range: tuple[str, ...]
    inverse: tuple[str, ...]

    @property
    def name(self) -> str:
        """Give the last part of the IRI, which is the anchor of the term."""
        return self.iri.removeprefix(str(HER2))


@blueprint.get("/ontology")
@blueprint.get("/ontology/<part>")
def module(part: str = "") -> Response:
    """Give a module in the format asked for; the page to a browser that asks for the ontology."""
    stem, _, kind = part.partition(".")
    if not part and negotiation.wants_page(request):
        return page(_page)
    if kind and kind not in _KINDS:
        raise NotFound(f"the ontology is not to be had as {kind!r}; use {', '.join(_KINDS)}")
    return _file(stem, _KINDS[kind].media_type if kind else negotiation.choose(request, _KINDS))


@blueprint.get("/ontology.<kind>")
def ontology_file(kind: str) -> Response:
    """Give the ontology in one format."""
    return module(f".{kind}")


def _file(part: str, media_type: str) -> Response:
    name = f"ontology-{part}" if part else "ontology"
    if name not in MODULES or not service().built:
        raise NotFound("there is no such module; take /ontology, /ontology/base or /ontology/inferred")
    kind = next(kind for kind, known in _KINDS.items() if known.media_type == media_type)
    response = Response(_content(settings().build, name, kind, store().version), mimetype=media_type)
    response.headers["Content-Location"] = f"{request.path.partition('.')[0]}.{kind}"
    response.add_etag()
    response.make_conditional(request)
    return response


@lru_cache(maxsize=16)
def _content(build: Path, name: str, kind: str, _version: str) -> bytes:
    """Read a module once for each version of the data; JSON-LD is written from the N-Triples."""
    path = build / f"{name}.{'nt' if kind == 'jsonld' else kind}"
    if not path.is_file():
        raise BuildMissingError(f"{path} is missing", "run `her2kg build` again")
    if kind != "jsonld":
        return path.read_bytes()
    engine = Engine()
    engine.add_file(path)
    return engine.text(_KINDS[kind].media_type).encode()


def _page() -> str:
    lang = language()
    terms = {term.iri: term for term in _terms()}
    classes = [term for term in terms.values() if term.kind == "class"]
    return render_template(
        "ontology.html",
        lang=lang,
        header=next(iter(_ask("header", lang))),
        terms=terms,
        roots=[term for term in classes if not any(above in terms for above in term.under)],
        narrower={term.iri: [sub for sub in classes if term.iri in sub.under] for term in classes},
        properties=[term for term in terms.values() if term.kind != "class"],
        defined=_defined(lang),
        shapes=_shapes(),
        alignments=_alignments(lang),
        examples=_ask("examples", lang),
        namespace=str(HER2),
        ontology=str(ONTOLOGY),
        kinds=list(_KINDS),
        modules=[name.removeprefix("ontology").removeprefix("-") for name in MODULES],
    )


def _ask(name: str, lang: str) -> Answers:
    query = read_query(settings().home / "queries" / "pages" / "ontology" / f"{name}.rq")
    return answer(store(), settings().home, query, lang=lang)


def _terms() -> Iterator[Term]:
    """Give the terms in the order of their English labels; several values of one come in several rows."""
    chinese = {row["term"]: row for row in _ask("terms", "zh")}
    rows: dict[str, list[dict[str, str]]] = {}
    for row in _ask("terms", "en"):
        rows.setdefault(row["term"], []).append(row)
    for iri, found in rows.items():
        first, other = found[0], chinese[iri]
        values = {
            column: tuple(dict.fromkeys(row[column] for row in found if row[column]))
            for column in ("under", "domain", "range", "inverse")
        }
        labels = {"en": first["label"], "zh": other["label"]}
        definitions = {"en": first["definition"], "zh": other["definition"]}
        yield Term(iri, first["kind"], labels, definitions, **values)


def _defined(lang: str) -> dict[str, tuple[str, str]]:
    """Give label and definition of the defined classes, by IRI, in Manchester syntax."""
    parts: dict[str, tuple[str, list[str]]] = {}
    for row in _ask("defined", lang):
        prop = row["property"].removeprefix(str(HER2))
        value = f"'{row['value_label']}'"
        said = f"({prop} value {value})" if prop else value
        parts.setdefault(row["class"], (row["label"], []))[1].append(said)
    return {iri: (label, " and ".join(said)) for iri, (label, said) in parts.items()}


def _alignments(lang: str) -> dict[str, list[dict[str, str]]]:
    """Give the terms of others that each term is mapped to, by its IRI."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in _ask("alignments", lang):
        found.setdefault(row["term"], []).append(row)
    return found


def _shapes() -> dict[str, list[dict[str, str]]]:
    """Give what must hold of the members of each class, by its IRI."""
    home = settings().home
    engine = Engine()
    for path in sorted((home / "ontology" / "shapes").glob("*.ttl")):
        engine.add_file(path)
    query = read_query(home / "queries" / "pages" / "ontology" / "shapes.rq")
    found: dict[str, list[dict[str, str]]] = {}
    result = engine.query(query.text)
    if isinstance(result, Table):
        for row in Answers.of(result, query):
            found.setdefault(row["class"], []).append(row)
    return found
