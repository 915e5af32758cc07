"""Baking a scan: what a scanner's bands make of a negative's dyes, and what its aperture blurs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from phos_core.density_curve import Curve
from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY
from phos_core.effects.grain import Grain, spectral_density_um2
from phos_core.effects.scanning import GOES_ON, Scan
from phos_core.stocks.baking.light import LOG10_2, as_rows, mid_log10_exposure
from phos_core.stocks.data_sheet import FilmSheet
from phos_core.stocks.dyes import DyeSet
from phos_core.stocks.fitting import read
from phos_core.stocks.spectra import WAVELENGTH_NM

__all__ = ["SCANNERS", "Scanner", "device_scan", "film_dyes", "scanned_grain"]

Floats = NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]

# The tone of a scan, our choice (docs/decisions/0026): white is where a file's white is.
SCAN_WHITE = 0.76
# Decades of light per unit of density of a black-and-white negative: the mean of the bundled
# stocks, normally developed, then has the contrast of the scene (`nox -s look -- profiles`).
SILVER_CONTRAST = 2.5
LAMP_STOPS = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)  # our choice: over mid-grey, neutral on HDR displays
LEAST_BEYOND = 0.1  # of a channel's logarithm: with less nothing can be balanced
SAMPLED_STOPS: Floats = np.linspace(-3.0, 3.0, 7)  # of each layer, on its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """A device that scans film.

    Parameters
    ----------
    label : str
        What it is.
    peaks_nm, widths_nm : tuple of float
        Where its red, green and blue band respond most, and the standard deviation of each band.
    profile : tuple of tuple of float
        Decades of light in red, green and blue (rows) per unit of density in the bands.
    aperture_um : float
        Standard deviation of the Gaussian that lens and sensor blur the film by, in µm; 0: none.
    """

    label: str
    peaks_nm: tuple[float, float, float]
    widths_nm: tuple[float, float, float]
    profile: Rows
    aperture_um: float


_MINILAB = Scanner(
    label="minilab: red, green and blue light-emitting diodes",
    peaks_nm=(630.0, 530.0, 465.0),
    widths_nm=(10.0, 16.0, 12.0),
    profile=((3.46, -0.26, 0.06), (0.24, 2.84, -0.30), (0.07, -0.47, 2.92)),
    aperture_um=4.0,
)

SCANNERS: Mapping[str, Scanner] = MappingProxyType(
    {
        "minilab": _MINILAB,
        "camera": Scanner(
            label="camera over a light of three narrow bands",
            peaks_nm=(665.0, 525.0, 450.0),
            widths_nm=(10.0, 16.0, 10.0),
            profile=((2.28, 0.06, 0.01), (0.19, 2.98, -0.41), (-0.06, -0.21, 2.66)),
            aperture_um=3.0,
        ),
        "drum": Scanner(
            label="drum: white light through the filters of status M",
            peaks_nm=(645.0, 545.0, 450.0),
            widths_nm=(12.0, 12.0, 12.0),
            profile=((2.81, -0.06, 0.03), (0.11, 2.57, -0.01), (-0.07, -0.19, 2.69)),
            aperture_um=2.0,
        ),
        "none": replace(_MINILAB, label="the minilab's bands without an aperture", aperture_um=0.0),
    }
)
"""What scans film, by name; docs/decisions/0026 has the sources, and how the profiles are found.
"""


def film_dyes(sheet: FilmSheet, developed: Development) -> DyeSet:
    """The dyes of a developed stock."""
    if sheet.dyes is None:
        raise ValueError(f"{sheet.name} has no dyes: a colour stock's sheet needs a [dyes] table")
    status = "A" if sheet.kind == "reversal" else "M"
    return DyeSet(sheet.dyes, sheet.base, developed.d_min, status)


def device_scan(
    sheet: FilmSheet,
    developed: Development,
    scanner: Scanner,
    contrast: float = 1.0,
    balance_cc: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Scan:
    """Scan a negative in the tone that all stocks have, balanced on its mid-grey alone.

    Parameters
    ----------
    sheet : FilmSheet
        A negative's figures, colour or black-and-white.
    developed : Development
        Its curves.
    scanner : Scanner
        What scans it.
    contrast : float
        Factor of the scanner's contrast.
    balance_cc : tuple of float
        Red, green and blue filtration of the scanner's light.

    Returns
    -------
    Scan
        Affine in the negative's densities.

    Notes
    -----
    What a band of the scanner reads is the logarithm of a mean of 10^-D over its wavelengths. For
    a narrow band that is all but affine in the dyes' amounts, so each band becomes one weight per
    layer, the least squares over colours from 3 stops under to 3 over mid-grey.
    """
    mid = mid_log10_exposure(sheet)
    grey = np.array([read(curve, mid) for curve in developed.curves])
    if sheet.kind == "black-and-white":
        decades = np.array([[contrast * SILVER_CONTRAST]])
        filters = np.zeros(1)  # silver has no colour to balance
    else:
        profile = contrast * np.array(scanner.profile)
        decades = profile @ _bands(sheet, developed, scanner, grey)
        filters = profile @ (np.array(balance_cc) / 100.0)
    return Scan(
        decades=as_rows(decades),
        offset=tuple((filters - decades @ grey).tolist()),
        mid_grey=MID_GREY,
        white=SCAN_WHITE,
        beyond=_beyond(developed, mid, decades),
    )


def _beyond(developed: Development, mid: float, decades: Floats) -> tuple[float, ...]:
    """Slopes of light beyond white with which lamps are neutral that no stock has balanced.

    An SDR scan shows them white because all channels saturate. Here the middle one goes on without
    a bend, and the others as far as it does, by least squares of the logarithms.
    """
    exposed = [mid + stops * LOG10_2 for stops in (0.0, *LAMP_STOPS)]
    density = np.array([read(curve, np.array(exposed)) for curve in developed.curves])
    over_grey = math.log(10.0) * decades @ (density[:, 1:] - density[:, :1])
    odds = SCAN_WHITE * MID_GREY / (1.0 - SCAN_WHITE * MID_GREY)
    over = np.clip(over_grey + math.log(odds * (1.0 - GOES_ON) / GOES_ON), 0.0, None)
    middle = over[len(over) // 2]
    if not (over.max(axis=1) > LEAST_BEYOND).all():
        return (1.0 - GOES_ON,) * len(over)
    slopes: Floats = (1.0 - GOES_ON) * (over @ middle) / (over * over).sum(axis=1)
    return tuple(slopes.tolist())


def _bands(sheet: FilmSheet, developed: Development, scanner: Scanner, grey: Floats) -> Floats:
    """Density in each band (rows) per unit of each layer's density, around a mid-grey."""
    dyes = film_dyes(sheet, developed)
    peaks, widths = (
        np.array(of_bands)[:, np.newaxis] for of_bands in (scanner.peaks_nm, scanner.widths_nm)
    )
    response: Floats = np.exp(-0.5 * ((WAVELENGTH_NM - peaks) / widths) ** 2)
    response /= response.sum(axis=1, keepdims=True)

    def read_by_bands(density: Floats) -> Floats:
        through: Floats = 10.0 ** -dyes.spectral_density(density) @ response.T
        return -np.log10(through)

    samples = _samples(developed.curves, mid_log10_exposure(sheet))
    weights, *_ = np.linalg.lstsq(
        samples - grey, read_by_bands(samples) - read_by_bands(grey), rcond=None
    )
    return np.asarray(weights.T, np.float64)


