"""Waiting that an event loop can share: code written as if it were alone runs beside a thousand others.

Flask and what stands below it wait where they need something. Started by ``drive`` on an event loop, each
wait gives the loop to other requests instead of holding a thread; anywhere else the same code just waits.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import select
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class _Ended:
    """What a function gave, or raised."""

    __slots__ = ("error", "result")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.result = None
        self.error: BaseException | None = None
        try:
            self.result = function(*arguments)
        except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
            self.error = error

    def take(self) -> Any:
        """Give the result, once, or raise the error: who ran the function is to keep neither."""
        result, error, self.result, self.error = self.result, self.error, None, None
        if error is None:
            return result
        try:
            raise error
        finally:
            del error  # which would hold this frame, and this frame it


class _Driven(greenlet):
    """Runs one function after the other, each of which an event loop drives.

    A greenlet begins on a stack that is new, which costs more than many a function that runs on it.
    """

    loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        """Be given a function with its arguments, call it, and hand over how it ended.

        It begins with nothing, since a greenlet keeps what it began with.
        """
        parent = self.parent
        assert parent is not None, "it is started by a loop"  # noqa: S101 - a mistake of ours
        work = parent.switch()
        while True:
            ended = _Ended(*work)
            del work
            work = parent.switch(ended)


class _Idle(threading.local):
    """Those of a thread that wait for a function of the loop that runs there.

    None can be switched to from another thread, and none is kept for another loop: a greenlet runs on that
    part of the C stack on which it began, over what lies there now, and nothing may lie there that the loop
    looks at meanwhile. Tasks of one loop are called at one depth, below all that is the loop's own.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.driven: list[_Driven] = []

    def of(self, loop: asyncio.AbstractEventLoop) -> list[_Driven]:
        """Give those of a loop."""
        if self.loop is not loop:
            self.loop, self.driven = loop, []
        return self.driven


_idle = _Idle()
#: How many may wait; the others end.
_IDLE = 32


def _loop() -> asyncio.AbstractEventLoop | None:
    current = getcurrent()
    return current.loop if isinstance(current, _Driven) else None


def driven() -> bool:
    """Say whether this code is driven by an event loop."""
    return _loop() is not None


async def drive(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function on the event loop that runs; the loop goes on while the function waits.

    To be called in a task.
    """
    loop = asyncio.get_running_loop()
    idle = _idle.of(loop)
    if idle:
        driven = idle.pop()
    else:
        driven = _Driven()
        driven.switch()
    driven.loop = loop
    given = driven.switch(function, arguments)
    while not isinstance(given, _Ended):
        try:
            value = await given
        except BaseException as error:  # noqa: BLE001 - whatever it is, the function is to see it
            given = driven.throw(error)
        else:
            given = driven.switch(value)
    if len(idle) < _IDLE:
        idle.append(driven)
    result: T = given.take()
    return result


def wait_for(awaitable: Awaitable[T]) -> T:
    """Wait for something of the event loop; only code that is driven can."""
    parent = getcurrent().parent
    assert parent is not None, "only driven code waits for a loop"  # noqa: S101 - a mistake of ours
    result: T = parent.switch(awaitable)
    return result


def aside(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that holds its thread: driven code lets another thread be held."""
    loop = _loop()
    if loop is None:
        return function(*arguments)
    return wait_for(loop.run_in_executor(None, function, *arguments))


class Watch:
    """Watches a socket for something to read.

    The loop goes on watching between one wait and the next, since to begin anew costs more than a short
    query; it stops when something comes for which nobody waits.
    """

    def __init__(self, link: socket.socket) -> None:
        """Watch a socket, which must stay open until ``close``."""
        self._link = link
        self._loop: asyncio.AbstractEventLoop | None = None
        self._future: asyncio.Future[str] | None = None

    def wait(self, seconds: float) -> bool:
        """Wait until there is something, or the other end is closed; false when the time is over."""
        loop = _loop()
        if loop is None:
            return _polled(self._link, seconds, select.POLLIN)
        self._future = loop.create_future()
        if self._loop is None:
            self._loop = loop
            loop.add_reader(self._link, self._come)
        timer = loop.call_later(max(seconds, 0), _settle, self._future, "late")
        try:
            return wait_for(self._future) == "ready"
        finally:
            timer.cancel()
            self._future = None

    def _come(self) -> None:
        if self._future is None:
            self.close()
        else:
            _settle(self._future, "ready")

    def close(self) -> None:
        """Stop; to be called where the loop runs, if one watches."""
        if self._loop is not None:
            self._loop.remove_reader(self._link)
            self._loop = None


def writable(link: socket.socket, seconds: float) -> bool:
    """Wait until there is room to write; false when the time is over."""
    loop = _loop()
    if loop is None:
        return _polled(link, seconds, select.POLLOUT)
    future: asyncio.Future[str] = loop.create_future()
    loop.add_writer(link, _settle, future, "ready")
    timer = loop.call_later(max(seconds, 0), _settle, future, "late")
    try:
        return wait_for(future) == "ready"
    finally:
        timer.cancel()
        loop.remove_writer(link)


def _polled(link: socket.socket, seconds: float, what: int) -> bool:
    poll = select.poll()
    poll.register(link, what)
    return bool(poll.poll(max(seconds, 0) * 1000))


def _settle(future: asyncio.Future[str], value: str) -> None:
    if not future.done():
        future.set_result(value)


class Signal:
    """One that waits, and is told once by whichever thread."""

    def __init__(self) -> None:
        """Be made by the one that will wait."""
        self._loop = _loop()
        self._told: concurrent.futures.Future[bool] = concurrent.futures.Future()
        self._future: asyncio.Future[str] | None = self._loop.create_future() if self._loop else None

    def tell(self) -> None:
        """Let it go on."""
        if self._loop is None or self._future is None:
            self._told.set_result(True)
        else:
            self._loop.call_soon_threadsafe(_settle, self._future, "ready")

    def wait(self, seconds: float) -> bool:
        """Wait to be told; false when the time is over."""
        if self._loop is None or self._future is None:
            try:
                return self._told.result(seconds)
            except concurrent.futures.TimeoutError:
                return False
        timer = self._loop.call_later(max(seconds, 0), _settle, self._future, "late")
        try:
            return wait_for(self._future) == "ready"
        finally:
            timer.cancel()
