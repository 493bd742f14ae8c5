"""A read-only store: RDF files loaded into memory and queried with SPARQL."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Protocol

from her2kg.errors import QueryError
from her2kg.sparql.engine import Answer, Engine
from her2kg.sparql.rewriting import rewritten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from her2kg.sparql.engine import Statement


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
        self,
        text: str,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        base: str = "",
    ) -> Answer:
        """Evaluate a query, over these graphs when some are named; raises QueryError with line and column.

        Relative IRIs are resolved against ``base``.
        """
        faster = rewritten(text)
        if faster != text:
            with contextlib.suppress(QueryError):  # its line and column would be those of the other text
                return self._engine.query(faster, default_graphs, named_graphs, base)
        return self._engine.query(text, default_graphs, named_graphs, base)

    def statements(self) -> Iterator[Statement]:
        """Give every triple with the graph that holds it."""
        return self._engine.statements()

    def __len__(self) -> int:
        """Count the triples: of the default graph of a build, of all graphs of other files."""
        return self._triples
