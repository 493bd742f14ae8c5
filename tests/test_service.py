"""The service, asked as programs and browsers ask: protocol, formats, errors, pages."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
from threading import BoundedSemaphore
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from rdflib import Graph, Namespace, URIRef
from rdflib.namespace import OWL, RDF, RDFS, SKOS, VOID

from her2kg.answer.processes import pool_of_files
from her2kg.answer.results import Answers
from her2kg.model.namespaces import HER2, prefixes
from her2kg.model.queries import question_names
from her2kg.service.app import create_app
from her2kg.service.transfer import PIECE
from her2kg.settings import Settings
from her2kg.sparql.engine import Engine, Table, plain
from her2kg.sparql.worker import Limits
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from her2kg.sparql.pool import Pool
    from her2kg.sparql.store import Store

pytestmark = pytest.mark.slow

_JSON = "application/sparql-results+json"
_XML = "application/sparql-results+xml"
_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
_SELECT = "SELECT ?s { ?s ?p ?o } LIMIT 1"
_CONSTRUCT = "CONSTRUCT WHERE { <https://w3id.org/her2kg/id/drug/paclitaxel> ?p ?o }"
_HOSTILE = "<script>alert('x')</script>"


def _client(engine: Pool, build: Path, **more: object) -> FlaskClient:
    return create_app(engine, Settings.read({"build": build, **more}, {}), prefixes(ROOT)).test_client()


@pytest.fixture(scope="module")
def client(engine: Pool, built: Path) -> FlaskClient:
    """Give a client of the service over the real graph."""
    return _client(engine, built)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Give a client of the service over data of the user's own, with small limits."""
    file = tmp_path_factory.mktemp("data") / "own.ttl"
    file.write_text("<urn:a> <urn:b> <urn:c> .", encoding="utf-8")
    with pool_of_files([file], Limits()) as engine:
        yield create_app(engine, Settings.read({"body_limit": 2000}, {}), built=False).test_client()


def _problem(response: TestResponse) -> dict[str, object]:
    assert response.mimetype == "application/problem+json"
    body: dict[str, object] = json.loads(response.get_data())
    assert body["status"] == response.status_code
    assert body["title"]
    assert 0 < len(str(body["detail"])) <= 200
    assert body["remedy"]
    return body


def _said(response: TestResponse) -> str:
    body = _problem(response)
    return f"{body['detail']} {body['remedy']}"


def _count(client: FlaskClient, pattern: str) -> int:
    query = f"PREFIX her2: <https://w3id.org/her2kg/ontology#> SELECT (COUNT(*) AS ?n) {{ {pattern} }}"
    rows = list(csv.reader(io.StringIO(_get(client, query, format="csv").text)))
    return int(rows[1][0])


def _get(client: FlaskClient, query: str, accept: str | None = None, **more: str) -> TestResponse:
    headers = {"Accept": accept} if accept else {}
    return client.get("/sparql", query_string={"query": query, **more}, headers=headers)


# The protocol ----------------------------------------------------------------------------------------


def test_get_post_form_and_direct_post_answer_alike(client: FlaskClient) -> None:
    query = "SELECT ?p (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p ORDER BY ?p"
    by_get = _get(client, query)
    by_form = client.post("/sparql", data={"query": query})
    direct = client.post("/sparql", data=query, content_type="application/sparql-query; charset=utf-8")
    assert by_get.status_code == 200
    assert by_get.data == by_form.data == direct.data


def test_a_query_may_hold_chinese_on_every_way(client: FlaskClient) -> None:
    query = 'ASK { ?s ?p "阿法替尼"@zh }'
    for response in (
        _get(client, query),
        client.post("/sparql", data={"query": query}),
        client.post("/sparql", data=query.encode(), content_type="application/sparql-query"),
    ):
        assert json.loads(response.data)["boolean"] is True


def test_head_answers_without_a_body(client: FlaskClient) -> None:
    response = client.head("/sparql", query_string={"query": _SELECT})
    assert response.status_code == 200
    assert response.data == b""


@pytest.mark.parametrize("way", ["get", "post"])
def test_the_graphs_of_the_request_are_asked(client: FlaskClient, way: str) -> None:
    query = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    ontology = "https://w3id.org/her2kg/graph/ontology"
    sent = {"query": query, "default-graph-uri": ontology, "format": "csv"}
    response = client.get("/sparql", query_string=sent) if way == "get" else client.post("/sparql", data=sent)
    named = _get(client, f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{ontology}> {{ ?s ?p ?o }} }}", format="csv")
    assert response.text == named.text
    assert response.text != _get(client, query, format="csv").text


