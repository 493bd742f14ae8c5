"""Queries of strangers: each ends within its limits, costs nobody else anything, and opens nothing."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.workers import Limits, Pool, Seed, Workers
from her2kg.errors import BusyError, CrashError, FormatError, InputError, LimitError, QueryError
from her2kg.sparql.engine import Engine
from her2kg.sparql.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from her2kg.sparql.engine import Answer

pytestmark = pytest.mark.slow

_JSON = "application/sparql-results+json"
_XML = "application/sparql-results+xml"
_ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?o ?p }"
_ANY = "(<urn:p>|!<urn:p>)*"
_LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@pytest.fixture(scope="module")
def small() -> Store:
    """Give a store of two hundred triples."""
    lines = "".join(f"<urn:s{n}> <urn:p> <urn:o{n}> .\n" for n in range(200))
    return Store(Engine.from_text(lines, "application/n-triples"), "1")


@pytest.fixture(scope="module")
def workers(small: Store) -> Iterator[Workers]:
    """Give workers with small limits."""
    limits = Limits(seconds=1, memory=200_000_000, answer=100_000, workers=2, waiting=2)
    with Workers(small, limits) as made:
        yield made


def _text(workers: Pool, query: str, media_type: str = _JSON) -> str:
    kind = "triples" if media_type.endswith("n-triples") else "table"
    reply = workers.ask(query, formats={kind: media_type, "truth": _JSON})
    return b"".join(reply.pieces()).decode()


def _lives(workers: Workers) -> None:
    assert "true" in _text(workers, "ASK { ?s ?p ?o }")


def test_an_answer_comes_in_the_form_and_the_format(workers: Workers) -> None:
    reply = workers.ask("SELECT ?o { <urn:s7> ?p ?o }", formats={"table": "text/csv"})
    assert reply.form == "table"
    assert b"".join(reply.pieces()) == b"o\r\nurn:o7\r\n"


def test_triples_come_each_once(workers: Workers) -> None:
    text = _text(workers, "CONSTRUCT { <urn:a> <urn:b> <urn:c> } { ?s ?p ?o }", "application/n-triples")
    assert text == "<urn:a> <urn:b> <urn:c> .\n"


def test_a_fault_of_the_query_keeps_its_place(workers: Workers) -> None:
    with pytest.raises(QueryError, match="never closed") as caught:
        workers.ask("SELECT * {\n ?s ?p ?o")
    assert (caught.value.line, caught.value.column) == (1, 10)
    _lives(workers)


def test_an_answer_that_fits_no_format_costs_nothing(workers: Workers) -> None:
    for _ in range(5):
        reply = workers.ask("SELECT * { ?s ?p ?o }", formats={"triples": "text/turtle"})
        assert (reply.form, reply.fits, list(reply.pieces())) == ("table", False, [])
    _lives(workers)


def test_an_answer_left_half_way_frees_its_worker(small: Store) -> None:
    with Workers(small, Limits(workers=1, waiting=0)) as workers:
        for _ in range(3):
            reply = workers.ask("SELECT * { ?a ?b ?c . ?d ?e ?f }", formats={"table": _JSON})
            pieces = reply.pieces()
            next(pieces)
            pieces.close()
            reply.close()
        for _ in range(3):
            reply = workers.ask("SELECT * { ?a ?b ?c . ?d ?e ?f }", formats={"table": _JSON})
            reply.close()
            reply.close()
        _lives(workers)


@pytest.mark.parametrize(
    "query",
    [
        _ENDLESS,
        f"SELECT (COUNT(*) AS ?n) {{ ?s {_ANY} ?o . ?a {_ANY} ?b . ?c {_ANY} ?d }}",
        'SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(REGEX(CONCAT(STR(?a), STR(?g)), "(a*)*(b*)*x$")) }',
    ],
    ids=["product", "paths", "regular expression"],
)
def test_a_query_that_takes_too_long_is_ended_in_time(workers: Workers, query: str) -> None:
    start = time.monotonic()
    with pytest.raises(LimitError) as caught:
        _text(workers, query)
    assert caught.value.what == "time"
    # Half a second is what it may be over; a busy machine of many tests gets more.
    assert time.monotonic() - start < workers.limits.seconds + 3
    _lives(workers)


def test_a_query_that_needs_too_much_memory_is_ended(small: Store) -> None:
    with Workers(small, Limits(seconds=30, memory=50_000_000)) as workers:
        with pytest.raises(LimitError) as caught:
            _text(workers, f"{_LARGE} ORDER BY ?a ?i")
        assert caught.value.what == "memory"
        _lives(workers)


def test_an_answer_that_is_too_large_ends(workers: Workers) -> None:
    with pytest.raises(LimitError) as caught:
        _text(workers, _LARGE)
    assert caught.value.what == "answer"
    _lives(workers)


@pytest.mark.parametrize(
    "query",
    [
        f"ASK {{ FILTER({'!' * 50_000}true) }}",
        f"ASK {{ FILTER({'&&'.join(['1'] * 60_000)}) }}",
    ],
    ids=["negations", "conjunctions"],
)
def test_a_query_that_ends_the_engine_ends_its_worker_alone(workers: Workers, query: str) -> None:
    with pytest.raises(CrashError):
        _text(workers, query)
    _lives(workers)


@pytest.mark.parametrize(
    "query",
    [
        f"ASK {'{' * 20_000}{'}' * 20_000}",
        f"ASK {{ FILTER({'(' * 50_000}1{')' * 50_000}) }}",
        f"ASK {{ ?s ?p {'[ <urn:p> ' * 201} 1 {']' * 201} }}",
    ],
    ids=["groups", "brackets", "blank nodes"],
)
def test_a_query_that_nests_too_deeply_is_refused_before_it_is_parsed(workers: Workers, query: str) -> None:
    with pytest.raises(QueryError, match="inside each other over 200 times") as caught:
        _text(workers, query)
    assert caught.value.line == 1


def test_brackets_in_texts_nest_nothing(workers: Workers) -> None:
    _text(workers, f"ASK {{ ?s ?p '{'{' * 500}' }} # {'(' * 500}")


def test_a_query_that_is_too_long_is_refused(small: Store) -> None:
    with Workers(small, Limits(length=100)) as workers:
        with pytest.raises(LimitError) as caught:
            _text(workers, f"ASK {{}} #{'a' * 100}")
        assert caught.value.what == "length"
        _lives(workers)


@pytest.mark.parametrize("media_type", ["text/csv", "text/tab-separated-values", _JSON, _XML])
@pytest.mark.parametrize("query", ["SELECT * { ?s ?p ?o . ?a ?b ?c }", "SELECT * { ?a <urn:p> ?b } LIMIT 11"])
def test_a_table_with_too_many_rows_ends(small: Store, media_type: str, query: str) -> None:
    with Workers(small, Limits(rows=10)) as workers:
        with pytest.raises(LimitError) as caught:
            _text(workers, query, media_type)
        assert caught.value.what == "rows"
        assert _text(workers, "SELECT * { ?a <urn:p> ?b } LIMIT 10", media_type)


def test_a_function_that_nobody_knows_has_no_value(workers: Workers) -> None:
    assert _text(workers, "SELECT (<urn:f>(<urn:g>(1)) AS ?x) {}", "text/csv") == "x\r\n\r\n"
    assert "false" in _text(workers, "ASK { ?s ?p ?o FILTER(<urn:f>(?o)) }")


def test_what_xml_cannot_say_is_refused_and_a_cr_is_kept(workers: Workers) -> None:
    with pytest.raises(FormatError, match="XML has not"):
        _text(workers, r'SELECT ("a\u0001b" AS ?x) { }', _XML)
    assert "a&#xD;b" in _text(workers, r'SELECT ("a\rb" AS ?x) { }', _XML)
    assert r"a\u0001b" in _text(workers, r'SELECT ("a\u0001b" AS ?x) { }')


def test_beyond_those_that_may_wait_a_query_is_told_to_come_again(small: Store) -> None:
    with Workers(small, Limits(seconds=2, workers=1, waiting=1)) as workers:
        ended: list[type[Exception]] = []

        def ask() -> None:
            try:
                _text(workers, _ENDLESS)
            except (LimitError, BusyError) as error:
                ended.append(type(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ended[:2] == [BusyError, BusyError]
        assert LimitError in ended
        _lives(workers)


def test_a_seed_grows_workers_over_the_data_as_they_are_then(tmp_path: Path) -> None:
    file = tmp_path / "data.nt"
    file.write_text("<urn:a> <urn:p> <urn:b> .\n")
    with Seed(lambda: Store.of_files([file]), Limits()) as seed:
        first = seed.workers()
        file.write_text("<urn:a> <urn:p> <urn:c> .\n")
        second = seed.workers()
        assert first.version != second.version
        query = "SELECT ?o { <urn:a> ?p ?o }"
        first.retire()
        assert _text(second, query, "text/csv") == "o\r\nurn:c\r\n"
        file.write_text("no triple")
        with pytest.raises(InputError, match=r"data\.nt:1"):
            seed.workers()
        assert _text(second, query, "text/csv") == "o\r\nurn:c\r\n"
        second.close()


def test_workers_that_retire_finish_what_they_began(small: Store) -> None:
    workers = Workers(small, Limits(workers=2))
    reply = workers.ask("SELECT * { ?a ?b ?c . ?d ?e ?f }", formats={"table": _JSON})
    workers.retire()
    assert len(b"".join(reply.pieces()).splitlines()) > 0
    deadline = time.monotonic() + 5
    while Path(f"/proc/{workers.nursery}").exists():
        assert time.monotonic() < deadline


class _Opening(Store):
    """Tries to open what its query names, as an engine might."""

    def query(
        self, text: str, default_graphs: Sequence[str] = (), named_graphs: Sequence[str] = ()
    ) -> Answer:
        tried = []
        for attempt in (lambda: open("/etc/passwd"), socket.socket, lambda: os.open("/", 0), os.pipe):  # noqa: PTH123, SIM115
            try:
                attempt()
            except OSError as error:
                tried.append(error.strerror)
        raise QueryError("; ".join(map(str, tried)), f"{text} {default_graphs} {named_graphs}")


def test_a_worker_can_open_neither_a_file_nor_a_socket() -> None:
    with Workers(_Opening(Engine(), "1"), Limits()) as workers:
        with pytest.raises(QueryError) as caught:
            workers.ask("ASK { }")
        assert caught.value.problem == "; ".join(["Too many open files"] * 4)


def test_a_worker_that_died_idle_costs_no_query(workers: Workers) -> None:
    _lives(workers)
    nursery = workers.nursery
    for child in _children(nursery):
        os.kill(child, 9)
        while _runs(child):
            pass
    _lives(workers)


def test_no_process_outlives_the_workers(small: Store) -> None:
    workers = Workers(small, Limits())
    _lives(workers)
    nursery = workers.nursery
    children = _children(nursery)
    assert children
    workers.close()
    assert not Path(f"/proc/{nursery}").exists()
    deadline = time.monotonic() + 5
    while any(_runs(child) for child in children):
        assert time.monotonic() < deadline


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
