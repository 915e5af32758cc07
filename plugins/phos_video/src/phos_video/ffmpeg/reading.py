"""Frames out of a clip: exactly those asked for, in 16 bits, upright."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from phos_video.errors import VideoError
from phos_video.ffmpeg.clip import Clip
from phos_video.ffmpeg.levels import FLAGS, from_bytes_table, to_limited_table, whites
from phos_video.ffmpeg.pipes import Piped
from phos_video.ffmpeg.probing import RGB
from phos_video.ffmpeg.programs import LOCAL, QUIET, Programs, file_url
from phos_video.ffmpeg.tags import has_full_codes

__all__ = ["InputRange", "read_frames", "read_size"]

InputRange = Literal["auto", "full", "limited"]

MATRICES = {
    "bt709": "bt709", "bt470bg": "bt601", "smpte170m": "bt601", "smpte240m": "smpte240m",
    "fcc": "fcc", "bt2020nc": "bt2020",
}  # fmt: skip
ROWS_OF_SD = 576  # untagged and not larger: of standard definition, and its matrix


def read_size(clip: Clip, *, halved: bool = False) -> tuple[int, int]:
    """Rows and columns of the frames that `read_frames` gives."""
    if halved:
        return max(1, clip.rows // 2), max(1, clip.cols // 2)
    return clip.rows, clip.cols


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
        The space that the clip is in; empty: what its tags say. It decides whether limited codes
        stand for all of a camera's, see `has_full_codes`.
    input_range : {"auto", "full", "limited"}
        Whether the codes take the full range; ``"auto"``: as the tags and the space say.
    halved : bool
        Whether each frame is half as wide and half as high, the mean of each four pixels.

    Yields
    ------
    iterator of ndarray, shape (rows, cols, 3)
        uint16, R'G'B' codes of the full range of the clip's own space; float32 of a clip whose
        `Clip.is_float`. Each is a new array.

    Raises
    ------
    VideoError
        If there are not so many frames, or ffmpeg fails; in the iteration too, where a frame that
        the container promises does not come.
    """
    count = clip.frames - first if count is None else count
    if first < 0 or count < 0 or first + count > clip.frames:
        raise VideoError(f"{clip.path} has {clip.frames} frames, not {first + count}")
    if count == 0:
        yield iter(())
        return
    if clip.source is None:
        wanted = None
        source, start, number = clip, first, count
    else:
        picks = clip.picks[first : first + count]
        source, start, number = clip.source, picks[0], picks[-1] - picks[0] + 1
        wanted = [pick - picks[0] for pick in picks]
    command = _command(source, programs, start, number, input_space, input_range, halved)
    trouble = f"{clip.path} cannot be decoded"
    pipe = Piped(command, writes=False, trouble=trouble)
    try:
        frames = _frames(pipe, source, read_size(source, halved=halved), start, number)
        yield frames if wanted is None else _repeated(frames, wanted)
    finally:
        pipe.kill()


def _repeated(frames: Iterator[NDArray[Any]], wanted: list[int]) -> Iterator[NDArray[Any]]:
    """Give frames by their numbers, which do not fall."""
    at, frame = -1, None
    for number in wanted:
        while at < number:
            at, frame = at + 1, next(frames)
        assert frame is not None  # noqa: S101
        yield frame


def _frames(
    pipe: Piped, clip: Clip, size: tuple[int, int], first: int, count: int
) -> Iterator[NDArray[Any]]:
    for number in range(count):
        frame = np.empty((*size, 3), np.uint16)
        if not _filled(pipe, frame.data.cast("B")):
            code = pipe.finish()
            come = f"{clip.path} ends after {first + number} of its {clip.frames} frames"
            raise pipe.error() if code else VideoError(f"{come}: it is damaged or cut off")
        yield frame


def _filled(pipe: Piped, buffer: memoryview) -> bool:
    """Fill a buffer from the pipe; whether there was enough."""
    readinto = pipe.stream.readinto  # type: ignore[attr-defined]
    while len(buffer):
        size = readinto(buffer)
        if not size:
            return False
        buffer = buffer[size:]
    return True


def _command(
    clip: Clip,
    programs: Programs,
    first: int,
    count: int,
    input_space: str,
    input_range: InputRange,
    halved: bool,
) -> list[str]:
    filters = _filters(clip, programs, input_space or clip.input_space, input_range, halved)
    return [
        *(programs.ffmpeg, *QUIET, "-nostdin", *LOCAL),
        *_seek(clip, first),
        *("-i", file_url(clip.path), "-map", f"0:{clip.stream}"),
        *("-vf", ",".join(filters), *programs.passthrough, "-frames:v", str(count)),
        *("-f", "rawvideo", "-pix_fmt", "rgb48le", "pipe:1"),
    ]


def _seek(clip: Clip, first: int) -> tuple[str, ...]:
    """Begin half a frame before the first one that is wanted."""
    if first == 0:
        return ()
    half = (clip.time_s(first) - clip.time_s(first - 1)) / 2
    at = clip.start_s + clip.time_s(first) - half
    return ("-ss", _microseconds(at))


def _microseconds(time_s: Fraction) -> str:
    return f"{round(time_s * 1_000_000)}us"


def _filters(
    clip: Clip, programs: Programs, space: str, input_range: InputRange, halved: bool
) -> list[str]:
    rows, cols = read_size(clip, halved=halved)
    size = f"{cols}:{rows}"
    flags = FLAGS.replace("bicubic", "area") if halved else FLAGS
    if clip.pixel_format.startswith(RGB):
        filters = [f"scale={size}:out_range=full:flags={flags}", "format=rgb48le"]
        if clip.depth_bits <= 8:
            filters.append(from_bytes_table(whites(programs).from_bytes))
        return filters
    matrix = _matrix(clip)
    over_all = input_range == "full" or (input_range == "auto" and has_full_codes(space))
    is_full = clip.tags.range == "pc"
    kept = "full" if is_full else "limited"
    both = f"in_color_matrix={matrix}:out_color_matrix={matrix}"
    return [
        f"scale={size}:in_range={kept}:out_range={kept}:{both}:flags={flags}",
        "format=yuv444p16le",
        to_limited_table(
            is_full=is_full,
            is_over_all_codes=over_all,
            white=whites(programs).from_limited,
        ),
        f"scale=in_range=limited:in_color_matrix={matrix}:out_range=full:flags={FLAGS}",
        "format=rgb48le",
    ]


def _matrix(clip: Clip) -> str:
    if clip.tags.matrix in MATRICES:
        return MATRICES[clip.tags.matrix]
    if clip.tags.matrix in ("", "gbr"):
        return "bt601" if min(clip.rows, clip.cols) <= ROWS_OF_SD else "bt709"
    raise VideoError(
        f"{clip.path}: its colour matrix is {clip.tags.matrix}; those that can be read are"
        f" {', '.join(MATRICES)}"
    )
