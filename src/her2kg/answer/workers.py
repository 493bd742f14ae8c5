"""Queries of strangers, each in a process of its own that can be ended and can open nothing.

The engine can neither be interrupted nor told not to fetch, and some queries end its process. So the store
is copied by forking: a nursery, forked before the service has threads, holds the store and forks workers
from it, which share its memory. A worker gives up the right to open anything (no descriptor is left to it,
so neither a socket nor a file), to use more memory than its limit, and to outlive the service. Whoever asks
waits for its answer in pieces, and kills it when the time is over.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, NoReturn, Self

from her2kg.answer.explanation import explain
from her2kg.engine import FORMS, Triples
from her2kg.errors import BusyError, CrashError, FormatError, Her2kgError, LimitError, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from her2kg.answer.store import Store

#: Bytes of an answer that go over at a time.
_PIECE = 65536
_HEAD = struct.Struct("!cI")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """What one query may use: seconds until its last byte, bytes of memory and of its answer."""

    seconds: float = 20.0
    memory: int = 1_000_000_000
    answer: int = 100_000_000
    #: Queries that are answered at the same time, and that may wait for one of these to end.
    workers: int = 2
    waiting: int = 16


class _TooLongError(Exception):
    """An answer has more bytes than its limit."""


# Frames -----------------------------------------------------------------------------------------------


def _send(link: socket.socket, kind: bytes, content: bytes = b"") -> None:
    link.sendall(_HEAD.pack(kind, len(content)) + content)


def _exactly(link: socket.socket, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = link.recv(min(size - len(pieces), 1 << 20))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)


def _receive(link: socket.socket) -> tuple[bytes, bytes]:
    kind, size = _HEAD.unpack(_exactly(link, _HEAD.size))
    return kind, _exactly(link, size)


def _end() -> NoReturn:  # pragma: no cover
    """End this process at once: nothing that was set up before the fork is to run in it."""
    while True:
        os.kill(os.getpid(), signal.SIGKILL)


# What follows runs in processes that may open no file, so that no coverage of them can be written.
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
    """Takes the bytes of an answer and sends them on in pieces; raises when there are too many."""

    def __init__(self, link: socket.socket, limit: int) -> None:
        self._link = link
        self._left = limit
        self._held = bytearray()

    def write(self, content: bytes) -> int:
        self._left -= len(content)
        if self._left < 0:
            raise _TooLongError
        self._held += content
        if len(self._held) >= _PIECE:
            self.flush()
        return len(content)

    def flush(self) -> None:
        if self._held:
            _send(self._link, b"D", bytes(self._held))
            self._held.clear()


def _work(store: Store, link: socket.socket, limits: Limits) -> NoReturn:  # pragma: no cover
    """Answer one query after another until the service closes the link."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            _, content = _receive(link)
            asked = json.loads(content)
            try:
                if asked["why"]:
                    found = explain(store, asked["query"], asked["default"], asked["named"])
                    _send(link, b"W", json.dumps([finding._asdict() for finding in found]).encode())
                    continue
                answer = store.query(asked["query"], asked["default"], asked["named"])
                _send(link, b"F", FORMS[type(answer)].encode())
                kind, content = _receive(link)
                if kind == b"X":
                    continue
                told = json.loads(content)
                sink = _Sink(link, limits.answer)
                if isinstance(answer, Triples):
                    answer.write(sink, told["media_type"], told["prefixes"])
                else:
                    answer.write(sink, told["media_type"])
                sink.flush()
                _send(link, b"Z")
            except QueryError as error:
                problem = error.problem.removeprefix(f"{error.line}:{error.column}: ")
                said = [type(error).__name__, problem, error.remedy, error.line, error.column]
                _send(link, b"E", json.dumps(said).encode())
            except _TooLongError:
                _send(link, b"L", b"bytes")
            except MemoryError:
                _send(link, b"L", b"memory")
    _end()


# In the nursery ---------------------------------------------------------------------------------------


