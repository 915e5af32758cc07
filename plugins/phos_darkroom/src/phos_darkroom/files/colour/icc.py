"""ICC colour profiles as bytes: which colours they are of, and what a matrix profile computes.

The layout is our reading of the ICC.1 format. A profile of tables is only recognised here: Little
CMS evaluates it, in `profiles`.
"""

import math
import struct
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError

__all__ = ["ColourSpace", "MatrixProfile", "Profile", "read_profile"]

ColourSpace = Literal["RGB", "GRAY"]

MAX_PROFILE_BYTES = 1 << 24  # our choice: a JPEG holds no more, and tables of 4 MB are the largest
MAX_TAGS = 200  # our choice: real profiles have 10 to 30
LARGEST_LIGHT = 100.0  # our choice, in units of white: a curve beyond it is damage

_DEVICE_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")
_COLOUR_SPACES: dict[bytes, ColourSpace] = {b"RGB ": "RGB", b"GRAY": "GRAY"}
_CURVES = {"RGB": (b"rTRC", b"gTRC", b"bTRC"), "GRAY": (b"kTRC",)}
_COLORANTS = (b"rXYZ", b"gXYZ", b"bXYZ")
_TABLES_IN = {b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2", b"D2B3"}
_TABLES_OUT = {b"B2A0", b"B2A1"}
_TABLES = _TABLES_IN | _TABLES_OUT | {b"B2A2"}

# Which of (g, a, b, c, d, e, f) each kind of parametric curve gives; the rest follows from them.
_PARAMETERS = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}


