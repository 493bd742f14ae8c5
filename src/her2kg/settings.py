"""The settings of her2kg: each is one field with its type, default, bounds, description and unit.

A flag on the command line comes before the environment, the environment before the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from her2kg.errors import SettingError, shortened
from her2kg.home import package_home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import Field

_PREFIX = "HER2KG_"


@dataclass(frozen=True)
class Address:
    """The HTTP address of a SPARQL engine; user and password are never shown.

    >>> str(Address.read("backend", "http://me:secret@localhost:7878/query"))
    'http://localhost:7878/query'
    """

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, name: str, text: str) -> Address:
        """Read an address with or without user and password; raises SettingError without repeating it."""
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
        except ValueError:
            parts, host, user, password = urlsplit(""), None, "", ""
        written = text.isascii() and text.split() == [text]
        # RFC 7617: a user must not contain a colon.
        if parts.scheme not in {"http", "https"} or not host or not written or ":" in user:
            raise SettingError(
                f"{name} is not an HTTP address", "give one such as http://localhost:7878/query"
            )
        netloc = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=netloc, path=parts.path or "/", fragment="").geturl()
        return cls(url, user, password)

    def __str__(self) -> str:
        """Give the address without user and password."""
        return self.url


@dataclass(frozen=True)
class Setting:
    """What flags, ``her2kg info`` and the README show of a setting, and how its text is read.

    Only limits have a ``unit``; only whole numbers have bounds.
    """

    name: str
    default: str
    help: str
    unit: str
    low: int | None
    high: int | None
    read: Callable[[str, str], Any]

    @classmethod
    def of(cls, found: Field[Any]) -> Setting:
        """Describe a field of ``Settings``; a default that is computed or is nothing is shown as empty."""
        default = found.default if isinstance(found.default, str | int) else ""
        return cls(found.name, str(default), **found.metadata)

    @property
    def variable(self) -> str:
        """Name the environment variable."""
        return f"{_PREFIX}{self.name.upper()}"


def _setting(default: Any, description: str, read: Callable[[str, str], Any], **more: Any) -> Any:
    metadata = {"help": description, "read": read, "unit": "", "low": None, "high": None, **more}
    return field(default=default, metadata=metadata)


def _number(default: int, low: int, high: int, description: str, unit: str = "") -> Any:
    return _setting(default, description, partial(_whole, low, high), unit=unit, low=low, high=high)


def _limit(default: int, low: int, high: int, unit: str, description: str) -> Any:
    """Make the field of a limit: limits are published, each in its unit."""
    return _number(default, low, high, description, unit)


def _whole(low: int, high: int, name: str, text: str) -> int:
    """Read a number; signs, spaces, underscores and digits of other scripts are refused."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(high))
    if not digits or not low <= int(text) <= high:
        raise SettingError(f"{name} is {shortened(text)!r}", f"give a whole number from {low} to {high}")
    return int(text)


def _one_of(words: tuple[str, ...], name: str, text: str) -> str:
    if text not in words:
        raise SettingError(f"{name} is {shortened(text)!r}", f"give {' or '.join(words)}")
    return text


def _text(_name: str, text: str) -> str:
    return text


def _path(_name: str, text: str) -> Path | None:
    return Path(text) if text else None


def _address(name: str, text: str) -> Address | None:
    return Address.read(name, text) if text else None


@dataclass(frozen=True)
class Settings:
    """The settings in force, read once at the start by ``Settings.read``."""

    host: str = _setting("127.0.0.1", "address that the service binds to", _text)
    port: int = _number(8080, 0, 65535, "port that the service binds to (0: any free port)")
    proxies: int = _number(
        0, 0, 10, "trusted reverse proxies in front of the service (X-Forwarded-* headers)"
    )
    threads: int = _limit(384, 8, 4096, "requests", "requests that are processed at the same time")
    connections: int = _limit(
        1000, 128, 100_000, "connections", "connections that may be open at the same time"
    )
    workers: int = _limit(4, 1, 1000, "queries", "queries that are evaluated at the same time")
    long_queries: int = _limit(
        2, 1, 1000, "queries", "queries of more than a second that are evaluated besides"
    )
    waiting: int = _limit(
        64, 0, 100_000, "queries", "queries that may wait for a worker; further ones are refused with 503"
    )
    query_seconds: int = _limit(20, 1, 86_400, "s", "seconds that a query may take")
    query_memory: int = _limit(
        40_000_000, 10**6, 10**12, "bytes", "bytes of memory that a query may use in addition to the graph"
    )
    query_length: int = _limit(200_000, 1, 10**9, "characters", "characters that a query may have")
    query_nesting: int = _limit(200, 1, 10**6, "brackets", "levels of nested brackets that a query may have")
    answer_limit: int = _limit(100_000_000, 1, 10**12, "bytes", "bytes that an answer may have")
    row_limit: int = _limit(10**6, 1, 10**12, "rows", "rows that a table may have")
    stream_limit: int = _limit(
        128, 1, 4096, "answers", "large answers and files that may be in transfer at the same time"
    )
    cache_bytes: int = _limit(
        16_000_000, 0, 10**12, "bytes", "bytes of answers that are kept for repeated requests (0: none)"
    )
    body_limit: int = _limit(10**6, 0, 10**9, "bytes", "bytes that the body of a request may have")
    head_limit: int = _limit(
        65_536, 8192, 10**9, "bytes", "bytes that the address and the headers of a request may have"
    )
    idle_seconds: int = _limit(
        30, 1, 60, "s", "seconds that a client may stall while it sends a request or reads a response"
    )
    log: str = _setting(
        "errors",
        "what is written to standard error: errors or requests",
        partial(_one_of, ("errors", "requests")),
    )
    home: Path = _setting(
        None, "folder that holds ontology/, data/ and queries/ (default: found from the package)", _path
    )
    build: Path = _setting(None, "folder of the built graph (default: build/ in the home folder)", _path)
    backend: Address | None = _setting(
        None, "SPARQL endpoint of another engine, which then answers instead of the built-in one", _address
    )
    backend_update: Address | None = _setting(
        None, "update endpoint of that engine, if it is a different address; only a load uses it", _address
    )
    backend_graph: str = _setting(
        "",
        "graph of that engine that is the default graph; `default`: its own "
        "(default: the graph that a load fills)",
        _text,
    )
    source: Path | None = _setting(
        None, "text file of the review, if you have it; offsets and hashes are then checked", _path
    )

    @classmethod
    def read(
        cls, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Settings:
        """Read flag, then environment, then default; raises SettingError naming the bad one.

        Without ``environ`` the environment of the process is read.

        >>> Settings.read({"port": 9000}, {}).port
        9000
        >>> Settings.read({}, {"HER2KG_PORT": "9001"}).port
        9001
        """
        environ = os.environ if environ is None else environ
        given = {name: str(value) for name, value in (flags or {}).items() if value is not None}
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            text = given.get(setting.name, environ.get(setting.variable))
            if text is not None:
                values[setting.name] = setting.read(setting.name, text)
        if values.get("backend_update") and not values.get("backend"):
            raise SettingError("backend_update is given without backend", "give backend too")
        values["home"] = values.get("home") or package_home()
        values["build"] = values.get("build") or values["home"] / "build"
        return cls(**values)


SETTINGS = tuple(map(Setting.of, fields(Settings)))