def _samples(curves: tuple[Curve, ...], mid: float) -> Floats:
    """Densities (n, 3) of layers exposed around mid-grey, each on its own."""
    grid = np.meshgrid(
        *(read(curve, mid + SAMPLED_STOPS * LOG10_2) for curve in curves), indexing="ij"
    )
    return np.stack([axis.ravel() for axis in grid], axis=1)


def scanned_grain(grain: Grain, aperture_um: float) -> Grain:
    """Grain as a scanner sees it.

    Parameters
    ----------
    grain : Grain
        The stock's, as it is on the film.
    aperture_um : float
        Standard deviation of the scanner's Gaussian, in µm.

    Returns
    -------
    Grain
        Coarser and weaker, by the same aperture in every layer.

    Notes
    -----
    Grain is white noise blurred by a Gaussian of the standard deviation s. Blurred once more, by
    a, it is the same white noise blurred by sqrt(s^2 + a^2); its RMS through the 48 µm of the
    data sheets falls with the root of the power that this leaves there.
    """
    if not aperture_um:
        return grain
    sizes = tuple(math.hypot(size_um, aperture_um) for size_um in grain.size_um)
    kept = [
        math.sqrt(spectral_density_um2(before) / spectral_density_um2(after))
        for before, after in zip(grain.size_um, sizes, strict=True)
    ]
    return replace(
        grain,
        size_um=sizes,
        rms_coefficients=tuple(
            tuple(share * term for term in row)
            for share, row in zip(kept, grain.rms_coefficients, strict=True)
        ),
    )
