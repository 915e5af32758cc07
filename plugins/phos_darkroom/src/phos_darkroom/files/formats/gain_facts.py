"""What files say of their gain maps, as ISO 21496-1, Adobe with Google, or Apple define it."""

import io
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phos_darkroom.files.colour.hdr import bt709_to_light
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.gain_map import NO_OFFSET, GainMap, Triple
from phos_darkroom.files.metadata.exif_block import open_block
from phos_darkroom.files.metadata.tiff_tags import Layout, numbers, read_directory, read_tag
from phos_darkroom.files.metadata.xmp_packet import Packet, Property, open_packet

__all__ = [
    "APPLE_TYPE",
    "AppleFacts",
    "GainFacts",
    "StoredGain",
    "apple_headroom",
    "apple_headroom_of_xmp",
    "facts_of_iso",
    "facts_of_xmp",
    "is_apple_map",
    "names_gain_map",
]

APPLE_TYPE = "urn:com:apple:photo:2020:aux:hdrgainmap"
"""What Apple calls its gain map among a file's pictures."""

MOST_STOPS = 32.0  # our choice: a gain map of more is damaged; cameras stay below 6
MOST_OFFSET = 1000.0  # the same, in units of white; Adobe's go beyond 10
_ADOBE = "http://ns.adobe.com/hdr-gain-map/1.0/"
_APPLE = "http://ns.apple.com/HDRGainMap/1.0/"
_APPLE_PICTURE = "http://ns.apple.com/pixeldatainfo/1.0/"
_NUMBER = re.compile(rb">\s*([-+.\deE]+)\s*<")
_IN_THREE, _IN_BASE_COLOURS, _BACKWARD, _ONE_DENOMINATOR = 0x80, 0x40, 0x04, 0x08
_DEFAULT_OFFSET = (1 / 64,) * 3
_MAKER_NOTE, _APPLE_NOTE = 0x927C, b"Apple iOS\0\0\1MM"
_APPLE_HEADROOM, _APPLE_GAIN = 33, 48


