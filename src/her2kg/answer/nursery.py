"""The processes that answer queries of strangers: a seed, the nurseries that it forks, and their workers.

The engine can neither be interrupted nor told not to fetch, and some queries end its process. So the store
is copied by forking: a nursery holds it and forks workers, which share its memory. A worker gives up the
right to open anything (no descriptor is left to it, so neither a socket nor a file), to use more memory than
its limit, and to outlive the service. The seed is forked before the service has threads, and forks a
nursery for each build that is to be served: a process with threads must not be forked.

What runs here may open no file, so that no coverage of it can be written.
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
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from her2kg.answer.explanation import explain
from her2kg.answer.rows import counter
from her2kg.errors import Her2kgError, QueryError
from her2kg.sparql.engine import FORMS, Table, Triples
from her2kg.sparql.syntax import refuse_nesting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from her2kg.answer.rows import Counter
    from her2kg.sparql.store import Store

#: Bytes of an answer that go over at a time; a smaller answer goes over whole.
PIECE = 65536
HEAD = struct.Struct("!cI")
#: How a frame names the form of an answer.
CODES = {"table": b"t", "truth": b"b", "triples": b"g"}
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """What one query may use: seconds until its last byte, bytes of memory and of its answer, and so on."""

    seconds: float = 20.0
    memory: int = 1_000_000_000
    answer: int = 100_000_000
    #: Rows of a table.
    rows: int = 1_000_000
    #: Characters of the query, and its brackets inside each other.
    length: int = 200_000
    nesting: int = 200
    #: Queries that are answered at the same time, and that may wait for one of these to end.
    workers: int = 2
    waiting: int = 16


#: What a worker is asked: the query, its default and its named graphs, the media type wanted for each form of
#: answer, and whether it is to be said why the answer is empty.
Asked = tuple[str, list[str], list[str], dict[str, str], bool]


class _TooMuchError(Exception):
    """An answer has more bytes or rows than its limit."""


def send(link: socket.socket, kind: bytes, content: bytes = b"") -> None:
    """Send a frame."""
    link.sendall(HEAD.pack(kind, len(content)) + content)


def receive(link: socket.socket) -> tuple[bytes, bytes]:
    """Wait for a frame; raises EOFError when the other end is closed."""
    kind, size = HEAD.unpack(_exactly(link, HEAD.size))
    return kind, _exactly(link, size)


def _exactly(link: socket.socket, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = link.recv(min(size - len(pieces), 1 << 20))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)


def end() -> NoReturn:  # pragma: no cover
    """End this process at once: nothing that was set up before the fork is to run in it."""
    while True:
        os.kill(os.getpid(), signal.SIGKILL)


# In the worker ----------------------------------------------------------------------------------------


def _die_with_parent() -> None:  # pragma: no cover
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _give_up_rights(memory: int) -> None:  # pragma: no cover
    """Leave this process no way to open anything, to write a file, or to grow beyond its memory."""
    with open("/proc/self/statm", encoding="ascii") as counts:  # noqa: PTH123 - descriptors end below
        now = int(counts.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


class _Sink:  # pragma: no cover
    """Takes the bytes of an answer and sends them on in pieces; raises when there are too many.

    The first piece is preceded by the form of the answer; one that is whole goes over in one frame.
    """

    def __init__(self, link: socket.socket, form: bytes, limits: Limits, counted: Counter | None) -> None:
        self._link = link
        self._form = form
        self._left = limits.answer
        self._rows = limits.rows
        self._counted = counted
        self._held = bytearray()
        self._begun = False

    def write(self, content: bytes) -> int:
        self._left -= len(content)
        if self._left < 0:
            raise _TooMuchError("answer")
        self._held += content
        if len(self._held) >= PIECE:
            self._pass_on()
        return len(content)

    def flush(self) -> None:
        """Pass on nothing yet: the engine flushes at the end, when ``close`` follows."""

    def _pass_on(self) -> None:
        self._count()
        if not self._begun:
            send(self._link, b"F", self._form)
            self._begun = True
        send(self._link, b"D", bytes(self._held))
        self._held.clear()

    def _count(self) -> None:
        if self._counted:
            self._counted.add(bytes(self._held))
            if self._counted.rows > self._rows:
                raise _TooMuchError("rows")

    def close(self) -> None:
        if self._begun:
            self._pass_on()
            send(self._link, b"Z")
            return
        # A row takes two bytes at least.
        if len(self._held) > self._rows * 2:
            self._count()
        send(self._link, b"A", self._form + bytes(self._held))


def _work(
    store: Store, link: socket.socket, limits: Limits, prefixes: Mapping[str, str]
) -> NoReturn:  # pragma: no cover
    """Answer one query after another until the service closes the link."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            content = _query(link)
            try:
                _answer(store, link, limits, prefixes, json.loads(content))
            except QueryError as error:
                problem = error.problem.removeprefix(f"{error.line}:{error.column}: ")
                said = [type(error).__name__, problem, error.remedy, error.line, error.column]
                send(link, b"E", json.dumps(said).encode())
            except _TooMuchError as error:
                send(link, b"L", str(error).encode())
            except MemoryError:
                send(link, b"L", b"memory")
    end()


