"""Open a build folder as a store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from her2kg.errors import BuildMissingError
from her2kg.model.layout import CHECKSUMS, DATASET, DEFAULT_GRAPH
from her2kg.sparql.engine import Engine
from her2kg.sparql.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def open_build(build: Path) -> Store:
    """Open a build: its default graph and its named graphs.

    Raises BuildMissingError when there is no build, or when one of its files is not what its checksum says.
    """
    try:
        return _open(build)
    except BuildMissingError:
        return _open(build)  # a new build may have replaced the one that was half read


def _open(build: Path) -> Store:
    sums = _checksums(build)
    engine = Engine()
    triples = 0
    for name in (DEFAULT_GRAPH, DATASET):
        content = _content(build / name)
        if hashlib.sha256(content).hexdigest() != sums.get(name):
            raise BuildMissingError(
                f"{build / name} is not what {CHECKSUMS} says", "run `her2kg build` again"
            )
        engine.add_file(build / name)
        # The named graphs repeat the triples of the default graph: count those once.
        triples = triples or len(engine)
    return Store(engine, sums[DATASET], triples)


def _checksums(build: Path) -> dict[str, str]:
    if build.is_file():
        raise BuildMissingError(f"{build} is a file", "give the folder of a build, or take it away")
    lines = _content(build / CHECKSUMS).decode("ascii", "replace").splitlines()
    return {name: value for value, _, name in (line.partition("  ") for line in lines)}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BuildMissingError(f"{path} is missing", "run `her2kg build` first") from error
    except OSError as error:
        raise BuildMissingError(f"{path}: {error.strerror}", "make it readable") from error
