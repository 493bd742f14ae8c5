"""The audit of what is installed finds what it is there for, and does not take silence for safety."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.metadata import PathDistribution, distributions
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    return module


def installed(folder: Path, name: str, version: str, metadata: str = "", **files: str) -> PathDistribution:
    """Make the metadata of an installed distribution."""
    made = folder / f"{name}-{version}.dist-info"
    made.mkdir()
    text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}"
    for file, content in {"METADATA": text, **files}.items():
        (made / file.replace("__", ".")).write_text(content, encoding="utf-8")
    return PathDistribution(made)


def test_what_is_not_pinned_as_installed_is_named(audit: Any, tmp_path: Path) -> None:
    found = [installed(tmp_path, name, "1.0") for name in ("Right.Name", "other", "nowhere", "pip", "her2kg")]
    assert list(audit.unpinned(found, audit.pins("# pins\nright-name==1.0\nother==2.0\n"))) == [
        "other 1.0 is installed, pinned is 2.0",
        "nowhere 1.0 is installed, constraints.txt does not pin it",
    ]


def test_what_comes_from_no_published_wheel_is_named(audit: Any, tmp_path: Path) -> None:
    pure = "Tag: py3-none-any\n"
    found = [
        installed(tmp_path, "pure", "1", WHEEL=pure),
        installed(tmp_path, "binary", "1", WHEEL="Tag: cp311-cp311-manylinux_2_17_x86_64\n"),
        installed(tmp_path, "owlready2", "1", WHEEL="Tag: cp311-cp311-linux_x86_64\n"),
        installed(tmp_path, "built", "1", WHEEL="Tag: cp311-cp311-linux_x86_64\n"),
        installed(tmp_path, "old", "1"),
        installed(tmp_path, "local", "1", WHEEL=pure, direct_url__json="{}"),
    ]
    assert list(audit.built_here(found)) == [
        "built was built here from its source",
        "old is not installed from a wheel",
        "local comes from an address of its own",
    ]


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("License-Expression: MIT\n", True),
        ("License-Expression: MIT AND (GPL-3.0-only OR Apache-2.0)\n", True),
        ("License-Expression: MIT AND GPL-3.0-only\n", False),
        ("Classifier: License :: OSI Approved :: BSD License\n", True),
        ("License: GPL\nClassifier: License :: OSI Approved :: MIT License\n", True),
        ("Classifier: License :: OSI Approved\nLicense: W3C-20150513\n", True),
        ("License: as you like it\n", False),
        ("", False),
    ],
)
def test_only_what_is_needed_to_run_must_have_a_licence_of_the_list(
    audit: Any, tmp_path: Path, said: str, *, known: bool
) -> None:
    found = {
        "her2kg": installed(
            tmp_path, "her2kg", "1", "Requires-Dist: a>=1\nRequires-Dist: d; extra == 'dev'\n"
        ),
        "a": installed(
            tmp_path, "a", "1", "License-Expression: MIT\nRequires-Dist: B\nRequires-Dist: absent\n"
        ),
        "b": installed(tmp_path, "b", "1", said),
        "d": installed(tmp_path, "d", "1", "License-Expression: GPL-3.0-only\n"),
    }
    assert audit.runtime(found) == {"a", "b"}
    faults = list(audit.unlicensed(found))
    assert [fault.partition(":")[0] for fault in faults] == ([] if known else ["b"])


def test_what_is_needed_to_run_has_a_licence_of_the_list(audit: Any) -> None:
    found = {audit.canonical(one.name): one for one in distributions()}
    assert {"flask", "rdflib", "owlready2", "pyoxigraph"} <= audit.runtime(found)
    assert list(audit.unlicensed(found)) == []


def test_a_report_that_looked_at_nothing_is_no_clean_one(audit: Any) -> None:
    skipped = {"name": "a", "skip_reason": "not found"}
    clean = {"name": "b", "version": "1", "vulns": []}
    broken = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1"}]}
    assert audit.told("") is None
    assert audit.told(json.dumps({"dependencies": [skipped]})) is None
    assert audit.told(json.dumps({"dependencies": [skipped, clean]})) == ([], ["a"])
    assert audit.told(json.dumps({"dependencies": [broken, clean]})) == (["c 2: CVE-1"], [])
