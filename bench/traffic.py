# ruff: noqa: E501 - one request a line reads best
"""Five hundred requests as the field sends them, made from a seed: queries, pages, data, errors, limits.

Nothing of them is stored: the queries are texts of the mix, the things are those of the graph.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pyoxigraph as ox

from bench.forms import ROOT, read_forms
from her2kg.model.namespaces import BASE, GRAPHS
from her2kg.model.queries import question_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

COUNT = 500
FORM, DIRECT = "application/x-www-form-urlencoded", "application/sparql-query"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
#: Accept headers of libraries and of people, of both families of formats, and some that fit neither.
ACCEPTS = (
    "", "*/*", HTML, "application/sparql-results+json", "application/sparql-results+xml", "application/json",
    "application/xml", "text/xml", "text/csv", "text/tab-separated-values", "text/plain", "text/turtle",
    "application/n-triples", "application/rdf+xml", "application/ld+json", "application/n-quads",
    "application/trig", "text/n3", "text/*", "image/png", "application/pdf, */*;q=0.1",
    "application/sparql-results+xml;q=0.5, application/sparql-results+json",
    "application/sparql-results+json,application/json,text/javascript,application/javascript",
    "text/turtle, application/n-triples;q=0.9, application/rdf+xml;q=0.8, */*;q=0.1",
    "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "Text/CSV", "text/csv;q=0, */*", "text/csv; charset=utf-8",
)  # fmt: skip
#: Values of format=: ours, those of other endpoints, and one that means nothing.
FORMATS = (
    "json", "xml", "csv", "tsv", "ttl", "nt", "rdf", "jsonld", "nq", "trig", "turtle", "n-triples", "ntriples",
    "rdf+xml", "n3", "json-ld", "application/json", "text/csv", "text/turtle", "application/rdf+xml", "html", "pdf",
)  # fmt: skip
#: One query of each family of answers, and one with a row for each of the many.
SAMPLES = (
    "SELECT ?s ?label { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?label } ORDER BY ?label ?s LIMIT 7",
    "ASK { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?label }",
    f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?s {{ <{BASE}id/drug/afatinib> }} ?s ?p ?o }}",
    f"DESCRIBE <{BASE}id/drug/gefitinib>",
)
_FAULTS = (
    "SELECT", "SELECT ?s { ?s ?p }", "SELECT ?s { ?s her2:states ?o }", "SELECT ?s { ?s foo:bar ?o }",
    "SELECT (COUNT(?s) AS ?n) ?s { ?s ?p ?o }", "SELECT ?s { ?s ?p ?o } GROUP BY ?p", "ASK { <a> ?p ?o }",
    "SELECT * { SERVICE <http://example.org/sparql> { ?s ?p ?o } }", "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
    "DROP ALL", "SELECT ?s { ?s ?p ?o ", "SELECT ?s { ?s ?p ?o } LIMIT -1", "SELECT ?s WHERE ?s ?p ?o", "",
    "SELECT ?s FROM <urn:none> { ?s ?p ?o }", "SELECT * { ?s ?p ?o FILTER(<urn:unknown>(?o)) } LIMIT 1",
    'ASK { ?s ?p "a\nb" }', "SELECT ?s { ?s ?p '''a }", "PREFIX : <urn:x> ASK { :a :b 'é' } extra",
    "SELECT ?s { BIND(1 AS ?s) BIND(2 AS ?s) }", "DESCRIBE", "CONSTRUCT { ?s ?p ?o }", "ASK { FILTER(NOW() < 1) }",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request of a kind; ``query`` is its query, if it is one.

    ``matching`` sends it with the entity tag that the same service gave to it before.
    """

    kind: str
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: str = ""
    matching: bool = False

    def __str__(self) -> str:
        """Show the request in a line."""
        headers = "".join(f" [{name}: {value}]" for name, value in self.headers.items())
        tag = " [If-None-Match: its own ETag]" if self.matching else ""
        body = f" {self.body[:300]!r}" if self.body else ""
        return f"{self.method} {self.target[:500]}{headers}{tag}{body}"


