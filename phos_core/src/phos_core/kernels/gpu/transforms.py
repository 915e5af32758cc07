"""Convolution on an NVIDIA GPU by the kernels of `fourier_source`, and what they keep."""

import math
import struct
import threading
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.boundary import Boundary, source_index
from phos_core.convolution.methods.cpu import SINGLE_RANGE
from phos_core.convolution.methods.tables import TableCache, transfer_table
from phos_core.kernels.gpu import fourier_source
from phos_core.kernels.gpu.library import CudaKernel, CudaLaunch, CudaLibrary
from phos_core.psf import PSF

__all__ = ["Transforms", "pixel_index"]

SPARSE = 16  # the median is that of every so manieth row and column
MOST_COLUMNS = 4  # complex numbers side by side: 32 bytes, what the memory gives at a time
RANGE_THREADS = 1024
MOST_THREADS = 1024
HELD_CALLS = 8  # more convolutions than a picture has, at whose end a thread waits
ARRAYS = struct.Struct("5Q")  # of `fourier_source`'s arguments, those that each call brings
PLANES = struct.Struct("2i")  # their end likewise


@dataclass(frozen=True, eq=False)
class TransformPlan:
    """What the convolution of planes of one size with a PSF of one reach needs.

    Parameters
    ----------
    height, width : int
        Lengths of the transforms.
    kept : sequence of array
        Keeps alive what `arguments` points to.
    arguments : bytes
        Of the kernels, but for what a call brings.
    nbytes : int
        Size of what is kept.
    """

    height: int
    width: int
    kept: tuple[Array, ...]
    arguments: bytes
    nbytes: int


@dataclass(frozen=True, eq=False)
class TransferTables:
    """Transfer functions on the device, in the transforms' order."""

    array: Array
    is_real: bool
    nbytes: int


