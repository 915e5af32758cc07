"""A gain map written: its samples, and what a file says of them in the two ways that are read."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from phos_darkroom.files.gain_map import GainMap, Triple
from phos_darkroom.files.metadata.xmp import new_packet
from phos_darkroom.files.metadata.xmp_packet import RDF

__all__ = ["ADOBE", "ISO_VERSION", "WrittenGain", "written_gain"]

ADOBE = "http://ns.adobe.com/hdr-gain-map/1.0/"
ISO_VERSION = struct.pack(">HH", 0, 0)
"""What a picture says that has a gain map of ISO 21496-1: the versions that read and wrote it."""

TOP = 255
IN_THREE, IN_BASE_COLOURS = 0x80, 0x40
MOST_DENOMINATOR = 1 << 20  # a number of 1000, the largest offset, still fits into 32 bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenGain:
    """A gain map in 8 bits.

    Parameters
    ----------
    samples : ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        0 is `least` and 255 `most`.
    least, most : float
        Stops, of all channels.
    base_offset, hdr_offset : tuple of float
        As `GainMap` has them.
    in_base_colours : bool
        Whether the gain is for the picture's own primaries.
    """

    samples: NDArray[np.uint8]
    least: float
    most: float
    base_offset: Triple
    hdr_offset: Triple
    in_base_colours: bool

    def iso(self) -> bytes:
        """Give the metadata that ISO 21496-1 defines, as `facts_of_iso` reads it."""
        channels = 3 if self.samples.ndim == 3 else 1
        flags = (IN_THREE if channels == 3 else 0) | (IN_BASE_COLOURS * self.in_base_colours)
        body = [ISO_VERSION, bytes((flags,)), _fraction(0.0), _fraction(self.most)]
        for channel in range(channels):
            numbers = self.least, self.most, 1.0
            offsets = self.base_offset[channel], self.hdr_offset[channel]
            body += (_fraction(number) for number in (*numbers, *offsets))
        return b"".join(body)

    def xmp(self) -> bytes:
        """Give the packet that Adobe and Google define, as `facts_of_xmp` reads it."""
        said = {
            "Version": "1.0",
            "BaseRenditionIsHDR": "False",
            "GainMapMin": f"{self.least:.7g}",
            "GainMapMax": f"{self.most:.7g}",
            "Gamma": "1",
            "HDRCapacityMin": "0",
            "HDRCapacityMax": f"{self.most:.7g}",
        }
        offsets = {"OffsetSDR": self.base_offset, "OffsetHDR": self.hdr_offset}
        said |= {name: f"{one[0]:.7g}" for name, one in offsets.items() if len({*one}) == 1}
        listed = "".join(
            f"<hdrgm:{name}><rdf:Seq>{_items(one)}</rdf:Seq></hdrgm:{name}>"
            for name, one in offsets.items()
            if name not in said
        )
        properties = " ".join(f"hdrgm:{name}={quoteattr(text)}" for name, text in said.items())
        return new_packet(
            f'<rdf:Description xmlns:rdf="{RDF}" xmlns:hdrgm="{ADOBE}" rdf:about="" {properties}>'
            f"{listed}</rdf:Description>\n"
        )


def written_gain(gain_map: GainMap, primaries: str) -> WrittenGain | None:
    """Give a gain map in 8 bits; none where it makes nothing brighter.

    Parameters
    ----------
    gain_map : GainMap
        The map.
    primaries : str
        Those of the picture that it belongs to.

    Returns
    -------
    WrittenGain or None
        No gain is a sample of its own, so that it comes back as none.
    """
    lowest, most = min(0.0, float(gain_map.stops.min())), float(gain_map.stops.max())
    if most <= 0.0:
        return None
    below = int(np.ceil(TOP * lowest / (lowest - most))) if lowest < 0.0 else 0
    below = min(below, TOP - 1)
    step = most / (TOP - below)
    samples = np.clip(np.rint(gain_map.stops * np.float32(1.0 / step)) + below, 0, TOP)
    return WrittenGain(
        samples=samples.astype(np.uint8),
        least=-below * step,
        most=most,
        base_offset=gain_map.base_offset,
        hdr_offset=gain_map.hdr_offset,
        in_base_colours=gain_map.stops.ndim == 2 or gain_map.primaries == primaries,
    )


def _fraction(number: float) -> bytes:
    near = Fraction(number).limit_denominator(MOST_DENOMINATOR)
    return struct.pack(">iI", near.numerator, near.denominator)


def _items(numbers: Sequence[float]) -> str:
    return "".join(_listed(numbers))


def _listed(numbers: Sequence[float]) -> Iterator[str]:
    for number in numbers:
        yield f"<rdf:li>{number:.7g}</rdf:li>"
