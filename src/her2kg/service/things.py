"""Every IRI of the graph leads somewhere: a thing by 303 to its page or its data, a graph to its triples.

The path of an IRI is the IRI without the base, whatever the host under which the service stands. What is
said of the data as a whole is also to be had where programs look for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from werkzeug.exceptions import BadRequest, NotFound

from her2kg.answer.questions import answer, bound
from her2kg.errors import QueryError, shortened
from her2kg.model.namespaces import BASE, GRAPHS
from her2kg.model.queries import Query, read_query
from her2kg.service import negotiation, responses
from her2kg.service.pages import language, settings, store
from her2kg.service.responses import answered
from her2kg.service.served import service
from her2kg.sparql.engine import iri, written
from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS
from her2kg.sparql.pool import Job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from werkzeug.wrappers import Response as AnyResponse

    from her2kg.answer.results import Answers

blueprint = Blueprint("things", __name__)

#: Formats of the data of a thing, that of who names none first.
_KINDS = {name: GRAPH_FORMATS[name] for name in ("ttl", "nt", "rdf", "jsonld")}
#: Media types of the files of a build, by their endings.
_FILES = {
    **{known.ending: known.media_type for known in GRAPH_FORMATS.values()},
    "tsv": RESULT_FORMATS["tsv"].media_type,
    "json": "application/json",
}


def _query(name: str, of: str = "thing") -> Query:
    return read_query(settings().home / "queries" / "pages" / of / f"{name}.rq")


def _known(name: str) -> str:
    """Give the IRI of a path; raises NotFound when the graph says nothing of it."""
    node = f"{BASE}id/{name}"
    try:
        said = store().query(_query("known").bind({"thing": written(iri(node))}))
    except QueryError:  # the path makes no IRI
        said = None
    if not said:
        raise NotFound(f"the graph says nothing of {shortened(node)}; look at /questions/entities")
    return node


@blueprint.get("/id/<path:name>")
def thing(name: str) -> Response:
    """Lead to the page of a thing, or to its data in the format asked for."""
    _known(name)
    page = negotiation.wants_page(request)
    if page:
        target = url_for("things.page", name=name, lang=request.args.get("lang"))
    else:
        media_type = negotiation.choose(request, _KINDS)
        kind = next(kind for kind, known in _KINDS.items() if known.media_type == media_type)
        target = url_for("things.data", name=name, kind=kind)
    return Response(status=303, headers={"Location": target})


@blueprint.get("/data/<path:name>.<any(ttl,nt,rdf,jsonld):kind>")
def data(name: str, kind: str) -> Response:
    """Give what is said of a thing in one format."""
    query = bound(store(), settings().home, _query("data"), {"thing": _known(name)}, "en")
    return answered(Job(query, formats={"triples": _KINDS[kind].media_type}))


@blueprint.get("/page/<path:name>")
def page(name: str) -> Response:
    """Show what is said of a thing, and what speaks of it."""
    return responses.page(partial(_page, name))


def _page(name: str) -> str:
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
    if name not in GRAPHS or not service().built:
        raise NotFound(f"there is no graph {shortened(name)!r}; take one of {', '.join(GRAPHS)}")
    return _whole_graph([str(GRAPHS[name])])


@blueprint.get("/graph")
def graph_store() -> Response:
    """Give the default graph or one that is named as a parameter (Graph Store Protocol, 4.2 and 5.2)."""
    asked = [(name, value) for name, value in request.args.items(multi=True) if name in {"default", "graph"}]
    if len(asked) != 1:
        raise BadRequest("which graph is not said; add ?default or ?graph= with the IRI of one graph")
    [(kind, iri)] = asked
    if kind == "default":
        return _whole_graph([])
    names = {str(node): name for name, node in GRAPHS.items()} if service().built else {}
    if iri not in names:
        raise NotFound(f"there is no graph {shortened(iri)}; take one of {', '.join(names)}")
    return _whole_graph([iri])


def _whole_graph(graphs: Sequence[str]) -> Response:
    formats = {"triples": negotiation.choose(request, GRAPH_FORMATS)}
    return answered(Job(_query("everything").text, graphs, formats=formats))


@blueprint.get("/.well-known/void")
@blueprint.get("/prefixes")
def void() -> AnyResponse:
    """Lead to the description of the data: VoID, DCAT, schema.org, example queries and prefixes."""
    return redirect(url_for("things.graph", name="metadata"), 303)


@blueprint.get("/dataset")
def dataset() -> AnyResponse:
    """Lead to the page of the data, or to their description."""
    return redirect(url_for("pages.home"), 303) if negotiation.wants_page(request) else void()


@blueprint.get("/.well-known/sparql-examples")
def examples() -> Response:
    """Give the example queries, as a page or as data (sh:SPARQLExecutable)."""
    _require_build()
    if negotiation.wants_page(request) and "format" not in request.args:
        return responses.page(_examples)
    formats = {"triples": negotiation.choose(request, _KINDS)}
    return answered(Job(_query("data", "examples").text, formats=formats))


def _examples() -> str:
    lang = language()
    rows = answer(store(), settings().home, _query("page", "examples"), lang=lang)
    return render_template("examples.html", lang=lang, examples=rows, kinds=_KINDS)


@blueprint.get("/download/<name>")
def download(name: str) -> Response:
    """Give a file of the build as it is."""
    _require_build()
    folder: Path = settings().build.resolve()
    media_type = _FILES.get(name.rpartition(".")[2])
    if media_type is None or not (folder / name).is_file():
        raise NotFound(f"there is no file {shortened(name)!r}; /dataset names those that there are")
    return send_from_directory(folder, name, mimetype=media_type)


def _require_build() -> None:
    """Raise NotFound over files of the user's own, of which nothing is described."""
    if not service().built:
        raise NotFound("this is about the built graph; ask these files at /sparql")
