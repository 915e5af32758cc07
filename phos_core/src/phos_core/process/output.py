"""Output spaces: the colours of a positive, and the numbers that stand for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from phos_core import color
from phos_core.arrays import Array, array_namespace, clipped, mix, per_layer
from phos_core.effects.gamut import held_in_gamut, into_gamut
from phos_core.positive import Printing, make_hdr_positive, make_positive, make_wide_positive

__all__ = [
    "OUTPUT_SPACES",
    "SRGB",
    "OutputSpace",
    "Transfer",
    "brought_into",
    "encode",
    "held_within",
    "in_primaries",
    "printed",
]

Transfer = Literal["srgb", "bt1886", "linear", "pq", "hlg", "adx10", "adx16"]
"""How light becomes numbers: see `OutputSpace`."""

WIDE_THRESHOLD = 0.98  # our choice: a wide gamut keeps more of the way to its edge than sRGB
HDR = ("pq", "hlg")
PEAK_NITS = 1000.0  # our choice: what displays of today show, and that for which HLG is defined
PEAK = PEAK_NITS / color.REFERENCE_WHITE_NITS

# docs/sources.md, "adx": codes per unit of density, code of unexposed film, the largest code.
ADX = {"adx10": (500.0, 95.0, 1023.0), "adx16": (8000.0, 1520.0, 65535.0)}
ADX_GAINS = (1.00, 0.92, 0.95)  # of the densities of red, green and blue
LEAST_TRANSMISSION = 1e-9  # beyond what either code holds


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpace:
    """What the numbers of a positive are.

    Parameters
    ----------
    primaries : str
        Of its light, a key of `color.PRIMARIES`; of densities without a meaning.
    transfer : {"srgb", "bt1886", "linear", "pq", "hlg", "adx10", "adx16"}
        From light to numbers: sRGB's curve; the inverse of a reference display's power of 2.4;
        the light itself, of any sign and size, white at 1; a curve of HDR television, white at
        203 cd/m2; or codes of the negative's density.
    of_integers : str
        The dtype of the positive of an integer picture; empty: the picture's own.
    """

    primaries: str
    transfer: Transfer
    of_integers: str = ""

    @property
    def is_unbounded(self) -> bool:
        """Whether it holds colours beyond its primaries and light beyond white."""
        return self.transfer == "linear"

    @property
    def peak(self) -> float:
        """The most light that it holds, where it is bounded; 1 is white."""
        return PEAK if self.is_hdr else 1.0

    @property
    def is_hdr(self) -> bool:
        """Whether it is a display's that shows light beyond white."""
        return self.transfer in HDR

    @property
    def holds_beyond_white(self) -> bool:
        """Whether light beyond diffuse white has a place in it."""
        return self.is_unbounded or self.is_hdr

    @property
    def is_density(self) -> bool:
        """Whether it is of the negative, not of a positive."""
        return self.transfer in ADX

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Give the dtype of the positive of a picture of this dtype."""
        return np.dtype(self.of_integers) if self.of_integers and dtype.kind == "u" else dtype


SRGB = OutputSpace(primaries="srgb", transfer="srgb")

OUTPUT_SPACES: Mapping[str, OutputSpace] = MappingProxyType(
    {
        "srgb": SRGB,
        "display-p3": OutputSpace(primaries="display-p3", transfer="srgb"),
        "rec709": OutputSpace(primaries="srgb", transfer="bt1886"),
        "rec2020": OutputSpace(primaries="rec2020", transfer="bt1886"),
        "acescg": OutputSpace(primaries="acescg", transfer="linear", of_integers="float32"),
        "aces2065-1": OutputSpace(primaries="aces2065-1", transfer="linear", of_integers="float32"),
        "rec2100-pq": OutputSpace(primaries="rec2020", transfer="pq", of_integers="uint16"),
        "rec2100-hlg": OutputSpace(primaries="rec2020", transfer="hlg", of_integers="uint16"),
        "adx10": OutputSpace(primaries="srgb", transfer="adx10", of_integers="uint16"),
        "adx16": OutputSpace(primaries="srgb", transfer="adx16", of_integers="uint16"),
    }
)
"""The spaces that a positive can be asked for in, by name."""


def printed(density: Array, printing: Printing, space: OutputSpace) -> Array:
    """Print the developed film: light of the space's primaries, within them where they bound it.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the developed film.
    printing : Printing
        How it is printed.
    space : OutputSpace
        What the positive is wanted in.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white stock
        Linear light, white at 1.
    """
    if space.is_density:
        return make_positive(density, printing)
    if space.primaries == "srgb" and not space.is_unbounded:
        return into_gamut(make_positive(density, printing))
    if space.is_hdr:
        light = in_primaries(make_hdr_positive(density, printing, space.peak), space)
        return _within_peak(partial(into_gamut, threshold=WIDE_THRESHOLD), space, light)
    light = in_primaries(make_wide_positive(density, printing), space)
    if space.is_unbounded:
        return light
    return into_gamut(light, color.luminance_of(space.primaries), WIDE_THRESHOLD)


def brought_into(space: OutputSpace, light: Array) -> Array:
    """Bring linear sRGB into a space that is bounded, as `into_gamut` does: linear sRGB again."""
    return _mapped(into_gamut, space, light)


def held_within(space: OutputSpace, light: Array) -> Array:
    """Hold linear sRGB within a space that is bounded, as `held_in_gamut` does."""
    return _mapped(held_in_gamut, space, light)


def _mapped(mapping: Callable[..., Array], space: OutputSpace, light: Array) -> Array:
    if space.is_unbounded:
        return light
    mapped = _within_peak(mapping, space, in_primaries(light, space))
    if space.primaries == "srgb":
        return mapped
    return mix(mapped, color.to_linear_srgb(space.primaries).tolist())


def _within_peak(mapping: Callable[..., Array], space: OutputSpace, light: Array) -> Array:
    """Map light of a space's primaries into its gamut, which reaches up to its peak."""
    weights = color.luminance_of(space.primaries)
    if space.peak == 1.0:
        return mapping(light, weights)
    return mapping(light * (1.0 / space.peak), weights) * space.peak


