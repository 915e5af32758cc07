"""What is ordered of a clip, besides how its frames look."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from phos_core.errors import shown
from phos_video.developing.segments import Span
from phos_video.errors import VideoError

if TYPE_CHECKING:
    from phos_video.ffmpeg import Clip, InputRange

__all__ = ["Order", "frame_of", "rate_from"]

ALL = "all"  # how a file of settings says that nothing was asked for
AS_IT_IS = "as it is"
FRAMES = re.compile(r"(\d+)f")
TIMECODE = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
SECONDS = re.compile(r"\d+(?:\.\d+)?|\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Which frames of a clip are developed, and what they become.

    Parameters
    ----------
    first : int
        The first frame, from 0; with `rate`, of the clip as it is then.
    count : int or None
        How many; None: all from there on.
    rate : Fraction or None
        Frames a second, constant: frames are left out or shown again. None: each frame is
        developed once, and shown when it was.
    codec : str or None
        A key of `TARGETS`; None: what the ending of the new file usually holds.
    proxy : bool
        Whether frames are read at half their size. The pixel pitch doubles, so the look stays.
    compare : bool
        Whether the left half of each frame stays as it came.
    input_range : {"auto", "full", "limited"}
        Whether the clip's codes take the full range; "auto": as it says.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    first: int = 0
    count: int | None = None
    rate: Fraction | None = None
    codec: str | None = None
    proxy: bool = False
    compare: bool = False
    input_range: "InputRange" = "auto"

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(f"first must be 0 or more, got {self.first}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count must be 1 or more, got {self.count}")
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"rate must be above 0 frames a second, got {self.rate}")
        if self.input_range not in ("auto", "full", "limited"):
            raise ValueError(
                f"input_range must be auto, full or limited, got {shown(self.input_range)}"
            )

    def at_its_rate(self, clip: "Clip") -> "Clip":
        """Give a clip at the rate that is asked for."""
        return clip if self.rate in (None, clip.rate) else clip.at_rate(self.rate)

    def span_in(self, clip: "Clip") -> Span:
        """Give the frames of a clip, at this order's rate already, that are meant.

        Raises
        ------
        VideoError
            If there are none, or not so many.
        """
        end = clip.frames if self.count is None else self.first + self.count
        if not self.first < end <= clip.frames:
            asked = f"{self.count} from frame {self.first} on" if self.count else f"{self.first}"
            raise VideoError(f"{clip.path} has {clip.frames} frames, from 0, not frame {asked}")
        return Span(self.first, end)

    def values(self) -> dict[str, str | bool | int]:
        """Give the order as a sidecar holds it; `from_values` gives it again."""
        return {
            "first": self.first,
            "count": ALL if self.count is None else self.count,
            "rate": AS_IT_IS if self.rate is None else str(self.rate),
            "codec": self.codec or "",
            "proxy": self.proxy,
            "compare": self.compare,
            "input_range": self.input_range,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Order":
        """Read what `values` has written.

        Raises
        ------
        ValueError
            If something is missing or wrong.
        """
        wanted = cls().values()
        for name, default in wanted.items():
            kinds = (int, str) if name == "count" else (type(default),)
            if type(values.get(name)) not in kinds:
                raise ValueError(f"[clip] {name} is missing or wrong: {shown(values.get(name))}")
        return cls(
            first=values["first"],
            count=None if values["count"] == ALL else values["count"],
            rate=None if values["rate"] == AS_IT_IS else rate_from(values["rate"]),
            codec=values["codec"] or None,
            proxy=values["proxy"],
            compare=values["compare"],
            input_range=values["input_range"],
        )


def rate_from(text: str) -> Fraction:
    """Read frames a second: ``25``, ``23.976``, ``24000/1001``.

    Notes
    -----
    23.976, 29.97 and 59.94 are how people write 24000/1001 and its likes.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f"rate must be frames a second, such as 24, 23.976 or 24000/1001, got {shown(text)}"
        ) from error
    if rate <= 0:
        raise ValueError(f"rate must be above 0 frames a second, got {shown(text)}")
    for whole in (24, 30, 48, 60, 120):
        exact = Fraction(whole * 1000, 1001)
        if text in (f"{float(exact):.2f}", f"{float(exact):.3f}"):
            return exact
    return rate


def frame_of(name: str, text: str, clip: "Clip") -> int:
    """Find the frame of a clip that a user means by a place in it.

    Parameters
    ----------
    name : str
        Of the argument, for its error.
    text : str
        Seconds, ``12.5``; a time, ``1:02:03.5`` or ``2:03.5``; or a frame's number, ``120f``.
    clip : Clip
        In which.

    Returns
    -------
    int
        The frame that is shown then; from the end on the number after the last.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if match := FRAMES.fullmatch(text):
        return min(int(match[1]), clip.frames)
    if SECONDS.fullmatch(text):
        return clip.frame_at(Fraction(text))
    if match := TIMECODE.fullmatch(text):
        hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
        if minutes < 60 and seconds < 60:
            return clip.frame_at(3600 * hours + 60 * minutes + seconds)
    raise ValueError(
        f"{name} must be seconds (12.5), a time (1:02:03.5) or a frame (120f), got {shown(text)}"
    )
