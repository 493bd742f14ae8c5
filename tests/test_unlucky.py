"""Unlucky and hostile clients cost others neither time nor answers, and the service no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.exchanges import EXCHANGES, Exchange
from tests.unlucky import KILLS, SCENARIOS, run
from tests.unlucky_service import starter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.untraced]

_WITH_OTHERS = [name for name, scenario in SCENARIOS.items() if scenario.others]


@pytest.mark.long  # it measures times and memory, which tests that run beside it would spoil
@pytest.mark.parametrize("name", _WITH_OTHERS)
def test_others_are_answered_meanwhile(built: Path, name: str) -> None:
    outcome = run(name, starter(built))
    assert outcome.shortcomings() == [], str(outcome)


@pytest.mark.long
@pytest.mark.parametrize("name", _WITH_OTHERS)
def test_others_are_answered_for_long(built: Path, name: str) -> None:
    outcome = run(name, starter(built), long=True)
    assert outcome.shortcomings() == [], str(outcome)


def test_a_service_whose_process_is_killed_heals_or_ends_with_an_error(built: Path) -> None:
    outcome = run(KILLS, starter(built))
    assert outcome.shortcomings() == [], str(outcome)


@pytest.fixture(scope="module")
def port(built: Path) -> Iterator[int]:
    """Serve the real graph and give the port."""
    with starter(built)({}) as server:
        yield server.port


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_nothing_is_misread_on_the_edge_of_http(port: int, exchange: Exchange) -> None:
    assert not exchange.fault(port)
