"""A board that the processes at work on a clip write on: how far each segment is, and stop."""

from pathlib import Path

import numpy as np

__all__ = ["Board"]

STOP, FIRST_SEGMENT = 0, 1


class Board:
    """Numbers in a file that several processes see at once.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._numbers = np.memmap(path, dtype=np.int64, mode="r+")

    @classmethod
    def new(cls, path: Path, segments: int) -> "Board":
        """Make a board for so many segments, none of them begun."""
        path.unlink(missing_ok=True)  # a process that is still at work keeps the old one
        path.write_bytes(bytes(8 * (FIRST_SEGMENT + segments)))
        return cls(path)

    def note(self, segment: int, frames: int) -> None:
        """Say how many frames of a segment are done."""
        self._numbers[FIRST_SEGMENT + segment] = frames

    @property
    def frames(self) -> int:
        """How many frames are done, of all segments."""
        return int(self._numbers[FIRST_SEGMENT:].sum())

    def stop(self) -> None:
        """Have everybody stop after the frame that is in work."""
        self._numbers[STOP] = 1

    @property
    def is_stopping(self) -> bool:
        """Whether everybody is to stop."""
        return bool(self._numbers[STOP])
