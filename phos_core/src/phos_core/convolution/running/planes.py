"""Pictures of the host as planes of native single precision, and back."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.convolution.methods.cpu import in_parallel, row_strips

__all__ = [
    "SAFE_EXPONENT",
    "is_single_plane",
    "peak_of",
    "planar",
    "put",
    "scaling_exponent",
]

STRIP_NUMBERS = 2**19  # of an image that is copied or searched: fits the cache
SAFE_EXPONENT = 64  # peaks beyond 2**64 or below 2**-64 are scaled for single precision


def is_single_plane(array: npt.NDArray[Any]) -> bool:
    """Whether an array is one plane of native single precision, in rows."""
    return array.ndim == 2 and array.dtype == np.float32 and array.flags.c_contiguous


def planar(pixels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], int]:
    """Return an image in planes of native single precision, in one pass over strips of rows.

    Parameters
    ----------
    pixels : ndarray, shape (rows, cols), (rows, cols, channels) or (n, rows, cols, channels)
        Real numbers.

    Returns
    -------
    tuple of (ndarray of float32, int)
        Planes of shape (..., rows, cols), the image itself if it is one already, and the power of
        two that they were divided by so that single precision can hold them.

    Raises
    ------
    ValueError
        If the image holds NaN or infinity.
    """
    if pixels.ndim == 4:
        exponent = scaling_exponent(pixels, peak_of(pixels))
        return _scaled_planes(pixels, exponent), exponent
    is_plane = is_single_plane(pixels)
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    rows, cols, count = channels.shape
    planes = channels[None, ..., 0] if is_plane else np.empty((count, rows, cols), np.float32)
    peaks = [0.0]

    def take(strip: slice) -> None:
        source, target = channels[strip], planes[:, strip]
        if not is_plane:
            with np.errstate(over="ignore", invalid="ignore"):  # the peak will tell
                for channel in range(count):
                    np.copyto(target[channel], source[..., channel], casting="same_kind")
        peaks.append(peak_of(target if pixels.dtype == np.float32 else source))

    in_parallel(lambda: take, row_strips(rows, cols * count, pixels=STRIP_NUMBERS))
    exponent = scaling_exponent(pixels, _worst(peaks))
    if exponent:
        return _scaled_planes(pixels, exponent), exponent
    return (planes[0] if pixels.ndim == 2 else planes), 0


def peak_of(pixels: npt.NDArray[Any]) -> float:
    """Largest absolute value; NaN if there is one."""
    if pixels.dtype.kind != "f":
        return 0.0
    return _worst([abs(float(pixels.min())), abs(float(pixels.max()))])


def _worst(peaks: list[float]) -> float:
    return math.nan if any(math.isnan(peak) for peak in peaks) else max(peaks)


def scaling_exponent(pixels: npt.NDArray[Any], peak: float) -> int:
    """Power of two that brings the peak into single precision; 0 where it is there already."""
    if not math.isfinite(peak):
        with np.errstate(over="ignore"):  # of floats longer than double precision
            finite = np.isfinite(pixels.astype(np.float64))
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"image must be finite, got {pixels[first]!s} at {first}")
    _, exponent = math.frexp(peak)
    return exponent if abs(exponent) > SAFE_EXPONENT else 0


def _scaled_planes(pixels: npt.NDArray[Any], exponent: int) -> npt.NDArray[np.float32]:
    scaled = np.ldexp(pixels, -exponent) if exponent else pixels
    if scaled.ndim == 2:
        return np.ascontiguousarray(scaled, dtype=np.float32)
    planes = np.empty((scaled.shape[-1], *scaled.shape[:-1]), np.float32)
    np.copyto(planes, np.moveaxis(scaled, -1, 0), casting="same_kind")
    return planes


def put(planes: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Copy planes to where they go, strip by strip."""
    rows, cols = planes.shape[-2:]

    def copy(strip: slice) -> None:
        for index in np.ndindex(planes.shape[:-2]):
            np.copyto(out[index][strip], planes[index][strip])

    in_parallel(lambda: copy, row_strips(rows, cols, pixels=STRIP_NUMBERS))
