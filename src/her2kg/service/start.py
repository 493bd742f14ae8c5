"""Put the service together: what is served, who answers, and how a new build takes over.

``serve`` forks the seed of the workers first: a process with threads, or with much in memory, must not be
forked, so what the service needs is imported after that.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from her2kg.answer.backends import backend, open_backend
from her2kg.answer.loading import load
from her2kg.answer.lookups import Lookups
from her2kg.answer.opening import open_build
from her2kg.answer.remote import RemoteWorkers, nothing
from her2kg.answer.workers import Limits, Seed
from her2kg.errors import Her2kgError, SettingError
from her2kg.model.namespaces import prefixes
from her2kg.sparql.backend import Backend
from her2kg.sparql.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from her2kg.service.served import Served
    from her2kg.settings import Settings


def serve(settings: Settings, files: tuple[Path, ...], say: Callable[[str], object]) -> None:
    """Serve a build, files of the user's own, or what another engine holds, until a signal ends it."""
    if files and settings.backend:
        raise SettingError("files and an engine are named", "give --data or --backend")
    remote = settings.backend is not None
    limits = _limits(settings)
    names = prefixes(settings.home)
    with Seed(nothing if remote else lambda: _store(settings, files), limits, names) as seed:
        _run(settings, files, seed, say)


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
        with contextlib.closing(engine):
            held = engine.loaded()
        if held == store.version:
            return
    load(store, settings.backend_update or settings.backend, settings.backend_graph, progress)


def _limits(settings: Settings) -> Limits:
    return Limits(
        seconds=settings.query_seconds,
        memory=settings.query_memory,
        answer=settings.answer_limit,
        rows=settings.row_limit,
        length=settings.query_length,
        nesting=settings.query_nesting,
        workers=settings.workers,
        waiting=settings.waiting,
    )


def _store(settings: Settings, files: tuple[Path, ...]) -> Store:
    return Store.of_files(files) if files else open_build(settings.build)


def _grown(settings: Settings, files: tuple[Path, ...], seed: Seed) -> Served:
    """Give a store and workers over the same data as they are now."""
    from her2kg.service.served import Served  # noqa: PLC0415 - Flask, which the seed does not need

    if settings.backend:
        engine = opened_backend(settings)
        return Served(engine, RemoteWorkers(engine, seed.workers(), prefixes(settings.home)))
    while True:
        growing = seed.begun()
        try:
            store = _store(settings, files)
        except Her2kgError:
            with contextlib.suppress(Her2kgError):
                growing().close()
            raise
        workers = growing()
        if workers.version == store.version:
            return Served(store, workers, Lookups(store, settings.home))
        workers.close()  # a new build came in between


def _run(settings: Settings, files: tuple[Path, ...], seed: Seed, say: Callable[[str], object]) -> None:
    from her2kg.service import server  # noqa: PLC0415
    from her2kg.service.app import create_app  # noqa: PLC0415

    if settings.backend_update:
        fill(settings, lambda *_: None, unless_there=True)
    begun = _grown(settings, files, seed)
    built = begun.store.built if isinstance(begun.store, Backend) else not files
    app = create_app(
        begun.store, begun.workers, settings, prefixes(settings.home), built=built, lookups=begun.lookups
    )

    def reload() -> Callable[[], object]:
        try:
            new = _grown(settings, files, seed)
        except Her2kgError as error:
            said = f"her2kg: {error}; the data stay as they were"
            return lambda: say(said)
        return lambda: take(new)

    def take(new: Served) -> None:
        old: Served = app.config["SERVED"]
        app.config["SERVED"] = new
        app.config["CACHE"].clear()
        old.workers.retire()
        say(f"{len(new.store):,} triples, version {new.store.version[:12]}")

    size = f"{len(begun.store):,} triples{f' of {settings.backend}' if settings.backend else ''}"
    try:
        server.run(
            app,
            settings,
            lambda url: say(f"{size} at {url} (SPARQL: {url}sparql); Ctrl-C ends"),
            ending=lambda: app.config.update(ENDING=True),
            reload=reload,
        )
    finally:
        app.config["SERVED"].workers.close()