def test_only_the_named_graphs_of_the_request_are_seen(client: FlaskClient) -> None:
    response = client.post(
        "/sparql",
        query_string={"named-graph-uri": "https://w3id.org/her2kg/graph/ontology"},
        data="SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }",
        content_type="application/sparql-query",
        headers={"Accept": "text/csv"},
    )
    assert response.text == "g\r\nhttps://w3id.org/her2kg/graph/ontology\r\n"


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, _JSON),
        ("*/*", _JSON),
        ("application/json", _JSON),
        (_XML, _XML),
        ("application/xml", _XML),
        ("text/*", "text/csv"),
        ("text/tab-separated-values", "text/tab-separated-values"),
        ("text/csv;q=0.2, text/tab-separated-values;q=0.8", "text/tab-separated-values"),
        (f"{_JSON};q=0, */*", _XML),
        (f"image/png, {_XML};q=0.1", _XML),
        (_BROWSER, _XML),
    ],
)
def test_a_table_comes_in_the_format_asked_for(
    client: FlaskClient, accept: str | None, mimetype: str
) -> None:
    assert _get(client, _SELECT, accept).mimetype == mimetype


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "text/turtle"),
        ("*/*", "text/turtle"),
        ("application/n-triples", "application/n-triples"),
        ("application/rdf+xml, text/turtle;q=0.9", "application/rdf+xml"),
        ("application/ld+json", "application/ld+json"),
        (_BROWSER, "application/rdf+xml"),  # application/xml comes before */*
    ],
)
def test_a_graph_comes_in_the_format_asked_for(
    client: FlaskClient, accept: str | None, mimetype: str
) -> None:
    assert _get(client, _CONSTRUCT, accept).mimetype == mimetype


@pytest.mark.parametrize(
    "name", ["ttl", "turtle", "nt", "rdf", "jsonld", "nq", "trig", "application/rdf+xml"]
)
def test_a_graph_reads_back_in_every_format(client: FlaskClient, name: str) -> None:
    expected = set(_get(client, _CONSTRUCT, format="nt").text.splitlines())
    response = _get(client, _CONSTRUCT, "text/html", format=name)
    read = Engine.from_text(response.text, response.mimetype or "")
    assert set(read.text("application/n-triples").splitlines()) == expected
    assert len(expected) > 5


def test_turtle_is_written_with_the_prefixes_of_the_project(client: FlaskClient) -> None:
    assert "drug:paclitaxel" in _get(client, _CONSTRUCT).text


@pytest.mark.parametrize("name", ["json", "xml", "csv", "tsv", "application/json", _XML])
def test_the_format_parameter_comes_before_the_accept_header(client: FlaskClient, name: str) -> None:
    response = _get(client, _SELECT, "text/turtle", format=name)
    assert response.status_code == 200
    assert name.rpartition("/")[2].split("+")[-1] in (response.mimetype or "").replace(
        "tab-separated-values", "tsv"
    )


def test_an_ask_is_answered_in_json_and_xml(client: FlaskClient) -> None:
    assert json.loads(_get(client, "ASK { FILTER(false) }").data)["boolean"] is False
    assert "<boolean>true</boolean>" in _get(client, "ASK { }", _XML).text


def test_any_origin_may_read_answers_and_errors(client: FlaskClient) -> None:
    for response in (_get(client, _SELECT), _get(client, "SELEC"), client.get("/questions/drugs.json")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Accept" in response.vary


def test_a_browser_may_ask_beforehand_what_it_may_send(client: FlaskClient) -> None:
    response = client.options("/sparql")
    assert response.status_code == 200
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]


# Errors ----------------------------------------------------------------------------------------------


def test_a_syntax_error_has_line_column_and_remedy_for_a_program(client: FlaskClient) -> None:
    response = _get(client, "SELECT * {\n  ?s drug:class ?o }", _JSON)
    assert response.status_code == 400
    assert _problem(response) == {
        "title": "Bad Request",
        "status": 400,
        "detail": "the prefix drug: is not declared",
        "remedy": "add a line PREFIX drug: <https://w3id.org/her2kg/id/drug/> at the top",
        "line": 2,
        "column": 6,
    }


@pytest.mark.parametrize(
    ("query", "remedy"),
    [
        (  # two prefixes that are known are as near
            "ASK { ?s rdsf:label ?o }",
            (
                "add a line PREFIX rdsf: <...> at the top"
                f", or write rdf: with PREFIX rdf: <{RDF}>, or write rdfs: with PREFIX rdfs: <{RDFS}>"
            ),
        ),
        (
            "PREFIX my: <urn:my:> ASK { ?s mys:label ?o }",
            "add a line PREFIX mys: <...> at the top, or write my: which is declared",
        ),
        (  # known, so that the one that is declared is not meant
            "PREFIX rdf: <urn:my:> ASK { ?s rdfs:label ?o }",
            f"add a line PREFIX rdfs: <{RDFS}> at the top",
        ),
        ("ASK { ?s zzzz:label ?o }", "add a line PREFIX zzzz: <...> at the top"),
        ("ASK { ?s ex:label ?o }", "add a line PREFIX ex: <...> at the top"),  # exon: is not meant
        (f"ASK {{ ?s {'x' * 5000}:label ?o }}", f"add a line PREFIX {'x' * 39}…: <...> at the top"),
    ],
)
def test_a_prefix_like_one_that_is_known_is_told(client: FlaskClient, query: str, remedy: str) -> None:
    assert _problem(_get(client, query, _JSON))["remedy"] == remedy


