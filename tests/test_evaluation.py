"""Every feature of SPARQL 1.1 queries, asked over HTTP in every format, against the engine asked directly.

The queries stand in ``tests/evaluation``, one file a group, each below a line ``## name``; the lines before
the first name begin every query of the file. The data beside them are invented.
"""

from __future__ import annotations

import http.client
import json
import re
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox
import pytest
import rdflib
import rdflib.plugins.sparql.parser as other_parser
from rdflib.plugins.sparql.parserutils import Comp

from her2kg.sparql.syntax import tokens
from tests import answer_readers as readers
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.untraced,
    pytest.mark.filterwarnings(
        "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"
    ),  # rdflib's own readers
]

_FOLDER = Path(__file__).resolve().parent / "evaluation"
_DATA = _FOLDER / "data.trig"
_ISLE = "http://example.org/isle/"

#: Formats of a table with their readers; each answer is read by all of them.
_TABLES: dict[str, tuple[Callable[[bytes], readers.Rows], ...]] = {
    "application/sparql-results+json": (
        readers.read_json,
        readers.read_by_engine(ox.QueryResultsFormat.JSON),
    ),
    "application/sparql-results+xml": (readers.read_xml, readers.read_by_engine(ox.QueryResultsFormat.XML)),
    "text/tab-separated-values": (readers.read_tsv, readers.read_by_engine(ox.QueryResultsFormat.TSV)),
}
_CSV = "text/csv"
_TRUTHS = ("application/sparql-results+json", "application/sparql-results+xml")
#: Formats of a graph with what the other reader calls them.
_GRAPHS = {
    "text/turtle": "turtle",
    "application/n-triples": "nt",
    "application/n-quads": "nquads",
    "application/trig": "trig",
    "application/rdf+xml": "xml",
    "application/ld+json": "json-ld",
}


def _queries() -> dict[str, str]:
    """Give every query by the name of its file and its own."""
    found: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("*.rq")):
        prologue, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for part in parts:
            name, _, text = part.partition("\n")
            assert f"{path.stem}: {name}" not in found, name
            found[f"{path.stem}: {name}"] = prologue + text.rstrip("\n")
    return found


_QUERIES = _queries()


# Asking -----------------------------------------------------------------------------------------------


class _Service:
    """A server process over the data, asked over one connection in the ways of the protocol by turns."""

    def __init__(self, address: str) -> None:
        self._link = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        self._ways = cycle([self._get, self._form, self._direct])

    def ask(self, query: str, accept: str, *graphs: tuple[str, str]) -> tuple[int, str, bytes]:
        """Give status, media type and body."""
        next(self._ways)(query, accept, list(graphs))
        response = self._link.getresponse()
        media_type = response.getheader("Content-Type", "").partition(";")[0]
        return response.status, media_type, response.read()

    def close(self) -> None:
        self._link.close()

    def _get(self, query: str, accept: str, graphs: list[tuple[str, str]]) -> None:
        pairs = urlencode([("query", query), *graphs])
        self._link.request("GET", f"/sparql?{pairs}", headers={"Accept": accept})

    def _form(self, query: str, accept: str, graphs: list[tuple[str, str]]) -> None:
        headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
        self._link.request("POST", "/sparql", urlencode([("query", query), *graphs]), headers)

    def _direct(self, query: str, accept: str, graphs: list[tuple[str, str]]) -> None:
        headers = {"Accept": accept, "Content-Type": "application/sparql-query"}
        self._link.request("POST", f"/sparql?{urlencode(graphs)}", query.encode(), headers)


@pytest.fixture(scope="module")
def service() -> Iterator[_Service]:
    with serving("--data", str(_DATA)) as (address, _):
        asked = _Service(address)
        yield asked
        asked.close()


@pytest.fixture(scope="module")
def engine() -> ox.Store:
    store = ox.Store()
    store.bulk_load(path=str(_DATA), format=ox.RdfFormat.TRIG)
    return store


