# ruff: noqa: E501, S608 - one request a line reads best, and what is asked is meant to be hostile
"""Five hundred requests that mean no good: malformed, nested, huge, slow, injected, forged.

Each is a method, a target, headers and a body, made from a seed. None of them may cost more than itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"
#: How many requests of each kind there are.
COUNTS = {"malformed": 110, "nested": 90, "huge": 60, "slow": 60, "injected": 100, "forged": 80}


@dataclass(frozen=True)
class Hostile:
    """A request of a kind; ``name`` says what is hostile in it."""

    kind: str
    name: str
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def requests(canary: str, seed: int = 1) -> Iterator[Hostile]:
    """Give all requests; ``canary`` is an address that nobody may come to."""
    rng = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    makers = {
        "malformed": _malformed, "nested": _nested, "huge": _huge, "slow": _slow, "injected": _injected,
        "forged": _forged,
    }  # fmt: skip
    for kind, count in COUNTS.items():
        for number in range(count):
            yield makers[kind](rng, number, canary)


def _asked(kind: str, name: str, query: str, accept: str = "text/csv") -> Hostile:
    headers = {"Content-Type": DIRECT, "Accept": accept}
    return Hostile(kind, name, "POST", "/sparql", headers, query.encode("utf-8", "surrogatepass"))


_GOOD = 'SELECT ?s ?label { ?s a <urn:x> ; <urn:y> "a\\"b"@en FILTER(?s != <urn:z>) } ORDER BY ?s LIMIT 5'


def _malformed(rng: random.Random, number: int, _canary: str) -> Hostile:
    kind = "malformed"
    cut = rng.randrange(1, len(_GOOD))
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 200)))
    bare = {"Accept": "text/csv"}
    choices = [
        lambda: _asked(kind, "cut off", _GOOD[:cut]),
        lambda: _asked(kind, "a sign put in", f"{_GOOD[:cut]}{rng.choice('{}()[]<>.;,@^?$|/*!')}{_GOOD[cut:]}"),
        lambda: Hostile(kind, "noise", "POST", "/sparql", {"Content-Type": DIRECT}, noise),
        lambda: Hostile(kind, "noise in a form", "POST", "/sparql", {"Content-Type": FORM}, b"query=" + noise),
        lambda: Hostile(kind, "no UTF-8", "GET", "/sparql?query=ASK%20%7B%7D%20%23%ff", bare),
        lambda: Hostile(kind, "half an escape", "GET", "/sparql?query=ASK%2", bare),
        lambda: Hostile(kind, "two queries", "GET", "/sparql?query=ASK%7B%7D&query=ASK%7B%7D", bare),
        lambda: Hostile(kind, "another charset", "POST", "/sparql", {"Content-Type": f"{DIRECT}; charset=x"}, b"ASK{}"),
        lambda: Hostile(kind, "no media type", "POST", "/sparql", {"Content-Type": ""}, b"ASK{}"),
        lambda: Hostile(kind, "a wrong media type", "POST", "/sparql", {"Content-Type": "x/y;;=\x22"}, b"ASK{}"),
        lambda: Hostile(kind, "an Accept of nonsense", "GET", "/sparql?query=ASK%7B%7D", {"Accept": ";q=,,/;*" * 20}),
        lambda: Hostile(kind, "an unknown method", rng.choice(["BREW", "TRACE", "PUT", "PROPFIND"]), "/sparql"),
        lambda: Hostile(kind, "a large head", "GET", "/healthz", {"X-Large": "a" * 400_000}),
        lambda: Hostile(kind, "multipart without end", "POST", "/sparql", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\n"),
        lambda: Hostile(kind, "a lone surrogate", "GET", "/sparql?query=ASK%7B%7D%23%ED%A0%80", bare),
        lambda: _asked(kind, "a null", 'ASK { ?s ?p "a\0b" }'),
    ]  # fmt: skip
    return choices[number % len(choices)]()


def _nested(rng: random.Random, number: int, _canary: str) -> Hostile:
    depth = rng.choice([50, 500, 5_000, 50_000, 200_000])
    shapes = {
        "groups": f"ASK {'{' * depth}{'}' * depth}",
        "optionals": f"ASK {'{ OPTIONAL' * min(depth, 90_000)} {{}} {'}' * min(depth, 90_000)}",
        "brackets": f"ASK {{ FILTER({'(' * depth}1{')' * depth}) }}",
        "negations": f"ASK {{ FILTER({'!' * depth}true) }}",
        "signs": f"ASK {{ FILTER({'-' * depth}1 = 1) }}",
        "ands": f"ASK {{ FILTER({' && '.join(['true'] * min(depth, 120_000))}) }}",
        "sums": f"SELECT ({'+'.join(['1'] * depth)} AS ?x) {{}}",
        "unions": f"ASK {{ {' UNION '.join(['{}'] * min(depth, 50_000))} }}",
        "blank nodes": f"ASK {{ {'[ <urn:p> ' * min(depth, 80_000)} 1 {']' * min(depth, 80_000)} }}",
        "lists": f"ASK {{ ?s ?p {'( ' * min(depth, 200_000)}{') ' * min(depth, 200_000)} }}",
        "paths": f"ASK {{ ?s {'(' * depth}<urn:p>{')*' * min(depth, 200_000)} ?o }}",
        "selects": f"{'SELECT * { ' * min(depth, 50_000)} ?s ?p ?o {'}' * min(depth, 50_000)}",
        "exists": f"ASK {{ {'FILTER EXISTS { ' * min(depth, 50_000)} {'}' * min(depth, 50_000)} }}",
        "functions": f"SELECT ({'STR(' * depth}1{')' * depth} AS ?x) {{}}",
        "conditions": f"SELECT ({'IF(true,' * min(depth, 90_000)}1{',2)' * min(depth, 90_000)} AS ?x) {{}}",
    }
    name = list(shapes)[number % len(shapes)]
    return _asked("nested", f"{name} {depth}", shapes[name][:990_000])


def _huge(rng: random.Random, number: int, _canary: str) -> Hostile:
    size = rng.choice([1_000, 10_000, 60_000])
    values = " ".join(f"<urn:v{n}>" for n in range(size))
    steps = "/".join(["<urn:p>"] * rng.choice([100, 400, 2_000]))
    chain = " ".join(f"?v{n} ?p{n} ?v{n + 1} ." for n in range(rng.choice([50, 400, 3_000])))
    shapes = {
        "a literal": f'ASK {{ ?s ?p "{"a" * 900_000}" }}',
        "an IRI": f"ASK {{ ?s ?p <urn:{'a' * 900_000}> }}",
        "values": f"SELECT * {{ VALUES ?s {{ {values} }} ?s ?p ?o }}",
        "prefixes": "".join(f"PREFIX p{n}: <urn:{n}>\n" for n in range(size)) + "ASK {}",
        "variables": f"SELECT {' '.join(f'?v{n}' for n in range(size))} {{ ?s ?p ?o }}",
        "a path": f"ASK {{ ?s {steps} ?o }}",
        "a chain": f"ASK {{ {chain} }}",
        "a comment": f"ASK {{}} #{'a' * 900_000}",
        "an answer": "SELECT * { ?a ?b ?c . ?d ?e ?f }",
        "a graph": "CONSTRUCT { ?a ?e ?f } { ?a ?b ?c . ?d ?e ?f }",
        "a body": f"ASK {{}} #{'a' * 1_500_000}",
        "repeated text": 'SELECT (CONCAT(?l, ?l, ?l, ?l) AS ?m) {{ ?s ?p ?o BIND(REPLACE("{}", "a", "{}") AS ?l) }}'.format(
            "a" * 5_000, "b" * 5_000
        ),
    }
    name = list(shapes)[number % len(shapes)]
    return _asked("huge", name, shapes[name], rng.choice(["text/csv", "*/*"]))


def _slow(rng: random.Random, number: int, _canary: str) -> Hostile:
    join = " ".join(f"?s{n} ?p{n} ?o{n} ." for n in range(rng.choice([3, 4, 6])))
    path = "(<urn:p>|!<urn:p>)*"
    shapes = {
        "count": f"SELECT (COUNT(*) AS ?n) {{ {join} }}",
        "distinct": f"SELECT DISTINCT ?s0 ?o2 {{ {join} }}",
        "order": f"SELECT * {{ {join} }} ORDER BY DESC(?o2) LIMIT 1",
        "group": f"SELECT (GROUP_CONCAT(STR(?o0)) AS ?n) {{ {join} }}",
        "paths": f"SELECT (COUNT(*) AS ?n) {{ ?a {path} ?b . ?b {path} ?c . ?d {path} ?e }}",
        "pattern": 'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER(REGEX(CONCAT(STR(?c), STR(?f)), "(x+x+)+y")) }',
        "minus": f"SELECT (COUNT(*) AS ?n) {{ {join} MINUS {{ ?s0 ?x ?y . ?y ?z ?s1 }} }}",
        "exists": "ASK { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER NOT EXISTS { ?a ?x ?d . ?d ?y ?g } FILTER(?a = ?nothing) }",
        "filter": f"ASK {{ {join} FILTER(STRLEN(CONCAT(STR(?s0), STR(?o1), STR(?s2))) < 0) }}",
        "optional": f"SELECT (COUNT(*) AS ?n) {{ {join} OPTIONAL {{ ?s0 ?q ?o1 }} OPTIONAL {{ ?o1 ?r ?s2 }} }}",
    }
    name = list(shapes)[number % len(shapes)]
    return _asked("slow", name, shapes[name])


_PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; DROP GRAPH <urn:x>; --", "} INSERT DATA { <a:a> <a:a> 1 } #",
    "en\r\nSet-Cookie: a=b", "en%0d%0aLocation:%20http://x/", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "//evil.example/",
    "https://evil.example/", "${7*7}", "{{7*7}}", "%00", "\x00", "a" * 20_000, "\u202e\u0000", "p.S310" + "F" * 5_000, "p.S" + "9" * 5_000 + "F",
    "?x } UNION { ?s ?p ?o", "http://[::1]:99999999999/",
)  # fmt: skip
_PLACES = (
    "/questions/{}", "/questions/applicable-claims.csv?alteration={}", "/questions/claims?lang={}", "/?lang={}",
    "/sparql?query=ASK%7B%7D&format={}", "/id/{}", "/page/drug/{}", "/data/{}.ttl", "/graph/{}", "/ontology/{}", "/static/{}",
    "/questions/claims.csv?{}=1", "/{}",
)  # fmt: skip


def _injected(rng: random.Random, number: int, _canary: str) -> Hostile:
    payload, place = rng.choice(_PAYLOADS), _PLACES[number % len(_PLACES)]
    headers = {"Accept": rng.choice(["text/html", "*/*"])}
    if number % 7 == 0:
        headers |= {
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "javascript",
            "Host": "evil.example",
        }
    return Hostile("injected", place, "GET", place.format(quote(payload, safe="")), headers)


def _forged(rng: random.Random, number: int, canary: str) -> Hostile:
    host = rng.choice(
        [canary, canary.replace("127.0.0.1", "localhost"), canary.replace("127.0.0.1", "2130706433")]
    )
    word = rng.choice(
        ["SERVICE", "service", "SeRvIcE", "SERVICE SILENT", "\\u0053ERVICE", "SERVICE#x\n", "#x\rSERVICE"]
    )
    shapes = {
        "service": f"SELECT * {{ {word} <{host}> {{ ?s ?p ?o }} }}",
        "service by a variable": f"SELECT * {{ VALUES ?g {{ <{host}> }} {word} ?g {{ ?s ?p ?o }} }}",
        "service behind a name": f"PREFIX a: <urn:a> SELECT * {{ ?s a:b\\#c ?o . {word} <{host}> {{ }} }}",
        "from": f"SELECT * FROM <{host}> {{ ?s ?p ?o }}",
        "from named": f"SELECT * FROM NAMED <{host}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        "load": f"LOAD <{host}>",
        "insert": "INSERT DATA { <urn:a> <urn:b> 1 }",
        "file": "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
    }
    name = list(shapes)[number % len(shapes)]
    if number % 3 == 0:
        sent = urlencode({"query": "SELECT * { ?s ?p ?o } LIMIT 1", "default-graph-uri": host})
        return Hostile("forged", "a graph of the request", "GET", f"/sparql?{sent}", {"Accept": "text/csv"})
    if number % 5 == 0:
        body = urlencode({"update": shapes["insert"], "using-graph-uri": host}).encode()
        return Hostile("forged", "an update", "POST", "/sparql", {"Content-Type": FORM}, body)
    return _asked("forged", name, shapes[name])
