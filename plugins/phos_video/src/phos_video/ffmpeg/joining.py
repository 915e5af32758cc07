"""Segments to one clip, with the sound and whatever else the source has."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from phos_darkroom import new_files
from phos_video.errors import VideoError
from phos_video.ffmpeg.beside import Beside, numbered_arguments, streams_beside
from phos_video.ffmpeg.camera import CAMERA_KEYS
from phos_video.ffmpeg.clip import Chapter, Clip
from phos_video.ffmpeg.probing import frames_said
from phos_video.ffmpeg.programs import LOCAL, QUIET, Programs, answer_of, file_url
from phos_video.ffmpeg.sequences import numbered
from phos_video.ffmpeg.targets import Target
from phos_video.ffmpeg.timecode import moved_on
from phos_video.ffmpeg.writing import MUXERS, SEGMENT_PATTERN, muxer_of

__all__ = ["join"]

MICROSECONDS = 1_000_000


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
) -> tuple[str, ...]:
    """Put segments one after the other, with what else the clip has, into a file that is whole.

    Parameters
    ----------
    segments : sequence of path
        Written by `FrameWriter`, all in one folder. Those of a sequence are emptied.
    clip : Clip
        Of which they are.
    destination : path
        The new file; of a sequence its pattern, whose numbers are those of the clip's frames, from
        0 or from the number of the clip's own first picture.
    programs : Programs
        From `find_programs`.
    target : Target
        What the segments were written as.
    counts : sequence of int
        How many frames each segment has.
    first : int
        Number of the clip's frame with which the first segment begins.
    overwrite : bool
        Whether what exists may be replaced.

    Returns
    -------
    tuple of str
        What people should be told: streams that were left out, or are encoded anew.

    Raises
    ------
    VideoError
        If ffmpeg fails, or what it makes has another number of frames. Then nothing is at the
        destination that was not there before.
    ImageFileError
        If the system refuses to make the file, or something is there that may not be replaced.

    Notes
    -----
    Pictures, and sound that the container takes, are copied, not coded again. Of a part of a clip
    the sound begins with the first of its packets that is wholly within, up to some 20 ms late,
    and in step with the pictures.
    """
    destination = Path(destination)
    if target.is_sequence:
        _place(segments, clip, destination, target, counts, first, overwrite=overwrite)
        left_out = [f"stream {stream.index} ({stream.kind})" for stream in clip.streams]
        return (f"a sequence of pictures has no {', '.join(left_out)}",) if left_out else ()
    muxer = MUXERS[destination.suffix.lower()]
    frames = range(first, first + sum(counts))
    is_part = frames != range(clip.frames)
    kept, notes = streams_beside(clip.streams, muxer, programs, is_part=is_part)
    with _lists(segments, counts, clip, first) as (script, chapters):
        command = _command(script, chapters, clip, programs, kept, frames)
        with new_files(overwrite=overwrite) as files:
            part = Path(files.open(destination).name)
            command += [*_timecode(clip, first), *muxer_of(target, destination.suffix)]
            answer_of([*command, "-y", file_url(part)], f"{destination} cannot be put together")
            _check(part, destination, programs, sum(counts))
    return (*notes, *(beside.note for beside in kept if beside.note))


def _command(
    script: Path,
    chapters: Path,
    clip: Clip,
    programs: Programs,
    kept: list[Beside],
    frames: range,
) -> list[str]:
    """All but the options of the container."""
    start = clip.start_s + clip.time_s(frames.start)
    is_whole = frames == range(clip.frames)
    source: tuple[str, ...] = ()
    if kept or not clip.is_sequence:
        length = clip.time_s(frames.stop) - clip.time_s(frames.start)
        cut = () if is_whole else ("-ss", _us(start), "-t", _us(length))
        source = (*LOCAL, *cut, "-i", file_url(clip.path))
    offset = ("-itsoffset", _us(clip.start_s)) if is_whole and clip.start_s else ()
    metadata = (
        ("-map_metadata", "1", *(word for key in CAMERA_KEYS for word in ("-metadata", f"{key}=")))
        if source
        else ()
    )
    return [
        *(programs.ffmpeg, *QUIET, "-nostdin"),
        *(*offset, "-f", "concat", "-safe", "0", "-i", file_url(script)),
        *source,
        *("-f", "ffmetadata", "-i", file_url(chapters)),
        *("-map", "0:v:0", "-c:v:0", "copy", *numbered_arguments(kept)),
        *(*metadata, "-map_chapters", "2" if source else "1"),
    ]


def _timecode(clip: Clip, first: int) -> tuple[str, ...]:
    if not clip.timecode:
        return ()
    if clip.source is None:
        return ("-timecode", moved_on(clip.timecode, first, clip.rate))
    of_the_file = clip.picks[first]
    code = moved_on(clip.timecode, of_the_file, clip.source.rate, clip.rate)
    return ("-timecode", code)


def _check(part: Path, destination: Path, programs: Programs, expected: int) -> None:
    """Refuse a file that has not the frames that it was made of, where its container counts."""
    said = frames_said(part, programs)
    if said is not None and said != expected:
        raise VideoError(
            f"{destination} cannot be put together: {expected} frames went in, {said} came out"
        )


def _us(time_s: Fraction) -> str:
    return f"{round(time_s * MICROSECONDS)}us"


@contextmanager
def _lists(
    segments: Sequence[str | os.PathLike[str]], counts: Sequence[int], clip: Clip, first: int
) -> Iterator[tuple[Path, Path]]:
    """The list of the segments, beside them, and that of the chapters."""
    folder = Path(segments[0]).parent
    with tempfile.TemporaryDirectory(prefix=".join-", dir=folder) as made:
        script, chapters = Path(made, "segments.ffconcat"), Path(made, "chapters.txt")
        script.write_text(_script(segments, counts, clip, first), encoding="utf-8")
        chapters.write_text(_chapters(clip, first, first + sum(counts)), encoding="utf-8")
        yield script, chapters


def _script(
    segments: Sequence[str | os.PathLike[str]], counts: Sequence[int], clip: Clip, first: int
) -> str:
    """The list of segments; each is as long as the clip's frames are, with no rounding added up."""
    ends = accumulate(counts, initial=first)
    at = [round(clip.time_s(end) * MICROSECONDS) for end in ends]
    lines = ["ffconcat version 1.0"]
    for number, segment in enumerate(segments):
        name = Path(segment).name
        if Path(segment).parent != Path(segments[0]).parent or not _is_plain(name):
            raise VideoError(
                f"{segment}: the segments of a clip lie in one folder and have plain names"
            )
        lines += [f"file '../{name}'", f"duration {at[number + 1] - at[number]}us"]
    return "\n".join([*lines, ""])


