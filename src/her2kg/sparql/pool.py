"""Evaluate the queries of strangers in worker processes: within limits, and fairly.

`Pool.ask` blocks its thread until the answer is complete, so that a worker is never held by a slow client,
and a query that fails half-way is a clean error. What the processes do stands in `worker`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from threading import Event, Lock, Thread
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, cast

from her2kg import errors
from her2kg.errors import CrashError, FormatError, Her2kgError, LimitError, QueryError
from her2kg.sparql.gate import Gate
from her2kg.sparql.worker import Frames, Job, Limits, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from her2kg.sparql.gate import Place

__all__ = ["Asker", "Gate", "Job", "Limits", "Pool", "Reply"]

#: The task that says why a query has no answer.
EXPLAIN = "explain"
#: Seconds after which it is looked at whether a query must change over.
_STEP = 0.1
#: Bytes of an answer that stay in memory; a larger answer is written to a temporary file.
IN_MEMORY = 1 << 20
#: Workers that stay however long they have nothing to do, and seconds for which the others stay.
_IDLE, _IDLE_SECONDS = 2, 3.0
#: Seconds for loading the data, and for forking a worker.
_LOADING, _FORKING = 300.0, 10.0
#: Seconds for what is ready already: a timeout of 0 would mean something else.
_SOON = 0.001


@dataclass(frozen=True)
class Reply:
    """A complete answer: its form (``table``, ``truth``, ``triples``), its bytes, the version of the data.

    ``content`` is None when the job wanted no format for this form.
    """

    form: str
    version: str
    content: bytes | IO[bytes] | None

    def read(self) -> bytes:
        """Give all bytes, once."""
        if self.content is None or isinstance(self.content, bytes):
            return self.content or b""
        with self.content:
            return self.content.read()


class Asker(Protocol):
    """What answers the queries of strangers: workers of our own, or another engine behind checks."""

    limits: Limits
    gate: Gate

    @property
    def version(self) -> str:
        """Name the version of the data."""

    @property
    def triples(self) -> int:
        """Count the triples of the default graph."""

    def open(self) -> Self:
        """Wait until queries can be answered; raises what stands in the way."""

    def ask(self, job: Job, client: str = "") -> Reply:
        """Answer a query."""

    def run(self, job: Job, client: str = "") -> Any:
        """Run a task that is about a query."""

    def reload(self) -> None:
        """Take up the data as they are now."""

    def close(self) -> None:
        """End every process, close every connection."""


def _left(until: float) -> float:
    return max(until - time.monotonic(), 0.0)


class _Worker:
    """A worker process: its socket, and a handle that kills it and no other process."""

    def __init__(self, parent: _Parent, process: int, link: socket.socket, handle: int) -> None:
        self.parent = parent
        self.process = process
        #: Since when it has had nothing to do, on the monotonic clock.
        self.idle_since = 0.0
        self._link = link
        self._frames = Frames(link)
        self._handle = handle

    def send(self, job: bytes, until: float) -> None:
        """Send a job; raises TimeoutError, or BrokenPipeError when the process has ended."""
        self._link.settimeout(_left(until) or _SOON)
        send(self._link, b"J", job)

    def receive(self, until: float) -> tuple[bytes, bytes]:
        """Wait for a frame; raises TimeoutError, or EOFError when the process has ended."""
        self._link.settimeout(_left(until) or _SOON)
        return self._frames.receive()

    def give_way(self) -> None:
        """Let the processor serve other processes first, from now on."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process, 10)

    def end(self) -> int | None:
        """Kill it; give its exit code, or below 0 the number of the signal that had ended it before."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        self._link.close()
        os.close(self._handle)
        return self.parent.reap(self.process)


class _Parent:
    """The process that holds one version of the data and forks the workers over them."""

    def __init__(self, command: Sequence[str], config: Mapping[str, Any]) -> None:
        """Start it; it is of use when it is ``open``. Raises CrashError when it does not start."""
        #: Workers that have a job.
        self.busy = 0
        self.version, self.triples = "", 0
        self._lock = Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            try:
                self._process = subprocess.Popen(  # noqa: S603 - a command of ours
                    [*command, str(number)],
                    pass_fds=[number],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
            except OSError as error:
                self._control.close()
                raise CrashError from error
        self._control.settimeout(_LOADING)
        with contextlib.suppress(OSError):  # it has ended already: ``open`` will see it
            send(self._control, b"C", json.dumps(config).encode())

    def open(self) -> None:
        """Wait until it has loaded the data; raises what loading them raises there."""
        try:
            kind, content = receive(self._control)
            self._control.settimeout(_FORKING)
        except (OSError, EOFError) as error:
            self.close()
            raise CrashError from error
        if kind == b"E":
            self.close()
            name, problem, remedy = json.loads(content)
            raise getattr(errors, name)(problem, remedy)
        self.version, self.triples = json.loads(content)

    def fork(self) -> _Worker:
        """Fork a worker; raises OSError or EOFError when this process has ended or does not react."""
        with self._lock:
            send(self._control, b"+")
            content, descriptors, _, _ = socket.recv_fds(self._control, 4, 2)
        if len(descriptors) != 2:
            raise EOFError
        [process] = struct.unpack("!I", content)
        return _Worker(self, process, socket.socket(fileno=descriptors[0]), descriptors[1])

    def reap(self, process: int) -> int | None:
        """Give how a worker that was killed ended; None when this process has ended too."""
        with contextlib.suppress(OSError, EOFError), self._lock:
            send(self._control, b"w", str(process).encode())
            return int(receive(self._control)[1])
        return None

    def close(self) -> None:
        """End it, and with it every worker."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class Pool:
    """Workers over the data that ``command`` loads, started and replaced as needed.

    The command is run with the number of a socket as its last argument, and must call `worker.run_parent`
    with it; the first frame on the socket is ``config`` as JSON. When the parent dies a new one is started;
    ``give_up`` is called when that fails, since no query could be answered any more.
    """

    def __init__(
        self,
        command: Sequence[str],
        config: Mapping[str, Any],
        limits: Limits,
        give_up: Callable[[], object] = lambda: None,
    ) -> None:
        """Start the parent; the pool is of use when it is ``open``."""
        self.limits = limits
        self.gate = Gate(limits)
        self._command, self._config, self._give_up = command, config, give_up
        self._lock = Lock()
        self._idle: deque[_Worker] = deque()
        self._closed = Event()
        self._parent = _Parent(command, config)

    def __enter__(self) -> Self:
        """Give the pool, open."""
        return self.open()

    def __exit__(self, *_: object) -> None:
        """End every process."""
        self.close()

    @property
    def version(self) -> str:
        """Name the version of the data."""
        return self._parent.version

    @property
    def triples(self) -> int:
        """Count the triples of the default graph."""
        return self._parent.triples

    def open(self) -> Self:
        """Wait until the data are loaded, and give the pool; raises what loading them raises."""
        self._parent.open()
        Thread(target=self._end_idle, name="end idle workers", daemon=True).start()
        return self

    def close(self) -> None:
        """End every process."""
        self._closed.set()
        self._parent.close()
        while self._idle:
            self._idle.pop().end()

    def reload(self) -> None:
        """Load the data as they are now, and answer from them; raises what loading them raises.

        Queries that are running are answered from the data before.
        """
        fresh = _Parent(self._command, self._config)
        fresh.open()
        with self._lock:
            old, self._parent = self._parent, fresh
        until = time.monotonic() + self.limits.seconds + 1
        while old.busy and time.monotonic() < until:
            time.sleep(0.02)
        old.close()

    def ask(self, job: Job, client: str = "") -> Reply:
        """Answer a query; raises QueryError with its place, LimitError, CrashError or BusyError.

        ``client`` is an address, for being fair between clients.
        """
        kind, content, pieces, version = self._do(job, client)
        if kind == b"N":
            return Reply(content.decode(), version, None)
        form, _, rest = content.partition(b"\n")
        if pieces is None:
            return Reply(form.decode(), version, rest)
        pieces.write(rest)
        pieces.seek(0)
        return Reply(form.decode(), version, cast("IO[bytes]", pieces))

    def run(self, job: Job, client: str = "") -> Any:
        """Run a task that is about a query, and give what it gives; raises as ``ask`` does."""
        return json.loads(self._do(job, client)[1])

    def _do(self, job: Job, client: str) -> tuple[bytes, bytes, SpooledTemporaryFile[bytes] | None, str]:
        """Have a worker do a job.

        Gives the kind and the content of its last frame, the pieces before it, and the version of the data.
        """
        if len(job.text) > self.limits.length:
            raise LimitError("length", self.limits.length)
        packed = job.packed()
        with self.gate.place(client, self.limits.seconds) as place:
            until = time.monotonic() + self.limits.seconds
            # A job is repeated once when the parent has died, and the workers with it.
            done = self._attempt(packed, place, until) or self._attempt(packed, place, until)
        if done is None:
            raise CrashError
        kind, content, pieces, version = done
        kind = kind.upper()
        if kind in {b"E", b"L"}:
            raise _error(kind, content, self.limits)
        return kind, content, pieces, version

    def _attempt(
        self, packed: bytes, place: Place, until: float
    ) -> tuple[bytes, bytes, SpooledTemporaryFile[bytes] | None, str] | None:
        """Have a worker do a job; nothing when its parent has died."""
        worker = self._begin(packed, until)
        try:
            kind, content, pieces = self._read(worker, place, until)
        except (EOFError, ConnectionError):
            code = self._end(worker)
            if code is None:
                return None
            # An engine that gets no more memory aborts.
            out_of_memory = code == -signal.SIGABRT
            raise (LimitError("memory", self.limits.memory) if out_of_memory else CrashError()) from None
        except BaseException:
            self._end(worker)
            raise
        self._keep_or_end(worker, keep=kind.isupper() and not place.is_long)
        return kind, content, pieces, worker.parent.version

    def _read(
        self, worker: _Worker, place: Place, until: float
    ) -> tuple[bytes, bytes, SpooledTemporaryFile[bytes] | None]:
        """Read the reply of a worker: the kind and content of the last frame, and the pieces before it."""
        kind, content = self._frame(worker, place, until)
        if kind != b"D":
            return kind, content, None
        pieces = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the reply closes it
        try:
            while kind == b"D":
                pieces.write(content)
                kind, content = self._frame(worker, place, until)
            if kind.upper() != b"A":
                raise _error(kind.upper(), content, self.limits)
        except BaseException:
            pieces.close()
            raise
        return kind, content, pieces

    def _frame(self, worker: _Worker, place: Place, until: float) -> tuple[bytes, bytes]:
        """Wait for the next frame; raises LimitError, or BusyError when there is no long place."""
        while True:
            if place.is_due:
                place.lengthen()
                worker.give_way()
            try:
                return worker.receive(until if place.is_long else min(time.monotonic() + _STEP, until))
            except TimeoutError:
                if time.monotonic() >= until:
                    raise LimitError("time", self.limits.seconds) from None

    def _begin(self, job: bytes, until: float) -> _Worker:
        """Give a worker that has accepted a job."""
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                worker = self._fork()
            with self._lock:
                worker.parent.busy += 1
            if worker.parent is self._parent:
                try:
                    worker.send(job, until)
                except TimeoutError:
                    self._end(worker)
                    raise LimitError("time", self.limits.seconds) from None
                except OSError:  # it died while it was idle
                    self._end(worker)
                    continue
                return worker
            self._end(worker)

    def _fork(self) -> _Worker:
        """Fork a worker; start a new parent when the old one has died."""
        for _ in range(2):
            parent = self._parent
            try:
                return parent.fork()
            except (OSError, EOFError):
                self._replace(parent)
        raise CrashError

    def _replace(self, dead: _Parent) -> None:
        with self._lock:
            if self._parent is not dead:
                return  # another thread was faster
            dead.close()
            try:
                fresh = _Parent(self._command, self._config)
                fresh.open()
            except Her2kgError:
                self._give_up()
                raise
            self._parent = fresh

    def _keep_or_end(self, worker: _Worker, *, keep: bool) -> None:
        """Keep a worker that is done for the next job, or end it."""
        if not keep or worker.parent is not self._parent:
            self._end(worker)
            return
        with self._lock:
            worker.parent.busy -= 1
        worker.idle_since = time.monotonic()
        self._idle.append(worker)

    def _end_idle(self) -> None:
        """End workers that have had nothing to do for a while, but for a few, until the pool is closed."""
        while not self._closed.wait(_IDLE_SECONDS / 2):
            with contextlib.suppress(IndexError):  # another thread took the last one
                while len(self._idle) > _IDLE:
                    oldest = self._idle.popleft()
                    if oldest.idle_since > time.monotonic() - _IDLE_SECONDS:
                        self._idle.appendleft(oldest)
                        break
                    oldest.end()

    def _end(self, worker: _Worker) -> int | None:
        with self._lock:
            worker.parent.busy -= 1
        return worker.end()


def _error(kind: bytes, content: bytes, limits: Limits) -> Her2kgError:
    if kind == b"E":
        name, problem, remedy, line, column = json.loads(content)
        kind_of_error = FormatError if name == FormatError.__name__ else QueryError
        return kind_of_error(problem, remedy, line=line, column=column)
    what = content.decode()
    return LimitError(what, {"memory": limits.memory, "rows": limits.rows}.get(what, limits.answer))
