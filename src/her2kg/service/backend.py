"""Another engine behind the service: open it, fill it, and answer queries from it."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from her2kg.answer.backends import backend, explain_apart, open_backend
from her2kg.answer.loading import load
from her2kg.answer.opening import open_build
from her2kg.errors import SettingError
from her2kg.sparql.pool import EXPLAIN
from her2kg.sparql.remote import RemotePool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from her2kg.settings import Settings
    from her2kg.sparql.backend import Backend
    from her2kg.sparql.pool import Pool


def remote_pool(settings: Settings, parser: Pool, prefixes: Mapping[str, str]) -> tuple[RemotePool, bool]:
    """Answer queries from the engine that the settings name; say whether it holds a build.

    ``parser`` are workers over nothing. Raises SettingError or BackendError.
    """
    if settings.backend_update:
        fill(settings, lambda *_: None, unless_there=True)
    remote = opened_backend(settings)
    return RemotePool(remote, parser, prefixes, {EXPLAIN: partial(explain_apart, remote)}), remote.built


def opened_backend(settings: Settings) -> Backend:
    """Open the engine that the settings name; raises SettingError or BackendError."""
    if settings.backend is None:
        raise SettingError("no engine is named", "give its address with --backend or HER2KG_BACKEND")
    return open_backend(
        settings.backend, settings.query_seconds, settings.answer_limit, settings.backend_graph
    )


def fill(settings: Settings, progress: Callable[[int, int], object], *, unless_there: bool = False) -> None:
    """Put the build into the engine that the settings name, or see that it is there."""
    if settings.backend is None:
        raise SettingError("no engine is named", "give its address with --backend or HER2KG_BACKEND")
    store = open_build(settings.build)
    if unless_there:
        engine = backend(settings.backend, settings.query_seconds, settings.answer_limit)
        with closing(engine):
            held = engine.loaded()
        if held == store.version:
            return
    load(store, settings.backend_update or settings.backend, settings.backend_graph, progress)
