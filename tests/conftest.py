"""What tests share: the real graph built once, a small home for each test, the facts beside the project."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.opening import open_build
from her2kg.answer.processes import pool_of_build
from her2kg.graph.build import build, infer, read_ontology
from her2kg.graph.make.class_axioms import class_axioms
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.tables import read
from her2kg.sparql.worker import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdflib import Graph

    from her2kg.sparql.pool import Pool
    from her2kg.sparql.store import Store

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "sample"


#: Fixtures that build the whole graph.
_WHOLE = frozenset({"built", "store", "engine"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs the whole graph, through whichever fixture."""
    for item in items:
        if isinstance(item, pytest.Function) and not _WHOLE.isdisjoint(item.fixturenames):
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run an untraced test without the tracer of coverage."""
    if not item.get_closest_marker("untraced"):
        return (yield)
    with _untraced():
        return (yield)


@contextmanager
def _untraced() -> Iterator[None]:
    """Take the tracer of coverage away from this process and from those that it starts."""
    tracer = sys.gettrace()
    measured = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_")}
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
        os.environ.update(measured)


@pytest.fixture(scope="session")
def home() -> Path:
    """Give the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Build the real graph once for all workers and give its folder."""
    base = tmp_path_factory.getbasetemp()
    common = base if worker_id == "master" else base.parent
    with (common / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = common / "real-build"
        if not folder.exists():
            with _untraced():  # builds of the sample are measured
                build(ROOT, folder)
    return folder


@pytest.fixture(scope="session")
def store(built: Path) -> Store:
    """Open the real graph."""
    return open_build(built)


@pytest.fixture(scope="session")
def engine(built: Path) -> Iterator[Pool]:
    """Start the processes that answer from the real graph; a test must not end or change them."""
    with pool_of_build(built, Limits(seconds=10), ROOT) as pool:
        yield pool


def make_sample_home(made: Path) -> Path:
    """Make a home with the sample tables and the real vocabularies, ontology and queries."""
    made.mkdir()
    shutil.copytree(SAMPLE / "data", made / "data")
    shutil.copy(ROOT / "data" / "vocabularies.tsv", made / "data")
    for name in ("ontology", "queries"):
        (made / name).symlink_to(ROOT / name)
    return made


@pytest.fixture
def sample_home(tmp_path: Path) -> Path:
    """Give a home with the sample tables, which the test may spoil."""
    return make_sample_home(tmp_path / "home")


@pytest.fixture(scope="session")
def sample_graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Graph]:
    """Give the named graphs of the sample, which the test must not change."""
    home = make_sample_home(tmp_path_factory.mktemp("sample") / "home")
    tables = read(home / "data")
    asserted = map_tables(tables).graph
    ontology = read_ontology(home) + class_axioms(tables)
    inferred = infer(home, ontology, asserted)
    return {"ontology": ontology, "asserted": asserted, "inferred": inferred}


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder with the review and the verified facts, which a user's clone does not have."""
    folder = Path(os.environ.get("HER2KG_SHARED", ROOT.parent / "shared"))
    if not (folder / "source" / "review.txt").exists():
        pytest.skip("the review and the verified facts are not beside the project")
    return folder


@pytest.fixture(autouse=True)
def _clean_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("HER2KG_") and name not in {"HER2KG_SHARED", "HER2KG_REQUIRE_SYSTEM_PACKAGES"}:
            monkeypatch.delenv(name)


def needs(program: str) -> None:
    """Skip a test whose system package is missing; where CI promises the package, fail instead."""
    if shutil.which(program) is None:
        if os.environ.get("HER2KG_REQUIRE_SYSTEM_PACKAGES"):
            pytest.fail(f"{program} is missing: `make system-packages` should have installed it")
        pytest.skip(f"{program} is missing: `make system-packages` installs it")
