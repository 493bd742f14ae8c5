"""The cases of the W3C suite for the SPARQL 1.1 Protocol that are about queries, made anew on our data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from rdflib import Graph

from her2kg.answer.processes import pool_of_files
from her2kg.service.app import create_app
from her2kg.settings import Settings
from her2kg.sparql.worker import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"
ONE, TWO, THREE = (f"urn:graph:{name}" for name in ("one", "two", "three"))
_DATA = f"""
<urn:d> <urn:p> 0 .
<{ONE}> {{ <urn:one> <urn:p> 1 }}
<{TWO}> {{ <urn:two> <urn:p> 2 }}
<{THREE}> {{ <urn:three> <urn:p> 3 }}
"""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Give a client of the service over a default graph and three named ones."""
    file = tmp_path_factory.mktemp("data") / "data.trig"
    file.write_text(_DATA, encoding="utf-8")
    with pool_of_files([file], Limits()) as engine:
        yield create_app(engine, Settings.read({}, {}), built=False).test_client()


def _get(client: FlaskClient, *pairs: tuple[str, str], **headers: str) -> TestResponse:
    return client.get(f"/sparql?{urlencode(pairs)}", headers=headers)


def _form(client: FlaskClient, *pairs: tuple[str, str], **headers: str) -> TestResponse:
    return client.post("/sparql", data=urlencode(pairs), content_type=FORM, headers=headers)


def _direct(client: FlaskClient, *pairs: tuple[str, str], **headers: str) -> TestResponse:
    query = next(value for name, value in pairs if name == "query")
    rest = [pair for pair in pairs if pair[0] != "query"]
    return client.post(f"/sparql?{urlencode(rest)}", data=query, content_type=DIRECT, headers=headers)


WAYS = pytest.mark.parametrize("way", [_get, _form, _direct], ids=["get", "form", "direct"])


def _truth(response: TestResponse) -> bool:
    assert response.status_code == 200, response.text
    value: bool = json.loads(response.data)["boolean"]
    return value


@WAYS
@pytest.mark.parametrize(
    ("query", "media_types"),
    [
        ("SELECT (1 AS ?value) {}", {"application/sparql-results+json", "application/sparql-results+xml"}),
        ("ASK {}", {"application/sparql-results+json", "application/sparql-results+xml"}),
        ("DESCRIBE <urn:d>", {"text/turtle", "application/rdf+xml"}),
        ("CONSTRUCT { <urn:s> <urn:p> 1 } WHERE {}", {"text/turtle", "application/rdf+xml"}),
    ],
    ids=["select", "ask", "describe", "construct"],
)
def test_query_content_type(client: FlaskClient, way: object, query: str, media_types: set[str]) -> None:
    for media_type in media_types:
        response = way(client, ("query", query), Accept=media_type)  # type: ignore[operator]
        assert (response.status_code, response.mimetype) == (200, media_type)


@WAYS
def test_query(client: FlaskClient, way: object) -> None:
    response = way(client, ("query", "ASK { <urn:d> <urn:p> 0 }"))  # type: ignore[operator]
    assert _truth(response)


@WAYS
def test_query_dataset_default_graph(client: FlaskClient, way: object) -> None:
    asked = ("query", "ASK { <urn:one> <urn:p> 1 FILTER NOT EXISTS { <urn:d> <urn:p> 0 } }")
    assert _truth(way(client, asked, ("default-graph-uri", ONE)))  # type: ignore[operator]


@WAYS
def test_query_dataset_default_graphs(client: FlaskClient, way: object) -> None:
    asked = (
        "query",
        "ASK { <urn:one> <urn:p> 1 . <urn:two> <urn:p> 2 FILTER NOT EXISTS { <urn:three> ?p 3 } }",
    )
    graphs = ("default-graph-uri", ONE), ("default-graph-uri", TWO)
    assert _truth(way(client, asked, *graphs))  # type: ignore[operator]


@WAYS
def test_query_dataset_named_graphs(client: FlaskClient, way: object) -> None:
    query = (
        f"ASK {{ GRAPH <{ONE}> {{ <urn:one> ?p 1 }} GRAPH <{TWO}> {{ <urn:two> ?p 2 }} "
        f"FILTER NOT EXISTS {{ GRAPH <{THREE}> {{ ?s ?p ?o }} }} FILTER NOT EXISTS {{ ?a ?b ?c }} }}"
    )
    asked = ("query", query)
    graphs = ("named-graph-uri", ONE), ("named-graph-uri", TWO)
    assert _truth(way(client, asked, *graphs))  # type: ignore[operator]


@WAYS
def test_query_dataset_full(client: FlaskClient, way: object) -> None:
    query = (
        f"ASK {{ <urn:three> ?p 3 . GRAPH <{ONE}> {{ <urn:one> ?q 1 }} "
        "FILTER NOT EXISTS { <urn:one> ?r 1 } }"
    )
    asked = ("query", query)
    graphs = ("default-graph-uri", THREE), ("named-graph-uri", ONE)
    assert _truth(way(client, asked, *graphs))  # type: ignore[operator]


