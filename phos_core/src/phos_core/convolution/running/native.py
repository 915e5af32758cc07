"""Convolve an array of a device, where it is."""

import math
from typing import Any

from phos_core.arrays import Array, array_namespace, refuse_gradient
from phos_core.convolution.choosing.log import log_choice
from phos_core.convolution.choosing.selection import select
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.running.arguments import check_shape, checked_psfs
from phos_core.convolution.running.course import (
    Course,
    check_held,
    check_possible,
    convolved,
    footprint_of,
    in_range,
    within_reach,
)
from phos_core.convolution.running.fallback import descend
from phos_core.convolution.running.finite import (
    Watch,
)
from phos_core.convolution.running.planes import SAFE_EXPONENT
from phos_core.convolution.running.tiles import Tile
from phos_core.psf import PSF

__all__ = [
    "convolve_native",
]


def convolve_native(
    image: Array,
    psf: PSF | list[PSF],
    backend: str | ConvolutionBackend | None,
    course: Course,
    out: Any,
) -> Array:
    """Convolve an array of a device, where it is."""
    if out is not None:
        raise TypeError("out takes the result of NumPy arrays only; leave it out")
    refuse_gradient("image", image)
    xp = array_namespace(image)
    if not xp.isdtype(image.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"image must hold real numbers, got dtype {image.dtype}")
    check_shape(image.shape)
    psfs, powers = in_range(checked_psfs(psf, image.shape))
    selection = select(backend, holding=image)
    log_choice(selection)
    dtype = xp.float64 if image.dtype == xp.float64 else xp.float32
    if 0 in image.shape:
        return xp.astype(image, dtype, copy=True)
    rows, cols = image.shape if image.ndim == 2 else image.shape[-3:-1]
    psfs = within_reach(psfs, (rows, cols), course.boundary)
    check_possible(selection.backend, (rows, cols), psfs, course)
    planes = image if image.ndim == 2 else xp.moveaxis(image, -1, 0)
    exponent = _native_exponent(planes)
    planes = xp.astype(_scaled(planes, -exponent), xp.float32)

    def work(chosen: ConvolutionBackend, tiles: tuple[Tile, ...]) -> Array:
        blurred = [
            convolved(chosen, planes[..., tile.read_rows, :], psfs, course)[..., tile.inner[0], :]
            for tile in tiles
        ]
        whole = blurred[0] if len(blurred) == 1 else xp.concat(blurred, axis=-2)
        watch = Watch(chosen.name)
        watch.look(whole)
        watch.decide()
        return whole

    takes = footprint_of(planes.shape, psfs, course.boundary)
    whole = descend(selection, work, lambda _: takes, strict=course.strict, stay=True).value
    whole = xp.astype(whole, dtype)
    if len(powers) == 1:
        whole = _scaled(whole, exponent + powers[0])
    else:
        whole = xp.stack([_scaled(whole[i, ...], exponent + own) for i, own in enumerate(powers)])
    if exponent or any(powers):
        check_held(bool(xp.all(xp.isfinite(whole))), dtype)
    return whole if image.ndim == 2 else xp.moveaxis(whole, 0, -1)


def _native_exponent(planes: Array) -> int:
    """Do as `scaling_exponent`, for an array of a device."""
    xp = array_namespace(planes)
    if not xp.isdtype(planes.dtype, "real floating"):
        return 0
    peak = float(xp.max(xp.abs(planes)))
    if not math.isfinite(peak):
        raise ValueError(f"image must be finite, got {peak}")
    _, exponent = math.frexp(peak)
    return exponent if abs(exponent) > SAFE_EXPONENT else 0


def _scaled(planes: Array, exponent: int) -> Array:
    """Multiply by a power of two, in halves that single precision can hold."""
    if not exponent:
        return planes
    half = exponent // 2
    return planes * 2.0**half * 2.0 ** (exponent - half)
