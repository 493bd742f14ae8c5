"""Settings: flag before environment before default, and one line for what cannot be used."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from her2kg.errors import SettingError
from her2kg.settings import SETTINGS, Settings
from tests.conftest import ROOT


def test_defaults_hold_when_nothing_is_said() -> None:
    settings = Settings.read({}, {})
    assert (settings.host, settings.port, settings.threads) == ("127.0.0.1", 8080, 384)
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


def test_empty_folder_address_or_file_is_the_default() -> None:
    names = ("home", "build", "backend", "backend_update", "source")
    environ = {f"HER2KG_{name.upper()}": "" for name in names}
    assert Settings.read({}, environ) == Settings.read({}, {})
    assert Settings.read({"source": ""}, {"HER2KG_SOURCE": "review.txt"}).source is None


def test_mapping_that_is_given_takes_the_place_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HER2KG_PORT", "9001")
    assert Settings.read({}, {}).port == 8080


def test_file_with_variables_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HER2KG_PORT=9001\n", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    assert Settings.read({}, {}).port == Settings.read().port == 8080


def test_settings_are_frozen_and_can_be_sent_to_another_process() -> None:
    settings = Settings.read({"backend": "http://me:secret@host/query"}, {})
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(settings))  # noqa: S301 - it is ours
    assert copy == settings
    assert copy.backend.password == "secret"  # noqa: S105 - a made-up one


@pytest.mark.parametrize("text", ["", "x", "-1", "80.5", "65536", "８０", "0x50", " 80", "²"])
def test_port_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.read({}, {"HER2KG_PORT": text})
    assert str(caught.value) == f"port is {text!r}: give a whole number from 0 to 65535"
    assert caught.value.exit_code == 2


def _bounds() -> list[tuple[str, int, int]]:
    """Give the name, the low and the high bound of every number."""
    return [
        (setting.name, setting.low, setting.high)
        for setting in SETTINGS
        if setting.low is not None and setting.high is not None
    ]


@pytest.mark.parametrize(("name", "low", "high"), _bounds())
def test_number_beyond_its_bounds_is_one_line(name: str, low: int, high: int) -> None:
    for number in (low, high):
        assert getattr(Settings.read({name: number}, {}), name) == number
    for text in (str(low - 1), str(high + 1), "9" * 5000):
        with pytest.raises(SettingError, match=f"{name} is '.*': give a whole number from {low} to {high}$"):
            Settings.read({name: text}, {})


def test_bounds_are_those_of_the_service() -> None:
    bounds = {name: (low, high) for name, low, high in _bounds()}
    assert bounds["threads"] == (8, 4096)
    assert bounds["connections"] == (128, 100_000)
    assert bounds["idle_seconds"] == (1, 60)
    assert bounds["head_limit"] == (8192, 10**9)


def test_word_that_is_not_among_those_known_is_one_line() -> None:
    with pytest.raises(SettingError, match="log is 'all': give errors or requests"):
        Settings.read({}, {"HER2KG_LOG": "all"})


def test_every_setting_is_in_the_table() -> None:
    assert [setting.name for setting in SETTINGS] == [field.name for field in fields(Settings)]
    assert all(setting.help and setting.variable == f"HER2KG_{setting.name.upper()}" for setting in SETTINGS)


def test_default_in_the_table_is_the_default() -> None:
    defaults = {setting.variable: setting.default for setting in SETTINGS if setting.default}
    assert Settings.read({}, defaults) == Settings.read({}, {})


def test_every_number_but_port_and_proxies_is_a_limit_with_a_unit() -> None:
    numbers = {name for name, _, _ in _bounds()}
    assert {setting.name for setting in SETTINGS if setting.unit} == numbers - {"port", "proxies"}
