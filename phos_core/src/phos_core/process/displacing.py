"""Move a stage of the process by a fraction of a pixel, on any backend."""

import math
from collections.abc import Callable
from functools import partial

from phos_core.arrays import Array, array_namespace, device
from phos_core.convolution.boundary import source_index
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.effects.exposure import log10_exposure
from phos_core.effects.weave import TAPS, interpolate, interpolate_exposure, lanczos_weights
from phos_core.kernels.strips import give_back, pointwise

__all__ = ["displaced", "displacement_reach_px"]

BEFORE = TAPS // 2 - 1  # neighbours before the place that a pixel comes from


def displacement_reach_px(displacement_px: tuple[float, float]) -> int:
    """Pixels beyond which no part of a picture comes into another."""
    farthest = max(map(abs, displacement_px))
    return math.ceil(farthest) + TAPS // 2 if farthest else 0


def displaced(
    exposure: Array, displacement_px: tuple[float, float], backend: ConvolutionBackend
) -> Array:
    """Move exposure; what comes in at an edge is mirrored, as for a convolution.

    It is the logarithm that is interpolated: of light itself a lamp would leave rings.

    Parameters
    ----------
    exposure : array, shape (layers, rows, cols)
        Exposure H of one picture; nobody needs it afterwards.
    displacement_px : tuple of (float, float)
        Down and to the right.
    backend : ConvolutionBackend
        Where the arrays live.

    Returns
    -------
    array, shape (layers, rows, cols)
        Exposure.
    """
    down, right = displacement_px
    latent = pointwise(backend, log10_exposure, exposure)
    lowered = _along(latent, -2, down, interpolate, backend)
    moved = _along(lowered, -1, right, interpolate_exposure, backend)
    give_back(backend, exposure, latent, lowered)
    return moved


def _along(
    image: Array,
    axis: int,
    distance: float,
    interpolating: Callable[..., Array],
    backend: ConvolutionBackend,
) -> Array:
    """Move an image along an axis: every pixel is made of the same neighbours."""
    whole = math.floor(-distance)
    first = whole - BEFORE  # of the neighbours, seen from the pixel
    before, after = max(-first, 0), max(first + TAPS - 1, 0)
    size = image.shape[axis]
    wide = _continued(image, axis, before, after)
    taps = [_part(wide, axis, before + first + tap, size) for tap in range(TAPS)]
    weights = lanczos_weights(-distance - whole)
    return pointwise(backend, partial(interpolating, weights=weights), *taps)


def _continued(image: Array, axis: int, before: int, after: int) -> Array:
    """An image with more rows or columns, mirrored at its edges."""
    xp, size = array_namespace(image), image.shape[axis]
    places = source_index(size, before, before + size + after, "symmetric")

    def mirrored(some: slice) -> Array:
        index = xp.asarray(places[some], device=device(image))
        return xp.take(image, index, axis=axis)

    parts = [image]
    if before:
        parts.insert(0, mirrored(slice(0, before)))
    if after:
        parts.append(mirrored(slice(before + size, None)))
    return xp.concat(parts, axis=axis)


def _part(image: Array, axis: int, start: int, length: int) -> Array:
    """Some of the rows or columns of an image."""
    part = slice(start, start + length)
    return image[..., part, :] if axis == -2 else image[..., part]