def _query(link: socket.socket) -> bytes:  # pragma: no cover
    """Wait for a query, of which nearly every one comes at once."""
    content = link.recv(PIECE)
    if not content:
        raise EOFError
    content += _exactly(link, max(HEAD.size - len(content), 0))
    _, size = HEAD.unpack_from(content)
    return content[HEAD.size :] + _exactly(link, HEAD.size + size - len(content))


def _answer(
    store: Store, link: socket.socket, limits: Limits, prefixes: Mapping[str, str], asked: Asked
) -> None:  # pragma: no cover
    """Answer one query, or say why it has no answer."""
    text, default, named, formats, why = asked
    refuse_nesting(text, limits.nesting)
    if why:
        found = explain(store, text, default, named)
        send(link, b"W", json.dumps([finding._asdict() for finding in found]).encode())
        return
    answer = store.query(text, default, named)
    form = FORMS[type(answer)]
    media_type = formats.get(form)
    if media_type is None:
        send(link, b"N", CODES[form])
        return
    counted = counter(media_type) if isinstance(answer, Table) else None
    sink = _Sink(link, CODES[form], limits, counted)
    if isinstance(answer, Triples):
        named_so = dict(prefixes) if media_type in {"text/turtle", "application/trig"} else None
        answer.write(sink, media_type, named_so)
    else:
        answer.write(sink, media_type)
    sink.close()


# In the nursery ---------------------------------------------------------------------------------------


def _close_others(*kept: int) -> None:  # pragma: no cover
    """Close every descriptor but these and the standard ones, which lead nowhere that a query could use."""
    low = 3
    for descriptor in sorted(kept):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _obey_the_service() -> None:  # pragma: no cover
    """Live as long as the parent, and leave it to the service what signals mean."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the service tells us
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def nurse(
    store: Store, control: socket.socket, limits: Limits, prefixes: Mapping[str, str]
) -> NoReturn:  # pragma: no cover
    """Fork a worker for each ``+``, and tell how one ended for each process id."""
    _obey_the_service()
    _close_others(control.fileno())
    gc.freeze()  # the collector would write to the pages that are shared
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind, content = receive(control)
            if kind == b"+":
                ours, theirs = socket.socketpair()
                process = os.fork()
                if process == 0:
                    _die_with_parent()
                    # What an engine says when it aborts tells nobody anything.
                    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                    _close_others(ours.fileno())
                    _give_up_rights(limits.memory)
                    _work(store, ours, limits, prefixes)
                handle = os.pidfd_open(process)
                socket.send_fds(control, [struct.pack("!I", process)], [theirs.fileno(), handle])
                os.close(handle)
                ours.close()
                theirs.close()
            else:
                _, status = os.waitpid(int(content), 0)
                send(control, b"S", str(os.waitstatus_to_exitcode(status)).encode())
    end()


# In the seed ------------------------------------------------------------------------------------------


def sow(
    opened: Callable[[], Store], link: socket.socket, limits: Limits, prefixes: Mapping[str, str]
) -> NoReturn:  # pragma: no cover
    """Fork a nursery for each descriptor that comes; it opens the store, and says which data it holds."""
    _obey_the_service()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a nursery ended
    _close_others(link.fileno())
    with contextlib.suppress(EOFError, OSError):
        while True:
            said, descriptors, _, _ = socket.recv_fds(link, 1, 1)
            if not said:
                break
            if os.fork() == 0:
                control = socket.socket(fileno=descriptors[0])
                try:
                    store = opened()
                except Her2kgError as error:
                    send(
                        control,
                        b"E",
                        json.dumps([type(error).__name__, error.problem, error.remedy]).encode(),
                    )
                    end()
                send(control, b"V", store.version.encode())
                nurse(store, control, limits, prefixes)
            os.close(descriptors[0])
    end()
