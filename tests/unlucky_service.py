"""A service under test: started over a copy of a build, rebuilt, and ended with all of its processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bystanders import Link, family
from tests.serving import SERVE, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    #: Starts a service with settings.
    Start = Callable[[Mapping[str, str]], AbstractContextManager["Server"]]


@dataclass(frozen=True)
class Server:
    """A service that runs: its port, its process, and the link to the folder of its build."""

    port: int
    process: subprocess.Popen[str]
    build: Path


@dataclass
class Seen:
    """What the unlucky clients met, and what should not have happened to them."""

    met: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def starter(build: Path, command: Sequence[str] = tuple(SERVE)) -> Start:
    """Give what starts a service over a copy of a build, and ends it with all of its processes."""

    @contextmanager
    def start(settings: Mapping[str, str]) -> Iterator[Server]:
        with tempfile.TemporaryDirectory(prefix="unlucky-") as folder:
            link = Path(folder) / "build"
            shutil.copytree(build, Path(folder) / "build-0")
            link.symlink_to(Path(folder) / "build-0")
            with serving(command=command, HER2KG_BUILD=str(link), **settings) as (url, process):
                reader = threading.Thread(target=_drain, args=(process,), daemon=True)
                reader.start()
                try:
                    yield Server(int(url.rsplit(":", 1)[1].strip("/")), process, link)
                finally:
                    end(process)
                    reader.join(5)

    return start


def _drain(process: subprocess.Popen[str]) -> None:
    """Read the log, so that a full pipe holds nothing up."""
    assert process.stderr is not None
    with suppress(ValueError):  # closed meanwhile
        for _ in process.stderr:
            pass


def end(process: subprocess.Popen[str]) -> None:
    """End a service: politely, and after ten seconds by force; none of its processes is left."""
    living = births(family(process.pid))
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    kill(left(living, 2))


def warm(server: Server) -> None:
    """Ask until the first answer, for ten seconds at most."""
    link = Link(server.port)
    over = time.monotonic() + 10
    while link.ask("GET") != "200" and time.monotonic() < over:
        time.sleep(0.1)
    link.close()


def births(processes: Sequence[int]) -> dict[int, str]:
    """Give when each of the processes that live was born, since numbers are used again."""
    return {one: born for one in processes if (born := _born(one))}


def _born(process: int) -> str:
    """Give when a process was born, in ticks since the machine began; nothing when it is dead."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def left(living: Mapping[int, str], within: float) -> list[int]:
    """Give which of the processes still live after so many seconds."""
    over = time.monotonic() + within
    while True:
        found = [one for one, born in living.items() if _born(one) == born]
        if not found or time.monotonic() > over:
            return found
        time.sleep(0.1)


def kill(processes: Sequence[int]) -> None:
    """End processes at once."""
    for one in processes:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def rebuilt(build: Path, number: int) -> Path:
    """Give a new folder of the first build, which has one more triple that names its number."""
    changed = ("her2kg.nt", "her2kg.nq", "checksums.txt")
    old, new = build.with_name("build-0"), build.with_name(f"build-{number}")
    shutil.copytree(old, new, copy_function=os.link, ignore=shutil.ignore_patterns(*changed))
    sums = (old / "checksums.txt").read_text(encoding="utf-8").splitlines()
    triple = f'<urn:unlucky> <urn:build> "{number}"'
    for name, line in (
        ("her2kg.nt", f"{triple} .\n"),
        ("her2kg.nq", f"{triple} .\n{triple} <urn:unlucky:graph> .\n"),
    ):
        content = (old / name).read_bytes() + line.encode()
        (new / name).write_bytes(content)
        seal = hashlib.sha256(content).hexdigest()
        sums = [f"{seal}  {name}" if entry.endswith(f"  {name}") else entry for entry in sums]
    (new / "checksums.txt").write_text("\n".join(sums) + "\n", encoding="utf-8")
    return new


def put_in_place(folder: Path, build: Path) -> None:
    """Let the link of a build lead to another folder, in one step."""
    link = build.with_name("next")
    link.symlink_to(folder)
    link.replace(build)
