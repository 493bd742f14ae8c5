"""The cases of the W3C suite for the SPARQL 1.1 Protocol that are about queries, on our data, and more."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from rdflib import Graph
from werkzeug.test import EnvironBuilder, run_wsgi_app

from her2kg.answer.processes import pool_of_files
from her2kg.service.app import create_app
from her2kg.service.served import tag
from her2kg.settings import Settings
from her2kg.sparql.worker import Job, Limits

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


@pytest.mark.parametrize("accept", ["image/png", "text/html", "text/csv;q=0"])
def test_what_does_not_fit_is_not_acceptable(client: FlaskClient, accept: str) -> None:
    response = _get(client, ("query", "SELECT * { ?s ?p ?o }"), Accept=accept)
    assert response.status_code == 406


_TABLE = "SELECT * { ?s ?p ?o }"
_GRAPH = "CONSTRUCT WHERE { ?s ?p ?o }"
_RESULTS_JSON = "application/sparql-results+json"


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        (_TABLE, "text/turtle", _RESULTS_JSON),
        (_TABLE, "application/n-triples, image/png", _RESULTS_JSON),
        (_GRAPH, "text/csv", "text/turtle"),
        ("ASK {}", "text/csv", _RESULTS_JSON),
    ],
)
def test_a_format_of_another_form_of_answer_refuses_nothing(
    client: FlaskClient, query: str, accept: str, media_type: str
) -> None:
    """Clients that do not look at the query send one Accept header for all of them."""
    response = _get(client, ("query", query), Accept=accept)
    assert (response.status_code, response.mimetype) == (200, media_type)


@WAYS
@pytest.mark.parametrize("name", ["format", "output"])
@pytest.mark.parametrize("word", ["csv", "CSV", "text/csv"])
def test_both_parameters_choose_the_format(client: FlaskClient, way: object, name: str, word: str) -> None:
    response = way(client, ("query", _TABLE), (name, word), Accept=_RESULTS_JSON)  # type: ignore[operator]
    assert (response.status_code, response.mimetype) == (200, "text/csv")


@pytest.mark.parametrize("name", ["format", "output"])
@pytest.mark.parametrize("word", ["", "<b>", "auto", "x" * 1000])
def test_a_format_that_means_nothing_leaves_the_choice_to_accept(
    client: FlaskClient, name: str, word: str
) -> None:
    asked = ("query", _TABLE), (name, word)
    assert _get(client, *asked, Accept="text/csv").mimetype == "text/csv"
    assert _get(client, *asked, Accept="image/png").status_code == 406


def test_media_types_have_no_case(client: FlaskClient) -> None:
    assert _get(client, ("query", _TABLE), Accept="TEXT/CSV").mimetype == "text/csv"
    for content_type, data in (
        ("Application/SPARQL-Query; Charset=UTF-8", "ASK {}"),
        ("Application/X-WWW-Form-URLEncoded", urlencode({"query": "ASK {}"})),
    ):
        assert _truth(client.post("/sparql", data=data, content_type=content_type))


def test_results_in_xml_name_their_charset(client: FlaskClient) -> None:
    response = _get(client, ("query", _TABLE), ("format", "xml"))
    assert response.content_type == "application/sparql-results+xml; charset=utf-8"


@WAYS
def test_a_relative_iri_is_resolved_against_the_endpoint(client: FlaskClient, way: object) -> None:
    response = way(client, ("query", "SELECT (<x> AS ?x) {}"), Accept="text/csv")  # type: ignore[operator]
    assert response.text == "x\r\nhttp://localhost/x\r\n"
    base = "BASE <urn:base/> SELECT (<x> AS ?x) {}"
    assert way(client, ("query", base), Accept="text/csv").text == "x\r\nurn:base/x\r\n"  # type: ignore[operator]


# Requests that no client should send -------------------------------------------------------------------


def _status(client: FlaskClient, protocol: str, host: str | None) -> int:
    """Send a request with this Host header, also none at all."""
    environ = EnvironBuilder("/healthz", environ_overrides={"SERVER_PROTOCOL": protocol}).get_environ()
    del environ["HTTP_HOST"]
    if host is not None:
        environ["HTTP_HOST"] = host
    _, status, _ = run_wsgi_app(client.application, environ)
    return int(status.split()[0])


@pytest.mark.parametrize(
    ("protocol", "host", "status"),
    [
        ("HTTP/1.1", "example.org", 200),
        ("HTTP/1.1", None, 400),
        ("HTTP/1.1", "example.org,example.com", 400),
        ("HTTP/1.0", None, 200),
        ("HTTP/1.0", "example.org,example.com", 400),
    ],
)
def test_a_request_has_one_host(client: FlaskClient, protocol: str, host: str | None, status: int) -> None:
    assert _status(client, protocol, host) == status


def _refused(response: TestResponse, status: int, detail: str) -> None:
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    problem = json.loads(response.data)
    assert detail in problem["detail"]
    assert problem["remedy"]


def test_an_accept_header_may_be_long_but_not_longer(client: FlaskClient) -> None:
    accept = "text/csv".ljust(2000, ",")
    assert _get(client, ("query", _TABLE), Accept=accept).mimetype == "text/csv"
    _refused(_get(client, ("query", _TABLE), Accept=f"{accept},"), 431, "2,000 characters")


@pytest.mark.parametrize("way", [_get, _form], ids=["get", "form"])
def test_a_request_may_have_a_hundred_parameters(client: FlaskClient, way: object) -> None:
    pairs = [("query", "ASK {}"), *((f"p{number}", "x") for number in range(99))]
    assert _truth(way(client, *pairs))  # type: ignore[operator]
    _refused(way(client, *pairs, ("p", "x")), 400, "100 parameters")  # type: ignore[operator]


def test_a_body_must_not_be_compressed(client: FlaskClient) -> None:
    for coding, status in (("gzip", 415), ("Identity", 200)):
        data = gzip.compress(b"ASK {}") if coding == "gzip" else b"ASK {}"
        response = client.post(
            "/sparql", data=data, content_type=DIRECT, headers={"Content-Encoding": coding}
        )
        assert response.status_code == status
    response = client.post("/sparql", data=b"", content_type=DIRECT, headers={"Content-Encoding": "gzip"})
    _refused(response, 415, "'gzip'")


# Conditional requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["ASK {", "SELECT * { SERVICE <urn:x> {} }"])
@WAYS
def test_a_condition_hides_no_error(client: FlaskClient, way: object, query: str) -> None:
    response = way(client, ("query", query), **{"If-None-Match": "*"})  # type: ignore[operator]
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")


def test_a_condition_is_met_by_the_tag_of_the_answer(client: FlaskClient) -> None:
    """RFC 9110, 13.1.2: 304 for GET and HEAD, 412 for other methods."""
    asked = ("query", _TABLE)
    first = _get(client, asked)
    known = first.headers["ETag"]
    assert known.startswith('W/"')
    for value in (known, f'"other", {known}', known.removeprefix("W/"), "*"):
        headers = {"If-None-Match": value}
        again = _get(client, asked, **headers)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", known)
        head = client.head(f"/sparql?{urlencode([asked])}", headers=headers)
        assert (head.status_code, head.headers["ETag"]) == (304, known)
        for way in (_form, _direct):
            _refused(way(client, asked, **headers), 412, "If-None-Match")
    for way in (_get, _form, _direct):
        assert way(client, asked, **{"If-None-Match": '"other"'}).data == first.data


def test_different_requests_have_different_tags(client: FlaskClient) -> None:
    graphs = [[ONE, TWO], [f"{ONE}\n{TWO}"], [f"{ONE},{TWO}"], [f"{ONE}\0{TWO}"], [f'{ONE}", "{TWO}']]
    jobs = [Job(_TABLE, default, named) for one in graphs for default, named in ((one, []), ([], one))]
    jobs += [Job(f"{_TABLE}\n{ONE}"), Job(_TABLE, [ONE], [TWO]), Job(_TABLE, [TWO, ONE])]
    assert len({tag("1", job) for job in jobs}) == len(jobs)
    asked = ("query", "ASK { <urn:one> ?p 1 . <urn:two> ?p 2 }")
    assert _truth(_get(client, asked, ("default-graph-uri", ONE), ("default-graph-uri", TWO)))
    assert _get(client, asked, ("default-graph-uri", f"{ONE}\n{TWO}")).status_code == 400


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