def test_a_syntax_error_is_a_page_for_a_browser(client: FlaskClient) -> None:
    response = _get(client, "SELECT * {\n  ?s drug:class ?o }", _BROWSER)
    assert response.status_code == 400
    assert response.mimetype == "text/html"
    assert "Line 2, column 6: the prefix drug: is not declared" in response.text
    assert "add a line PREFIX drug: &lt;https://w3id.org/her2kg/id/drug/&gt; at the top" in response.text
    assert response.text.count("2:6") == 0


@pytest.mark.parametrize("accept", [None, _BROWSER])
def test_what_a_query_holds_is_never_run_as_html(client: FlaskClient, accept: str | None) -> None:
    response = _get(client, _HOSTILE, accept)
    assert response.status_code == 400
    assert response.mimetype != "text/html" or "<script" not in response.text


@pytest.mark.parametrize(
    "path",
    [
        "/questions/{}",
        "/questions/applicable-claims?alteration={}",
        "/questions/drugs?{}=1",
        "/questions/drugs?lang={}",
        "/questions/drugs.{}",
        "/?lang={}",
        "/{}",
    ],
)
def test_what_an_address_holds_is_never_run_as_html(client: FlaskClient, path: str) -> None:
    response = client.get(path.format(quote(_HOSTILE, safe="")), headers={"Accept": _BROWSER})
    assert 400 <= response.status_code < 500
    assert response.mimetype == "text/html"
    assert "<script" not in response.text


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ({"query": []}, "the request has 0 queries"),
        ({"query": [_SELECT, _SELECT]}, "the request has 2 queries"),
        ({"update": "CLEAR ALL"}, "the graph is read-only"),
        ({"update": "CLEAR ALL", "query": _SELECT}, "the graph is read-only"),
        ({"query": "CLEAR ALL"}, "updates are refused: the graph is read-only"),
        ({"query": "SELECT * { SERVICE <http://127.0.0.1/> { } }"}, "SERVICE is refused: nothing is fetched"),
        ({"query": _SELECT, "default-graph-uri": "no iri"}, "'no iri' is no IRI"),
    ],
)
@pytest.mark.parametrize("way", ["get", "post"])
def test_a_request_that_is_no_query_is_a_bad_request(
    client: FlaskClient, way: str, sent: dict[str, str | list[str]], detail: str
) -> None:
    if way == "get" and sent != {"query": []}:  # without a query, a GET asks what the endpoint is
        response = client.get("/sparql", query_string=sent)
    else:
        response = client.post("/sparql", data=sent, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    problem = _problem(response)
    assert problem["detail"] == detail
    assert problem["remedy"]


def test_an_update_sent_as_such_is_an_unsupported_media_type(client: FlaskClient) -> None:
    before = _count(client, "?s ?p ?o")
    response = client.post("/sparql", data="CLEAR ALL", content_type="application/sparql-update")
    assert response.status_code == 415
    assert "application/sparql-query" in str(_problem(response)["remedy"])
    assert _count(client, "?s ?p ?o") == before


def test_a_direct_query_that_is_not_utf_8_is_a_bad_request(client: FlaskClient) -> None:
    response = client.post("/sparql", data=b"ASK { \xff }", content_type="application/sparql-query")
    assert response.status_code == 400
    assert _problem(response)["detail"] == "the request is not UTF-8"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_method_that_writes_is_not_allowed_and_those_that_are_get_named(
    client: FlaskClient, method: str
) -> None:
    response = client.open("/sparql", method=method)
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.allow)
    problem = _problem(response)
    assert problem["detail"] == f"{method} is not allowed here"
    assert problem["remedy"] == "use GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("query", "accept", "offered"),
    [
        (_SELECT, "image/png", "text/csv"),
        (_SELECT, "text/html", _JSON),
        (_CONSTRUCT, "image/png", "text/turtle"),
        (_CONSTRUCT, "text/turtle;q=0, application/pdf", "application/n-triples"),
        ("ASK { }", "image/*", _XML),
    ],
)
def test_what_no_client_of_sparql_accepts_is_refused_and_the_choices_are_named(
    client: FlaskClient, query: str, accept: str, offered: str
) -> None:
    response = _get(client, query, accept)
    assert response.status_code == 406
    if response.mimetype == "text/html":
        assert offered in response.text
    else:
        assert offered in _said(response)


@pytest.mark.parametrize(
    ("query", "accept", "format_", "mimetype"),
    [
        (_SELECT, "text/turtle", "", _JSON),
        (_SELECT, None, "ttl", _JSON),
        (_SELECT, "text/csv", "ttl", "text/csv"),
        (_CONSTRUCT, "text/csv", "", "text/turtle"),
        (_CONSTRUCT, None, "csv", "text/turtle"),
        ("ASK { }", "text/csv", "", _JSON),
        ("ASK { }", None, "tsv", _JSON),
        (_SELECT, None, "<b>", _JSON),
        (_SELECT, "text/csv", "<b>", "text/csv"),
    ],
)
def test_a_format_of_another_answer_or_of_none_refuses_nothing(
    client: FlaskClient, query: str, accept: str | None, format_: str, mimetype: str
) -> None:
    response = _get(client, query, accept, format=format_)
    assert (response.status_code, response.mimetype) == (200, mimetype)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/sparql-query"])
