"""The read-only store: a built graph, or any RDF files, loaded into memory and asked with SPARQL."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Protocol

from her2kg.answer.rewriting import rewritten
from her2kg.engine import Answer, Engine
from her2kg.errors import BuildMissingError, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from her2kg.engine import Statement

_CHECKSUMS = "checksums.txt"
#: The file with the default graph and the file with the named graphs.
_LOADED = ("her2kg.nt", "her2kg.nq")


class Answerer(Protocol):
    """What answers queries: the store in memory, or another engine."""

    @property
    def version(self) -> str:
        """Name the version of the data; it changes whenever they do."""
        ...

    def query(
        self, text: str, default_graphs: Sequence[str] = (), named_graphs: Sequence[str] = ()
    ) -> Answer:
        """Evaluate a query, over these graphs when some are named."""
        ...

    def __len__(self) -> int:
        """Count the triples."""
        ...

    def __hash__(self) -> int:
        """Tell one from another."""
        ...


class Store:
    """Answers queries; nothing can be written into it.

    ``version`` changes whenever the data do, so that caches can be bound to it.
    """

    def __init__(self, engine: Engine, version: str, triples: int | None = None) -> None:
        """Take a filled engine; ``triples`` says how many it holds where its graphs overlap."""
        self._engine = engine
        self.version = version
        self._triples = len(engine) if triples is None else triples

    @classmethod
    def open(cls, build: Path) -> Store:
        """Open a build: its default graph and its named graphs.

        Raises BuildMissingError when there is no build or when it was cut off half-way.
        """
        try:
            return cls._open(build)
        except BuildMissingError:
            return cls._open(build)  # a new build may have taken the place of the one that was half read

    @classmethod
    def _open(cls, build: Path) -> Store:
        sums = _checksums(build)
        engine = Engine()
        triples = 0
        for name in _LOADED:
            content = _content(build / name)
            if hashlib.sha256(content).hexdigest() != sums.get(name):
                raise BuildMissingError(
                    f"{build / name} is not what {_CHECKSUMS} says", "run `her2kg build` again"
                )
            engine.add_file(build / name)
            # The named graphs hold the triples of the default graph again: those are not counted twice.
            triples = triples or len(engine)
        return cls(engine, sums["her2kg.nq"], triples)

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> Store:
        """Open RDF files as they are; their default graph is the default graph of a query.

        Raises InputError with file, line and column when one does not parse.
        """
        engine = Engine()
        seal = hashlib.sha256()
        for path in paths:
            engine.add_file(path)
            seal.update(path.read_bytes())
        return cls(engine, seal.hexdigest())

    def query(
        self, text: str, default_graphs: Sequence[str] = (), named_graphs: Sequence[str] = ()
    ) -> Answer:
        """Evaluate a query, over these graphs when some are named; raises QueryError with line and column."""
        faster = rewritten(text)
        if faster != text:
            with contextlib.suppress(QueryError):  # whose place would be that in the other text
                return self._engine.query(faster, default_graphs, named_graphs)
        return self._engine.query(text, default_graphs, named_graphs)

    def statements(self) -> Iterator[Statement]:
        """Give every triple with the graph that holds it."""
        return self._engine.statements()

    def __len__(self) -> int:
        """Count the triples: of the default graph of a build, of all graphs of other files."""
        return self._triples


def _checksums(build: Path) -> dict[str, str]:
    if build.is_file():
        raise BuildMissingError(f"{build} is a file", "give the folder of a build, or take it away")
    lines = _content(build / _CHECKSUMS).decode("ascii", "replace").splitlines()
    return {name: value for value, _, name in (line.partition("  ") for line in lines)}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BuildMissingError(f"{path} is missing", "run `her2kg build` first") from error
    except OSError as error:
        raise BuildMissingError(f"{path}: {error.strerror}", "make it readable") from error
