"""A clip: what is in a file of moving pictures, before any of it is decoded."""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from phos_video.errors import VideoError
from phos_video.ffmpeg.tags import Tags

__all__ = ["Chapter", "Clip", "OtherStream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherStream:
    """A stream beside the picture: sound, subtitles or data.

    Parameters
    ----------
    index : int
        Its number in the file.
    kind : {"audio", "subtitle", "data", "attachment"}
        What it is.
    codec : str
        As ffprobe names it; empty: ffmpeg does not know it.
    codec_tag : str
        The container's four letters.
    start_s : Fraction
        When it begins, from the file's beginning.
    """

    index: int
    kind: str
    codec: str
    codec_tag: str = ""
    start_s: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter: from when to when, in seconds of the file's time, and what it is called."""

    start_s: Fraction
    end_s: Fraction
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip, as its container tells of it.

    Parameters
    ----------
    path : Path
        The file; of a sequence of pictures its pattern, ``frame_%04d.dpx``.
    stream : int
        Number of the stream that holds the pictures.
    rows, cols : int
        Of a frame, upright: as it is shown, its rotation done.
    pixel_aspect : Fraction
        How wide a pixel is for its height, upright.
    turning : str
        The filters that turn a frame of the file upright.
    time_base : Fraction
        Seconds of a tick.
    times : tuple of int
        When each frame is shown, in ticks from the first; in order.
    durations : tuple of int
        How long each frame is shown, in ticks.
    rate : Fraction
        Frames a second: exact where it is constant, else the mean.
    is_constant : bool
        Whether every frame is shown equally long.
    start_s : Fraction
        When the first frame is shown, from the beginning of the file.
    depth_bits : int
        Of a sample.
    pixel_format : str
        As ffmpeg names it.
    codec : str
        As ffprobe names it.
    tags : Tags
        Its colour tags.
    input_space : str
        The space that the tags say, by a name that a recipe's ``input_space`` takes.
    is_interlaced : bool
        Whether a frame is two fields; reading makes one picture of it.
    has_alpha : bool
        Whether its frames have an alpha channel, which reading leaves out.
    streams : tuple of OtherStream
        Sound, subtitles, data.
    chapters : tuple of Chapter
    timecode : str
        Of the first frame, ``HH:MM:SS:FF``; empty: there is none.
    container : str
        As ffprobe names its format.
    first_number : int or None
        Of a sequence's first picture.
    source : Clip or None
        The clip itself, where this is it at another rate.
    picks : tuple of int
        Which of its frames each frame then is.
    """

    path: Path
    stream: int
    rows: int
    cols: int
    pixel_aspect: Fraction = Fraction(1)
    turning: str = ""
    time_base: Fraction
    times: tuple[int, ...] = field(repr=False)
    durations: tuple[int, ...] = field(repr=False)
    rate: Fraction
    is_constant: bool
    start_s: Fraction = Fraction(0)
    depth_bits: int
    pixel_format: str
    codec: str
    container: str
    tags: Tags
    input_space: str
    is_interlaced: bool = False
    has_alpha: bool = False
    streams: tuple[OtherStream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    timecode: str = ""
    first_number: int | None = None
    source: "Clip | None" = field(default=None, repr=False)
    picks: tuple[int, ...] = field(default=(), repr=False)

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return len(self.times)

    @property
    def is_float(self) -> bool:
        """Whether its frames are floats, scene-linear: EXR. Else they are 16-bit codes."""
        return self.pixel_format.startswith(("gbrpf", "gbrapf", "grayf"))

    @property
    def is_grey(self) -> bool:
        """Whether its frames are grey, of whole numbers."""
        return self.pixel_format.startswith(("gray", "ya")) and not self.is_float

    @property
    def is_sequence(self) -> bool:
        """Whether it is a sequence of picture files."""
        return self.first_number is not None

    @property
    def duration_s(self) -> Fraction:
        """How long it lasts, from its first frame to the end of its last."""
        return (self.times[-1] + self.durations[-1]) * self.time_base if self.times else Fraction(0)

    def time_s(self, frame: int) -> Fraction:
        """When a frame is shown, from the first; the one after the last is the end."""
        return self.tick(frame) * self.time_base

    def tick(self, frame: int) -> int:
        """When a frame is shown, in ticks from the first; the one after the last is the end."""
        return self.times[frame] if frame < self.frames else self.times[-1] + self.durations[-1]

    def frame_at(self, time_s: Fraction) -> int:
        """The frame that is shown at a time from the first frame's; from the end on, their number.

        Parameters
        ----------
        time_s : Fraction
            Seconds, at least 0.

        Returns
        -------
        int
        """
        if time_s >= self.duration_s:
            return self.frames
        return max(0, bisect_right(self.times, time_s / self.time_base) - 1)

    def at_rate(self, rate: Fraction) -> "Clip":
        """Show the clip at a constant rate: frames left out, or shown more than once.

        Parameters
        ----------
        rate : Fraction
            Frames a second.

        Returns
        -------
        Clip
            As long as this one, to half a frame. Each of its frames is what is on the screen in
            the middle of the time that it is shown.
        """
        if self.source is not None:
            raise VideoError("the clip has been brought to another rate already")
        if rate <= 0:
            raise VideoError(f"the rate must be above 0 frames a second, not {rate}")
        count = max(1, round(self.duration_s * rate)) if self.frames else 0
        last = self.frames - 1
        middles = (Fraction(2 * number + 1, 2) / rate for number in range(count))
        return replace(
            self,
            time_base=1 / rate,
            times=tuple(range(count)),
            durations=(1,) * count,
            rate=rate,
            is_constant=True,
            source=self,
            picks=tuple(min(last, self.frame_at(middle)) for middle in middles),
        )
