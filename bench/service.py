"""Measure the service against its peers: the native server of the engine, and rdflib's endpoint.

Run by ``make bench``. All servers hold the same triples and take turns under the same load on the same
machine, so that the ratios tell something where the figures do not. Needs ``wrk``; what is missing is said.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".bench" / "bin"
ROUNDS, SECONDS = 5, 4
JSON = "application/sparql-results+json"


@dataclass(frozen=True)
class Server:
    """A server that runs: where it is asked, and its process."""

    name: str
    port: int
    endpoint: str
    process: subprocess.Popen[bytes]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{PEERS}:{os.environ['PATH']}")
    if found is None:
        raise FileNotFoundError(f"{name} is missing")
    return found


@contextlib.contextmanager
def _started(name: str, endpoint: str, port: int, *command: str, **environ: str) -> Iterator[Server]:
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environ}
    ) as process:
        server = Server(name, port, endpoint, process)
        try:
            deadline = time.monotonic() + 300
            while True:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    ask(server, "ASK {}")
                    break
                if time.monotonic() > deadline or process.poll() is not None:
                    raise TimeoutError(f"{name} does not answer")
                time.sleep(0.01)
            yield server
        finally:
            process.terminate()


@contextlib.contextmanager
def her2kg(*words: str, **environ: str) -> Iterator[Server]:
    """Start our service."""
    port = _free_port()
    command = [sys.executable, "-m", "her2kg", "serve", "--port", str(port), *words]
    with _started("her2kg", "/sparql", port, *command, **environ) as server:
        yield server


@contextlib.contextmanager
def oxigraph(data: Path) -> Iterator[Server]:
    """Start the native server over a file."""
    port, program = _free_port(), _program("oxigraph")
    with tempfile.TemporaryDirectory() as folder:
        for words in (
            ["load", "--location", folder, "--file", str(data)],
            ["optimize", "--location", folder],
        ):
            subprocess.run([program, *words], check=True, capture_output=True)
        command = [program, "serve-read-only", "--location", folder, "--bind", f"127.0.0.1:{port}"]
        with _started("oxigraph", "/query", port, *command) as server:
            yield server


@contextlib.contextmanager
def rdflib_endpoint(data: Path) -> Iterator[Server]:
    """Start rdflib's endpoint over a file."""
    port = _free_port()
    command = [_program("rdflib-endpoint"), "serve", str(data), "--host", "127.0.0.1", "--port", str(port)]
    with _started("rdflib-endpoint", "/", port, *command) as server:
        yield server


