"""A store that is another engine: it takes queries over HTTP and answers as the store in memory does.

What a default graph is differs from engine to engine: a graph of its own, the union of all, or whatever is
configured. So the default graph is held in a named graph, and every query that names no graphs itself is
sent with the names of its graphs (SPARQL 1.1 Protocol, 2.1.4).
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from her2kg.errors import BackendError, LimitError, QueryError
from her2kg.sparql.endpoint import Endpoint
from her2kg.sparql.engine import Table, plain, read_answer
from her2kg.sparql.syntax import based, form, names_graphs, refuse_service
from her2kg.sparql.worker import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from her2kg.settings import Address
    from her2kg.sparql.engine import Answer

#: Seconds for which the version of the data is not read again.
_FRESH = 5.0
#: The graph name that stands for the engine's own default graph.
OWN = "default"
_TABLES = "application/sparql-results+json"
_TRIPLES = "application/n-triples, text/turtle;q=0.5"


@dataclass(frozen=True)
class Dataset:
    """The graphs that a load writes into an engine, and the queries that read what it holds.

    ``default`` is the graph of the default graph, ``named`` are the named graphs of a query, ``mark`` is the
    graph that says what was loaded. ``loaded`` gives ``?version`` and ``?triples`` from the mark, ``count``
    gives the ``?triples`` of the default graph, ``known`` says whether the data are what the pages know.
    """

    default: str
    named: tuple[str, ...]
    mark: str
    loaded: str
    count: str
    known: str


class _Held(NamedTuple):
    """What an engine holds: the version that was loaded, and the triples of its default graph."""

    version: str
    triples: int
    until: float


class Backend:
    """Another engine, with the interface of ``Store``; it may be used from any thread."""

    def __init__(
        self, address: Address, dataset: Dataset, seconds: float, limit: int, graph: str = ""
    ) -> None:
        """Take the address, the graphs, the seconds of a query and the bytes of an answer.

        ``graph`` takes the place of the dataset's default graph; ``default`` means the engine's own.
        """
        self._endpoint = Endpoint(address, limit)
        self._dataset = dataset
        self.seconds = seconds
        self._graph = graph or dataset.default
        self._started = uuid4().hex
        self._held: _Held | None = None
        self._lock = Lock()
        #: Whether the data are those that the questions and pages know.
        self.built = False

    @classmethod
    def open(cls, address: Address, dataset: Dataset, seconds: float, limit: int, graph: str = "") -> Backend:
        """Check that the engine answers and holds something; raises BackendError naming the address."""
        backend = cls(address, dataset, seconds, limit, graph)
        try:
            held = backend._now()
            backend.built = bool(backend.query(dataset.known))
            if not held.triples:
                raise BackendError(
                    f"the engine holds nothing in its {backend._graph_name}", "fill it: `her2kg load`"
                )
        except (BackendError, LimitError) as error:
            backend.close()
            raise BackendError(f"{address}: {error.problem}", error.remedy) from error
        return backend

    @property
    def opened(self) -> dict[str, Any]:
        """Give what, with the dataset, makes the same backend in another process; password included."""
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
        self,
        text: str,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        base: str = "",
    ) -> Answer:
        """Evaluate a query; raises QueryError, LimitError, or BackendError, also while rows are read."""
        job = Job(text, default_graphs, named_graphs, base=base)
        return self.evaluate(job, time.monotonic() + self.seconds)()

    def evaluate(
        self, job: Job, deadline: float, overdue: tuple[float, Callable[[], object]] | None = None
    ) -> Callable[[], Answer]:
        """Evaluate a query until a deadline on the monotonic clock; raises as ``query`` does.

        Gives a function that reads the answer, each time from its beginning. ``overdue`` is a time before the
        deadline, and what to call when there is no answer by then.
        """
        text = based(job.text, job.base)
        refuse_service(text)
        wanted = form(text)
        if not wanted:
            raise QueryError("this is not a SPARQL query", "use SELECT, ASK, CONSTRUCT or DESCRIBE")
        fields = [("query", text), *self._over(text, job.default, job.named)]
        accept = _TRIPLES if wanted == "triples" else _TABLES
        try:
            received = self._endpoint.post(fields, accept, deadline, overdue)
        except TimeoutError as error:
            raise LimitError("time", self.seconds) from error
        return lambda: read_answer(wanted, received.media_type, received.content)

    def _over(self, text: str, default: Sequence[str], named: Sequence[str]) -> list[tuple[str, str]]:
        """Name the graphs that a query is over."""
        if not default and not named:
            if self._graph == OWN or names_graphs(text):
                return []
            default, named = [self._graph], self._dataset.named
        return [("default-graph-uri", name) for name in default] + [
            ("named-graph-uri", name) for name in named
        ]

    def close(self) -> None:
        """Close the connections to the engine; queries that still run end with a BackendError."""
        self._endpoint.close()

    @property
    def version(self) -> str:
        """Name the version of the data; of data that no load of ours wrote, this start of the service."""
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
        """Name the version that was loaded; empty when nothing was."""
        return self._mark().get("version", "")

    def _mark(self) -> dict[str, str]:
        return self._row(self._dataset.loaded, [self._dataset.mark])

    def _read(self) -> _Held:
        until = time.monotonic() + _FRESH
        if row := self._mark():
            if not row.get("version"):
                raise BackendError(
                    "the engine holds half of a build", "wait for its load to end, or load it again"
                )
            return _Held(row["version"], int(row["triples"]), until)
        counted = self._row(self._dataset.count)
        return _Held(self._started, int(counted.get("triples", 0)), until)

    def _row(self, text: str, default: Sequence[str] = ()) -> dict[str, str]:
        answer = self.query(text, default)
        rows = answer.rows() if isinstance(answer, Table) else iter(())
        return {name: plain(term) for name, term in next(rows, {}).items()}