@WAYS
def test_query_multiple_dataset(client: FlaskClient, way: object) -> None:
    """The graphs of the request take the place of those of the query."""
    asked = ("query", f"ASK FROM <{ONE}> {{ <urn:two> <urn:p> 2 FILTER NOT EXISTS {{ <urn:one> ?p 1 }} }}")
    assert _truth(way(client, asked, ("default-graph-uri", TWO)))  # type: ignore[operator]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_bad_query_method(client: FlaskClient, method: str) -> None:
    response = client.open("/sparql?query=ASK%20%7B%7D", method=method)
    assert response.status_code == 405
    assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(response.allow)


@pytest.mark.parametrize("way", [_get, _form], ids=["get", "form"])
def test_bad_multiple_queries(client: FlaskClient, way: object) -> None:
    response = way(client, ("query", "ASK {}"), ("query", "SELECT * {}"))  # type: ignore[operator]
    assert response.status_code == 400


def test_bad_query_and_direct_query(client: FlaskClient) -> None:
    response = client.post("/sparql?query=ASK%20%7B%7D", data="ASK {}", content_type=DIRECT)
    assert response.status_code == 400


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/sparql-update", "", None, "multipart/form-data"]
)
def test_bad_query_wrong_or_missing_media_type(client: FlaskClient, content_type: str | None) -> None:
    response = client.post("/sparql", data=b"ASK {}", content_type=content_type)
    assert response.status_code == 415


def test_bad_query_missing_form_type(client: FlaskClient) -> None:
    assert client.post("/sparql", data=b"query=ASK%20%7B%7D").status_code == 415


def test_bad_query_non_utf8(client: FlaskClient) -> None:
    for content_type, status in ((f"{DIRECT}; charset=UTF-16", 415), (DIRECT, 400)):
        response = client.post("/sparql", data="ASK {}é".encode("utf-16"), content_type=content_type)
        assert response.status_code == status


@WAYS
def test_bad_query_syntax(client: FlaskClient, way: object) -> None:
    response = way(client, ("query", "ASK {"))  # type: ignore[operator]
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")


@WAYS
def test_bad_query_is_an_update(client: FlaskClient, way: object) -> None:
    response = way(client, ("query", "INSERT DATA { <urn:a> <urn:b> 1 }"))  # type: ignore[operator]
    assert response.status_code == 400


@pytest.mark.parametrize("name", ["update", "using-graph-uri"])
def test_an_update_is_refused(client: FlaskClient, name: str) -> None:
    response = _form(client, ("update", "CLEAR ALL"), (name, ONE))
    assert response.status_code == 400
    assert _truth(_get(client, ("query", f"ASK {{ GRAPH <{ONE}> {{ ?s ?p 1 }} }}")))


def test_head_has_the_headers_of_get(client: FlaskClient) -> None:
    got, head = (
        client.open("/sparql?query=SELECT%20*%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D", method=method)
        for method in ("GET", "HEAD")
    )
    assert head.data == b""
    for name in ("Content-Type", "ETag", "Content-Length"):
        assert got.headers[name] == head.headers[name]


def test_options_say_what_may_be_sent(client: FlaskClient) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    response = client.options("/sparql", headers=headers)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv; charset=utf-8", "text/csv"),
        ("text/csv;q=0.5, text/tab-separated-values;q=0.9", "text/tab-separated-values"),
        ("text/html, application/xml;q=0.9", "application/sparql-results+xml"),
        ("application/*", "application/sparql-results+json"),
        ("*/*", "application/sparql-results+json"),
        ("text/csv;q=0, */*;q=0.1", "application/sparql-results+json"),
        ("application/json", "application/sparql-results+json"),
    ],
)
def test_negotiation(client: FlaskClient, accept: str, media_type: str) -> None:
    response = _get(client, ("query", "SELECT * { ?s ?p ?o }"), Accept=accept)
    assert (response.status_code, response.mimetype) == (200, media_type)


@pytest.mark.parametrize("accept", ["image/png", "text/html", "text/csv;q=0", "text/turtle"])
def test_what_does_not_fit_is_not_acceptable(client: FlaskClient, accept: str) -> None:
    response = _get(client, ("query", "SELECT * { ?s ?p ?o }"), Accept=accept)
    assert response.status_code == 406


@pytest.mark.parametrize("format_", ["ttl", "nt", "rdf", "nq", "trig"])
def test_a_graph_is_the_same_in_every_format(client: FlaskClient, format_: str) -> None:
    query = "CONSTRUCT { ?s ?p ?o } { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    names = {"ttl": "turtle", "rdf": "xml", "nq": "nt", "trig": "turtle"}
    response = _get(client, ("query", query), ("format", format_))
    graph = Graph().parse(data=response.data, format=names.get(format_, format_))
    assert len(graph) == 4


def test_a_mistake_of_ours_is_a_problem_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(client.application.extensions["her2kg"].engine, "ask", mistaken)
    response = _get(client, ("query", "ASK { ?never ?asked ?before }"))
    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert "secret" not in response.text
    assert response.headers["Content-Security-Policy"]
