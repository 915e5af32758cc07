"""Run convolutions and pointwise work on a backend, from checked input to finished output."""

import math
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any, cast

import array_api_compat
import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.boundary import check_boundary
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.cpu import thread_pool
from phos_core.convolution.selection import select
from phos_core.psf import PSF, as_psf

__all__ = ["by_rows", "convolve"]

STRIP_NUMBERS = 2**19  # in all arrays together: fits the cache, and calls are few
MOST_CHANNELS = 4  # only an image whose first axis alone is this short may be planar
SAFE_EXPONENT = 64  # peaks beyond 2**64 or below 2**-64 are scaled for single precision


def convolve(
    image: npt.ArrayLike,
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike],
    *,
    backend: str | ConvolutionBackend | None = None,
    boundary: str = "symmetric",
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Convolve an image with a point-spread function.

    Parameters
    ----------
    image : array_like, shape (rows, cols) or (rows, cols, channels)
        Real numbers of any dtype, stride and byte order; not changed.
    psf : PSF, array_like of shape (odd, odd), or a list of them
        One for all channels, or a list with one per channel. Not normalised.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend` or ``PHOS_BACKEND`` name, else the best.
    boundary : {"symmetric", "mirror", "edge", "wrap", "zero"}
        How the image goes on beyond its edges.
    out : ndarray, optional
        Takes the result: the shape of `image` and the dtype below.

    Returns
    -------
    ndarray
        Shape of `image`; float64 if `image` is, else float32. It is `out` if that is given.

    Raises
    ------
    TypeError
        If `image`, `psf` or `out` are of a wrong kind or dtype.
    ValueError
        If a shape, the boundary or a PSF is wrong, or `image` holds NaN or infinity.
    UnknownBackendError, BackendUnavailableError
        If the backend that was named does not exist or cannot run.

    Notes
    -----
    True convolution, the PSF's centre on each pixel: with p the samples about their centre and e
    the image continued beyond its edges,

        out(i, j) = sum over y, x of p(y, x) e(i - y, j - x)

    to 1e-5 of the image's peak times the PSF's sum of absolute values.
    """
    known_boundary = check_boundary(boundary)
    pixels = _checked_image(image)
    dtype = _result_dtype(pixels.dtype)
    psfs = _checked_psfs(psf, pixels)
    _check_out(out, pixels.shape, dtype)
    result = np.empty(pixels.shape, dtype) if out is None else out
    if pixels.size == 0:
        return result
    exponent = _exponent(pixels)
    chosen = select(backend).backend
    planes = chosen.to_device(_planar(pixels, exponent))
    blurred = chosen.convolve(planes, psfs, boundary=known_boundary, accuracy=chosen.accuracy)
    _write(chosen.to_host(blurred), exponent, result)
    return result


def by_rows(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    *arrays: Array,
    out: npt.NDArray[Any] | None = None,
) -> Array:
    """Run a function that works row by row, over strips of rows that stay in the CPU's cache.

    Parameters
    ----------
    backend : ConvolutionBackend
        Whose arrays they are. Other than NumPy's are handed over whole, in one call.
    function : callable
        ``function(*strips, row_start)``: takes a strip of each array, and the index of its first
        row by keyword, and returns the same rows of the result. Each row of the result must
        depend on the same row of the arrays alone. It must not change its arguments, nor convolve
        or call `by_rows` itself: all strips wait for one pool of threads.
    *arrays : array, shape (layers, rows, cols)
        At least one; all with the same number of rows.
    out : ndarray, shape (layers, rows, cols), optional
        Takes the result on the host.

    Returns
    -------
    array, shape (layers, rows, cols)
        `out` if that is given; else a new array where the arrays are.
    """
    if not array_api_compat.is_numpy_namespace(backend.xp):
        whole = function(*arrays, row_start=0)
        if out is None:
            return whole
        np.copyto(out, backend.to_host(whole))
        return out

    def run(strip: slice) -> npt.NDArray[Any]:
        return np.asarray(function(*(array[:, strip] for array in arrays), row_start=strip.start))

    first, *others = _strips(arrays)
    head = run(first)
    if out is None and not others:
        return head
    if out is None:
        out = np.empty((head.shape[0], arrays[0].shape[1], head.shape[2]), head.dtype)
    result = out
    result[:, first] = head

    def fill(strip: slice) -> None:
        result[:, strip] = run(strip)

    jobs = [thread_pool().submit(copy_context().run, fill, strip) for strip in others]
    for job in jobs:
        job.result()
    return result


def _checked_image(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the image as an array, its kind and shape checked."""
    pixels = np.asarray(image)
    if pixels.dtype.kind not in "buif":
        raise TypeError(f"image must hold real numbers, got dtype {pixels.dtype}")
    if pixels.ndim not in (2, 3):
        raise ValueError(
            f"image must have the shape (rows, cols) or (rows, cols, channels), got {pixels.shape}"
        )
    if pixels.ndim == 3 and _looks_planar(pixels.shape):
        raise ValueError(
            f"image must have the shape (rows, cols, channels), got {pixels.shape}, where the "
            "channels seem to come first; numpy.moveaxis(image, 0, -1) puts them last"
        )
    return pixels


def _result_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    double = dtype.kind == "f" and dtype.itemsize >= 8
    return np.dtype(np.float64 if double else np.float32)


def _looks_planar(shape: tuple[int, ...]) -> bool:
    return 0 < shape[0] <= MOST_CHANNELS < min(shape[1:])


def _checked_psfs(
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike], pixels: npt.NDArray[Any]
) -> PSF | list[PSF]:
    """One PSF, or a list with one for each channel."""
    if not (isinstance(psf, (list, tuple)) and _holds_psfs(psf)):
        return as_psf(cast("PSF | npt.ArrayLike", psf))
    listed = [as_psf(entry) for entry in psf]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if len(listed) != channels:
        raise ValueError(
            f"a list of PSFs must hold one per channel: got {len(listed)} "
            f"for an image of shape {pixels.shape}"
        )
    return listed[0] if pixels.ndim == 2 else listed


def _holds_psfs(psf: Sequence[object]) -> bool:
    """Tell a list of PSFs from one PSF written as nested lists of numbers."""
    return all(isinstance(entry, PSF) or np.ndim(cast("Any", entry)) == 2 for entry in psf)


def _check_out(out: npt.NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"out must have the dtype {dtype}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have the shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")


def _exponent(pixels: npt.NDArray[Any]) -> int:
    """Power of two that brings the peak into single precision; 0 where it is there already."""
    peak = max(abs(float(pixels.min())), abs(float(pixels.max())))
    if not math.isfinite(peak):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(pixels))[0])
        raise ValueError(f"image must be finite, got {pixels[first]} at {first}")
    _, exponent = math.frexp(peak)
    return exponent if abs(exponent) > SAFE_EXPONENT else 0


def _planar(pixels: npt.NDArray[Any], exponent: int) -> npt.NDArray[np.float32]:
    """Return the image in planes of native single precision, scaled by a power of two."""
    scaled = np.ldexp(pixels, -exponent) if exponent else pixels
    if scaled.ndim == 2:
        return np.ascontiguousarray(scaled, dtype=np.float32)
    planes = np.empty((scaled.shape[2], *scaled.shape[:2]), np.float32)
    np.copyto(planes, np.moveaxis(scaled, -1, 0), casting="same_kind")
    return planes


def _write(planes: npt.NDArray[Any], exponent: int, result: npt.NDArray[Any]) -> None:
    """Put planes into an image, and undo the scaling."""
    np.copyto(result, planes if result.ndim == 2 else np.moveaxis(planes, 0, -1))
    if exponent:
        np.ldexp(result, exponent, out=result)


def _strips(arrays: Sequence[npt.NDArray[Any]]) -> list[slice]:
    """Slices of rows, at least one, that hold few numbers of all arrays together."""
    rows = max(arrays[0].shape[1], 1)
    numbers_per_row = sum(array.size for array in arrays) / rows
    step = max(1, int(STRIP_NUMBERS / max(numbers_per_row, 1)))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
