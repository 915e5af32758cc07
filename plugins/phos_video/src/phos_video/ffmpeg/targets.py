"""What a clip can be written as."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from phos_video.errors import VideoError
from phos_video.ffmpeg.programs import Programs
from phos_video.ffmpeg.sequences import PATTERN

__all__ = ["TARGETS", "Target", "target_of"]

NEW_SVT = (5, 1)  # the first release whose libsvtav1 takes -crf


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
        Of ffmpeg; empty: phos writes the pictures itself.
    pixel_format : str
        What the encoder is given, as ffmpeg names it.
    odd_format : str
        What it is given of a picture with an odd side; empty: it takes none.
    arguments : tuple of str
        Of the encoder.
    depth_bits : int
        Of a sample.
    is_sequence : bool
        Whether each frame is a file of its own.
    since : tuple of int
        The first ffmpeg whose encoder takes these arguments.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    encoder: str = ""
    pixel_format: str = ""
    odd_format: str = ""
    arguments: tuple[str, ...] = ()
    depth_bits: int = 10
    is_sequence: bool = False
    since: tuple[int, int] = (4, 4)

    @property
    def segment_suffix(self) -> str:
        """Ending of a segment's file; a sequence's segment is a folder, and has none."""
        if self.is_sequence:
            return ""
        return ".mov" if ".mov" in self.suffixes else ".mp4"

    @property
    def is_linear(self) -> bool:
        """Whether it holds linear light as floats, and nothing else."""
        return self.name == "exr"


def _table(*targets: Target) -> Mapping[str, tuple[Target, ...]]:
    names = dict.fromkeys(target.name for target in targets)
    return MappingProxyType(
        {name: tuple(target for target in targets if target.name == name) for name in names}
    )


TARGETS: Mapping[str, tuple[Target, ...]] = _table(
    Target(
        name="prores",
        title="ProRes 422 HQ",
        suffixes=(".mov",),
        encoder="prores_ks",
        pixel_format="yuv422p10le",
        odd_format="yuv422p10le",
        arguments=("-profile:v", "hq", "-vendor", "apl0"),
    ),
    Target(
        name="prores-4444",
        title="ProRes 4444",
        suffixes=(".mov",),
        encoder="prores_ks",
        pixel_format="yuv444p10le",
        odd_format="yuv444p10le",
        arguments=("-profile:v", "4444", "-vendor", "apl0"),
    ),
    Target(
        name="hevc",
        title="HEVC, 10 bits",
        suffixes=(".mp4", ".mov", ".mkv"),
        encoder="libx265",
        pixel_format="yuv420p10le",
        odd_format="yuv444p10le",
        arguments=("-preset", "medium", "-crf", "16", "-x265-params", "log-level=error"),
    ),
    Target(
        name="av1",
        title="AV1, 10 bits",
        suffixes=(".mp4", ".mkv", ".webm"),
        encoder="libsvtav1",
        pixel_format="yuv420p10le",
        arguments=("-preset", "6", "-crf", "20"),
        since=NEW_SVT,
    ),
    Target(
        name="av1",
        title="AV1, 10 bits",
        suffixes=(".mp4", ".mkv", ".webm"),
        encoder="libaom-av1",
        pixel_format="yuv420p10le",
        odd_format="yuv420p10le",
        arguments=("-crf", "20", "-b:v", "0", "-cpu-used", "6", "-row-mt", "1"),
    ),
    Target(
        name="ffv1",
        title="FFV1, 16-bit R'G'B', lossless",
        suffixes=(".mkv", ".mov"),
        encoder="ffv1",
        pixel_format="rgb48le",
        odd_format="rgb48le",
        arguments=("-level", "3", "-g", "1", "-slicecrc", "1"),
        depth_bits=16,
    ),
    Target(
        name="ffv1-10",
        title="FFV1, 10-bit Y'CbCr 4:4:4",
        suffixes=(".mkv", ".mov"),
        encoder="ffv1",
        pixel_format="yuv444p10le",
        odd_format="yuv444p10le",
        arguments=("-level", "3", "-g", "1", "-slicecrc", "1"),
    ),
    Target(
        name="h264",
        title="H.264, 8 bits, to send to people",
        suffixes=(".mp4", ".mov", ".mkv"),
        encoder="libx264",
        pixel_format="yuv420p",
        odd_format="yuv444p",
        arguments=("-preset", "medium", "-crf", "16"),
        depth_bits=8,
    ),
    Target(
        name="dpx",
        title="DPX, 10-bit R'G'B'",
        suffixes=(".dpx",),
        encoder="dpx",
        pixel_format="gbrp10be",
        odd_format="gbrp10be",
        is_sequence=True,
    ),
    Target(name="png", title="PNG, 16 bits", suffixes=(".png",), depth_bits=16, is_sequence=True),
    Target(
        name="tiff",
        title="TIFF, 16 bits",
        suffixes=(".tif", ".tiff"),
        depth_bits=16,
        is_sequence=True,
    ),
    Target(
        name="exr",
        title="OpenEXR, linear floats",
        suffixes=(".exr",),
        depth_bits=32,
        is_sequence=True,
    ),
)
"""What can be written: for each name the encoders that can make it, the best first."""

BY_SUFFIX = {
    ".mov": "prores", ".mp4": "hevc", ".mkv": "ffv1", ".webm": "av1", ".dpx": "dpx",
    ".png": "png", ".tif": "tiff", ".tiff": "tiff", ".exr": "exr",
}  # fmt: skip


def target_of(
    path: str | os.PathLike[str],
    codec: str | None,
    programs: Programs,
    *,
    rows: int = 2,
    cols: int = 2,
) -> Target:
    """Choose what a clip is written as.

    Parameters
    ----------
    path : path
        Of the new file; of a sequence of pictures its pattern, ``frame_%04d.exr``.
    codec : str, optional
        A key of `TARGETS`; without it, what its ending usually holds.
    programs : Programs
        From `find_programs`.
    rows, cols : int
        Of a frame: not every encoder takes odd ones.

    Returns
    -------
    Target

    Raises
    ------
    VideoError
        If there is no such codec, the ending does not go with it, or this ffmpeg lacks the
        encoder.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    name = codec or BY_SUFFIX.get(suffix)
    if name is None:
        raise VideoError(
            f"{path}: a clip's ending must be one of {', '.join(BY_SUFFIX)}, not {suffix or 'none'}"
        )
    if name not in TARGETS:
        raise VideoError(f"codec must be one of {', '.join(TARGETS)}, not {name!r}")
    choices = TARGETS[name]
    title, suffixes = choices[0].title, choices[0].suffixes
    if suffix not in suffixes:
        held = ", ".join(other for other, them in TARGETS.items() if suffix in them[0].suffixes)
        goes = f"; {suffix} holds {held}" if held else ""
        raise VideoError(f"{path}: {title} goes into {' or '.join(suffixes)}{goes}")
    if choices[0].is_sequence and not PATTERN.search(path.name):
        raise VideoError(
            f"{path}: {title} is a file for each frame: name them by a pattern, as in"
            f" {path.stem}_%06d{suffix}"
        )
    if not choices[0].is_sequence and PATTERN.search(path.name):
        raise VideoError(f"{path}: {title} is one file, and its name must have no pattern in it")
    here = [target for target in choices if _is_here(target, programs)]
    if not here:
        needed = " or ".join(
            target.encoder + (f" of ffmpeg {'.'.join(map(str, NEW_SVT))}" * (target.since > (4, 4)))
            for target in choices
        )
        raise VideoError(f"codec {name}: {programs.ffmpeg} has no encoder {needed}")
    if rows % 2 == 0 and cols % 2 == 0:
        return here[0]
    for target in here:
        if target.odd_format or not target.encoder:
            return replace(target, pixel_format=target.odd_format)
    raise VideoError(
        f"codec {name}: {here[0].encoder} takes no frame of {cols} × {rows}, of an odd side, and"
        " would change it; ffv1, prores and prores-4444 keep it"
    )


def _is_here(target: Target, programs: Programs) -> bool:
    if not target.encoder:
        return True
    return target.encoder in programs.encoders and programs.version >= target.since
