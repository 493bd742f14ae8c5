"""Queries of strangers, each in a process of its own that can be ended and can open nothing.

This is the side of the service: whoever asks waits for a worker to be free and for the answer in pieces,
and kills the worker when the time is over. What the workers are is told in ``nursery``.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import time
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Self

from her2kg import errors
from her2kg.answer.nursery import CODES, HEAD, Asked, Limits, end, nurse, receive, send, sow
from her2kg.errors import BusyError, CrashError, FormatError, Her2kgError, LimitError, QueryError
from her2kg.waiting import Signal, Watch, aside, writable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from her2kg.sparql.store import Store

__all__ = ["Gate", "Limits", "Pool", "Reply", "Seed", "Workers"]

_FORMS = {code: form for form, code in CODES.items()}
_READ = 1 << 16
_ENCODER = json.JSONEncoder(check_circular=False)


class _Worker:
    """A worker as the service sees it."""

    def __init__(self, process: int, link: socket.socket, handle: int) -> None:
        self.process = process
        self._link = link
        self._link.settimeout(0)
        self._handle = handle
        self._read = bytearray()
        self._watch = Watch(link)

    def send(self, content: bytes, deadline: float) -> None:
        """Send a query; raises TimeoutError, or BrokenPipeError when the process has ended."""
        rest = memoryview(HEAD.pack(b"Q", len(content)) + content)
        while rest:
            try:
                rest = rest[self._link.send(rest) :]
            except BlockingIOError:
                if not writable(self._link, deadline - time.monotonic()):
                    raise TimeoutError from None

    def receive(self, deadline: float) -> tuple[bytes, bytes]:
        """Wait for a frame; raises TimeoutError, or EOFError when the process has ended."""
        while True:
            if len(self._read) >= HEAD.size:
                kind, size = HEAD.unpack_from(self._read)
                whole = HEAD.size + size
                if len(self._read) >= whole:
                    content = bytes(self._read[HEAD.size : whole])
                    del self._read[:whole]
                    return kind, content
            if not self._watch.wait(deadline - time.monotonic()):
                raise TimeoutError
            piece = self._link.recv(_READ)
            if not piece:
                raise EOFError
            self._read += piece

    def let_go(self) -> None:
        """Have the loop no longer watch it."""
        self._watch.close()

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        self._link.close()
        os.close(self._handle)


class Reply:
    """An answer: its form, then its bytes; closing it frees the worker.

    ``whole`` holds all bytes of one that came at once. When no format fits the form, there are none.
    """

    def __init__(self, form: str, whole: bytes | None = None, *, fits: bool = True) -> None:
        """Take an answer that is there already."""
        self.form = form
        self.whole = whole
        self.fits = fits

    def pieces(self) -> Generator[bytes]:
        """Give the bytes as they come; raises LimitError, QueryError or CrashError, also half-way."""
        if self.whole is not None:
            yield self.whole

    def close(self) -> None:
        """Free the worker; one that is not done is ended."""


class _Coming(Reply):
    """An answer on its way."""

    def __init__(self, pool: Pool, worker: _Worker, form: str, deadline: float) -> None:
        super().__init__(form)
        self._pool = pool
        self._worker = worker
        self._busy = True
        self._deadline = deadline

    def pieces(self) -> Generator[bytes]:
        try:
            while self._busy:
                try:
                    kind, content = self._pool.frame(self._worker, self._deadline)
                except BaseException:
                    self._busy = False  # it has been ended
                    raise
                if kind == b"D":
                    yield content
                elif kind == b"Z":
                    self._free()
                else:
                    self._free()
                    raise _error(kind, content, self._pool.limits)
        finally:
            self.close()  # when nobody wants the rest

    def close(self) -> None:
        if self._busy:
            self._busy = False
            self._pool.discard(self._worker)

    def _free(self) -> None:
        self._busy = False
        self._pool.give_back(self._worker)


class Gate:
    """Lets so many in at a time; so many more wait outside, first come, first served."""

    def __init__(self, places: int, waiting: int) -> None:
        """Have so many places, and so much room outside."""
        self._places = places
        self._waiting = waiting
        self._queue: deque[Signal] = deque()
        self._lock = Lock()
        #: Those who are in.
        self.inside = 0

    @property
    def outside(self) -> int:
        """Count those who wait."""
        return len(self._queue)

    def enter(self, seconds: float) -> None:
        """Wait for a place; raises BusyError when too many wait already, or for too long."""
        with self._lock:
            if self.inside < self._places:
                self.inside += 1
                return
            if len(self._queue) >= self._waiting:
                raise BusyError
            turn = Signal()
            self._queue.append(turn)
        try:
            if turn.wait(seconds):
                return
        except BaseException:
            self._give_up(turn)
            raise
        if not self._give_up(turn):
            self.leave()  # the place came in the last moment
        raise BusyError

    def _give_up(self, turn: Signal) -> bool:
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
                return True
            return False

    def leave(self) -> None:
        """Let the next one in."""
        with self._lock:
            if self._queue:
                self._queue.popleft().tell()
            else:
                self.inside -= 1


class Pool:
    """The workers of one nursery, which answer the queries of strangers."""

    def __init__(self, control: socket.socket, limits: Limits, version: str, nursery: int = 0) -> None:
        """Take a nursery by its control; its process, when it is a child of this one."""
        self.limits = limits
        #: The version of the data that the workers hold.
        self.version = version
        self.nursery = nursery
        self.gate = Gate(limits.workers, limits.waiting)
        self._control = control
        self._controlling = Lock()
        self._idle: list[_Worker] = []
        self._lock = Lock()
        self._retired = False

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
                worker.let_go()
                worker.end()
            self._idle.clear()
        with self._controlling:
            self._control.close()
        if self.nursery:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.nursery, 0)

    def retire(self) -> None:
        """Take no new queries, and close when those that run have ended; to be called where the loop runs."""
        with self._lock:
            self._retired = True
            done = self.gate.inside == 0
        if done:
            self.close()

    def ask(
        self,
        text: str,
        default: Sequence[str] = (),
        named: Sequence[str] = (),
        formats: Mapping[str, str] | None = None,
    ) -> Reply:
        """Have a query evaluated; raises BusyError, LimitError, CrashError, or QueryError with its place.

        ``formats`` says in which media type each form of answer (``table``, ``truth``, ``triples``) is
        wanted; a form that is missing cannot be had.
        """
        self._refuse(text)
        worker, deadline, kind, content = self._first(_asked(text, default, named, formats or {}))
        if kind == b"F":
            return _Coming(self, worker, _FORMS[content], deadline)
        self.give_back(worker)
        if kind == b"A":
            return Reply(_FORMS[content[:1]], content[1:])
        if kind == b"N":
            return Reply(_FORMS[content], fits=False)
        raise _error(kind, content, self.limits)

    def explain(
        self, text: str, default: Sequence[str] = (), named: Sequence[str] = ()
    ) -> list[dict[str, str]]:
        """Have it said why a query has no answer; raises as ``ask`` does."""
        self._refuse(text)
        worker, _, kind, content = self._first(_asked(text, default, named, {}, why=True))
        self.give_back(worker)
        if kind != b"W":
            raise _error(kind, content, self.limits)
        found: list[dict[str, str]] = json.loads(content)
        return found

    def _refuse(self, text: str) -> None:
        if len(text) > self.limits.length:
            raise LimitError("length", self.limits.length)

    def _first(self, asked: bytes) -> tuple[_Worker, float, bytes, bytes]:
        """Send a query to a worker; give it, until when its answer must be done, and the first frame."""
        self.gate.enter(self.limits.seconds)
        deadline = time.monotonic() + self.limits.seconds
        try:
            worker = self._taking(asked, deadline)
        except BaseException:
            self._leave()
            raise
        return worker, deadline, *self.frame(worker, deadline)

    def _taking(self, asked: bytes, deadline: float) -> _Worker:
        """Give a worker that has taken a query."""
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            fresh = worker is None
            if worker is None:
                worker = aside(self._new)
            try:
                worker.send(asked, deadline)
            except (BrokenPipeError, ConnectionResetError, TimeoutError) as error:
                worker.let_go()
                aside(self._reap, worker)
                if isinstance(error, TimeoutError):
                    raise LimitError("time", self.limits.seconds) from None
                if fresh:
                    raise CrashError from None
            else:
                return worker

    def _new(self) -> _Worker:
        with self._controlling:
            send(self._control, b"+")
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
        except BaseException:  # whoever asked is gone
            self.discard(worker)
            raise

    def give_back(self, worker: _Worker) -> None:
        """Keep a worker that is done for the next query."""
        with self._lock:
            self._idle.append(worker)
        self._leave()

    def discard(self, worker: _Worker) -> int:
        """End a worker and give how it ended: an exit code, or the number of a signal below 0."""
        try:
            worker.let_go()
            return aside(self._reap, worker)
        finally:
            self._leave()

    def _leave(self) -> None:
        self.gate.leave()
        if self._retired and self.gate.inside == 0:
            self.close()

    def _reap(self, worker: _Worker) -> int:
        worker.end()
        with self._controlling:
            send(self._control, b"w", str(worker.process).encode())
            return int(receive(self._control)[1])


class Workers(Pool):
    """Workers over a store that this process holds."""

    def __init__(self, store: Store, limits: Limits, prefixes: Mapping[str, str] | None = None) -> None:
        """Fork a nursery; to be done before this process has threads of its own."""
        gc.collect()
        control, theirs = socket.socketpair()
        nursery = os.fork()
        if nursery == 0:
            try:
                nurse(store, theirs, limits, prefixes or {})
            finally:
                end()
        theirs.close()
        super().__init__(control, limits, store.version, nursery)


class Seed:
    """A process that can be forked at any time, as the service itself cannot once it has threads."""

    def __init__(
        self, opened: Callable[[], Store], limits: Limits, prefixes: Mapping[str, str] | None = None
    ) -> None:
        """Fork the seed; ``opened`` opens the store, anew for each nursery."""
        self._limits = limits
        gc.collect()
        self._link, theirs = socket.socketpair()
        self._process = os.fork()
        if self._process == 0:
            try:
                sow(opened, theirs, limits, prefixes or {})
            finally:
                end()
        theirs.close()

    def workers(self) -> Pool:
        """Grow workers over the data as they are now; raises what opening the store raises."""
        return self.begun()()

    def begun(self) -> Callable[[], Pool]:
        """Begin to grow workers; what is given waits for them, so that this process has time for its own."""
        control, theirs = socket.socketpair()
        socket.send_fds(self._link, [b"+"], [theirs.fileno()])
        theirs.close()
        return lambda: self._grown(control)

    def _grown(self, control: socket.socket) -> Pool:
        try:
            kind, content = receive(control)
        except EOFError:
            raise CrashError from None
        if kind == b"V":
            return Pool(control, self._limits, content.decode())
        control.close()
        name, problem, remedy = json.loads(content)
        raise getattr(errors, name)(problem, remedy)

    def __enter__(self) -> Self:
        """Give the seed."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the seed and all that grew from it."""
        self._link.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, 0)


def _asked(
    text: str, default: Sequence[str], named: Sequence[str], formats: Mapping[str, str], *, why: bool = False
) -> bytes:
    asked: Asked = (text, list(default), list(named), dict(formats), why)
    return _ENCODER.encode(asked).encode()


def _error(kind: bytes, content: bytes, limits: Limits) -> Her2kgError:
    if kind == b"E":
        name, problem, remedy, line, column = json.loads(content)
        kind_of_error = FormatError if name == FormatError.__name__ else QueryError
        return kind_of_error(problem, remedy, line=line, column=column)
    what = content.decode()
    return LimitError(what, {"memory": limits.memory, "rows": limits.rows}.get(what, limits.answer))
