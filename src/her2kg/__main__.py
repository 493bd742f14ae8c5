"""``her2kg`` and ``python -m her2kg`` are the command line."""

from __future__ import annotations

import contextlib
import os
import platform
import sys

_TUNABLES, _STARTED = "GLIBC_TUNABLES", "her2kg_started"
#: Pieces of memory of each size that are kept at hand, 7 unless told. Evaluating a query frees hundreds; what
#: is not kept is joined again with what lies beside it, in the next query: a sixth of the time of a lookup.
_KEPT = "glibc.malloc.tcache_count=200"


def main() -> None:
    """Run a command."""
    if "serve" in sys.argv[1:]:
        _start_with_memory_at_hand()
    from her2kg.cli import main as command  # noqa: PLC0415 - not before the process is the one that stays

    command()


def _start_with_memory_at_hand() -> None:
    """Take the place of this process by one that is set for the service, unless the user has set it.

    The C library reads the setting only as a process starts. An option of Python says that this was done:
    it can be seen, and it stays where the variable is taken away, as from a program with capabilities.
    """
    done = _STARTED in sys._xoptions or _TUNABLES in os.environ  # noqa: SLF001 - as its documentation says
    if not done and platform.libc_ver()[0] == "glibc" and sys.executable:
        with contextlib.suppress(OSError):  # then it serves as it is
            os.execve(  # noqa: S606 - ourselves
                sys.executable,
                [sys.executable, "-X", _STARTED, *sys.orig_argv[1:]],
                {**os.environ, _TUNABLES: _KEPT},
            )


if __name__ == "__main__":
    main()