def in_primaries(light: Array, space: OutputSpace) -> Array:
    """Linear sRGB in a space's primaries; grey light, of one channel, is the same in all."""
    if space.primaries == "srgb" or light.shape[0] == 1:
        return light
    return mix(light, color.from_linear_srgb(space.primaries))


def encode(light: Array, channels: int, dtype: np.dtype[Any], space: OutputSpace = SRGB) -> Array:
    """Step 9: turn light into the numbers of a space, in the channels that the input had.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Linear light of the space's primaries.
    channels : int
        Of the picture: one or three.
    dtype : dtype
        Of the numbers. Integers are clipped here and only here, and so are floats where the space
        is bounded; the largest integer is 1.
    space : OutputSpace
        The space.

    Returns
    -------
    array, shape (channels, rows, cols)
        The numbers.
    """
    if light.shape[0] > channels:
        light = color.luminance(light, color.luminance_of(space.primaries))
    coded = coded_as_integers(light, dtype, space) if dtype.kind == "u" else numbers(light, space)
    return array_namespace(light).broadcast_to(coded, (channels, *coded.shape[1:]))


def numbers(light: Array, space: OutputSpace) -> Array:
    """The numbers of a space that stand for light."""
    if space.transfer == "linear":
        return light
    if space.is_density:
        return density_codes(light, space)
    within = clipped(light, 0.0, space.peak)
    if space.transfer == "pq":
        return color.light_to_pq(within)
    if space.transfer == "hlg":
        return color.light_to_hlg(within, space.primaries)
    if space.transfer == "srgb":
        return color.encode_srgb(within)
    return array_namespace(light).pow(within, 1.0 / color.DISPLAY_GAMMA)


def density_codes(light: Array, space: OutputSpace) -> Array:
    """The codes of densities over unexposed film, each a share of the largest, 0 to 1."""
    per_density, of_unexposed, largest = ADX[space.transfer]
    density = array_namespace(light).log10(clipped(light, LEAST_TRANSMISSION))
    scaled = density * per_layer([-gain * per_density / largest for gain in ADX_GAINS], light)
    return clipped(scaled + of_unexposed / largest, 0.0, 1.0)


def coded_as_integers(light: Array, dtype: np.dtype[Any], space: OutputSpace) -> Array:
    """The integers of a space that stand for light, rounded to the nearest."""
    if space.transfer == "srgb":
        return color.encode_codes(light, dtype)
    xp = array_namespace(light)
    codes = clipped(numbers(light, space), 0.0, 1.0) * float(np.iinfo(dtype).max) + 0.5
    return xp.astype(xp.floor(codes), getattr(xp, dtype.name))
