"""Convolution in float64, slow and obvious: it defines what is right.

Nothing here is shared with the methods that are measured against it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phos_core.psf import PSF

__all__ = ["convolve"]


def convolve(
    image: npt.ArrayLike, psf: PSF | Sequence[PSF], boundary: str = "symmetric"
) -> npt.NDArray[np.float64]:
    """Convolve planes with point-spread functions.

    Parameters
    ----------
    image : array_like, shape (..., rows, cols)
        Real numbers.
    psf : PSF or sequence of PSF
        One for all planes, or one per entry of the first axis.
    boundary : str
        What lies beyond the edges.

    Returns
    -------
    ndarray of float64, shape (..., rows, cols)
        The convolution.

    Notes
    -----
    With p the samples about their centre and e the image continued beyond its edges,

        out(i, j) = sum over y, x of p(y, x) e(i - y, j - x)
    """
    pixels = np.asarray(image, dtype=np.float64)
    if not isinstance(psf, PSF):
        planes = [convolve(plane, p, boundary) for plane, p in zip(pixels, psf, strict=True)]
        return np.stack(planes) if planes else pixels
    rows, cols = pixels.shape[-2:]
    (ry, rx), samples = psf.radius, psf.samples()
    row_sources, col_sources = _sources(rows, ry, boundary), _sources(cols, rx, boundary)
    # One dark row and column stand for every place that no light comes from.
    lit = np.zeros((*pixels.shape[:-2], rows + 1, cols + 1))
    lit[..., :rows, :cols] = pixels
    out = np.zeros(pixels.shape)
    for y in range(2 * ry + 1):
        weights = np.zeros((cols, cols + 1))
        for x in range(2 * rx + 1):
            weights[np.arange(cols), col_sources[:, x]] += samples[y, x]
        out += lit[..., row_sources[:, y], :] @ weights.T
    return out


def _sources(size: int, radius: int, boundary: str) -> npt.NDArray[np.int64]:
    """For each pixel and each tap, the pixel whose light the tap brings; `size` if none."""
    return np.array(
        [
            [_source(i - by, size, boundary) for by in range(-radius, radius + 1)]
            for i in range(size)
        ],
        dtype=np.int64,
    ).reshape(size, 2 * radius + 1)


def _source(place: int, size: int, boundary: str) -> int:
    """Pixel that stands at a place, perhaps beyond the edges; `size` where there is no light."""
    while not 0 <= place < size:
        if boundary == "symmetric":
            place = -1 - place if place < 0 else 2 * size - 1 - place
        elif boundary == "mirror" and size == 1:
            place = 0
        elif boundary == "mirror":
            place = -place if place < 0 else 2 * (size - 1) - place
        elif boundary == "wrap":
            place = place + size if place < 0 else place - size
        elif boundary == "edge":
            place = 0 if place < 0 else size - 1
        else:
            return size
    return place
