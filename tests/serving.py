"""A real server process for tests, on a free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVE = [sys.executable, "-m", "her2kg", "serve"]


@contextmanager
def serving(
    *words: str, command: Sequence[str] = tuple(SERVE), **environ: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a server on a free port; give its address, read off what it says when it is ready."""
    whole = [*command, "--port", "0", *words]
    with subprocess.Popen(
        whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
    ) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.search(r"http://\S+?/(?= )", said)
            assert found, said
            yield found[0], process
        finally:
            process.terminate()