def requests(build: Path, seed: int = 1) -> list[Request]:
    """Give all requests, the same ones for a seed and a build."""
    rng = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    things = _things(build / "her2kg.nt", rng)
    visits = {
        "question": (_questions(), 90),
        "thing": (_visits_of_things(things), 60),
        "graph": (_graphs(), 25),
        "ontology": (_ontology(), 20),
        "download": (_downloads(build), 24),
        "well-known": (_well_known(), 14),
        "service": (_service(), 16),
    }
    made = [request for candidates, count in visits.values() for request in _some(candidates, count, rng)]
    made += _some(_methods(made, rng), 40, rng)
    made += _some(_conditional(made), 30, rng)
    for candidates, count in (
        (_accepts(), 50),
        (_formats(), 35),
        (_errors(), 45),
        (_explained(), 12),
        (_limits(), 9),
    ):
        made += _some(candidates, count, rng)
    mix = list(_mix(build / "her2kg.nt", rng))
    return made + _some(mix, COUNT - len(made), rng)


def _some(candidates: Iterable[Request], count: int, rng: random.Random) -> list[Request]:
    """Choose so many of the candidates, in their order."""
    every = list(candidates)
    chosen = sorted(rng.sample(range(len(every)), min(count, len(every))))
    return [every[place] for place in chosen]


