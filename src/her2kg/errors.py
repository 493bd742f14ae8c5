"""Every error of her2kg, each with its exit code on the command line and its HTTP status.

::

    Her2kgError                 exit 3  400
    ├── SettingError            exit 2  400  a flag or an environment variable cannot be used
    ├── UnknownQuestionError    exit 2  404  no question has that name
    ├── QueryError              exit 3  400  a query does not parse or cannot be evaluated
    │   └── FormatError         exit 3  406  its answer cannot be written in the requested format
    ├── LimitError              exit 3  503, 507 or 413: a query uses more than it may
    ├── CrashError              exit 3  500  the engine crashed on a query
    ├── BusyError               exit 3  503  there is no room for the request at the moment
    ├── NotationError           exit 3  404  a notation names nothing that the graph knows
    ├── BackendError            exit 3  502 or 504: another engine does not answer as it should
    ├── InputError              exit 3  400  a file cannot be read as what it should be
    ├── BuildMissingError       exit 3  400  there is no complete build to answer from
    └── NotConformError         exit 1  400  the data break a rule
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus


def shortened(text: str, limit: int = 80) -> str:
    """Cut what somebody gave us to a length that a message can repeat.

    >>> shortened("a" * 100, 10)
    'aaaaaaaaa…'
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class Her2kgError(Exception):
    """What went wrong, in one line, with the remedy."""

    exit_code = 3
    status = HTTPStatus.BAD_REQUEST
    #: What metrics and log call it, if it is what became of a query.
    outcome = ""

    def __init__(self, problem: str, remedy: str = "") -> None:
        """Keep the problem and its remedy apart, so that JSON can show both."""
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}: {remedy}" if remedy else problem)


class SettingError(Her2kgError):
    """A flag or an environment variable has a value that cannot be used."""

    exit_code = 2


class UnknownQuestionError(Her2kgError):
    """No question has that name."""

    exit_code = 2
    status = HTTPStatus.NOT_FOUND


class InputError(Her2kgError):
    """A file cannot be read as what it should be."""


class BuildMissingError(Her2kgError):
    """There is no complete build to answer from."""


class NotationError(Her2kgError):
    """A notation names nothing that the graph knows."""

    status = HTTPStatus.NOT_FOUND


class QueryError(Her2kgError):
    """A query does not parse or cannot be evaluated; line and column count from 1, 0 if unknown."""

    outcome = "invalid"

    def __init__(self, problem: str, remedy: str = "", *, line: int = 0, column: int = 0) -> None:
        """Name the place of the fault beside the problem."""
        super().__init__(f"{line}:{column}: {problem}" if line else problem, remedy)
        self.line = line
        self.column = column


class FormatError(QueryError):
    """An answer holds what the requested format cannot express."""

    status = HTTPStatus.NOT_ACCEPTABLE
    outcome = "format"


#: Problem (with the limit in place of the braces), remedy and HTTP status for each limit.
_LIMITS = {
    "time": (
        "the query took longer than {:g} s",
        "ask for less: more constants, fewer joins, a LIMIT",
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    "memory": (
        "the query needs more than {:,} bytes of memory",
        "sort, group or join less at a time",
        HTTPStatus.INSUFFICIENT_STORAGE,
    ),
    "answer": (
        "the answer has more than {:,} bytes",
        "add a LIMIT, or take the files of the build",
        HTTPStatus.INSUFFICIENT_STORAGE,
    ),
    "rows": (
        "the answer has more than {:,} rows",
        "add a LIMIT, or take the files of the build",
        HTTPStatus.INSUFFICIENT_STORAGE,
    ),
    "length": (
        "the query has more than {:,} characters",
        "ask for less at a time",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ),
}


class LimitError(Her2kgError):
    """A query uses more of something (``time``, ``memory``, ``answer``, ``rows``, ``length``) than it may."""

    def __init__(self, what: str, limit: float) -> None:
        """Name what is used up."""
        problem, remedy, self.status = _LIMITS[what]
        super().__init__(problem.format(limit), remedy)
        self.what = self.outcome = what
        self.limit = limit


class CrashError(Her2kgError):
    """The engine crashed on a query; other queries are not affected."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    outcome = "crash"

    def __init__(self) -> None:
        """State the problem and its remedy."""
        super().__init__("the engine cannot evaluate this query", "nest less deeply, or chain fewer terms")


class BusyError(Her2kgError):
    """The service has no room for a request at the moment; it can be repeated."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    outcome = "busy"

    def __init__(
        self, problem: str = "too many queries are waiting", remedy: str = "repeat it in a few seconds"
    ) -> None:
        """Say what there is too much of."""
        super().__init__(problem, remedy)


class BackendError(Her2kgError):
    """The engine behind the service does not answer, or not as SPARQL says; ``timed_out``: not in time."""

    def __init__(self, problem: str, remedy: str = "", *, timed_out: bool = False) -> None:
        """Say what is wrong with it."""
        super().__init__(problem, remedy)
        self.status = HTTPStatus.GATEWAY_TIMEOUT if timed_out else HTTPStatus.BAD_GATEWAY


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with the data, said to the curator.

    ``line`` counts from 1 with the header as line 1; 0 means the whole file. ``rule`` names the
    shape, check or reader that found it, ``level`` is ``ERROR`` (stops the build) or ``WARN``.
    """

    path: str
    line: int
    column: str
    value: str
    problem: str
    remedy: str
    rule: str = field(default="table", compare=False)
    level: str = field(default="ERROR", compare=False)

    def __str__(self) -> str:
        """Print like a compiler: ``file:line:column: problem; remedy``."""
        place = ":".join(part for part in (self.path, str(self.line or ""), self.column) if part)
        value = f" {self.value!r}" if self.value else ""
        return f"{place}:{value} {self.problem}; {self.remedy}"


class NotConformError(Her2kgError):
    """The data break a rule; ``faults`` are all of them, not only the first."""

    exit_code = 1

    def __init__(self, faults: list[Fault]) -> None:
        """Count the faults in the message and keep them all."""
        self.faults = sorted(faults)
        count = len(faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the data", "mend them and build again")
