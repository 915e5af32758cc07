"""Locks: a part is its writer's as long as that lives, a folder nobody else's for a moment."""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["alone_in", "close", "is_at", "lock", "taken_over"]

WAIT_S = 2.0  # for others that take places in a folder, which is over in milliseconds
PAUSE_S = 0.005


def lock(descriptor: int) -> None:
    """Lock a part; where a file system has no locks, no part is ever taken for a dead one's."""
    if sys.platform != "win32":  # where nobody can remove a file that is open
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def taken_over(part: Path) -> int | None:
    """Lock a part that nobody writes any more; None: somebody does, or there is no knowing."""
    descriptor = _opened(part)
    if descriptor is None:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no file")
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        close(descriptor)
        return None
    return descriptor


def _opened(part: Path) -> int | None:
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    for way in (os.O_RDWR, os.O_RDONLY):  # over NFS, only what may be written to can be locked
        with contextlib.suppress(OSError):
            return os.open(part, way | safely)
    return None


def is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file still lies at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def alone_in(folders: set[Path]) -> Iterator[None]:
    """Take places in folders while no other process does, so that pairs do not mix; sync them."""
    with contextlib.ExitStack() as held:
        opened = []
        for folder in sorted(folders):
            with contextlib.suppress(OSError):  # of those that may be written to but not read
                opened.append(os.open(folder, os.O_RDONLY))
                held.callback(close, opened[-1])
        for descriptor in opened:
            _lock_for_a_while(descriptor)
        yield
        for descriptor in opened:
            # The files are in their places whatever this says, and their bytes are on the disk.
            with contextlib.suppress(OSError):
                os.fsync(descriptor)


def close(descriptor: int) -> None:
    """Close a descriptor, and with it its lock; nothing is wrong if that fails."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _lock_for_a_while(descriptor: int) -> None:
    """Lock a folder; somebody who holds it for long has locked it for ends of their own."""
    if sys.platform == "win32":
        return
    end = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return
            time.sleep(PAUSE_S)
        except OSError:
            return
        else:
            return
