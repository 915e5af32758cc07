"""Gate weave: each frame of moving film lies a little elsewhere in the camera's gate."""

import math

from phos_core.arrays import Array, array_namespace, clipped
from phos_core.chance import wander

__all__ = ["TAPS", "displacement_um", "interpolate", "interpolate_exposure", "lanczos_weights"]

STREAM_ALONG, STREAM_ACROSS = 2, 3
# Shares of each frame's own in the variance. Our choice, after what SMPTE RP 105 calls jump (rapid,
# at the frame rate) and weave (much slower): docs/sources.md, "unsteadiness".
OWN_SHARE_ALONG, OWN_SHARE_ACROSS = 0.8, 0.2

TAPS = 6  # pixels that a displaced one is made of
HALF = TAPS // 2
BEYOND = math.log10(2.0) / 3.0  # our choice: where the edge of a lamp would ring


def displacement_um(rms_um: float, *, seed: int, frame: int) -> tuple[float, float]:
    """Say how far the picture of a frame lies from where it should.

    Parameters
    ----------
    rms_um : float
        RMS of the displacement over the frames, along the film and across it, in µm.
    seed, frame : int
        Those of the grain.

    Returns
    -------
    tuple of (float, float)
        In µm, of mean 0: along the film and across it.

    Notes
    -----
    With w the wander of `chance.wander`, of which each frame's own is 0.8 of the variance along
    the film and 0.2 of it across,

        d(f) = rms_um w(f)
    """
    if not rms_um:
        return 0.0, 0.0
    along, across = (
        rms_um * wander(seed, stream, frame, own_share=share)
        for stream, share in (
            (STREAM_ALONG, OWN_SHARE_ALONG),
            (STREAM_ACROSS, OWN_SHARE_ACROSS),
        )
    )
    return along, across


def lanczos_weights(fraction: float) -> tuple[float, ...]:
    """Give the weights of the pixels from two before a place to three after it.

    Parameters
    ----------
    fraction : float
        How far the place lies beyond the third of them, 0 to 1, in pixels.

    Returns
    -------
    tuple of float
        Of sum 1.

    Notes
    -----
    Lanczos's of three lobes, L(x) = sinc(x) sinc(x / 3) within 3, scaled to the sum 1.
    """
    weights = [_lanczos(fraction - (tap - (HALF - 1))) for tap in range(TAPS)]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def _lanczos(x: float) -> float:
    if abs(x) < 1e-12:
        return 1.0
    if abs(x) >= HALF:
        return 0.0
    angle = math.pi * x
    return HALF * math.sin(angle) * math.sin(angle / HALF) / angle**2


def interpolate(*taps: Array, weights: tuple[float, ...]) -> Array:
    """Give the logarithm of exposure between pixels.

    Parameters
    ----------
    *taps : array, shape (layers, rows, cols)
        log10 of the exposure: for each pixel the neighbours, one array for each, in order.
    weights : tuple of float
        Theirs, of `lanczos_weights`.

    Returns
    -------
    array, shape (layers, rows, cols)
        log10 of the exposure there.

    Notes
    -----
    The sum of the weighed neighbours, held to a third of a stop beyond the four nearest.
    """
    xp = array_namespace(*taps)
    total = taps[0] * weights[0]
    for tap, weight in zip(taps[1:], weights[1:], strict=True):
        total = total + tap * weight
    near = taps[1:-1]
    low, high = near[0], near[0]
    for tap in near[1:]:
        low, high = xp.minimum(low, tap), xp.maximum(high, tap)
    return clipped(total, low - BEYOND, high + BEYOND)


def interpolate_exposure(*taps: Array, weights: tuple[float, ...]) -> Array:
    """Do as `interpolate`, and give the exposure itself, in lx s."""
    latent = interpolate(*taps, weights=weights)
    return array_namespace(latent).exp(latent * math.log(10.0))
