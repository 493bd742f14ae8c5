"""Real engines in the place of ours: Oxigraph and Virtuoso, filled and served by the real commands."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from rdflib import RDFS, XSD, Graph
from rdflib.compare import isomorphic

from her2kg.answer.backends import backend as backend_at
from her2kg.answer.loading import load
from her2kg.answer.opening import open_build
from her2kg.answer.questions import ask
from her2kg.errors import BackendError, Her2kgError
from her2kg.model.namespaces import BASE
from her2kg.model.queries import question_names
from tests.conftest import ROOT
from tests.engines import (
    JSON,
    TRACE,
    Addresses,
    Said,
    address,
    free_port,
    oxigraph,
    telling,
    usual,
    values,
    virtuoso,
)
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from her2kg.sparql.store import Store


_COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


# Real engines ----------------------------------------------------------------------------------------

#: What Virtuoso 7.2.5.1 answers otherwise, and why; the reasons are shown one by one below.
_UNION = "a variable that one branch of a UNION leaves unbound joins with nothing outside it"
_CONCAT = "CONCAT with an unbound argument is a text, where SPARQL has an error"
_BOUND = "BOUND and EXISTS give the integers 1 and 0"
_PATH = "a path with + or * gives an end once for each way to it"
VIRTUOSO = {
    "applicable-claims": _UNION,
    "assays": _UNION,
    "definitions": _PATH,
    "drug-response": _CONCAT,
    "references": _BOUND,
    "trials": _CONCAT,
}
_INSERTION = f"{BASE}id/alteration/erbb2-exon-20-insertion"
#: Each reason in its shortest query: what SPARQL gives, and what Virtuoso gives.
_REASONS = [
    (
        _UNION,
        'SELECT ?x { VALUES ?p { "a" } { VALUES ?p { "a" } BIND(1 AS ?x) } UNION { BIND(2 AS ?x) } }',
        ["1", "2"],
        ["1"],
    ),
    (_CONCAT, 'SELECT (CONCAT("a", ?none) AS ?x) { VALUES ?y { 1 } }', [""], ["a"]),
    (_BOUND, "SELECT (BOUND(?none) AS ?x) { VALUES ?y { 1 } }", ["false"], ["0"]),
    (
        _PATH,
        f"SELECT (COUNT(?c) AS ?x) {{ <{_INSERTION}> <{RDFS.subClassOf}>+ ?c }}",
        ["7"],
        ["14"],
    ),
]


def _her2kg(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "her2kg", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ}, check=False)


def _load(addresses: Addresses, built: Path) -> None:
    words = ("--backend", addresses.query, "--backend-update", addresses.update)
    done = _her2kg("load", *words, HER2KG_BUILD=str(built))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.fixture(scope="module")
def ox(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Start Oxigraph and load the build into it."""
    with oxigraph(tmp_path_factory.mktemp("oxigraph")) as addresses:
        _load(addresses, built)
        yield addresses


