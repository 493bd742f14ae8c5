"""The settings of her2kg: each is one field with its type, default, bounds, description and unit.

A flag on the command line comes before the environment, the environment before the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args
from urllib.parse import unquote, urlsplit

from annotated_types import Ge, Le
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticUseDefault

from her2kg.errors import SettingError, shortened
from her2kg.home import package_home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

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


def _build(data: dict[str, Any]) -> Path:
    home: Path = data["home"]
    return home / "build"


def _digits(value: object) -> str:
    """Refuse what int() takes besides digits: signs, spaces, underscores, digits of other scripts."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return text


def _filled(value: object) -> object:
    """Take an empty text as the default."""
    if value == "":
        raise PydanticUseDefault
    return value


def _address(value: object, info: ValidationInfo) -> object:
    return Address.read(str(info.field_name), value) if isinstance(value, str) else value


_Whole = Annotated[int, BeforeValidator(_digits)]
_File = Annotated[Path, BeforeValidator(_filled)]
_MaybeFile = Annotated[Path | None, BeforeValidator(_filled)]
# The validator that stands last runs first.
_MaybeAddress = Annotated[InstanceOf[Address] | None, BeforeValidator(_address), BeforeValidator(_filled)]


def _limit(default: int, low: int, high: int, unit: str, description: str) -> Any:
    """Make the field of a limit: limits are published, each in its unit."""
    return Field(default, ge=low, le=high, description=description, json_schema_extra={"unit": unit})


class Settings(BaseModel):
    """The settings in force, read once at the start; ``Settings.read`` takes flags and environment."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="address that the service binds to")
    port: _Whole = Field(
        8080, ge=0, le=65535, description="port that the service binds to (0: any free port)"
    )
    proxies: _Whole = Field(
        0, ge=0, le=10, description="trusted reverse proxies in front of the service (X-Forwarded-* headers)"
    )
    threads: _Whole = _limit(384, 8, 4096, "requests", "requests that are processed at the same time")
    connections: _Whole = _limit(
        1000, 128, 100_000, "connections", "connections that may be open at the same time"
    )
    workers: _Whole = _limit(12, 1, 1000, "queries", "queries that are evaluated at the same time")
    long_queries: _Whole = _limit(
        2, 1, 1000, "queries", "queries of more than a second that are evaluated besides"
    )
    waiting: _Whole = _limit(
        64, 0, 100_000, "queries", "queries that may wait for a worker; further ones are refused with 503"
    )
    query_seconds: _Whole = _limit(20, 1, 86_400, "s", "seconds that a query may take")
    query_memory: _Whole = _limit(
        64_000_000, 10**6, 10**12, "bytes", "bytes of memory that a query may use in addition to the graph"
    )
    query_length: _Whole = _limit(200_000, 1, 10**9, "characters", "characters that a query may have")
    query_nesting: _Whole = _limit(
        200, 1, 10**6, "brackets", "levels of nested brackets that a query may have"
    )
    answer_limit: _Whole = _limit(100_000_000, 1, 10**12, "bytes", "bytes that an answer may have")
    row_limit: _Whole = _limit(10**6, 1, 10**12, "rows", "rows that a table may have")
    stream_limit: _Whole = _limit(
        128, 1, 4096, "answers", "large answers and files that may be in transfer at the same time"
    )
    cache_bytes: _Whole = _limit(
        16_000_000, 0, 10**12, "bytes", "bytes of answers that are kept for repeated requests (0: none)"
    )
    body_limit: _Whole = _limit(10**6, 0, 10**9, "bytes", "bytes that the body of a request may have")
    head_limit: _Whole = _limit(
        65_536, 8192, 10**9, "bytes", "bytes that the address and the headers of a request may have"
    )
    idle_seconds: _Whole = _limit(
        30, 1, 60, "s", "seconds that a client may stall while it sends a request or reads a response"
    )
    log: Literal["errors", "requests"] = Field(
        "errors", description="what is written to standard error: errors or requests"
    )
    home: _File = Field(
        default_factory=package_home,
        description="folder that holds ontology/, data/ and queries/ (default: found from the package)",
    )
    build: _File = Field(
        default_factory=_build,
        description="folder of the built graph (default: build/ in the home folder)",
    )
    backend: _MaybeAddress = Field(
        None, description="SPARQL endpoint of another engine, which then answers instead of the built-in one"
    )
    backend_update: _MaybeAddress = Field(
        None, description="update endpoint of that engine, if it is a different address; only a load uses it"
    )
    backend_graph: str = Field(
        "",
        description="graph of that engine that is the default graph; `default`: its own "
        "(default: the graph that a load fills)",
    )
    source: _MaybeFile = Field(
        None, description="text file of the review, if you have it; offsets and hashes are then checked"
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
        given = {name: value for name, value in (flags or {}).items() if value is not None}
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            if setting.name in given:
                values[setting.name] = str(given[setting.name])
            elif setting.variable in environ:
                values[setting.name] = environ[setting.variable]
        try:
            return cls(**values)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            remedy = f"give {_allowed(cls.model_fields[name])}"
            raise SettingError(f"{name} is {shortened(values[name])!r}", remedy) from error

    @model_validator(mode="after")
    def _backend_is_named(self) -> Self:
        if self.backend_update and not self.backend:
            raise SettingError("backend_update is given without backend", "give backend too")
        return self


def _allowed(field: FieldInfo) -> str:
    """Say in words which values a field takes."""
    bounds = [
        limit.ge if isinstance(limit, Ge) else limit.le
        for limit in field.metadata
        if isinstance(limit, Ge | Le)
    ]
    if bounds:
        return f"a whole number from {bounds[0]} to {bounds[1]}"
    return " or ".join(get_args(field.annotation))


@dataclass(frozen=True)
class Setting:
    """What flags, ``her2kg info`` and the README show of a field; only limits have a unit."""

    name: str
    default: str
    help: str
    unit: str

    @classmethod
    def of(cls, name: str, field: FieldInfo) -> Setting:
        """Describe a field of ``Settings``; a default that is computed is shown as empty."""
        default = "" if field.default is None or field.default_factory else str(field.default)
        extra = field.json_schema_extra
        unit = str(extra["unit"]) if isinstance(extra, dict) else ""
        return cls(name, default, field.description or "", unit)

    @property
    def variable(self) -> str:
        """Name the environment variable."""
        return f"{_PREFIX}{self.name.upper()}"


SETTINGS = tuple(Setting.of(name, found) for name, found in Settings.model_fields.items())
