"""What is in a clip: its frames, their times, colours, and the streams beside them."""

import itertools
import json
import os
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from phos_video.errors import VideoError
from phos_video.ffmpeg.clip import Chapter, Clip, OtherStream
from phos_video.ffmpeg.programs import LOCAL, Programs, answer_of, file_url
from phos_video.ffmpeg.tags import Tags, space_of

__all__ = ["probe"]

NO_CLIPS = {
    "tty": "text", "concat": "a list of files", "hls": "a playlist", "dash": "a playlist",
    "ffmetadata": "text", "lavfi": "a description of a filter", "sdp": "a description of a stream",
}  # fmt: skip
KINDS = ("audio", "subtitle", "data", "attachment")
RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "x2bgr", "pal8", "bayer")
QUARTER_TURN_DEG = 90
DEPTH_IN_NAME = r"(?:p|gray|nv|x2rgb|x2bgr|p0|y2|xyz)(9|1[0246])(?:le|be)?$"


def probe(path: str | os.PathLike[str], programs: Programs) -> Clip:
    """Look into a clip.

    Parameters
    ----------
    path : path
        Of the file.
    programs : Programs
        From `find_programs`.

    Returns
    -------
    Clip

    Raises
    ------
    VideoError
        If it is no clip, or one without a frame.
    """
    path = Path(path)
    if path.is_dir() or not path.exists():
        raise VideoError(f"{path}: {'it is a folder' if path.is_dir() else 'no such file'}")
    said = _described(path, programs)
    stream = _pictures(path, said)
    packets = _packets(path, programs, stream["index"])
    return _clip(path, said, stream, packets)


def _described(path: Path, programs: Programs) -> Mapping[str, Any]:
    command = [programs.ffprobe, "-v", "error", *LOCAL]
    command += ["-show_format", "-show_streams", "-show_chapters", "-of", "json", file_url(path)]
    said = answer_of(command, f"{path} cannot be read as a clip")
    described: Mapping[str, Any] = json.loads(said)
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


def _packets(path: Path, programs: Programs, stream: int) -> list[tuple[int, int]]:
    """Time and duration of each frame, in ticks, in the order in which they are shown."""
    command = [programs.ffprobe, "-v", "error", *LOCAL, "-select_streams", str(stream)]
    command += ["-show_entries", "packet=pts,duration,flags", "-of", "csv=p=0", file_url(path)]
    lines = answer_of(command, f"{path} cannot be read to its end").decode("ascii", "replace")
    rows = [line.split(",") for line in lines.split()]
    shown = [row for row in rows if len(row) > 2 and "D" not in row[2]]
    if not shown:
        raise VideoError(f"{path} has a stream of pictures, but no frame in it")
    if any(row[0] == "N/A" for row in shown):
        raise VideoError(f"{path}: its frames have no times; rewrap it, as .mov or .mkv")
    return sorted((int(row[0]), int(row[1]) if row[1].isdigit() else 0) for row in shown)


def _clip(
    path: Path,
    said: Mapping[str, Any],
    stream: Mapping[str, Any],
    packets: Sequence[tuple[int, int]],
) -> Clip:
    base = Fraction(stream["time_base"])
    start = _seconds(said["format"].get("start_time"))
    first = packets[0][0]
    times = [time - first for time, _ in packets]
    durations = _durations(times, packets[-1][1], base, stream)
    constant = _constant_rate(times, base, stream)
    rate = constant or len(times) / ((times[-1] + durations[-1]) * base)
    turned = _quarter_turns(stream) % 2 == 1
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
        input_space=space_of(
            tags, is_rgb=pixel_format.startswith(RGB), is_linear="f32" in pixel_format
        ),
        is_interlaced=stream.get("field_order", "progressive") not in ("progressive", "unknown"),
        streams=_others(said, stream),
        chapters=_chapters(said, start),
        timecode=_timecode(said, stream),
    )


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
        rate = Fraction(stream.get("avg_frame_rate", "0/1").replace("/0", "/1"))
        usual = sorted(between)[len(between) // 2] if between else 0
        last = usual or max(1, round(1 / (rate * base)) if rate else 1)
    return [*between, last]


def _constant_rate(
    times: Sequence[int], base: Fraction, stream: Mapping[str, Any]
) -> Fraction | None:
    """The rate at which all frames follow each other, to the rounding of the container's clock."""
    for name in ("r_frame_rate", "avg_frame_rate"):
        numerator, _, denominator = str(stream.get(name, "0/0")).partition("/")
        if int(numerator) and int(denominator):
            rate = Fraction(int(numerator), int(denominator))
            if _fits(times, base, rate):
                return rate
    return None


def _fits(times: Sequence[int], base: Fraction, rate: Fraction) -> bool:
    ticks = 1 / (rate * base)
    if ticks.denominator == 1:
        return all(time == number * ticks for number, time in enumerate(times))
    if ticks < 8:  # so coarse a clock cannot tell a constant rate from another
        return False
    return all(abs(time - number * ticks) < 1 for number, time in enumerate(times))


def _quarter_turns(stream: Mapping[str, Any]) -> int:
    sides = stream.get("side_data_list", ())
    degrees = [side["rotation"] for side in sides if "rotation" in side]
    return round(float(degrees[0]) / QUARTER_TURN_DEG) if degrees else 0


def _depth_bits(stream: Mapping[str, Any]) -> int:
    name = str(stream["pix_fmt"])
    if "f32" in name or "f16" in name:
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
    )


def _others(said: Mapping[str, Any], pictures: Mapping[str, Any]) -> tuple[OtherStream, ...]:
    start = _seconds(said["format"].get("start_time"))
    return tuple(
        OtherStream(
            index=int(stream["index"]),
            kind=stream["codec_type"],
            codec=str(stream.get("codec_name", "")),
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
