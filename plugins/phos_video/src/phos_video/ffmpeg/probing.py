"""What is in a clip: its frames, their times, colours, and the streams beside them."""

import itertools
import json
import operator
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from phos_video.errors import VideoError
from phos_video.ffmpeg.camera import space_by_camera
from phos_video.ffmpeg.clip import Chapter, Clip, OtherStream
from phos_video.ffmpeg.colours import is_rgb
from phos_video.ffmpeg.programs import LOCAL, Programs, answer_and_words_of, answer_of, file_url
from phos_video.ffmpeg.sequences import PATTERN, numbered, numbers_of
from phos_video.ffmpeg.tags import Tags, space_of

__all__ = ["frames_said", "probe"]

NO_CLIPS = {
    "tty": "text", "concat": "a list of files", "hls": "a playlist", "dash": "a playlist",
    "ffmetadata": "text", "lavfi": "a description of a filter", "sdp": "a description of a stream",
}  # fmt: skip
KINDS = ("audio", "subtitle", "data", "attachment")
TURNED = {  # whether rows become columns, and whether each runs on as before
    (False, True, True): "", (False, False, True): "hflip", (False, True, False): "vflip",
    (False, False, False): "hflip,vflip", (True, True, False): "transpose=clock",
    (True, False, True): "transpose=cclock", (True, True, True): "transpose=cclock_flip",
    (True, False, False): "transpose=clock_flip",
}  # fmt: skip
SEQUENCE_RATE = Fraction(24)
CUT_OFF = ("ended prematurely", "partial file")  # what ffmpeg says of Matroska and QuickTime
ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16")
DEPTH_IN_NAME = r"(?:p|gray|nv|x2rgb|x2bgr|p0|y2|xyz)(9|1[0246])(?:le|be)?$"


def probe(
    path: str | os.PathLike[str], programs: Programs, *, rate: Fraction = SEQUENCE_RATE
) -> Clip:
    """Look into a clip.

    Parameters
    ----------
    path : path
        Of the file; of a sequence of pictures its pattern, ``frame_%04d.dpx``.
    programs : Programs
        From `find_programs`.
    rate : Fraction
        Frames a second of a sequence, whose files say none.

    Returns
    -------
    Clip

    Raises
    ------
    VideoError
        If it is no clip, or one without a frame.

    Notes
    -----
    The times of the frames are those of the file's packets, so the file is read once, but not
    decoded.
    """
    path = Path(path)
    if PATTERN.search(path.name) and not path.exists():
        return _sequence(path, programs, rate)
    if path.is_dir():
        raise VideoError(f"{path} is a folder; a sequence of pictures is named by its pattern")
    if not path.exists():
        raise VideoError(f"{path}: there is no such file")
    said = _described(path, programs)
    stream = _pictures(path, said)
    return _clip(path, said, stream, _shown(path, programs, stream))


def frames_said(path: Path, programs: Programs) -> int | None:
    """How many frames the header of a file promises; None: its container does not count them."""
    command = [programs.ffprobe, "-v", "error", *LOCAL, "-select_streams", "v:0"]
    command += ["-show_entries", "stream=nb_frames", "-of", "csv=p=0", file_url(path)]
    said = answer_of(command, f"{path} cannot be read").decode("ascii", "replace").strip(" ,\n")
    return int(said) if said.isdigit() else None


def _sequence(path: Path, programs: Programs, rate: Fraction) -> Clip:
    numbers = numbers_of(path)
    if not numbers:
        raise VideoError(f"{path}: there is no picture of this pattern")
    missing = set(range(numbers[0], numbers[-1])) - set(numbers)
    if missing:
        raise VideoError(f"{path}: number {min(missing)} is missing, and {len(missing)} in all")
    first = numbered(path, numbers[0])
    said = _described(first, programs)
    still = _clip(first, said, _pictures(first, said), (Fraction(1), [(0, 1)]))
    count = len(numbers)
    return replace(
        still,
        path=path,
        time_base=1 / rate,
        times=tuple(range(count)),
        durations=(1,) * count,
        rate=rate,
        is_constant=True,
        start_s=Fraction(0),
        first_number=numbers[0],
    )


def _described(path: Path, programs: Programs) -> Mapping[str, Any]:
    command = [programs.ffprobe, "-v", "error", *LOCAL]
    command += ["-show_format", "-show_streams", "-show_chapters", "-of", "json", file_url(path)]
    said = answer_of(command, f"{path} cannot be read as a clip")
    described: Mapping[str, Any] = json.loads(said.decode("utf-8", "replace"))
    if "format" not in described:
        raise VideoError(f"{path} cannot be read as a clip: ffprobe says nothing of it")
    for name in str(described["format"]["format_name"]).split(","):
        if name in NO_CLIPS:
            raise VideoError(f"{path} is no clip but {NO_CLIPS[name]}")
    return described


