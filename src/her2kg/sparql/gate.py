"""Limit how many queries are evaluated at the same time, fairly, and light ones first."""

from __future__ import annotations

import time
from collections import Counter
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Self

from her2kg.errors import BusyError

if TYPE_CHECKING:
    from her2kg.sparql.worker import Limits

#: Seconds after which a query counts as long: it needs a long place then, or ends.
_LONG = 1.0


class Place:
    """Where a query runs: in a light place for a second, then in a long one.

    Entering it waits for a light place; raises BusyError when it comes to none in so many seconds.
    """

    def __init__(self, gate: Gate, client: str, seconds: float) -> None:
        """Want a place for a query of a client."""
        self.client = client
        self.is_long = False
        #: Whether it has a place; the gate sets it.
        self.is_held = False
        #: Released when waiting is over, with a place or without.
        self.turn = Semaphore(0)
        #: When the query must change over to a long place, on the monotonic clock.
        self.until = 0.0
        self._gate = gate
        self._seconds = seconds

    @property
    def is_due(self) -> bool:
        """Say whether the query must change over now: after a second, or after half of one if others wait."""
        age = _LONG - (self.until - time.monotonic())
        return not self.is_long and (age >= _LONG or (age >= _LONG / 2 and self._gate.waiting > 0))

    def __enter__(self) -> Self:
        """Wait for the place."""
        self._gate.enter(self, self._seconds)
        self.until = time.monotonic() + _LONG
        return self

    def __exit__(self, *_: object) -> None:
        """Give the place back."""
        self._gate.leave(self)

    def lengthen(self) -> None:
        """Change over to a long place; raises BusyError when every long place is taken."""
        self._gate.lengthen(self)


class Gate:
    """Limit concurrency: light places, long places and a waiting room, fair between clients.

    A query starts in a light place. When it has run for a second, or for half a second while others wait, it
    changes over to a long place, or ends if there is none: long queries never stop the others. One client may
    hold all running places but one. Of those who wait the last comes first, and when the room is full the
    oldest query of the client that has most there is refused: under a flood, whoever comes new is served at
    once and whoever floods is not.
    """

    def __init__(self, limits: Limits) -> None:
        """Open as many places as the limits allow."""
        self._light, self._long, self._room = limits.workers, limits.long, limits.waiting
        self._share = limits.workers + limits.long - 1
        self._lock = Lock()
        self._running: Counter[str] = Counter()
        self._waiting: list[Place] = []

    @property
    def running(self) -> int:
        """Count the queries that are being evaluated."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Count the queries that wait for a place."""
        return len(self._waiting)

    def place(self, client: str, seconds: float) -> Place:
        """Give a place for a query of a client, an address; entering it waits up to so many seconds."""
        return Place(self, client, seconds)

    def enter(self, place: Place, seconds: float) -> None:
        """Take a light place, or wait for one; raises BusyError."""
        with self._lock:
            self._waiting.append(place)
            self._admit()
            if len(self._waiting) > self._room:
                self._refuse()
        place.turn.acquire(timeout=seconds)
        with self._lock:
            if not place.is_held:
                if place in self._waiting:
                    self._waiting.remove(place)
                raise BusyError

    def leave(self, place: Place) -> None:
        """Give a place back."""
        with self._lock:
            self._running[place.client] -= 1
            if not self._running[place.client]:
                del self._running[place.client]
            if place.is_long:
                self._long += 1
            else:
                self._light += 1
            self._admit()

    def lengthen(self, place: Place) -> None:
        """Change over from a light place to a long one; raises BusyError when there is none."""
        with self._lock:
            if not self._long:
                raise BusyError("other long queries are running", "repeat it in a few seconds")
            self._long -= 1
            self._light += 1
            place.is_long = True
            self._admit()

    def _admit(self) -> None:
        """Give the light places that are free to those who wait."""
        for place in reversed(self._waiting.copy()):
            if not self._light:
                return
            if self._running[place.client] < self._share:
                self._light -= 1
                self._running[place.client] += 1
                self._waiting.remove(place)
                place.is_held = True
                place.turn.release()

    def _refuse(self) -> None:
        """Refuse the oldest of the client that has most in the waiting room."""
        [(most, _)] = Counter(place.client for place in self._waiting).most_common(1)
        oldest = next(place for place in self._waiting if place.client == most)
        self._waiting.remove(oldest)
        oldest.turn.release()
