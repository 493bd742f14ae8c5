"""Every IRI of the graph leads somewhere: a thing by 303 to its page or its data, a graph to its triples.

The path of an IRI is the IRI without the base, whatever the host under which the service stands. What is
said of the data as a whole is also to be had where programs look for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    current_app,
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
from her2kg.service import negotiation
from her2kg.service.pages import language, settings, store
from her2kg.sparql.engine import Triples, iri, written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from werkzeug.wrappers import Response as AnyResponse

    from her2kg.answer.results import Answers

blueprint = Blueprint("things", __name__)

#: Formats of the data of a thing, that of who names none first.
_KINDS = {name: negotiation.GRAPHS[name] for name in ("ttl", "nt", "rdf", "jsonld")}
#: Formats of the files of a build, by their endings.
_FILES = {**negotiation.GRAPHS, "tsv": negotiation.RESULTS["tsv"], "json": "application/json"}


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
    return _whole_graph(name, [str(GRAPHS[name])])


@blueprint.get("/graph")
def graph_store() -> Response:
    """Give the default graph or one that is named as a parameter (Graph Store Protocol, 4.2 and 5.2)."""
    asked = [(name, value) for name, value in request.args.items(multi=True) if name in {"default", "graph"}]
    if len(asked) != 1:
        raise BadRequest("which graph is not said; add ?default or ?graph= with the IRI of one graph")
    [(kind, iri)] = asked
    if kind == "default":
        return _whole_graph("default", [])
    names = {str(node): name for name, node in GRAPHS.items()} if current_app.config["BUILT"] else {}
    if iri not in names:
        raise NotFound(f"there is no graph {shortened(iri)}; take one of {', '.join(names)}")
    return _whole_graph(names[iri], [iri])


def _whole_graph(name: str, graphs: Sequence[str]) -> Response:
    media_type = negotiation.choose(request, negotiation.GRAPHS)
    content = _construct(_query("everything").text, media_type, graphs)
    response = Response(content, mimetype=media_type)
    response.set_etag(f"{store().version[:32]}-{name}-{media_type.rpartition('/')[2]}")
    response.make_conditional(request)
    return response


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
        lang = language()
        rows = answer(store(), settings().home, _query("page", "examples"), lang=lang)
        return Response(
            render_template("examples.html", lang=lang, examples=rows, kinds=_KINDS), mimetype="text/html"
        )
    media_type = negotiation.choose(request, _KINDS)
    response = Response(_construct(_query("data", "examples").text, media_type), mimetype=media_type)
    response.set_etag(f"{store().version[:32]}-examples-{media_type.rpartition('/')[2]}")
    response.make_conditional(request)
    return response


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
    if not current_app.config["BUILT"]:
        raise NotFound("this is about the built graph; ask these files at /sparql")
