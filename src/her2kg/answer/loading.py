"""A build put into another engine by SPARQL Update, and whether that engine then answers as ours does.

A mark in a graph of its own says which build is held. It is taken away first and set last, so that half of
a build is not taken for one.
"""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import chain, product
from typing import TYPE_CHECKING, NamedTuple

from rdflib.namespace import DCTERMS, VOID

from her2kg.answer.questions import LANGUAGES, answer
from her2kg.errors import BackendError, Her2kgError
from her2kg.model.namespaces import BACKEND_GRAPH, LOADED
from her2kg.model.queries import read_queries, read_query
from her2kg.sparql.backend import OWN
from her2kg.sparql.endpoint import Endpoint
from her2kg.sparql.engine import Triples, literal, plain, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from her2kg.answer.results import Answers
    from her2kg.settings import Address
    from her2kg.sparql.engine import Statement
    from her2kg.sparql.store import Answerer, Store

#: Triples and letters of one request; the compiler of Virtuoso takes no longer ones.
_TRIPLES, _LETTERS = 1000, 400_000
#: Seconds for one request, and bytes of what an engine says to it.
_SECONDS, _ANSWER = 300.0, 1_000_000


def load(
    store: Store, address: Address, graph: str = "", tell: Callable[[int, int], object] | None = None
) -> None:
    """Put all graphs of a store in the place of those that an engine holds.

    ``graph`` is where the default graph goes; ``tell`` is given how many triples are there, of how many.
    Raises BackendError, which says how far it came.
    """
    graphs: dict[str, list[Statement]] = defaultdict(list)
    for statement in store.statements():
        graphs[statement.graph or graph or str(BACKEND_GRAPH)].append(statement)
    total = sum(map(len, graphs.values()))
    endpoint = Endpoint(address, _ANSWER, updates=True)
    done = 0
    try:
        _update(endpoint, _mark("", 0))
        for name, statements in graphs.items():
            _update(endpoint, "DROP SILENT DEFAULT" if name == OWN else f"DROP SILENT GRAPH <{name}>")
            for batch in _batches(statements):
                _update(endpoint, _insertion(name, batch))
                done += len(batch)
                if tell:
                    tell(done, total)
        _update(endpoint, _mark(store.version, len(store)))
    except BackendError as error:
        problem = f"{address}: {error.problem}; loading stopped at {done:,} of {total:,} triples"
        raise BackendError(problem, "mend that and load again") from error
    finally:
        endpoint.close()


def _mark(version: str, triples: int) -> str:
    """Write down what is held: without a version, that it is not whole and nobody is to be answered."""
    said = f"<{LOADED}> <{DCTERMS.identifier}> {written(literal(version))} ; <{VOID.triples}> {triples}"
    return f"DROP SILENT GRAPH <{LOADED}> ;\nINSERT DATA {{ GRAPH <{LOADED}> {{ {said} }} }}"


def _update(endpoint: Endpoint, text: str) -> None:
    try:
        endpoint.post([("update", text)], "*/*", time.monotonic() + _SECONDS)
    except TimeoutError as error:
        raise BackendError("the engine took too long", "look into its log", timed_out=True) from error


def _insertion(graph: str, batch: list[Statement]) -> str:
    """Write an update; Virtuoso takes blank nodes in a template only, which for one solution is the same."""
    triples = " .\n".join(statement.text for statement in batch)
    into = f"{{ {triples} }}" if graph == OWN else f"{{ GRAPH <{graph}> {{ {triples} }} }}"
    if any(statement.blanks for statement in batch):
        return f"INSERT {into} WHERE {{}}"
    return f"INSERT DATA {into}"


def _batches(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Cut triples into requests; those that share blank nodes stay together, for a name holds in one only."""
    held: list[Statement] = []
    letters = 0
    for group in _connected(statements):
        size = sum(len(statement.text) for statement in group)
        if held and (len(held) + len(group) > _TRIPLES or letters + size > _LETTERS):
            yield held
            held, letters = [], 0
        held = held + group
        letters += size
    if held:
        yield held


def _connected(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Give triples without blank nodes one by one, then those that are connected by blank nodes."""
    above: dict[str, str] = {}

    def top(node: str) -> str:
        while above.setdefault(node, node) != node:
            above[node] = node = above[above[node]]
        return node

    blank = []
    for statement in statements:
        if not statement.blanks:
            yield [statement]
            continue
        blank.append(statement)
        for other in statement.blanks[1:]:
            above[top(other)] = top(statement.blanks[0])
    groups: dict[str, list[Statement]] = defaultdict(list)
    for statement in blank:
        groups[top(statement.blanks[0])].append(statement)
    yield from groups.values()


class Difference(NamedTuple):
    """A question that another engine answers otherwise, and how."""

    name: str
    lang: str
    words: str


def differences(store: Answerer, backend: Answerer, home: Path) -> Iterator[Difference]:
    """Ask both every question and what names are looked up with, as sets of rows; compare all triples."""
    folders = (home / "queries" / "questions", home / "queries" / "pages")
    for query, lang in product(chain.from_iterable(map(read_queries, folders)), LANGUAGES):
        ours = _rows(answer(store, home, query, lang=lang))
        try:
            theirs = _rows(answer(backend, home, query, lang=lang))
        except Her2kgError as error:
            yield Difference(query.name, lang, error.problem)
            continue
        if ours != theirs:
            words = f"{len(ours - theirs)} rows are missing, {len(theirs - ours)} are not ours"
            yield Difference(query.name, lang, words)
    ground = read_query(home / "queries" / "backend" / "ground.rq").text
    mine, other = _ground(store, ground), _ground(backend, ground)
    if mine != other:
        words = f"{len(mine - other)} triples are missing, {len(other - mine)} are not ours"
        yield Difference("all-triples", "", words)


def _rows(answers: Answers) -> set[tuple[str, ...]]:
    return {
        tuple(written(row[name]) if name in row else "" for name in answers.columns) for row in answers.rows
    }


def _ground(store: Answerer, query: str) -> set[str]:
    """Give triples as text."""
    found = store.query(query)
    return {plain(triple) for triple in found.answer} if isinstance(found, Triples) else set()
