"""The ways to cut an axis of a picture into parts, and what each has to read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from phos_darkroom.files.formats.tiff_tiles import TILE

__all__ = ["Cut", "cuts"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A way to cut an axis: the side of its parts, the most one reads, and what all read."""

    side: int
    read: int
    total: int


def cuts(size: int, reach: int) -> Iterator[Cut]:
    """Go through the ways to cut an axis into parts that are whole tiles of the file."""
    for side in sorted({TILE * math.ceil(size / count / TILE) for count in _counts(size)})[::-1]:
        parts = [(start, min(start + side, size)) for start in range(0, size, side)]
        reads = [min(stop + reach, size) - max(start - reach, 0) for start, stop in parts]
        yield Cut(min(side, size), max(reads), sum(reads))


def _counts(size: int) -> range:
    return range(1, math.ceil(size / TILE) + 1)
