"""Queries of strangers at another engine: checked here, evaluated there, written here.

Nothing goes to the engine that does not parse, that asks it to fetch something, that calls functions of
its own, or that is so deep or long that it might end it. The query is parsed, and an empty answer explained,
in processes that can be ended. What it may take is what it may take of our own engine: seconds until the
last byte, bytes of the answer, and so many at the same time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from her2kg import errors
from her2kg.answer.backends import backend as backend_at
from her2kg.answer.explanation import explain
from her2kg.answer.rows import counter
from her2kg.answer.workers import Gate, Reply
from her2kg.errors import BackendError, Her2kgError, LimitError, QueryError
from her2kg.settings import Address
from her2kg.sparql.engine import FORMS, Engine, Table, Triples
from her2kg.sparql.store import Store
from her2kg.sparql.syntax import refuse_functions, refuse_service, tokens
from her2kg.waiting import aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from her2kg.answer.rows import Counter
    from her2kg.answer.workers import Limits, Pool
    from her2kg.sparql.backend import Backend

#: Words and signs of a query, and its brackets inside each other: Oxigraph was seen to end at 1,000 brackets,
#: and at a sum of 8,000 numbers but not at one of 4,000.
_LENGTH, _DEPTH = 4000, 100
_WITH_PREFIXES = ("text/turtle", "application/trig")


class _Held:
    """Takes the bytes of an answer; raises LimitError when there are too many, or too many rows."""

    def __init__(self, limits: Limits, counted: Counter | None) -> None:
        self._limits = limits
        self._counted = counted
        self.content = bytearray()

    def write(self, content: bytes) -> int:
        self.content += content
        if len(self.content) > self._limits.answer:
            raise LimitError("answer", self._limits.answer)
        if self._counted:
            self._counted.add(bytes(content))
            if self._counted.rows > self._limits.rows:
                raise LimitError("rows", self._limits.rows)
        return len(content)

    def flush(self) -> None:
        """Have nothing to do; the engine calls it."""


class RemoteWorkers:
    """What answers the queries of strangers, in the place of a ``Pool``."""

    def __init__(self, backend: Backend, parser: Pool, prefixes: Mapping[str, str] | None = None) -> None:
        """Take the engine and workers over an empty store, which parse; ``prefixes`` shorten Turtle."""
        self.limits = parser.limits
        self.gate = Gate(self.limits.workers, self.limits.waiting)
        self._backend = backend
        self._parser = parser
        self._prefixes = dict(prefixes or {})

    def __enter__(self) -> Self:
        """Give the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End every process."""
        self.close()

    @property
    def version(self) -> str:
        """Name the version of the data; the engine is asked now and then."""
        return aside(lambda: self._backend.version)

    def close(self) -> None:
        """End the processes that parse, and close the connections to the engine."""
        self._parser.close()
        self._backend.close()

    def retire(self) -> None:
        """Take no new queries; connections that are in use close when their answer is there."""
        self._parser.retire()

    def ask(
        self,
        text: str,
        default: Sequence[str] = (),
        named: Sequence[str] = (),
        formats: Mapping[str, str] | None = None,
    ) -> Reply:
        """Have a query evaluated as ``Pool.ask`` has it; raises BackendError in the place of CrashError."""
        with self._place() as deadline:
            self._check(text, default, named)
            return aside(self._answered, (text, default, named), formats or {}, deadline)

    def _answered(
        self,
        asked: tuple[str, Sequence[str], Sequence[str]],
        formats: Mapping[str, str],
        deadline: float,
    ) -> Reply:
        """Ask and write in one thread, to which a table is bound."""
        answer = self._backend.evaluate(*asked, deadline)
        form = FORMS[type(answer)]
        media_type = formats.get(form)
        if media_type is None:
            return Reply(form, fits=False)
        held = _Held(self.limits, counter(media_type) if isinstance(answer, Table) else None)
        if isinstance(answer, Triples):
            answer.write(held, media_type, self._prefixes if media_type in _WITH_PREFIXES else None)
        else:
            answer.write(held, media_type)
        return Reply(form, bytes(held.content))

    def explain(
        self, text: str, default: Sequence[str] = (), named: Sequence[str] = ()
    ) -> list[dict[str, str]]:
        """Have it said why a query has no answer; raises as ``ask`` does."""
        with self._place() as deadline:
            self._check(text, default, named)
            asked = {
                "backend": self._backend.opened,
                "query": text,
                "default": list(default),
                "named": list(named),
            }
            return aside(self._explained, json.dumps(asked), max(deadline - time.monotonic(), 0.01))

    def _explained(self, asked: str, seconds: float) -> list[dict[str, str]]:
        command = [sys.executable, "-m", "her2kg.answer.remote"]
        try:
            done = subprocess.run(  # noqa: S603 - it is ourselves
                command, input=asked, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LimitError("time", self.limits.seconds) from error
        if done.returncode:
            raise BackendError("the query could not be explained", "ask its parts one by one")
        told = json.loads(done.stdout)
        if isinstance(told, dict):
            raise getattr(errors, told["kind"])(*told["said"])
        found: list[dict[str, str]] = told
        return found

    def _check(self, text: str, default: Sequence[str], named: Sequence[str]) -> None:
        """Raise QueryError for what must not get to the engine, LimitError when parsing takes too long."""
        refuse_service(text)
        depth = 0
        for count, token in enumerate(tokens(text)):
            depth += (token.text in {"{", "(", "["}) - (token.text in {"}", ")", "]"})
            if count >= _LENGTH:
                raise QueryError(
                    f"the query has more than {_LENGTH:,} words and signs", "ask for less at a time"
                )
            if depth > _DEPTH:
                raise QueryError(f"over {_DEPTH} brackets stand inside each other", "nest less")
        self._parser.ask(text, default, named)
        refuse_functions(text)

    @contextmanager
    def _place(self) -> Iterator[float]:
        """Wait for a place and give the time at which the query must be done; raises BusyError."""
        self.gate.enter(self.limits.seconds)
        try:
            yield time.monotonic() + self.limits.seconds
        finally:
            self.gate.leave()


def nothing() -> Store:
    """Give the empty store over which workers parse."""
    return Store(Engine(), "nothing")


def _said(error: Her2kgError) -> dict[str, Any]:
    """Tell another process of an error."""
    if isinstance(error, LimitError):
        return {"kind": "LimitError", "said": [error.what, error.limit]}
    kind = "QueryError" if isinstance(error, QueryError) else "BackendError"
    return {"kind": kind, "said": [error.problem, error.remedy]}


def _explain_apart() -> None:
    """Explain a query that standard input gives, on standard output."""
    asked = json.load(sys.stdin)
    opened = asked["backend"]
    backend = backend_at(Address(**opened.pop("address")), **opened)
    told: object
    try:
        told = [
            finding._asdict()
            for finding in explain(backend, asked["query"], asked["default"], asked["named"])
        ]
    except Her2kgError as error:
        told = _said(error)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    _explain_apart()
