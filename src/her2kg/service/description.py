"""What the endpoint says of itself: the SPARQL 1.1 service description, with the limits in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from her2kg.model.namespaces import GRAPHS
from her2kg.service import negotiation
from her2kg.settings import SETTINGS
from her2kg.sparql.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from her2kg.settings import Setting, Settings

blueprint = Blueprint("description", __name__)

_PREFIXES = {
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "formats": "http://www.w3.org/ns/formats/",
    "schema": "https://schema.org/",
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


def service() -> Response:
    """Describe the endpoint under the address by which it was asked."""
    endpoint = url_for("protocol.sparql", _external=True)
    graphs = "".join(
        f"    sd:namedGraph [ a sd:NamedGraph ; sd:name <{iri}> ] ;\n"
        for iri in (GRAPHS.values() if current_app.config["BUILT"] else ())
    )
    limits = " ,\n".join(
        f'    [ a schema:PropertyValue ; schema:name "{limit.name}" ; schema:value {value} ; '
        f'schema:unitText "{limit.unit}" ; schema:description "{limit.help}"@en ]'
        for limit, value in _limits()
    )
    text = (
        "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _PREFIXES.items())
        + f"<{endpoint}> a sd:Service ;\n"
        f"  sd:endpoint <{endpoint}> ;\n"
        "  sd:supportedLanguage sd:SPARQL11Query ;\n"
        f"  sd:resultFormat {', '.join(f'formats:{name}' for name in _FORMATS)} ;\n"
        "  sd:defaultDataset [ a sd:Dataset ;\n"
        f"{graphs}    sd:defaultGraph [ a sd:Graph ] ] ;\n"
        f"  schema:additionalProperty\n{limits} .\n"
    )
    media_type = negotiation.choose(request, negotiation.GRAPHS)
    prefixes = _PREFIXES if media_type == "text/turtle" else None
    return Response(Engine.from_text(text, "text/turtle").written(media_type, prefixes), mimetype=media_type)


@blueprint.get("/-/settings")
def settings() -> Response:
    """Show the limits in force."""
    return jsonify({limit.name: value for limit, value in _limits()})


def _limits() -> Iterator[tuple[Setting, int]]:
    found: Settings = current_app.config["SETTINGS"]
    return ((setting, getattr(found, setting.name)) for setting in SETTINGS if setting.unit)
