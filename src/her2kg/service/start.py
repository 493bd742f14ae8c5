"""Put the service together: what answers the queries, and the application before it."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from her2kg.answer.backends import backend, explain_apart, open_backend
from her2kg.answer.loading import load
from her2kg.answer.opening import open_build
from her2kg.answer.processes import EXPLAIN, pool_of_build, pool_of_files
from her2kg.errors import SettingError
from her2kg.model.namespaces import prefixes
from her2kg.service.app import create_app
from her2kg.sparql.remote import RemotePool
from her2kg.sparql.worker import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from her2kg.settings import Settings
    from her2kg.sparql.backend import Backend
    from her2kg.sparql.pool import Asker


def application(settings: Settings, files: tuple[Path, ...]) -> tuple[Flask, Asker]:
    """Make the application over a build, files, or another engine; raises what opening them raises."""
    if files and settings.backend:
        raise SettingError("files and an engine are named", "give --data or --backend")
    names = prefixes(settings.home)
    limits = limits_of(settings)
    if settings.backend:
        if settings.backend_update:
            fill(settings, lambda *_: None, unless_there=True)
        remote = opened_backend(settings)
        parser = pool_of_files((), limits, names, _give_up)
        engine: Asker = RemotePool(remote, parser, names, {EXPLAIN: partial(explain_apart, remote)})
        built = remote.built
    elif files:
        engine, built = pool_of_files(files, limits, names, _give_up), False
    else:
        engine, built = pool_of_build(settings.build, limits, names, _give_up), True
    return create_app(engine, settings, names, built=built), engine


def _give_up() -> None:
    """End the web process, which cannot answer queries any more; the main process starts another one."""
    os._exit(1)


def limits_of(settings: Settings) -> Limits:
    """Give the limits of a query."""
    return Limits(
        seconds=settings.query_seconds,
        memory=settings.query_memory,
        answer=settings.answer_limit,
        rows=settings.row_limit,
        length=settings.query_length,
        nesting=settings.query_nesting,
        workers=settings.workers,
        long=settings.long_queries,
        waiting=settings.waiting,
    )


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
