"""PSFs that reach farther than the picture, folded onto it: the same result from fewer samples.

What continues a plane beyond its edges repeats its pixels, so weights that meet the same pixel
wherever the PSF stands may as well be one.
"""

import numpy as np
import numpy.typing as npt

from phos_core.convolution.boundary import Boundary, period
from phos_core.convolution.methods.tables import transfer_table
from phos_core.psf import PSF, from_array

__all__ = ["folded_psf", "outreaches"]


def outreaches(psf: PSF, shape: tuple[int, int]) -> bool:
    """Say whether a PSF reaches farther than a plane is long, in rows or in columns."""
    return any(radius > size for radius, size in zip(psf.radius, shape, strict=True))


def folded_psf(psf: PSF, shape: tuple[int, int], boundary: Boundary) -> PSF:
    """Give a PSF that does to planes of a size what another one does, and reaches no farther.

    Parameters
    ----------
    psf : PSF
        Any.
    shape : tuple of (int, int)
        Rows and columns of the planes.
    boundary : Boundary
        What lies beyond their edges.

    Returns
    -------
    PSF
        `psf` itself if it reaches no farther than the planes are long, in rows and in columns;
        else one that is known by its samples.
    """
    if not outreaches(psf, shape):
        return psf
    axes = psf.axes()
    if axes is not None:
        longest = max(len(taps) for _, taps in axes)
        terms = []
        for weight, taps in axes:
            alike = np.pad(taps, (longest - len(taps)) // 2)
            across, along = (_folded_axis(alike, size, boundary) for size in shape)
            terms.append(weight * np.outer(across, along))
        return from_array(np.sum(terms, axis=0))
    if period(1, boundary) is not None:
        return from_array(_from_spectrum(psf, shape, boundary))
    samples = psf.samples()
    for axis, size in enumerate(shape):
        samples = np.moveaxis(_folded_axis(np.moveaxis(samples, axis, 0), size, boundary), 0, axis)
    return from_array(samples)


def _folded_axis(
    taps: npt.NDArray[np.float64], size: int, boundary: Boundary
) -> npt.NDArray[np.float64]:
    """Fold the first axis of samples onto an axis of so many pixels."""
    radius = len(taps) // 2
    if radius <= size:
        return taps
    if boundary == "zero":  # so far out there is nothing
        return taps[radius - size : radius + size + 1]
    offset = np.arange(-radius, radius + 1)
    repeat = period(size, boundary)
    if repeat is None:  # beyond either edge every pixel is the one at the edge
        reach, place = size, np.clip(offset, -size, size) + size
    else:
        reach = repeat // 2
        place = (offset + reach) % repeat
    sums = np.zeros((2 * reach + 1, *taps.shape[1:]))
    np.add.at(sums, place, taps)
    return sums if repeat is None or repeat % 2 else _halved(sums)


def _halved(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Share what lies half a period away between both sides, so that an even PSF stays even."""
    sums[0] /= 2.0
    sums[-1] = sums[0]
    return sums


def _from_spectrum(psf: PSF, shape: tuple[int, int], boundary: Boundary) -> npt.NDArray[np.float64]:
    """Fold by the transfer function: what a period of it leaves, without the samples themselves."""
    lengths, reaches = [], []
    for radius, size in zip(psf.radius, shape, strict=True):
        repeat = period(size, boundary)
        is_long = repeat is not None and radius > size
        lengths.append(repeat if is_long and repeat is not None else 2 * radius + 1)
        reaches.append(lengths[-1] // 2)
    height, width = lengths
    table = transfer_table(psf, np.fft.fftfreq(height), np.fft.fftfreq(width), double=True)
    samples = np.fft.fftshift(np.fft.ifft2(table).real)
    for axis, length in enumerate(lengths):
        if length % 2 == 0:
            lines = np.moveaxis(samples, axis, 0)
            samples = np.moveaxis(_halved(np.concatenate((lines, lines[:1]))), 0, axis)
    return samples