def _close_others(*kept: int) -> None:  # pragma: no cover
    """Close every descriptor but these and the standard ones, which lead nowhere that a query could use."""
    low = 3
    for descriptor in sorted(kept):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _nurse(store: Store, control: socket.socket, limits: Limits) -> NoReturn:  # pragma: no cover
    """Fork a worker for each ``+``, and tell how one ended for each process id."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the service tells us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _close_others(control.fileno())
    gc.freeze()  # the collector would write to the pages that are shared
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind, content = _receive(control)
            if kind == b"+":
                ours, theirs = socket.socketpair()
                process = os.fork()
                if process == 0:
                    _die_with_parent()
                    # What an engine says when it aborts tells nobody anything.
                    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                    _close_others(ours.fileno())
                    _give_up_rights(limits.memory)
                    _work(store, ours, limits)
                handle = os.pidfd_open(process)
                socket.send_fds(control, [struct.pack("!I", process)], [theirs.fileno(), handle])
                os.close(handle)
                ours.close()
                theirs.close()
            else:
                _, status = os.waitpid(int(content), 0)
                _send(control, b"S", str(os.waitstatus_to_exitcode(status)).encode())
    _end()


# In the service ---------------------------------------------------------------------------------------


class _Worker:
    """A worker as the service sees it."""

    def __init__(self, process: int, link: socket.socket, handle: int) -> None:
        self.process = process
        self._link = link
        self._handle = handle

    def send(self, kind: bytes, content: bytes = b"") -> None:
        _send(self._link, kind, content)

    def receive(self, deadline: float) -> tuple[bytes, bytes]:
        """Wait for a frame; raises TimeoutError, or EOFError when the process has ended."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._link.settimeout(left)
        return _receive(self._link)

    def alive(self) -> bool:
        """Say whether the process has not ended; its handle can be read once it has."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return not poll.poll(0)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        self._link.close()
        os.close(self._handle)


class Reply:
    """An answer on its way: its form, then its bytes; closing it frees the worker."""

    def __init__(self, workers: Workers, worker: _Worker, form: str, deadline: float) -> None:
        """Take the worker that answers."""
        self._workers = workers
        self._worker = worker
        self._busy = True
        self._deadline = deadline
        self.form = form

    def choose(self, media_type: str, prefixes: dict[str, str] | None = None) -> None:
        """Say in which format the answer is to come."""
        told = {"media_type": media_type, "prefixes": prefixes}
        self._worker.send(b"M", json.dumps(told).encode())

    def drop(self) -> None:
        """Do without the answer, when no format fits."""
        self._worker.send(b"X")
        self._free()

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes as they come; raises LimitError, QueryError or CrashError, also half-way."""
        while self._busy:
            try:
                kind, content = self._workers.frame(self._worker, self._deadline)
            except Her2kgError:
                self._busy = False  # it has been ended
                raise
            if kind == b"D":
                yield content
            elif kind == b"Z":
                self._free()
            else:
                self._free()
                raise _error(kind, content, self._workers.limits)

    def close(self) -> None:
        """Free the worker; one that is not done is ended."""
        if self._busy:
            self._busy = False
            self._workers.discard(self._worker)

    def _free(self) -> None:
        self._busy = False
        self._workers.give_back(self._worker)


