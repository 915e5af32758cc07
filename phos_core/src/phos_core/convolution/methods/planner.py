"""Choose the method of a convolution: by the PSF's spectrum, the size, and what was measured.

A PSF is looked at as a sum. Its narrow terms may go by banded matrix products, its smooth ones by
a coarse grid, and any PSF by a transform. Of the methods that are right, the quickest by the
backend's table of costs is taken.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from phos_core.convolution.boundary import Boundary
from phos_core.convolution.plans import Method, Plan, Taps
from phos_core.errors import UnsupportedOperationError
from phos_core.once import once
from phos_core.psf import PSF, combine

__all__ = [
    "Costs",
    "Split",
    "Table",
    "Way",
    "fast_length",
    "make_plan",
    "separable_terms",
    "significant_radius",
    "splits",
    "thinning",
]

LOST_WEIGHT = 1e-9  # of their absolute sum: even a lamp 10,000 times white leaves nothing there
SAMPLED_RADIUS = 64  # a PSF that reaches farther is not sampled to see whether it is narrow
FARTHEST_RADIUS = 2**16  # taps that reach farther, beyond every picture, are not even made
NARROW_RADIUS = 32  # beyond it a product with a banded matrix multiplies too much by zero
MOST_TERMS = 5  # that a narrow PSF may be taken apart into
LOST_TERMS = 1e-8  # of the PSF's absolute sum: what terms left out may amount to
BAND_TOLERANCE = 1e-6  # a transfer function this small, of the PSF's sum, is none
BAND_CYCLES = 1 / 3  # the band in cycles per point; the window hides what folds back onto it
WIDEST_SPACING = 16.0  # pixels: the points are then so few that fewer would save nothing
LEAST_SPACING = 1.5  # pixels: closer points are nearly as many as the pixels
COARSE_SIDE = 8  # points a side at least, more than the window of the points is wide
FREQUENCIES = 129  # on either axis, where the transfer function is looked at
REFINEMENTS = 2  # looks at the band alone, each as fine as the one before was over all


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the methods of a backend take: nanoseconds for a pixel, as measured on large planes.

    Parameters
    ----------
    separable, separable_term, separable_tap : float
        Once, for each term, and for each of its taps on both axes together.
    multirate, multirate_line, multirate_point : float
        Once, for points on one axis (over their spacing), and for points on both (over its square).
    cosine, fourier : float
        For each pixel that is transformed; those that continue the plane count.
    calls : mapping of str to float
        Nanoseconds that each method takes on the smallest plane.
    """

    separable: float
    separable_term: float
    separable_tap: float
    multirate: float
    multirate_line: float
    multirate_point: float
    cosine: float
    fourier: float
    calls: Mapping[Method, float]

    def ways(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary,
        single: bool,
        method: Method,
    ) -> list["Way"]:
        """List the ways to convolve a plane; see `Table`."""
        ways = [Way("transform", _transform_cost(self, shape, psf, boundary))]
        for split in splits(psf):
            spacing = _fitting_spacing(split, shape)
            if split.smooth is None or (boundary == "symmetric" and single and spacing):
                cost = _split_cost(self, split, spacing, shape)
                points = _points(shape, spacing) if split.smooth is not None else (0, 0)
                ways.append(Way(split.method, cost, "", split.narrow, split.smooth, points))
        if method == "separable" and not any(way.method == method for way in ways):
            terms = separable_terms(psf)  # wider than pays
            ways += [Way("separable", math.inf, "", terms)] if terms else []
        return ways

    def reason(self, cheapest: Sequence["Way"], pixels: int) -> str:
        """Say what each method takes."""
        costs = ", ".join(f"{way.method} {way.cost / pixels:.2g}" for way in cheapest)
        return f"the quickest by nanoseconds a pixel: {costs}"


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A method that can convolve a plane, and how it would.

    Parameters
    ----------
    method : Method
        Which.
    cost : float
        Decides; infinite for a method that is taken on request alone.
    why : str
        What is said of it, where the cost alone says little.
    narrow, smooth, points
        As in `Plan`.
    """

    method: Method
    cost: float
    why: str = ""
    narrow: tuple[Taps, ...] = ()
    smooth: PSF | None = None
    points: tuple[int, int] = (0, 0)


class Table(Protocol):
    """What the methods of a backend take."""

    def ways(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary,
        single: bool,
        method: Method,
    ) -> list[Way]:
        """List the ways to convolve a plane, in any order; the arguments are `make_plan`'s."""
        ...

    def reason(self, cheapest: Sequence[Way], pixels: int) -> str:
        """Say why the first of the ways is taken, the cheapest of each method first."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A PSF as the sum of a narrow and a smooth part; one of the two may be missing.

    Parameters
    ----------
    narrow : tuple of Taps
        Separable terms, all as long along rows, and as long along columns.
    smooth : PSF or None
        Without high frequencies.
    spacing : float
        How many pixels apart the points may be that the smooth part is computed from.
    """

    narrow: tuple[Taps, ...]
    smooth: PSF | None
    spacing: float

    @property
    def method(self) -> Method:
        """How it is computed."""
        if self.smooth is None:
            return "separable"
        return "sum" if self.narrow else "multirate"


