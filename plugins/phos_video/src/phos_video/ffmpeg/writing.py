"""Frames into files: a segment of a clip, each frame at its time."""

import os
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from phos_core.process import OUTPUT_SPACES, Recipe
from phos_darkroom import Picture, frame_of_positive, write_picture
from phos_video.errors import VideoError
from phos_video.ffmpeg.colours import from_rgb
from phos_video.ffmpeg.dpx import tag_dpx
from phos_video.ffmpeg.pipes import Piped
from phos_video.ffmpeg.programs import QUIET, Programs, file_url
from phos_video.ffmpeg.sequences import escaped, numbered
from phos_video.ffmpeg.tags import TAGS_OF, tags_of
from phos_video.ffmpeg.targets import Target
from phos_video.ffmpeg.timing import Timing

__all__ = ["SEGMENT_PATTERN", "FrameWriter", "muxer_of"]

MUXERS = {".mov": "mov", ".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}
SEGMENT_PATTERN = "%06d"
"""How the pictures of a segment's folder are named, from 0 on, before they take their places."""


class FrameWriter:
    """Write frames to a file, or to the folder of a sequence's segment; a context manager.

    Parameters
    ----------
    path : path
        The file, whose ending is `Target.segment_suffix`; of a sequence a folder, which is made.
        What is there is overwritten. It is removed again unless all frames came and were written.
    programs : Programs
        From `find_programs`.
    target : Target
        From `target_of`.
    rows, cols : int
        Of a frame.
    times : sequence of int
        When each of the frames is shown, in ticks, rising; the first one's is the file's beginning.
    time_base : Fraction
        Seconds of a tick.
    end : int, optional
        When the last frame is no longer shown, in ticks; without it, it is shown as long as the one
        before it, and a lone one for a tick.
    pixel_aspect : Fraction
        How wide a pixel is for its height.
    output_space : str
        Of the frames, a key of `phos_core.process.OUTPUT_SPACES`.

    Raises
    ------
    VideoError
        If the target cannot hold the space or the size, ffmpeg fails, or other frames come than
        were announced.
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
        end: int | None = None,
        pixel_aspect: Fraction = Fraction(1),
        output_space: str = "srgb",
    ) -> None:
        self.path = Path(path)
        self.shape = (rows, cols, 3)
        self.dtype = np.dtype(np.float32 if target.is_linear else np.uint16)
        self.expected = len(times)
        self.written = 0
        if not self.expected:
            raise VideoError(f"{self.path}: a clip must have a frame")
        if self.path.suffix.lower() != target.segment_suffix:
            raise VideoError(
                f"{self.path}: a segment of {target.title} must end in"
                f" {target.segment_suffix or 'nothing, being a folder'}"
            )
        check_space(target, output_space)
        if target.encoder:
            if (rows % 2 or cols % 2) and target.pixel_format != target.odd_format:
                raise VideoError(
                    f"{self.path}: {target.title}, as chosen, does not keep frames of {cols} ×"
                    f" {rows}, of an odd side; choose the target by their size"
                )
            colours = _colours(target, programs, output_space, pixel_aspect)
            timing = Timing.of(times, end, time_base)
            command = [
                *(programs.ffmpeg, *QUIET, "-f", "rawvideo", "-pix_fmt", "rgb48le"),
                *("-video_size", f"{cols}x{rows}", "-framerate", str(timing.rate), "-i", "pipe:0"),
                *("-vf", ",".join([*timing.filters, *colours]), *programs.passthrough),
                *(*timing.output, "-c:v", target.encoder, *target.arguments),
                *_output(self.path, target),
            ]
            self._sink: _Sink = _Encoder(command, self.path, target, output_space)
        else:
            self._sink = _Pictures(self.path, target, output_space)

    def __enter__(self) -> Self:
        return self

    def write(self, frame: NDArray[Any]) -> None:
        """Write the next frame.

        Parameters
        ----------
        frame : ndarray of uint16, or of float32 for a linear target, shape (rows, cols, 3)
            R'G'B' codes of the output space, or its light. It may be used again afterwards.

        Raises
        ------
        VideoError
            If the frame has another shape or dtype, all have come, or ffmpeg has ended.
        """
        if frame.shape != self.shape or frame.dtype != self.dtype:
            raise VideoError(
                f"frame must be {self.dtype} of shape {self.shape}, not {frame.dtype} of"
                f" {frame.shape}"
            )
        if self.written == self.expected:
            raise VideoError(f"{self.path}: {self.expected} frames were announced, one more came")
        self._sink.write(frame)
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
        try:
            if kind is None:
                if self.written != self.expected:
                    raise VideoError(
                        f"{self.path}: {self.expected} frames were announced, {self.written} came"
                    )
                self._sink.finish()
        except BaseException:
            self._abandon()
            raise
        if kind is not None:
            self._abandon()

    def _abandon(self) -> None:
        self._sink.abandon()
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)


def check_space(target: Target, output_space: str) -> None:
    """Refuse a space that the files of a target cannot hold or be tagged with."""
    if output_space not in OUTPUT_SPACES:
        raise VideoError(
            f"output_space must be one of {', '.join(OUTPUT_SPACES)}, not {output_space!r}"
        )
    space = OUTPUT_SPACES[output_space]
    if target.is_linear and not space.is_unbounded:
        linear = ", ".join(name for name, known in OUTPUT_SPACES.items() if known.is_unbounded)
        raise VideoError(
            f"output_space is {output_space!r}, and {target.title} holds linear light: {linear}"
        )
    if space.is_unbounded and not target.is_linear:
        raise VideoError(
            f"output_space is {output_space!r}, linear light, which {target.title} does not hold:"
            " an EXR sequence does"
        )
    if not target.is_sequence:
        tags_of(output_space)


class _Sink(Protocol):
    """Where frames go."""

    def write(self, frame: NDArray[Any]) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None: ...


class _Encoder:
    """An ffmpeg that encodes."""

    def __init__(
        self, command: Sequence[str], path: Path, target: Target, output_space: str
    ) -> None:
        self._folder = path if target.is_sequence else None
        self._output_space = output_space
        self._pipe = Piped(command, writes=True, trouble=f"{path} cannot be written")

    def write(self, frame: NDArray[Any]) -> None:
        try:
            self._pipe.empty(np.ascontiguousarray(frame).data.cast("B"))
        except OSError:  # it has ended, and will say why
            self._pipe.finish()
            raise self._pipe.error() from None

    def finish(self) -> None:
        if self._pipe.finish():
            raise self._pipe.error()
        if self._folder is not None:
            for picture in self._folder.iterdir():
                tag_dpx(picture, self._output_space)

    def abandon(self) -> None:
        self._pipe.kill()


class _Pictures:
    """Threads that write pictures as the darkroom does, with its profiles."""

    def __init__(self, folder: Path, target: Target, output_space: str) -> None:
        self._pattern = folder / f"{SEGMENT_PATTERN}{target.suffixes[0]}"
        folder.mkdir(parents=True, exist_ok=True)
        dtype = np.float32 if target.is_linear else np.uint16
        still = Picture(pixels=np.zeros((1, 1, 3), dtype))
        self._frame = frame_of_positive(still, Recipe(output_space=output_space))
        threads = min(4, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="phos-pictures")
        self._places = threading.Semaphore(2 * threads)  # so that frames do not pile up
        self._waiting: list[Future[None]] = []

    def write(self, frame: NDArray[Any]) -> None:
        self._raise_what_failed()
        self._places.acquire()
        picture = replace(self._frame, pixels=frame.copy())
        path = numbered(self._pattern, len(self._waiting))
        self._waiting.append(self._threads.submit(self._write, path, picture))

    def _write(self, path: Path, picture: Picture) -> None:
        try:
            write_picture(path, picture, overwrite=True)
        finally:
            self._places.release()

    def _raise_what_failed(self) -> None:
        for future in self._waiting:
            if future.done() and not future.cancelled() and (error := future.exception()):
                raise error

    def finish(self) -> None:
        self._threads.shutdown(wait=True)
        self._raise_what_failed()

    def abandon(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _colours(target: Target, programs: Programs, output_space: str, aspect: Fraction) -> list[str]:
    tags = TAGS_OF.get(output_space, TAGS_OF["rec709"])  # a sequence has its tags in its files
    return from_rgb(target.pixel_format, target.depth_bits, programs, tags, aspect)


def _output(path: Path, target: Target) -> tuple[str, ...]:
    if not target.is_sequence:
        return (*muxer_of(target, path.suffix), "-y", file_url(path))
    path.mkdir(parents=True, exist_ok=True)
    pattern = path / f"{SEGMENT_PATTERN}{target.suffixes[0]}"
    return ("-start_number", "0", "-f", "image2", "-y", file_url(escaped(pattern)))


def muxer_of(target: Target, suffix: str) -> tuple[str, ...]:
    """The output options that choose a container by the ending of its files."""
    name = MUXERS[suffix.lower()]
    if name not in ("mov", "mp4"):
        return ("-f", name)
    known_as = ("-tag:v", "hvc1") if target.name == "hevc" else ()  # what Apple's players ask for
    return (*known_as, "-movflags", "write_colr", "-f", name)
