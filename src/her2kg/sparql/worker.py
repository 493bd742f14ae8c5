"""The processes that evaluate queries: a parent that loads the data once, and the workers that it forks.

The engine can neither be interrupted nor kept from opening connections, and some queries crash it. So a
query runs in a worker, which the service can kill. Workers share the memory of the data by forking. A worker
gives up the right to open anything (files and sockets need a descriptor, and it may have no more of them),
to use more memory than its limit, and to outlive its parent.

The service talks to the parent over a control socket, and to each worker over a socket of its own; `pool` is
that side. Both carry frames: one byte for the kind, four for the size, then the content. Coverage cannot be
recorded in the workers, since they may not open a file.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from her2kg.errors import Her2kgError, LimitError, QueryError
from her2kg.sparql.engine import FORMS, Table
from her2kg.sparql.syntax import refuse_nesting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from her2kg.sparql.engine import Answer
    from her2kg.sparql.store import Store

    #: What a worker can do besides answering: take query, default and named graphs, give what JSON can hold.
    Task = Callable[[Store, str, Sequence[str], Sequence[str]], Any]

#: Bytes of an answer that are sent at a time; a smaller answer is one frame.
_PIECE = 1 << 16
#: Bytes by which a worker may have grown when it begins the next query; a larger one is replaced.
_GROWTH = 16 << 20
_HEAD = struct.Struct("!cI")
_PR_SET_PDEATHSIG = 1
_ENCODER = json.JSONEncoder(check_circular=False)


@dataclass(frozen=True)
class Limits:
    """What one query may use, and how many queries there may be."""

    #: Seconds until the answer is complete.
    seconds: float = 20.0
    #: Bytes of memory beyond the data, and bytes and rows of the answer.
    memory: int = 64_000_000
    answer: int = 100_000_000
    rows: int = 1_000_000
    #: Characters of the query, and its brackets inside each other.
    length: int = 200_000
    nesting: int = 200
    #: Queries that are evaluated at the same time; besides them, queries of more than a second.
    workers: int = 12
    long: int = 2
    #: Queries that may wait for a worker.
    waiting: int = 64


def send(link: socket.socket, kind: bytes, content: bytes = b"") -> None:
    """Send a frame."""
    link.sendall(_HEAD.pack(kind, len(content)) + content)


def receive(link: socket.socket) -> tuple[bytes, bytes]:
    """Wait for a frame; raises EOFError when the other end is closed."""
    return Frames(link).receive()


class Frames:
    """Reads frames; after a TimeoutError the next call goes on where that one stopped."""

    def __init__(self, link: socket.socket) -> None:
        """Read from a socket."""
        self._link = link
        self._read = bytearray()

    def receive(self) -> tuple[bytes, bytes]:
        """Wait for a frame; raises EOFError when the other end is closed."""
        while True:
            if len(self._read) >= _HEAD.size:
                kind, size = _HEAD.unpack_from(self._read)
                end = _HEAD.size + size
                if len(self._read) >= end:
                    content = bytes(self._read[_HEAD.size : end])
                    del self._read[:end]
                    return kind, content
            piece = self._link.recv(_PIECE + _HEAD.size)
            if not piece:
                raise EOFError
            self._read += piece


@dataclass(frozen=True)
class Job:
    """What a worker is to do: answer a query, or run a ``task`` that is about it.

    ``formats`` gives the media type for each form of answer (``table``, ``truth``, ``triples``); a form that
    is missing is refused.
    """

    text: str
    default: Sequence[str] = ()
    named: Sequence[str] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    task: str = ""

    def packed(self) -> bytes:
        """Give it as bytes, for another process; different jobs have different bytes."""
        fields = [self.text, [*self.default], [*self.named], {**self.formats}, self.base, self.task]
        return _ENCODER.encode(fields).encode()

    @classmethod
    def unpacked(cls, content: bytes) -> Job:
        """Read what ``packed`` wrote."""
        return cls(*json.loads(content))


class _Setup(NamedTuple):
    """What the workers of one parent share."""

    store: Store
    limits: Limits
    prefixes: Mapping[str, str]
    tasks: Mapping[str, Task]


# In the parent ----------------------------------------------------------------------------------------


def run_parent(
    open_store: Callable[[], Store],
    control: socket.socket,
    limits: Limits,
    prefixes: Mapping[str, str],
    tasks: Mapping[str, Task],
) -> None:
    """Load the data, then fork a worker for each ``+`` and report the exit of one for each ``w``.

    The first frame says how it went: ``V`` with the version and the number of triples, or ``E`` with an
    error. Returns when the other end of the control socket is closed.
    """
    # Ctrl-C and systemd signal every process of the service: the web process lets queries end, then ends us.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        store = open_store()
    except Her2kgError as error:
        send(control, b"E", json.dumps([type(error).__name__, error.problem, error.remedy]).encode())
        return
    send(control, b"V", json.dumps([store.version, len(store)]).encode())
    settle()
    setup = _Setup(store, limits, prefixes, tasks)
    frames = Frames(control)
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind, content = frames.receive()
            if kind == b"+":
                _fork(setup, control)
            else:
                _, status = os.waitpid(int(content), 0)
                send(control, b"S", str(os.waitstatus_to_exitcode(status)).encode())


def _fork(setup: _Setup, control: socket.socket) -> None:
    """Fork a worker; send its process id with two descriptors: its socket and a handle to kill it by."""
    ours, theirs = socket.socketpair()
    process = os.fork()
    if process == 0:  # pragma: no cover
        try:
            _enter_sandbox(ours, setup.limits.memory)
            _work(setup, ours)
        finally:
            os._exit(1)  # nothing that was set up before the fork may run here
    handle = os.pidfd_open(process)
    socket.send_fds(control, [struct.pack("!I", process)], [theirs.fileno(), handle])
    os.close(handle)
    ours.close()
    theirs.close()


# In a worker ------------------------------------------------------------------------------------------


def settle() -> None:
    """Take what has been loaded as permanent, and give back the memory that loading has freed.

    The garbage collector would otherwise read and write all of it again and again, also what is shared, and
    the C library would keep the memory (malloc_trim(3)).
    """
    gc.collect()
    gc.freeze()
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)


def _enter_sandbox(link: socket.socket, memory: int) -> None:  # pragma: no cover
    """Keep only the link; leave no way to open anything, to write a file, or to grow beyond the memory."""
    die_with_parent(signal.SIGKILL)
    with open("/proc/self/statm", encoding="ascii") as counts:  # noqa: PTH123 - it must be closed before
        size = int(counts.read().split()[0]) * resource.getpagesize()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):  # what the engine prints when it aborts helps nobody
        os.dup2(nowhere, standard)
    os.closerange(3, link.fileno())
    os.closerange(link.fileno() + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _grown_to() -> int:  # pragma: no cover
    """Give the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _work(setup: _Setup, link: socket.socket) -> None:  # pragma: no cover
    """Do one job after another until the service closes the link, or kills this process.

    The kind of the last frame of a reply is a capital letter, or a small one when this worker has grown so
    much that it should be replaced.
    """
    frames = Frames(link)
    most = _grown_to() + _GROWTH
    with contextlib.suppress(EOFError, OSError):
        while True:
            _, content = frames.receive()
            kind, reply = _reply(setup, link, Job.unpacked(content))
            send(link, kind if _grown_to() < most else kind.lower(), reply)


