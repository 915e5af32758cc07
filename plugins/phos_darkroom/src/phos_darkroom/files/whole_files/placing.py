"""New files: made, put in their places together, or removed."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from phos_core.errors import ImageFileError
from phos_darkroom.files.whole_files.locks import alone_in
from phos_darkroom.files.whole_files.part import Part

__all__ = ["NewFiles", "abandon_all", "cannot_write", "check_place", "new_files", "replacing"]


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
        self._parts: list[Part] = []

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
            part = Part(Path(path))
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
        with _one_at_a_time, alone_in({part.target.parent for part in self._parts}):
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


def abandon_all() -> None:
    """Remove every part of this process, and let it begin none: it is about to end."""
    _one_at_a_time.acquire()  # for good
    for files in list(_living):
        files.abandon()


_living: set[NewFiles] = set()
_one_at_a_time = threading.RLock()


def _forget() -> None:
    """The parts of a process are not those of its forks."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()
    _living.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