def _is_plain(name: str) -> bool:
    return all(sign.isalnum() or sign in "-_." for sign in name)


def _chapters(clip: Clip, first: int, end: int) -> str:
    """The chapters of a part of a clip, in ffmpeg's own words."""
    start = clip.start_s + clip.time_s(first)
    shift = Fraction(0) if first == 0 and end == clip.frames else start
    stop = clip.start_s + clip.time_s(end)
    lines = [";FFMETADATA1"]
    for chapter in clip.chapters:
        if chapter.end_s > shift and chapter.start_s < stop:
            lines += _chapter(chapter, shift, stop)
    return "\n".join([*lines, ""])


def _chapter(chapter: Chapter, shift: Fraction, stop: Fraction) -> list[str]:
    begin = max(chapter.start_s - shift, Fraction(0))
    end = min(chapter.end_s, stop) - shift
    return [
        "[CHAPTER]",
        f"TIMEBASE=1/{MICROSECONDS}",
        f"START={round(begin * MICROSECONDS)}",
        f"END={round(end * MICROSECONDS)}",
        f"title={_escaped(chapter.title)}",
    ]


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "=;#\\\n" else sign for sign in text)


def _place(
    segments: Sequence[str | os.PathLike[str]],
    clip: Clip,
    pattern: Path,
    target: Target,
    counts: Sequence[int],
    first: int,
    *,
    overwrite: bool,
) -> None:
    """Let the pictures of a sequence, each of which is whole, take their places."""
    number = first + (clip.first_number or 0)
    moves: list[tuple[Path, Path]] = []
    for segment, count in zip(segments, counts, strict=True):
        made = Path(segment) / f"{SEGMENT_PATTERN}{target.suffixes[0]}"
        moves += [
            (numbered(made, index), numbered(pattern, number + index)) for index in range(count)
        ]
        number += count
    there = [place for _, place in moves if place.exists()]
    if there and not overwrite:
        raise VideoError(f"{there[0]} exists already; it is replaced only on request (--overwrite)")
    pattern.parent.mkdir(parents=True, exist_ok=True)
    for made, place in moves:
        if not made.exists() and place.exists() and overwrite:
            continue  # it has taken its place before
        try:
            made.replace(place)
        except OSError as error:
            raise VideoError(f"{place} cannot be written: {error.strerror or error}") from error
