"""Narrow banded matrices in blocks of one size, multiplied by many at a time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phos_core.convolution.methods.banded import product, rows_of

__all__ = ["Band", "Group", "in_blocks"]

FloatArray: TypeAlias = npt.NDArray[np.float64]
Piece: TypeAlias = tuple[slice, slice, npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Band:
    """A banded matrix in blocks of one size, their windows evenly spaced.

    Parameters
    ----------
    size : int
        Entries of the result.
    first, step : int
        Entry that the first block's window begins at, maybe before the first there is, and
        entries from window to window.
    blocks : ndarray of float32, shape (n, h, k)
        Block i gives the entries from i h on, from those of a window of k; 0 where there is none.
    transposed : ndarray of float32, shape (n, k, h)
        The same blocks, for products from the right.

    Notes
    -----
    With h = 2, k = 4, `first` = -1 and `step` = 3 the matrix, its rows the entries of the result
    and its columns those that it is made from, is::

                  -1  0  1  2  3  4  5  6  7  8
        entry 0    x  x  x  x                       block 0
        entry 1    x  x  x  x
        entry 2             x  x  x  x              block 1
        entry 3             x  x  x  x
        entry 4                      x  x  x  x     block 2
        entry 5                      x  x  x  x

    Where there is no entry -1, or none beyond 6, the window is cut off there (`pieces`). Blocks
    whose windows are whole are multiplied by in one call (`Group`): here block 1 alone, on a large
    axis all but the first and the last.
    """

    size: int
    first: int
    step: int
    blocks: npt.NDArray[np.float32]
    transposed: npt.NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks."""
        return self.blocks.nbytes + self.transposed.nbytes

    @property
    def whole(self) -> int:
        """Entries that the blocks give, those beyond the last that there is included."""
        return len(self.blocks) * len(self.blocks[0])

    def span(self, size: int) -> tuple[int, int]:
        """Give the entries that the windows need before the first of `size`, and in all."""
        count, _, width = self.blocks.shape
        before = max(-self.first, 0)
        last = self.first + (count - 1) * self.step + width
        return before, before + max(last, size)

    def pieces(self, size: int) -> Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]:
        """Go through the blocks: entries given, entries needed of `size`, and the matrix."""
        for number, block in enumerate(self.blocks):
            start, first = number * len(block), self.first + number * self.step
            stop = min(start + len(block), self.size)
            if start >= stop:
                return
            needs = slice(max(first, 0), min(first + block.shape[1], size))
            used = block[: stop - start, needs.start - first : needs.stop - first]
            yield slice(start, stop), needs, used

    def groups(self, size: int, most: int) -> Iterator["Group"]:
        """Go through the blocks, up to so many at once where all of their windows are there."""
        group: list[Piece] = []
        for piece in self.pieces(size):
            is_whole = piece[2].shape == self.blocks.shape[1:]
            if group and not (is_whole and len(group) < most):
                yield self._together(group)
                group = []
            group.append(piece)
            if not is_whole:
                yield self._together(group)
                group = []
        if group:
            yield self._together(group)

    def _together(self, pieces: list["Piece"]) -> "Group":
        """Join neighbouring pieces, which are whole if there are several."""
        (first, needs, block), (last, also_needs, _) = pieces[0], pieces[-1]
        number = first.start // self.blocks.shape[1]
        blocks = self.blocks[number : number + len(pieces)] if len(pieces) > 1 else block[None]
        gives = slice(first.start, last.stop)
        return Group(self, gives, slice(needs.start, also_needs.stop), blocks)

    def runs(self, size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Give the matrix row by row.

        Parameters
        ----------
        size : int
            Entries that there are for the windows.

        Returns
        -------
        tuple of (ndarray of int64, shape (n,), and ndarray of float32, shape (n, k))
            For each entry of the result the first that it is made from, and the weights of that
            and of those after it: as many as the longest run needs.
        """
        count, height, width = self.blocks.shape
        weights = self.blocks.reshape(-1, width)[: self.size]
        window = np.repeat(self.first + self.step * np.arange(count), height)[: self.size]
        used = weights != 0.0
        begin = used.argmax(axis=1)
        length = int((width - used[:, ::-1].argmax(axis=1) - begin).max())
        starts = np.clip(window + begin, 0, size - length)
        padded = np.pad(weights, ((0, 0), (length, length)))
        places = (starts - window)[:, None] + length + np.arange(length)
        return starts, np.take_along_axis(padded, places, axis=1)


@dataclass(frozen=True, eq=False)
class Group:
    """Neighbouring blocks of a banded matrix, multiplied by in one call.

    Parameters
    ----------
    band : Band
        The whole matrix.
    gives, needs : slice
        Entries given, and entries needed for them.
    blocks : ndarray of float32, shape (n, h, k)
        The blocks.
    """

    band: Band
    gives: slice
    needs: slice
    blocks: npt.NDArray[np.float32]

    def multiply(self, matrix: npt.NDArray[Any], out: npt.NDArray[np.float32]) -> None:
        """Multiply a whole matrix's rows, as long as those of `out`, which takes what is given."""
        count, height, width = self.blocks.shape
        windows = rows_of(matrix[self.needs, : out.shape[1]], count, self.band.step, width)
        product(self.blocks, windows, rows_of(out, count, height, height))


def in_blocks(
    size: int,
    ways: list[tuple[int, int]],
    needs: Callable[[npt.NDArray[Any]], tuple[FloatArray, float]],
    weights: Callable[[npt.NDArray[Any], npt.NDArray[Any]], FloatArray],
) -> Band:
    """Cut a banded matrix into blocks, by the way that takes the fewest multiplications.

    A way gives entries and step of a block; `needs` the centre and the reach of what makes an
    entry; `weights` part of the matrix.
    """

    def windows(height: int, step: int) -> tuple[int, int, int]:
        """Count of the blocks, where the first begins, and the width that holds all of them."""
        count = -(-size // height)
        starts = np.arange(count) * height
        (lows, reach), (highs, _) = needs(starts), needs(starts + height - 1)
        drift = np.arange(count) * step
        first = math.floor((lows - reach - drift).min())
        return count, first, math.ceil((highs + reach - drift).max()) + 1 - first

    def multiplications(way: tuple[int, int]) -> int:
        count, _, width = windows(*way)
        return count * way[0] * width

    height, step = min(ways, key=multiplications)
    count, first, width = windows(height, step)
    blocks = np.zeros((count, height, width), np.float32)
    for number, block in enumerate(blocks):
        entries = np.arange(number * height, min((number + 1) * height, size))
        block[: len(entries)] = weights(entries, first + number * step + np.arange(width))
    return Band(size, first, step, blocks, np.ascontiguousarray(blocks.swapaxes(1, 2)))