def _pictures(path: Path, said: Mapping[str, Any]) -> Mapping[str, Any]:
    streams: Sequence[Mapping[str, Any]] = said["streams"]
    of_video = [stream for stream in streams if stream.get("codec_type") == "video"]
    moving = [stream for stream in of_video if not _flag(stream, "attached_pic")]
    if not moving:
        what = "a cover picture, but no moving ones" if of_video else "no pictures"
        kinds = sorted({stream.get("codec_type", "data") for stream in streams})
        raise VideoError(f"{path} has {what}; it has {', '.join(kinds) or 'no stream'}")
    chosen = next((stream for stream in moving if _flag(stream, "default")), moving[0])
    if "pix_fmt" not in chosen or not chosen.get("width"):
        name = chosen.get("codec_name", chosen.get("codec_tag_string", "unknown"))
        raise VideoError(f"{path}: this ffmpeg cannot decode its codec, {name}")
    return chosen


def _flag(stream: Mapping[str, Any], name: str) -> bool:
    return bool(stream.get("disposition", {}).get(name))


def _shown(
    path: Path, programs: Programs, stream: Mapping[str, Any]
) -> tuple[Fraction, list[tuple[int, int]]]:
    """Seconds of a tick; time and duration of each frame in ticks, in the order they are shown."""
    rows, said = _listed(path, programs, stream, "packet=pts,duration,flags")
    promised = str(stream.get("nb_frames", ""))
    is_short = promised.isdigit() and len(rows) < int(promised)
    if is_short or any(sign in said for sign in CUT_OFF):
        there = f"{len(rows)} of its {promised} frames" if is_short else f"{len(rows)} frames"
        raise VideoError(
            f"{path} is cut off: {there} are there; to go on with those, rewrap it: ffmpeg -i"
            f" {path.name} -c copy whole{path.suffix}"
        )
    shown = [row for row in rows if len(row) > 2 and "D" not in row[2]]
    if not shown:
        raise VideoError(f"{path} has a stream of pictures, but no frame in it")
    base = Fraction(stream["time_base"])
    if all(row[0] != "N/A" for row in shown):
        return base, sorted((int(row[0]), int(row[1]) if row[1].isdigit() else 0) for row in shown)
    return _decoded(path, programs, stream, base)


def _decoded(
    path: Path, programs: Programs, stream: Mapping[str, Any], base: Fraction
) -> tuple[Fraction, list[tuple[int, int]]]:
    """What decoding shows of frames whose packets have no times; at worst, that they are there."""
    rows, _ = _listed(path, programs, stream, "frame=best_effort_timestamp")
    times = [int(row[0]) for row in rows if row[0] != "N/A"]
    if len(times) == len(rows) and all(map(operator.lt, times, times[1:])):
        return base, [(time, 0) for time in times]
    rate = _rate_of(stream, "r_frame_rate") or SEQUENCE_RATE
    return 1 / rate, [(number, 1) for number in range(len(rows))]


def _listed(
    path: Path, programs: Programs, stream: Mapping[str, Any], entries: str
) -> tuple[list[list[str]], str]:
    """Lines of entries that ffprobe lists, in columns, and its complaints."""
    command = [programs.ffprobe, "-v", "error", *LOCAL, "-select_streams", str(stream["index"])]
    command += ["-show_entries", entries, "-of", "csv=p=0", file_url(path)]
    listed, said = answer_and_words_of(command, f"{path} cannot be read to its end")
    lines = listed.decode("ascii", "replace").splitlines()
    return [line.split(",") for line in lines if line], said


def _rate_of(stream: Mapping[str, Any], name: str) -> Fraction | None:
    numerator, _, denominator = str(stream.get(name, "0/0")).partition("/")
    if int(numerator) and int(denominator):
        return Fraction(int(numerator), int(denominator))
    return None


def _clip(
    path: Path,
    said: Mapping[str, Any],
    stream: Mapping[str, Any],
    shown: tuple[Fraction, Sequence[tuple[int, int]]],
) -> Clip:
    base, packets = shown
    start = _seconds(said["format"].get("start_time"))
    first = packets[0][0]
    times = [time - first for time, _ in packets]
    durations = _durations(times, packets[-1][1], base, stream)
    constant = _constant_rate(times, base, stream)
    rate = constant or len(times) / ((times[-1] + durations[-1]) * base)
    turning = _turning(stream)
    turned = "transpose" in turning
    cols, rows = int(stream["width"]), int(stream["height"])
    aspect = _ratio(stream.get("sample_aspect_ratio"))
    tags = _tags(stream)
    pixel_format = str(stream["pix_fmt"])
    return Clip(
        path=path,
        stream=int(stream["index"]),
        rows=cols if turned else rows,
        cols=rows if turned else cols,
        pixel_aspect=1 / aspect if turned else aspect,
        turning=turning,
        time_base=1 / constant if constant else base,
        times=tuple(range(len(times))) if constant else tuple(times),
        durations=(1,) * len(times) if constant else tuple(durations),
        rate=rate,
        is_constant=constant is not None,
        start_s=first * base - start,
        depth_bits=_depth_bits(stream),
        pixel_format=pixel_format,
        codec=str(stream.get("codec_name", "")),
        container=str(said["format"]["format_name"]),
        tags=tags,
        input_space=space_by_camera(path, said["format"].get("tags", {}))
        or space_of(tags, is_rgb=is_rgb(pixel_format), is_linear=_is_float(pixel_format)),
        has_alpha=pixel_format.startswith(ALPHA),
        is_interlaced=stream.get("field_order", "progressive") not in ("progressive", "unknown"),
        streams=_others(said, stream),
        chapters=_chapters(said, start),
        timecode=_timecode(said, stream),
    )


