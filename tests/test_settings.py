"""Settings: flag before environment before default, and one line for what cannot be used."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from her2kg.errors import SettingError
from her2kg.settings import SETTINGS, Settings
from tests.conftest import ROOT


def test_defaults_hold_when_nothing_is_said() -> None:
    settings = Settings.read({}, {})
    assert (settings.host, settings.port, settings.threads) == ("127.0.0.1", 8080, 8)
    assert settings.home == ROOT
    assert settings.build == ROOT / "build"
    assert settings.source is None


def test_environment_comes_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HER2KG_PORT", "9001")
    monkeypatch.setenv("HER2KG_SOURCE", "review.txt")
    settings = Settings.read()
    assert settings.port == 9001
    assert settings.source == Path("review.txt")


def test_flag_comes_before_the_environment() -> None:
    assert Settings.read({"port": 9000}, {"HER2KG_PORT": "9001"}).port == 9000


def test_flag_that_was_not_given_leaves_the_environment() -> None:
    assert Settings.read({"port": None}, {"HER2KG_PORT": "9001"}).port == 9001


def test_port_0_is_a_port() -> None:
    assert Settings.read({"port": 0}, {"HER2KG_PORT": "9001"}).port == 0


def test_build_lies_in_the_home_unless_said() -> None:
    assert Settings.read({}, {"HER2KG_HOME": "/x"}).build == Path("/x/build")
    assert Settings.read({}, {"HER2KG_HOME": "/x", "HER2KG_BUILD": "/y"}).build == Path("/y")


def test_there_is_always_a_thread() -> None:
    assert Settings.read({}, {"HER2KG_THREADS": "0"}).threads == 1


@pytest.mark.parametrize("text", ["", "x", "-1", "80.5", "65536", "８０", "0x50", " 80", "²"])
def test_port_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.read({}, {"HER2KG_PORT": text})
    assert str(caught.value) == f"port is {text!r}: give a whole number from 0 to 65535"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["threads", "body_limit"])
def test_number_that_is_too_large_is_one_line(name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is '99999999999': give a whole number from 0 to"):
        Settings.read({}, {f"HER2KG_{name.upper()}": "99999999999"})


def test_every_setting_is_in_the_table() -> None:
    assert [setting.name for setting in SETTINGS] == [field.name for field in fields(Settings)]
    assert all(setting.help and setting.variable == f"HER2KG_{setting.name.upper()}" for setting in SETTINGS)
