"""Measure the service on a mix of queries that people send, beside its peers.

Run by ``make bench``. The peers are the native server of the engine, rdflib's endpoint, and rdflib itself in
this process where that is faster. All hold the same triples, keep no answers, and take turns under the same
load, so that the ratios say something where the figures of a busy machine do not. Two checkouts are compared
by ``--ours COMMAND --against COMMAND``, where a command is all that starts one, such as
``env -u PYTHONPATH /there/.venv/bin/python -m her2kg serve``. Needs ``wrk``; what is missing is reported.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import servers
from bench.forms import ROOT, read_forms
from bench.measuring import CLIENTS, Checker, Figures, Load, Plan, Rdflib, endpoint_seconds, measure


def _mean(values: list[float]) -> float:
    return statistics.geometric_mean(values) if all(values) else 0.0


def report(measured: list[Figures], peers: list[str]) -> None:
    """Print the table, the geometric means and the lowest form."""
    heads = [f"x {peer}, {clients}" for peer in peers for clients in CLIENTS] + ["x rdflib"]
    print(f"{'form':<16}{'rows':>8}{'ms':>9}" + "".join(f"{head:>16}" for head in heads))
    columns: list[list[float]] = [[] for _ in heads]
    for found in measured:
        ratios = [found.ratio(peer, clients) for peer in peers for clients in CLIENTS]
        own = found.milliseconds("her2kg")
        if found.rdflib is not None:
            ratios.append(found.rdflib * 1000 / own)
        for column, ratio in zip(columns, ratios, strict=False):
            column.append(ratio)
        print(f"{found.form.name:<16}{found.rows:>8.1f}{own:>9.2f}" + "".join(f"{r:>16.2f}" for r in ratios))
    own = _mean([found.milliseconds("her2kg") for found in measured])
    means = "".join(f"{_mean(column):>16.2f}" for column in columns if column)
    print(f"{'geometric mean':<16}{'':>8}{own:>9.2f}{means}")
    for head, column in zip(heads, columns, strict=True):
        if column:
            low = min(range(len(column)), key=column.__getitem__)
            print(f"lowest {head}: {measured[low].form.name} {column[low]:.2f}")
    for found in measured:
        for name, refused in found.refused.items():
            if refused:
                print(f"refused: {refused} requests of form {found.form.name} by {name}")


def deadlines(command: list[str], build: Path, rounds: int) -> None:
    """Print how long after its deadline a query is ended."""
    slow = {
        "product": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
        "path": "SELECT (COUNT(*) AS ?n) { ?a (<urn:p>|!<urn:p>)* ?b . ?b (<urn:p>|!<urn:p>)* ?c }",
        "regular expression": (
            "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f "
            'FILTER(REGEX(CONCAT(STR(?a), STR(?f)), "(x+x+)+y")) }'
        ),
    }
    with servers.running(servers.her2kg("her2kg", command, build, "--query-seconds", "2")) as server:
        for name, query in slow.items():
            over = []
            for _ in range(rounds):
                begun = time.perf_counter()
                with contextlib.suppress(http.client.HTTPException):
                    server.ask(query)
                over.append(time.perf_counter() - begun - 2)
            print(f"deadline overshoot, {name}: {statistics.median(over):.2f} s, at most {max(over):.2f} s")


def start_and_memory(command: list[str], build: Path, rounds: int) -> None:
    """Print the time to the first answer, and the memory of a service that nobody used yet."""
    times, memory, processes = [], 0.0, 0
    for _ in range(rounds):
        begun = time.perf_counter()
        with servers.running(servers.her2kg("her2kg", command, build)) as server:
            times.append(time.perf_counter() - begun)
            time.sleep(1)  # what is begun after the first answer is counted too
            memory, processes = server.memory()
    print(f"first answer after start: {statistics.median(times):.2f} s")
    print(f"memory at rest: {memory:.0f} MB (Pss of {processes} processes)")


def _read_arguments() -> argparse.Namespace:
    own = shlex.join([sys.executable, "-m", "her2kg", "serve"])
    parser = argparse.ArgumentParser(prog="bench.service", description="Measure the service on the mix.")
    parser.add_argument("forms", nargs="*", help="forms of the mix (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (default: 3)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of a slice (default: 2)")
    parser.add_argument(
        "--ours", default=own, help="command that starts the service (default: this checkout)"
    )
    parser.add_argument("--against", help="command that starts another checkout to compare with")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder of the built graph")
    parser.add_argument("--mix-only", action="store_true", help="neither deadlines nor start and memory")
    parser.add_argument("--no-rdflib", action="store_true", help="without rdflib and its endpoint")
    parser.add_argument(
        "--fresh", action="store_true", help="start ours again before each load of 16 clients"
    )
    return parser.parse_args()


def _measure_mix(given: argparse.Namespace, command: list[str], build: Path) -> None:
    data = build / "her2kg.nt"
    forms = read_forms(data, tuple(given.forms))
    with contextlib.ExitStack() as stack:
        load = Load(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        engines = [
            stack.enter_context(servers.running(servers.her2kg(name, words, build, "--cache-bytes", "0")))
            for name, words in (("her2kg", command), ("against", shlex.split(given.against or "")))
            if words
        ]
        endpoint = None
        try:
            engines.append(stack.enter_context(servers.oxigraph(data)))
            if not given.no_rdflib:
                endpoint = stack.enter_context(servers.rdflib_endpoint(data))
        except FileNotFoundError as error:
            print(f"not measured: {error}")
        rdflib = None if given.no_rdflib else Rdflib(data)
        checker, measured = Checker(engines, endpoint), []
        for form in forms:
            print(f"measuring {form.name}", file=sys.stderr)
            found = measure(form, engines, checker, load, Plan(given.rounds, given.seconds, given.fresh))
            times = [rdflib.seconds(form)] if rdflib else []
            times += [endpoint_seconds(endpoint, form)] if endpoint else []
            found.rdflib = min((seconds for seconds in times if seconds is not None), default=None)
            measured.append(found)
        report(measured, [server.name for server in engines[1:]])
        print("memory after the mix: {:.0f} MB (Pss of {} processes)".format(*engines[0].memory()))
        for server in engines:
            if server.restarts:
                print(f"{server.name} did not answer {server.restarts} times and was started again")


def main() -> None:
    """Print every figure."""
    given = _read_arguments()
    command, build = shlex.split(given.ours), given.build.resolve()
    begun = time.perf_counter()
    try:
        _measure_mix(given, command, build)
    except FileNotFoundError as error:
        sys.exit(f"{error}; install it (Debian: apt-get install wrk), or build the graph first")
    except ValueError as error:
        sys.exit(str(error))
    if not given.mix_only:
        start_and_memory(command, build, given.rounds)
        deadlines(command, build, given.rounds)
    print(f"all of this took {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
