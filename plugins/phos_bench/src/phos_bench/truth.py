"""What a convolution should give, in double precision, and how far a result is from it."""

import math

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from phos_core.backend import usable_cores
from phos_core.psf import PSF

__all__ = ["MOST_COLS", "MOST_ROWS", "Errors", "compare", "expected", "psnr_db"]

MOST_ROWS, MOST_COLS = 2000, 3000  # of a larger picture its first so many are compared

Errors = tuple[float, float]
"""The largest error, and the peak signal-to-noise ratio in dB."""


def expected(plane: NDArray[np.float32], psf: PSF) -> NDArray[np.float64]:
    """Convolve the first rows and columns of a picture at the symmetric border.

    Parameters
    ----------
    plane : ndarray, shape (rows, cols)
        The whole picture.
    psf : PSF
        The true one.

    Returns
    -------
    ndarray of float64, shape (at most 2000, at most 3000)
        By a padded transform of the PSF's samples.
    """
    compared = min(plane.shape[0], MOST_ROWS), min(plane.shape[1], MOST_COLS)
    beyond = [
        min(n + r, size) for n, r, size in zip(compared, psf.radius, plane.shape, strict=True)
    ]
    margins = [(r, n + r - b) for n, r, b in zip(compared, psf.radius, beyond, strict=True)]
    wide = np.pad(plane[: beyond[0], : beyond[1]].astype(np.float64), margins, "symmetric")
    shape = [scipy.fft.next_fast_len(n, real=True) for n in wide.shape]
    workers = usable_cores()
    spectrum = scipy.fft.rfft2(wide, shape, workers=workers)
    spectrum *= scipy.fft.rfft2(psf.samples(), shape, workers=workers)
    blurred = scipy.fft.irfft2(spectrum, shape, overwrite_x=True, workers=workers)
    top, left = 2 * psf.radius[0], 2 * psf.radius[1]
    return np.asarray(blurred[top : top + compared[0], left : left + compared[1]])


def compare(result: NDArray[np.float32], truth: NDArray[np.float64]) -> Errors:
    """Compare a picture, or as much as is known of it, with the truth."""
    rows, cols = truth.shape
    error = result[:rows, :cols] - truth
    return float(np.abs(error).max()), psnr_db(error, peak=1.0)


def psnr_db(error: NDArray[np.float64], peak: float) -> float:
    """Return the peak signal-to-noise ratio; at most 300 dB, where nothing differs."""
    mean_square = float((error**2).mean()) / peak**2
    return -10 * math.log10(mean_square + 1e-30)
