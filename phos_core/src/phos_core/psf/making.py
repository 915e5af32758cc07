"""Make a point-spread function: of Gaussians, of samples, of others."""

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from phos_core.psf.base import PSF
from phos_core.psf.checks import checked_terms, checked_weight, pairs_in
from phos_core.psf.combined import CombinedPSF, composed
from phos_core.psf.gaussians import GaussianProfile, PixelGaussianProfile, SeparablePSF
from phos_core.psf.sampled import SampledPSF, psf_of_samples

__all__ = [
    "as_psf",
    "combine",
    "compose",
    "delta",
    "from_array",
    "gaussian",
    "in_single_range",
    "mixture",
    "pixel_mixture",
]

SAFE_EXPONENT = 16  # samples that sum to more than 2**16, or less than 2**-16, are scaled


def gaussian(sigma: float) -> PSF:
    """Make a Gaussian of unit sum.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels.

    Returns
    -------
    PSF
        Sampled at the pixels' centres to 8 sigma.

    Raises
    ------
    ValueError
        If `sigma` is not a positive number.
    """
    return mixture([(1.0, sigma)])


def mixture(terms: Iterable[tuple[float, float]]) -> PSF:
    """Make a sum of Gaussians.

    Parameters
    ----------
    terms : iterable of (float, float)
        Weight and standard deviation in pixels of each Gaussian. A Gaussian's sum is its weight.

    Returns
    -------
    PSF
        Sampled at the pixels' centres to 8 times the largest standard deviation.

    Raises
    ------
    ValueError
        If there are no terms, a standard deviation is not a positive number, or the weights do
        not have a positive, finite sum.
    """
    checked = checked_terms(terms)
    return SeparablePSF(tuple((weight, GaussianProfile(sigma)) for weight, sigma in checked))


def pixel_mixture(terms: Iterable[tuple[float, float]]) -> PSF:
    """Make a sum of Gaussians integrated over each pixel: light gathered by square pixels.

    Parameters
    ----------
    terms : iterable of (float, float)
        Weight and standard deviation in pixels of each Gaussian. A Gaussian's sum is its weight.

    Returns
    -------
    PSF
        Its variance along each axis is that of the Gaussians plus 1/12, if they are a pixel wide
        or wider.

    Raises
    ------
    ValueError
        As for `mixture`.
    """
    checked = checked_terms(terms)
    return SeparablePSF(tuple((weight, PixelGaussianProfile(sigma)) for weight, sigma in checked))


def from_array(array: npt.ArrayLike) -> PSF:
    """Wrap samples as a PSF.

    Parameters
    ----------
    array : array_like, shape (rows, cols)
        Samples, both sides odd, the centre in the middle; not normalised, copied.

    Returns
    -------
    PSF
        With these samples.

    Raises
    ------
    TypeError
        If the samples are not real numbers.
    ValueError
        If the array is not 2-D, has an even or empty side, or holds NaN or infinity.
    """
    return psf_of_samples("psf", array)


def delta() -> PSF:
    """Make the identity: one pixel of weight 1."""
    return SampledPSF([[1.0]])


def combine(terms: Iterable[tuple[float, PSF | npt.ArrayLike]]) -> PSF:
    """Add PSFs, each with its weight.

    Parameters
    ----------
    terms : iterable of (float, PSF or array_like of shape (odd, odd))
        Weight and PSF of each term.

    Returns
    -------
    PSF
        Its samples and its transfer function are the weighted sums.

    Raises
    ------
    TypeError
        If `terms` is no list of pairs, or a PSF holds no real numbers.
    ValueError
        If there are no terms, a weight is not finite, or a PSF's array is none.
    """
    pairs = pairs_in(terms, "(weight, psf)")
    return CombinedPSF(
        tuple(
            (checked_weight(weight), as_psf(psf, f"the PSF in terms[{n}]"))
            for n, (weight, psf) in enumerate(pairs)
        )
    )


def compose(first: PSF | npt.ArrayLike, second: PSF | npt.ArrayLike) -> PSF:
    """Convolve two PSFs: the effect of one after the other.

    Parameters
    ----------
    first, second : PSF or array_like of shape (odd, odd)
        In either order.

    Returns
    -------
    PSF
        Its transfer function is the product; its radius the sum of the radii.

    Raises
    ------
    TypeError, ValueError
        As for `from_array`, of an array.
    """
    return composed(as_psf(first, "first"), as_psf(second, "second"))


def as_psf(psf: PSF | npt.ArrayLike, name: str = "psf") -> PSF:
    """Return a PSF as it is, or wrap a 2-D array.

    Parameters
    ----------
    psf : PSF or array_like of shape (odd, odd)
        The PSF.
    name : str
        What an error calls it.

    Returns
    -------
    PSF
        The PSF.

    Raises
    ------
    TypeError, ValueError
        As for `from_array`.
    """
    return psf if isinstance(psf, PSF) else psf_of_samples(name, psf)


@lru_cache(maxsize=64)
def in_single_range(psf: PSF) -> tuple[PSF, int]:
    """Scale a PSF so that single precision holds what comes of it.

    Parameters
    ----------
    psf : PSF
        Of any amplitude.

    Returns
    -------
    tuple of (PSF, int)
        The PSF divided by a power of two, and that power; most PSFs as they are, and 0.
    """
    strongest = psf.l1
    if strongest == math.inf:  # more than double precision holds: of samples that it does
        strongest = float(np.abs(psf.samples()).max())
    _, exponent = math.frexp(strongest)
    return (psf, 0) if abs(exponent) <= SAFE_EXPONENT else (_scaled(psf, -exponent), exponent)


def _scaled(psf: PSF, exponent: int) -> PSF:
    """A PSF times a power of two."""
    if isinstance(psf, SampledPSF):
        return psf.scaled(exponent)
    half = exponent // 2  # each of the halves is a float, whatever the power
    return combine([(2.0**half, combine([(2.0 ** (exponent - half), psf)]))])
