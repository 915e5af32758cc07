"""Laws of development."""

import dataclasses
from importlib.resources import files

import numpy as np
import pytest

from phos_core.arrays import array_namespace
from phos_core.density_curve import Curve
from phos_core.effects.development import Development, develop
from phos_core.stocks.data_sheet import FilmSheet, read_film_sheet
from phos_core.stocks.fitting import extended, interpolated
from phos_core.stocks.loading import load_film

STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
STEP = Curve(centre=-1.0, width=1.0, coefficients=(1.0, 0.8))
TWO_LAYERS = Development(
    curves=(STEP, dataclasses.replace(STEP, centre=-2.0)), d_min=(0.2, 0.2), d_max=(1.8, 1.8)
)


def sheet_of(name: str) -> FilmSheet:
    text = files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text(encoding="utf-8")
    return read_film_sheet(text, name)


def developed(name: str, log10_exposure: np.ndarray) -> np.ndarray:
    """Densities (layers, n) of a neutral wedge, in float64."""
    params = load_film(name).development
    wedge = np.broadcast_to(log10_exposure, (len(params.curves), 1, len(log10_exposure)))
    return develop(wedge, params)[:, 0]


def mid_slope(log10_exposure: np.ndarray, density: np.ndarray, drawn: np.ndarray) -> float:
    """Slope of the straight line nearest to a curve from 30 to 70 % of the range drawn."""
    low, high = drawn.min(), drawn.max()
    share = (density - low) / (high - low)
    middle = (share > 0.3) & (share < 0.7)
    return float(np.polyfit(log10_exposure[middle], density[middle], 1)[0])


@pytest.mark.parametrize("name", STOCKS)
def test_density_never_turns_back_as_exposure_grows(name):
    steps = np.diff(developed(name, np.linspace(-8.0, 6.0, 7001)), axis=1)

    sign = -1.0 if load_film(name).kind == "reversal" else 1.0
    assert (sign * steps >= -1e-12).all()


@pytest.mark.parametrize("name", STOCKS)
def test_density_lies_between_d_min_and_d_max_and_reaches_both(name):
    params = load_film(name).development
    density = developed(name, np.linspace(-40.0, 40.0, 4001))

    np.testing.assert_allclose(density.min(axis=1), params.d_min, atol=1e-9)
    np.testing.assert_allclose(density.max(axis=1), params.d_max, atol=1e-9)


@pytest.mark.parametrize("name", [*STOCKS, "ektachrome-100d"])
def test_density_is_that_of_the_sheet_at_every_drawn_point(name):
    """Within 0.02 of density, as docs/film-table.md shows for every stock."""
    for layer, drawn in enumerate(sheet_of(name).characteristic_curve):
        density = developed(name, drawn[:, 0])[layer]
        np.testing.assert_allclose(density, drawn[:, 1], atol=0.02)


@pytest.mark.parametrize("name", STOCKS)
def test_curve_runs_out_soon_beyond_what_is_drawn(name):
    """To within 0.03 of where the drawn curve's own ends would take it; the base is clearest."""
    params = load_film(name).development
    for layer, drawn in enumerate(sheet_of(name).characteristic_curve):
        _, density = extended(drawn)
        assert params.d_min[layer] == pytest.approx(density.min(), abs=0.03)
        assert params.d_max[layer] == pytest.approx(density.max(), abs=0.03)
        assert params.d_min[layer] < drawn[:, 1].min() + 0.005


@pytest.mark.parametrize("name", STOCKS)
def test_middle_of_each_curve_is_as_steep_as_drawn(name):
    for layer, drawn in enumerate(sheet_of(name).characteristic_curve):
        x = np.linspace(drawn[0, 0], drawn[-1, 0], 1000)
        joined = interpolated(drawn[:, 0], drawn[:, 1], x)
        slope = mid_slope(x, developed(name, x)[layer], drawn[:, 1])
        assert slope == pytest.approx(mid_slope(x, joined, drawn[:, 1]), rel=0.02)


@pytest.mark.parametrize(
    ("name", "slopes", "within"),
    [
        ("portra-400", (0.55, 0.55, 0.64), 0.03),  # docs/sources.md, "kodak-e-4050"
        ("vision3-500t", (0.48, 0.56, 0.54), 0.03),  # docs/sources.md, "kodak-h-1-5219"
        ("velvia-50", (-2.1, -2.3, -2.15), 0.05),  # docs/sources.md, "fujifilm-af3-0221e2"
    ],
)
def test_middle_of_each_curve_is_as_steep_as_the_sheet_says(name, slopes, within):
    for layer, drawn in enumerate(sheet_of(name).characteristic_curve):
        x = np.linspace(drawn[0, 0], drawn[-1, 0], 1000)
        slope = mid_slope(x, developed(name, x)[layer], drawn[:, 1])
        assert slope == pytest.approx(slopes[layer], abs=within)


def test_each_layer_has_its_own_curve(xp):
    latent = xp.asarray([[[-1.0, 9.0]], [[-2.0, -12.0]]], dtype=xp.float32)

    density = np.asarray(develop(latent, TWO_LAYERS))

    np.testing.assert_allclose(density, [[[1.0, 1.8]], [[1.0, 0.2]]], atol=1e-6)


@pytest.mark.parametrize("name", STOCKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_namespace_dtype_shape_and_its_argument(name, dtype, xp):
    params = load_film(name).development
    wedge = np.linspace(-6.0, 4.0, 12, dtype=dtype).reshape(3, 4)
    latent = np.stack([wedge] * len(params.curves))
    given_latent = xp.asarray(latent, copy=True)

    density = develop(given_latent, params)

    assert array_namespace(density) is array_namespace(given_latent)
    assert density.dtype == given_latent.dtype
    assert density.shape == latent.shape
    np.testing.assert_array_equal(np.asarray(given_latent), latent)
    # Float32 sums a polynomial of degree 11 whose coefficients reach 30.
    expected = develop(latent.astype(np.float64), params)
    np.testing.assert_allclose(np.asarray(density), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d_min": (0.2,)}, "one entry per layer, got 2, 1 and 2"),
        ({"d_max": (1.8, 1.8, 1.8)}, "one entry per layer, got 2, 2 and 3"),
        ({"curves": (STEP,)}, "one entry per layer, got 1, 2 and 2"),
        ({"d_min": (0.2, 1.8)}, "d_min must lie below d_max"),
        ({"d_min": (0.2, float("nan"))}, "d_min must lie below d_max"),
    ],
)
def test_refuses_what_is_no_development(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TWO_LAYERS, **change)
