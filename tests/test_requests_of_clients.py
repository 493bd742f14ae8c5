"""Requests as clients send them, byte by byte, and what HTTP asks of an endpoint that strangers use.

``requests_of_clients.tsv`` holds what clients were seen to send, or send by their source, in the version that
it names; ``negotiation.tsv`` says which format each word of ``Accept`` and ``format=`` gives a form of query.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import select
import socket
import zlib
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests.client_queries import QUERIES, TYPES, right
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"
    ),  # rdflib's JSON-LD
]

_HERE = Path(__file__).parent
_FORM, _DIRECT = "application/x-www-form-urlencoded", "application/sparql-query"
_ASK = f"/sparql?{urlencode({'query': 'ASK {}'})}"


class Reply(NamedTuple):
    """A response: its status, its headers in small letters, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """Give the Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]


@pytest.fixture(scope="module")
def host(built: Path) -> Iterator[str]:
    """Serve the real graph and give the host and the port."""
    with serving(HER2KG_BUILD=str(built)) as (url, _):
        yield urlsplit(url).netloc


def _send(
    host: str,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes | None = None,
    *,
    hosts: Sequence[str] | None = None,
) -> Reply:
    """Send these headers and no others, but for Host and Content-Length."""
    with closing(HTTPConnection(host, timeout=30)) as connection:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name in [host] if hosts is None else hosts:
            connection.putheader("Host", name)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        content = response.read()
    if found.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    return Reply(response.status, found, content)


def _get(host: str, query: str, *pairs: tuple[str, str], **headers: str) -> Reply:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return _send(host, "GET", f"/sparql?{urlencode([('query', query), *pairs])}", sent)


def _post(host: str, content_type: str, body: str | bytes, *headers: tuple[str, str]) -> Reply:
    content = body.encode() if isinstance(body, str) else body
    return _send(host, "POST", "/sparql", [("Content-Type", content_type), *headers], content)


def _table(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


# What clients send ------------------------------------------------------------------------------------

_REQUESTS = _table("requests_of_clients.tsv")


@pytest.mark.parametrize(
    "row",
    _REQUESTS,
    ids=[f"{number}-{row['client']}-{row['form']}" for number, row in enumerate(_REQUESTS, 2)],
)
def test_a_request_as_a_client_sends_it_is_answered_in_a_type_of_its_form(
    host: str, row: dict[str, str]
) -> None:
    headers = [
        (name, value) for name, _, value in (h.partition(": ") for h in row["headers"].split(" | ") if h)
    ]
    encoded = f"query={quote(QUERIES[row['form']], safe='')}{row['parameters']}"
    sent = dict(headers).get("Content-Type")
    if sent is None:
        reply = _send(host, "GET", f"/sparql?{encoded}", headers)
    else:
        body = encoded if sent == _FORM else QUERIES[row["form"]]
        reply = _send(host, "POST", "/sparql", headers, body.encode())
    assert reply.status == 200, reply.body.decode()
    assert reply.media_type == TYPES[row["format"]]
    assert right(row["form"], reply.headers["content-type"], reply.body)


# Negotiation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["SELECT", "ASK", "CONSTRUCT"])
@pytest.mark.parametrize(
    "row", _table("negotiation.tsv"), ids=lambda row: f"accept={row['accept']} format={row['format']}"
)
def test_a_word_gives_the_nearest_type_that_fits_the_form(host: str, row: dict[str, str], form: str) -> None:
    headers = {"Accept": row["accept"]} if row["accept"] else {}
    pairs = [("format", row["format"])] if row["format"] else []
    reply = _get(host, QUERIES[form], *pairs, **headers)
    if row[form] == "-":
        assert reply.status == 406
        return
    assert reply.status == 200, reply.body.decode()
    assert reply.media_type == TYPES[row[form]]
    if row[form] not in {"nq", "trig"}:
        assert right(form, reply.headers["content-type"], reply.body)


@pytest.mark.parametrize("form", ["SELECT", "ASK"])
def test_xml_results_say_their_charset(host: str, form: str) -> None:
    """R's client reads what has no charset as Latin-1."""
    reply = _get(host, QUERIES[form], ("format", "xml"))
    parameters = reply.headers["content-type"].replace(" ", "").lower().split(";")[1:]
    assert parameters == ["charset=utf-8"]


