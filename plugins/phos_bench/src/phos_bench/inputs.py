"""The pictures and point-spread functions that are measured with, the same on every machine."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.psf import PSF, from_array, gaussian, mixture

__all__ = ["Light", "light", "photos", "planes"]

REACH = 3.0  # of a Gaussian, in sigmas: how far the samples go that other libraries are given
EDGES = 6  # hard ones along each side of the pictures
LAMP_EVERY = 1999  # pixels
TILE = (1000, 1500)  # a larger picture repeats: making it should not take longer than using it


@dataclass(frozen=True, eq=False)
class Light:
    """A point-spread function, in the forms that libraries take.

    Parameters
    ----------
    psf : PSF
        The true one.
    samples : ndarray of float64, shape (width, width)
        Its samples, of unit sum; a Gaussian's end at three sigma.
    gaussians : tuple of (float, float)
        Weight and sigma of the Gaussians that it is a sum of; empty if it is none.
    """

    psf: PSF
    samples: NDArray[np.float64]
    gaussians: tuple[tuple[float, float], ...] = ()

    @property
    def width(self) -> int:
        """Samples along a side."""
        return len(self.samples)


def light(kind: str, width: int) -> Light:
    """Make a point-spread function.

    Parameters
    ----------
    kind : {"gaussian", "mixture", "exponential", "asymmetric"}
        A Gaussian whose three sigma fill the width; the mean of three, of a quarter, a half and the
        whole of its sigma; an exponential of the distance, even; one that is brighter on one side.
    width : int
        Samples along a side.

    Returns
    -------
    Light
        Of unit sum.
    """
    half = width // 2
    sigma = half / REACH
    if kind == "gaussian":
        return Light(gaussian(sigma), _sampled([(1.0, sigma)], half), ((1.0, sigma),))
    if kind == "mixture":
        terms = tuple((1 / 3, sigma / part) for part in (4, 2, 1))
        return Light(mixture(terms), _sampled(terms, half), terms)
    y, x = np.mgrid[-half : half + 1, -half : half + 1] / half
    samples = np.exp(-4 * np.hypot(y, x))
    if kind == "asymmetric":
        samples *= 1 + 0.3 * y + 0.5 * x
    samples /= samples.sum()
    return Light(from_array(samples), samples)


def planes(count: int, rows: int, cols: int) -> NDArray[np.float32]:
    """Make pictures of one layer: gradients, hard edges, noise and lamps of one pixel.

    Parameters
    ----------
    count, rows, cols : int
        How many, and their size.

    Returns
    -------
    ndarray of float32, shape (count, rows, cols)
        From 0 to 1.
    """
    tile = np.random.default_rng(4).random((count, *_within_tile(rows, cols)), np.float32)
    y, x = (np.arange(n, dtype=np.float32) / n for n in tile.shape[1:])
    tile *= 0.2
    tile += 0.3 * y[:, None] + 0.2 * x
    tile += 0.2 * ((EDGES * y % 2 < 1)[:, None] * (EDGES * x % 2 < 1))
    tile.reshape(-1)[LAMP_EVERY // 2 :: LAMP_EVERY] = 1.0
    return _repeated(tile, rows, cols)


def photos(count: int, rows: int, cols: int) -> NDArray[np.uint8]:
    """Make pictures of three channels with the content of `planes`.

    Parameters
    ----------
    count, rows, cols : int
        How many, and their size.

    Returns
    -------
    ndarray of uint8, shape (count, rows, cols, 3)
        From 0 to 255.
    """
    height, width = _within_tile(rows, cols)
    tile = np.moveaxis(planes(3 * count, height, width).reshape(3, count, height, width), 0, -1)
    return _repeated((255 * tile).astype(np.uint8), rows, cols)


def _within_tile(rows: int, cols: int) -> tuple[int, int]:
    return min(rows, TILE[0]), min(cols, TILE[1])


def _repeated(tiles: NDArray[Any], rows: int, cols: int) -> NDArray[Any]:
    """Fill pictures with tiles."""
    down, across = (-(-n // size) for n, size in zip((rows, cols), tiles.shape[1:3], strict=True))
    column = np.concatenate([tiles] * down, axis=1)[:, :rows]
    return np.ascontiguousarray(np.concatenate([column] * across, axis=2)[:, :, :cols])


def _sampled(terms: Any, half: int) -> NDArray[np.float64]:
    """Point samples of Gaussians, each of unit sum within the width."""
    total = np.zeros((2 * half + 1, 2 * half + 1))
    for weight, sigma in terms:
        taps = np.exp(-((np.arange(-half, half + 1) / sigma) ** 2) / 2)
        total += weight * np.outer(taps, taps) / taps.sum() ** 2
    return total
