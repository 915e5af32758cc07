"""Baking the mean light: how grain is shifted at a pixel pitch to leave flat fields as light."""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_srgb
from phos_core.effects.development import Development
from phos_core.effects.grain import Grain, GrainBias, noise_rms, rms_density
from phos_core.stocks.fitting import read

__all__ = ["grain_bias"]

Floats = NDArray[np.float64]

STEPS = 40  # of the neutral ramp
RAMP_DECADES: Floats = np.linspace(-6.0, 6.0, 2401)  # of exposure, around the curve's centre
NODES = (31, 15, 7)  # of the noise, for one layer, two, three or more
LEAST_WEIGHT = 1e-7  # nodes of less are left out
DEGREE = 7
MOST_BIAS = 3.0  # in RMS of the pixels: towards black no shift keeps the mean, as none is negative
ROUNDS = 8
DAMPING = 1e-8
FIT_ROUNDS = 6
LEAST_COUNT = 0.02  # what a step counts at least when the polynomial is fitted
GRAIN_REACH = 0.1  # of density, beyond the curve's ends: so far positives are balanced


def grain_bias(
    grain: Grain,
    development: Development,
    seen: Callable[[Floats], Floats],
    pixel_pitch_um: float,
) -> GrainBias:
    """Find the bias of grain with which the positive keeps its mean light.

    Parameters
    ----------
    grain : Grain
        The stock's granularity.
    development : Development
        Its characteristic curves.
    seen : callable
        From densities, shape (layers, n, steps), to the light of the positive that an eye takes
        the mean of, shape (channels, n, steps).
    pixel_pitch_um : float
        Width of one pixel on the film, in µm.

    Returns
    -------
    GrainBias
        For `add_grain`.

    Notes
    -----
    On each step of the stock's neutral ramp, with the densities D, the RMS s of a pixel, normal
    numbers n and the light L of the positive, the shifts d of the layers solve

        E[L(D + s n + d)] = L(D)

    by Newton's method. The mean is a Gauss-Hermite quadrature over n, and its slopes are
    E[L n] / s, by parts. Then d / s is fitted by a polynomial per layer.
    """
    density, noise, weights = _ramp(development), *_nodes(len(grain.size_um))
    rms = rms_density(density, grain)[:, 0]
    pixel = rms * np.array([[noise_rms(size, pixel_pitch_um)] for size in grain.size_um])
    low, high = np.array([development.d_min, development.d_max])[..., np.newaxis]
    reach = [low - GRAIN_REACH, high + GRAIN_REACH]
    wanted = seen(density)[:, 0]
    shift = np.zeros_like(pixel)
    step = np.maximum(pixel, np.finfo(float).tiny)
    for _ in range(ROUNDS):
        biased = density + (noise * step[:, np.newaxis] + shift[:, np.newaxis])
        light = seen(np.clip(biased, reach[0][..., np.newaxis], reach[1][..., np.newaxis]))
        mean = np.einsum("cns,n->cs", light, weights)
        slope = np.einsum("cns,n,jn->scj", light, weights, noise[..., 0])  # for a shift of one RMS
        miss = (wanted - mean).T
        normal = np.einsum("scj,sck->sjk", slope, slope) + DAMPING * np.eye(len(step))
        towards = np.einsum("scj,sc->sj", slope, miss)[..., np.newaxis]
        change = np.clip(np.linalg.solve(normal, towards)[..., 0].T, -1.0, 1.0) * step
        shift = np.clip(shift + change, -MOST_BIAS * step, MOST_BIAS * step)
    net_max = (high - low)[:, 0]
    counts = _counts(wanted, slope, step)
    return GrainBias(
        coefficients=tuple(
            _fitted(np.sqrt(np.clip(net, 0.0, most)), d / np.maximum(s, 1e-12), s * count)
            for net, most, d, s, count in zip(
                density[:, 0] - low, net_max, shift, rms, counts, strict=True
            )
        ),
        net_max=tuple(net_max.tolist()),
        density_range=tuple(zip(reach[0].ravel().tolist(), reach[1].ravel().tolist(), strict=True)),
    )


def _ramp(development: Development) -> Floats:
    """Densities (layers, 1, steps) of a neutral wedge, even in the root of the net density."""
    middle = len(development.curves) // 2
    curve = development.curves[middle]
    exposed = curve.centre + RAMP_DECADES
    root = np.sqrt(np.clip(read(curve, exposed) - development.d_min[middle], 0.0, None))
    rising = np.argsort(root)
    steps = np.interp(np.linspace(root.min(), root.max(), STEPS), root[rising], exposed[rising])
    return np.array([read(curve, steps) for curve in development.curves])[:, np.newaxis]


def _nodes(layers: int) -> tuple[Floats, Floats]:
    """Normal numbers (layers, n, 1) and weights (n,) of sum 1 that stand for all."""
    at, weight = np.polynomial.hermite_e.hermegauss(NODES[min(layers, len(NODES)) - 1])
    noise = np.array(list(itertools.product(at, repeat=layers)))
    weights = np.array([np.prod(w) for w in itertools.product(weight, repeat=layers)])
    weights /= weights.sum()
    counting = weights > LEAST_WEIGHT
    weights = weights[counting]
    return noise[counting].T[..., np.newaxis], weights / weights.sum()


def _counts(light: Floats, slope: Floats, step: Floats) -> Floats:
    """How far a shift of each layer is seen in the codes of the positive, at each step."""
    light = np.clip(light, 1e-3, 1.0)
    per_light = (encode_srgb(light * 1.01) - encode_srgb(light)) / (0.01 * light)
    seen: Floats = np.einsum("scj,cs->js", np.abs(slope), per_light) / step
    counts: Floats = seen / np.maximum(seen.max(axis=1, keepdims=True), 1e-12) + LEAST_COUNT
    return counts


def _fitted(root: Floats, ratio: Floats, counts: Floats) -> tuple[float, ...]:
    """A polynomial in the root of the net density, lowest order first."""
    powers = np.vander(root, DEGREE + 1, increasing=True)
    weights = counts
    trials: list[tuple[float, Floats]] = []
    for _ in range(FIT_ROUNDS):  # Lawson's: steps that are missed count more
        rows = powers * weights[:, np.newaxis]
        fitted = np.asarray(np.linalg.lstsq(rows, ratio * weights, rcond=None)[0], dtype=float)
        miss: Floats = counts * np.abs(powers @ fitted - ratio)
        trials.append((float(miss.max()), fitted))
        weights = weights * np.sqrt(0.3 + 1.5 * miss / max(float(miss.max()), 1e-12))
    return tuple(min(trials, key=lambda trial: trial[0])[1].tolist())
