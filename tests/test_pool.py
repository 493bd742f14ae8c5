"""Queries of strangers: each ends within its limits, costs nobody else anything, and opens nothing."""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.processes import pool_of_files
from her2kg.errors import BusyError, CrashError, FormatError, InputError, LimitError, QueryError
from her2kg.sparql.gate import Gate
from her2kg.sparql.pool import Pool, Reply
from her2kg.sparql.store import Store
from her2kg.sparql.worker import Frames, Job, Limits, Output, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from her2kg.sparql.engine import Answer

pytestmark = pytest.mark.slow

_JSON = "application/sparql-results+json"
_XML = "application/sparql-results+xml"
_ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?o ?p }"
_ANY = "(<urn:p>|!<urn:p>)*"
_LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
#: Seconds after which something that should happen at once has failed.
_PATIENCE = 20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of two hundred triples."""
    file = tmp_path_factory.mktemp("small") / "small.nt"
    file.write_text("".join(f"<urn:s{n}> <urn:p> <urn:o{n}> .\n" for n in range(200)))
    return file


@pytest.fixture(scope="module")
def pool(small: Path) -> Iterator[Pool]:
    """Give a pool with small limits."""
    limits = Limits(seconds=1, memory=200_000_000, answer=100_000, workers=2, long=2, waiting=2)
    with pool_of_files([small], limits) as made:
        yield made


def _ask(pool: Pool, query: str, media_type: str = _JSON) -> Reply:
    kind = "triples" if media_type.endswith("n-triples") else "table"
    return pool.ask(Job(query, formats={kind: media_type, "truth": _JSON}))


def _text(pool: Pool, query: str, media_type: str = _JSON) -> str:
    return _ask(pool, query, media_type).read().decode()


def _lives(pool: Pool) -> None:
    assert "true" in _text(pool, "ASK { ?s ?p ?o }")


def _eventually(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not happens():
        assert time.monotonic() < deadline


def test_an_answer_comes_in_the_form_and_the_format(pool: Pool) -> None:
    reply = pool.ask(Job("SELECT ?o { <urn:s7> ?p ?o }", formats={"table": "text/csv"}))
    assert (reply.form, reply.version) == ("table", pool.version)
    assert reply.read() == b"o\r\nurn:o7\r\n"


def test_triples_come_each_once(pool: Pool) -> None:
    text = _text(pool, "CONSTRUCT { <urn:a> <urn:b> <urn:c> } { ?s ?p ?o }", "application/n-triples")
    assert text == "<urn:a> <urn:b> <urn:c> .\n"


def test_a_fault_of_the_query_keeps_its_place(pool: Pool) -> None:
    with pytest.raises(QueryError, match="never closed") as caught:
        _text(pool, "SELECT * {\n ?s ?p ?o")
    assert (caught.value.line, caught.value.column) == (1, 10)
    _lives(pool)


def test_an_answer_that_fits_no_format_costs_nothing(pool: Pool) -> None:
    for _ in range(5):
        reply = pool.ask(Job("SELECT * { ?s ?p ?o }", formats={"triples": "text/turtle"}))
        assert (reply.form, reply.content) == ("table", None)
    _lives(pool)


def test_a_large_answer_is_a_file_and_holds_no_worker(small: Path) -> None:
    with pool_of_files([small], Limits(workers=1, long=1, waiting=0)) as pool:
        replies = [_ask(pool, "SELECT * { ?a ?b ?c . ?d ?e ?f }") for _ in range(3)]
        assert not any(isinstance(reply.content, bytes) for reply in replies)
        _lives(pool)
        [text] = {reply.read() for reply in replies}
        assert text.count(b"urn:p") == 2 * 200 * 200


@pytest.mark.parametrize(
    "query",
    [
        _ENDLESS,
        f"SELECT (COUNT(*) AS ?n) {{ ?s {_ANY} ?o . ?a {_ANY} ?b . ?c {_ANY} ?d }}",
        'SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(REGEX(CONCAT(STR(?a), STR(?g)), "(a*)*(b*)*x$")) }',
    ],
    ids=["product", "paths", "regular expression"],
)
def test_a_query_that_takes_too_long_is_ended_in_time(pool: Pool, query: str) -> None:
    start = time.monotonic()
    with pytest.raises(LimitError) as caught:
        _text(pool, query)
    assert caught.value.what == "time"
    # Half a second is what it may be over; a busy machine of many tests gets more.
    assert time.monotonic() - start < pool.limits.seconds + 3
    _lives(pool)


def test_a_query_that_needs_too_much_memory_is_ended(small: Path) -> None:
    with pool_of_files([small], Limits(seconds=30, memory=50_000_000)) as pool:
        with pytest.raises(LimitError) as caught:
            _text(pool, f"{_LARGE} ORDER BY ?a ?i")
        assert caught.value.what == "memory"
        _lives(pool)


def test_an_answer_that_is_too_large_ends(pool: Pool) -> None:
    with pytest.raises(LimitError) as caught:
        _text(pool, _LARGE)
    assert caught.value.what == "answer"
    _lives(pool)


@pytest.mark.parametrize(
    "query",
    [
        f"ASK {{ FILTER({'!' * 50_000}true) }}",
        f"ASK {{ FILTER({'&&'.join(['1'] * 60_000)}) }}",
    ],
    ids=["negations", "conjunctions"],
)
def test_a_query_that_ends_the_engine_ends_its_worker_alone(pool: Pool, query: str) -> None:
    with pytest.raises(CrashError):
        _text(pool, query)
    _lives(pool)


@pytest.mark.parametrize(
    "query",
    [
        f"ASK {'{' * 20_000}{'}' * 20_000}",
        f"ASK {{ FILTER({'(' * 50_000}1{')' * 50_000}) }}",
        f"ASK {{ ?s ?p {'[ <urn:p> ' * 201} 1 {']' * 201} }}",
    ],
    ids=["groups", "brackets", "blank nodes"],
)
def test_a_query_that_nests_too_deeply_is_refused_before_it_is_parsed(pool: Pool, query: str) -> None:
    with pytest.raises(QueryError, match="inside each other over 200 times") as caught:
        _text(pool, query)
    assert caught.value.line == 1


def test_brackets_in_texts_nest_nothing(pool: Pool) -> None:
    _text(pool, f"ASK {{ ?s ?p '{'{' * 500}' }} # {'(' * 500}")


def test_a_query_that_is_too_long_is_refused(small: Path) -> None:
    with pool_of_files([small], Limits(length=100)) as pool:
        with pytest.raises(LimitError) as caught:
            _text(pool, f"ASK {{}} #{'a' * 100}")
        assert caught.value.what == "length"
        _lives(pool)


@pytest.mark.parametrize("media_type", ["text/csv", "text/tab-separated-values", _JSON, _XML])
@pytest.mark.parametrize("query", ["SELECT * { ?s ?p ?o . ?a ?b ?c }", "SELECT * { ?a <urn:p> ?b } LIMIT 11"])
def test_a_table_with_too_many_rows_ends(small: Path, media_type: str, query: str) -> None:
    with pool_of_files([small], Limits(rows=10)) as pool:
        with pytest.raises(LimitError) as caught:
            _text(pool, query, media_type)
        assert caught.value.what == "rows"
        assert _text(pool, "SELECT * { ?a <urn:p> ?b } LIMIT 10", media_type)


@pytest.mark.parametrize("media_type", ["text/csv", "text/tab-separated-values", _JSON, _XML])
@pytest.mark.parametrize("value", [r"a\nb\nc\n" * 20, ""], ids=["lines", "nothing"])
def test_rows_are_counted_by_solutions_and_not_by_lines(small: Path, media_type: str, value: str) -> None:
    with pool_of_files([small], Limits(rows=10)) as pool:
        query = f"SELECT ('{value}' AS ?x) {{ ?a <urn:p> ?b }} LIMIT %d"
        assert _text(pool, query % 10, media_type)
        with pytest.raises(LimitError) as caught:
            _text(pool, query % 11, media_type)
        assert caught.value.what == "rows"


@pytest.mark.parametrize(("rows", "times"), [(10, 1), (1000, 0)])
def test_solutions_are_counted_once_and_only_if_there_are_bytes_enough(
    small: Path, rows: int, times: int
) -> None:
    store = Store.of_files([small])
    taken, again = bytearray(), []

    def evaluate() -> Answer:
        again.append(1)
        return store.query("SELECT ?a { ?a <urn:p> ?b } LIMIT 10")

    answer = evaluate()
    again.clear()
    output = Output(Limits(rows=rows), taken.extend, answer, evaluate)
    answer.write(output, "text/csv", {})
    output.write(b"more")  # a larger answer comes in several pieces
    assert len(again) == times
    assert taken.count(b"urn:s") == 10


def test_a_function_that_nobody_knows_has_no_value(pool: Pool) -> None:
    assert _text(pool, "SELECT (<urn:f>(<urn:g>(1)) AS ?x) {}", "text/csv") == "x\r\n\r\n"
    assert "false" in _text(pool, "ASK { ?s ?p ?o FILTER(<urn:f>(?o)) }")


def test_what_xml_cannot_say_is_refused_and_a_cr_is_kept(pool: Pool) -> None:
    with pytest.raises(FormatError, match="XML has not"):
        _text(pool, r'SELECT ("a\u0001b" AS ?x) { }', _XML)
    assert "a&#xD;b" in _text(pool, r'SELECT ("a\rb" AS ?x) { }', _XML)
    assert r"a\u0001b" in _text(pool, r'SELECT ("a\u0001b" AS ?x) { }')


def test_beyond_those_that_may_wait_a_query_is_refused(small: Path) -> None:
    with pool_of_files([small], Limits(seconds=2, workers=1, long=1, waiting=1)) as pool:
        ended: list[type[Exception]] = []

        def ask() -> None:
            try:
                _text(pool, _ENDLESS)
            except (LimitError, BusyError) as error:
                ended.append(type(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ended[:2] == [BusyError, BusyError]
        assert LimitError in ended
        _lives(pool)


# Two heavy queries are no outage -----------------------------------------------------------------------


def test_light_queries_are_answered_while_long_ones_hold_every_place(small: Path) -> None:
    with pool_of_files([small], Limits(seconds=20, workers=2, long=1, waiting=4)) as pool:
        ended: list[BaseException] = []

        def ask() -> None:
            try:
                _text(pool, _ENDLESS)
            except (LimitError, BusyError, CrashError) as error:
                ended.append(error)

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        # One of them goes on in the long place, the other one is refused after a second.
        _eventually(lambda: bool(ended))
        assert isinstance(ended[0], BusyError)
        start = time.monotonic()
        for _ in range(20):
            _lives(pool)
        assert time.monotonic() - start < 5
        assert len(ended) == 1
        pool.close()
        for thread in threads:
            thread.join(_PATIENCE)


def _enter(gate: Gate, client: str, entered: threading.Event, leave: threading.Event) -> threading.Thread:
    def hold() -> None:
        with gate.place(client, _PATIENCE):
            entered.set()
            leave.wait(_PATIENCE)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    return thread


def test_one_client_cannot_hold_every_running_place() -> None:
    gate = Gate(Limits(workers=2, long=0, waiting=5))
    with gate.place("a", 1):
        with pytest.raises(BusyError), gate.place("a", 0.01):
            pass
        with gate.place("b", 0.01):
            assert gate.running == 2


def test_the_last_who_waits_comes_first_and_the_oldest_is_refused_when_the_room_is_full() -> None:
    gate = Gate(Limits(workers=1, long=1, waiting=2))
    leave = threading.Event()
    with gate.place("a", 1):
        events = [threading.Event() for _ in range(3)]
        threads = []
        for number, event in enumerate(events):
            threads.append(_enter(gate, "b", event, leave) if number else _refused(gate, event))
            _eventually(lambda number=number: gate.waiting == min(number + 1, 2))  # type: ignore[misc]
        assert events[0].wait(_PATIENCE)  # it was refused
    assert events[2].wait(_PATIENCE)
    assert not events[1].is_set()
    leave.set()
    assert events[1].wait(_PATIENCE)
    for thread in threads:
        thread.join(_PATIENCE)
    assert (gate.running, gate.waiting) == (0, 0)


def _refused(gate: Gate, refused: threading.Event) -> threading.Thread:
    def wait() -> None:
        try:
            with gate.place("b", _PATIENCE):
                pass
        except BusyError:
            refused.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_a_client_that_floods_is_refused_before_others() -> None:
    gate = Gate(Limits(workers=1, long=1, waiting=2))
    leave, seen = threading.Event(), threading.Event()
    with gate.place("a", 1):
        other = _enter(gate, "other", seen, leave)
        _eventually(lambda: gate.waiting == 1)
        refused = [threading.Event() for _ in range(2)]
        threads = [_refused(gate, refused[0])]
        _eventually(lambda: gate.waiting == 2)
        threads.append(_refused(gate, refused[1]))
        assert refused[0].wait(_PATIENCE)
    leave.set()
    assert seen.wait(_PATIENCE)
    for thread in (other, *threads):
        thread.join(_PATIENCE)


def test_whoever_comes_to_a_room_that_one_client_has_filled_is_let_in() -> None:
    gate = Gate(Limits(workers=1, long=1, waiting=3))
    leave, seen = threading.Event(), threading.Event()
    refused = [threading.Event() for _ in range(3)]
    with gate.place("a", 1):
        threads = []
        for number, event in enumerate(refused):
            threads.append(_refused(gate, event))
            _eventually(lambda number=number: gate.waiting == number + 1)  # type: ignore[misc]
        threads.append(_enter(gate, "other", seen, leave))
        assert refused[0].wait(_PATIENCE)
        assert gate.waiting == 3
        assert not any(event.is_set() for event in refused[1:])
    assert seen.wait(_PATIENCE)
    leave.set()
    for thread in threads:
        thread.join(_PATIENCE)
    assert (gate.running, gate.waiting) == (0, 0)


def test_a_long_query_leaves_its_light_place_to_others() -> None:
    gate = Gate(Limits(workers=1, long=1, waiting=0))
    with gate.place("a", 0) as first:
        first.lengthen()
        with gate.place("b", 0) as second:
            with pytest.raises(BusyError):
                second.lengthen()
            assert (first.is_long, second.is_long, gate.running) == (True, False, 2)
    with gate.place("c", 0) as third:
        third.lengthen()


def test_a_query_changes_over_after_a_second_or_after_half_of_one_if_others_wait() -> None:
    gate = Gate(Limits(workers=1, long=1, waiting=1))
    leave, seen = threading.Event(), threading.Event()
    with gate.place("a", 0) as place:
        assert not place.is_due
        place.until -= 0.6
        assert not place.is_due
        thread = _enter(gate, "b", seen, leave)
        _eventually(lambda: gate.waiting == 1)
        assert place.is_due
        place.lengthen()
        assert not place.is_due
        assert seen.wait(_PATIENCE)
    leave.set()
    thread.join(_PATIENCE)
    with gate.place("a", 0) as place:
        place.until -= 1
        assert place.is_due


def test_no_place_is_lost_whatever_happens_to_those_who_wait() -> None:
    gate = Gate(Limits(workers=3, long=2, waiting=4))

    def run(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
        for _ in range(300):
            try:
                with gate.place(rng.choice("abc"), rng.choice([0, 0.001, 0.01])) as place:
                    if rng.random() < 0.3:
                        place.lengthen()
                    if rng.random() < 0.2:
                        raise ConnectionError
            except (BusyError, ConnectionError):
                continue

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (gate.running, gate.waiting) == (0, 0)
    with gate.place("a", 0), gate.place("b", 0), gate.place("c", 0) as last:
        last.lengthen()
        with gate.place("d", 0) as fourth:
            fourth.lengthen()


# Processes ----------------------------------------------------------------------------------------------


def test_a_reload_answers_from_the_data_as_they_are_then(tmp_path: Path) -> None:
    file = tmp_path / "data.nt"
    file.write_text("<urn:a> <urn:p> <urn:b> .\n")
    with pool_of_files([file], Limits()) as pool:
        query, first = "SELECT ?o { <urn:a> ?p ?o }", pool.version
        assert _text(pool, query, "text/csv") == "o\r\nurn:b\r\n"
        file.write_text("<urn:a> <urn:p> <urn:c> .\n")
        pool.reload()
        assert pool.version != first
        assert _text(pool, query, "text/csv") == "o\r\nurn:c\r\n"
        file.write_text("no triple")
        with pytest.raises(InputError, match=r"data\.nt:1"):
            pool.reload()
        assert _text(pool, query, "text/csv") == "o\r\nurn:c\r\n"


def test_data_that_cannot_be_loaded_are_an_error_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "data.nt").write_text("no triple")
    with pytest.raises(InputError, match=r"data\.nt:1"):
        pool_of_files([tmp_path / "data.nt"], Limits()).open()


def test_a_query_that_runs_during_a_reload_is_answered(small: Path) -> None:
    with pool_of_files([small], Limits()) as pool:
        found: list[str] = []
        query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g <urn:p> <urn:o1> }"
        thread = threading.Thread(target=lambda: found.append(_text(pool, query, "text/csv")))
        thread.start()
        _eventually(lambda: pool.gate.running == 1 or not thread.is_alive())
        pool.reload()
        thread.join(_PATIENCE)
        assert found == ["n\r\n40000\r\n"]


#: A parent of workers with a task that tries to open what an engine might.
_OPENING = """
import os, socket, sys
from her2kg.sparql.engine import Engine
from her2kg.sparql.store import Store
from her2kg.sparql.worker import Limits, receive, run_parent

