"""Start the processes that evaluate queries over a build, over files, or over nothing.

``python -m her2kg.answer.processes N`` is the parent of the workers: it reads what to load from the socket
with the number N.
"""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from her2kg.answer.opening import open_build
from her2kg.sparql.engine import Engine
from her2kg.sparql.pool import EXPLAIN, Pool
from her2kg.sparql.store import Store
from her2kg.sparql.worker import Limits, receive, run_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_COMMAND = (sys.executable, "-m", "her2kg.answer.processes")


def pool_of_build(
    build: Path,
    limits: Limits,
    home: Path | None = None,
    give_up: Callable[[], object] = lambda: None,
) -> Pool:
    """Start workers over a build; opening the pool raises BuildMissingError.

    The prefixes of ``home`` shorten Turtle. ``give_up`` is called when no query can be answered any more.
    """
    return _pool({"build": str(build.absolute())}, limits, home, give_up)


def pool_of_files(
    files: Sequence[Path],
    limits: Limits,
    home: Path | None = None,
    give_up: Callable[[], object] = lambda: None,
) -> Pool:
    """Start workers over RDF files, also none; opening the pool raises InputError with file and line."""
    return _pool({"files": [str(file) for file in files]}, limits, home, give_up)


def _pool(
    data: Mapping[str, Any],
    limits: Limits,
    home: Path | None,
    give_up: Callable[[], object],
) -> Pool:
    config = {**data, "limits": asdict(limits), "home": str(home) if home else ""}
    return Pool(_COMMAND, config, limits, give_up)


def _opened(config: Mapping[str, Any]) -> Store:
    if "build" in config:
        return open_build(Path(config["build"]))
    if not config["files"]:
        return Store(Engine(), "nothing")
    return Store.of_files([Path(file) for file in config["files"]])


def _explained(store: Store, text: str, default: Sequence[str], named: Sequence[str]) -> list[dict[str, str]]:
    from her2kg.answer.explanation import explain  # noqa: PLC0415 - see `main`

    return [finding._asdict() for finding in explain(store, text, default, named)]


def main() -> None:
    """Be the parent of the workers."""
    # What only the parent needs is imported here, so that starting it costs the web process nothing.
    from her2kg.answer.explanation import prepare  # noqa: PLC0415
    from her2kg.model.namespaces import prefixes  # noqa: PLC0415

    control = socket.socket(fileno=int(sys.argv[1]))
    config = json.loads(receive(control)[1])
    prepare()  # the workers cannot read files
    limits = Limits(**config["limits"])
    names = prefixes(Path(config["home"])) if config["home"] else {}
    run_parent(lambda: _opened(config), control, limits, names, {EXPLAIN: _explained})


if __name__ == "__main__":
    main()
