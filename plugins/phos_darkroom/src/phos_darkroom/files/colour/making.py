"""Colour profiles made: an ICC profile of a matrix and one tone curve, as positives carry it."""

import functools
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phos_core.color import BRADFORD, PRIMARIES, to_linear_srgb
from phos_core.process import OutputSpace
from phos_darkroom.files.colour.profiles import PCS_TO_LINEAR_SRGB, PCS_WHITE

__all__ = ["profile_of"]

NAMES = {
    ("srgb", "srgb"): "sRGB",
    ("display-p3", "srgb"): "Display P3",
    ("srgb", "bt1886"): "Rec. 709, gamma 2.4 (BT.1886)",
    ("rec2020", "bt1886"): "Rec. 2020, gamma 2.4 (BT.1886)",
    ("acescg", "linear"): "ACEScg",
    ("aces2065-1", "linear"): "ACES2065-1",
}
# Of each transfer the kind of an ICC parametric curve, and its numbers: from codes to light.
CURVES: dict[str, tuple[int, tuple[float, ...]]] = {
    "srgb": (3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
    "bt1886": (0, (2.4,)),
    "linear": (0, (1.0,)),
}
VERSION = 0x04400000
MADE = (2000, 1, 1, 0, 0, 0)  # equal pictures, equal bytes
HEADER_BYTES = 128


@functools.cache
def profile_of(space: OutputSpace, *, is_grey: bool = False) -> bytes:
    """Make the colour profile of a space.

    Parameters
    ----------
    space : OutputSpace
        Of light or of its codes.
    is_grey : bool
        Whether it is of pictures without colours.

    Returns
    -------
    bytes
        An ICC profile, version 4, of a parametric curve and, for colours, a matrix; white is
        adapted to D50 by Bradford's matrix.
    """
    to_pcs = np.asarray(
        np.linalg.solve(PCS_TO_LINEAR_SRGB, to_linear_srgb(space.primaries)), np.float64
    )
    curve = _curve(*CURVES[space.transfer])
    name = NAMES.get((space.primaries, space.transfer), f"{space.primaries}, {space.transfer}")
    described = {
        b"desc": _text(name),
        b"cprt": _text("No copyright: use freely"),
        b"wtpt": _xyz(PCS_WHITE),
    }
    if is_grey:
        return _packed(b"GRAY", {**described, b"kTRC": curve})
    return _packed(
        b"RGB ",
        {
            **described,
            b"chad": b"sf32" + bytes(4) + _fixed(_adaptation(space.primaries).ravel()),
            b"rXYZ": _xyz(to_pcs[:, 0]),
            b"gXYZ": _xyz(to_pcs[:, 1]),
            b"bXYZ": _xyz(to_pcs[:, 2]),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        },
    )


def _adaptation(primaries: str) -> NDArray[np.float64]:
    """The matrix that adapts the white of some primaries to D50."""
    x, y = PRIMARIES[primaries][1]
    white = np.array([x / y, 1.0, (1.0 - x - y) / y])
    gains = (BRADFORD @ PCS_WHITE) / (BRADFORD @ white)
    adaptation: NDArray[np.float64] = np.linalg.solve(BRADFORD, gains[:, np.newaxis] * BRADFORD)
    return adaptation


def _packed(colours: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of these colours and tags; equal tags share their place."""
    start = HEADER_BYTES + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    data = b""
    for tag in tags.values():
        if tag not in places:
            places[tag] = start + len(data)
            data += tag + bytes(-len(tag) % 4)
    table = struct.pack(">I", len(tags)) + b"".join(
        struct.pack(">4sII", name, places[tag], len(tag)) for name, tag in tags.items()
    )
    header = struct.pack(">I4xI", start + len(data), VERSION) + b"mntr" + colours + b"XYZ "
    header += struct.pack(">6H", *MADE) + b"acsp" + bytes(28) + _fixed(PCS_WHITE)
    return header.ljust(HEADER_BYTES, b"\0") + table + data


def _text(text: str) -> bytes:
    """A text in one language."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _xyz(xyz: Sequence[float] | NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(xyz)


def _curve(kind: int, numbers: Sequence[float]) -> bytes:
    return b"para" + struct.pack(">4xHxx", kind) + _fixed(numbers)


def _fixed(numbers: Sequence[float] | NDArray[np.float64]) -> bytes:
    """Numbers with 16 bits before the point and 16 behind it."""
    return b"".join(struct.pack(">i", round(float(number) * 65536)) for number in numbers)