def tried(*_):
    errors = []
    for attempt in (lambda: open("/etc/passwd"), socket.socket, lambda: os.open("/", 0), os.pipe):
        try:
            attempt()
        except OSError as error:
            errors.append(error.strerror)
    return errors

control = socket.socket(fileno=int(sys.argv[1]))
receive(control)
tasks = {"try": tried, "grow": lambda *_: len("a" * 30_000_000)}
run_parent(lambda: Store(Engine(), "1"), control, Limits(), {}, tasks)
"""


@pytest.fixture
def before() -> set[int]:
    """Give the parents that other tests have started."""
    return _parents()


@pytest.fixture
def opening(before: set[int], tmp_path: Path) -> Iterator[Pool]:
    """Give a pool whose workers try to open things."""
    del before  # it comes first
    (tmp_path / "opening.py").write_text(_OPENING)
    with Pool([sys.executable, str(tmp_path / "opening.py")], {}, Limits()) as pool:
        yield pool


def test_a_worker_can_open_neither_a_file_nor_a_socket(opening: Pool) -> None:
    assert opening.run(Job("ASK {}", task="try")) == ["Too many open files"] * 4


def test_a_worker_that_has_grown_is_replaced(before: set[int], opening: Pool) -> None:
    opening.run(Job("ASK {}", task="try"))
    old = _workers(before)
    assert opening.run(Job("ASK {}", task="grow")) == 30_000_000
    _eventually(lambda: not old & _workers(before))
    assert opening.run(Job("ASK {}", task="try"))


def test_a_worker_that_died_idle_costs_no_query(before: set[int], small: Path) -> None:
    with pool_of_files([small], Limits()) as pool:
        _lives(pool)
        for worker in _workers(before):
            os.kill(worker, 9)
            _eventually(lambda worker=worker: not _runs(worker))  # type: ignore[misc]
        _lives(pool)


def _kill_parent(before: set[int]) -> None:
    """Kill the parent of this test's workers, and wait until they have ended with it."""
    [parent] = _parents() - before
    family = {parent, *_children(parent)}
    os.kill(parent, 9)
    _eventually(lambda: not any(_runs(process) for process in family))