def test_a_body_over_the_limit_is_too_large(own: FlaskClient, content_type: str) -> None:
    response = own.post("/sparql", data="query=" + "a" * 2000, content_type=content_type)
    assert response.status_code == 413
    _problem(response)


def test_a_form_may_be_as_large_as_the_limit_says() -> None:
    with pool_of_files([], Limits(length=1_000_000)) as engine:
        client = create_app(engine, Settings.read({}, {}), built=False).test_client()
        response = client.post("/sparql", data={"query": "ASK { } #" + "a" * 900_000})
    assert response.status_code == 200


def test_an_unknown_page_is_a_problem_too(client: FlaskClient) -> None:
    response = client.get("/nothing-here")
    assert response.status_code == 404
    problem = _problem(response)
    assert problem["detail"] == "there is nothing at /nothing-here"
    assert problem["remedy"] == "start at /"


def test_an_answer_is_known_again_until_the_data_change(client: FlaskClient, own: FlaskClient) -> None:
    first = _get(client, _SELECT, _JSON)
    tag = first.headers["ETag"]
    again = client.get(
        "/sparql", query_string={"query": _SELECT}, headers={"Accept": _JSON, "If-None-Match": tag}
    )
    assert (again.status_code, again.data) == (304, b"")
    for accept, query in ((_XML, _SELECT), (_JSON, f"{_SELECT} ")):
        other = client.get(
            "/sparql", query_string={"query": query}, headers={"Accept": accept, "If-None-Match": tag}
        )
        assert other.status_code == 200
    assert _get(own, _SELECT, _JSON).headers["ETag"] != tag


@pytest.mark.parametrize("function", ["NOW()", "RAND()", "UUID()", "struuid()"])
def test_an_answer_that_differs_each_time_is_not_kept(own: FlaskClient, function: str) -> None:
    response = _get(own, f"SELECT ({function} AS ?x) {{ }}", _JSON)
    assert "ETag" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("limit", ["LIMIT 100", "LIMIT 30000"], ids=["whole", "streamed"])
def test_an_answer_may_come_compressed(client: FlaskClient, limit: str) -> None:
    query = f"SELECT * {{ ?s ?p ?o }} ORDER BY ?s ?p ?o {limit}"
    plain = _get(client, query, "text/csv")
    packed = client.get(
        "/sparql", query_string={"query": query}, headers={"Accept": "text/csv", "Accept-Encoding": "gzip"}
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data)
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.vary


_SD = Namespace("http://www.w3.org/ns/sparql-service-description#")


@pytest.mark.parametrize(
    ("accept", "kind"), [("", "turtle"), ("application/rdf+xml", "xml"), ("application/n-triples", "nt")]
)
def test_the_endpoint_describes_itself_under_the_address_it_was_asked_by(
    client: FlaskClient, accept: str, kind: str
) -> None:
    response = client.get("/sparql", headers={"Accept": accept}, base_url="https://kg.example.org/")
    endpoint = URIRef("https://kg.example.org/sparql")
    graph = Graph().parse(data=response.data, format=kind)
    assert (endpoint, _SD.endpoint, endpoint) in graph
    assert (endpoint, _SD.supportedLanguage, _SD.SPARQL11Query) in graph
    assert len(set(graph.objects(endpoint, _SD.resultFormat))) == 10
    assert URIRef("https://w3id.org/her2kg/graph/asserted") in set(graph.objects(None, _SD.name))


def test_the_limits_in_force_are_shown(client: FlaskClient, own: FlaskClient) -> None:
    shown = client.get("/-/settings").get_json()
    assert shown["workers"] == Settings.read({}, {}).workers
    assert shown["body_limit"] == 1_000_000
    assert own.get("/-/settings").get_json()["body_limit"] == 2000
    described = Graph().parse(data=client.get("/sparql").data, format="turtle")
    schema = Namespace("https://schema.org/")
    assert {
        str(described.value(limit, schema.name)): described.value(limit, schema.value).toPython()  # type: ignore[union-attr]
        for limit in described.objects(None, schema.additionalProperty)
    } == shown


