"""Code that waits on an event loop without holding it, and what it leaves behind: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref

import pytest

from her2kg.waiting import drive, driven, wait_for


class _Thing:
    """Something of which it can be seen whether anybody still holds it."""


def _slept(name: str, seen: list[str]) -> str:
    seen.append(f"{name} begins")
    wait_for(asyncio.sleep(0.01))
    seen.append(f"{name} ends")
    return name


def test_others_run_while_one_waits() -> None:
    seen: list[str] = []

    async def both() -> tuple[str, str]:
        first, second = await asyncio.gather(drive(_slept, "a", seen), drive(_slept, "b", seen))
        return first, second

    assert asyncio.run(both()) == ("a", "b")
    assert seen[:2] == ["a begins", "b begins"]
    assert sorted(seen[2:]) == ["a ends", "b ends"]


def test_many_wait_at_once_and_again_on_another_loop() -> None:
    async def many() -> list[str]:
        return await asyncio.gather(*(drive(_slept, str(number), []) for number in range(200)))

    for _ in range(2):
        assert asyncio.run(many()) == [str(number) for number in range(200)]


def test_each_thread_has_its_own() -> None:
    given: list[str] = []

    def run() -> None:
        given.append(asyncio.run(drive(_slept, "a", [])))

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
        thread.join()
    assert given == ["a"] * 5


def test_an_error_goes_to_who_called_and_the_next_function_runs() -> None:
    def broken() -> None:
        wait_for(asyncio.sleep(0))
        raise ValueError("mine")

    async def one_after_the_other() -> str:
        with pytest.raises(ValueError, match="mine"):
            await drive(broken)
        return await drive(_slept, "a", [])

    assert asyncio.run(one_after_the_other()) == "a"


def test_what_is_cancelled_ends_where_it_waits() -> None:
    seen: list[str] = []

    def waiting() -> None:
        try:
            wait_for(asyncio.sleep(60))
        finally:
            seen.append("ended")

    async def cancelled() -> str:
        task = asyncio.get_running_loop().create_task(drive(waiting))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await drive(_slept, "a", [])

    assert asyncio.run(cancelled()) == "a"
    assert seen == ["ended"]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_kept_of_a_function_that_has_ended(*, fails: bool) -> None:
    kept: list[weakref.ref[_Thing]] = []
    alive: list[bool] = []

    def given(thing: _Thing) -> _Thing:
        kept.append(weakref.ref(thing))
        assert driven()
        if fails:
            raise ValueError(thing)
        return thing

    async def run() -> None:
        for _ in range(2):
            with contextlib.suppress(ValueError):
                await drive(given, _Thing())
        alive.extend(one() is not None for one in kept)

    # In a thread that has driven nothing yet, so that one of the two is the first that is driven; and without
    # a collection, since what waits for one holds much until then.
    thread = threading.Thread(target=lambda: asyncio.run(run()))
    gc.disable()
    try:
        thread.start()
        thread.join()
    finally:
        gc.enable()
    assert alive == [False, False]