def _reply(setup: _Setup, link: socket.socket, job: Job) -> tuple[bytes, bytes]:  # pragma: no cover
    """Do a job and give the last frame of its reply; a large answer sends its earlier pieces itself."""
    try:
        refuse_nesting(job.text, setup.limits.nesting)
        if job.task:
            done = setup.tasks[job.task](setup.store, job.text, job.default, job.named)
            return b"T", json.dumps(done).encode()
        return _answer(setup, link, job)
    except QueryError as error:
        problem = error.problem.removeprefix(f"{error.line}:{error.column}: ")
        fields = [type(error).__name__, problem, error.remedy, error.line, error.column]
        return b"E", json.dumps(fields).encode()
    except LimitError as error:
        return b"L", error.what.encode()
    except MemoryError:
        return b"L", b"memory"


def _answer(setup: _Setup, link: socket.socket, job: Job) -> tuple[bytes, bytes]:  # pragma: no cover
    def evaluate() -> Answer:
        return setup.store.query(job.text, job.default, job.named, job.base)

    answer = evaluate()
    form = FORMS[type(answer)]
    media_type = job.formats.get(form)
    if media_type is None:
        return b"N", form.encode()
    frames = _Frames(link)
    output = Output(setup.limits, frames.take, answer, evaluate)
    answer.write(output, media_type, setup.prefixes)
    return b"A", form.encode() + b"\n" + frames.held


class _Frames:  # pragma: no cover
    """Collects the bytes of an answer and sends them on in pieces."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.held = bytearray()

    def take(self, content: bytes) -> None:
        self.held += content
        if len(self.held) >= _PIECE:
            send(self._link, b"D", bytes(self.held))
            self.held.clear()


class Output:
    """Passes the bytes of an answer on; raises LimitError when there are too many, or too many rows.

    Rows are not counted while an answer has fewer bytes than rows are allowed, since a row takes at least
    one byte. When it has more, a second evaluation counts them.
    """

    def __init__(
        self, limits: Limits, take: Callable[[bytes], object], answer: Answer, again: Callable[[], Answer]
    ) -> None:
        """Pass bytes to ``take``; ``again`` evaluates the query of the answer once more."""
        self._limits = limits
        self._take = take
        self._again = again if isinstance(answer, Table) else None
        self._size = 0

    def write(self, content: bytes) -> int:
        """Pass some bytes on."""
        self._size += len(content)
        if self._size > self._limits.answer:
            raise LimitError("answer", self._limits.answer)
        if self._again and self._size > self._limits.rows:
            again, self._again = self._again(), None
            if isinstance(again, Table) and again.has_more_than(self._limits.rows):
                raise LimitError("rows", self._limits.rows)
        self._take(content)
        return len(content)

    def flush(self) -> None:
        """Do nothing: the engine flushes at the end of an answer."""