class Transforms:
    """Convolves planes by transforms of our own, and keeps what they need from call to call.

    Parameters
    ----------
    library : CudaLibrary
        Compiles and starts the kernels.
    kept : TableCache
        Keeps plans and transfer functions.
    """

    def __init__(self, library: CudaLibrary, kept: TableCache[Any]) -> None:
        self._library = library
        self._kept = kept
        self._held = threading.local()
        self._kernels = lru_cache(maxsize=256)(self._make_kernels)
        self._launches = lru_cache(maxsize=256)(self._make_launches)

    def plan_of(
        self, shape: tuple[int, int], reach: tuple[int, int], boundary: Boundary
    ) -> TransformPlan | None:
        """Give the plan for planes of a size; None where no block holds a transform of it."""
        plan: TransformPlan = self._kept.get(
            ("plan", shape, reach, boundary), lambda: self._make_plan(shape, reach, boundary)
        )
        shared = self._library.shared_bytes
        return plan if plan.height * 2 * 8 <= shared >= plan.width * 2 * 8 else None

    def convolve(self, plan: TransformPlan, planes: Array, psfs: tuple[PSF, ...]) -> Array:
        """Convolve planes; those of great range once more, in double precision.

        Parameters
        ----------
        plan : TransformPlan
            Of the planes' size and the PSFs' reach.
        planes : array of float32, shape (n, rows, cols)
            In one piece.
        psfs : tuple of PSF
            One for all planes, or as many as divide their number.

        Returns
        -------
        array of float32, shape (n, rows, cols)
            The planes' convolutions.

        Notes
        -----
        Whether a plane's peak is over 2000 times its median is known on the device alone, and
        decided there: the kernels in double precision are started in any case and end at once where
        it is not.
        """
        library = self._library
        count, rows, _ = planes.shape
        tables: TransferTables = self._kept.get(
            ("tables", psfs, plan.height, plan.width), lambda: self._make_tables(psfs, plan)
        )
        self._hold(plan, tables)
        out = library.empty(tuple(planes.shape), np.float32)
        pitch = fourier_source.row_pitch(plan.width)
        middle = library.empty((count * rows * pitch,), np.complex128)
        states = library.zeros((2, count), np.int32)
        arguments = bytearray(plan.arguments)
        addresses = map(library.address, (planes, out, middle, tables.array, states))
        ARRAYS.pack_into(arguments, 0, *addresses)
        PLANES.pack_into(arguments, len(arguments) - PLANES.size, count, count // len(psfs))
        library.start(self._launches(plan, rows, count, tables.is_real), arguments)
        return out

    def _hold(self, *used: object) -> None:
        """Keep alive what kernels of this thread still read, should the cache forget it."""
        self._held.__dict__.setdefault("last", deque(maxlen=HELD_CALLS)).append(used)

    def _make_plan(
        self, shape: tuple[int, int], reach: tuple[int, int], boundary: Boundary
    ) -> TransformPlan:
        (rows, cols), (ry, rx) = shape, reach
        half = math.ceil(cols / 2)
        used_rows, used_cols = rows + 2 * ry, half + 2 * rx
        height = fourier_source.fast_length(used_rows)
        width = fourier_source.fast_length(used_cols)
        indices = (
            pixel_index(cols, rx, width, used_cols, boundary),
            pixel_index(cols, rx - half, width, used_cols, boundary),
            pixel_index(rows, ry, height, used_rows, boundary),
        )
        factors = [
            fourier_source.twiddles(length).astype(dtype)
            for dtype in (np.complex64, np.complex128)
            for length in (width, height)
        ]
        numbers = (*indices, *factors)
        kept = tuple(self._library.upload(some) for some in numbers)
        addresses = [self._library.address(array) for array in kept]
        own = struct.pack(f"{len(addresses)}Q5i", *addresses, rows, cols, ry, rx, half)
        return TransformPlan(
            height=height,
            width=width,
            kept=kept,
            arguments=bytes(ARRAYS.size) + own + bytes(PLANES.size),
            nbytes=sum(some.nbytes for some in numbers),
        )

    def _make_tables(self, psfs: tuple[PSF, ...], plan: TransformPlan) -> TransferTables:
        """Transfer functions in the transforms' order, divided by their length."""
        fy, fx = (
            np.fft.fftfreq(length)[fourier_source.frequency_order(length)]
            for length in (plan.height, plan.width)
        )
        tables = np.stack([transfer_table(psf, fy, fx) for psf in psfs])
        tables *= 1.0 / (plan.height * plan.width)
        beside = fourier_source.row_pitch(plan.width) - plan.width
        padded = np.pad(tables, ((0, 0), (0, 0), (0, beside)))
        is_real = tables.dtype == np.float32
        return TransferTables(self._library.upload(padded), is_real, padded.nbytes)

    def _make_launches(
        self, plan: TransformPlan, rows: int, planes: int, even: bool
    ) -> list[CudaLaunch]:
        """Kernels in their order, in single precision and in double."""
        size = (plan.height, plan.width)
        kernels = (*self._kernels(*size, even, False), *self._kernels(*size, even, True))
        return [
            CudaLaunch(kernel, (blocks or rows, planes, 1), threads, shared)
            for kernel, blocks, threads, shared in kernels
        ]

    def _make_kernels(
        self, height: int, width: int, even: bool, double: bool
    ) -> list[tuple[CudaKernel, int, int, int]]:
        """Kernels, each with its blocks (0: one for a row), threads and shared memory."""
        number = 16 if double else 8
        columns = MOST_COLUMNS
        while columns > 1 and columns * height * number > self._library.shared_bytes // 2:
            columns //= 2
        code = fourier_source.source(
            height=height, width=width, columns=columns, even=even, double=double
        )
        row_threads = _threads(width // max(fourier_source.radices(width)))
        column_threads = _threads(columns * height // max(fourier_source.radices(height)))
        wanted = [
            ("rows", 0, row_threads, width * number),
            ("columns", math.ceil(width / columns), column_threads, columns * height * number),
            ("back_rows", 0, row_threads, width * number),
        ]
        if not double:
            code += fourier_source.find_range(step=SPARSE, ratio=SINGLE_RANGE)
            wanted.append(("find_range", 1, RANGE_THREADS, 0))
        source = fourier_source.ON_DEVICE + code
        compiled = self._library.compile(source, {}, [name for name, *_ in wanted])
        kernels = []
        for kernel, (_, blocks, threads, shared) in zip(compiled, wanted, strict=True):
            kernel.allow_shared(shared)
            kernels.append((kernel, blocks, min(threads, kernel.most_threads), shared))
        return kernels


def pixel_index(
    size: int, before: int, length: int, used: int, boundary: Boundary
) -> npt.NDArray[np.int32]:
    """Say which pixel each place of a continued axis takes; -1 for none.

    Parameters
    ----------
    size : int
        Pixels of the axis.
    before : int
        Places in front of the first; negative: so many pixels are left out.
    length, used : int
        Places in all, and those of them, from the first, that count.
    boundary : Boundary
        What lies beyond the edges.

    Returns
    -------
    ndarray of int32, shape (length,)
        Indices.
    """
    if boundary == "zero":
        index = np.arange(length) - before
        index[(index < 0) | (index >= size)] = -1
    else:
        index = source_index(size, before, length, boundary)
    index[used:] = -1
    return index.astype(np.int32)


def _threads(wanted: int) -> int:
    """Whole warps, as many as there is work for."""
    return min(32 * math.ceil(wanted / 32), MOST_THREADS)