def _get(kind: str, target: str, accept: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(kind, "GET", target, ({"Accept": accept} if accept else {}) | named)


def _asked(kind: str, way: int, query: str, headers: dict[str, str], **more: str) -> Request:
    """Ask a query in one of the three ways of the protocol."""
    rest = urlencode(more)
    if way == 0:
        return Request(kind, "GET", f"/sparql?{urlencode({'query': query, **more})}", headers, query=query)
    if way == 1:
        body = urlencode({"query": query, **more}).encode()
        return Request(kind, "POST", "/sparql", headers | {"Content-Type": FORM}, body, query)
    target = f"/sparql?{rest}" if rest else "/sparql"
    return Request(kind, "POST", target, headers | {"Content-Type": DIRECT}, query.encode(), query)


def _things(data: Path, rng: random.Random) -> list[str]:
    """Give the paths of some things, those with a sign beyond ASCII among them."""
    store = ox.Store()
    store.bulk_load(path=str(data), format=ox.RdfFormat.N_TRIPLES)
    found = store.query("SELECT DISTINCT ?s { ?s ?p ?o FILTER(ISIRI(?s)) }")
    if not isinstance(found, ox.QuerySolutions):
        raise TypeError("a SELECT gives rows")
    every = sorted(row["s"].value for row in found)
    paths = [iri.removeprefix(f"{BASE}id/") for iri in every if iri.startswith(f"{BASE}id/")]
    return ["drug/afatinib", *rng.sample(paths, 12)]


def _mix(data: Path, rng: random.Random) -> Iterator[Request]:
    for form in read_forms(data):
        for number, text in enumerate(rng.sample(form.texts, 9)):
            headers = {"Accept": rng.choice([form.accept, *ACCEPTS[:12]])}
            if number % 2:
                headers["Accept-Encoding"] = "gzip"
            yield _asked("mix", number % 3, text, headers)


def _questions() -> Iterator[Request]:
    for name in question_names(ROOT):
        yield from (_get("question", f"/questions/{name}{ending}") for ending in ("", ".csv", ".json"))
    for name in ("drug-response", "claims", "conflicts"):
        for ending in ("?lang=zh", ".csv?lang=zh", ".tsv", ".xml", ".pdf", "?lang=fr", ".json?nothing=1"):
            yield _get("question", f"/questions/{name}{ending}")
    for meant in ("S310F", "HER2 exon 20 insertion", "nonsense", f"{BASE}id/alteration/erbb2-amplification"):
        for ending in ("", ".csv"):
            yield _get("question", f"/questions/applicable-claims{ending}?alteration={quote(meant)}")
    yield _get("question", "/questions/drug-respnse")


def _visits_of_things(things: list[str]) -> Iterator[Request]:
    for name in things:
        path = quote(name)
        for accept in ("", HTML, "text/turtle", "application/rdf+xml", "application/ld+json", "image/png"):
            yield _get("thing", f"/id/{path}", accept)
        yield _get("thing", f"/page/{path}")
        yield _get("thing", f"/page/{path}?lang=zh")
        yield from (_get("thing", f"/data/{path}.{kind}") for kind in ("ttl", "nt", "rdf", "jsonld"))
    for target in (
        "/id/drug/none",
        "/page/drug/none",
        "/data/drug/none.ttl",
        "/data/drug/afatinib.pdf",
        "/id/a%20b",
    ):
        yield _get("thing", target)


def _graphs() -> Iterator[Request]:
    for name, iri in GRAPHS.items():
        for accept in ("", "text/turtle", "application/n-triples", "application/ld+json", "text/csv"):
            yield _get("graph", f"/graph/{name}", accept)
        yield _get("graph", f"/graph?{urlencode({'graph': str(iri), 'format': 'nt'})}")
    for kind in ("ttl", "nt", "nq", "trig", "rdf", "jsonld"):
        yield _get("graph", f"/graph?default&format={kind}")
    for target in (
        "/graph",
        "/graph?graph=urn:none",
        "/graph/none",
        "/graph?default&graph=urn:a",
        "/graph?default=",
    ):
        yield _get("graph", target)


def _ontology() -> Iterator[Request]:
    for accept in ("", HTML, "text/turtle", "application/rdf+xml", "application/ld+json", "text/csv"):
        yield _get("ontology", "/ontology", accept)
        yield _get("ontology", "/ontology/base", accept)
    for part in ("", "/base", "/inferred"):
        yield from (
            _get("ontology", f"/ontology{part}.{kind}") for kind in ("ttl", "nt", "rdf", "jsonld", "pdf")
        )
    yield from (_get("ontology", target) for target in ("/ontology/none", "/ontology?lang=zh", "/ontology/"))


def _downloads(build: Path) -> Iterator[Request]:
    names = sorted(path.name for path in build.iterdir())
    yield from (_get("download", f"/download/{name}") for name in names)
    for name in names[:6]:
        yield _get("download", f"/download/{name}", Range="bytes=10-99")
        yield _get("download", f"/download/{name}", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT")
    yield from (
        _get("download", f"/download/{name}") for name in ("none.ttl", "..%2fpyproject.toml", "her2kg.exe")
    )


def _well_known() -> Iterator[Request]:
    yield from (
        _get("well-known", target) for target in ("/.well-known/void", "/prefixes", "/.well-known/none")
    )
    for target in ("/dataset", "/.well-known/sparql-examples"):
        for accept in ("", HTML, "text/turtle", "application/ld+json", "text/csv"):
            yield _get("well-known", target, accept)
    yield _get("well-known", "/.well-known/sparql-examples?format=nt")
    yield _get("well-known", "/.well-known/sparql-examples?lang=zh", HTML)


def _service() -> Iterator[Request]:
    for target in ("/", "/?lang=zh", "/?lang=fr", "/healthz", "/readyz", "/-/settings", "/metrics", "/none"):
        yield _get("service", target)
    yield _get("service", "/static/her2kg.css")
    yield _get("service", "/none", HTML)
    yield from (
        _get("service", "/sparql", accept) for accept in ("", "text/turtle", "application/rdf+xml", HTML)
    )
    yield from (_get("service", f"/sparql?format={kind}") for kind in ("jsonld", "csv"))


def _methods(made: list[Request], rng: random.Random) -> Iterator[Request]:
    """Give other methods for targets that were met: HEAD for most, OPTIONS, and what is not allowed."""
    targets = [request for request in made if request.method == "GET"]
    for request in rng.sample(targets, 26):
        yield Request("HEAD", "HEAD", request.target, request.headers)
    for way in ("", "?query=ASK%20%7B%7D"):
        yield Request("HEAD", "HEAD", f"/sparql{way}", {"Accept": "*/*"})
    for target in ("/sparql", "/", "/questions/drugs.csv", "/id/drug/afatinib", "/graph/asserted"):
        yield Request("OPTIONS", "OPTIONS", target, {"Origin": "https://example.org"})
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    yield Request(
        "OPTIONS", "OPTIONS", "/sparql", headers | {"Access-Control-Request-Headers": "content-type"}
    )
    for method, target in (
        ("PUT", "/sparql"), ("DELETE", "/graph/asserted"), ("PATCH", "/"), ("POST", "/healthz"), ("TRACE", "/sparql"),
        ("PUT", "/graph?default"),
    ):  # fmt: skip
        yield Request("method", method, target)


def _conditional(made: list[Request]) -> Iterator[Request]:
    tagged = ("graph", "ontology", "download", "well-known", "thing")
    for request in made:
        if request.kind in tagged and request.method == "GET" and "Range" not in request.headers:
            yield Request("conditional", "GET", request.target, request.headers, matching=True)
            yield Request(
                "conditional", "GET", request.target, {**request.headers, "If-None-Match": '"other"'}
            )
    for sample in SAMPLES:
        for way in (0, 1):
            asked = _asked("conditional", way, sample, {"Accept": "*/*"})
            yield Request(
                "conditional",
                asked.method,
                asked.target,
                asked.headers,
                asked.body,
                sample,
                matching=way == 0,
            )


def _accepts() -> Iterator[Request]:
    for number, accept in enumerate(ACCEPTS):
        for sample in SAMPLES[:3]:
            yield _asked("Accept", number % 3, sample, {"Accept": accept} if accept else {})


def _formats() -> Iterator[Request]:
    for number, kind in enumerate(FORMATS):
        for sample in SAMPLES[:3]:
            yield _asked("format", number % 3, sample, {"Accept": "*/*"}, format=kind)


def _errors() -> Iterator[Request]:
    for number, fault in enumerate(_FAULTS):
        yield _asked("error", number % 3, fault, {"Accept": "text/csv"})
    yield _asked("error", 0, _FAULTS[0], {"Accept": HTML})
    ask = quote("ASK {}")
    for target in (
        f"/sparql?query={ask}&query={ask}", "/sparql?query=", "/sparql?update=DROP%20ALL", "/sparql?query=ASK%20%7B%7D%ff",
        f"/sparql?query={ask}&default-graph-uri=urn:none", f"/sparql?query={ask}&default-graph-uri=%20",
        f"/sparql?query={ask}&named-graph-uri=urn:none", f"/sparql?query={ask}&unknown=1", "/sparql?nothing=1",
        f"/sparql?query={quote(SAMPLES[0])}&default-graph-uri={quote(str(GRAPHS['asserted']), safe='')}",
        f"/sparql?query={quote('SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g')}", "/sparql/", "//sparql",
    ):  # fmt: skip
        yield _get("error", target, "application/sparql-results+json")
    for kind in (
        "text/plain",
        "application/json",
        "",
        "multipart/form-data; boundary=x",
        f"{FORM}; charset=latin-1",
    ):
        yield Request("error", "POST", "/sparql", {"Content-Type": kind}, b"query=ASK%7B%7D")
    for kind, body in ((FORM, b""), (DIRECT, b""), (DIRECT, b"ASK { \xff }"), (FORM, b"update=DROP+ALL")):
        yield Request("error", "POST", "/sparql", {"Content-Type": kind}, body)
    yield Request("error", "POST", "/sparql", {"Content-Type": "application/sparql-update"}, b"DROP ALL")


def _explained() -> Iterator[Request]:
    prefixes = f"PREFIX her2: <{BASE}ontology#>\nPREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
    for number, query in enumerate((
        "SELECT ?s { ?s her2:stats ?o }", 'SELECT ?s { ?s rdfs:label "Afatinib" }', SAMPLES[0],
        f"SELECT ?o {{ <{BASE}id/drug/afatinb> her2:drugClass ?o }}", "SELECT ?s { ?s her2:states ?o FILTER(?o = 1) }",
        "SELECT ?s { ?s her2:states ?o ; her2:subject ?x }", "SELECT ?s {", SAMPLES[2],
    )):  # fmt: skip
        text = query if query.startswith(("DESCRIBE", "CONSTRUCT")) else prefixes + query
        yield _asked("explain", number % 2, text, {}, explain="1")
        yield _asked("explain", number % 2, text, {}, explain="1", lang="zh")


def _limits() -> Iterator[Request]:
    """Give what is beyond a limit: the length, the nesting, the body, the head, time, rows and bytes."""
    for query in (
        f"ASK {{}} #{'a' * 200_001}",
        f"ASK {'{' * 300}{'}' * 300}",
        f"ASK {{ FILTER({'(' * 5000}1{')' * 5000}) }}",
        "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
        "SELECT * { ?a ?b ?c . ?d ?e ?f }",
        "CONSTRUCT { ?a ?e ?f } { ?a ?b ?c . ?d ?e ?f }",
    ):
        yield _asked("limit", 2, query, {"Accept": "*/*"})
    yield Request("limit", "POST", "/sparql", {"Content-Type": DIRECT}, b"ASK {} #" + b"a" * 1_000_000)
    yield _get("limit", f"/sparql?query=ASK%7B%7D&x={'a' * 20_000}")
    yield _asked("limit", 0, f"{SAMPLES[0]} #{'a' * 3000}", {"Accept": "text/csv"})