def ask(server: Server, query: str) -> tuple[float, bytes]:
    """Post a query; give the seconds until its last byte, and the answer."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        begun = time.perf_counter()
        headers = {"Accept": JSON, "Content-Type": "application/x-www-form-urlencoded"}
        link.request("POST", server.endpoint, urlencode({"query": query}), headers)
        response = link.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"{server.name}: {response.status} {content[:200]!r}")
        return time.perf_counter() - begun, content
    finally:
        link.close()


def rate(server: Server, clients: int, points: Path) -> float:
    """Give the requests a second for so many clients, each asking for one thing after another."""
    command = ["-t1", f"-c{clients}", f"-d{SECONDS}s", "-s", str(ROOT / "bench" / "point.lua")]
    done = subprocess.run(
        [_program("wrk"), *command, f"http://127.0.0.1:{server.port}"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "ENDPOINT": server.endpoint, "POINTS": str(points)},
    )
    if "Non-2xx" in done.stdout:
        raise http.client.HTTPException(f"{server.name}: {done.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found[1]) if found else 0.0


def _points(data: Path, target: Path) -> None:
    """Write a query for each thing, in an order that is the same for all."""
    things = dict.fromkeys(re.findall(r"^<([^>]+)>", data.read_text(encoding="utf-8"), re.MULTILINE))
    lines = [quote(f"SELECT ?p ?o WHERE {{ <{thing}> ?p ?o }}", safe="") for thing in sorted(things)]
    target.write_text("\n".join(lines[::7] + lines[1::7] + lines[2::7]) + "\n")


def _memory(server: Server) -> tuple[int, int]:
    """Give the resident memory of all processes of a server in MB, shared pages counted once, and always."""
    processes, shared, single = [server.process.pid], 0.0, 0.0
    for process in processes:
        processes += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        sizes = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
        shared, single = shared + sizes["Pss"] / 1024, single + sizes["Rss"] / 1024
    return round(shared), round(single)


def _point_queries(servers: list[Server], points: Path) -> None:
    for clients in (1, 16):
        rates: dict[str, list[float]] = {server.name: [] for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                rates[server.name].append(rate(server, clients, points))
        ours = rates["her2kg"]
        print(f"point queries, {clients} clients: {statistics.median(ours):,.0f} requests/s")
        for name, theirs in rates.items():
            if name != "her2kg":
                ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
                rounds = ", ".join(f"{ratio:.2f}" for ratio in ratios)
                print(
                    f"  {statistics.median(ratios):.2f} x {name} "
                    f"({statistics.median(theirs):,.0f} requests/s; rounds {rounds})"
                )


def _heavy_queries(ours: Server, native: Server, again: Server) -> None:
    queries = {
        path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "bench" / "queries").glob("*.rq")
    }
    queries["report"] = (ROOT / "queries" / "questions" / "claims.rq").read_text(encoding="utf-8")
    for name, query in sorted(queries.items()):
        times: dict[str, list[float]] = {"ours": [], "native": [], "again": []}
        answers = {len(ask(server, query)[1]) for server in (ours, again)}
        for _ in range(ROUNDS * 4):
            for key, server in (("ours", ours), ("native", native), ("again", again)):
                times[key].append(ask(server, query)[0] * 1000)
        own, theirs, kept = (statistics.median(times[key]) for key in ("ours", "native", "again"))
        print(
            f"heavy query {name}: her2kg {own:.1f} ms = {own / theirs:.2f} x oxigraph ({theirs:.1f} ms); "
            f"repeated {kept:.1f} ms = {kept / theirs:.2f} x; {max(answers):,} bytes"
        )


def _deadlines() -> None:
    slow = {
        "product": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
        "path": "SELECT (COUNT(*) AS ?n) { ?a (<urn:p>|!<urn:p>)* ?b . ?b (<urn:p>|!<urn:p>)* ?c }",
        "regular expression": (
            "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f "
            'FILTER(REGEX(CONCAT(STR(?a), STR(?f)), "(x+x+)+y")) }'
        ),
    }
    with her2kg("--query-seconds", "2") as server:
        for name, query in slow.items():
            over = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                with contextlib.suppress(http.client.HTTPException):
                    ask(server, query)
                over.append(time.perf_counter() - begun - 2)
            print(f"deadline overshoot, {name}: {statistics.median(over):.2f} s, at most {max(over):.2f} s")


def _start() -> None:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with her2kg():
            times.append(time.perf_counter() - begun)
    print(f"first answer after start: {statistics.median(times):.2f} s")


def main() -> None:
    """Print every figure."""
    data = ROOT / "build" / "her2kg.nt"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        points = Path(folder) / "points"
        _points(data, points)
        ours = servers.enter_context(her2kg("--cache-bytes", "0"))
        running = [ours]
        for make in (oxigraph, rdflib_endpoint):
            try:
                running.append(servers.enter_context(make(data)))
            except FileNotFoundError as error:
                print(f"not measured: {error}")
        _point_queries(running, points)
        print("resident memory, her2kg: {} MB, shared pages counted once ({} MB else)".format(*_memory(ours)))
        if len(running) > 1:
            again = servers.enter_context(her2kg())
            _heavy_queries(ours, running[1], again)
    _start()
    _deadlines()


if __name__ == "__main__":
    main()