class Workers:
    """The processes that answer the queries of strangers."""

    def __init__(self, store: Store, limits: Limits) -> None:
        """Fork the nursery; to be done before this process has threads of its own."""
        self.limits = limits
        self._idle: list[_Worker] = []
        self._free = BoundedSemaphore(limits.workers)
        self._lock = Lock()
        self._waiting = 0
        gc.collect()
        self._control, theirs = socket.socketpair()
        self.nursery = os.fork()
        if self.nursery == 0:
            try:
                _nurse(store, theirs, limits)
            finally:
                _end()
        theirs.close()

    def __enter__(self) -> Self:
        """Give the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End every process."""
        self.close()

    def close(self) -> None:
        """End the nursery, and with it every worker."""
        with self._lock:
            for worker in self._idle:
                worker.end()
            self._idle.clear()
            self._control.close()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.nursery, 0)

    def ask(self, text: str, default: Sequence[str] = (), named: Sequence[str] = ()) -> Reply:
        """Have a query evaluated; raises BusyError, LimitError, CrashError, or QueryError with its place."""
        worker, deadline = self._worker()
        kind, content = self._first(worker, deadline, _asked(text, default, named))
        if kind == b"F":
            return Reply(self, worker, content.decode(), deadline)
        self.give_back(worker)
        raise _error(kind, content, self.limits)

    def explain(
        self, text: str, default: Sequence[str] = (), named: Sequence[str] = ()
    ) -> list[dict[str, str]]:
        """Have it said why a query has no answer; raises as ``ask`` does."""
        worker, deadline = self._worker()
        kind, content = self._first(worker, deadline, _asked(text, default, named, why=True))
        self.give_back(worker)
        if kind != b"W":
            raise _error(kind, content, self.limits)
        found: list[dict[str, str]] = json.loads(content)
        return found

    def _worker(self) -> tuple[_Worker, float]:
        """Wait for a worker; give it with the time at which its query must be done."""
        self._enter()
        deadline = time.monotonic() + self.limits.seconds
        try:
            return self._idle_or_new(), deadline
        except BaseException:
            self._free.release()
            raise

    def _first(self, worker: _Worker, deadline: float, asked: dict[str, object]) -> tuple[bytes, bytes]:
        """Send a query and give the first frame of the answer."""
        try:
            worker.send(b"Q", json.dumps(asked).encode())
        except (BrokenPipeError, ConnectionResetError):
            self.discard(worker)
            raise CrashError from None
        return self.frame(worker, deadline)

    def _enter(self) -> None:
        """Wait for one of the workers to be free; raises BusyError when too many wait already."""
        if self._free.acquire(blocking=False):
            return
        with self._lock:
            if self._waiting >= self.limits.waiting:
                raise BusyError
            self._waiting += 1
        try:
            if not self._free.acquire(timeout=self.limits.seconds):
                raise BusyError
        finally:
            with self._lock:
                self._waiting -= 1

    def _idle_or_new(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive():
                    return worker
                self._reap(worker)
            _send(self._control, b"+")
            content, descriptors, _, _ = socket.recv_fds(self._control, 4, 2)
        if len(descriptors) != 2:
            raise CrashError
        [process] = struct.unpack("!I", content)
        return _Worker(process, socket.socket(fileno=descriptors[0]), descriptors[1])

    def frame(self, worker: _Worker, deadline: float) -> tuple[bytes, bytes]:
        """Wait for what a worker sends next; raises LimitError when the time is over, CrashError."""
        try:
            return worker.receive(deadline)
        except TimeoutError:
            self.discard(worker)
            raise LimitError("time", self.limits.seconds) from None
        except (EOFError, ConnectionResetError):
            # An engine that gets no more memory aborts.
            if self.discard(worker) == -signal.SIGABRT:
                raise LimitError("memory", self.limits.memory) from None
            raise CrashError from None

    def give_back(self, worker: _Worker) -> None:
        """Keep a worker that is done for the next query."""
        with self._lock:
            self._idle.append(worker)
        self._free.release()

    def discard(self, worker: _Worker) -> int:
        """End a worker and give how it ended: an exit code, or the number of a signal below 0."""
        with self._lock:
            status = self._reap(worker)
        self._free.release()
        return status

    def _reap(self, worker: _Worker) -> int:
        worker.end()
        _send(self._control, b"w", str(worker.process).encode())
        return int(_receive(self._control)[1])


def _asked(
    text: str, default: Sequence[str], named: Sequence[str], *, why: bool = False
) -> dict[str, object]:
    return {"query": text, "default": list(default), "named": list(named), "why": why}


def _error(kind: bytes, content: bytes, limits: Limits) -> Her2kgError:
    if kind == b"E":
        name, problem, remedy, line, column = json.loads(content)
        kind_of_error = FormatError if name == FormatError.__name__ else QueryError
        return kind_of_error(problem, remedy, line=line, column=column)
    if content == b"memory":
        return LimitError("memory", limits.memory)
    return LimitError("answer", limits.answer)