@pytest.fixture(autouse=True)
def _as_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the other reader keep literals as they are spelt."""
    monkeypatch.setattr(rdflib, "NORMALIZE_LITERALS", False)
    monkeypatch.setattr(rdflib.term, "NORMALIZE_LITERALS", False, raising=False)


# What a format cannot say -----------------------------------------------------------------------------

_NO_XML = re.compile("[^\t\n\r\\u0020-\\uD7FF\\uE000-\\uFFFD\\U00010000-\\U0010FFFF]")
_NAME_START = (
    "A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D"
    "\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\U00010000-\\U000EFFFF"
)
_NAMED = re.compile(f"[{_NAME_START}][{_NAME_START}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040]*$")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RESERVED = {
    f"{_RDF}{name}"
    for name in (
        *("RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype", "Description", "li"),
        *("aboutEach", "aboutEachPrefix", "bagID"),
    )
}
_NO_NAMESPACE = "http://www.w3.org/2000/xmlns/"


def _problem_of_xml(terms: Iterable[readers.Term | None]) -> str:
    """Say why an answer cannot be XML; nothing when it can."""
    if any(_NO_XML.search(str(getattr(term, "value", ""))) for term in terms):
        return "the answer holds a character that XML has not"
    return ""


def _problem_of_rdf_xml(triples: set[ox.Triple]) -> str:
    for iri in sorted({triple.predicate.value for triple in triples}):
        if iri in _RESERVED or not _NAMED.search(iri) or iri.startswith(_NO_NAMESPACE):
            return f"RDF/XML has no name for the predicate {iri}"
    return _problem_of_xml(term for triple in triples for term in triple)


def _assert_problem(said: tuple[int, str, bytes], detail: str, remedy: str) -> None:
    status, media_type, content = said
    assert (status, media_type) == (406, "application/problem+json"), content[:300]
    body = json.loads(content)
    assert (body["detail"], body["remedy"]) == (detail, remedy)


# Comparing --------------------------------------------------------------------------------------------


def _is_ordered(query: str) -> bool:
    """Say whether the query itself, not one inside it, has an ORDER BY."""
    depth = 0
    for token in tokens(query):
        depth += (token.text == "{") - (token.text == "}")
        if token.kind == "word" and token.text.upper() == "ORDER" and not depth:
            return True
    return False


def _in_order(
    query: str, columns: list[str], got: list[str], rows: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Give rows in the order of the engine's columns, which it sorts for ``SELECT *`` alone."""
    if not re.search(r"SELECT\s+(?:(?:DISTINCT|REDUCED)\s+)?\*", query, re.IGNORECASE):
        assert got == columns
    assert sorted(got) == sorted(columns)
    places = [got.index(name) for name in columns]
    return [tuple(row[place] for place in places) for row in rows]


def _compare_table(service: _Service, query: str, expected: readers.Rows) -> None:
    columns, rows = expected
    arranged: Callable[[list[tuple[str, ...]]], object] = list if _is_ordered(query) else Counter
    for media_type, readings in _TABLES.items():
        said = service.ask(query, media_type)
        if media_type.endswith("xml") and (problem := _problem_of_xml(cell for row in rows for cell in row)):
            _assert_problem(said, problem, "ask for JSON or CSV")
            continue
        assert said[:2] == (200, media_type), said[2][:300]
        for read in readings:
            got = _in_order(query, columns, *read(said[2]))
            assert arranged(readers.settled(got)) == arranged(readers.settled(rows)), media_type
    status, got_type, content = service.ask(query, _CSV)
    assert (status, got_type) == (200, _CSV), content[:300]
    cells = _in_order(query, columns, *readers.read_csv(content))
    wanted = readers.settled(tuple(map(readers.plain, row)) for row in rows)
    assert arranged(readers.settled(cells)) == arranged(wanted), _CSV


def _compare_truth(service: _Service, query: str, expected: bool) -> None:  # noqa: FBT001 - it is the answer
    for media_type in _TRUTHS:
        status, got_type, content = service.ask(query, media_type)
        assert (status, got_type) == (200, media_type), content[:300]
        assert readers.read_truth(content) is expected, media_type


def _compare_graph(service: _Service, query: str, expected: set[ox.Triple]) -> None:
    exact, valued = (readers.canonical(expected, by_value=by_value) for by_value in (False, True))
    for media_type, name in _GRAPHS.items():
        said = service.ask(query, media_type)
        if media_type == "application/rdf+xml" and (problem := _problem_of_rdf_xml(expected)):
            _assert_problem(said, problem, "ask for Turtle or JSON-LD")
            continue
        assert said[:2] == (200, media_type), said[2][:300]
        kind = ox.RdfFormat.from_media_type(media_type)
        assert kind is not None
        assert readers.canonical(readers.read_graph(said[2], kind)) == exact, media_type
        anew = readers.read_graph_anew(said[2], name)
        assert readers.canonical(anew, by_value=True) == valued, media_type