def _is_float(pixel_format: str) -> bool:
    return "f32" in pixel_format or "f16" in pixel_format


def _seconds(text: object) -> Fraction:
    return Fraction(str(text)) if text not in (None, "N/A") else Fraction(0)


def _ratio(text: object) -> Fraction:
    across, _, down = str(text or "1:1").partition(":")
    if not (across.isdigit() and down.isdigit() and int(across) and int(down)):
        return Fraction(1)
    return Fraction(int(across), int(down))


def _durations(
    times: Sequence[int], last: int, base: Fraction, stream: Mapping[str, Any]
) -> list[int]:
    """How long each frame is shown: until the next; the last as its packet says, or the rate."""
    between = [later - earlier for earlier, later in itertools.pairwise(times)]
    if not last:
        rate = _rate_of(stream, "avg_frame_rate")
        usual = sorted(between)[len(between) // 2] if between else 0
        last = usual or max(1, round(1 / (rate * base)) if rate else 1)
    return [*between, last]


def _constant_rate(
    times: Sequence[int], base: Fraction, stream: Mapping[str, Any]
) -> Fraction | None:
    """The rate at which all frames follow each other, to the rounding of the container's clock."""
    for name in ("r_frame_rate", "avg_frame_rate"):
        rate = _rate_of(stream, name)
        if rate is not None and _fits(times, base, rate):
            return rate
    return None


def _fits(times: Sequence[int], base: Fraction, rate: Fraction) -> bool:
    ticks = 1 / (rate * base)
    if ticks.denominator == 1:
        return all(time == number * ticks for number, time in enumerate(times))
    if ticks < 8:  # so coarse a clock cannot tell a constant rate from another
        return False
    return all(abs(time - number * ticks) < 1 for number, time in enumerate(times))


def _turning(stream: Mapping[str, Any]) -> str:
    """The filters that turn a frame upright, by the matrix that its container has for that."""
    sides = stream.get("side_data_list", ())
    matrices = [side["displaymatrix"] for side in sides if "displaymatrix" in side]
    if not matrices:
        return ""
    rows = [line.partition(":")[2].split() for line in matrices[0].strip().splitlines()]
    across, down = ([int(number) for number in row[:2]] for row in rows[:2])
    lies = abs(across[1]) > abs(across[0])
    signs = (across[1] > 0, down[0] > 0) if lies else (across[0] > 0, down[1] > 0)
    return TURNED[lies, *signs]


def _depth_bits(stream: Mapping[str, Any]) -> int:
    name = str(stream["pix_fmt"])
    if _is_float(name):
        return 32 if "f32" in name else 16
    number = re.search(DEPTH_IN_NAME, name)
    if number:
        return int(number[1])
    if re.search(r"(48|64)(le|be)$", name):
        return 16
    return 8


def _tags(stream: Mapping[str, Any]) -> Tags:
    def said(name: str) -> str:
        value = str(stream.get(name, ""))
        return "" if value in ("unknown", "unspecified", "reserved") else value

    full = str(stream["pix_fmt"]).startswith("yuvj")
    return Tags(
        range="pc" if full else said("color_range"),
        matrix=said("color_space"),
        primaries=said("color_primaries"),
        transfer=said("color_transfer"),
        chroma_location=said("chroma_location"),
    )


def _others(said: Mapping[str, Any], pictures: Mapping[str, Any]) -> tuple[OtherStream, ...]:
    start = _seconds(said["format"].get("start_time"))
    return tuple(
        OtherStream(
            index=int(stream["index"]),
            kind=stream["codec_type"],
            codec=str(stream.get("codec_name", "")),
            codec_tag=str(stream.get("codec_tag_string", "")),
            start_s=_seconds(stream.get("start_time")) - start,
        )
        for stream in said["streams"]
        if stream is not pictures and stream.get("codec_type") in KINDS
    )


def _chapters(said: Mapping[str, Any], start: Fraction) -> tuple[Chapter, ...]:
    return tuple(
        Chapter(
            start_s=int(chapter["start"]) * Fraction(chapter["time_base"]) - start,
            end_s=int(chapter["end"]) * Fraction(chapter["time_base"]) - start,
            title=str(chapter.get("tags", {}).get("title", "")),
        )
        for chapter in said.get("chapters", ())
    )


def _timecode(said: Mapping[str, Any], pictures: Mapping[str, Any]) -> str:
    of_streams = [pictures, *(s for s in said["streams"] if s.get("codec_type") == "data")]
    for holder in (*of_streams, said["format"]):
        code = holder.get("tags", {}).get("timecode", "")
        if code:
            return str(code)
    return ""
