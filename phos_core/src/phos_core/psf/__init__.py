"""Point-spread functions, in pixels: what a point of light becomes.

A PSF is an immutable object, odd-sided and centred. It knows its samples, and its transfer
function by the shortest way, so that a backend can choose its own method.
"""

from phos_core.psf.base import PSF
from phos_core.psf.isotropic import exponential, radial
from phos_core.psf.making import (
    as_psf,
    combine,
    compose,
    delta,
    from_array,
    gaussian,
    in_single_range,
    mixture,
    pixel_mixture,
)

__all__ = [
    "PSF",
    "as_psf",
    "combine",
    "compose",
    "delta",
    "exponential",
    "from_array",
    "gaussian",
    "in_single_range",
    "mixture",
    "pixel_mixture",
    "radial",
]
