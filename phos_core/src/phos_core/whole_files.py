"""Whole files: the one place where files are made, take their places, and are swept away.

A file is written under another name in its folder, its *part*, ``.NAME.<random>.part``:

1. `NewFiles.open` makes the part with the permissions that the file is to have, and locks it. The
   lock lasts as long as its process, so that a part without one was left behind by the dead.
2. `NewFiles` flushes, syncs and closes every part before any takes its place, so that a full disk
   or a quota is met while what was there before is still whole.
3. Then they take their places, the first opened last. If that fails midway, those that have taken
   theirs give way again to what was there before.
4. The folders are synced.

Whatever is raised on the way, no part is left. What a killed process leaves, `sweep` finds.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from phos_core.errors import ImageFileError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "NewFiles",
    "abandon_all",
    "cannot_write",
    "check_place",
    "new_files",
    "part_stem",
    "replacing",
    "sweep",
]

PART = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{8}\.part", re.DOTALL)
STEM_BYTES = 100  # of a name, in that of its part: some file systems take no more than 143 in all
NEW_MODE = 0o666  # less what the user's mask takes away
WAIT_S = 2.0  # for others that take places in a folder, which is over in milliseconds
PAUSE_S = 0.005


@contextlib.contextmanager
def cannot_write(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the system refuses while a file is written into one error that names the file.

    Parameters
    ----------
    path : path
        What is being written.

    Raises
    ------
    ImageFileError
        In place of an OSError, with its cause.
    """
    try:
        yield
    except OSError as error:
        raise ImageFileError(f"cannot write {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a new file that takes the place of another if all goes well, and else vanishes.

    Parameters
    ----------
    path : path
        What is replaced; a link is followed, and permissions are kept.

    Yields
    ------
    binary file
        Of another name in the same folder, to be written and read.

    Raises
    ------
    ImageFileError
        If the system refuses to make the file or to let it take its place.
    """
    with new_files() as files:
        yield files.open(path)


@contextlib.contextmanager
def new_files(*, overwrite: bool = True) -> Iterator["NewFiles"]:
    """Give new files that take their places together if all goes well, and else vanish together.

    Parameters
    ----------
    overwrite : bool
        Whether the first of them may replace one that exists by then.

    Yields
    ------
    NewFiles
        Which opens them.

    Raises
    ------
    ImageFileError
        If the system refuses one of them its place, or one exists that may not be replaced.
        Then all is as it was before.
    """
    files = NewFiles(overwrite=overwrite)
    _living.add(files)
    try:
        yield files
        files.take_places()
    except BaseException:
        files.abandon()
        raise
    finally:
        _living.discard(files)


class NewFiles:
    """Files that are being written, and take their places together; `new_files` makes one."""

    def __init__(self, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._parts: list[_Part] = []

    def open(self, path: str | os.PathLike[str]) -> BinaryIO:
        """Open a new file.

        Parameters
        ----------
        path : path
            Its place; a link is followed, and the permissions of what is there are kept.

        Returns
        -------
        binary file
            Of another name in the same folder, to be written and read, by its name too.
        """
        with _one_at_a_time:
            part = _Part(Path(path))
            self._parts.append(part)  # before it is there, so that it does not outlive an interrupt
            with cannot_write(path):
                return part.create()

    def written(self) -> Path:
        """Give where the bytes lie that have been written of the first file so far."""
        with cannot_write(self._parts[0].asked):
            self._parts[0].flush()
            return self._parts[0].path

    def take_places(self) -> None:
        """Put every file in its place, the first opened last; all or none."""
        for part in self._parts:
            with cannot_write(part.asked):
                part.finish()
        with _one_at_a_time, _alone_in({part.target.parent for part in self._parts}):
            try:
                self._take_places()
            except BaseException:
                self.abandon()  # while nobody else can come between
                raise

    def abandon(self) -> None:
        """Remove the parts; what has taken its place already gives way to what was there."""
        with _one_at_a_time:
            is_done = bool(self._parts) and self._parts[0].has_taken_place()
            for part in self._parts:
                if is_done:
                    part.let_go()
                else:
                    part.abandon()
            self._parts.clear()

    def _take_places(self) -> None:
        first, *others = self._parts
        if not self._overwrite and os.path.lexists(first.target):
            raise ImageFileError(
                f"{first.asked} exists already; it is replaced only on request (overwrite)"
            )
        for part in reversed(others):
            with cannot_write(part.asked):
                part.keep_what_is_there()
                part.take_place()
        with cannot_write(first.asked):
            first.take_place()
        for part in self._parts:
            part.let_go()


def check_place(path: str | os.PathLike[str]) -> None:
    """Say before the work whether a file can be made in its place.

    Parameters
    ----------
    path : path
        Where it is to be.

    Raises
    ------
    ImageFileError
        If the system refuses it: there is no such folder, it may not be written to, the name is
        too long, something other than a file is there.
    """
    files = NewFiles(overwrite=True)
    _living.add(files)
    try:
        files.open(path)
    finally:
        files.abandon()
        _living.discard(files)


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


def sweep(folder: str | os.PathLike[str], settle: Callable[[str, Path], None]) -> None:
    """Go through the parts in a folder that nobody writes any more.

    Parameters
    ----------
    folder : path
        Where to look; in one that is not there or cannot be read there are none.
    settle : callable
        ``settle(stem, part)``, the stem by `part_stem` of the file that it was to be: removes the
        part, moves it, or leaves it. Nobody else takes the part meanwhile.
    """
    folder = Path(folder)
    with contextlib.suppress(OSError), _alone_in({folder}):
        for part in list(folder.iterdir()):
            found = PART.fullmatch(part.name)
            held = _taken_over(part) if found else None
            if found and held is not None:
                try:
                    settle(found["stem"], part)
                finally:
                    _close(held)


def abandon_all() -> None:
    """Remove every part of this process, and let it begin none: it is about to end."""
    _one_at_a_time.acquire()  # for good
    for files in list(_living):
        files.abandon()


class _Part:
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
        mode = _mode_of(self.target)
        while True:
            opener = partial(os.open, mode=NEW_MODE if mode is None else mode)
            file = cast("BinaryIO", open(self.path, "x+b", opener=opener))  # noqa: SIM115
            self._file = file
            self._lock = os.dup(file.fileno())  # which outlives the file
            _lock(self._lock)
            if _is_at(self.path, self._lock):
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
        self._is_whole = True
        self.path.replace(self.target)

    def has_taken_place(self) -> bool:
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
            _close(self._lock)
            self._lock = None


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


def _lock(descriptor: int) -> None:
    """Lock a part; where a file system has no locks, no part is ever taken for a dead one's."""
    if sys.platform != "win32":  # where nobody can remove a file that is open
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _taken_over(part: Path) -> int | None:
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
        _close(descriptor)
        return None
    return descriptor


def _opened(part: Path) -> int | None:
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    for way in (os.O_RDWR, os.O_RDONLY):  # over NFS, only what may be written to can be locked
        with contextlib.suppress(OSError):
            return os.open(part, way | safely)
    return None


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _alone_in(folders: set[Path]) -> Iterator[None]:
    """Take places in folders while no other process does, so that pairs do not mix; sync them."""
    with contextlib.ExitStack() as held:
        opened = []
        for folder in sorted(folders):
            with contextlib.suppress(OSError):  # of those that may be written to but not read
                opened.append(os.open(folder, os.O_RDONLY))
                held.callback(_close, opened[-1])
        for descriptor in opened:
            _lock_for_a_while(descriptor)
        yield
        for descriptor in opened:
            # The files are in their places whatever this says, and their bytes are on the disk.
            with contextlib.suppress(OSError):
                os.fsync(descriptor)


def _close(descriptor: int) -> None:
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


_living: set[NewFiles] = set()
_one_at_a_time = threading.RLock()


def _forget() -> None:
    """The parts of a process are not those of its forks."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()
    _living.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