def test_a_parent_that_died_is_replaced(before: set[int], small: Path) -> None:
    with pool_of_files([small], Limits()) as pool:
        for _ in range(2):
            _lives(pool)
            _kill_parent(before)
            _lives(pool)


def test_when_no_new_parent_can_be_started_the_pool_gives_up(before: set[int], tmp_path: Path) -> None:
    file = tmp_path / "data.nt"
    file.write_text("<urn:a> <urn:p> <urn:b> .\n")
    given_up = threading.Event()
    with pool_of_files([file], Limits(), give_up=given_up.set) as pool:
        _lives(pool)
        file.unlink()
        _kill_parent(before)
        with pytest.raises(InputError):
            _lives(pool)
        assert given_up.is_set()


def test_when_a_new_parent_does_not_even_start_the_pool_gives_up(before: set[int], tmp_path: Path) -> None:
    command = tmp_path / "parent"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m her2kg.answer.processes "$@"\n')
    command.chmod(0o755)
    config = {"files": [], "limits": asdict(Limits()), "home": ""}
    given_up = threading.Event()
    with Pool([str(command)], config, Limits(), given_up.set) as pool:
        query = "ASK { FILTER(1 < 2) }"
        assert "true" in _text(pool, query)
        command.unlink()
        with pytest.raises(CrashError):
            pool.reload()
        assert "true" in _text(pool, query)
        _kill_parent(before)
        with pytest.raises(CrashError):
            _text(pool, query)
        assert given_up.is_set()