def make_plan(
    backend: str,
    table: Table,
    shape: tuple[int, int],
    psf: PSF,
    *,
    boundary: Boundary,
    single: bool,
    method: Method,
) -> Plan:
    """Choose the method of a plane by a table of costs.

    Parameters
    ----------
    backend : str
        Name of the backend.
    table : Table
        What each method takes there.
    shape : tuple of (int, int)
        Of the plane.
    psf : PSF
        To convolve with.
    boundary : Boundary
        What lies beyond the edges; other than symmetric it shuts out what smooth PSFs allow.
    single : bool
        Whether single precision does; if not, that is shut out too.
    method : Method
        One to take all the same, or "auto".

    Returns
    -------
    Plan
        The cheapest.

    Raises
    ------
    UnsupportedOperationError
        If the method that is requested cannot do it.
    """
    cheapest: dict[str, Way] = {}
    ways = table.ways(shape, psf, boundary=boundary, single=single, method=method)
    for way in sorted(ways, key=lambda way: way.cost):
        cheapest.setdefault(way.method, way)
    if method == "auto":
        chosen = next(iter(cheapest.values()))
        reason = table.reason(list(cheapest.values()), shape[0] * shape[1])
    elif method in cheapest:
        chosen, reason = cheapest[method], "as requested"
    else:
        raise UnsupportedOperationError(
            f"{backend} cannot convolve this PSF by {method!r} "
            f"({_condition(method)}); possible: {', '.join(sorted(cheapest))}"
        )
    parts = chosen.narrow, chosen.smooth, chosen.points
    return Plan(backend, chosen.method, reason, shape, boundary, psf, *parts)


@once(maxsize=64)
def splits(psf: PSF) -> tuple[Split, ...]:
    """List the ways to take a PSF apart into a narrow and a smooth part.

    Parameters
    ----------
    psf : PSF
        Any; its terms are taken by their reach, the narrowest first.

    Returns
    -------
    tuple of Split
        Those that leave nothing over, from all smooth to all narrow; maybe none.
    """
    terms = sorted(psf.terms(), key=lambda term: max(term[1].radius))
    found = []
    for count in range(len(terms) + 1):
        narrow = separable_terms(_sum(terms[:count])) if count else ()
        if narrow is None or len(narrow) > MOST_TERMS or _reach(narrow) > NARROW_RADIUS:
            break
        if count == len(terms):
            found.append(Split(narrow, None, math.inf))
            break
        smooth = _sum(terms[count:])
        spacing = thinning(smooth, BAND_TOLERANCE * psf.total)
        if spacing >= LEAST_SPACING:
            found.append(Split(narrow, smooth, spacing))
    return tuple(found)


def thinning(psf: PSF, tolerance: float) -> float:
    """Say how many pixels apart the points may be that a PSF is computed from.

    Parameters
    ----------
    psf : PSF
        Any; one that is not even in both axes is not computed so.
    tolerance : float
        What of the transfer function is as good as none.

    Returns
    -------
    float
        From 0, for a PSF that is not smooth, to 16.

    Notes
    -----
    The band ends where the transfer function has fallen for good below the tolerance, along rows,
    along columns and between; a third of a cycle per point holds it.
    """
    if not psf.is_even or not tolerance > 0:
        return 0.0
    band = 0.5
    for _ in range(1 + REFINEMENTS):
        f = np.linspace(0.0, band, FREQUENCIES)
        loud = np.argwhere(np.abs(psf.transfer(f, f)) > tolerance)
        last = int(loud.max(initial=0)) + 1
        if last >= FREQUENCIES - 1:
            break
        band = float(f[last])
    return min(BAND_CYCLES / band, WIDEST_SPACING) if band < 0.5 else 0.0


