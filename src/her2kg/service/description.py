"""What the endpoint says of itself: the SPARQL 1.1 service description, and the limits in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from her2kg.engine import Engine
from her2kg.model.namespaces import GRAPHS
from her2kg.service import negotiation

if TYPE_CHECKING:
    from her2kg.answer.workers import Limits, Workers

blueprint = Blueprint("description", __name__)

_PREFIXES = {
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "formats": "http://www.w3.org/ns/formats/",
}
#: The IRI of each format that an answer may have.
_FORMATS = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "N-Quads",
    "TriG",
    "RDF_XML",
    "JSON-LD",
)


def limits() -> Limits:
    """Give the limits in force."""
    workers: Workers = current_app.config["WORKERS"]
    return workers.limits


def service() -> Response:
    """Describe the endpoint under the address by which it was asked."""
    endpoint = url_for("protocol.sparql", _external=True)
    graphs = "".join(
        f"    sd:namedGraph [ a sd:NamedGraph ; sd:name <{iri}> ] ;\n"
        for iri in (GRAPHS.values() if current_app.config["BUILT"] else ())
    )
    text = (
        "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _PREFIXES.items())
        + f"<{endpoint}> a sd:Service ;\n"
        f"  sd:endpoint <{endpoint}> ;\n"
        "  sd:supportedLanguage sd:SPARQL11Query ;\n"
        f"  sd:resultFormat {', '.join(f'formats:{name}' for name in _FORMATS)} ;\n"
        "  sd:defaultDataset [ a sd:Dataset ;\n"
        f"{graphs}    sd:defaultGraph [ a sd:Graph ] ] .\n"
    )
    media_type = negotiation.choose(request, negotiation.GRAPHS)
    prefixes = _PREFIXES if media_type == "text/turtle" else None
    return Response(Engine.from_text(text, "text/turtle").written(media_type, prefixes), mimetype=media_type)


@blueprint.get("/-/settings")
def settings() -> Response:
    """Show the limits in force."""
    return jsonify(asdict(limits()) | {"body": current_app.config["MAX_CONTENT_LENGTH"]})
