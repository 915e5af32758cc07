"""Laws of dyes: density to spectrum to light."""

from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.stocks import baking
from phos_core.stocks.data_sheet import FilmSheet, PaperSheet, read_film_sheet, read_paper_sheet
from phos_core.stocks.dyes import (
    DyeSet,
    paper_exposure,
    projected_xyz,
    reflected_xyz,
    sensitivities,
    status_density,
)
from phos_core.stocks.fitting import at_end, fit_drawn_curves, read
from phos_core.stocks.spectra import WAVELENGTH_NM, resample

COLOUR_STOCKS = ("cinestill-800t", "portra-400", "velvia-50")
PEAKS_NM = {"M": (645.0, 545.0, 450.0), "A": (620.0, 535.0, 440.0)}

densities = st.lists(st.floats(0.0, 3.0), min_size=3, max_size=3).map(np.array)


def text_of(folder: str, name: str) -> str:
    return files("phos_core.stocks").joinpath(folder, f"{name}.toml").read_text(encoding="utf-8")


def sheet_of(name: str) -> FilmSheet:
    return read_film_sheet(text_of("films", name), name)


@cache
def dyes_of(name: str) -> DyeSet:
    sheet = sheet_of(name)
    return baking.film_dyes(sheet, baking.development(sheet))


def endura() -> PaperSheet:
    return read_paper_sheet(text_of("papers", "endura-premier"), "endura-premier")


def narrow_dyes() -> DyeSet:
    """Dyes that each absorb around one status M response alone, over a base of 0.1."""
    points = tuple(
        np.array([[p - 60.0, 0.0], [p - 40.0, 1.0], [p + 40.0, 1.0], [p + 60.0, 0.0]])
        for p in PEAKS_NM["M"]
    )
    base = np.array([[380.0, 0.1], [730.0, 0.1]])
    return DyeSet(points, base, (0.1, 0.1, 0.1), "M")


# Status densities.


@pytest.mark.parametrize("status", ["A", "M"])
@settings(max_examples=30)
@given(density=st.floats(0.0, 4.0))
def test_a_grey_filter_has_one_density_in_all_three(status, density):
    np.testing.assert_allclose(status_density(np.full(71, density), status), density, atol=1e-9)


@pytest.mark.parametrize("status", ["A", "M"])
def test_status_responses_are_red_green_and_blue(status):
    for layer, peak_nm in enumerate(PEAKS_NM[status]):
        clear_elsewhere = np.where(np.abs(WAVELENGTH_NM - peak_nm) < 40.0, 1.0, 0.0)
        density = status_density(clear_elsewhere, status)
        assert density[layer] > 0.98
        assert (np.delete(density, layer) < 0.02).all()


@pytest.mark.parametrize("name", COLOUR_STOCKS)
def test_a_unit_of_dye_has_the_density_of_its_peak_and_little_elsewhere(name):
    dyes = dyes_of(name)
    unit = status_density(dyes.dyes, "A" if name == "velvia-50" else "M")

    assert (np.diag(unit) > 0.65).all()  # cyan of still negatives peaks near 700 nm
    assert (np.diag(unit) < 1.01).all()
    assert (unit[~np.eye(3, dtype=bool)] < 0.25).all()
    np.testing.assert_allclose(dyes.amounts_of_density @ unit.T, np.eye(3), atol=1e-12)


# Dye sets.


@settings(max_examples=50)
@given(net=densities)
def test_densities_come_back_through_dyes_that_do_not_overlap(net):
    dyes = narrow_dyes()

    back = status_density(dyes.spectral_density(0.1 + net), "M")

    np.testing.assert_allclose(back, 0.1 + net, atol=0.01)


@pytest.mark.parametrize(
    ("name", "within"),
    [("cinestill-800t", 0.01), ("portra-400", 0.03), ("velvia-50", 0.05)],
)
def test_densities_over_base_come_back_along_the_neutral_ramp(name, within):
    """What is lost: light passes best where a dye is thinnest within a response.

    Reached: 0.0072, 0.028 at the ramp's end and, of a density of 3.7, 0.046.
    """
    sheet, dyes = sheet_of(name), dyes_of(name)
    curves = baking.development(sheet).curves
    ramp = np.array([read(curve, baking.neutral_ramp(sheet)) for curve in curves]).T
    status = "A" if sheet.kind == "reversal" else "M"

    base = status_density(dyes.spectral_density(dyes.d_min), status)
    back = status_density(dyes.spectral_density(ramp), status) - base

    np.testing.assert_allclose(back, ramp - dyes.d_min, atol=within)


@pytest.mark.parametrize("name", ["cinestill-800t", "portra-400"])
def test_base_of_a_negative_is_as_dense_in_the_spectrum_as_in_the_curve(name):
    """Two drawings of one base; their readings differ by up to 0.041, in Portra's blue."""
    dyes = dyes_of(name)

    np.testing.assert_allclose(status_density(dyes.base, "M"), dyes.d_min, atol=0.041)


