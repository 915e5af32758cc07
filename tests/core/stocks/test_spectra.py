"""Laws of spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants

from phos_core.stocks.spectra import (
    SRGB_OF_RELATIVE_XYZ,
    WAVELENGTH_NM,
    blackbody,
    daylight,
    illuminant,
    relative_xyz,
    resample,
    tables,
)

NM = 1e-9
DAYLIGHT = ("D50", "D55", "D65")


def chromaticity(spectrum: np.ndarray) -> np.ndarray:
    xyz = tables().observer @ spectrum
    return xyz[:2] / xyz.sum()


def test_wavelengths_span_the_visible_in_steps_of_5_nm():
    assert WAVELENGTH_NM[0] == 380.0
    assert WAVELENGTH_NM[-1] == 730.0
    np.testing.assert_array_equal(np.diff(WAVELENGTH_NM), 5.0)
    for row in (*tables().observer, *tables().daylight.values(), *tables().basis):
        assert row.shape == WAVELENGTH_NM.shape


# The tables.


def test_observer_sees_equal_energy_as_white_and_most_at_555_nm():
    luminous = tables().observer[1]

    np.testing.assert_allclose(chromaticity(np.ones(71)), 1.0 / 3.0, atol=1e-4)
    assert luminous.max() == pytest.approx(1.0, abs=1e-4)
    assert WAVELENGTH_NM[luminous.argmax()] == 555.0


@pytest.mark.parametrize(
    ("name", "xy"),  # docs/sources.md, "cie-daylight"
    [("D50", (0.3457, 0.3585)), ("D55", (0.3324, 0.3474)), ("D65", (0.3127, 0.3290))],
)
def test_daylight_has_its_chromaticity(name, xy):
    np.testing.assert_allclose(chromaticity(illuminant(name)), xy, atol=1e-4)


def test_basis_sums_to_one_so_that_white_reflects_all():
    np.testing.assert_allclose(tables().basis.sum(axis=0), 1.0, atol=3e-7)
    assert (tables().basis >= 0.0).all()


def test_basis_under_d65_is_seen_as_the_primaries_of_srgb():
    lamp = illuminant("D65")
    seen = relative_xyz(lamp * tables().basis, lamp) @ SRGB_OF_RELATIVE_XYZ.T

    np.testing.assert_allclose(seen, np.eye(3), atol=2e-4)


# Light.


@settings(max_examples=50)
@given(kelvin=st.floats(1000.0, 20_000.0))
def test_blackbody_is_planck_s_law_and_one_at_560_nm(kelvin):
    hc_over_k = constants.h * constants.c / constants.k
    wavelength = WAVELENGTH_NM * NM
    planck = wavelength**-5.0 / np.expm1(hc_over_k / (wavelength * kelvin))

    power = blackbody(kelvin)

    assert power[WAVELENGTH_NM == 560.0] == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(power, planck / planck[WAVELENGTH_NM == 560.0], rtol=1e-8)


@settings(max_examples=50)
@given(kelvin=st.floats(5000.0, 7000.0))
def test_blackbody_peaks_where_wien_says(kelvin):
    power = blackbody(kelvin)
    peak = int(power.argmax())
    near = slice(peak - 1, peak + 2)
    curvature, slope, _ = np.polyfit(WAVELENGTH_NM[near] - WAVELENGTH_NM[peak], power[near], 2)

    wien_nm = constants.value("Wien wavelength displacement law constant") / kelvin / NM
    assert WAVELENGTH_NM[peak] - slope / (2.0 * curvature) == pytest.approx(wien_nm, abs=0.5)


@pytest.mark.parametrize("kelvin", [0.0, -3200.0, float("nan")])
def test_blackbody_refuses_what_is_no_temperature(kelvin):
    with pytest.raises(ValueError, match=f"kelvin must be a positive temperature, got {kelvin}"):
        blackbody(kelvin)


@pytest.mark.parametrize(("name", "kelvin"), [("D50", 5003.0), ("D55", 5503.0), ("D65", 6504.0)])
def test_daylight_is_the_cie_s_illuminants(name, kelvin):
    """Within 0.1 % of what is tabulated; reached: 0.04 %."""
    tabulated = tables().daylight[name] / 100.0

    np.testing.assert_allclose(daylight(kelvin), tabulated, rtol=1e-3, atol=2e-4)


@settings(max_examples=50)
@given(kelvin=st.floats(4000.0, 24_000.0))
def test_daylight_is_bluer_the_hotter(kelvin):
    power, hotter = daylight(kelvin), daylight(kelvin + 100.0)

    assert power[WAVELENGTH_NM == 560.0] == pytest.approx(1.0)
    assert chromaticity(hotter)[0] < chromaticity(power)[0]
    assert hotter[WAVELENGTH_NM == 450.0] > power[WAVELENGTH_NM == 450.0]


def test_daylight_changes_smoothly_where_its_two_formulas_meet():
    np.testing.assert_allclose(daylight(7000.0), daylight(7000.1), rtol=2e-3)


@pytest.mark.parametrize("kelvin", [3999.0, 25_001.0, float("nan")])
def test_daylight_has_a_range(kelvin):
    with pytest.raises(ValueError, match="kelvin of daylight must lie between 4000 and 25000"):
        daylight(kelvin)


def test_a_light_is_asked_for_by_name_or_temperature():
    for name in DAYLIGHT:
        np.testing.assert_array_equal(illuminant(name), tables().daylight[name])
    np.testing.assert_array_equal(illuminant(3200.0), blackbody(3200.0))
    np.testing.assert_array_equal(illuminant(5600.0), daylight(5600.0))


@pytest.mark.parametrize("name", ["d65", "A", ""])
def test_an_unknown_light_is_refused_with_those_that_are_known(name):
    with pytest.raises(ValueError, match=f"one of D50, D55, D65, got '{name}'"):
        illuminant(name)


@pytest.mark.parametrize("light", [*DAYLIGHT, 3200.0])
def test_white_is_seen_as_one_one_one(light):
    white = illuminant(light)

    np.testing.assert_allclose(relative_xyz(white, white), 1.0, rtol=1e-12)


@settings(max_examples=50)
@given(share=st.floats(0.0, 2.0))
def test_what_is_seen_is_linear_in_the_light(share):
    white = illuminant("D65")
    primaries = white * tables().basis
    together = share * primaries[0] + primaries[1]

    first, second = relative_xyz(primaries[:2], white)
    np.testing.assert_allclose(relative_xyz(together, white), share * first + second, rtol=1e-12)


def test_white_is_white_in_srgb():
    np.testing.assert_allclose(SRGB_OF_RELATIVE_XYZ @ np.ones(3), 1.0, atol=1e-12)


# Digitised curves.


def test_resampling_keeps_a_straight_line_and_its_own_points():
    line = np.array([[380.0, 1.0], [473.0, 1.93], [730.0, 4.5]])
    np.testing.assert_allclose(resample(line), 1.0 + (WAVELENGTH_NM - 380.0) / 100.0, rtol=1e-12)

    points = np.array([[400.0, 0.3], [555.0, -1.0], [700.0, 2.0]])
    at_points = resample(points)[np.isin(WAVELENGTH_NM, points[:, 0])]
    np.testing.assert_allclose(at_points, points[:, 1], rtol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.05])
def test_beyond_what_is_drawn_a_curve_falls_at_the_given_slope(slope):
    sampled = resample(np.array([[452.5, 2.0], [602.5, 1.0]]), slope_outside=slope)

    short, long = WAVELENGTH_NM < 452.5, WAVELENGTH_NM > 602.5
    np.testing.assert_allclose(sampled[short], 2.0 - slope * (452.5 - WAVELENGTH_NM[short]))
    np.testing.assert_allclose(sampled[long], 1.0 - slope * (WAVELENGTH_NM[long] - 602.5))
