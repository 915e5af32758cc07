"""The segments of a clip: which frames each has, where it lies, and which are there already.

A clip is developed in segments, so that a run that is killed loses one of them at most, and so that
several processes have something to do. A segment's file bears the numbers of its frames, and it
bears that name only once it is whole. What is left to do follows from the names alone: a segment
may end early, and the next run may cut the rest as it likes.

    .film.mov.phos-work/            beside the clip that is made
        state.json                  what the segments are of; anything else and all begins anew
        00000000-00000240.mov       whole: frames 0 to 239
        part-1a2b3c4d-00000240-00000480.mov    in work, or left by a process that was killed
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from phos_core.process import RunReport
from phos_video.errors import VideoError

if sys.platform != "win32":
    import fcntl

__all__ = ["Span", "WorkFolder", "cut", "gaps_between", "head_of"]

WHOLE = re.compile(r"(\d{8,})-(\d{8,})(\.\w+)?")
STATE, LOCK, REPORT = "state.json", "lock", "report.json"
HEAD_BYTES = 2**20  # of each end of a file: a clip's index is at one of them
NAME_BYTES = 200  # of the clip's name in that of the folder: file systems take 255 in all


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Frames that follow each other, from 0.

    Parameters
    ----------
    first : int
        The number of the first.
    end : int
        The number after the last.
    """

    first: int
    end: int

    @property
    def count(self) -> int:
        """How many there are."""
        return self.end - self.first

    def __str__(self) -> str:
        return f"{self.first:08d}-{self.end:08d}"


def cut(span: Span, length: int) -> list[Span]:
    """Cut frames into pieces of a length; the last may be shorter."""
    return [
        Span(first, min(first + length, span.end)) for first in range(span.first, span.end, length)
    ]


def gaps_between(whole: Span, done: Iterable[Span]) -> list[Span]:
    """Give what is left of a whole where some spans, which do not overlap, are done."""
    gaps, place = [], whole.first
    for each in sorted(done):
        if each.first > place:
            gaps.append(Span(place, each.first))
        place = max(place, each.end)
    return [*gaps, Span(place, whole.end)] if place < whole.end else gaps


def head_of(path: Path) -> dict[str, Any]:
    """Say what a file is known by without reading all of it: size, time, and a hash of both ends.

    Parameters
    ----------
    path : Path
        A clip.

    Returns
    -------
    dict
        As JSON holds it.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        ends = file.read(HEAD_BYTES)
        file.seek(max(0, size - HEAD_BYTES))
        ends += file.read()
    return {
        "bytes": size,
        "changed_ns": path.stat().st_mtime_ns,
        "ends_sha256": hashlib.sha256(ends).hexdigest(),
    }


class WorkFolder:
    """The hidden folder beside a clip in which its segments wait for each other.

    Parameters
    ----------
    destination : Path
        The clip that is made.
    """

    def __init__(self, destination: Path) -> None:
        name = os.fsencode(destination.name)[:NAME_BYTES].decode("utf-8", "ignore")
        self.path = destination.parent / f".{name}.phos-work"
        self._destination = destination

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and keep other runs out of it.

        Raises
        ------
        VideoError
            If another process is at work in it, or it cannot be made.
        """
        try:
            self.path.mkdir(exist_ok=True)
            lock = (self.path / LOCK).open("ab")
        except OSError as error:
            raise VideoError(
                f"cannot work beside {self._destination}: {error.strerror} ({self.path})"
            ) from error
        with lock:
            if not _is_ours(lock.fileno()):
                raise VideoError(f"{self._destination} is being made by another process already")
            try:
                yield
            finally:
                self._leave_nothing_empty()

    def begin(self, state: Mapping[str, Any]) -> None:
        """Keep what is there if it is of this state; else remove it and note the state."""
        wanted = json.dumps(state, sort_keys=True)
        place = self.path / STATE
        with contextlib.suppress(OSError, ValueError):
            if json.dumps(json.loads(place.read_text("utf-8")), sort_keys=True) == wanted:
                self._sweep()
                return
        self._empty()
        new = self.path / f"{STATE}.new"
        new.write_text(wanted, "utf-8")
        new.replace(place)

    def keep_report(self, report: RunReport) -> None:
        """Note what ran, for a run that goes on and has nothing left to develop."""
        new = self.path / f"{secrets.token_hex(4)}.part"
        new.write_text(json.dumps(_plain(report)), "utf-8")
        new.replace(self.path / REPORT)

    def report(self) -> RunReport | None:
        """Give what ran, if that is noted."""
        try:
            return RunReport(**json.loads((self.path / REPORT).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def finished(self) -> dict[Span, Path]:
        """The segments that are whole, in the order of their frames."""
        found = {}
        for path in self.path.iterdir():
            match = WHOLE.fullmatch(path.name)
            if match:
                found[Span(int(match[1]), int(match[2]))] = path
        return dict(sorted(found.items()))

    def part_of(self, span: Span, suffix: str) -> Path:
        """A name for a segment while it is not whole, new each time."""
        return self.path / f"part-{secrets.token_hex(4)}-{span}{suffix}"

    def finish(self, part: Path, span: Span, suffix: str) -> None:
        """Give a segment that is whole its name; its bytes are on the disk before."""
        _sync(part)
        part.replace(self.path / f"{span}{suffix}")

    def discard(self, part: Path) -> None:
        """Remove what is left of a segment that is not to be."""
        _remove(part)

    def remove(self) -> None:
        """Remove the folder: the clip has its name."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _empty(self) -> None:
        for path in self.path.iterdir():
            if path.name != LOCK:
                _remove(path)

    def _sweep(self) -> None:
        """Remove what is not whole: nobody else is at work here."""
        for path in self.path.iterdir():
            if path.name not in (LOCK, STATE, REPORT) and not WHOLE.fullmatch(path.name):
                _remove(path)

    def _leave_nothing_empty(self) -> None:
        """Remove the folder if no segment is in it that a later run can use."""
        if self.path.is_dir() and not self.finished():
            self.remove()


def _plain(report: RunReport) -> dict[str, Any]:
    """A report's fields, as JSON holds them."""
    facts = {field.name: getattr(report, field.name) for field in fields(report)}
    return {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in facts.items()
    }


def _is_ours(descriptor: int) -> bool:
    """Lock a file; True too where the system has no locks."""
    if sys.platform == "win32":
        return True  # where a file that is open elsewhere cannot be removed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the bytes of a file, or of those in a folder, on the disk."""
    for each in path.iterdir() if path.is_dir() else (path,):
        with each.open("rb") as file:
            os.fsync(file.fileno())