@pytest.mark.parametrize("name", COLOUR_STOCKS)
@settings(max_examples=20)
@given(density=densities)
def test_affine_form_is_the_spectral_density(name, density):
    dyes = dyes_of(name)
    rows, at_none = dyes.affine()

    expected = dyes.spectral_density(density)
    np.testing.assert_allclose(rows @ density + at_none, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", COLOUR_STOCKS)
def test_without_dye_there_is_the_base_alone(name):
    dyes = dyes_of(name)

    np.testing.assert_allclose(dyes.spectral_density(dyes.d_min), dyes.base, atol=1e-12)


def test_dyes_never_add_light():
    """A drawn curve may dip below zero, a dye does not."""
    drawn = sheet_of("portra-400").dyes
    assert min(resample(dye).min() for dye in drawn) < 0.0

    assert dyes_of("portra-400").dyes.min() == 0.0


# What is seen and printed.


@pytest.mark.parametrize("dyes", [narrow_dyes(), dyes_of("velvia-50")], ids=["plain", "velvia"])
def test_base_of_a_transparency_is_white_and_denser_is_darker(dyes):
    greys = dyes.d_min + np.array([[0.0], [0.5], [1.0], [2.0], [3.0]])

    seen = projected_xyz(dyes, greys)

    np.testing.assert_allclose(seen[0], 1.0, rtol=1e-12)
    assert (np.diff(seen, axis=0) < 0.0).all()


def test_gain_multiplies_the_spectral_density_over_base():
    dyes = dyes_of("velvia-50")
    net = np.array([0.4, 0.6, 0.5])

    twice = projected_xyz(dyes, dyes.d_min + 2.0 * net)

    np.testing.assert_allclose(projected_xyz(dyes, dyes.d_min + net, gain=2.0), twice, rtol=1e-12)
    np.testing.assert_allclose(projected_xyz(dyes, dyes.d_min + net, gain=0.0), 1.0, rtol=1e-12)


def test_a_perfect_white_is_reflected_as_white():
    dyes = DyeSet(endura().dyes, None, (0.0, 0.0, 0.0), "A")

    np.testing.assert_allclose(reflected_xyz(dyes, np.zeros(3), "D65"), 1.0, rtol=1e-12)
    assert (reflected_xyz(dyes, np.full(3, 0.1), "D65") < 0.85).all()


def test_each_dye_takes_its_own_light_from_the_eye():
    dyes = DyeSet(endura().dyes, None, (0.0, 0.0, 0.0), "A")
    red_light, _, blue_light = (0, 1, 2)

    cyan, _, yellow = (reflected_xyz(dyes, density, "D65") for density in np.eye(3))

    assert cyan.argmin() == red_light
    assert yellow.argmin() == blue_light


def test_paper_is_exposed_by_what_the_negative_lets_through():
    dyes, paper = narrow_dyes(), endura()
    clear = paper_exposure(dyes, paper, np.full(3, 0.1))

    np.testing.assert_allclose(clear, 10.0**-0.1, rtol=1e-9)
    for layer in range(3):
        density = np.full(3, 0.1)
        density[layer] = 1.1
        exposed = paper_exposure(dyes, paper, density)
        assert (exposed <= 1.000001 * clear).all()
        assert (exposed / clear).argmin() == layer


def test_sensitivities_are_linear_and_die_away_beyond_the_drawing():
    drawn = np.array([[500.0, 1.0], [600.0, 2.0]])
    ten_times = np.array([[500.0, 2.0], [600.0, 3.0]])

    sensitivity = sensitivities((drawn, ten_times))

    assert sensitivity.shape == (2, 71)
    np.testing.assert_allclose(sensitivity[1], 10.0 * sensitivity[0], rtol=1e-12)
    at = dict(zip(WAVELENGTH_NM.tolist(), np.log10(sensitivity[0]).tolist(), strict=True))
    assert (at[500.0], at[550.0], at[600.0]) == pytest.approx((1.0, 1.5, 2.0))
    assert (at[480.0], at[620.0]) == pytest.approx((0.0, 1.0))


def test_dyes_of_a_stock_without_dyes_are_refused():
    sheet = sheet_of("tri-x-400")

    with pytest.raises(ValueError, match=r"tri-x-400 has no dyes: .* needs a \[dyes\] table"):
        baking.film_dyes(sheet, baking.development(sheet))


def test_paper_white_is_the_paper_s_own_d_min():
    curves = fit_drawn_curves(endura().characteristic_curve)

    for curve, drawn in zip(curves, endura().characteristic_curve, strict=True):
        assert at_end(curve, -1.0) == pytest.approx(drawn[0, 1], abs=0.005)