# Bodies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "Application/SPARQL-Query",
        "APPLICATION/SPARQL-QUERY; Charset=UTF-8",
        'application/sparql-query;charset="utf-8"',
        "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
    ],
)
def test_media_types_of_bodies_compare_without_case(host: str, content_type: str) -> None:
    direct = "sparql-query" in content_type.lower()
    reply = _post(host, content_type, QUERIES["ASK"] if direct else urlencode({"query": QUERIES["ASK"]}))
    assert reply.status == 200, reply.body.decode()
    assert right("ASK", reply.headers["content-type"], reply.body)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize(("content_type", "body"), [(_DIRECT, "ASK {}"), (_FORM, "query=ASK%20%7B%7D")])
def test_a_packed_body_is_refused_as_such(
    host: str, content_type: str, body: str, coding: str, pack: Any
) -> None:
    reply = _post(host, content_type, pack(body.encode()), ("Content-Encoding", coding))
    assert reply.status == 415
    assert "Content-Encoding" in json.loads(reply.body)["detail"]


def test_a_body_that_is_said_not_to_be_packed_is_read(host: str) -> None:
    assert _post(host, _DIRECT, "ASK {}", ("Content-Encoding", "identity")).status == 200


@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0"])
def test_the_body_of_a_request_that_offers_another_protocol_is_not_a_request(host: str, offer: str) -> None:
    """RFC 9110, 7.8: the offer may be ignored; the body comes apart from the headers, before a request."""
    body = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"
    head = (
        f"POST /sparql HTTP/1.1\r\nHost: {host}\r\nContent-Type: {_DIRECT}\r\nContent-Length: {len(body)}\r\n"
        f"Connection: Upgrade\r\nUpgrade: {offer}\r\n\r\n"
    )
    last = f"GET {_ASK} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    name, _, port = host.partition(":")
    with (
        socket.create_connection((name, int(port)), timeout=30) as connection,
        connection.makefile("rb") as said,
    ):
        connection.sendall(head.encode())
        early, _, _ = select.select([connection], [], [], 0.3)
        connection.sendall((body + last).encode())
        answers = said.read()
    # Offers of other protocols than HTTP may be answered at once; no SPARQL client makes them.
    assert not early or offer != "h2c", "the request was answered before its body came"
    # The server may close the connection instead of reading on.
    assert re.findall(rb"^HTTP/1.1 (\d+)", answers, re.MULTILINE) in ([b"400"], [b"400", b"200"])
    assert b"triples" not in answers


# Parameters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri", "format"])
def test_an_empty_parameter_is_none(host: str, name: str) -> None:
    for reply in (
        _get(host, QUERIES["SELECT"], (name, "")),
        _post(host, _FORM, urlencode([(name, ""), ("query", QUERIES["SELECT"])])),
    ):
        assert reply.status == 200, reply.body.decode()
        assert right("SELECT", reply.headers["content-type"], reply.body)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("SELECT (<id/drug/afatinib> AS ?iri) {}", "/id/drug/afatinib"),
        ("SELECT (</id/drug/afatinib> AS ?iri) {}", "/id/drug/afatinib"),
        ("SELECT (<../data> AS ?iri) {}", "/data"),
        ("BASE <graph/> SELECT (<asserted> AS ?iri) {}", "/graph/asserted"),
        ("PREFIX : <id/> SELECT (:drug AS ?iri) {}", "/id/drug"),
        ('SELECT (IRI("id") AS ?iri) {}', "/id"),
    ],
)
def test_relative_iris_resolve_against_the_address_of_the_endpoint(host: str, query: str, path: str) -> None:
    for reply in (_get(host, query, Accept=TYPES["json"]), _post(host, _DIRECT, query)):
        assert reply.status == 200, reply.body.decode()
        [row] = json.loads(reply.body)["results"]["bindings"]
        assert row["iri"] == {"type": "uri", "value": f"http://{host}{path}"}


def test_a_relative_iri_is_not_answered_with_the_address_that_another_client_used(host: str) -> None:
    target = f"/sparql?{urlencode({'query': 'SELECT (<id> AS ?iri) {}', 'format': 'csv'})}"
    other = host.replace("127.0.0.1", "localhost")
    for name in (host, other, host):
        assert _send(host, "GET", target, hosts=[name]).body.split() == [b"iri", f"http://{name}/id".encode()]


