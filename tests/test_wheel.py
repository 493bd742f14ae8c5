"""The wheel: installed elsewhere, without the source tree, it answers from the graph that it carries."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the wheel as `make wheel` does, in a copy of the tree and with the graph that was built."""
    copy = tmp_path_factory.mktemp("wheel") / "tree"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-DATA", "Makefile", "constraints.txt"):
        shutil.copy(ROOT / name, copy)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("src", "queries", "ontology"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copytree(built, copy / "build")
    # The environment stands ready: the recipe's own `her2kg build` finds a build that stays as it is.
    binaries = copy / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "her2kg").write_text("#!/bin/sh\n")
    (binaries / "python").write_text(
        f'#!/bin/sh\nshift 2\nexec "{sys.executable}" -m build --no-isolation "$@"\n'
    )
    for program in ("her2kg", "python"):
        (binaries / program).chmod(0o755)
    (copy / ".venv" / ".installed").write_text("")
    subprocess.run(["make", "wheel"], cwd=copy, check=True, capture_output=True, timeout=300)
    (made,) = (copy / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a new environment that sees the libraries of this one, and give its folder."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    # Installed by the new interpreter's own name, so that the script starts that one and no other.
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin" / "python"),
        "--disable-pip-version-check",
    ]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, timeout=120
    )
    # A plain path line adds the libraries after the installed package and runs none of their .pth files,
    # so the editable install of the source tree is not seen.
    (site / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("HER2KG_", "PYTHON"))}


def _run(elsewhere: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=elsewhere, env=_environ(), capture_output=True, text=True, check=True, timeout=120
    )


def test_the_wheel_carries_the_graph_the_questions_and_the_licences(wheel: Path, built: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("her2kg/bundle/build/her2kg.nq") == (built / "her2kg.nq").read_bytes()
    assert "her2kg/bundle/queries/questions/drugs.rq" in names
    assert "her2kg/bundle/ontology/prefixes.ttl" in names
    assert "her2kg/service/templates/home.html" in names
    assert "her2kg/service/static/her2kg.css" in names
    assert "her2kg/py.typed" in names
    assert any(name.endswith("LICENSE-DATA") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "data/")) or "__pycache__" in name]


def test_the_package_that_runs_is_the_installed_one(elsewhere: Path) -> None:
    done = _run(elsewhere, str(elsewhere / "bin" / "python"), "-c", "import her2kg; print(her2kg.__file__)")
    assert done.stdout.startswith(str(elsewhere))


def test_a_question_is_answered_outside_the_source_tree(elsewhere: Path) -> None:
    done = _run(elsewhere, str(elsewhere / "bin" / "her2kg"), "query", "drugs")
    assert "afatinib" in {row["drug"] for row in csv.DictReader(io.StringIO(done.stdout))}


def test_the_server_answers_outside_the_source_tree(elsewhere: Path) -> None:
    command = [str(elsewhere / "bin" / "her2kg"), "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=elsewhere, env=_environ(), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"http://\S+?/(?= )", process.stderr.readline())
            assert found
            for path in (
                "",
                "questions/drugs.csv",
                "sparql?query=ASK+%7B+%3Fs+%3Fp+%3Fo+%7D",
                "static/her2kg.css",
            ):
                with urlopen(f"{found[0]}{path}", timeout=30) as response:
                    assert response.status == 200
        finally:
            process.terminate()
