"""The temporary folder: this server's own, gone at its end, or at the next start after a kill."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["PREFIX", "private_folder"]

PREFIX = "phos-app-"
LOCK = "lock"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only this user may enter, and remove it with all that is in it.

    Yields
    ------
    Path
        Empty but for the lock by which another server sees that this one lives.
    """
    _remove_left_over(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / LOCK).open("w") as lock:
            _hold(lock)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_over(place: Path) -> None:
    """Remove the folders of servers that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_own(folder) and not _is_held(folder / LOCK):
                shutil.rmtree(folder)


def _is_own(folder: Path) -> bool:
    facts = folder.lstat()
    is_folder = folder.is_dir() and not folder.is_symlink()
    return is_folder and (not hasattr(os, "getuid") or facts.st_uid == os.getuid())


if os.name == "nt":  # pragma: no cover

    def _hold(lock: IO[str]) -> None:
        """An open file cannot be removed here: that is lock enough."""

    def _is_held(lock: Path) -> bool:
        try:
            lock.unlink()
        except PermissionError:
            return True
        except FileNotFoundError:
            return False
        return False

else:
    import fcntl

    def _hold(lock: IO[str]) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)

    def _is_held(lock: Path) -> bool:
        """Whether a process holds the lock; one that was killed holds nothing."""
        try:
            with lock.open() as other:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:  # it is just being made, or is no folder of ours
            return True
        return False
