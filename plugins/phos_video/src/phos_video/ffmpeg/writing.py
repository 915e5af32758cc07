"""Frames into a file: a segment of a clip, each frame at its time."""

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from phos_video.errors import VideoError
from phos_video.ffmpeg.levels import FLAGS, before_limited_table, rounding_table, whites
from phos_video.ffmpeg.pipes import Piped
from phos_video.ffmpeg.programs import QUIET, Programs, file_url
from phos_video.ffmpeg.reading import MATRICES
from phos_video.ffmpeg.tags import Tags, tags_of
from phos_video.ffmpeg.targets import Target

__all__ = ["FrameWriter", "muxer_of"]

MUXERS = {".mov": "mov", ".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}


class FrameWriter:
    """Write frames to a file through ffmpeg; a context manager.

    Parameters
    ----------
    path : path
        The file, whose ending is the target's `Target.segment_suffix` or one of its suffixes. It is
        removed again unless all frames came.
    programs : Programs
        From `find_programs`.
    target : Target
        From `target_of`.
    rows, cols : int
        Of a frame.
    times : sequence of int
        When each of the frames is shown, in ticks, rising; the first need not be 0, but is written
        at the file's beginning.
    time_base : Fraction
        Seconds of a tick.
    pixel_aspect : Fraction
        How wide a pixel is for its height.
    output_space : str
        Of the frames, a key of `phos_core.process.OUTPUT_SPACES`.

    Raises
    ------
    VideoError
        If ffmpeg fails, or other frames come than were announced.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        programs: Programs,
        target: Target,
        *,
        rows: int,
        cols: int,
        times: Sequence[int],
        time_base: Fraction,
        pixel_aspect: Fraction = Fraction(1),
        output_space: str = "srgb",
    ) -> None:
        self.path = Path(path)
        self.shape = (rows, cols, 3)
        self.expected = len(times)
        self.written = 0
        tags = tags_of(output_space)
        command = [
            *(programs.ffmpeg, *QUIET, "-f", "rawvideo", "-pix_fmt", "rgb48le"),
            *("-video_size", f"{cols}x{rows}", "-framerate", str(_rate(times, time_base))),
            *("-i", "pipe:0", "-vf", ",".join(_filters(target, programs, tags, pixel_aspect))),
            *programs.passthrough,
            *("-c:v", target.encoder, *target.arguments),
            *(*muxer_of(self.path.suffix), "-y", file_url(self.path)),
        ]
        self._pipe = Piped(command, writes=True, trouble=f"{self.path} cannot be written")

    def __enter__(self) -> Self:
        return self

    def write(self, frame: NDArray[Any]) -> None:
        """Write the next frame: uint16 R'G'B', shape (rows, cols, 3).

        Raises
        ------
        VideoError
            If the frame has another shape or dtype, all have come, or ffmpeg has ended.
        """
        if frame.shape != self.shape or frame.dtype != np.uint16:
            raise VideoError(
                f"frame must be uint16 of shape {self.shape}, not {frame.dtype} of {frame.shape}"
            )
        if self.written == self.expected:
            raise VideoError(f"{self.path}: {self.expected} frames were announced, one more came")
        left = np.ascontiguousarray(frame).data.cast("B")
        try:
            while len(left):
                left = left[self._pipe.stream.write(left) :]
        except OSError:  # it has ended, and will say why
            self._pipe.finish()
            raise self._pipe.error() from None
        self.written += 1

    def end_early(self) -> None:
        """Make a whole file of the frames written so far: no more come."""
        self.expected = self.written

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None or self.written != self.expected:
            self._pipe.kill()
            self.path.unlink(missing_ok=True)
            if kind is None:
                raise VideoError(
                    f"{self.path}: {self.expected} frames were announced, {self.written} came"
                )
        elif self._pipe.finish():
            self.path.unlink(missing_ok=True)
            raise self._pipe.error()


def _rate(times: Sequence[int], time_base: Fraction) -> Fraction:
    step = times[1] - times[0] if len(times) > 1 else 1
    return 1 / (step * time_base)


def _filters(target: Target, programs: Programs, tags: Tags, aspect: Fraction) -> list[str]:
    """What is done to 16-bit R'G'B' on its way to the encoder."""
    filters = [f"setsar={aspect.numerator}/{aspect.denominator}"]
    marks = _marks(target, tags)
    if target.pixel_format == "rgb48le":
        return [*filters, marks]
    if target.pixel_format.startswith("gbr"):
        return [*filters, rounding_table(target.depth_bits), f"format={target.pixel_format}", marks]
    matrix = MATRICES[tags.matrix]
    to_codes = f"in_range=full:out_range=limited:out_color_matrix={matrix}:flags={FLAGS}"
    table = before_limited_table(whites(programs).to_limited)
    return [*filters, table, f"scale={to_codes}", f"format={target.pixel_format}", marks]


def _marks(target: Target, tags: Tags) -> str:
    """The filter that marks frames with their tags, from which encoder and container take them."""
    is_rgb = target.pixel_format.startswith(("rgb", "gbr"))
    return (
        f"setparams=range={'pc' if is_rgb else 'tv'}"
        f":colorspace={'gbr' if is_rgb else tags.matrix}"
        f":color_primaries={tags.primaries}:color_trc={tags.transfer}"
    )


def muxer_of(suffix: str) -> tuple[str, ...]:
    """The output options that choose a container by the ending of its files."""
    name = MUXERS[suffix.lower()]
    tagged = ("-movflags", "write_colr") if name in ("mov", "mp4") else ()
    return ("-f", name, *tagged)
