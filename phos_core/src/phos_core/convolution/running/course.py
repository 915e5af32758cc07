"""What a convolution on any backend takes: the method, the tiles, PSFs in range and in reach."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phos_core.arrays import (
    Array,
)
from phos_core.convolution.boundary import Boundary, period
from phos_core.convolution.choosing.log import log_method
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import PlansMethods
from phos_core.convolution.plans import Method
from phos_core.convolution.running.folding import folded_psf
from phos_core.convolution.running.tiles import Footprint
from phos_core.errors import UnsupportedOperationError
from phos_core.psf import PSF, in_single_range

__all__ = [
    "Course",
    "check_held",
    "check_possible",
    "convolved",
    "footprint_of",
    "in_range",
    "planning",
    "within_reach",
]


@dataclass(frozen=True, slots=True)
class Course:
    """How to convolve, as the caller wants it."""

    boundary: Boundary
    method: Method = "auto"
    strict: bool = False


def check_held(is_held: bool, dtype: Any) -> None:
    """Raise unless the dtype holds the result."""
    if not is_held:
        wider = "" if "64" in str(dtype) else ", or give the image as float64"
        raise ValueError(
            f"image and psf are too strong together: the result goes beyond the range of {dtype}; "
            f"divide one of them{wider}"
        )


def convolved(
    backend: ConvolutionBackend,
    planes: Array,
    psfs: PSF | list[PSF],
    course: Course,
) -> Array:
    """Convolve planes on the backend's device, by a method of its own or the one requested."""
    log_method(backend, planes.shape, psfs, course.boundary, course.method)
    if course.method != "auto":
        chosen = planning(backend)
        return chosen.convolve_by(course.method, planes, psfs, boundary=course.boundary)
    return backend.convolve(planes, psfs, boundary=course.boundary)


def planning(backend: ConvolutionBackend) -> PlansMethods:
    """Return a backend that plans, typed as one; raise if it does not."""
    if not isinstance(backend, PlansMethods):
        raise UnsupportedOperationError(
            f"{backend.name} chooses its method by itself: it neither says which nor takes one"
        )
    return backend


def check_possible(
    backend: ConvolutionBackend, shape: tuple[int, int], psfs: PSF | list[PSF], course: Course
) -> None:
    """Fail before the work starts if the backend cannot take the method that is requested."""
    if course.method == "auto":
        return
    for psf in [psfs] if isinstance(psfs, PSF) else psfs:
        planning(backend).plan(shape, psf, boundary=course.boundary, method=course.method)


def footprint_of(shape: Sequence[int], psf: PSF | Sequence[PSF], boundary: Boundary) -> Footprint:
    """What it takes to convolve planes; at the border "wrap" every row may act on every other."""
    psfs = [psf] if isinstance(psf, PSF) else psf
    planes = math.prod(shape[:-2])
    ry, rx = (max(p.radius[axis] for p in psfs) for axis in (0, 1))
    return Footprint(
        rows=shape[-2],
        cols=shape[-1],
        planes=planes,
        radius=(ry, rx),
        halo=ry,
        pixel_bytes=8 * planes,
        divisible=boundary != "wrap",
    )


def within_reach(
    psfs: PSF | list[PSF], shape: tuple[int, int], boundary: Boundary
) -> PSF | list[PSF]:
    """Fold what reaches beyond the image where that would be continued as far as the PSF goes.

    An image that repeats itself is continued no farther than its period.
    """
    if period(1, boundary) is not None:
        return psfs
    if isinstance(psfs, PSF):
        return folded_psf(psfs, shape, boundary)
    return [folded_psf(psf, shape, boundary) for psf in psfs]


def in_range(psfs: PSF | list[PSF]) -> tuple[PSF | list[PSF], list[int]]:
    """PSFs that single precision can take, and the powers of two that they were divided by."""
    if isinstance(psfs, PSF):
        psf, power = in_single_range(psfs)
        return psf, [power]
    scaled = [in_single_range(psf) for psf in psfs]
    return [psf for psf, _ in scaled], [power for _, power in scaled]
