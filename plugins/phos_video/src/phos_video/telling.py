"""How far a clip is, on stderr: a line that is written over, or one from time to time."""

import sys
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO, cast

from phos_darkroom import Unfailing, say, visible

if TYPE_CHECKING:
    from phos_video.developing.clip import Progress

__all__ = ["Telling", "line_of"]

OVER_S = 10.0  # frames a second are those of the last so many seconds
EVERY_S = 30.0  # between lines where nobody sees them at once
CLEAR = "\r\x1b[K"


class Telling:
    """Says how far a clip is.

    Parameters
    ----------
    name : str
        Of the clip.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream = cast(TextIO, Unfailing(sys.stderr))
        self._is_seen = sys.stderr is not None and sys.stderr.isatty()
        self._seen: deque[tuple[float, int]] = deque()
        self._said, self._told = time.monotonic(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_seen:
            self._stream.write(CLEAR)
            self._stream.flush()

    def follow(self, progress: "Progress") -> None:
        """Take how far it is."""
        now = time.monotonic()
        self._seen.append((now, progress.developed))
        while now - self._seen[0][0] > OVER_S:
            self._seen.popleft()
        then, frames = self._seen[0]
        rate = (progress.developed - frames) / (now - then) if now > then else 0.0
        line = line_of(self._name, progress, rate)
        if self._is_seen:
            self._stream.write(f"{CLEAR}{visible(line)}")
            self._stream.flush()
        elif now - self._said >= EVERY_S and progress.frames > self._told:
            self._said, self._told = now, progress.frames
            say(line)


def line_of(name: str, progress: "Progress", rate: float) -> str:
    """Say how far a clip is, in a line.

    Parameters
    ----------
    name : str
        Of the clip.
    progress : Progress
        How far it is.
    rate : float
        Frames a second, of late; 0: not known yet.

    Returns
    -------
    str
    """
    line = f"{name}: {progress.frames} of {progress.total} frames"
    if rate > 0:
        left = _clock((progress.total - progress.frames) / rate)
        line += f", {rate:.1f} a second, {left} left"
    return f"{line}, {progress.backend}"


def _clock(seconds: float) -> str:
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"
