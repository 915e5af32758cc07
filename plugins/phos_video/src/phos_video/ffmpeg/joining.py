"""Segments to one clip, with the sound and whatever else the source has."""

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from phos_darkroom import new_files
from phos_video.errors import VideoError
from phos_video.ffmpeg.clip import Clip
from phos_video.ffmpeg.programs import QUIET, Programs, answer_of, file_url
from phos_video.ffmpeg.targets import Target
from phos_video.ffmpeg.writing import muxer_of

__all__ = ["join"]


def join(
    segments: Sequence[str | os.PathLike[str]],
    clip: Clip,
    destination: str | os.PathLike[str],
    programs: Programs,
    target: Target,
    *,
    counts: Sequence[int],
    first: int = 0,
    overwrite: bool = False,
) -> None:
    """Put segments one after the other, with what else the clip has, into a file that is whole.

    Parameters
    ----------
    segments : sequence of path
        Written by `FrameWriter`, all in one folder.
    clip : Clip
        Of which they are.
    destination : path
        The new file.
    programs : Programs
        From `find_programs`.
    target : Target
        What the segments were written as.
    counts : sequence of int
        How many frames each segment has.
    first : int
        Number of the clip's frame with which the first segment begins.
    overwrite : bool
        Whether a file that exists may be replaced.

    Raises
    ------
    VideoError
        If ffmpeg fails. Then nothing is at the destination that was not there before.
    """
    destination = Path(destination)
    end = first + sum(counts)
    folder = Path(segments[0]).parent
    script = folder / "segments.ffconcat"
    script.write_text(_script(segments, counts, clip, first), encoding="utf-8")
    start, stop = clip.time_s(first), clip.time_s(end)
    source = ["-ss", _us(clip.start_s + start), "-t", _us(stop - start)]
    command = [
        *(programs.ffmpeg, *QUIET, "-nostdin"),
        *("-f", "concat", "-safe", "0", "-i", file_url(script)),
        *(*source, "-i", file_url(clip.path)),
        *("-map", "0:v:0", "-map", "1:a?", "-c", "copy"),
    ]
    with new_files(overwrite=overwrite) as files:
        part = files.open(destination).name
        command += [*muxer_of(destination.suffix), "-y", file_url(part)]
        answer_of(command, f"{destination} cannot be put together")
    script.unlink()


def _us(time_s: Fraction) -> str:
    return f"{round(time_s * 1_000_000)}us"


def _script(
    segments: Sequence[str | os.PathLike[str]], counts: Sequence[int], clip: Clip, first: int
) -> str:
    lines = ["ffconcat version 1.0"]
    at = first
    for segment, count in zip(segments, counts, strict=True):
        name = Path(segment).name
        if Path(segment).parent != Path(segments[0]).parent or "'" in name or "\n" in name:
            raise VideoError(f"{segment}: the segments of a clip lie in one folder")
        length = clip.time_s(at + count) - clip.time_s(at)
        lines += [f"file '{name}'", f"duration {_us(length)}"]
        at += count
    return "\n".join([*lines, ""])
