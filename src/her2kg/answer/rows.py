"""How many rows of a table have been written, read off the bytes of each format as they go by."""

from __future__ import annotations

from typing import Protocol


class Counter(Protocol):
    """Counts rows."""

    rows: int

    def add(self, content: bytes) -> None:
        """Take the next bytes."""


def counter(media_type: str) -> Counter:
    r"""Make a counter for a format of tables.

    >>> counted = counter("text/csv")
    >>> for piece in (b"a,b\r\n1,2\r\n", b'"two', b' lines\n in one",3\r\n'):
    ...     counted.add(piece)
    >>> counted.rows
    2
    """
    if media_type.endswith("json"):
        return _Json()
    if media_type.endswith("xml"):
        return _Marks(b"<result>")
    return _Csv() if media_type.endswith("csv") else _Marks(b"\n", -1)


class _Marks:
    """Rows that each have one mark, which no text in them can have."""

    def __init__(self, mark: bytes, rows: int = 0) -> None:
        self.rows = rows  # the head of a table is a line too
        self._mark = mark
        self._kept = b""

    def add(self, content: bytes) -> None:
        text = self._kept + content
        self.rows += text.count(self._mark)
        keep = len(self._mark) - 1
        self._kept = text[-keep:] if keep else b""


class _Csv:
    """Lines, but for those inside of quotes; a quote inside of quotes is two, which come to nothing."""

    def __init__(self) -> None:
        self.rows = -1
        self._inside = 0

    def add(self, content: bytes) -> None:
        parts = content.split(b'"')
        self.rows += sum(part.count(b"\n") for part in parts[self._inside :: 2])
        self._inside = (self._inside + len(parts) - 1) % 2


class _Json:
    """A row ends with two brackets, its last cell's and its own; one without cells is a pair of them."""

    def __init__(self) -> None:
        self.rows = 0
        self._inside = 0
        self._kept = b""
        self._last = b""

    def add(self, content: bytes) -> None:
        text = self._kept + content
        # A backslash and what it takes away must not be torn apart.
        whole = text.rstrip(b"\\")
        self._kept = text[len(whole) :]
        parts = whole.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        for place, part in enumerate(parts[self._inside :: 2]):
            # Only what stands at the end of one piece can go on at the start of the next.
            said = self._last + part if place == 0 and not self._inside else part
            self.rows += said.count(b"}}") + said.count(b"{}") - said.count(b"]}}")
            self._last = b""
        self._inside = (self._inside + len(parts) - 1) % 2
        if not self._inside:
            end = parts[-1]
            self._last = b"]}" if end.endswith(b"]}") else end[-1:] if end[-1:] in {b"{", b"}"} else b""
