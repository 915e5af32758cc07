"""Frames out of a clip: exactly those asked for, in 16 bits, upright."""

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_video.errors import VideoError
from phos_video.ffmpeg.clip import Clip
from phos_video.ffmpeg.colours import InputRange, halved_size, levels_of_grey, to_rgb
from phos_video.ffmpeg.pipes import Piped
from phos_video.ffmpeg.programs import LOCAL, QUIET, Programs, file_url, last_words
from phos_video.ffmpeg.sequences import escaped

__all__ = ["read_frames", "read_size"]

logger = logging.getLogger(__name__)

SEEKABLE = ("mov", "matroska", "nut")
"""Containers in which ffmpeg finds a frame by its time; in others it starts at the beginning."""

FLOAT_PLANES = {"gbrp": (2, 0, 1), "gbrap": (2, 0, 1), "gray": (0, 0, 0)}
"""Which of the planes that come are red, green and blue."""


def read_size(clip: Clip, *, halved: bool = False) -> tuple[int, int]:
    """Rows and columns of the frames that `read_frames` gives."""
    return halved_size(clip.rows, clip.cols) if halved else (clip.rows, clip.cols)


@contextlib.contextmanager
def read_frames(
    clip: Clip,
    programs: Programs,
    *,
    first: int = 0,
    count: int | None = None,
    input_space: str = "",
    input_range: InputRange = "auto",
    halved: bool = False,
) -> Iterator[Iterator[NDArray[Any]]]:
    """Read frames, one after the other.

    Parameters
    ----------
    clip : Clip
        From `probe`.
    programs : Programs
        From `find_programs`.
    first : int
        Number of the first frame, from 0.
    count : int, optional
        How many; without it all that follow.
    input_space : str
        The space that the clip is in; empty: what its tags say.
    input_range : {"auto", "full", "limited"}
        Whether the codes of Y'CbCr take the full range. ``"auto"``: as the tags say, and of a log
        that its maker defines over all codes (see `has_full_codes`) as that definition does,
        though its stream is tagged as limited.
    halved : bool
        Whether each frame is half as wide and half as high, the mean of each four pixels.

    Yields
    ------
    iterator of ndarray, shape (rows, cols, 3)
        uint16, R'G'B' codes of the full range of the clip's own space; float32 of a clip whose
        `Clip.is_float`. Each is a new array, but that a frame which is shown more than once, see
        `Clip.at_rate`, is the same one again.

    Raises
    ------
    VideoError
        If there are not so many frames, or ffmpeg fails; in the iteration too, where a frame that
        the container promises does not come.
    """
    count = clip.frames - first if count is None else count
    if first < 0 or count < 0 or first + count > clip.frames:
        raise VideoError(
            f"{clip.path} has {clip.frames} frames; {count} from number {first} on are not there"
        )
    if count == 0:
        yield iter(())
        return
    source, start, wanted = _of_the_file(clip, first, count)
    lead = 1 if source.is_interlaced and start else 0  # a frame is completed by those around it
    start -= lead
    number = wanted[-1] + 1 + lead
    command = [
        *(programs.ffmpeg, *QUIET, "-nostdin", *LOCAL),
        *_from(source, start),
        *("-map", f"0:{source.stream}"),
        *_filtered(source, programs, start, input_space, input_range, halved=halved),
        *(*programs.passthrough, "-frames:v", str(number)),
        *("-f", "rawvideo", "-pix_fmt", _piped_format(source), "pipe:1"),
    ]
    pipe = Piped(command, writes=False, trouble=f"{clip.path} cannot be decoded")
    try:
        frames = _frames(pipe, source, start, number, halved=halved)
        if source.is_grey:
            levels = levels_of_grey(source, input_space or source.input_space, input_range)
            frames = _of_grey(frames, levels)
        for _ in range(lead):
            next(frames)
        yield _repeated(frames, wanted)
    finally:
        pipe.kill()


def _of_the_file(clip: Clip, first: int, count: int) -> tuple[Clip, int, list[int]]:
    """The clip as it is in its file, the first of its frames, and which each is from that on."""
    if clip.source is None:
        return clip, first, list(range(count))
    picks = clip.picks[first : first + count]
    return clip.source, picks[0], [pick - picks[0] for pick in picks]


def _repeated(frames: Iterator[NDArray[Any]], wanted: list[int]) -> Iterator[NDArray[Any]]:
    """Give frames by their numbers, which do not fall."""
    at = 0
    frame = next(frames)
    for number in wanted:
        while at < number:
            at, frame = at + 1, next(frames)
        yield frame


