"""Other engines that hold a build: the names of its graphs there, and the queries that read its mark.

``python -m her2kg.answer.backends`` explains a query that standard input gives: apart, since reading a query
can take for ever and an explanation needs the engine, which no worker can reach.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from her2kg import errors
from her2kg.answer.explanation import explain
from her2kg.errors import BackendError, Her2kgError, LimitError, QueryError
from her2kg.home import package_home
from her2kg.model.namespaces import BACKEND_GRAPH, GRAPHS, LOADED
from her2kg.model.queries import read_query
from her2kg.settings import Address
from her2kg.sparql.backend import Backend, Dataset
from her2kg.sparql.worker import Job


def dataset() -> Dataset:
    """Give the graphs of a build in another engine.

    The queries are those of the package, whatever the home: they belong to what a load writes.
    """
    folder = package_home() / "queries" / "backend"
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


def explain_apart(opened: Backend, job: Job, seconds: float) -> list[dict[str, str]]:
    """Explain in a process of its own why a query has no answer; raises LimitError or BackendError."""
    sent = json.dumps({"backend": opened.opened, "job": job.packed().decode()})
    command = [sys.executable, "-m", "her2kg.answer.backends"]
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours
            command, input=sent, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LimitError("time", seconds) from error
    if done.returncode:
        raise BackendError("the query could not be explained", "try its parts one by one")
    result = json.loads(done.stdout)
    if isinstance(result, dict):
        raise getattr(errors, result["kind"])(*result["arguments"])
    findings: list[dict[str, str]] = result
    return findings


def _described(error: Her2kgError) -> dict[str, Any]:
    """Describe an error for another process."""
    if isinstance(error, LimitError):
        return {"kind": "LimitError", "arguments": [error.what, error.limit]}
    kind = "QueryError" if isinstance(error, QueryError) else "BackendError"
    return {"kind": kind, "arguments": [error.problem, error.remedy]}


def main() -> None:
    """Explain the query that standard input gives, on standard output."""
    sent = json.load(sys.stdin)
    opened, job = sent["backend"], Job.unpacked(sent["job"].encode())
    result: object
    try:
        engine = backend(Address(**opened.pop("address")), **opened)
        result = [finding._asdict() for finding in explain(engine, job.text, job.default, job.named)]
    except Her2kgError as error:
        result = _described(error)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