_STARS = {
    "SELECT * { ?zebra a ?apple OPTIONAL { ?zebra ?mango ?best } }": ["zebra", "apple", "mango", "best"],
    "SELECT * { VALUES (?z ?y) { (1 2) } BIND (3 AS ?a) }": ["z", "y", "a"],
    "SELECT * { { SELECT ?z ?b { ?b ?z ?hidden } } ?b ?z ?a }": ["z", "b", "a"],
    "SELECT * { ?z ?p ?o FILTER NOT EXISTS { ?o ?a ?z } MINUS { ?b ?p ?z } }": ["z", "p", "o"],
    "SELECT * # ?a first\n{ ?z ?p '?b' GRAPH ?a { ?z ?c ?o } }": ["z", "p", "a", "c", "o"],
}


@pytest.mark.parametrize("name", ["json", "xml", "csv", "tsv"])
@pytest.mark.parametrize("query", _STARS)
def test_select_star_keeps_the_order_in_which_variables_first_appear(
    host: str, query: str, name: str
) -> None:
    reply = _get(host, f"{query} LIMIT 1", ("format", name))
    assert reply.status == 200, reply.body.decode()
    assert _columns(name, reply.body) == _STARS[query]


def _columns(name: str, body: bytes) -> list[str]:
    if name == "json":
        found: list[str] = json.loads(body)["head"]["vars"]
        return found
    if name == "xml":
        named = ET.fromstring(body).iter("{http://www.w3.org/2005/sparql-results#}variable")  # noqa: S314
        return [variable.attrib["name"] for variable in named]
    return [cell.lstrip("?") for cell in body.decode().splitlines()[0].split("," if name == "csv" else "\t")]


# Headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hosts", [[], ["a.example", "b.example"]], ids=["none", "two"])
def test_a_request_without_one_host_is_refused(host: str, hosts: list[str]) -> None:
    """RFC 9112, 3.2."""
    assert _send(host, "GET", _ASK, hosts=hosts).status == 400


@pytest.mark.parametrize(
    ("query", "pairs", "accept", "status"),
    [
        ("SELECT", (), "*/*", 400),
        ("SELECT * { ?s ex:p ?o }", (), "*/*", 400),
        ("INSERT DATA { <urn:a> <urn:b> 1 }", (), "*/*", 400),
        ("ASK {}", (), "image/png", 406),
        ("ASK {}", (("default-graph-uri", "not an IRI"),), "*/*", 400),
        (f"ASK {{}} # {'a' * 30_000}" + "\u00e9" * 300_000, (), "*/*", 413),
    ],
    ids=["syntax", "prefix", "update", "accept", "graph", "long"],
)
def test_any_tag_never_hides_an_error(
    host: str, query: str, pairs: tuple[tuple[str, str], ...], accept: str, status: int
) -> None:
    """``If-None-Match: *`` matches an answer that there is (RFC 9110, 13.1.2), and these have none."""
    sent = [("Accept", accept), ("If-None-Match", "*")]
    if status == 413:
        reply = _post(host, _DIRECT, query, *sent)
    else:
        reply = _send(host, "GET", f"/sparql?{urlencode([('query', query), *pairs])}", sent)
    assert reply.status == status


@pytest.mark.parametrize(
    "header",
    [
        "Accept",
        "Accept-Language",
        "Authorization",
        "Cache-Control",
        "Content-Type",
        "If-None-Match",
        "Pragma",
        "QueryId",
        "X-Requested-With",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_from_elsewhere_may_ask_with_the_headers_that_front_ends_send(
    host: str, method: str, header: str
) -> None:
    asked = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", header.lower()),
    ]
    reply = _send(host, "OPTIONS", "/sparql", asked)
    assert reply.status in {200, 204}
    assert reply.headers["access-control-allow-origin"] in {"*", "https://a.example"}
    assert method in _listed(reply, "access-control-allow-methods")
    allowed = {name.lower() for name in _listed(reply, "access-control-allow-headers")}
    assert header.lower() in allowed or ("*" in allowed and header != "Authorization")  # Fetch, 4.8


def _listed(reply: Reply, name: str) -> list[str]:
    return [word.strip() for word in reply.headers[name].split(",")]
