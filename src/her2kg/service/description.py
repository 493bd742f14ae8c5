"""What the endpoint says of itself: the SPARQL 1.1 service description, with the limits in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request, url_for
from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import RDF, SDO

from her2kg.model.namespaces import GRAPHS
from her2kg.service import negotiation, served
from her2kg.settings import SETTINGS
from her2kg.sparql.engine import Engine
from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from her2kg.settings import Setting, Settings

blueprint = Blueprint("description", __name__)

_SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
_PREFIXES = {"sd": str(_SD), "formats": "http://www.w3.org/ns/formats/", "schema": str(SDO)}


def service() -> Response:
    """Describe the endpoint under the address of the request."""
    endpoint = URIRef(url_for("protocol.sparql", _external=True))
    dataset, default = BNode(), BNode()
    graph = Graph()
    graph.add((endpoint, RDF.type, _SD.Service))
    graph.add((endpoint, _SD.endpoint, endpoint))
    graph.add((endpoint, _SD.supportedLanguage, _SD.SPARQL11Query))
    graph.add((endpoint, _SD.defaultDataset, dataset))
    graph.add((dataset, RDF.type, _SD.Dataset))
    graph.add((dataset, _SD.defaultGraph, default))
    graph.add((default, RDF.type, _SD.Graph))
    for known in (*RESULT_FORMATS.values(), *GRAPH_FORMATS.values()):
        graph.add((endpoint, _SD.resultFormat, URIRef(known.iri)))
    for name in GRAPHS.values() if served.service().built else ():
        named = BNode()
        graph.add((dataset, _SD.namedGraph, named))
        graph.add((named, RDF.type, _SD.NamedGraph))
        graph.add((named, _SD.name, name))
    for limit, value in _limits():
        stated = BNode()
        graph.add((endpoint, SDO.additionalProperty, stated))
        graph.add((stated, RDF.type, SDO.PropertyValue))
        graph.add((stated, SDO.name, Literal(limit.name)))
        graph.add((stated, SDO.value, Literal(value)))
        graph.add((stated, SDO.unitText, Literal(limit.unit)))
        graph.add((stated, SDO.description, Literal(limit.help, lang="en")))
    media_type = negotiation.choose(request, GRAPH_FORMATS)
    engine = Engine.from_text(graph.serialize(format="nt"), GRAPH_FORMATS["nt"].media_type)
    response = Response(engine.written(media_type, _PREFIXES))
    response.content_type = negotiation.content_type(media_type)
    return response


@blueprint.get("/-/settings")
def settings() -> Response:
    """Show the limits in force."""
    return jsonify({limit.name: value for limit, value in _limits()})


def _limits() -> Iterator[tuple[Setting, int]]:
    found: Settings = served.service().settings
    return ((setting, getattr(found, setting.name)) for setting in SETTINGS if setting.unit)
