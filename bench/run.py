"""Measure what the project promises: the build, a named question from the shell, the rules as data grow.

Run by ``make bench``; prints one line per figure, medians of several runs. The rules are measured on the
planted tables of the tests, copied until there are as many triples as asked for.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rdflib import Graph  # noqa: E402
from tests.planting import plant, scale  # noqa: E402

from bench.contradiction import bench_contradiction  # noqa: E402
from her2kg.graph import build  # noqa: E402
from her2kg.graph.derive import derivation, reasoning  # noqa: E402
from her2kg.graph.make import class_axioms, mapping  # noqa: E402
from her2kg.graph.read import tables  # noqa: E402
from her2kg.model.queries import read_queries  # noqa: E402
from her2kg.model.vocabulary import SCHEMES  # noqa: E402
from her2kg.sparql.engine import Engine, Triples  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
SIZES = (60_000, 125_000, 250_000, 500_000, 1_000_000)


def median_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """Give the median wall time of some runs, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def shell(*arguments: str) -> Callable[[], object]:
    """Give a run of the command line in a process of its own."""
    command = [sys.executable, "-m", "her2kg", *arguments]
    return lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def run_rules(ontology: str, triples: str) -> tuple[int, int, float]:
    """Give the triples, the conflicts found and the seconds that the rules take."""
    engine = Engine()
    engine.add_text(ontology, "application/n-triples")
    engine.add_text(triples, "application/n-triples")
    size, seconds = len(engine), 0.0
    for rule in read_queries(ROOT / "ontology" / "rules"):
        if rule.name < "10":  # what the reasoner needs; its answers are among the triples
            continue
        start = time.perf_counter()
        answer = engine.query(rule.text)
        made = answer.text("application/n-triples") if isinstance(answer, Triples) else b""
        engine.add_text(made.decode(), "application/n-triples")
        seconds += time.perf_counter() - start
    conflicts = engine.text("application/n-triples").count("/ontology#Conflict> .")
    return size, conflicts, seconds


#: What is copied to give the reasoner more entities: all things but terms of vocabularies, and blank nodes.
_COPIED = re.compile(rf"<\S+/id/(?!(?:{'|'.join(SCHEMES)})/)[^>]+(?=>)|_:[A-Za-z0-9]+")


def more_entities(triples: str, copies: int) -> Graph:
    """Give the triples, and beside them copies in which each thing is another one."""
    lines = triples.splitlines()
    copied = [line for line in lines if _COPIED.match(line)]
    more = [_COPIED.sub(rf"\g<0>x{number}", line) for number in range(1, copies) for line in copied]
    return Graph().parse(data="\n".join([*lines, *more]), format="nt")


def run_reasoner(ontology: Graph, entities: Graph) -> tuple[int, int, float]:
    """Give the entities' triples, what is derived and the seconds that it takes, reading included."""
    start = time.perf_counter()
    derived = reasoning.reason(ontology, entities)
    return len(entities), len(derived), time.perf_counter() - start


def bench_reasoner() -> None:
    """Print what the EL reasoner costs as the entities grow."""
    read = tables.read(ROOT / "data")
    axioms = class_axioms.class_axioms(read).serialize(format="nt")
    entities = mapping.map_tables(read).graph
    entities += derivation.derive(
        [build.read_ontology(ROOT), entities],
        [rule for rule in read_queries(ROOT / "ontology" / "rules") if rule.name < "10"],
    )
    text = entities.serialize(format="nt")
    for copies in (1, 10, 100):
        ontology = build.read_ontology(ROOT) + more_entities(axioms, copies)
        size, derived, seconds = run_reasoner(ontology, more_entities(text, copies))
        print(f"EL reasoner, {copies} x the data, {size:,} triples: {seconds:.2f} s, {derived:,} derived")


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "build")
        print(f"build, tables to artefacts: {median_seconds(shell('build', '--out', target), 3):.1f} s")
    shell("build")()
    print(f"named question with start-up: {median_seconds(shell('query', 'drug-response')):.2f} s")
    bench_reasoner()
    bench_contradiction()
    planted = plant(tables.read(ROOT / "data"), seed=1).tables
    ontology = build.read_ontology(ROOT).serialize(format="nt")
    for asked in SIZES:
        text = scale(planted, asked, 1)
        size, conflicts, seconds = min((run_rules(ontology, text) for _ in range(3)), key=lambda run: run[2])
        print(f"rules over {size:,} triples: {seconds:.2f} s, {conflicts:,} conflicts")


if __name__ == "__main__":
    main()