@dataclass(frozen=True, slots=True, kw_only=True)
class GainFacts:
    """How a gain map's samples become stops (ISO 21496-1).

    Parameters
    ----------
    least, most : tuple of float
        Per channel the stops of a sample of 0 and of 1.
    gamma : tuple of float
        Per channel the exponent that the samples are coded with.
    base_offset, hdr_offset : tuple of float
        As `GainMap` has them.
    in_base_colours : bool
        Whether the gain is for the picture's own primaries, not the HDR rendering's.

    Raises
    ------
    DamageError
        If a number is none that a gain map can have.
    """

    least: Triple
    most: Triple
    gamma: Triple = (1.0, 1.0, 1.0)
    base_offset: Triple
    hdr_offset: Triple
    in_base_colours: bool = True

    def __post_init__(self) -> None:
        stops = (*self.least, *self.most)
        if not all(abs(number) <= MOST_STOPS for number in stops):
            raise DamageError("its gain map's limits are none")
        if not all(0.0 < number < math.inf for number in self.gamma):
            raise DamageError("its gain map's gamma is none")
        if not all(abs(number) <= MOST_OFFSET for number in (*self.base_offset, *self.hdr_offset)):
            raise DamageError("its gain map's offsets are none")

    def stops(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Give the stops of samples from 0 to 1, of one channel where all three are alike."""
        coded = np.atleast_3d(samples).astype(np.float64)
        laws = list(zip(self.least, self.most, self.gamma, strict=True))
        if coded.shape[2] == 1 and len(set(laws)) == 1:
            laws = laws[:1]
        channels = [
            least + (most - least) * coded[..., min(i, coded.shape[2] - 1)] ** (1.0 / gamma)
            for i, (least, most, gamma) in enumerate(laws)
        ]
        stops = channels[0] if len(channels) == 1 else np.stack(channels, axis=-1)
        return stops.astype(np.float32)


@dataclass(frozen=True, slots=True)
class AppleFacts:
    """How Apple's samples become stops: light is 1 + (headroom - 1) m times as bright.

    Parameters
    ----------
    headroom : float
        How many times as bright as white the brightest light is, 1 or more.
    """

    headroom: float
    base_offset: Triple = NO_OFFSET
    hdr_offset: Triple = NO_OFFSET
    in_base_colours: bool = True

    def stops(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Give the stops of samples from 0 to 1, coded by BT.709's curve."""
        coded = samples if samples.ndim == 2 else samples.mean(axis=-1)
        gain = 1.0 + (self.headroom - 1.0) * bt709_to_light(coded)
        return np.log2(gain).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredGain:
    """A gain map as it stands in a file.

    Parameters
    ----------
    samples : ndarray of uint8 or uint16, shape (rows, cols) or (rows, cols, 3)
        Of whatever size.
    facts : GainFacts or AppleFacts
        What they mean.
    primaries : str
        Those that the gain is for.
    """

    samples: NDArray[Any]
    facts: GainFacts | AppleFacts
    primaries: str

    def fitted(self, rows: int, cols: int, *, is_grey: bool) -> GainMap:
        """Give the map at the size of its picture: turned into stops first, and then scaled."""
        stops = self.facts.stops(at_depth(self.samples, np.float32))
        if is_grey and stops.ndim == 3:
            stops = stops.mean(axis=-1)
        planes = [stops] if stops.ndim == 2 else [stops[..., i] for i in range(3)]
        scaled = [_scaled(plane, rows, cols) for plane in planes]
        base, hdr = self.facts.base_offset, self.facts.hdr_offset
        is_even = stops.ndim == 2 and len({*base}) == len({*hdr}) == 1
        return GainMap(
            stops=scaled[0] if len(scaled) == 1 else np.stack(scaled, axis=-1),
            base_offset=base,
            hdr_offset=hdr,
            primaries="srgb" if is_even else self.primaries,  # one gain is the same in all of them
        )


def facts_of_iso(block: bytes) -> GainFacts | None:
    """Read the metadata that ISO 21496-1 defines.

    Parameters
    ----------
    block : bytes
        From its versions on.

    Returns
    -------
    GainFacts or None
        None: the picture itself is the HDR rendering, or the block is for newer readers.

    Raises
    ------
    DamageError, struct.error, ZeroDivisionError
        If the block is cut short, or a number in it is none.
    """
    least_version, _writer, flags = struct.unpack_from(">HHB", block)
    if least_version > 0:
        return None
    channels = 3 if flags & _IN_THREE else 1
    found = _fractions(block, flags, 2 + 5 * channels)
    base_headroom, hdr_headroom = next(found), next(found)
    rows = [[next(found) for _ in range(5)] for _ in range(channels)]
    if hdr_headroom <= base_headroom or flags & _BACKWARD:
        return None
    columns = [column * (3 // channels) for column in zip(*rows, strict=True)]
    least, most, gamma, base, hdr = ((a, b, c) for a, b, c in columns)
    return GainFacts(
        least=least,
        most=most,
        gamma=gamma,
        base_offset=base,
        hdr_offset=hdr,
        in_base_colours=bool(flags & _IN_BASE_COLOURS),
    )


def names_gain_map(packet: bytes | None) -> bool:
    """Tell whether XMP has Adobe's and Google's version of a gain map."""
    found = open_packet(packet)
    return found is not None and found.find(f"{_ADOBE} Version") is not None


def facts_of_xmp(packet: bytes | None) -> GainFacts | None:
    """Read the metadata that Adobe and Google define, in a gain map's XMP.

    Parameters
    ----------
    packet : bytes or None
        That of the gain map, not of the picture.

    Returns
    -------
    GainFacts or None
        None: there is none, or the picture itself is the HDR rendering.

    Raises
    ------
    DamageError
        If a number is missing, or none.
    """
    found = open_packet(packet)
    if found is None:
        return None
    from_hdr = found.find(f"{_ADOBE} BaseRenditionIsHDR")
    if from_hdr is not None and from_hdr.text.strip().lower() == "true":
        return None
    return GainFacts(
        least=_three(found, "GainMapMin", (0.0, 0.0, 0.0)),
        most=_three(found, "GainMapMax", None),
        gamma=_three(found, "Gamma", (1.0, 1.0, 1.0)),
        base_offset=_three(found, "OffsetSDR", _DEFAULT_OFFSET),
        hdr_offset=_three(found, "OffsetHDR", _DEFAULT_OFFSET),
    )


def is_apple_map(packet: bytes | None) -> bool:
    """Tell whether a picture's XMP calls it Apple's gain map."""
    found = open_packet(packet)
    kind = None if found is None else found.find(f"{_APPLE_PICTURE} AuxiliaryImageType")
    return kind is not None and kind.text.strip() == APPLE_TYPE


def apple_headroom_of_xmp(packet: bytes | None) -> float | None:
    """Return the headroom that the XMP of Apple's newer gain maps gives; None if there is none."""
    found = open_packet(packet)
    said = None if found is None else found.find(f"{_APPLE} HDRGainMapHeadroom")
    try:
        return None if said is None else _headroom(float(said.text))
    except ValueError:
        return None


def apple_headroom(exif: bytes | None) -> float | None:
    """Return the headroom that Apple's maker's note gives.

    Parameters
    ----------
    exif : bytes or None
        A picture's EXIF block.

    Returns
    -------
    float or None
        How many times as bright as white the brightest light is; None if there is no such note.

    Notes
    -----
    With a and b the note's values 33 and 48, 0 where one is missing, it is 2^s, where

        s = 1.8 - 20 b        or 1.601 - 0.101 b for b > 0.01,  if a < 1
        s = 3.0 - 70 b        or 2.303 - 0.303 b for b > 0.01,  otherwise

    References
    ----------
    .. [1] docs/sources.md, "gain-maps".
    """
    opened = open_block(exif)
    note = None if opened is None else opened.find(opened.exif, _MAKER_NOTE)
    if note is None or not note.value.startswith(_APPLE_NOTE):
        return None
    file, layout = io.BytesIO(note.value), Layout(">")
    directory = read_directory(file, layout, len(_APPLE_NOTE))
    said: dict[int, float] = {}
    for entry in directory.entries if directory is not None else ():
        tag = read_tag(file, layout, entry, 8) if entry.tag in (33, 48) else None
        found = () if tag is None else numbers(layout, tag)
        if found and math.isfinite(found[0]):
            said[entry.tag] = found[0]
    if not said:
        return None
    high, gain = said.get(_APPLE_HEADROOM, 0.0) >= 1.0, said.get(_APPLE_GAIN, 0.0)
    if gain <= 0.01:
        stops = 3.0 - 70.0 * gain if high else 1.8 - 20.0 * gain
    else:
        stops = 2.303 - 0.303 * gain if high else 1.601 - 0.101 * gain
    return _headroom(2.0 ** min(stops, MOST_STOPS))


def _headroom(number: float) -> float | None:
    return number if 1.0 <= number <= 2.0**MOST_STOPS else None


def _fractions(block: bytes, flags: int, count: int) -> Iterator[float]:
    """Go through a block's numbers, which are fractions; gammas and headrooms have no sign."""
    unsigned = {0, 1, *range(4, count, 5)}
    place, common = 5, 0
    if flags & _ONE_DENOMINATOR:
        (common,) = struct.unpack_from(">I", block, place)
        place += 4
    for index in range(count):
        (above,) = struct.unpack_from(">I" if index in unsigned else ">i", block, place)
        below = common or struct.unpack_from(">I", block, place + 4)[0]
        place += 4 if common else 8
        yield above / below


def _three(found: Packet, name: str, default: Triple | None) -> Triple:
    said = found.find(f"{_ADOBE} {name}")
    if said is None:
        if default is None:
            raise DamageError(f"its gain map says no {name}")
        return default
    try:
        listed = [float(number) for number in _texts(found, said)]
    except ValueError as error:
        raise DamageError(f"its gain map's {name} is no number") from error
    if len(listed) not in (1, 3):
        raise DamageError(f"its gain map's {name} is not one number, nor three")
    first, second, third = listed * (3 // len(listed))
    return first, second, third


def _texts(found: Packet, said: Property) -> list[str]:
    """A property's text, or those of its list."""
    if said.value is not None:
        return [said.text]
    return [text.decode() for text in _NUMBER.findall(found.body[said.place])]


def _scaled(plane: NDArray[np.float32], rows: int, cols: int) -> NDArray[np.float32]:
    if plane.shape == (rows, cols):
        return plane
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.array(image.resize((cols, rows), Image.Resampling.BILINEAR))
