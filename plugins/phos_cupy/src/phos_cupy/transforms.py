"""Convolution on the device by the kernels of `fourier`: what they need, kept from call to call."""

import math
import struct
import threading
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cupy
import numpy as np
import numpy.typing as npt

from phos_core.backend import (
    PSF,
    SINGLE_RANGE,
    Array,
    Boundary,
    TableCache,
    fourier_source,
    source_index,
    transfer_table,
)

__all__ = ["OPTIONS", "convolve", "handed_over", "pixel_index", "plan_of", "uploaded"]

OPTIONS = ("--std=c++17",)
SPARSE = 16  # the median is that of every so manieth row and column
MOST_COLUMNS = 4  # complex numbers side by side: 32 bytes, what the memory gives at a time
RANGE_THREADS = 1024
MOST_THREADS = 1024
HELD_CALLS = 8  # more convolutions than a picture has, at whose end a thread waits
_HELD = threading.local()
ARRAYS = struct.Struct("5Q")  # of `fourier`'s arguments, those that each call brings
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


def plan_of(
    shape: tuple[int, int],
    reach: tuple[int, int],
    boundary: Boundary,
    kept: TableCache[Any],
) -> TransformPlan | None:
    """Give the plan for planes of a size; None where no block holds a transform of it."""
    plan: TransformPlan = kept.get(
        ("plan", shape, reach, boundary), lambda: _make_plan(shape, reach, boundary)
    )
    return plan if plan.height * 2 * 8 <= _shared_bytes() >= plan.width * 2 * 8 else None


def convolve(
    plan: TransformPlan, planes: Array, psfs: tuple[PSF, ...], kept: TableCache[Any]
) -> Array:
    """Convolve planes; those of great range once more, in double precision.

    Parameters
    ----------
    plan : TransformPlan
        Of the planes' size and the PSFs' reach.
    planes : array of float32, shape (n, rows, cols)
        In one piece.
    psfs : tuple of PSF
        One for all planes, or as many as divide their number.
    kept : TableCache
        Keeps the transfer functions.

    Returns
    -------
    array of float32, shape (n, rows, cols)
        The planes' convolutions.

    Notes
    -----
    Whether a plane's peak is over 2000 times its median is known on the device alone, and decided
    there: the kernels in double precision are started in any case and end at once where it is not.
    """
    count, rows, _ = planes.shape
    table = kept.get((psfs, plan.height, plan.width), lambda: _make_table(psfs, plan))
    _hold(plan, table)
    even = table.dtype == cupy.float32
    out = cupy.empty(planes.shape, cupy.float32)
    middle = cupy.empty(count * rows * fourier_source.row_pitch(plan.width), cupy.complex128)
    states = cupy.zeros((2, count), cupy.int32)
    arguments = bytearray(plan.arguments)
    pointers = [array.data.ptr for array in (planes, out, middle, table, states)]
    ARRAYS.pack_into(arguments, 0, *pointers)
    PLANES.pack_into(arguments, len(arguments) - PLANES.size, count, count // len(psfs))
    handed = (handed_over(arguments),)
    for kernel, blocks, threads, shared in _launches(plan.height, plan.width, even):
        kernel((blocks or rows, count), (threads,), handed, shared_mem=shared)
    return out


def _hold(*used: object) -> None:
    """Keep alive what kernels of this thread still read, should the cache forget it."""
    _HELD.__dict__.setdefault("last", deque(maxlen=HELD_CALLS)).append(used)


def handed_over(arguments: bytearray) -> npt.NDArray[Any]:
    """The arguments of a kernel, packed as its record is, in the form in which CuPy takes them."""
    return np.frombuffer(arguments, f"V{len(arguments)}").reshape(())


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


def uploaded(numbers: npt.NDArray[Any]) -> Array:
    """Copy numbers to the device, there for every stream once this returns."""
    there = cupy.asarray(numbers)
    cupy.cuda.get_current_stream().synchronize()
    return there


def _make_plan(shape: tuple[int, int], reach: tuple[int, int], boundary: Boundary) -> TransformPlan:
    (rows, cols), (ry, rx) = shape, reach
    half = math.ceil(cols / 2)
    used_rows, used_cols = rows + 2 * ry, half + 2 * rx
    height, width = fourier_source.fast_length(used_rows), fourier_source.fast_length(used_cols)
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
    kept = [uploaded(numbers) for numbers in (*indices, *factors)]
    pointers = [array.data.ptr for array in kept]
    own = struct.pack(f"{len(pointers)}Q5i", *pointers, rows, cols, ry, rx, half)
    return TransformPlan(
        height=height,
        width=width,
        kept=tuple(kept),
        arguments=bytes(ARRAYS.size) + own + bytes(PLANES.size),
        nbytes=sum(array.nbytes for array in kept),
    )


def _make_table(psfs: tuple[PSF, ...], plan: TransformPlan) -> Array:
    """Transfer functions in the transforms' order, divided by their length."""
    fy, fx = (
        np.fft.fftfreq(length)[fourier_source.frequency_order(length)]
        for length in (plan.height, plan.width)
    )
    tables = np.stack([transfer_table(psf, fy, fx) for psf in psfs])
    tables *= 1.0 / (plan.height * plan.width)
    beside = fourier_source.row_pitch(plan.width) - plan.width
    return uploaded(np.pad(tables, ((0, 0), (0, 0), (0, beside))))


@lru_cache(maxsize=256)
def _launches(height: int, width: int, even: bool) -> tuple[tuple[Any, int, int, int], ...]:
    """Kernels in their order, each with its blocks (0: one for a row), threads and memory."""
    single = _kernels(height, width, even=even, double=False)
    double = _kernels(height, width, even=even, double=True)
    return (*single, *double)


def _kernels(
    height: int, width: int, *, even: bool, double: bool
) -> list[tuple[Any, int, int, int]]:
    number = 16 if double else 8
    columns = MOST_COLUMNS
    while columns > 1 and columns * height * number > _shared_bytes() // 2:
        columns //= 2
    code = fourier_source.source(
        height=height, width=width, columns=columns, even=even, double=double
    )
    if not double:
        code += fourier_source.find_range(step=SPARSE, ratio=SINGLE_RANGE)
    module = cupy.RawModule(code=fourier_source.ON_DEVICE + code, options=OPTIONS)
    row_threads = _threads(width // max(fourier_source.radices(width)))
    column_threads = _threads(columns * height // max(fourier_source.radices(height)))
    wanted = [
        ("rows", 0, row_threads, width * number),
        ("columns", math.ceil(width / columns), column_threads, columns * height * number),
        ("back_rows", 0, row_threads, width * number),
    ]
    if not double:
        wanted.append(("find_range", 1, RANGE_THREADS, 0))
    kernels = []
    for name, blocks, threads, shared in wanted:
        kernel = module.get_function(name)
        kernel.max_dynamic_shared_size_bytes = shared
        most = int(kernel.max_threads_per_block)  # as its registers allow
        kernels.append((kernel, blocks, min(threads, most), shared))
    return kernels


def _threads(wanted: int) -> int:
    """Whole warps, as many as there is work for."""
    return min(32 * math.ceil(wanted / 32), MOST_THREADS)


@lru_cache(maxsize=1)
def _shared_bytes() -> int:
    """Shared memory that a block may have."""
    return int(cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"])
