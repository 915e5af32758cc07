"""What a clip can be written as."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from phos_video.errors import VideoError
from phos_video.ffmpeg.programs import Programs

__all__ = ["TARGETS", "Target", "target_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A codec with its settings, and the files that hold it.

    Parameters
    ----------
    name : str
        What ``--codec`` takes.
    title : str
        For people.
    suffixes : tuple of str
        Of the files that can hold it, lower case, the usual one first.
    encoder : str
        Of ffmpeg.
    pixel_format : str
        As ffmpeg names it.
    whole_format : str
        The pixel format without subsampling, for odd sizes; empty: the encoder has none.
    arguments : tuple of str
        Of the encoder.
    depth_bits : int
        Of a sample.
    is_sequence : bool
        Whether each frame is a file of its own.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    encoder: str
    pixel_format: str
    whole_format: str = ""
    arguments: tuple[str, ...] = ()
    depth_bits: int = 10
    is_sequence: bool = False
    is_float: bool = False

    @property
    def segment_suffix(self) -> str:
        """Ending of a segment's file; a sequence's segment is a folder, and has none."""
        if self.is_sequence:
            return ""
        return ".mov" if ".mov" in self.suffixes else self.suffixes[0]


PRORES = {"suffixes": (".mov",), "encoder": "prores_ks"}

TARGETS: Mapping[str, tuple[Target, ...]] = MappingProxyType(
    {
        "prores": (
            Target(
                name="prores",
                title="ProRes 422 HQ",
                suffixes=(".mov",),
                encoder="prores_ks",
                pixel_format="yuv422p10le",
                whole_format="yuv422p10le",
                arguments=("-profile:v", "hq", "-vendor", "apl0"),
            ),
        ),
        "prores-4444": (
            Target(
                name="prores-4444",
                title="ProRes 4444",
                suffixes=(".mov",),
                encoder="prores_ks",
                pixel_format="yuv444p10le",
                whole_format="yuv444p10le",
                arguments=("-profile:v", "4444", "-vendor", "apl0"),
            ),
        ),
        "ffv1": (
            Target(
                name="ffv1",
                title="FFV1, 16-bit R'G'B', lossless",
                suffixes=(".mkv", ".mov"),
                encoder="ffv1",
                pixel_format="rgb48le",
                whole_format="rgb48le",
                arguments=("-level", "3", "-g", "1", "-slicecrc", "1"),
                depth_bits=16,
            ),
        ),
    }
)
"""What can be written: for each name the encoders that can make it, the best first."""

BY_SUFFIX = {".mov": "prores", ".mkv": "ffv1"}


def target_of(path: str | os.PathLike[str], codec: str | None, programs: Programs) -> Target:
    """Choose what a clip is written as.

    Parameters
    ----------
    path : path
        Of the new file.
    codec : str, optional
        A key of `TARGETS`; without it, what its ending usually holds.
    programs : Programs
        From `find_programs`.

    Returns
    -------
    Target

    Raises
    ------
    VideoError
        If there is no such codec, the ending does not go with it, or this ffmpeg lacks the
        encoder.
    """
    suffix = Path(path).suffix.lower()
    if codec is None:
        codec = BY_SUFFIX.get(suffix)
        if codec is None:
            known = ", ".join(BY_SUFFIX)
            raise VideoError(f"{path}: no codec is usual in a {suffix or 'nameless'} file; {known}")
    if codec not in TARGETS:
        raise VideoError(f"codec is {codec!r}; it must be one of {', '.join(TARGETS)}")
    choices = TARGETS[codec]
    fitting = [target for target in choices if suffix in target.suffixes]
    if not fitting:
        goes = " or ".join(choices[0].suffixes)
        raise VideoError(f"{path}: {choices[0].title} goes into {goes}")
    for target in fitting:
        if target.encoder in programs.encoders:
            return target
    needed = " or ".join(target.encoder for target in fitting)
    raise VideoError(f"codec {codec}: {programs.ffmpeg} has no {needed}")
