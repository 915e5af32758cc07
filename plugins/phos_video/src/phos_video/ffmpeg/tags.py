"""What a stream's colour tags say, and how phos names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from phos_video.errors import VideoError

__all__ = ["TAGS_OF", "Tags", "has_full_codes", "space_of", "tags_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The colour tags of a stream, by the names that ffprobe gives them.

    Parameters
    ----------
    range : {"tv", "pc", ""}
        Whether the codes are limited to 64…940 of 1023, or take the full range.
    matrix : str
        How Y'CbCr is made of R'G'B': ``"bt709"``, ``"bt2020nc"``, ``"smpte170m"``, ``"gbr"``…
    primaries, transfer : str
        Those of ITU-T H.273: ``"bt709"``, ``"smpte2084"``… Empty: not tagged.
    chroma_location : str
        Where subsampled colour is: ``"left"``, ``"topleft"``, ``"center"``…
    """

    range: str = ""
    matrix: str = ""
    primaries: str = ""
    transfer: str = ""
    chroma_location: str = ""


TAGS_OF: Mapping[str, Tags] = MappingProxyType(
    {
        "srgb": Tags(matrix="bt709", primaries="bt709", transfer="iec61966-2-1"),
        "display-p3": Tags(matrix="bt709", primaries="smpte432", transfer="iec61966-2-1"),
        "rec709": Tags(matrix="bt709", primaries="bt709", transfer="bt709"),
        "rec2020": Tags(matrix="bt2020nc", primaries="bt2020", transfer="bt2020-10"),
        "rec2100-pq": Tags(matrix="bt2020nc", primaries="bt2020", transfer="smpte2084"),
        "rec2100-hlg": Tags(matrix="bt2020nc", primaries="bt2020", transfer="arib-std-b67"),
    }
)
"""The tags of phos's output spaces, as far as H.273 has a number for them."""

BY_TRANSFER = {
    "smpte2084": "rec2100-pq",
    "arib-std-b67": "rec2100-hlg",
    "bt2020-10": "rec2020",
    "bt2020-12": "rec2020",
}
FULL_CODES = ("slog", "vlog", "canonlog2", "canonlog3")


def space_of(tags: Tags, *, is_rgb: bool = False, is_linear: bool = False) -> str:
    """Name the space that a stream's tags say it is in.

    Parameters
    ----------
    tags : Tags
        Of the stream.
    is_rgb : bool
        Whether it holds R'G'B': untagged, that is sRGB, as in picture files.
    is_linear : bool
        Whether it holds floats, which are scene-linear light. Of whole numbers no tag of linear
        light is believed: ffmpeg puts it into all of its DPX files.

    Returns
    -------
    str
        A name that ``input_space`` takes.
    """
    if is_linear:
        return "Linear Rec.2020" if tags.primaries == "bt2020" else "Linear Rec.709 (sRGB)"
    if tags.transfer in BY_TRANSFER:
        return BY_TRANSFER[tags.transfer]
    if tags.primaries == "bt2020":
        return "rec2020"
    if tags.primaries in ("smpte432", "smpte431"):
        return "display-p3"
    if tags.transfer == "iec61966-2-1" or (is_rgb and tags.transfer in ("", "linear")):
        return "srgb"
    return "rec709"


def tags_of(output_space: str) -> Tags:
    """Give the tags for a positive in one of phos's output spaces.

    Raises
    ------
    VideoError
        If no tags stand for it.
    """
    if output_space not in TAGS_OF:
        raise VideoError(
            f"output_space is {output_space!r}, for which no video tag stands; those that a clip"
            f" can be tagged with are {', '.join(TAGS_OF)}; an EXR sequence takes the linear ones"
        )
    return TAGS_OF[output_space]


def has_full_codes(space: str) -> bool:
    """Whether a camera's space is defined over all codes, though its streams are tagged limited."""
    name = "".join(sign for sign in space.lower() if sign.isalnum())
    return name.startswith(FULL_CODES)