class ToneCurve(Protocol):
    """From a channel's code, 0 to 1, to its light, and back."""

    @property
    def rises(self) -> bool:
        """Whether each light has a code."""
        ...

    def decode(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn codes into light."""
        ...

    def encode(self, light: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn light into codes: the inverse of `decode`."""
        ...


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """``(a x + b) ** g + e`` from `d` on, ``c x + f`` below; it goes on above 1."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def __post_init__(self) -> None:
        if self.g <= 0:
            raise ImageFileError(f"the colour profile has a tone curve of the power {self.g}")

    @property
    def rises(self) -> bool:
        """Whether each light has a code."""
        return self.a > 0 and self.c >= 0

    def decode(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn codes into light."""
        with np.errstate(over="ignore"):
            curved = np.maximum(self.a * codes + self.b, 0.0) ** self.g + self.e
        return np.where(codes >= self.d, curved, self.c * codes + self.f)

    def encode(self, light: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn light into codes."""
        knee = max(self.a * self.d + self.b, 0.0) ** self.g + self.e
        curved = (np.maximum(light - self.e, 0.0) ** (1.0 / self.g) - self.b) / self.a
        straight = (light - self.f) / self.c if self.c > 0 else np.zeros_like(light)
        return np.where(light >= knee, curved, straight)


@dataclass(frozen=True, slots=True, eq=False)
class TableCurve:
    """Light at evenly spaced codes, with straight lines between; it ends at 0 and 1."""

    light: NDArray[np.float64]

    @property
    def rises(self) -> bool:
        """Whether each light has a code."""
        return bool(self.light[-1] > self.light[0])

    def decode(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn codes into light."""
        return np.interp(codes, np.linspace(0.0, 1.0, self.light.size), self.light)

    def encode(self, light: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn light into codes; where many codes have one light, black takes the lowest."""
        rising = np.maximum.accumulate(self.light)
        codes = np.interp(light, rising, np.linspace(0.0, 1.0, rising.size))
        return np.where(light <= rising[0], 0.0, codes)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixProfile:
    """A profile of a tone curve a channel and, for colours, a matrix.

    Parameters
    ----------
    curves : tuple of ToneCurve
        One a channel.
    to_xyz : ndarray, shape (3, 3), or None
        From the channels' light to CIE XYZ adapted to D50, white at Y = 1; None for grey.
    """

    curves: tuple[ToneCurve, ...]
    to_xyz: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a colour profile holds.

    Parameters
    ----------
    colours : {"RGB", "GRAY"}
        What its codes are.
    matrix : MatrixProfile or None
        How it computes; None: by tables.
    has_output_tables : bool
        Whether it has tables that lead back to its codes.
    data : bytes
        The profile itself.
    """

    colours: ColourSpace
    matrix: MatrixProfile | None
    has_output_tables: bool
    data: bytes


def read_profile(data: bytes) -> Profile:
    """Read a colour profile.

    Parameters
    ----------
    data : bytes
        An ICC profile.

    Returns
    -------
    Profile

    Raises
    ------
    ImageFileError
        If it is damaged, larger than any real one, or not of RGB or grey pictures.
    """
    if len(data) > MAX_PROFILE_BYTES:
        limit = MAX_PROFILE_BYTES >> 20
        raise ImageFileError(f"the colour profile has {len(data)} bytes; the limit is {limit} MiB")
    if len(data) < 132 or data[36:40] != b"acsp":
        raise ImageFileError("the colour profile is damaged: it does not start as one")
    colours = _COLOUR_SPACES.get(data[16:20])
    if colours is None or data[12:16] not in _DEVICE_CLASSES:
        kind = (data[12:16] + b" of " + data[16:20]).decode("latin-1")
        raise ImageFileError(f"the colour profile is not of RGB or grey pictures, but {kind!r}")
    tags = _read_tags(data)
    for name in _TABLES & tags.keys():
        _check_cube(tags[name])
    is_matrix = data[20:24] == b"XYZ " and not _TABLES_IN & tags.keys()
    return Profile(
        colours=colours,
        matrix=_read_matrix(tags, colours) if is_matrix else None,
        has_output_tables=bool(_TABLES_OUT & tags.keys()),
        data=data,
    )


def _read_tags(data: bytes) -> dict[bytes, bytes]:
    count = int.from_bytes(data[128:132], "big")
    if count > MAX_TAGS or 132 + 12 * count > len(data):
        raise ImageFileError(f"the colour profile is damaged: it claims {count} tags")
    tags = {}
    for signature, offset, size in struct.iter_unpack(">4sII", data[132 : 132 + 12 * count]):
        if offset + size > len(data):
            name = signature.decode("latin-1")
            raise ImageFileError(f"the colour profile is cut short: {name!r} is not all there")
        tags[signature] = data[offset : offset + size]
    return tags


def _check_cube(tag: bytes) -> None:
    """Refuse a table that claims a larger cube than its bytes hold: memory is taken for it."""
    if len(tag) < 32:
        return
    inputs, outputs = tag[8], tag[9]
    cube_bytes = 0
    match tag[:4]:
        case b"mft1":
            cube_bytes = tag[10] ** inputs * outputs
        case b"mft2":
            cube_bytes = 2 * tag[10] ** inputs * outputs
        case b"mAB " | b"mBA ":
            cube = int.from_bytes(tag[24:28], "big")
            cube_bytes = math.prod(tag[cube : cube + min(inputs, 16)]) * outputs if cube else 0
    if cube_bytes > len(tag):
        raise ImageFileError("the colour profile is damaged: a table is not all there")


def _read_matrix(tags: dict[bytes, bytes], colours: ColourSpace) -> MatrixProfile:
    try:
        curves = tuple(_read_curve(tags[name]) for name in _CURVES[colours])
        if colours == "GRAY":
            return MatrixProfile(curves, None)
        colorants = np.array([_read_xyz(tags[name]) for name in _COLORANTS])
        return MatrixProfile(curves, colorants.T)
    except KeyError as error:
        name = error.args[0].decode("latin-1")
        raise ImageFileError(f"the colour profile has no {name!r}, and no tables") from error
    except (struct.error, ValueError) as error:
        if isinstance(error, ImageFileError):
            raise
        raise ImageFileError(f"the colour profile is damaged: {error}") from error


def _read_xyz(tag: bytes) -> NDArray[np.float64]:
    if tag[:4] != b"XYZ ":
        raise ImageFileError("the colour profile is damaged: a primary is not a colour")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _read_curve(tag: bytes) -> ToneCurve:
    match tag[:4]:
        case b"curv":
            curve = _read_sampled(tag)
        case b"para":
            curve = _read_parametric(tag)
        case kind:
            raise ImageFileError(f"the colour profile has a tone curve of unknown kind {kind!r}")
    light = curve.decode(np.linspace(0.0, 1.0, 257))
    if not np.all(np.abs(light) <= LARGEST_LIGHT):
        raise ImageFileError("the colour profile is damaged: a tone curve leaves all bounds")
    return curve


def _read_sampled(tag: bytes) -> ToneCurve:
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return _power_curve(1.0)
    samples = np.frombuffer(tag, ">u2", count, 12)
    if count == 1:
        return _power_curve(samples[0] / 256)
    return TableCurve(samples / 65535)


def _read_parametric(tag: bytes) -> ToneCurve:
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind not in _PARAMETERS:
        raise ImageFileError(f"the colour profile has a tone curve of unknown kind {kind}")
    names = _PARAMETERS[kind]
    numbers = (n / 65536 for n in struct.unpack_from(f">{len(names)}i", tag, 12))
    given = dict(zip(names, numbers, strict=True))
    if kind == 0:
        return _power_curve(given["g"])
    if kind in (1, 2):
        if given["a"] == 0:
            raise ImageFileError("the colour profile has a tone curve without slope")
        floor = given.pop("c", 0.0)
        given |= {"d": -given["b"] / given["a"], "e": floor, "f": floor}
    return PowerCurve(**given)


def _power_curve(g: float) -> PowerCurve:
    """A plain power; light that is its own code goes on below 0 too."""
    return PowerCurve(g, c=1.0 if g == 1.0 else 0.0)
