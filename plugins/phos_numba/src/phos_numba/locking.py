"""One process at a time does something; the system ends the lock of one that dies."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["alone"]

LOOK_SECONDS = 0.1  # between two attempts where the system has no queue


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Wait for a file's lock, and hold it inside a ``with`` block.

    Parameters
    ----------
    path : Path
        The file, made if it is not there; what is in it does not count.

    Yields
    ------
    bool
        Whether the file was empty when the lock was had: nobody has written to it before.

    Notes
    -----
    Where the file system has no locks, all are let in.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with contextlib.suppress(OSError):
            _lock(descriptor)
        yield os.fstat(descriptor).st_size == 0
    finally:
        os.close(descriptor)  # and the lock with it


if sys.platform == "win32":
    import msvcrt

    BEYOND = 2**30  # whoever reads the file is not kept out

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, BEYOND, os.SEEK_SET)
        while True:
            try:
                return msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except PermissionError:
                time.sleep(LOOK_SECONDS)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
