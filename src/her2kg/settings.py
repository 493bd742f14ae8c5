"""The settings of her2kg: each is one field with its type, default, bounds, description and unit.

A flag on the command line comes before the environment, the environment before the default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args
from urllib.parse import unquote, urlsplit

from annotated_types import Ge, Le
from pydantic import BeforeValidator, Field, InstanceOf, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticUseDefault
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from her2kg.errors import SettingError, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo
    from pydantic_settings import PydanticBaseSettingsSource

_PACKAGE = Path(__file__).resolve().parent
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


def _home() -> Path:
    """Find the folder with the queries: in an installed wheel beside the code, else above src/."""
    bundle = _PACKAGE / "bundle"
    return bundle if bundle.is_dir() else _PACKAGE.parent.parent


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
_MaybeAddress = Annotated[
    InstanceOf[Address] | None, NoDecode, BeforeValidator(_address), BeforeValidator(_filled)
]


def _unit(name: str) -> dict[str, Any]:
    """Mark a limit: limits are published, each in its unit."""
    return {"unit": name}


class Settings(BaseSettings):
    """The settings in force, read once at the start; ``Settings.read`` takes flags and environment."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="address that the service binds to")
    port: _Whole = Field(
        8080, ge=0, le=65535, description="port that the service binds to (0: any free port)"
    )
    proxies: _Whole = Field(
        0,
        ge=0,
        le=10,
        description="trusted reverse proxies in front of the service (X-Forwarded-* headers)",
    )
    threads: _Whole = Field(
        384,
        ge=8,
        le=4096,
        description="requests that are processed at the same time",
        json_schema_extra=_unit("requests"),
    )
    connections: _Whole = Field(
        1000,
        ge=128,
        le=100_000,
        description="connections that may be open at the same time",
        json_schema_extra=_unit("connections"),
    )
    workers: _Whole = Field(
        16,
        ge=1,
        le=1000,
        description="queries that are evaluated at the same time",
        json_schema_extra=_unit("queries"),
    )
    long_queries: _Whole = Field(
        2,
        ge=1,
        le=1000,
        description="queries of more than a second that are evaluated besides",
        json_schema_extra=_unit("queries"),
    )
    waiting: _Whole = Field(
        64,
        ge=0,
        le=100_000,
        description="queries that may wait for a worker; further ones are refused with 503",
        json_schema_extra=_unit("queries"),
    )
    query_seconds: _Whole = Field(
        20, ge=1, le=86_400, description="seconds that a query may take", json_schema_extra=_unit("s")
    )
    query_memory: _Whole = Field(
        256_000_000,
        ge=1_000_000,
        le=10**12,
        description="bytes of memory that a query may use in addition to the graph",
        json_schema_extra=_unit("bytes"),
    )
    query_length: _Whole = Field(
        200_000,
        ge=1,
        le=10**9,
        description="characters that a query may have",
        json_schema_extra=_unit("characters"),
    )
    query_nesting: _Whole = Field(
        200,
        ge=1,
        le=10**6,
        description="levels of nested brackets that a query may have",
        json_schema_extra=_unit("brackets"),
    )
    answer_limit: _Whole = Field(
        100_000_000,
        ge=1,
        le=10**12,
        description="bytes that an answer may have",
        json_schema_extra=_unit("bytes"),
    )
    row_limit: _Whole = Field(
        1_000_000,
        ge=1,
        le=10**12,
        description="rows that a table may have",
        json_schema_extra=_unit("rows"),
    )
    stream_limit: _Whole = Field(
        128,
        ge=1,
        le=4096,
        description="large answers and files that may be in transfer at the same time",
        json_schema_extra=_unit("answers"),
    )
    cache_bytes: _Whole = Field(
        16_000_000,
        ge=0,
        le=10**12,
        description="bytes of answers that are kept for repeated requests (0: none)",
        json_schema_extra=_unit("bytes"),
    )
    body_limit: _Whole = Field(
        1_000_000,
        ge=0,
        le=10**9,
        description="bytes that the body of a request may have",
        json_schema_extra=_unit("bytes"),
    )
    head_limit: _Whole = Field(
        65_536,
        ge=8192,
        le=10**9,
        description="bytes that the address and the headers of a request may have",
        json_schema_extra=_unit("bytes"),
    )
    idle_seconds: _Whole = Field(
        30,
        ge=1,
        le=60,
        description="seconds that a client may stall while it sends a request or reads a response",
        json_schema_extra=_unit("s"),
    )
    log: Literal["errors", "requests"] = Field(
        "errors", description="what is written to standard error: errors or requests"
    )
    home: _File = Field(
        default_factory=_home,
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
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the constructor read no environment and no files: ``read`` chooses the environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

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
        variables = EnvSettingsSource(cls)
        if environ is not None:
            variables.env_vars = {name.lower(): text for name, text in environ.items()}
        given = {name: str(value) for name, value in (flags or {}).items() if value is not None}
        values = {**variables(), **{name: text for name, text in given.items() if name in cls.model_fields}}
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
