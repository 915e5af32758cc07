"""What goes beside the pictures: which sound and subtitles a container takes, and as what."""

from collections.abc import Iterator
from dataclasses import dataclass

from phos_video.ffmpeg.clip import OtherStream
from phos_video.ffmpeg.programs import Programs

__all__ = ["Beside", "numbered_arguments", "streams_beside"]

TEXT = ("subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text")
LOSSLESS = ("pcm_", "flac", "alac", "truehd", "mlp", "wavpack", "tta", "ape")
SOUND = {  # by muxer: what goes in as it is (empty: all), what lossless and other sound becomes
    "mov": (("pcm_", "aac", "mp3", "ac3", "eac3", "alac"), "pcm_s24le", "pcm_s24le"),
    "mp4": (("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"), "alac", "aac"),
    "matroska": ((), "", ""),
    "webm": (("opus", "vorbis"), "libopus", "libopus"),
}
SUBTITLES = {"mov": "mov_text", "mp4": "mov_text", "matroska": "subrip", "webm": "webvtt"}
WRITTEN_ANEW = ("tmcd", "text")  # tracks of QuickTime's: the timecode, the names of chapters
BITRATE = {"aac": "256k", "libopus": "192k"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A stream beside the pictures, and what becomes of it.

    Parameters
    ----------
    index : int
        Its number in the source.
    arguments : tuple of str
        Output options, each with ``{}`` where the number of the stream stands.
    note : str
        What people should be told; empty: it goes in as it is.
    """

    index: int
    arguments: tuple[str, ...]
    note: str = ""


def streams_beside(
    streams: tuple[OtherStream, ...], muxer: str, programs: Programs, *, is_part: bool
) -> tuple[list[Beside], list[str]]:
    """Choose what becomes of a clip's other streams in a container.

    Parameters
    ----------
    streams : tuple of OtherStream
        Of the clip.
    muxer : str
        Of the container.
    programs : Programs
        From `find_programs`.
    is_part : bool
        Whether only a part of the clip is written.

    Returns
    -------
    list of Beside
        Those that go in.
    list of str
        Of those that do not, why.
    """
    chosen = [_chosen(stream, muxer, programs, is_part) for stream in streams]
    kept = [beside for beside in chosen if isinstance(beside, Beside)]
    return kept, [note for note in chosen if isinstance(note, str) and note]


def _chosen(stream: OtherStream, muxer: str, programs: Programs, is_part: bool) -> Beside | str:
    """What becomes of a stream; a str: it is left out, and why, where it is worth a word."""
    if stream.kind == "audio":
        return _sound(stream, muxer, programs)
    if stream.kind == "subtitle":
        return _subtitles(stream, muxer, is_part)
    if stream.kind == "attachment" and muxer == "matroska":
        return Beside(index=stream.index, arguments=("-c:{}", "copy"))
    if stream.codec_tag in WRITTEN_ANEW:
        return ""
    return f"stream {stream.index}, {_named(stream)}, is left out: no container keeps it"


def _sound(stream: OtherStream, muxer: str, programs: Programs) -> Beside | str:
    goes_in, lossless, other = SOUND[muxer]
    if not stream.codec:
        return (
            f"stream {stream.index}, sound of a codec that this ffmpeg does not know, is left out"
        )
    if not goes_in or stream.codec.startswith(goes_in):
        return Beside(index=stream.index, arguments=("-c:{}", "copy", *_strict(stream, muxer)))
    encoder = lossless if stream.codec.startswith(LOSSLESS) else other
    if encoder not in programs.encoders:
        return (
            f"stream {stream.index}, sound as {stream.codec}, is left out: it does not go into this"
            f" container, and {programs.ffmpeg} has no {encoder}"
        )
    rate = ("-b:{}", BITRATE[encoder]) if encoder in BITRATE else ()
    return Beside(
        index=stream.index,
        arguments=("-c:{}", encoder, *rate),
        note=(
            f"stream {stream.index}, sound as {stream.codec}, does not go into this container:"
            f" encoded as {encoder}"
        ),
    )


def _strict(stream: OtherStream, muxer: str) -> tuple[str, ...]:
    """What older ffmpegs ask for before they put these into MP4."""
    return ("-strict", "experimental") if muxer == "mp4" and stream.codec == "flac" else ()


def _subtitles(stream: OtherStream, muxer: str, is_part: bool) -> Beside | str:
    encoder = SUBTITLES[muxer]
    if stream.codec == encoder == "mov_text" and is_part:  # copied, they would last too long
        return Beside(index=stream.index, arguments=("-c:{}", encoder))
    if stream.codec == encoder or (muxer == "matroska" and stream.codec not in ("", "mov_text")):
        return Beside(index=stream.index, arguments=("-c:{}", "copy"))
    if stream.codec in TEXT:
        return Beside(
            index=stream.index,
            arguments=("-c:{}", encoder),
            note=f"stream {stream.index}, subtitles as {stream.codec}, becomes {encoder}",
        )
    return (
        f"stream {stream.index}, {_named(stream)}, is left out: this container takes subtitles of"
        " text alone"
    )


def _named(stream: OtherStream) -> str:
    return f"{stream.kind} as {stream.codec or stream.codec_tag or 'something unknown'}"


def numbered_arguments(kept: list[Beside]) -> Iterator[str]:
    """The output options of streams that follow the pictures."""
    for number, beside in enumerate(kept, 1):
        yield from ("-map", f"1:{beside.index}")
        yield from (argument.format(number) for argument in beside.arguments)
