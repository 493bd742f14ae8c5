"""The settings of her2kg: one table, each with its environment variable, default and meaning.

A flag on the command line comes before the environment, the environment before the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from her2kg.errors import SettingError, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = Path(__file__).resolve().parent
_PORT_LIMIT = 65535


@dataclass(frozen=True)
class Setting:
    """One row of the table: the name of the field, its default as text, what it does.

    ``unit`` is that of a limit, and empty for what is none.
    """

    name: str
    default: str
    help: str
    unit: str = ""

    @property
    def variable(self) -> str:
        """Name the environment variable."""
        return f"HER2KG_{self.name.upper()}"


@dataclass(frozen=True)
class Address:
    """Where an engine is asked; neither user nor password is ever shown.

    >>> str(Address.read("backend", "http://me:secret@localhost:7878/query"))
    'http://localhost:7878/query'
    """

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, name: str, text: str) -> Address:
        """Read an address, with or without user and password; raises SettingError without repeating it."""
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not host or not text.isascii() or text.split() != [text]:
            raise SettingError(f"{name} is no address of HTTP", "give one as http://localhost:7878/query")
        netloc = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=netloc, path=parts.path or "/", fragment="").geturl()
        return cls(url, unquote(parts.username or ""), unquote(parts.password or ""))

    def __str__(self) -> str:
        """Give the address without user and password."""
        return self.url


SETTINGS = (
    Setting("host", "127.0.0.1", "address that the service binds"),
    Setting("port", "8080", "port that the service binds (0: any free one)"),
    Setting("proxies", "0", "proxies before the service whose X-Forwarded headers are believed"),
    Setting("threads", "8", "pages that the service makes at the same time", "requests"),
    Setting("connections", "1000", "connections that may be open at the same time", "connections"),
    Setting("workers", "2", "queries of users that are evaluated at the same time", "queries"),
    Setting(
        "waiting", "16", "queries that may wait for a worker; further ones are told to come again", "queries"
    ),
    Setting("query_seconds", "20", "seconds that a query may take", "s"),
    Setting("query_memory", "1000000000", "bytes of memory that a query may use beyond the graph", "bytes"),
    Setting("query_length", "200000", "characters that a query may have", "characters"),
    Setting("query_nesting", "200", "brackets that may stand inside each other in a query", "brackets"),
    Setting("answer_limit", "100000000", "bytes that an answer may have", "bytes"),
    Setting("row_limit", "1000000", "rows that a table may have", "rows"),
    Setting(
        "cache_bytes", "16000000", "bytes of answers that are kept for whoever asks again (0: none)", "bytes"
    ),
    Setting("body_limit", "1000000", "bytes that a request may carry", "bytes"),
    Setting("head_limit", "65536", "bytes that the address and the headers of a request may have", "bytes"),
    Setting(
        "idle_seconds", "30", "seconds in which a request must have come, or a response be taken on", "s"
    ),
    Setting("log", "errors", "what is written to standard error: errors, or requests"),
    Setting("home", "", "folder that holds ontology/, data/ and queries/ (default: found from the package)"),
    Setting("build", "", "folder of the built graph (default: build/ in the home folder)"),
    Setting(
        "backend", "", "SPARQL endpoint of another engine, which the service asks in the place of its own"
    ),
    Setting(
        "backend_update", "", "where that engine takes SPARQL updates, if elsewhere; only a load uses it"
    ),
    Setting(
        "backend_graph",
        "",
        "graph of that engine that is the default graph; `default`: its own (default: the one of a load)",
    ),
    Setting("source", "", "the review as a text file, if you have it: offsets and hashes are then checked"),
)


@dataclass(frozen=True)
class Settings:
    """The settings in force, read once at start."""

    host: str
    port: int
    proxies: int
    threads: int
    connections: int
    workers: int
    waiting: int
    query_seconds: int
    query_memory: int
    query_length: int
    query_nesting: int
    answer_limit: int
    row_limit: int
    cache_bytes: int
    body_limit: int
    head_limit: int
    idle_seconds: int
    log: str
    home: Path
    build: Path
    backend: Address | None
    backend_update: Address | None
    backend_graph: str
    source: Path | None

    @classmethod
    def read(
        cls, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Settings:
        """Read flag, then environment, then default; raises SettingError naming the bad one.

        >>> Settings.read({"port": 9000}, {}).port
        9000
        >>> Settings.read({}, {"HER2KG_PORT": "9001"}).port
        9001
        """
        environ = os.environ if environ is None else environ
        given = {name: value for name, value in (flags or {}).items() if value is not None}
        text = {
            setting.name: str(given.get(setting.name, environ.get(setting.variable, setting.default)))
            for setting in SETTINGS
        }
        if text["backend_update"] and not text["backend"]:
            raise SettingError("backend_update is given without backend", "give backend too")
        home = Path(text["home"]) if text["home"] else _home()
        return cls(
            host=text["host"],
            port=_number("port", text["port"], _PORT_LIMIT),
            proxies=_number("proxies", text["proxies"], 10),
            threads=_number("threads", text["threads"], 1000) or 1,
            connections=_number("connections", text["connections"], 100_000) or 1,
            workers=_number("workers", text["workers"], 1000) or 1,
            waiting=_number("waiting", text["waiting"], 100_000),
            query_seconds=_number("query_seconds", text["query_seconds"], 86_400) or 1,
            query_memory=_number("query_memory", text["query_memory"], 10**12),
            query_length=_number("query_length", text["query_length"], 10**9),
            query_nesting=_number("query_nesting", text["query_nesting"], 10**6),
            answer_limit=_number("answer_limit", text["answer_limit"], 10**12),
            row_limit=_number("row_limit", text["row_limit"], 10**12),
            cache_bytes=_number("cache_bytes", text["cache_bytes"], 10**12),
            body_limit=_number("body_limit", text["body_limit"], 10**9),
            head_limit=_number("head_limit", text["head_limit"], 10**9),
            idle_seconds=_number("idle_seconds", text["idle_seconds"], 86_400) or 1,
            log=_one_of("log", text["log"], ("errors", "requests")),
            home=home,
            build=Path(text["build"]) if text["build"] else home / "build",
            backend=_address("backend", text["backend"]),
            backend_update=_address("backend_update", text["backend_update"]),
            backend_graph=text["backend_graph"],
            source=Path(text["source"]) if text["source"] else None,
        )


def _home() -> Path:
    """Find the folder with the queries: in an installed wheel beside the code, else above src/."""
    bundle = _PACKAGE / "bundle"
    return bundle if bundle.is_dir() else _PACKAGE.parent.parent


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise SettingError(f"{name} is {shortened(text)!r}", f"give {' or '.join(known)}")
    return text


def _address(name: str, text: str) -> Address | None:
    return Address.read(name, text) if text else None


def _number(name: str, text: str, limit: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(limit)) or int(text) > limit:
        raise SettingError(f"{name} is {shortened(text)!r}", f"give a whole number from 0 to {limit}")
    return int(text)
