"""Half an hour at full load: no request is lost, and nothing grows."""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.bystanders import family, memory
from tests.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.untraced]

_SECONDS = int(os.environ.get("HER2KG_TEST_SOAK_SECONDS", "1800"))
_CLIENTS = 12
_ASK = "ASK { ?s ?p ?o }"
#: What is asked, how often, and what comes of it.
_ASKED: dict[str, tuple[str, int, frozenset[int]]] = {
    "point": ("SELECT ?p ?o { <https://w3id.org/her2kg/id/drug/%d> ?p ?o }", 60, frozenset({200})),
    "count": ("SELECT (COUNT(*) AS ?n) { ?s ?p ?o } # %d", 20, frozenset({200})),
    "graph": ("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 20000 # %d", 5, frozenset({200})),
    "broken": ("SELECT * { # %d", 5, frozenset({400})),
    "crash": ("ASK { FILTER(" + "!" * 50_000 + "true) } # %d", 1, frozenset({500})),
    "slow": ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } # %d", 1, frozenset({503, 507})),
}


#: Of a hundred requests, those whose client hangs up: before it is answered, or after the first bytes.
_HANG_UPS = 5


def _state(process: int) -> tuple[float, int, int]:
    """Give the memory of a service in MB, the open descriptors of all its processes, and their number."""
    living = family(process)
    descriptors = 0
    for one in living:
        with suppress(FileNotFoundError, ProcessLookupError):  # a worker that has just ended
            descriptors += len(list(Path(f"/proc/{one}/fd").iterdir()))
    return memory(process), descriptors, len(living)


def _hang_up(link: http.client.HTTPConnection, *, at_once: bool) -> None:
    """Close a connection on which a request was sent."""
    if not at_once and link.sock:
        link.sock.recv(1)
    link.close()


def test_half_an_hour_at_full_load(built: Path) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    lost: list[str] = []
    with serving(
        HER2KG_BUILD=str(built), HER2KG_QUERY_SECONDS="1", HER2KG_WAITING="100", HER2KG_CACHE_BYTES="1000000"
    ) as (url, process):
        port = int(url.rsplit(":", 1)[1].strip("/"))
        over = time.monotonic() + _SECONDS

        def client(seed: int) -> None:
            rng = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
            names = [name for name, (_, often, _) in _ASKED.items() for _ in range(often)]
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while time.monotonic() < over:
                name = rng.choice(names)
                text, _, expected = _ASKED[name]
                query = urlencode({"query": text % rng.randrange(1_000_000)})
                get = rng.random() < 0.5 and len(query) < 2000
                path, body = (f"/sparql?{query}", None) if get else ("/sparql", query)
                form = {} if get else {"Content-Type": "application/x-www-form-urlencoded"}
                try:
                    link.request("GET" if get else "POST", path, body, {"Accept": "*/*", **form})
                    if rng.randrange(100) < _HANG_UPS:
                        _hang_up(link, at_once=rng.random() < 0.5)
                        seen["hung up", 0] += 1
                        continue
                    response = link.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException) as error:
                    lost.append(f"{name}: {error!r}")
                    link.close()
                    continue
                seen[name, response.status] += 1
                # A query that waits longer than its turn may take is told to come again.
                if response.status not in expected | {503}:
                    lost.append(f"{name}: {response.status}")
            link.close()

        clients = [threading.Thread(target=client, args=(seed,), daemon=True) for seed in range(_CLIENTS)]
        for one in clients:
            one.start()
        time_to_settle = min(_SECONDS / 4, 60)
        while time.monotonic() < over - _SECONDS + time_to_settle:
            clients[0].join(1)
        before = _state(process.pid)
        for one in clients:
            one.join()
        after = _state(process.pid)
        print(  # noqa: T201 - a figure to report
            f"{sum(seen.values()):,} requests, {dict(seen)}; {before} before, {after} after"
        )
        health = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        health.request("GET", "/readyz")
        ready = json.loads(health.getresponse().read())
        health.close()
    assert not lost, lost[:10]
    assert ready["status"] == "ready"
    assert after[0] < before[0] + 40
    assert after[1] <= before[1] + 5
    assert after[2] <= 5