def _is_seekable(clip: Clip) -> bool:
    return clip.is_sequence or clip.container.startswith(SEEKABLE)


def _from(clip: Clip, first: int) -> tuple[str, ...]:
    """Open a clip, half a frame before the first one that is wanted."""
    if clip.is_sequence:
        number = str((clip.first_number or 0) + first)
        rate = ("-framerate", str(clip.rate), "-start_number", number)
        return ("-f", "image2", *rate, "-i", file_url(escaped(clip.path)))
    opened = ("-noautorotate", "-i", file_url(clip.path))
    if first == 0 or not _is_seekable(clip):
        return opened
    middle = (clip.time_s(first) + clip.time_s(first - 1)) / 2
    return ("-ss", f"{round((clip.start_s + middle) * 1_000_000)}us", *opened)


def _filtered(
    clip: Clip,
    programs: Programs,
    first: int,
    input_space: str,
    input_range: InputRange,
    *,
    halved: bool,
) -> tuple[str, ...]:
    filters = []
    if clip.is_interlaced:
        if "bwdif" not in programs.filters:
            raise VideoError(f"{clip.path} is interlaced, and {programs.ffmpeg} has no bwdif")
        filters.append("bwdif=mode=send_frame:deint=interlaced")
    if first and not _is_seekable(clip):
        filters.append(f"select=gte(n\\,{first})")
    if not clip.is_float:
        space = input_space or clip.input_space
        filters += to_rgb(clip, programs, space, input_range, halved=halved)
    if clip.turning:
        filters.append(clip.turning)
    return ("-vf", ",".join(filters)) if filters else ()


def _piped_format(clip: Clip) -> str:
    """Floats come as they are: the scaler would clip them."""
    if clip.is_float:
        return clip.pixel_format
    return "gray16le" if clip.is_grey else "rgb48le"


def _frames(
    pipe: Piped, clip: Clip, first: int, count: int, *, halved: bool
) -> Iterator[NDArray[Any]]:
    for number in range(count):
        frame = _float_frame(pipe, clip) if clip.is_float else _frame(pipe, clip, halved=halved)
        if frame is None:
            raise _end(pipe, clip, first + number)
        yield _halved(frame) if halved and clip.is_float else frame
    said = pipe.said
    if said:
        logger.warning("%s: %s", clip.path, last_words(said))


def _frame(pipe: Piped, clip: Clip, *, halved: bool) -> NDArray[Any] | None:
    channels = 1 if clip.is_grey else 3
    frame = np.empty((*read_size(clip, halved=halved), channels), np.uint16)
    return frame if pipe.fill(frame.data.cast("B")) else None


def _of_grey(
    frames: Iterator[NDArray[Any]], levels: NDArray[np.uint16] | None
) -> Iterator[NDArray[Any]]:
    """Make R'G'B' of grey."""
    for grey in frames:
        yield np.repeat(grey if levels is None else levels[grey], 3, axis=2)


def _float_frame(pipe: Piped, clip: Clip) -> NDArray[Any] | None:
    parts = re.fullmatch(r"(gbrap|gbrp|gray)f(16|32)(le|be)", clip.pixel_format)
    if parts is None:
        raise VideoError(f"{clip.path} holds floats as {clip.pixel_format}, which is not read")
    layout, bits, order = parts.groups()
    count = {"gbrap": 4, "gbrp": 3, "gray": 1}[layout]
    dtype = np.dtype(f"{'<' if order == 'le' else '>'}f{int(bits) // 8}")
    planes = np.empty((count, clip.rows, clip.cols), dtype)
    if not pipe.fill(planes.data.cast("B")):
        return None
    frame = np.empty((clip.rows, clip.cols, 3), np.float32)
    for channel, plane in enumerate(FLOAT_PLANES[layout]):
        frame[..., channel] = planes[plane]
    return frame


def _halved(frame: NDArray[Any]) -> NDArray[Any]:
    rows, cols = halved_size(*frame.shape[:2])
    even = frame[: 2 * rows, : 2 * cols]
    if even.shape[:2] != (2 * rows, 2 * cols):  # a side of one pixel
        return frame[:rows, :cols].copy()
    means: NDArray[Any] = even.reshape(rows, 2, cols, 2, 3).mean(axis=(1, 3), dtype=np.float32)
    return means


def _end(pipe: Piped, clip: Clip, come: int) -> VideoError:
    code = pipe.finish()
    if code and come == 0:
        return pipe.error()
    said = f": {last_words(pipe.said)}" if pipe.said else ""
    return VideoError(
        f"{clip.path} is damaged or cut off: {come} of its {clip.frames} frames can be"
        f" decoded{said}"
    )
