"""Between the codes of a stream and 16-bit R'G'B': the filters, in both directions."""

from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from phos_video.errors import VideoError
from phos_video.ffmpeg.clip import Clip
from phos_video.ffmpeg.levels import (
    HOW,
    before_limited_table,
    from_bytes_table,
    grey_levels,
    rounding_table,
    to_limited_table,
    whites,
)
from phos_video.ffmpeg.programs import Programs
from phos_video.ffmpeg.tags import Tags, has_full_codes

__all__ = ["InputRange", "from_rgb", "halved_size", "is_rgb", "levels_of_grey", "to_rgb"]

InputRange = Literal["auto", "full", "limited"]

MATRICES = {
    "bt709": "bt709", "bt470bg": "bt601", "smpte170m": "bt601", "smpte240m": "smpte240m",
    "fcc": "fcc", "bt2020nc": "bt2020",
}  # fmt: skip
ROWS_OF_SD = 576  # untagged and not larger: of standard definition, and its matrix
RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "x2bgr", "pal8", "bayer")

# Where the samples of colour lie between those of lightness, in 256ths of a pixel: across, down.
CHROMA = {
    "left": (0, 128), "center": (128, 128), "topleft": (0, 0), "top": (128, 0),
    "bottomleft": (0, 256), "bottom": (128, 256),
}  # fmt: skip


def halved_size(rows: int, cols: int) -> tuple[int, int]:
    """Rows and columns of a frame that is half as high and half as wide."""
    return max(1, rows // 2), max(1, cols // 2)


def is_rgb(pixel_format: str) -> bool:
    """Whether a pixel format of ffmpeg's is of R'G'B'."""
    return pixel_format.startswith(RGB)


def to_rgb(
    clip: Clip, programs: Programs, space: str, input_range: InputRange, *, halved: bool
) -> list[str]:
    """The filters that make 16-bit R'G'B', or grey, of the full range of a clip's frames.

    Parameters
    ----------
    clip : Clip
        Of whole numbers.
    programs : Programs
        From `find_programs`.
    space : str
        The space that it is in, by name.
    input_range : {"auto", "full", "limited"}
        See `read_frames`.
    halved : bool
        Whether frames become half as high and half as wide.

    Returns
    -------
    list of str

    Raises
    ------
    VideoError
        If the clip's colours cannot be read.
    """
    rows, cols = halved_size(clip.rows, clip.cols) if halved else (clip.rows, clip.cols)
    if "transpose" in clip.turning:  # turned later, when no colour is subsampled any more
        rows, cols = cols, rows
    flags = f"flags={'area' if halved else 'bicubic'}+{HOW}"
    if is_rgb(clip.pixel_format):
        filters = [f"scale={cols}:{rows}:out_range=full:{flags}", "format=rgb48le"]
        eight = clip.depth_bits <= 8
        return [*filters, from_bytes_table(whites(programs).from_bytes)] if eight else filters
    if "xyz" in clip.pixel_format:
        raise VideoError(
            f"{clip.path} holds X'Y'Z' of digital cinema, which is not read: convert it to a"
            " sequence of DPX or TIFF first"
        )
    if clip.is_grey:  # whose range ffmpegs from 7.0 on do not believe: see `levels_of_grey`
        return [f"scale={cols}:{rows}:in_range=full:out_range=full:{flags}", "format=gray16le"]
    matrix = _matrix(clip)
    # Whatever the range is, from limited to limited the scaler does nothing but shift the codes.
    shifted = "in_range=limited:out_range=limited"
    both = f"in_color_matrix={matrix}:out_color_matrix={matrix}"
    table = to_limited_table(
        full_bits=clip.depth_bits if _is_full(clip, input_range) else 0,
        is_over_all_codes=input_range == "auto" and has_full_codes(space),
        white=whites(programs).from_limited,
    )
    return [
        f"scale={cols}:{rows}:{shifted}:{both}:{_siting(clip)}{flags}",
        "format=yuv444p16le",
        table,
        f"scale=in_range=limited:in_color_matrix={matrix}:out_range=full:flags=bicubic+{HOW}",
        "format=rgb48le",
    ]


def _is_full(clip: Clip, input_range: InputRange) -> bool:
    return input_range == "full" or (input_range == "auto" and clip.tags.range == "pc")


def levels_of_grey(clip: Clip, space: str, input_range: InputRange) -> NDArray[np.uint16] | None:
    """What each level of 16-bit grey, as it comes, stands for; None: for itself."""
    is_over_all_codes = input_range == "auto" and has_full_codes(space)
    if _is_full(clip, input_range) or is_over_all_codes:
        return None
    return grey_levels(clip.depth_bits)


def _siting(clip: Clip) -> str:
    """Where the samples of colour are: ffmpeg's scaler does not look, and shifts them."""
    if "422" in clip.pixel_format or "411" in clip.pixel_format:
        return "in_h_chr_pos=0:"
    if "420" in clip.pixel_format or clip.pixel_format.startswith(("nv", "p0")):
        usual = "center" if clip.pixel_format.startswith("yuvj") else "left"
        across, down = CHROMA.get(clip.tags.chroma_location or usual, CHROMA[usual])
        return f"in_h_chr_pos={across}:in_v_chr_pos={down}:"
    return ""


def _matrix(clip: Clip) -> str:
    if clip.tags.matrix in MATRICES:
        return MATRICES[clip.tags.matrix]
    if clip.tags.matrix in ("", "gbr"):
        return "bt601" if min(clip.rows, clip.cols) <= ROWS_OF_SD else "bt709"
    raise VideoError(
        f"{clip.path}: its colour matrix is {clip.tags.matrix}; those that can be read are"
        f" {', '.join(MATRICES)}"
    )


def from_rgb(
    pixel_format: str, depth_bits: int, programs: Programs, tags: Tags, aspect: Fraction
) -> list[str]:
    """The filters that make what an encoder takes of 16-bit R'G'B', with its tags on each frame.

    Parameters
    ----------
    pixel_format : str
        What the encoder takes.
    depth_bits : int
        Of its samples.
    programs : Programs
        From `find_programs`.
    tags : Tags
        Of the space that the frames are in.
    aspect : Fraction
        Of a pixel.

    Returns
    -------
    list of str
    """
    shape = f"setsar={aspect.numerator}/{aspect.denominator}"
    tagged = f"color_primaries={tags.primaries}:color_trc={tags.transfer}"
    if is_rgb(pixel_format):
        rounding = [rounding_table(depth_bits)] if depth_bits < 16 else []
        marks = f"setparams=range=pc:colorspace=gbr:{tagged}"
        return [shape, *rounding, f"format={pixel_format}", marks]
    siting = "out_h_chr_pos=0:out_v_chr_pos=128:" if "420" in pixel_format else ""
    siting = "out_h_chr_pos=0:" if "422" in pixel_format else siting
    matrix = f"out_color_matrix={MATRICES[tags.matrix]}"
    return [
        shape,
        before_limited_table(whites(programs).to_limited),
        f"scale=in_range=full:out_range=limited:{matrix}:{siting}flags=bicubic+{HOW}",
        f"format={pixel_format}",
        f"setparams=range=tv:colorspace={tags.matrix}:{tagged}",
    ]
