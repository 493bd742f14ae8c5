"""The SPARQL 1.1 Protocol for queries: GET, POST form and POST of the query itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from her2kg.engine import Triples, Truth
from her2kg.service import negotiation

if TYPE_CHECKING:
    from her2kg.answer.store import Store

blueprint = Blueprint("protocol", __name__)

_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"


def _query_text() -> str:
    """Read the one query of a request; raises BadRequest or UnsupportedMediaType."""
    if request.method == "POST" and request.mimetype == _DIRECT:
        try:
            return request.get_data().decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadRequest("the query is not UTF-8") from error
    if request.method == "POST" and request.mimetype != _FORM:
        raise UnsupportedMediaType(f"post a query as {_FORM} or {_DIRECT}")
    values = request.form if request.method == "POST" else request.args
    if "update" in values:
        raise BadRequest("updates are refused: the graph is read-only")
    queries = values.getlist("query")
    if len(queries) != 1:
        raise BadRequest(f"give one query, not {len(queries)}")
    return queries[0]


def _graphs(name: str) -> list[str]:
    return [*request.args.getlist(name), *request.form.getlist(name)]


@blueprint.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer one query in the format asked for."""
    store: Store = current_app.config["STORE"]
    answer = store.query(_query_text(), _graphs("default-graph-uri"), _graphs("named-graph-uri"))
    prefixes: dict[str, str] = current_app.config["PREFIXES"]
    if isinstance(answer, Triples):
        media_type = negotiation.choose(request, negotiation.GRAPHS)
        content = answer.text(media_type, prefixes if media_type == "text/turtle" else None)
    else:
        family = negotiation.RESULTS
        if isinstance(answer, Truth):
            family = {name: kind for name, kind in family.items() if name in {"json", "xml"}}
        media_type = negotiation.choose(request, family)
        content = answer.text(media_type)
    return Response(content, mimetype=media_type)
