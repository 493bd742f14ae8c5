"""Other engines that hold a build: the names of its graphs there, and the queries that read its mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from her2kg.model.namespaces import BACKEND_GRAPH, GRAPHS, LOADED
from her2kg.model.queries import read_query
from her2kg.settings import Settings
from her2kg.sparql.backend import Backend, Dataset

if TYPE_CHECKING:
    from her2kg.settings import Address


def dataset() -> Dataset:
    """Give the graphs of a build in another engine.

    The queries are those of the package, whatever the home: they belong to what a load writes.
    """
    folder = Settings.read({}, {}).home / "queries" / "backend"
    loaded, count, known = (read_query(folder / f"{name}.rq").text for name in ("mark", "triples", "ours"))
    return Dataset(
        default=str(BACKEND_GRAPH),
        named=tuple(map(str, GRAPHS.values())),
        mark=str(LOADED),
        loaded=loaded,
        count=count,
        known=known,
    )


def backend(address: Address, seconds: float, limit: int, graph: str = "") -> Backend:
    """Give an engine without a look at what it holds; close it after use."""
    return Backend(address, dataset(), seconds, limit, graph)


def open_backend(address: Address, seconds: float, limit: int, graph: str = "") -> Backend:
    """Open an engine that holds data; raises BackendError naming the address."""
    return Backend.open(address, dataset(), seconds, limit, graph)
