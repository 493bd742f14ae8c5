"""Answers that were given once, kept while there is room, each under a name for all that it depends on."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock


class Cache:
    """Keeps what was last asked for, in so many bytes.

    >>> cache = Cache(3)
    >>> cache.keep("a", "text/csv", b"12")
    >>> cache.keep("b", "text/csv", b"34")
    >>> cache.get("a"), cache.get("b"), cache.size
    (None, ('text/csv', b'34'), 2)
    """

    def __init__(self, limit: int) -> None:
        """Keep at most so many bytes of answers; 0 keeps none."""
        self.limit = limit
        self.size = 0
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the answers."""
        return len(self._kept)

    def get(self, name: str) -> tuple[str, bytes] | None:
        """Give the media type and the bytes of an answer, if it is kept."""
        with self._lock:
            found = self._kept.get(name)
            if found:
                self._kept.move_to_end(name)
            return found

    def keep(self, name: str, media_type: str, content: bytes) -> None:
        """Keep an answer; those that nobody asked for in the longest time make room."""
        if len(content) > self.limit:
            return
        with self._lock:
            if name in self._kept:
                self.size -= len(self._kept.pop(name)[1])
            self._kept[name] = (media_type, content)
            self.size += len(content)
            while self.size > self.limit:
                _, (_, old) = self._kept.popitem(last=False)
                self.size -= len(old)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.size = 0
