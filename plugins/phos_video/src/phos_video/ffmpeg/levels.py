"""Levels: what ffmpeg's scaler makes of white, and the tables that make it exact.

The scaler computes with white at 255 × 256 and a little, not at 65535: 10-bit white, 940, becomes
65283 in 16 bits, and back from 65535 it would be 943. So a table stands before and behind it.
docs/decisions/0042-ffmpeg-by-pipes.md has the measurement.
"""

import subprocess
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from phos_video.errors import VideoError
from phos_video.ffmpeg.programs import QUIET, Programs, last_words

__all__ = [
    "HOW",
    "Whites",
    "before_limited_table",
    "from_bytes_table",
    "grey_levels",
    "rounding_table",
    "to_limited_table",
    "whites",
]

HOW = "accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
"""How the scaler is to work: exactly, and the same on every processor."""

TOP = 65535
BLACK_Y, RANGE_Y = 4096, 219 * 256  # of limited codes in 16 bits
NEUTRAL = 32768
SIDE = 16  # of the picture that is measured
LEAST = 0.98  # of what white may be: anything below is no rounding of the scaler's


@dataclass(frozen=True, slots=True, kw_only=True)
class Whites:
    """What the scaler makes of white, as measured on this ffmpeg.

    Parameters
    ----------
    from_limited : int
        16-bit R'G'B' of limited white, Y' = 60160.
    from_bytes : int
        16-bit R'G'B' of 8-bit R'G'B' white, 255.
    to_limited : int
        16-bit R'G'B' that becomes limited white.
    """

    from_limited: int
    from_bytes: int
    to_limited: int


@lru_cache(maxsize=8)
def whites(programs: Programs) -> Whites:
    """Measure what this ffmpeg makes of white.

    Raises
    ------
    VideoError
        If it makes no white of it.
    """
    limited = np.repeat(np.array((60160, NEUTRAL, NEUTRAL), "<u2"), SIDE * SIDE)
    eight = np.full(SIDE * SIDE * 3, 255, np.uint8)
    sixteen = np.full(SIDE * SIDE * 3, TOP, "<u2")
    to_rgb = "in_range=limited:in_color_matrix=bt709:out_range=full"
    to_limited = "in_range=full:out_range=limited:out_color_matrix=bt709"
    luma = _converted(programs, sixteen, "rgb48le", "yuv444p16le", to_limited)[0]
    white = (int(luma) - BLACK_Y) / RANGE_Y
    measured = Whites(
        from_limited=int(_converted(programs, limited, "yuv444p16le", "rgb48le", to_rgb)[0]),
        from_bytes=int(_converted(programs, eight, "rgb24", "rgb48le", "out_range=full")[0]),
        to_limited=min(TOP, round(TOP / white)) if white > LEAST else 0,
    )
    for value in (measured.from_limited, measured.from_bytes, measured.to_limited):
        if value < LEAST * TOP:
            raise VideoError(
                f"{programs.ffmpeg} makes {value} of white in 16 bits, where {TOP} is right: this"
                " build converts colours wrongly; use another"
            )
    return measured


def _converted(
    programs: Programs, pixels: NDArray[np.generic], given: str, wanted: str, how: str
) -> NDArray[np.uint16]:
    command = [programs.ffmpeg, *QUIET, "-f", "rawvideo", "-pix_fmt", given]
    command += ["-video_size", f"{SIDE}x{SIDE}", "-i", "pipe:0"]
    command += [
        "-vf",
        f"scale={how}:flags=bicubic+{HOW},format={wanted}",
        "-f",
        "rawvideo",
        "pipe:1",
    ]
    done = subprocess.run(command, input=pixels.tobytes(), capture_output=True, check=False)
    if done.returncode or len(done.stdout) != SIDE * SIDE * 6:
        raise VideoError(
            f"{programs.ffmpeg} does not convert {given} to {wanted}: {last_words(done.stderr)}"
        )
    return np.frombuffer(done.stdout, "<u2")


def to_limited_table(*, full_bits: int, is_over_all_codes: bool, white: int) -> str:
    """The filter on 16-bit Y'CbCr that makes limited codes of it, such that white becomes 65535.

    Parameters
    ----------
    full_bits : int
        Of the samples, where they take the full range; 0: they are limited. They have been
        shifted up to 16 bits.
    is_over_all_codes : bool
        Whether limited codes stand for R'G'B' over all of them, as those of cameras' logs do.
    white : int
        `Whites.from_limited`.

    Returns
    -------
    str

    Notes
    -----
    With white at y = (Y − 4096) / 56064 = 1 and c = (C − 32768) / 57344: of full codes with top
    T = (2ⁿ − 1) 2¹⁶⁻ⁿ, y = Y / T and c = (C − 32768) / T. A log over all codes has
    R'G'B' = (64 + 876 E') / 1023, E' being what limited decoding gives; so y = Y / 65472, and c is
    that of limited codes times 876 / 1023. 65472 is 1023 in 16 bits.
    """
    if full_bits:
        top = (2**full_bits - 1) * 2 ** (16 - full_bits)
        dark, luma, chroma = 0, RANGE_Y / top, 224 * 256 / top
    elif is_over_all_codes:
        dark, luma, chroma = 0, 876 / 1023, 876 / 1023
    else:
        dark, luma, chroma = BLACK_Y, 1.0, 1.0
    gain = TOP / white
    y = f"clip({BLACK_Y}+(val-{dark})*{luma * gain:.9f}+.5,0,{TOP})"
    c = f"clip({NEUTRAL}+(val-{NEUTRAL})*{chroma * gain:.9f}+.5,0,{TOP})"
    return f"lutyuv=y='{y}':u='{c}':v='{c}'"


@lru_cache(maxsize=8)
def grey_levels(bits: int) -> NDArray[np.uint16]:
    """Light of each level of 16-bit grey that has been spread from limited codes of so many bits.

    Notes
    -----
    A code c has been spread to g = 65535 c / (2ⁿ − 1). With u = 2ⁿ⁻⁸, light is
    (c − 16 u) / (219 u). No table of ffmpeg's does this: those of grey end at 65280.
    """
    unit = 2.0 ** (bits - 8)
    codes = np.arange(TOP + 1) * ((2**bits - 1) / TOP)
    light = np.clip((codes - 16 * unit) / (219 * unit), 0.0, 1.0)
    levels: NDArray[np.uint16] = np.rint(light * TOP).astype(np.uint16)
    return levels


def from_bytes_table(white: int) -> str:
    """The filter that makes 257 times the byte of what the scaler has made of it."""
    return _rgb_table(f"floor(val*255/{white}+.5)*257")


def before_limited_table(white: int) -> str:
    """The filter on 16-bit R'G'B' after which the scaler makes limited white of 65535."""
    return _rgb_table(f"floor(val*{white}/{TOP}+.5)")


def rounding_table(bits: int) -> str:
    """The filter on 16-bit R'G'B' that rounds to so many bits, where the scaler would truncate."""
    top = 2**bits - 1
    return _rgb_table(f"floor(val*{top}/{TOP}+.5)*{2 ** (16 - bits)}")


def _rgb_table(expression: str) -> str:
    return f"lutrgb=r='{expression}':g='{expression}':b='{expression}'"
