"""Tiles: rows of a picture that a device can hold at a time, and how many those are."""

import math
import os
from dataclasses import dataclass

import array_api_compat

from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.strangers import Trouble, attempt

__all__ = ["Footprint", "Tile", "row_tiles", "tile_sizes"]

LEAST_ROWS = 16  # of a tile, its surroundings not counted
FREE_SHARE = 0.9  # of the free memory: the rest is for what the library itself needs
WORKSPACE_BYTES = 20  # a continued pixel: itself, its spectrum, the product, the way back


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows of a picture that are computed together.

    Parameters
    ----------
    rows : slice
        The rows that the tile gives.
    read : slice
        The rows that it needs for that.
    """

    rows: slice
    read: slice

    @property
    def inner(self) -> slice:
        """Where the rows lie among those that are read."""
        return slice(self.rows.start - self.read.start, self.rows.stop - self.read.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a piece of work takes on a device, by the rows of a tile.

    Parameters
    ----------
    rows, cols : int
        Size of the picture.
    planes : int
        Planes that are convolved at once.
    radius : tuple of (int, int)
        Reach of the widest PSF along rows and columns, in pixels.
    halo : int
        Rows around a tile that act on it.
    pixel_bytes : int
        Bytes for each pixel, the workspace of the convolution left out.
    divisible : bool
        Whether the work can be cut into tiles at all.
    """

    rows: int
    cols: int
    planes: int
    radius: tuple[int, int]
    halo: int
    pixel_bytes: int
    divisible: bool = True

    @property
    def least_rows(self) -> int:
        """Rows below which a smaller tile saves little: its surroundings then outweigh it."""
        return min(self.rows, max(LEAST_ROWS, self.halo)) if self.divisible else self.rows

    def array_elements(self, tile_rows: int) -> int:
        """Numbers in the largest array: all planes, or one continued beyond its edges."""
        return max(self.planes * self._read(tile_rows) * self.cols, self._continued(tile_rows))

    def needed_bytes(self, tile_rows: int) -> int:
        """Bytes of all arrays together, all planes continued at once."""
        pixels = self._read(tile_rows) * self.cols
        workspace = self.planes * self._continued(tile_rows) * WORKSPACE_BYTES
        return pixels * self.pixel_bytes + workspace

    def _read(self, tile_rows: int) -> int:
        return min(self.rows, tile_rows + 2 * self.halo)

    def _continued(self, tile_rows: int) -> int:
        read, (ry, rx), cols = self._read(tile_rows), self.radius, self.cols
        return min(2 * read, read + 2 * ry) * min(2 * cols, cols + 2 * rx)


def row_tiles(rows: int, tile_rows: int, halo: int) -> tuple[Tile, ...]:
    """Cut a picture into tiles.

    Parameters
    ----------
    rows : int
        Rows of the picture.
    tile_rows : int
        Rows that a tile gives; the last may give fewer.
    halo : int
        Rows on either side that act on a tile.

    Returns
    -------
    tuple of Tile
        From the top. At the picture's own edges a tile ends as the picture does.
    """
    starts = range(0, rows, max(tile_rows, 1))
    stops = [min(start + tile_rows, rows) for start in starts]
    return tuple(
        Tile(slice(start, stop), slice(max(start - halo, 0), min(stop + halo, rows)))
        for start, stop in zip(starts, stops, strict=True)
    )


def tile_sizes(footprint: Footprint, backend: ConvolutionBackend) -> list[int]:
    """List the rows that tiles on a backend may have, largest first, each half of the one before.

    Parameters
    ----------
    footprint : Footprint
        What the work takes.
    backend : ConvolutionBackend
        Where it shall run.

    Returns
    -------
    list of int
        Empty if by the estimate not even the smallest tile fits. The host's memory can be
        swapped: backends of NumPy arrays try the smallest in any case.

    Raises
    ------
    ValueError
        If ``PHOS_MEMORY_LIMIT`` is set and no positive whole number of bytes.
    """
    sizes = [footprint.rows]
    while sizes[-1] > footprint.least_rows:
        sizes.append(max(footprint.least_rows, math.ceil(sizes[-1] / 2)))
    limits = _Limits.of(backend)
    if not limits.allow(footprint, footprint.rows):
        attempt(backend.release, f"release of {backend.name}")  # what it keeps may be missing
        limits = _Limits.of(backend)
    fitting = [size for size in sizes if limits.allow(footprint, size)]
    if not fitting and array_api_compat.is_numpy_namespace(backend.xp):
        return sizes[-1:]
    return fitting


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a backend can hold; infinite where nothing is known."""

    total_bytes: float
    array_bytes: float
    array_elements: float

    @classmethod
    def of(cls, backend: ConvolutionBackend) -> "_Limits":
        memory = attempt(backend.memory, f"memory of {backend.name}")
        free_bytes = None if isinstance(memory, Trouble) else memory.free_bytes
        totals = (
            math.inf if free_bytes is None else FREE_SHARE * free_bytes,
            _attribute(backend, "memory_limit_bytes"),
            _environment_limit(),
        )
        return cls(
            min(totals),
            _attribute(backend, "max_array_bytes"),
            _attribute(backend, "max_elements"),
        )

    def allow(self, footprint: Footprint, tile_rows: int) -> bool:
        elements = footprint.array_elements(tile_rows)
        return (
            footprint.needed_bytes(tile_rows) <= self.total_bytes
            and elements < self.array_elements
            and 4 * elements < self.array_bytes
        )


def _attribute(backend: ConvolutionBackend, name: str) -> float:
    """Return a limit that `BackendBase` has, and a backend without that base may lack."""
    limit = getattr(backend, name, None)
    return math.inf if limit is None else float(limit)


def _environment_limit() -> float:
    text = os.environ.get("PHOS_MEMORY_LIMIT", "").strip()
    if not text:
        return math.inf
    if not (text.isdecimal() and int(text) > 0):
        raise ValueError(f"PHOS_MEMORY_LIMIT must be a whole number of bytes, got {text!r}")
    return float(int(text))
