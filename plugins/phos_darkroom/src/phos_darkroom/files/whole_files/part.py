"""A file that is being written under another name in its folder."""

import contextlib
import os
import re
import secrets
import shutil
import stat
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from phos_darkroom.files.whole_files.locks import close, is_at, lock

__all__ = ["PART", "Part", "part_stem"]

PART = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{8}\.part", re.DOTALL)
STEM_BYTES = 100  # of a name, in that of its part: some file systems take no more than 143 in all
NEW_MODE = 0o666  # less what the user's mask takes away


class Part:
    """A file that is being written under another name."""

    def __init__(self, asked: Path) -> None:
        self.asked = asked
        self.target = Path(os.path.realpath(asked))
        self.path = self._beside()
        self._kept = self._beside()
        self._file: BinaryIO | None = None
        self._lock: int | None = None
        self._is_whole = False
        self._returns = False

    def create(self) -> BinaryIO:
        """Make the part, with the permissions that the file is to have, and lock it."""
        mode = _mode_of(self.target)
        while True:
            opener = partial(os.open, mode=NEW_MODE if mode is None else mode)
            file = cast("BinaryIO", open(self.path, "x+b", opener=opener))  # noqa: SIM115
            self._file = file
            self._lock = os.dup(file.fileno())  # which outlives the file
            lock(self._lock)
            if is_at(self.path, self._lock):
                break
            self.abandon()  # swept away before it was locked
            self.path = self._beside()
        if mode is not None and mode != stat.S_IMODE(os.fstat(self._lock).st_mode):
            self.path.chmod(mode)  # what the user's mask has taken away
        return file

    def flush(self) -> None:
        """Have all bytes in the file, for whoever opens it by its name."""
        if self._file is not None:
            self._file.flush()

    def finish(self) -> None:
        """Have all bytes on the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def keep_what_is_there(self) -> None:
        """Make a way back."""
        self._returns = True
        if os.path.lexists(self.target):
            _keep(self.target, self._kept)

    def take_place(self) -> None:
        """Become the file."""
        self._is_whole = True
        self.path.replace(self.target)

    def has_taken_place(self) -> bool:
        """Whether it has become the file."""
        return self._is_whole and not os.path.lexists(self.path)

    def let_go(self) -> None:
        """Forget what was there before; nothing is wrong if that fails."""
        with contextlib.suppress(OSError):
            self._kept.unlink(missing_ok=True)
        self._unlock()

    def abandon(self) -> None:
        """Leave everything as it was before; nothing is raised on the way."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.close()
        if self._returns:
            with contextlib.suppress(OSError):
                self._return()
        for path in (self.path, self._kept):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._unlock()

    def _return(self) -> None:
        """Put back what was there."""
        if os.path.lexists(self._kept):
            self._kept.replace(self.target)
        elif self.has_taken_place():
            self.target.unlink()

    def _beside(self) -> Path:
        stem = part_stem(self.target.name)
        return self.target.with_name(f".{stem}.{secrets.token_hex(4)}.part")

    def _unlock(self) -> None:
        if self._lock is not None:
            close(self._lock)
            self._lock = None


def part_stem(name: str) -> str:
    """Give what the name of a file's part begins with, after its dot: as much as is never too long.

    Parameters
    ----------
    name : str
        The file's name.

    Returns
    -------
    str
        The name, or its beginning.
    """
    size = 0
    for end, sign in enumerate(name):
        size += len(os.fsencode(sign))
        if size > STEM_BYTES:
            return name[:end]
    return name


def _mode_of(target: Path) -> int | None:
    """The permissions of what is to be replaced; None: there is nothing."""
    try:
        there = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(there.st_mode):
        raise OSError("it is a folder")
    if not stat.S_ISREG(there.st_mode):
        raise OSError("what is there is no regular file, and would be lost")
    return stat.S_IMODE(there.st_mode)


def _keep(target: Path, kept: Path) -> None:
    """Have a file under a second name."""
    try:
        os.link(target, kept)
    except OSError:  # a file system without links
        shutil.copy2(target, kept)
