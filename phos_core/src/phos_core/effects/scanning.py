"""Scanning: a negative becomes a positive, by a device or balanced on its neutral ramp."""

import math
from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, clipped, mix, per_layer
from phos_core.density_curve import polynomial
from phos_core.tone import Finish, rolled_off

__all__ = [
    "GOES_ON",
    "NeutralScan",
    "Scan",
    "neutral_scan",
    "neutral_scan_beyond_white",
    "scan",
    "scan_beyond_white",
]

LN10 = math.log(10.0)
GOES_ON = 0.684  # our choice: a light of 0.9 in a scan, where its shoulder for SDR begins

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan of a negative by a device: what its three bands read, in one tone for all stocks.

    Parameters
    ----------
    decades : tuple of tuple of float
        One row per channel: decades of light, in the shadows, per unit of each layer's density.
    offset : tuple of float
        Per channel the decades at density 0; mid-grey is where decades are 0.
    mid_grey : float
        Light that a mid-grey becomes.
    white : float
        A light of 1, as a share of what the tone saturates at.
    finish : Finish or None
        What the operator changes; None: nothing.
    beyond : tuple of float
        Per channel, or for all, the slope of light beyond white that an HDR display shows, log
        against log of the odds.
    """

    decades: Rows
    offset: tuple[float, ...]
    mid_grey: float
    white: float
    finish: Finish | None = None
    beyond: tuple[float, ...] = (1.0 - GOES_ON,)

    def __post_init__(self) -> None:
        if len(self.offset) != len(self.decades):
            raise ValueError(
                f"offset must have one number per row of decades ({len(self.decades)}), "
                f"got {len(self.offset)}"
            )
        if not 0.0 < self.mid_grey < 1.0:
            raise ValueError(f"mid_grey must lie between 0 and 1, got {self.mid_grey}")
        if not 0.0 < self.white < 1.0:
            raise ValueError(f"white must lie between 0 and 1, got {self.white}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeutralScan:
    """A scan of a negative that is balanced on every step of the stock's neutral ramp.

    Parameters
    ----------
    d_min : tuple of float
        Density of the unexposed film, one per layer.
    balance : tuple of tuple of float
        Per layer a polynomial, lowest order first, from net density to the printing density that
        the same grey has in the layer that sets the tone.
    matrix : tuple of tuple of float
        Mixes the layers' printing densities; rows sum to 1, so greys stay.
    contrast : float
        Decades of light per unit of printing density, in the shadows.
    mid_grey_density : float
        Printing density of a mid-grey.
    mid_grey : float
        Light that a mid-grey becomes.
    black : float
        Printing density that becomes no light.
    white : float
        Printing density that becomes a light of 1; infinite: white is approached but never
        passed.
    """

    d_min: tuple[float, ...]
    balance: Rows
    matrix: Rows
    contrast: float
    mid_grey_density: float
    mid_grey: float
    black: float
    white: float = math.inf

    def __post_init__(self) -> None:
        if not 0 < self.mid_grey < 1:
            raise ValueError(f"mid_grey must lie between 0 and 1, got {self.mid_grey}")
        if not self.contrast > 0:
            raise ValueError(f"contrast must be positive, got {self.contrast}")
        for row in self.matrix:
            if not abs(sum(row) - 1.0) <= 1e-6:
                raise ValueError(f"each row of matrix must sum to 1, got {row}")
        if not self.black < self.mid_grey_density < self.white:
            raise ValueError(
                f"mid_grey_density must lie between black {self.black} and white {self.white}, "
                f"got {self.mid_grey_density}"
            )
        if not _odds(self) > 0:
            raise ValueError(
                f"black {self.black} or white {self.white} lies too near mid-grey "
                f"{self.mid_grey_density} for a contrast of {self.contrast:.3g}"
            )


def scan(density: Array, params: Scan) -> Array:
    """Scan a negative by a device.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : Scan
        What the device's bands make of the densities, and its tone.

    Returns
    -------
    array, shape (layers, rows, cols)
        Display-linear light, which approaches 1 and never passes it.

    Notes
    -----
    With K the decades per density, o their offset, w the white, m mid-grey and D the densities,

        q = (w m / (1 - w m)) 10^(K D + o),   L = (q / (1 + q)) / w

    a power law in the shadows that saturates at 1 / w. Above t = 0.9 a shoulder leads on towards
    1: with e = L - t,

        L' = t + e c / (e + c),   c = (1 / w - t) (1 - t) / (1 / w - 1)

    which starts with the slope 1 and gives 1 where L saturates.
    """
    xp = array_namespace(density)
    against = _log_odds_against(density, params)
    return rolled_off((1.0 / params.white) / (1.0 + xp.exp(against)), 1.0 / params.white)


def scan_beyond_white(density: Array, params: Scan) -> Array:
    """Scan a negative by a device for a display that shows light beyond white.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : Scan
        What the device's bands make of the densities, and its tone.

    Returns
    -------
    array, shape (layers, rows, cols)
        Display-linear light as `scan` gives it up to 0.9, where that begins to roll off; unbounded.

    Notes
    -----
    The saturating power law of `scan` is followed up to the share s of what it saturates at, and
    from there on a power law, with the channel's b of `beyond`. With q the odds of `scan`,

        L = s (q (1 - s) / s)^b / w  for q > s / (1 - s),   s = 0.684

    With b = 1 - s it goes on without a bend.
    """
    light = _going_on(_log_odds_against(density, params), params.beyond)
    light *= 1.0 / params.white
    return light


def _log_odds_against(density: Array, params: Scan) -> Array:
    """How much of what the tone saturates at is missing, over what is there, as a logarithm."""
    mid = params.white * params.mid_grey
    odds = mid / (1.0 - mid)
    against = mix(density, [[-LN10 * weight for weight in row] for row in params.decades])
    against -= per_layer([LN10 * offset + math.log(odds) for offset in params.offset], density)
    return against


def _going_on(log_odds_against: Array, slopes: tuple[float, ...]) -> Array:
    """The share of what a tone saturates at; from `GOES_ON` on a line, log against log."""
    xp = array_namespace(log_odds_against)
    at = math.log((1.0 - GOES_ON) / GOES_ON)
    within = clipped(log_odds_against, at)
    light = xp.exp((within - log_odds_against) * per_layer(slopes, within))
    light /= 1.0 + xp.exp(within)
    return light


def neutral_scan(density: Array, params: NeutralScan) -> Array:
    """Scan a negative, every step of its neutral ramp grey.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : NeutralScan
        The scan's balance and tone.

    Returns
    -------
    array, shape (layers, rows, cols)
        Display-linear light: 0 at the black point, towards 1 in the highlights.

    Notes
    -----
    With p the balanced printing density, p_m that of mid-grey m, and k the contrast,

        L = 1 / (1 + 10^(-k (p - p_m)) (1 - m) / m)

    a power law in the shadows that rolls off towards white; the light at the black point is
    subtracted and the rest scaled so that the white point is 1. The odds m / (1 - m) are those
    with which mid-grey is still m then.
    """
    xp = array_namespace(density)
    black, white = _ends(params)
    light = xp.exp(_neutral_log_odds_against(density, params))
    light += 1.0
    light = (1.0 / (white - black)) / light
    light -= black / (white - black)
    return light


def neutral_scan_beyond_white(density: Array, params: NeutralScan) -> Array:
    """Scan a negative as `neutral_scan`, for a display that shows light beyond white.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : NeutralScan
        The scan's balance and tone.

    Returns
    -------
    array, shape (layers, rows, cols)
        Display-linear light as `neutral_scan` gives it up to 0.684 of what it saturates at, and
        from there on as `scan_beyond_white` goes on.
    """
    black, white = _ends(params)
    light = _going_on(_neutral_log_odds_against(density, params), (1.0 - GOES_ON,))
    light *= 1.0 / (white - black)
    light -= black / (white - black)
    return light


def _neutral_log_odds_against(density: Array, params: NeutralScan) -> Array:
    """As `_log_odds_against`, after the balance."""
    printing_density = polynomial(density - per_layer(params.d_min, density), params.balance)
    rate = params.contrast * LN10
    offset = rate * params.mid_grey_density - math.log(_odds(params))
    against = mix(printing_density, [[-rate * weight for weight in row] for row in params.matrix])
    return against + offset


def _ends(params: NeutralScan) -> tuple[float, float]:
    """Shares of what the tone saturates at that become black and white."""
    odds = _odds(params)
    black, white = (_ratio(params, point) for point in (params.black, params.white))
    return _share(odds * black), _share(odds * white)


def _ratio(params: NeutralScan, printing_density: float) -> float:
    """Odds at a printing density over those at mid-grey."""
    decades = params.contrast * (printing_density - params.mid_grey_density)
    return math.inf if decades > 300.0 else float(10.0**decades)


def _share(odds: float) -> float:
    """Light of these odds."""
    return 1.0 - 1.0 / (1.0 + odds)


def _odds(params: NeutralScan) -> float:
    """Odds of mid-grey with which it stays mid-grey between the black and the white point."""
    black = _ratio(params, params.black)
    over_white = 1.0 / _ratio(params, params.white)
    span = params.mid_grey * (1.0 - over_white * black)
    least = 1.0 - black
    return (span - over_white * least) / (least - span) if least > span else -1.0
