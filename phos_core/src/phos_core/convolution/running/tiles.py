"""Tiles: parts of a picture that are held at a time, how large they may be, and their runner."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TypeVar

import array_api_compat

from phos_core.convolution.choosing.guarded import Trouble, attempt
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.environment import positive_whole
from phos_core.convolution.optional import limits_of, memory_of, release

__all__ = [
    "Footprint",
    "Tile",
    "Window",
    "cut",
    "make_room",
    "memory_limit",
    "run",
    "tile_sizes",
]

T = TypeVar("T")

Window = tuple[slice, slice]
"""Rows and columns of a picture."""

LEAST_ROWS = 16  # of a tile, its surroundings not counted
FREE_SHARE = 0.9  # of the free memory: the rest is for what the library itself needs
WORKSPACE_BYTES = 20  # a continued pixel: itself, its spectrum, the product, the way back


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture that is computed at once.

    Parameters
    ----------
    rows, cols : slice
        What the tile gives.
    read_rows, read_cols : slice
        What it needs for that.
    """

    rows: slice
    cols: slice
    read_rows: slice
    read_cols: slice

    @classmethod
    def reading(cls, window: Window, reach: int, shape: tuple[int, int]) -> "Tile":
        """Give a window, and read what lies within a reach of it, as far as the picture goes."""
        rows, cols = (
            slice(max(part.start - reach, 0), min(part.stop + reach, size))
            for part, size in zip(window, shape, strict=True)
        )
        return cls(*window, rows, cols)

    @property
    def inner(self) -> Window:
        """Where what the tile gives lies in what is read."""
        return _within(self.rows, self.read_rows), _within(self.cols, self.read_cols)


def _within(inner: slice, outer: slice) -> slice:
    return slice(inner.start - outer.start, inner.stop - outer.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a piece of work takes on a device, by the rows of tiles of the full width.

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


def cut(shape: tuple[int, int], tile_shape: tuple[int, int], halo: int) -> tuple[Tile, ...]:
    """Cut a picture into tiles.

    Parameters
    ----------
    shape : tuple of (int, int)
        Rows and columns of the picture.
    tile_shape : tuple of (int, int)
        Rows and columns that a tile gives; the last ones may give fewer.
    halo : int
        How far what acts on a tile lies from it.

    Returns
    -------
    tuple of Tile
        Row by row. At the picture's own edges a tile ends as the picture does.
    """
    rows, cols = (_parts(size, step) for size, step in zip(shape, tile_shape, strict=True))
    return tuple(Tile.reading(window, halo, shape) for window in product(rows, cols))


def _parts(size: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, size)) for start in range(0, size, max(step, 1))]


def run(
    tiles: Iterable[Tile], read: Callable[[Tile], T], work: Callable[[Tile, T], object]
) -> None:
    """Go through tiles, one in memory at a time.

    Parameters
    ----------
    tiles : iterable of Tile
        The tiles.
    read : callable
        ``read(tile)``: the pixels that it needs.
    work : callable
        ``work(tile, pixels)``: computes the tile and puts it where it belongs.
    """
    for tile in tiles:
        work(tile, read(tile))


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
    fitting = [size for size in sizes if limits.allow(footprint, size)]
    if not fitting and array_api_compat.is_numpy_namespace(backend.xp):
        return sizes[-1:]
    return fitting


def make_room(footprint: Footprint, backend: ConvolutionBackend) -> bool:
    """Let a backend give back what it keeps, if work does not fit whole beside it.

    Parameters
    ----------
    footprint : Footprint
        What the work takes.
    backend : ConvolutionBackend
        Where it shall run.

    Returns
    -------
    bool
        Whether it now fits whole.
    """
    if _Limits.of(backend).allow(footprint, footprint.rows):
        return True
    attempt(partial(release, backend), f"release of {backend.name}")
    return _Limits.of(backend).allow(footprint, footprint.rows)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a backend can hold; infinite where nothing is known."""

    total_bytes: float
    array_bytes: float
    array_elements: float

    @classmethod
    def of(cls, backend: ConvolutionBackend) -> "_Limits":
        memory = attempt(partial(memory_of, backend), f"memory of {backend.name}")
        limits = limits_of(backend)
        free_bytes = None if isinstance(memory, Trouble) else memory.free_bytes
        totals = (
            math.inf if free_bytes is None else FREE_SHARE * free_bytes,
            _or_infinite(limits.memory_bytes),
            memory_limit(),
        )
        return cls(
            min(totals),
            _or_infinite(limits.max_array_bytes),
            _or_infinite(limits.max_elements),
        )

    def allow(self, footprint: Footprint, tile_rows: int) -> bool:
        elements = footprint.array_elements(tile_rows)
        return (
            footprint.needed_bytes(tile_rows) <= self.total_bytes
            and elements < self.array_elements
            and 4 * elements < self.array_bytes
        )


def _or_infinite(limit: int | None) -> float:
    return math.inf if limit is None else float(limit)


def memory_limit() -> float:
    """Give the bytes that ``PHOS_MEMORY_LIMIT`` allows; infinite if it is not set.

    Raises
    ------
    ValueError
        If it is set and no positive whole number.
    """
    return _or_infinite(positive_whole("PHOS_MEMORY_LIMIT", "bytes"))
