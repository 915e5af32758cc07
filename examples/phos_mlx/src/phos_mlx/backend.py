"""Convolution by MLX's Fourier transforms: the only module that imports MLX.

The pictures are NumPy arrays, and MLX takes them over plane by plane: its arrays name no device,
which the effects of phos ask for, and Apple's processors share one memory anyway.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from phos_core.backend import (
    PSF,
    Array,
    BackendBase,
    Boundary,
    ProbeReport,
    circular_extent,
    fast_even_length,
    pad,
)

MOST_TABLES = 16  # transfer functions kept for the next picture


class MLXBackend(BackendBase):
    """Convolution of NumPy arrays on MLX's default device, in single precision."""

    name = "mlx"

    def __init__(self) -> None:
        self._table = lru_cache(MOST_TABLES)(_table)

    def probe(self) -> ProbeReport:
        """Say on which device MLX computes."""
        return ProbeReport(reason=f"computes on {mx.default_device()}")

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Return the array itself."""
        return host

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Return the array itself."""
        return np.asarray(x)

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve all planes at once, or each entry of the first axis with its own PSF."""
        if isinstance(psf, PSF):
            return self._by_transform(image, psf, boundary)
        pairs = zip(image, psf, strict=True)
        return np.stack([self._by_transform(planes, own, boundary) for planes, own in pairs])

    def release(self) -> None:
        """Forget the transfer functions, and give MLX's cached memory back."""
        self._table.cache_clear()
        mx.clear_cache()

    def _by_transform(
        self, image: npt.NDArray[Any], psf: PSF, boundary: Boundary
    ) -> npt.NDArray[Any]:
        """Multiply the spectrum of the continued image by the PSF's transfer function."""
        (rows, cols), (ry, rx) = image.shape[-2:], psf.radius
        top, height = circular_extent(rows, ry, boundary, fast_even_length)
        left, width = circular_extent(cols, rx, boundary, fast_even_length)
        wide = pad(image, -2, top, height - top - rows, boundary)
        wide = pad(wide, -1, left, width - left - cols, boundary)
        spectrum = mx.fft.rfft2(mx.array(wide)) * self._table(psf, height, width)
        blurred = mx.fft.irfft2(spectrum, s=(height, width))
        return np.array(blurred[..., top : top + rows, left : left + cols], dtype=image.dtype)


def create() -> MLXBackend:
    """Make the backend; the factory that the plug-in names."""
    return MLXBackend()


def _table(psf: PSF, height: int, width: int) -> mx.array:
    """Compute a transfer function on the frequencies of a real transform."""
    table = psf.transfer(np.fft.fftfreq(height), np.fft.rfftfreq(width))
    single = mx.array(table.astype(np.complex64 if np.iscomplexobj(table) else np.float32))
    mx.eval(single)  # before other threads find it in the cache
    return single
