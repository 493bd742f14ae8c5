"""Put files and folders in place in one step: whoever reads finds the old or the new, never a half.

A folder takes the place of another by one exchange of names where the system can (Linux), by two renames
elsewhere. Builders of one folder wait for each other, and what a killed one left beside it goes away.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from her2kg.errors import InputError
from her2kg.model.layout import CHECKSUMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HERE = -100  # AT_FDCWD: paths count from the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)


def replace_text(path: Path, text: str) -> None:
    """Write a text file beside its place and rename it there; raises InputError, the old file stays then."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        fresh = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            fresh.chmod(path.stat().st_mode if path.exists() else 0o644)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}", "it is as it was; make room and try again"
        ) from error


def publish(files: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    """Put the files in the place of an earlier build and give their SHA-256.

    Everything is written beside the folder first; ``checksums.txt`` shows a copy that was cut off. Raises
    InputError when the folder cannot be written or holds what is no build.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    folder = folder.resolve()  # a link stays a link, to a new build
    try:
        _refuse_strangers(folder, {*files, CHECKSUMS})
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-{os.getpid()}-", dir=folder.parent))
        try:
            for name, content in files.items():
                (fresh / name).write_bytes(content)
            (fresh / CHECKSUMS).write_text(
                "".join(f"{value}  {name}\n" for name, value in sums.items()), encoding="ascii"
            )
            fresh.chmod(0o755)
            with _alone(folder.parent):
                _sweep(folder)
                _swap(fresh, folder)
        finally:
            _remove(fresh)
    except OSError as error:
        problem = f"{folder} cannot be written: {error.strerror}"
        raise InputError(problem, "make room or give another folder with --out") from error
    return sums


def _refuse_strangers(folder: Path, known: set[str]) -> None:
    """Keep a folder from being replaced that holds anything but a build, whole or cut off."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file", "give a folder with --out")
    listed = set()
    with suppress(OSError):
        lines = (folder / CHECKSUMS).read_text(encoding="ascii", errors="replace").split("\n")
        listed = {found[1] for line in lines if (found := re.fullmatch(r"[0-9a-f]{64}  (\S+)", line))}
    strange = [
        path.name for path in folder.iterdir() if not path.is_file() or path.name not in known | listed
    ]
    if strange:
        raise InputError(
            f"{folder} holds what is no build of her2kg ({min(strange)})",
            "give a new or empty folder with --out",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let only one builder at a time change names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Take away what builders that are gone left beside the folder."""
    for path in folder.parent.glob(f".{folder.name}-*"):
        owner = re.fullmatch(rf"\.{re.escape(folder.name)}-(\d+)-\w+", path.name)
        if owner and not _lives(int(owner[1])):
            _remove(path)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _swap(fresh: Path, folder: Path) -> None:
    """Let the fresh folder have the name; the old one, if any, has the fresh one's name afterwards."""
    if not folder.exists():
        fresh.rename(folder)
    elif not _exchanged(fresh, folder):
        old = fresh.with_name(f"{fresh.name}x")
        folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            old.rename(folder)
            raise
        old.rename(fresh)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    if exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL}:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _remove(folder: Path) -> None:
    with suppress(OSError):
        folder.chmod(0o755)  # an old build may have been made read-only
    shutil.rmtree(folder, ignore_errors=True)