@pytest.mark.parametrize("name", _QUERIES)
def test_the_service_answers_as_the_engine_does(service: _Service, engine: ox.Store, name: str) -> None:
    query = _QUERIES[name]
    if name.startswith("refused: "):
        with pytest.raises(SyntaxError):
            engine.query(query)
        status, media_type, _ = service.ask(query, "application/json")
        assert (status, media_type) == (400, "application/problem+json")
        return
    answer = engine.query(query)
    if isinstance(answer, ox.QuerySolutions):
        _compare_table(service, query, readers.rows_of(answer))
    elif isinstance(answer, ox.QueryBoolean):
        _compare_truth(service, query, bool(answer))
    else:
        _compare_graph(service, query, set(answer))


@pytest.mark.parametrize(
    ("default", "named"),
    [
        (["log1990"], []),
        (["log1990", "log2000"], []),
        ([], ["log2000"]),
        (["log2000"], ["log1990", "log2000"]),
        (["nowhere"], ["nowhere"]),
    ],
)
@pytest.mark.parametrize("source", ["", "FROM :log1990 FROM NAMED :log1990"])
def test_graphs_of_the_request_are_those_of_the_engine(
    service: _Service, engine: ox.Store, default: list[str], named: list[str], source: str
) -> None:
    query = (
        f"PREFIX : <{_ISLE}> SELECT * {source} "
        "{ { ?lamp <http://example.org/isle/property#state> ?state } UNION { GRAPH ?g { ?s ?p ?o } } }"
    )
    answer = engine.query(
        query,
        default_graph=[ox.NamedNode(_ISLE + name) for name in default],
        named_graphs=[ox.NamedNode(_ISLE + name) for name in named],
    )
    assert isinstance(answer, ox.QuerySolutions)
    columns, rows = readers.rows_of(answer)
    graphs = [("default-graph-uri", _ISLE + name) for name in default]
    graphs += [("named-graph-uri", _ISLE + name) for name in named]
    for _ in range(3):  # each way of the protocol
        got = _in_order(query, columns, *readers.read_json(service.ask(query, _TRUTHS[0], *graphs)[2]))
        assert Counter(readers.settled(got)) == Counter(readers.settled(rows))


@pytest.mark.parametrize(
    "name", [name for name in _QUERIES if name.endswith("longer than what is held back")]
)
def test_what_is_called_long_comes_as_a_stream(service: _Service, name: str) -> None:
    _, media_type, content = service.ask(_QUERIES[name], "text/csv, application/n-triples")
    assert media_type in {_CSV, "application/n-triples"}
    assert len(content) > 1 << 20


# What is asked ----------------------------------------------------------------------------------------


def _code(query: str) -> str:
    """Give a query on one line, without comments and without what stands in its texts and IRIs."""
    pieces, end = [], 0
    for token in tokens(query):
        between = re.sub(r"#.*", "", query[end : token.start])  # blanks, comments, numbers
        pieces += [between, {"string": '""', "iri": "<>"}.get(token.kind, token.text)]
        end = token.start + len(token.text)
    return re.sub(r"\s+", " ", "".join([*pieces, re.sub(r"#.*", "", query[end:])])).strip()


class _Feature(NamedTuple):
    """A row of the list: where the pattern is looked for is the code of a query or all its text.

    Without a pattern it is a function, found by a call of its name.
    """

    section: str
    name: str
    where: str
    pattern: str

    def is_in(self, code: str, text: str) -> bool:
        found = re.search(self.pattern or rf"\b{self.name}\(", {"code": code, "text": text}[self.where])
        return found is not None


def _features() -> list[_Feature]:
    lines = (_FOLDER / "features.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [_Feature(*line.split("\t")) for line in lines]


_ANSWERED = [query for name, query in _QUERIES.items() if not name.startswith("refused: ")]


def test_there_are_more_than_three_hundred_queries() -> None:
    assert len(set(_ANSWERED)) > 300


def test_every_feature_of_the_list_is_asked_for() -> None:
    queries = [(_code(query), query) for query in _ANSWERED]
    asked = {feature for feature in _features() if any(feature.is_in(*query) for query in queries)}
    assert [feature for feature in _features() if feature not in asked] == []


def _names(element: object) -> Iterator[str]:
    """Give the names of the alternatives of a production of the other grammar."""
    if isinstance(element, Comp):
        yield element.name
        return
    for below in getattr(element, "exprs", []):
        yield from _names(below)


def test_every_built_in_of_another_grammar_is_in_the_list() -> None:
    listed = {feature.name.replace("_", "").replace(" ", "").casefold() for feature in _features()}
    known = {name.partition("_")[2].replace("_", "").casefold() for name in _names(other_parser.BuiltInCall)}
    assert len(known) > 50
    assert known <= listed
