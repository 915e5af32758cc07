"""Develop and convolve dask arrays: each chunk with as much around it as acts on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, Unpack

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.array.overlap import ensure_minimum_chunksize, overlap

import phos_core as phos
from phos_core.convolution import check_shape, checked_psfs
from phos_core.process import (
    NOT_GIVEN,
    Settings,
    WholePicture,
    check_form,
    develop_window,
    one_recipe,
)
from phos_core.psf import PSF

__all__ = ["convolve", "develop"]


def develop(
    array: da.Array,
    film: str | Path | phos.Film = NOT_GIVEN,
    *,
    recipe: phos.Recipe | None = None,
    backend: str | None = None,
    seed: int = NOT_GIVEN,
    strict: bool = False,
    **settings: Unpack[Settings],
) -> da.Array:
    """Develop a picture on film, lazily, chunk by chunk.

    Parameters
    ----------
    array : dask.array, shape (rows, cols) or (rows, cols, 3)
        The picture, uint8, uint16, float16, float32 or float64, in any chunks of known size.
    film, recipe, seed, **settings
        As for `phos_core.develop`. All are checked now; a film's file is read now and travels
        with the chunks.
    backend : str, optional
        Where each chunk is computed: a name, looked for where the chunk is; by default the best
        that is there.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails.

    Returns
    -------
    dask.array, of the shape of `array`, and of the dtype that `phos_core.develop` gives
        The positive. Its chunks are those of `array`; where they are smaller than the film
        reaches they are joined, and all channels are in one chunk.

    Raises
    ------
    TypeError, ValueError, UnknownFilmError
        If the array or a setting is wrong: now. Floats that are not finite, or more than 1e-3
        outside 0 to 1 where they are sRGB-encoded, are found when they are computed.

    Notes
    -----
    A pixel depends on what lies within the film's reach, so each chunk is developed with so much
    around it. Grain belongs to the place in the picture, so it is the same in any chunks.
    `auto_balance` reads every so many rows and columns of the whole picture before the first
    chunk is printed.
    """
    asked = one_recipe(recipe, film=film, seed=seed, **settings)
    _check_chunks(array)
    check_form("array", array)
    dtype = asked.space.dtype_of(array.dtype)
    if 0 in array.shape:
        asked.load_film()
        return array.astype(dtype)
    picture = WholePicture.of(array.shape[:2], asked)
    reading = _read_beyond(array, (picture.reach_px, picture.reach_px))
    return da.map_blocks(
        _develop_chunk,
        reading.array,
        picture=_balanced(array, picture) if asked.auto_balance else picture,
        backend=backend,
        strict=strict,
        chunks=reading.chunks,
        meta=array._meta.astype(dtype),
    )


def convolve(
    array: da.Array,
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike],
    *,
    boundary: str = "symmetric",
    backend: str | None = None,
    method: str = "auto",
    strict: bool = False,
) -> da.Array:
    """Convolve an image with a point-spread function, lazily, chunk by chunk.

    Parameters
    ----------
    array : dask.array, shape (rows, cols) or (rows, cols, channels)
        Real numbers of any dtype, in any chunks of known size.
    psf, boundary, method
        As for `phos_core.convolve`; the boundary is that of the whole image. Checked now.
    backend : str, optional
        Where each chunk is computed: a name, looked for where the chunk is; by default the best
        that is there.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails.

    Returns
    -------
    dask.array
        Shape of `array`; float64 if `array` is, else float32. Its chunks are those of `array`;
        where they are smaller than the PSF's radius they are joined, and all channels are in
        one chunk.

    Raises
    ------
    TypeError, ValueError
        If the array, the PSF, the boundary or the method are wrong: now. Numbers that are not
        finite are found when they are computed.

    Notes
    -----
    To 1e-5 of the image's peak times the PSF's sum of absolute values, as `phos_core.convolve`.
    """
    _check_image(array)
    psfs = checked_psfs(psf, array.shape)
    nothing = np.empty((0, 0, *array.shape[2:]), array.dtype)
    dtype = phos.convolve(nothing, psfs, boundary=boundary, method=method).dtype
    if 0 in array.shape:
        return array.astype(dtype)
    each = [psfs] if isinstance(psfs, PSF) else psfs
    radii = (max(one.radius[0] for one in each), max(one.radius[1] for one in each))
    reading = _read_beyond(array, radii, wraps=boundary == "wrap")
    return da.map_blocks(
        _convolve_chunk,
        reading.array,
        psf=dask.delayed(psfs, pure=True),  # goes to each worker once, not with each chunk
        boundary=boundary,
        margin=reading.margin,
        backend=backend,
        method=method,
        strict=strict,
        chunks=reading.chunks,
        meta=array._meta.astype(dtype),
    )


@dataclass(frozen=True, slots=True)
class _Margin:
    """What a chunk reads beyond itself: so many rows and columns, at the picture's edges or not."""

    rows: int
    cols: int
    wraps: bool

    def before(self, start: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns that are read before a chunk that starts there."""
        if self.wraps:
            return self.rows, self.cols
        return min(self.rows, start[0]), min(self.cols, start[1])


@dataclass(frozen=True, slots=True)
class _Reading:
    """What there is to read for each chunk, and the chunks that come of it."""

    array: da.Array
    chunks: tuple[tuple[int, ...], ...]
    margin: _Margin


def _read_beyond(array: da.Array, reach: tuple[int, int], *, wraps: bool = False) -> _Reading:
    """Give each chunk what lies within reach of it.

    An axis that is one chunk gets nothing: its edges are the picture's own.
    """
    rows, cols = (_joined(array.chunks[axis], reach[axis]) for axis in (0, 1))
    chunks = (rows, cols, *((size,) for size in array.shape[2:]))
    margin = _Margin(reach[0] * (len(rows) > 1), reach[1] * (len(cols) > 1), wraps)
    depth = {0: margin.rows, 1: margin.cols}
    edges = dict.fromkeys(depth, "periodic" if wraps else "none")
    return _Reading(overlap(array.rechunk(chunks), depth, edges), chunks, margin)


def _joined(sizes: tuple[int, ...], reach: int) -> tuple[int, ...]:
    """Chunks of an axis, those smaller than the reach joined with their neighbours."""
    if reach >= sum(sizes):
        return (sum(sizes),)
    return tuple(ensure_minimum_chunksize(max(reach, 1), sizes))


def _develop_chunk(
    reading: npt.NDArray[Any],
    *,
    picture: WholePicture,
    backend: str | None,
    strict: bool,
    block_info: Any,
) -> npt.NDArray[Any]:
    """Develop a chunk of a picture."""
    (top, left), (rows, cols) = _place(block_info)
    window = slice(top, top + rows), slice(left, left + cols)
    positive: npt.NDArray[Any] = develop_window(
        picture, window, reading, backend=backend, strict=strict
    )
    return positive


def _convolve_chunk(
    reading: npt.NDArray[Any],
    *,
    psf: PSF | list[PSF],
    boundary: str,
    margin: _Margin,
    backend: str | None,
    method: str,
    strict: bool,
    block_info: Any,
) -> npt.NDArray[Any]:
    """Convolve a chunk and its surroundings; keep the chunk."""
    start, size = _place(block_info)
    convolved = phos.convolve(
        reading, psf, boundary=boundary, backend=backend, method=method, strict=strict
    )
    return _kept(convolved, margin.before(start), size)


def _place(block_info: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a chunk of the result starts, and its size."""
    (top, _), (left, _) = block_info[None]["array-location"][:2]
    rows, cols = block_info[None]["chunk-shape"][:2]
    return (top, left), (rows, cols)


def _kept(
    read: npt.NDArray[Any], before: tuple[int, int], size: tuple[int, int]
) -> npt.NDArray[Any]:
    """The chunk without its surroundings, which would else be held as long as it."""
    (top, left), (rows, cols) = before, size
    if read.shape[:2] == size:
        return read
    return read[top : top + rows, left : left + cols].copy()


def _balanced(array: da.Array, picture: WholePicture) -> Any:
    """The picture with its print balanced on the whole of it, lazily."""
    measured = array[picture.measured].rechunk(-1)
    return dask.delayed(WholePicture.balanced, pure=True)(picture, measured)


def _check_image(array: Any) -> None:
    """Raise an error that explains unless this can be convolved."""
    _check_chunks(array)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"array must be of shape (rows, cols) or (rows, cols, channels), got {array.shape}"
        )
    check_shape(array.shape)


def _check_chunks(array: Any) -> None:
    if not isinstance(array, da.Array):
        raise TypeError(
            f"array must be a dask.array, got {type(array).__name__}; "
            "phos_core takes NumPy arrays, dask.array.from_array makes one of them"
        )
    if any(isnan(size) for size in array.shape):
        raise ValueError(
            f"array must have chunks of known size, got {array.shape}; "
            "array.compute_chunk_sizes() finds them"
        )
