"""The README says what is true: its commands run, its answer is the answer, its tables equal the code."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from click.testing import CliRunner

from her2kg.cli import main
from her2kg.model.queries import question_names
from her2kg.settings import SETTINGS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    (her2kg [^#\n]+?)\s*(?:#.*)?$", re.MULTILINE)


def test_answer_in_the_readme_is_the_answer(built: Path) -> None:
    found = re.search(r"```console\n\$ her2kg (query - [^<]+)<< END\n(.*?)\nEND\n(.*?)```", README, re.DOTALL)
    assert found is not None
    arguments, text, answer = found.groups()
    result = CliRunner().invoke(main, arguments.split(), input=text, env={"HER2KG_BUILD": str(built)})
    assert result.exit_code == 0
    assert result.stdout.replace("\r\n", "\n") == answer


def test_questions_and_notations_of_the_readme_have_answers(built: Path) -> None:
    commands = [shlex.split(line)[1:] for line in COMMAND.findall(README)]
    asked = [command for command in commands if command[0] in {"query", "match"}]
    assert len(asked) >= 5
    for command in asked:
        result = CliRunner().invoke(main, command, env={"HER2KG_BUILD": str(built)})
        assert result.exit_code == 0, command
        assert len(result.stdout.splitlines()) > 1, command


def test_every_command_of_the_readme_is_a_verb_or_a_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make ([a-z-]+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target
    for line in COMMAND.findall(README):
        assert shlex.split(line)[1] in main.commands, line


def test_every_question_stands_in_the_readme() -> None:
    for name in question_names(ROOT):
        assert re.search(rf"`{name}`|query {name}\b", README), name


def test_settings_table_equals_the_settings() -> None:
    rows = re.findall(r"^\| `(HER2KG_\w+)` \|(?: `([^`]*)`)? \| (.*) \|$", README, re.MULTILINE)
    assert [(name, default.strip(), said) for name, default, said in rows] == [
        (setting.variable, setting.default, setting.help) for setting in SETTINGS
    ]


def test_verbs_of_the_contract_are_there() -> None:
    verbs = {"build", "check", "format", "validate", "query", "match", "diff", "serve", "load", "info"}
    assert verbs <= set(main.commands)
