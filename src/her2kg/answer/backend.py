"""A store that is another engine's: asked over HTTP, answering as the store in memory does.

What a default graph is differs from engine to engine: a graph of its own, the union of all, or whatever is
set. So the default graph is held in a named graph, and every query that names no graphs itself is sent with
the names of those that it is over (SPARQL 1.1 Protocol, 2.1.4).
"""

from __future__ import annotations

import time
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from her2kg.answer.endpoint import Endpoint
from her2kg.errors import BackendError, LimitError, QueryError
from her2kg.model.namespaces import BACKEND_GRAPH, GRAPHS, LOADED
from her2kg.model.queries import read_query
from her2kg.settings import Settings
from her2kg.sparql.engine import Table, plain, read_answer
from her2kg.sparql.syntax import form, names_graphs, refuse_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from her2kg.settings import Address
    from her2kg.sparql.engine import Answer

#: Seconds for which the version of the data is believed.
_BELIEVED = 5.0
#: The graph whose name stands for the engine's own default graph.
OWN = "default"
_TABLES = "application/sparql-results+json"
_TRIPLES = "application/n-triples, text/turtle;q=0.5"


class _Held(NamedTuple):
    """What an engine holds: the version that was loaded, and how many triples its default graph has."""

    version: str
    triples: int
    until: float


class Backend:
    """Another engine, with the interface of ``Store``."""

    def __init__(self, address: Address, seconds: float, limit: int, graph: str = "") -> None:
        """Take the address, the seconds of a query, the bytes of an answer, and the default graph's name."""
        self._endpoint = Endpoint(address, limit)
        self.seconds = seconds
        self._graph = graph or str(BACKEND_GRAPH)
        self._started = uuid4().hex
        self._held: _Held | None = None
        self._lock = Lock()
        #: Whether what is held is a build, about which the questions and pages know.
        self.built = False

    @classmethod
    def open(cls, address: Address, seconds: float, limit: int, graph: str = "") -> Backend:
        """See that the engine answers and holds something; raises BackendError naming the address."""
        backend = cls(address, seconds, limit, graph)
        try:
            held = backend._now()
            backend.built = bool(backend.query(_asked("ours")))
        except (BackendError, LimitError) as error:
            backend.close()
            raise BackendError(f"{address}: {error.problem}", error.remedy) from error
        if not held.triples:
            backend.close()
            raise BackendError(
                f"{address}: the engine holds nothing in its {backend._graph_name}", "fill it: `her2kg load`"
            )
        return backend

    @property
    def opened(self) -> dict[str, Any]:
        """Give what another process makes the same backend of; password included."""
        return {
            "address": asdict(self._endpoint.address),
            "seconds": self.seconds,
            "limit": self._endpoint.limit,
            "graph": self._graph,
        }

    @property
    def _graph_name(self) -> str:
        return "default graph" if self._graph == OWN else f"graph {self._graph}"

    def query(
        self, text: str, default_graphs: Sequence[str] = (), named_graphs: Sequence[str] = ()
    ) -> Answer:
        """Evaluate a query; raises QueryError, LimitError, or BackendError, also while rows are read."""
        return self.asked(text, default_graphs, named_graphs, time.monotonic() + self.seconds)

    def asked(self, text: str, default: Sequence[str], named: Sequence[str], deadline: float) -> Answer:
        """Evaluate a query until a deadline on the monotonic clock."""
        refuse_service(text)
        wanted = form(text)
        if not wanted:
            raise QueryError("this is no query", "use SELECT, ASK, CONSTRUCT or DESCRIBE")
        fields = [("query", text), *self._over(text, default, named)]
        accept = _TRIPLES if wanted == "triples" else _TABLES
        try:
            received = self._endpoint.post(fields, accept, deadline)
        except TimeoutError as error:
            raise LimitError("time", self.seconds) from error
        return read_answer(wanted, received.media_type, received.content)

    def _over(self, text: str, default: Sequence[str], named: Sequence[str]) -> list[tuple[str, str]]:
        """Name the graphs that a query is over."""
        if not default and not named:
            if self._graph == OWN or names_graphs(text):
                return []
            default, named = [self._graph], list(map(str, GRAPHS.values()))
        return [("default-graph-uri", name) for name in default] + [
            ("named-graph-uri", name) for name in named
        ]

    def close(self) -> None:
        """Close the connections to the engine."""
        self._endpoint.close()

    @property
    def version(self) -> str:
        """Name the version of the data; of data that were not loaded by us, this start of the service."""
        return self._now().version

    def __len__(self) -> int:
        """Count the triples of the default graph."""
        return self._now().triples

    def _now(self) -> _Held:
        with self._lock:
            if self._held is None or self._held.until < time.monotonic():
                self._held = self._read()
            return self._held

    def loaded(self) -> str:
        """Name the version that was loaded; nothing when none was."""
        return self._mark().get("version", "")

    def _mark(self) -> dict[str, str]:
        return self._row("mark", [str(LOADED)])

    def _read(self) -> _Held:
        until = time.monotonic() + _BELIEVED
        if found := self._mark():
            if not found.get("version"):
                raise BackendError(
                    "the engine holds half of a build", "wait for its load to end, or load it again"
                )
            return _Held(found["version"], int(found["triples"]), until)
        counted = self._row("triples")
        return _Held(self._started, int(counted.get("triples", 0)), until)

    def _row(self, name: str, default: Sequence[str] = ()) -> dict[str, str]:
        answer = self.query(_asked(name), default)
        rows = answer.rows() if isinstance(answer, Table) else iter(())
        return {name: plain(term) for name, term in next(rows, {}).items()}


def _asked(name: str) -> str:
    """Give a query by which an engine is asked what it holds: one of the package, whatever the home."""
    return read_query(Settings.read({}, {}).home / "queries" / "backend" / f"{name}.rq").text
