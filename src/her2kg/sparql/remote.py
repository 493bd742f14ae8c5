"""Queries of strangers at another engine: checked here, evaluated there, written here.

Nothing is sent to the engine that does not parse, that makes it fetch something, that calls its own
functions, or that is so deep or long that it might crash it. Queries are parsed in processes that can be
killed. The limits are those of our own engine: seconds, bytes, rows, and the number of queries.
"""

from __future__ import annotations

import time
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Self, cast

from her2kg.errors import QueryError
from her2kg.sparql.engine import FORMS
from her2kg.sparql.pool import IN_MEMORY, Gate, Reply
from her2kg.sparql.syntax import refuse_functions, refuse_service, tokens
from her2kg.sparql.worker import Job, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from her2kg.sparql.backend import Backend
    from her2kg.sparql.pool import Pool

#: Words and signs of a query, and its brackets inside each other: Oxigraph was seen to crash at 1,000
#: brackets, and at a sum of 8,000 numbers but not at one of 4,000.
_LENGTH, _DEPTH = 4000, 100


class RemotePool:
    """What answers the queries of strangers in the place of a `Pool`: another engine."""

    def __init__(
        self,
        backend: Backend,
        parser: Pool,
        prefixes: Mapping[str, str],
        tasks: Mapping[str, Callable[[Job, float], Any]],
    ) -> None:
        """Take the engine, and workers over nothing, which parse.

        ``prefixes`` shorten Turtle. ``tasks`` take a job and the seconds that they may take.
        """
        self.limits = parser.limits
        self.gate = Gate(self.limits)
        self._backend = backend
        self._parser = parser
        self._prefixes = prefixes
        self._tasks = tasks

    @property
    def version(self) -> str:
        """Name the version of the data; the engine is queried for it now and then."""
        return self._backend.version

    @property
    def triples(self) -> int:
        """Count the triples of the default graph."""
        return len(self._backend)

    def open(self) -> Self:
        """Wait until queries can be parsed."""
        self._parser.open()
        return self

    def close(self) -> None:
        """End the processes that parse, and close the connections to the engine."""
        self._parser.close()
        self._backend.close()

    def reload(self) -> None:
        """Do nothing: the version of the data is read from the engine."""

    def ask(self, job: Job, client: str = "") -> Reply:
        """Answer a query as `Pool.ask` does; raises BackendError instead of CrashError."""
        self._check(job, client)
        version = self.version
        with self.gate.place(client, self.limits.seconds) as place:
            again = self._backend.evaluate(
                job, time.monotonic() + self.limits.seconds, (place.until, place.lengthen)
            )
            answer = again()
            form = FORMS[type(answer)]
            media_type = job.formats.get(form)
            if media_type is None:
                return Reply(form, version, None)
            output = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the reply closes it
            try:
                answer.write(Output(self.limits, output.write, answer, again), media_type, self._prefixes)
            except BaseException:
                output.close()
                raise
        size = output.tell()
        output.seek(0)
        reply = Reply(form, version, cast("IO[bytes]", output))
        return reply if size > IN_MEMORY else Reply(form, version, reply.read())

    def run(self, job: Job, client: str = "") -> Any:
        """Run a task that is about a query; raises as ``ask`` does."""
        self._check(job, client)
        with self.gate.place(client, self.limits.seconds) as place:
            place.lengthen()  # a task sends several queries, and nothing could move it later
            return self._tasks[job.task](job, self.limits.seconds)

    def _check(self, job: Job, client: str) -> None:
        """Raise QueryError for what must not be sent on, LimitError when parsing takes too long."""
        refuse_service(job.text)
        depth = 0
        for count, token in enumerate(tokens(job.text)):
            depth += (token.text in {"{", "(", "["}) - (token.text in {"}", ")", "]"})
            if count >= _LENGTH:
                raise QueryError(f"the query has more than {_LENGTH:,} words and signs", "ask for less")
            if depth > _DEPTH:
                raise QueryError(f"the query has more than {_DEPTH} levels of nested brackets", "nest less")
        self._parser.ask(Job(job.text, job.default, job.named, base=job.base), client)
        refuse_functions(job.text)
