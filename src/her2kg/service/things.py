"""Every IRI of the graph leads somewhere: a thing by 303 to its page or its data, a graph to its triples.

The path of an IRI is the IRI without the base, whatever the host under which the service stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, render_template, request, url_for
from werkzeug.exceptions import NotFound

from her2kg.answer.questions import answer, bound
from her2kg.engine import Triples, iri, written
from her2kg.errors import QueryError, shortened
from her2kg.model.namespaces import BASE, GRAPHS
from her2kg.model.queries import Query, read_query
from her2kg.service import negotiation
from her2kg.service.pages import language, settings, store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from her2kg.answer.results import Answers

blueprint = Blueprint("things", __name__)

#: Formats of the data of a thing, that of who names none first.
_KINDS = {name: negotiation.GRAPHS[name] for name in ("ttl", "nt", "rdf", "jsonld")}


def _query(name: str) -> Query:
    return read_query(settings().home / "queries" / "pages" / "thing" / f"{name}.rq")


def _known(name: str) -> str:
    """Give the IRI of a path; raises NotFound when the graph says nothing of it."""
    node = f"{BASE}id/{name}"
    try:
        said = store().query(f"ASK {{ {written(iri(node))} ?property ?value }}")
    except QueryError:  # the path makes no IRI
        said = None
    if not said:
        raise NotFound(f"the graph says nothing of {shortened(node)}; look at /questions/entities")
    return node


def _construct(query: str, media_type: str, graphs: Sequence[str] = ()) -> bytes:
    found = store().query(query, graphs)
    if not isinstance(found, Triples):
        raise TypeError("the query is no CONSTRUCT")
    prefixes: dict[str, str] = current_app.config["PREFIXES"]
    return found.text(media_type, prefixes if media_type in {"text/turtle", "application/trig"} else None)


@blueprint.get("/id/<path:name>")
def thing(name: str) -> Response:
    """Lead to the page of a thing, or to its data in the format asked for."""
    _known(name)
    page = negotiation.wants_page(request)
    if page:
        target = url_for("things.page", name=name, lang=request.args.get("lang"))
    else:
        media_type = negotiation.choose(request, _KINDS)
        kind = next(kind for kind, known in _KINDS.items() if known == media_type)
        target = url_for("things.data", name=name, kind=kind)
    return Response(status=303, headers={"Location": target})


@blueprint.get("/data/<path:name>.<any(ttl,nt,rdf,jsonld):kind>")
def data(name: str, kind: str) -> Response:
    """Give what is said of a thing in one format."""
    query = bound(store(), settings().home, _query("data"), {"thing": _known(name)}, "en")
    response = Response(_construct(query, _KINDS[kind]), mimetype=_KINDS[kind])
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/page/<path:name>")
def page(name: str) -> str:
    """Show what is said of a thing, and what speaks of it."""
    node, lang = _known(name), language()
    said, mentions = (list(_rows(query, node, lang)) for query in ("statements", "mentions"))
    return render_template(
        "thing.html", lang=lang, iri=node, name=name, base=BASE, said=said, mentions=mentions, kinds=_KINDS
    )


def _rows(name: str, node: str, lang: str) -> Answers:
    return answer(store(), settings().home, _query(name), {"thing": node}, lang)


@blueprint.get("/graph/<name>")
def graph(name: str) -> Response:
    """Give a named graph (SPARQL 1.1 Graph Store Protocol, GET of a graph at its IRI)."""
    if name not in GRAPHS or not current_app.config["BUILT"]:
        raise NotFound(f"there is no graph {shortened(name)!r}; take one of {', '.join(GRAPHS)}")
    media_type = negotiation.choose(request, negotiation.GRAPHS)
    content = _construct("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }", media_type, [str(GRAPHS[name])])
    response = Response(content, mimetype=media_type)
    response.set_etag(f"{store().version[:32]}-{name}-{media_type.rpartition('/')[2]}")
    response.make_conditional(request)
    return response


@blueprint.get("/.well-known/void")
def void() -> Response:
    """Lead to the description of the data: VoID, DCAT and the provenance of the build."""
    return Response(status=303, headers={"Location": url_for("things.graph", name="metadata")})