@pytest.fixture(scope="module")
def virt(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Start Virtuoso and load the build into it."""
    with virtuoso(tmp_path_factory.mktemp("virtuoso")) as addresses:
        _load(addresses, built)
        yield addresses


def _get(url: str, accept: str = "*/*") -> tuple[int, str, str]:
    try:
        with urlopen(Request(url, headers={"Accept": accept}), timeout=60) as response:
            return response.status, response.headers.get_content_type(), response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode()


def _sparql(url: str, query: str, accept: str = "text/csv", **more: str) -> tuple[int, str, str]:
    return _get(f"{url}sparql?{urlencode({'query': query, **more})}", accept)


def test_every_answer_of_oxigraph_is_ours(ox: Addresses, built: Path) -> None:
    done = _her2kg("load", "--check", "--backend", ox.query, HER2KG_BUILD=str(built))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.fixture(scope="module")
def served(ox: Addresses, built: Path) -> Iterator[str]:
    """Serve what Oxigraph holds."""
    limits = {"HER2KG_QUERY_SECONDS": "30", "HER2KG_ANSWER_LIMIT": "20000000"}
    with serving("--backend", ox.query, HER2KG_BUILD=str(built), **limits) as (url, _):
        yield url


@pytest.mark.parametrize(
    ("query", "media_type"),
    [
        *[("SELECT ?s ?o { ?s ?p ?o FILTER(LANG(?o) = 'zh') } LIMIT 5", f"{name}") for name in (
            JSON, "application/sparql-results+xml", "text/csv", "text/tab-separated-values")],
        *[("ASK { ?s ?p ?o }", name) for name in (JSON, "application/sparql-results+xml")],
        *[("CONSTRUCT WHERE { ?s a ?o }", name) for name in (
            "text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json",
            "application/n-quads", "application/trig")],
    ],
)  # fmt: skip
def test_the_service_answers_in_every_format(served: str, query: str, media_type: str) -> None:
    status, kind, content = _sparql(served, query, media_type)
    assert (status, kind) == (200, media_type)
    assert len(content) > 20
    if media_type in {"text/turtle", "application/n-triples", "application/rdf+xml"}:
        assert len(Graph().parse(data=content, format=media_type)) > 1000


def test_the_service_over_another_engine_is_the_service(served: str, store: Store) -> None:
    assert json.loads(_get(f"{served}healthz")[2]) == {
        "status": "ok", "triples": len(store), "data": store.version,
    }  # fmt: skip
    for path in ("", "questions/drug-response?lang=zh", "ontology", "page/drug/afatinib", "graph/metadata"):
        assert _get(f"{served}{path}", "text/html")[0] in {200, 406}, path
    rows = csv.DictReader(io.StringIO(_get(f"{served}questions/applicable-claims.csv?alteration=p.G660D")[2]))
    assert list(rows) == list(ask(store, ROOT, "applicable-claims", {"alteration": "p.G660D"}))
    assert set(json.loads(_get(f"{served}-/settings")[2])) >= {"query_seconds", "answer_limit", "body_limit"}


def test_the_service_explains_and_refuses_as_ever(served: str) -> None:
    query = "PREFIX her2: <https://w3id.org/her2kg/ontology#> SELECT * { ?s her2:dirrection ?o }"
    status, _, content = _sparql(served, query, explain="1")
    assert status == 200, content
    findings = json.loads(content)["findings"]
    assert findings[0]["instead"] == "<https://w3id.org/her2kg/ontology#direction>"
    for refused, line in (("ASK { SERVICE <urn:a> {} }", 1), ("INSERT DATA { <urn:a> <urn:b> 1 }", 1)):
        status, kind, content = _sparql(served, refused)
        assert (status, kind) == (400, "application/problem+json")
        assert json.loads(content)["line"] == line
    assert _sparql(served, "ASK { ?s ?p }")[0] == 400


def test_a_query_that_takes_too_long_is_given_up_and_others_are_answered(ox: Addresses, built: Path) -> None:
    query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER(STR(?c) < STR(?f)) }"
    with serving("--backend", ox.query, HER2KG_BUILD=str(built), HER2KG_QUERY_SECONDS="2") as (url, _):
        begun = time.monotonic()
        status, _, content = _sparql(url, query)
        assert status == 503
        assert "longer than 2 s" in content
        assert time.monotonic() - begun < 10
        assert _sparql(url, "ASK {}", JSON)[0] == 200


@pytest.mark.slow
def test_an_engine_that_goes_away_or_fails_is_a_problem_and_comes_back(built: Path) -> None:
    with telling(usual) as (url, engine), serving("--backend", url, HER2KG_BUILD=str(built)) as (served, _):
        assert _sparql(served, "ASK {}", JSON)[0] == 200
        engine.say = lambda *_: Said(500, "text/plain", TRACE)
        status, kind, content = _sparql(served, "ASK { ?s ?p ?o }", JSON)
        assert (status, kind) == (502, "application/problem+json")
        assert "Secret" not in content
        engine.say = lambda *_: Said(504)
        assert _sparql(served, "ASK { ?a ?b ?c }", JSON)[0] == 504
        engine.say = usual
        assert _sparql(served, "ASK { ?a ?b ?c }", JSON)[0] == 200
        assert _get(f"{served}questions/drugs", "text/html")[0] == 502  # a table was asked for


@pytest.mark.slow
def test_a_wrong_address_is_one_line_at_the_start(built: Path) -> None:
    port = free_port()
    done = _her2kg(
        "serve", "--port", "0", "--backend", f"http://me:secret@127.0.0.1:{port}/", HER2KG_BUILD=str(built)
    )
    assert done.returncode == BackendError.exit_code
    assert done.stderr == (
        f"her2kg: http://127.0.0.1:{port}/: the engine cannot be reached: Connection refused: "
        "check that it runs, and its address\n"
    )
    for words in (("load",), ("serve", "--data", "x.ttl", "--backend", "http://127.0.0.1/")):
        done = _her2kg(*words, HER2KG_BUILD=str(built))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.slow
def test_a_service_with_an_address_for_updates_fills_the_engine_first_and_a_second_load_changes_nothing(
    tmp_path: Path,
) -> None:
    """Take a build of a few triples, with blank nodes, a number, Chinese and a quotation."""
    small = tmp_path / "build"
    small.mkdir()
    graph = f"<{BASE}graph/ontology>"
    lines = [
        f"<{BASE}ontology> <urn:p> _:a",
        "_:a <urn:q> _:b",
        f'_:b <urn:q> "1.5"^^<{XSD.decimal}>',
        '_:b <urn:r> "引号\\"与\\n换行"@zh',
    ]
    texts = {
        "her2kg.nt": "".join(f"{line} .\n" for line in lines),
        "her2kg.nq": "".join(f"{line} {graph} .\n" for line in lines),
    }
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    texts["checksums.txt"] = "".join(f"{value}  {name}\n" for name, value in sums.items())
    for name, text in texts.items():
        (small / name).write_text(text, encoding="utf-8")
    environ = {"HER2KG_BUILD": str(small)}
    with oxigraph(tmp_path) as addresses:
        words = ("--backend", addresses.query, "--backend-update", addresses.update)
        for _ in range(2):
            with serving(*words, **environ) as (url, _process):
                found = json.loads(_get(f"{url}healthz")[2])
                assert (found["data"], found["triples"]) == (open_build(small).version, 4)
                assert _sparql(url, _COUNT)[2].split() == ["n", "4"]
                graph_text = _get(f"{url}graph/ontology", "application/n-triples")[2]
                wanted, got = Graph().parse(small / "her2kg.nt"), Graph().parse(data=graph_text, format="nt")
                assert isomorphic(wanted, got)
        assert _her2kg("load", *words, **environ).stderr == f"the build is in {addresses.query}\n"
        done = _her2kg("load", "--check", *words, **environ)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_every_answer_of_virtuoso_is_ours_but_those_that_are_named(virt: Addresses, built: Path) -> None:
    done = _her2kg("load", "--check", "--backend", virt.query, HER2KG_BUILD=str(built))
    assert done.returncode == 1
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(VIRTUOSO)
    assert len(set(question_names(ROOT)) - set(VIRTUOSO)) == 16


@pytest.mark.parametrize(
    ("reason", "query", "right", "wrong"), _REASONS, ids=["union", "concat", "bound", "path"]
)
def test_reason_is_what_virtuoso_does(  # noqa: PLR0917
    virt: Addresses, store: Store, reason: str, query: str, right: list[str], wrong: list[str]
) -> None:
    assert reason in VIRTUOSO.values()
    assert values(store, query) == right
    with closing(backend_at(address(virt.query), 20, 1_000_000)) as backend:
        assert values(backend, query) == wrong


def test_virtuoso_is_served(virt: Addresses, built: Path, store: Store) -> None:
    with serving("--backend", virt.query, HER2KG_BUILD=str(built)) as (url, _):
        assert _sparql(url, _COUNT)[2].split() == ["n", str(len(store))]
        assert "阿法替尼" in _get(f"{url}questions/drugs?lang=zh", "text/html")[2]
        assert _get(f"{url}page/drug/afatinib", "text/html")[0] == 200
        assert json.loads(_sparql(url, "ASK { FILTER(false) }", JSON)[2])["boolean"] is False
        findings = json.loads(_sparql(url, "SELECT * { ?s <urn:none> ?o }", explain="1")[2])["findings"]
        assert findings[0]["kind"] == "unknown-term"
        status, _, content = _sparql(url, "SELECT (1/0 AS ?x) { ?s ?p ?o } LIMIT 1")
        assert status == 502
        assert "Virtuoso 22012 Error SR084: Division by 0." in content


def test_updates_without_leave_are_refused_by_virtuoso_and_told(virt: Addresses, store: Store) -> None:
    with pytest.raises(Her2kgError, match="No permission to execute procedure"):
        load(store, address(virt.query))