@pytest.mark.parametrize(
    "path", ["/", "/sparql?query=ASK+{}", "/nothing-here", "/questions/drugs", "/healthz"]
)
def test_every_response_forbids_what_a_page_does_not_need(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert "Set-Cookie" not in headers
    assert headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("way", ["get", "post"])
def test_bytes_that_are_no_utf_8_are_refused_and_not_replaced(client: FlaskClient, way: str) -> None:
    sent = "query=ASK+%7B+FILTER%28%22%FF%22+%3D+%22x%22%29+%7D"
    if way == "get":
        response = client.get(f"/sparql?{sent}")
    else:
        response = client.post("/sparql", data=sent, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert "UTF-8" in _said(response)


def test_another_charset_is_unsupported(client: FlaskClient) -> None:
    response = client.post(
        "/sparql", data="ASK { }".encode("utf-16"), content_type="application/sparql-query; charset=utf-16"
    )
    assert response.status_code == 415
    assert "utf-16" in _said(response)


# Pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", question_names(ROOT))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_question_has_a_page_and_a_twin_with_as_many_rows(
    client: FlaskClient, name: str, lang: str
) -> None:
    page = client.get(f"/questions/{name}?lang={lang}")
    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.text
    twin = client.get(f"/questions/{name}.csv?lang={lang}")
    rows = list(csv.reader(io.StringIO(twin.text)))
    assert page.text.count("<tr>") == len(rows) > 1


def test_the_twins_hold_the_same_answer_in_every_format(client: FlaskClient) -> None:
    by_kind = {kind: client.get(f"/questions/trials.{kind}") for kind in ("csv", "json", "xml", "tsv")}
    assert {kind: response.mimetype for kind, response in by_kind.items()} == {
        "csv": "text/csv",
        "json": _JSON,
        "xml": _XML,
        "tsv": "text/tab-separated-values",
    }
    rows = list(csv.DictReader(io.StringIO(by_kind["csv"].text)))
    bindings = json.loads(by_kind["json"].data)["results"]["bindings"]
    assert [{name: cell["value"] for name, cell in row.items()} for row in bindings] == [
        {name: cell for name, cell in row.items() if cell} for row in rows
    ]
    ns = "{http://www.w3.org/2005/sparql-results#}"
    assert len(list(ET.fromstring(by_kind["xml"].text).iter(f"{ns}result"))) == len(rows)  # noqa: S314
    assert by_kind["tsv"].text.count("\n") == len(rows) + 1


def test_a_page_answers_in_chinese(client: FlaskClient) -> None:
    page = client.get("/questions/drugs?lang=zh").text
    assert '<td class="drug">阿法替尼</td>' in page
    assert "涉及哪些药物" in page
    assert "阿法替尼" in client.get("/questions/drugs.json?lang=zh").text


def test_a_page_keeps_its_parameters_in_the_links_to_its_twins(client: FlaskClient) -> None:
    page = client.get("/questions/applicable-claims?alteration=HER2+amplification&lang=zh").text
    assert "HER2扩增" in page
    links = re.findall(r'href="(/questions/applicable-claims\.\w+\?[^"]*)"', page)
    assert len(links) == 4
    for link in links:
        twin = client.get(link.replace("&amp;", "&"))
        assert twin.status_code == 200
        assert "HER2扩增" in twin.text


def test_an_unknown_question_is_not_found_and_near_names_are_given(client: FlaskClient) -> None:
    body = client.get("/questions/drug")
    assert body.status_code == 404
    assert _problem(body)["remedy"] == "try drugs"


def test_an_unknown_notation_is_not_found_and_near_names_are_given(client: FlaskClient) -> None:
    body = client.get("/questions/applicable-claims.json?alteration=HER2+amplificaton")
    assert body.status_code == 404
    assert "alteration/erbb2-amplification" in str(_problem(body)["remedy"])


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/questions/drugs.xls", 404, "csv, tsv, json, xml"),
        ("/questions/drug.csv", 404, "no question is named"),
        ("/questions/drugs?lang=fr", 400, "choose en or zh"),
        ("/?lang=fr", 400, "choose en or zh"),
        ("/questions/drugs?gene=x", 400, "drugs has no parameter 'gene'"),
    ],
)
def test_an_address_that_says_too_much_is_told_so(
    client: FlaskClient, path: str, status: int, said: str
) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert said in _said(response)


def test_the_home_page_lists_every_question_with_its_answers(client: FlaskClient) -> None:
    page = client.get("/").text
    for name in question_names(ROOT):
        for address in (f"/questions/{name}", f"/questions/{name}.csv", f"/questions/{name}.json"):
            assert f'href="{address}"' in page


@pytest.mark.slow
def test_every_link_of_the_home_page_leads_somewhere(client: FlaskClient) -> None:
    links = set(re.findall(r'href="(/[^"]*)"', client.get("/").text))
    assert len(links) > 60
    for link in links:
        with client.get(link.replace("&amp;", "&")) as response:
            assert response.status_code == 200, link


def test_the_numbers_of_the_home_page_are_those_of_the_graph(client: FlaskClient) -> None:
    page = client.get("/").text
    sections = {
        re.findall(r"<h2>(.*?)</h2>", section)[0]: re.findall(r"<tr>(<td>.*?)</tr>", section)
        for section in re.findall(r"<section>.*?</section>", page, re.DOTALL)
    }
    cells = {title: [re.findall(r"<td>(.*?)</td>", row) for row in rows] for title, rows in sections.items()}
    claims = _count(client, "?claim a her2:Statement")
    assert sum(int(row[-1]) for row in cells["Claims by kind"]) == claims
    assert sum(int(row[-1]) for row in cells["Claims by direction and voice"]) == claims
    no_effect = "?claim her2:direction <https://w3id.org/her2kg/id/direction/no-effect>"
    shown = sum(int(row[-1]) for row in cells["Claims by direction and voice"] if row[0] == "no-effect")
    assert shown == _count(client, no_effect) > 0
    drugs = next(int(row[-1]) for row in cells["Things by type"] if row[0] == "drug")
    assert drugs == _count(client, "?drug a her2:DrugCategory")


