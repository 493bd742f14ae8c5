"""Measure what rewriting an anti-join is worth: claims that nothing contradicts, over a million triples.

The question stands in ``uncontradicted.rq`` as anybody would write it, with FILTER NOT EXISTS. It is asked so
of the native server of the engine (`oxigraph` of the package of that name, where it is installed), then
rewritten, and as it stands of `her2kg serve`, which rewrites it by itself. The answers must be the same.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.planting import plant, scale  # noqa: E402

from her2kg.graph import build  # noqa: E402
from her2kg.graph.read import tables  # noqa: E402
from her2kg.sparql.rewriting import rewritten  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = Path(__file__).with_name("uncontradicted.rq")
TRIPLES = 1_000_000
RUNS = 5
#: A form that takes longer than this many seconds is asked once.
PATIENCE = 20.0
_DEADLINE = 600


def ask(endpoint: str, query: str) -> tuple[float, list[str]]:
    """Give the seconds that an endpoint takes and the rows, sorted."""
    headers = {"Content-Type": "application/sparql-query", "Accept": "text/tab-separated-values"}
    request = urllib.request.Request(endpoint, query.encode(), headers)  # noqa: S310 - our own server
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=_DEADLINE) as answer:  # noqa: S310
        content = answer.read()
    return time.perf_counter() - start, sorted(content.decode().splitlines()[1:])


def measure(endpoint: str, query: str) -> tuple[float, int, list[str]]:
    """Give the median of the seconds, how often it was asked, and the rows."""
    seconds, rows = ask(endpoint, query)
    times = [seconds]
    while times[0] <= PATIENCE and len(times) < RUNS:
        seconds, again = ask(endpoint, query)
        if again != rows:
            raise RuntimeError(f"{endpoint}: the answer changed from one run to the next")
        times.append(seconds)
    return statistics.median(times), len(times), rows


@contextmanager
def _running(command: list[str], **environ: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def native(program: str, data: Path, folder: Path) -> Iterator[str]:
    """Load a file into a store on disk, optimize it, serve it; give the address of its endpoint."""
    store = ["--location", str(folder / "store")]
    for work in (["load", *store, "--file", str(data)], ["optimize", *store]):
        subprocess.run([program, *work], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with _running([program, "serve-read-only", *store, "--bind", address]) as process:
        for _ in range(100):
            try:
                ask(f"http://{address}/query", "ASK {}")
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        if process.poll() is not None:
            raise RuntimeError(f"{program} does not serve")
        yield f"http://{address}/query"


@contextmanager
def ours(data: Path) -> Iterator[str]:
    """Serve a file by `her2kg serve`; give the address of its endpoint."""
    command = [sys.executable, "-m", "her2kg", "serve", "--data", str(data), "--port", "0"]
    with _running(command, HER2KG_QUERY_SECONDS=str(_DEADLINE)) as process:
        said = process.stderr.readline() if process.stderr else ""
        found = re.search(r"http://\S+/sparql", said)
        if found is None:
            raise RuntimeError(said)
        yield found[0]


def bench_contradiction(triples: int = TRIPLES) -> None:
    """Print what the plain and the rewritten form take, and the ratio; or why it is not measured."""
    beside = Path(sys.executable).with_name("oxigraph")
    program = shutil.which("oxigraph") or (str(beside) if beside.exists() else None)
    if program is None:
        print("uncontradicted claims: not measured, `oxigraph` (pip install oxigraph) is not installed")
        return
    plain = QUESTION.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data.nt"
        text = build.read_ontology(ROOT).serialize(format="nt")
        text += scale(plant(tables.read(ROOT / "data"), seed=1).tables, triples, 1)
        data.write_text(text, encoding="utf-8")
        with native(program, data, Path(name)) as endpoint:
            size = ask(endpoint, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")[1][0]
            measured = {
                "NOT EXISTS, native server": measure(endpoint, plain),
                "rewritten, native server": measure(endpoint, rewritten(plain)),
            }
        with ours(data) as endpoint:
            measured["NOT EXISTS, her2kg serve"] = measure(endpoint, plain)
    size = re.sub(r"\D", "", size.split("^^")[0])
    slow, _, rows = next(iter(measured.values()))
    for form, (seconds, runs, found) in measured.items():
        if found != rows:
            raise RuntimeError(f"uncontradicted claims, {form}: another answer")
        often = "asked once" if runs == 1 else f"median of {runs}"
        print(
            f"uncontradicted claims over {int(size):,} triples, {form}: {seconds:.2f} s ({often}), "
            f"{slow / seconds:.0f} x as fast, {len(found):,} rows, all the same"
        )


if __name__ == "__main__":
    bench_contradiction()
