"""Servers that are measured side by side: how each is started, queried over HTTP, and ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from bench.forms import ROOT, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

PEERS = ROOT / ".bench" / "bin"
#: Seconds that a server may take to start, and to answer the shortest query while it is well.
_START, _WELL = 300, 5


class Answer(NamedTuple):
    """An answer: seconds until its last byte, its bytes and their media type."""

    seconds: float
    content: bytes
    media_type: str


@dataclass
class Server:
    """A server under a name: the command that starts it, where it is queried, and its process."""

    name: str
    command: list[str]
    port: int
    endpoint: str
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0

    def start(self) -> None:
        """Start the server and wait until it answers; raises TimeoutError when it does not."""
        quiet = subprocess.DEVNULL
        environ = {**os.environ, **self.environ}
        self.process = subprocess.Popen(self.command, stdout=quiet, stderr=quiet, env=environ)
        deadline = time.monotonic() + _START
        while not self.well():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"{self.name} does not answer; its command: {' '.join(self.command)}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End the server; one that does not end within ten seconds is killed."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def well(self) -> bool:
        """Say whether the server answers the shortest query."""
        try:
            self.ask("ASK {}", timeout=_WELL)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def heal(self) -> None:
        """Start the server again if it does not answer."""
        if not self.well():
            self.again()
            self.restarts += 1

    def again(self) -> None:
        """End the server and start it again."""
        self.stop()
        self.start()

    def ask(self, query: str, accept: str = TABLE, timeout: float = _START) -> Answer:
        """Post a query over a connection of its own; raises OSError, or HTTPException for a refusal."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as link:
            return self.ask_over(link, query, accept)

    def ask_over(self, link: http.client.HTTPConnection, query: str, accept: str) -> Answer:
        """Post a query over a connection that is kept."""
        begun = time.perf_counter()
        headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
        link.request("POST", self.endpoint, urlencode({"query": query}), headers)
        response = link.getresponse()
        content = response.read()
        seconds = time.perf_counter() - begun
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"{self.name}: {response.status} {content[:300]!r}")
        return Answer(seconds, content, response.headers.get("Content-Type", ""))

    def memory(self) -> tuple[float, int]:
        """Give the memory of all processes in MB, shared pages counted once (Pss), and their number."""
        assert self.process is not None  # noqa: S101 - a server that runs
        processes, total = [self.process.pid], 0.0
        for process in processes:
            for task in Path(f"/proc/{process}/task").iterdir():
                processes += map(int, (task / "children").read_text().split())
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += int(re.findall(r"^Pss: +(\d+) kB", text, re.MULTILINE)[0]) / 1024
        return total, len(processes)


def free_port() -> int:
    """Find a port that nobody listens on, below those that the system gives to others meanwhile."""
    while True:
        port = random.randrange(20_000, 30_000)  # noqa: S311 - two runs must not choose alike
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def program(name: str) -> str:
    """Find a program; raises FileNotFoundError when it is missing."""
    found = shutil.which(name, path=f"{PEERS}:{os.environ['PATH']}")
    if found is None:
        raise FileNotFoundError(f"{name} is missing")
    return found


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server, and end it afterwards."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def her2kg(name: str, command: list[str], build: Path, *words: str) -> Server:
    """Give our service over a build, as a command starts it; ``words`` are flags of it."""
    port = free_port()
    return Server(
        name, [*command, "--port", str(port), *words], port, "/sparql", {"HER2KG_BUILD": str(build)}
    )


@contextlib.contextmanager
def oxigraph(data: Path) -> Iterator[Server]:
    """Run the native server of the engine over a file."""
    port, found = free_port(), program("oxigraph")
    with tempfile.TemporaryDirectory() as folder:
        for words in (
            ["load", "--location", folder, "--file", str(data)],
            ["optimize", "--location", folder],
        ):
            subprocess.run([found, *words], check=True, capture_output=True)
        command = [found, "serve-read-only", "--location", folder, "--bind", f"127.0.0.1:{port}"]
        with running(Server("oxigraph", command, port, "/query")) as server:
            yield server


@contextlib.contextmanager
def rdflib_endpoint(data: Path) -> Iterator[Server]:
    """Run rdflib's endpoint over a file."""
    port = free_port()
    command = [program("rdflib-endpoint"), "serve", str(data), "--host", "127.0.0.1", "--port", str(port)]
    with running(Server("rdflib-endpoint", command, port, "/")) as server:
        yield server