def test_the_home_page_speaks_chinese(client: FlaskClient) -> None:
    page = client.get("/?lang=zh").text
    assert '<html lang="zh">' in page
    assert "本图谱的内容" in page
    assert "What this graph holds" not in page
    assert 'href="/questions/drugs?lang=zh"' in page


def test_health_names_the_version_of_the_data(client: FlaskClient, store: Store) -> None:
    assert client.get("/healthz").json == {"status": "ok", "triples": len(store), "data": store.version}


def test_over_data_of_the_users_own_the_questions_are_not_offered(own: FlaskClient) -> None:
    page = own.get("/")
    assert page.status_code == 200
    assert "/questions/" not in page.text
    assert "1 triple." in page.text
    for path in ("/questions/drugs", "/questions/drugs.csv"):
        response = own.get(path)
        assert response.status_code == 404
        assert "/sparql" in _said(response)
    assert _get(own, "SELECT ?o { <urn:a> ?p ?o }", format="csv").text == "o\r\nurn:c\r\n"


def test_the_page_and_the_python_side_give_the_same_rows(client: FlaskClient, store: Store) -> None:
    # Blank nodes have other names in another process.
    query = "SELECT * { ?s ?p ?o FILTER(!ISBLANK(?s) && !ISBLANK(?o)) } ORDER BY ?s ?p ?o LIMIT 50"
    found = store.query(query)
    assert isinstance(found, Table)
    response = _get(client, query, format="csv")
    assert list(csv.reader(io.StringIO(response.text))) == list(
        csv.reader(io.StringIO(Answers.of(found).to_csv()))
    )


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/rdf+xml"),
        ("*/*", "application/rdf+xml"),
        ("application/rdf+xml, text/turtle;q=0.5", "application/rdf+xml"),
        ("text/turtle", "text/turtle"),
        ("application/n-triples", "application/n-triples"),
        ("application/ld+json", "application/ld+json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
    ],
)
def test_the_ontology_comes_as_it_is_asked_for(client: FlaskClient, accept: str, media_type: str) -> None:
    response = client.get("/ontology", headers={"Accept": accept} if accept else {})
    assert response.status_code == 200
    assert response.mimetype == media_type
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("part", ["ontology", "ontology/base", "ontology/inferred"])
@pytest.mark.parametrize("kind", ["rdf", "ttl", "nt", "jsonld"])
def test_every_module_is_the_same_in_every_format(client: FlaskClient, part: str, kind: str) -> None:
    response = client.get(f"/{part}.{kind}")
    assert response.status_code == 200
    found = Engine.from_text(response.get_data(as_text=True), str(response.mimetype))
    plain = Engine.from_text(client.get(f"/{part}.nt").get_data(as_text=True), "application/n-triples")
    assert len(found) == len(plain)
    assert found.query(f"ASK {{ ?ontology a <{OWL.Ontology}> ; <{OWL.versionIRI}> ?version }}")


def test_the_ontology_is_not_sent_again_to_who_has_it(client: FlaskClient) -> None:
    first = client.get("/ontology.ttl")
    again = client.get("/ontology.ttl", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_of_the_ontology_has_every_term_at_its_anchor(client: FlaskClient, lang: str) -> None:
    page = client.get(f"/ontology?lang={lang}", headers={"Accept": "text/html"}).get_data(as_text=True)
    ontology = Graph().parse(ROOT / "ontology" / "her2kg.ttl")
    own = {str(term) for term in ontology.subjects(SKOS.definition) if str(term).startswith(str(HER2))}
    assert own
    assert [term for term in own if f'id="{term.removeprefix(str(HER2))}"' not in page] == []
    assert "(affectsExon value" in page


def test_files_of_the_users_own_have_no_ontology_page(own: FlaskClient) -> None:
    assert own.get("/ontology").status_code == 404


_DRUG = "/id/drug/afatinib"
#: What each client sends, and where it is led to.
_CLIENTS = {
    "browser": (_BROWSER, "/page/drug/afatinib"),
    "curl": ("*/*", "/data/drug/afatinib.ttl"),
    "owlready2": (None, "/data/drug/afatinib.ttl"),
    "rdflib": (
        "application/rdf+xml, text/n3, text/turtle, application/n-triples, application/ld+json",
        "/data/drug/afatinib.rdf",  # any of them
    ),
    "rdflib as Turtle": ("text/turtle, application/x-turtle, */*;q=0.1", "/data/drug/afatinib.ttl"),
    "rdflib as JSON-LD": (
        "application/ld+json, application/json;q=0.9, */*;q=0.1",
        "/data/drug/afatinib.jsonld",
    ),
    "rdflib as N-Triples": ("text/plain, */*;q=0.1", "/data/drug/afatinib.nt"),
    "Protégé": ("application/rdf+xml, application/xml;q=0.7, */*;q=0.09", "/data/drug/afatinib.rdf"),
}


@pytest.mark.parametrize(("accept", "place"), _CLIENTS.values(), ids=_CLIENTS)
def test_a_thing_leads_each_client_to_what_it_reads(
    client: FlaskClient, accept: str | None, place: str
) -> None:
    response = client.get(_DRUG, headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.headers["Location"]) == (303, place)
    assert "Accept" in response.vary
    assert client.get(place).status_code == 200


def test_a_thing_is_to_be_had_as_data_only_in_formats_that_there_are(client: FlaskClient) -> None:
    assert client.get(_DRUG, headers={"Accept": "image/png"}).status_code == 406
    assert client.get("/data/drug/afatinib.xls").status_code == 404


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "name"), [("ttl", "turtle"), ("nt", "nt"), ("rdf", "xml"), ("jsonld", "json-ld")]
)
def test_the_data_of_a_thing_are_the_same_in_every_format(client: FlaskClient, kind: str, name: str) -> None:
    graph = Graph().parse(data=client.get(f"/data/drug/afatinib.{kind}").data, format=name)
    drug = URIRef("https://w3id.org/her2kg/id/drug/afatinib")
    assert {str(label) for label in graph.objects(drug, RDFS.label)} == {"afatinib", "阿法替尼"}
    assert (drug, HER2.target, URIRef("https://w3id.org/her2kg/id/gene/erbb2")) in graph
    assert len(graph) == len(Graph().parse(data=client.get("/data/drug/afatinib.nt").data, format="nt"))


