"""What the numbers of a picture are: their curve, their primaries, and whose light they stand for.

The spaces that the core knows by name are here; all others come from plug-ins, see `spaces`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from phos_core.convolution.hooks import CodeCurve, ColourSpace
from phos_core.errors import plain_name

__all__ = [
    "ALSO",
    "INPUT_SPACES",
    "Coding",
    "Encoding",
    "OwnCurve",
    "Primaries",
    "coding_of_space",
    "own_name",
]

Encoding = Literal["srgb", "display", "linear"]
"""What a picture's numbers are: see `Recipe`."""

Primaries: TypeAlias = str | tuple[tuple[float, ...], ...]
"""Primary colours by name, or the rows of a matrix to linear sRGB: see `Recipe`."""

OwnCurve = Literal["", "srgb", "bt1886", "pq", "hlg"]
"""A curve that the core has a formula of; empty: the numbers are light."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What the numbers of a picture are.

    Parameters
    ----------
    light : {"scene", "display", "hdr"}
        Whose light they stand for. A scene's is exposed as it is; of a display's the camera's
        rendering is taken back, of an HDR display's without a shoulder; 1 is its diffuse white.
    curve : str or CodeCurve
        From numbers to light.
    primaries : str or tuple of tuple of float
        Of that light.
    """

    light: Literal["scene", "display", "hdr"]
    curve: OwnCurve | CodeCurve = ""
    primaries: Primaries = "srgb"

    @classmethod
    def of(cls, encoding: Encoding, primaries: Primaries) -> "Coding":
        """Give what a recipe's encoding and primaries say."""
        return cls(
            light="scene" if encoding == "linear" else "display",
            curve="srgb" if encoding == "srgb" else "",
            primaries=primaries,
        )

    @property
    def is_srgb(self) -> bool:
        """Whether they are sRGB's own codes, which hold no colour beyond sRGB."""
        return self.curve == "srgb" and self.primaries == "srgb"

    @property
    def is_bounded(self) -> bool:
        """Whether floats lie between 0 and 1, the least and the greatest code."""
        return isinstance(self.curve, str) and self.curve != ""


INPUT_SPACES: Mapping[str, Coding] = MappingProxyType(
    {
        "srgb": Coding(light="display", curve="srgb"),
        "display-p3": Coding(light="display", curve="srgb", primaries="display-p3"),
        "rec709": Coding(light="display", curve="bt1886"),
        "rec2020": Coding(light="display", curve="bt1886", primaries="rec2020"),
        "rec2100-pq": Coding(light="hdr", curve="pq", primaries="rec2020"),
        "rec2100-hlg": Coding(light="hdr", curve="hlg", primaries="rec2020"),
        "linear-srgb": Coding(light="scene"),
        "linear-rec2020": Coding(light="scene", primaries="rec2020"),
        "acescg": Coding(light="scene", primaries="acescg"),
        "aces2065-1": Coding(light="scene", primaries="aces2065-1"),
    }
)
"""The spaces that a picture may be in without a plug-in, by name."""

ALSO = {"pq": "rec2100-pq", "hlg": "rec2100-hlg", "rec1886": "rec709"}
"""Other names of them."""


_BY_PLAIN_NAME = {plain_name(name): name for name in INPUT_SPACES} | ALSO


def own_name(name: str) -> str | None:
    """Give the key of `INPUT_SPACES` that a name means, however it is written, if it means one."""
    return _BY_PLAIN_NAME.get(plain_name(name))


def coding_of_space(space: ColourSpace) -> Coding:
    """Give what the numbers of a plug-in's colour space are.

    Parameters
    ----------
    space : ColourSpace
        The space.

    Returns
    -------
    Coding
        Of its numbers, if they are a curve and a matrix; else of the light that it gives itself.
    """
    is_hdr = getattr(space, "is_hdr", False)
    light: Literal["scene", "display", "hdr"]
    light = "scene" if space.is_scene else "hdr" if is_hdr else "display"
    parts = getattr(space, "curve_and_matrix", None)
    if parts is None:
        return Coding(light=light)
    return Coding(light=light, curve=parts.curve or "", primaries=parts.matrix)