def test_no_process_outlives_the_pool(before: set[int], small: Path) -> None:
    with pool_of_files([small], Limits()) as pool:
        _lives(pool)
        processes = (_parents() - before) | _workers(before)
        assert len(processes) > 1
    _eventually(lambda: not any(_runs(process) for process in processes))


def test_frames_go_on_where_a_timeout_stopped_them() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.01)
        frames = Frames(ours)
        send(theirs, b"A", b"one")
        theirs.sendall(b"B\0\0")
        assert frames.receive() == (b"A", b"one")
        with pytest.raises(TimeoutError):
            frames.receive()
        theirs.sendall(b"\0\3two")
        assert frames.receive() == (b"B", b"two")
        theirs.close()
        with pytest.raises(EOFError):
            frames.receive()


def _children(process: int) -> set[int]:
    found = set()
    for thread in Path(f"/proc/{process}/task").iterdir():
        found |= {int(child) for child in (thread / "children").read_text().split()}
    return found


def _parents() -> set[int]:
    """Give the parents of workers that this process has started and that are alive."""
    return {process for process in _children(os.getpid()) if _runs(process)}


def _workers(before: set[int]) -> set[int]:
    """Give the workers of the parents that were not there before."""
    return {worker for parent in _parents() - before for worker in _children(parent) if _runs(worker)}


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