def test_every_iri_of_the_graph_leads_somewhere(client: FlaskClient, store: Store) -> None:
    found = store.query(
        'SELECT DISTINCT ?s { ?s ?p ?o FILTER(STRSTARTS(STR(?s), "https://w3id.org/her2kg/id/")) }'
    )
    assert isinstance(found, Table)
    places = [plain(row["s"]).removeprefix("https://w3id.org/her2kg") for row in found.rows()]
    assert len(places) > 4000
    for place in places[::100]:
        response = client.get(quote(place), headers={"Accept": "text/turtle"})
        assert response.status_code == 303, place
        assert client.get(response.headers["Location"]).status_code == 200


@pytest.mark.parametrize(("lang", "label"), [("en", "afatinib"), ("zh", "阿法替尼")])
def test_the_page_of_a_thing_shows_it_and_what_speaks_of_it(
    client: FlaskClient, lang: str, label: str
) -> None:
    page = client.get(f"/page/drug/afatinib?lang={lang}").text
    assert f"<h1>{label}</h1>" in page
    assert 'href="/page/gene/erbb2' in page
    assert "/page/proposition/" in page
    assert "阿法替尼" in page
    assert 'href="https://w3id.org/her2kg/id/' not in page  # a laptop leads nobody to the public host


@pytest.mark.parametrize(
    "path",
    [
        "/id/drug/nothing",
        "/page/drug/nothing",
        "/data/drug/nothing.ttl",
        "/id/a%20b%3E",
        "/id/%00",
        "/graph/x",
    ],
)
def test_what_the_graph_does_not_hold_is_not_found(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert _said(response)


@pytest.mark.parametrize("name", ["ontology", "asserted", "inferred", "metadata"])
def test_a_named_graph_is_to_be_had_at_its_iri(client: FlaskClient, name: str) -> None:
    response = client.get(f"/graph/{name}", headers={"Accept": "application/n-triples"})
    assert response.mimetype == "application/n-triples"
    graph = f"<https://w3id.org/her2kg/graph/{name}>"
    query = f"SELECT (COUNT(*) AS ?n) {{ GRAPH {graph} {{ ?s ?p ?o }} }}"
    assert len(response.data.splitlines()) == int(_get(client, query, "text/csv").text.split()[1])
    again = client.get(
        f"/graph/{name}",
        headers={"Accept": "application/n-triples", "If-None-Match": response.headers["ETag"]},
    )
    assert again.status_code == 304


def test_the_description_of_the_data_is_well_known(client: FlaskClient) -> None:
    response = client.get("/.well-known/void", follow_redirects=True)
    graph = Graph().parse(data=response.data, format="turtle")
    assert set(graph.subjects(RDF.type, VOID.Dataset))


@pytest.mark.parametrize(("lang", "how"), [("en", "close"), ("zh", "相近")])
def test_the_page_of_the_ontology_shows_what_a_term_is_mapped_to(
    client: FlaskClient, lang: str, how: str
) -> None:
    page = client.get(f"/ontology?lang={lang}", headers={"Accept": _BROWSER}).text
    term = page[page.index('id="Amplification"') :].partition("</section>")[0]
    assert f'{how}: <a href="http://purl.obolibrary.org/obo/SO_0001880">' in term


def test_graphs_are_had_by_parameter_too(client: FlaskClient, store: Store) -> None:
    """SPARQL 1.1 Graph Store Protocol, 4.2 (indirect identification) and 5.2."""
    accept = {"Accept": "application/n-triples"}
    iri = "https://w3id.org/her2kg/graph/metadata"
    named = client.get("/graph", query_string={"graph": iri}, headers=accept)
    assert named.status_code == 200
    assert sorted(named.text.splitlines()) == sorted(
        client.get("/graph/metadata", headers=accept).text.splitlines()
    )
    whole = client.get("/graph?default", headers=accept)
    assert len(whole.text.splitlines()) == len(store)
    assert (
        client.get("/graph?default", headers={**accept, "If-None-Match": whole.headers["ETag"]}).status_code
        == 304
    )
    for query, status in (("", 400), ("?default&graph=x", 400), ("?graph=urn:no", 404), ("?graph=", 404)):
        assert client.get(f"/graph{query}", headers=accept).status_code == status
    assert client.put("/graph?default", data="").status_code == 405


# Large responses --------------------------------------------------------------------------------------

_LARGE_QUERY = f"/sparql?query={quote('SELECT * { ?s ?p ?o } LIMIT 5000')}&format=csv"
_LARGE = {
    "answer": _LARGE_QUERY,
    "file": "/download/her2kg.ttl",
    "module": "/ontology.ttl",
    "page": "/ontology",
}


@pytest.fixture
def narrow(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Give a client of a service that sends one large response at a time."""
    monkeypatch.setattr(client.application.extensions["her2kg"], "transfers", BoundedSemaphore(1))
    return client


def _open(client: FlaskClient, path: str, method: str = "GET", **headers: str) -> TestResponse:
    return client.open(path, method=method, headers={"Accept": _BROWSER, **headers}, buffered=False)


def _is_free(client: FlaskClient) -> bool:
    """Say whether the one place for a large response is free."""
    places: BoundedSemaphore = client.application.extensions["her2kg"].transfers
    if free := places.acquire(blocking=False):
        places.release()
    return free


@pytest.mark.parametrize("path", _LARGE.values(), ids=_LARGE)
def test_a_large_response_comes_in_pieces_and_gives_its_place_back(narrow: FlaskClient, path: str) -> None:
    with _open(narrow, path) as response:
        assert response.status_code == 200
        assert not _is_free(narrow)
        pieces = list(response.iter_encoded())
    assert _is_free(narrow)
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= PIECE
    assert int(response.headers["Content-Length"]) == sum(map(len, pieces)) > PIECE


@pytest.mark.parametrize("path", _LARGE.values(), ids=_LARGE)
def test_a_large_response_gives_its_place_back_when_its_client_goes(narrow: FlaskClient, path: str) -> None:
    with _open(narrow, path) as response:
        next(response.iter_encoded())
    assert _is_free(narrow)


@pytest.mark.parametrize("path", _LARGE.values(), ids=_LARGE)
def test_what_has_no_body_takes_no_place(narrow: FlaskClient, path: str) -> None:
    with _open(narrow, path) as got:
        size, tag = len(got.data), got.headers.get("ETag")
    with _open(narrow, path, "HEAD") as response:
        assert (response.status_code, response.data) == (200, b"")
        assert int(response.headers["Content-Length"]) == size
        assert _is_free(narrow)
    assert _is_free(narrow)
    if tag:
        with _open(narrow, path, **{"If-None-Match": tag}) as response:
            assert (response.status_code, response.data) == (304, b"")
            assert _is_free(narrow)
        assert _is_free(narrow)


@pytest.mark.parametrize("path", _LARGE.values(), ids=_LARGE)
def test_too_many_large_responses_are_refused_and_small_ones_are_not(narrow: FlaskClient, path: str) -> None:
    with _open(narrow, path):
        refused = narrow.get(path)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert _problem(refused)["detail"] == "too many large responses are being sent"
        assert _get(narrow, _SELECT).status_code == 200
        with _open(narrow, path, "HEAD") as head:
            assert head.status_code == 200
    with _open(narrow, path) as response:
        assert response.status_code == 200


def test_a_compressed_answer_gives_its_place_back(narrow: FlaskClient) -> None:
    with _open(narrow, _LARGE_QUERY, **{"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert "Content-Length" not in response.headers
        assert not _is_free(narrow)
        assert len(gzip.decompress(response.data)) > PIECE
    assert _is_free(narrow)


# What is read for a request ---------------------------------------------------------------------------


def test_no_query_file_is_read_for_a_request(engine: Pool, built: Path, tmp_path: Path) -> None:
    """Take the queries away after the first requests: everything is answered as before."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(ROOT / "queries", home / "queries")
    for name in ("data", "ontology"):
        (home / name).symlink_to(ROOT / name)
    client = _client(engine, built, home=home, cache_bytes=0)
    paths = [
        "/", "/questions/drugs", "/questions/drugs.csv", "/page/drug/afatinib", "/data/drug/afatinib.ttl",
        "/questions/applicable-claims?alteration=HER2+amplification", "/graph/metadata", "/ontology",
        "/.well-known/sparql-examples",
    ]  # fmt: skip
    before = [_open(client, path).data for path in paths]
    shutil.rmtree(home / "queries")
    for path, data in zip(paths, before, strict=True):
        with _open(client, path) as response:
            assert response.status_code == 200, path
            assert sorted(response.data.splitlines()) == sorted(data.splitlines()), path
    assert client.get("/questions/nothing").status_code == 404