def separable_terms(psf: PSF) -> tuple[Taps, ...] | None:
    """Take a PSF apart into separable terms, without their faint ends.

    Parameters
    ----------
    psf : PSF
        One that reaches more than 64 pixels has to know its terms itself.

    Returns
    -------
    tuple of Taps, or None
        All of one length along rows, and of one along columns; None if there are too many, or
        they reach farther than 65,536 pixels.

    Notes
    -----
    The terms are those of the singular value decomposition of the samples, until what is left
    amounts to 1e-8 of them. Samples beyond the radius where 1e-9 of them are left are dropped.
    """
    if max(psf.radius) > FARTHEST_RADIUS:
        return None
    axes = psf.axes()
    if axes is not None and (len(axes) == 1 or max(psf.radius) > SAMPLED_RADIUS):
        reach = max(significant_radius(taps) for _, taps in axes)
        return tuple((w * _resized(taps, reach), _resized(taps, reach)) for w, taps in axes)
    if max(psf.radius) > SAMPLED_RADIUS:
        return None
    samples, (ry, rx) = psf.samples(), psf.radius
    reach_y, reach_x = (significant_radius(np.abs(samples).sum(axis=axis)) for axis in (1, 0))
    core = samples[ry - reach_y : ry + reach_y + 1, rx - reach_x : rx + reach_x + 1]
    across, strength, along = np.linalg.svd(core, full_matrices=False)
    terms: list[Taps] = []
    left = core
    while np.abs(left).sum() > LOST_TERMS * psf.l1 or not terms:
        if len(terms) == MOST_TERMS:
            return None
        term = len(terms)
        terms.append((strength[term] * across[:, term], along[term]))
        left = left - np.outer(*terms[-1])
    return tuple(terms)


def significant_radius(weights: npt.NDArray[np.float64]) -> int:
    """Say how far from their centre weights have to be kept.

    Parameters
    ----------
    weights : ndarray, shape (2 r + 1,)
        Centred.

    Returns
    -------
    int
        Radius, at most r, beyond which their absolute sum is 1e-9 of the whole or less.
    """
    size = np.abs(weights)
    radius = len(size) // 2
    inwards = np.cumsum((size + size[::-1])[: radius + 1])
    faint = int(np.searchsorted(inwards, LOST_WEIGHT * size.sum(), side="right"))
    return max(radius - faint, 0)


def fast_length(least: int, step: int = 1, primes: Sequence[int] = (2, 3, 5)) -> int:
    """Return a length that is quick to transform.

    Parameters
    ----------
    least : int
        The shortest that will do.
    step : int
        It is a multiple of this.
    primes : sequence of int
        It has no other prime factors.

    Returns
    -------
    int
        The next.
    """
    length = -(-max(least, 1) // step) * step
    while not _is_made_of(primes, length):
        length += step
    return length


def _condition(method: Method) -> str:
    """What a PSF and a plane have to be for a method."""
    smooth = "a smooth, even PSF on a float32 plane with the border symmetric"
    match method:
        case "direct":
            return "few samples, on a backend that adds shifted images"
        case "separable":
            return f"up to {MOST_TERMS} separable terms"
        case "multirate":
            return f"{smooth}, on a backend with coarse grids"
        case "frequencies":
            return f"{smooth}, on a backend without coarse grids"
        case _:
            return "a narrow and a smooth term on a float32 plane with the border symmetric"


def _transform_cost(costs: Costs, shape: tuple[int, int], psf: PSF, boundary: Boundary) -> float:
    (rows, cols), (ry, rx) = shape, psf.radius
    if boundary == "symmetric" and psf.is_even:
        return costs.calls["transform"] + costs.cosine * rows * cols
    continued = min(2 * rows, rows + 2 * ry) * min(2 * cols, cols + 2 * rx)
    return costs.calls["transform"] + costs.fourier * continued


def _split_cost(costs: Costs, split: Split, spacing: float, shape: tuple[int, int]) -> float:
    cost = 0.0
    if split.narrow:
        taps = sum(len(across) + len(along) for across, along in split.narrow)
        cost += costs.separable + costs.separable_term * len(split.narrow)
        cost += costs.separable_tap * taps
    if split.smooth is not None:
        cost += costs.multirate + costs.multirate_line / spacing
        cost += costs.multirate_point / spacing**2
    return cost * shape[0] * shape[1] + costs.calls[split.method]


def _fitting_spacing(split: Split, shape: tuple[int, int]) -> float:
    """Pixels between points with enough of them on the shorter side; 0 if that is too close."""
    spacing = min(split.spacing, min(shape) / COARSE_SIDE)
    return spacing if spacing >= LEAST_SPACING else 0.0


def _points(shape: tuple[int, int], spacing: float) -> tuple[int, int]:
    """How many points of each axis the smooth part is computed from, by a quick transform."""
    rows, cols = (fast_length(math.ceil(n / spacing)) for n in shape)
    return rows, cols


def _sum(terms: Sequence[tuple[float, PSF]]) -> PSF:
    weight, psf = terms[0]
    return psf if len(terms) == 1 and weight == 1.0 else combine(terms)


def _reach(terms: Iterable[Taps]) -> int:
    return max((len(taps) // 2 for term in terms for taps in term), default=0)


def _resized(taps: npt.NDArray[np.float64], reach: int) -> npt.NDArray[Any]:
    """Cut centred taps to a radius, or fill them up with zeros."""
    radius = len(taps) // 2
    if radius >= reach:
        return taps[radius - reach : radius + reach + 1]
    return np.pad(taps, reach - radius)


def _is_made_of(primes: Sequence[int], number: int) -> bool:
    for prime in primes:
        while number % prime == 0:
            number //= prime
    return number == 1
