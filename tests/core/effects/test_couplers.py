"""Laws of couplers."""

import dataclasses
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.arrays import array_namespace
from phos_core.density_curve import Curve
from phos_core.effects.couplers import Couplers, coupler_psf, inhibit, release
from phos_core.effects.development import develop
from phos_core.stocks import baking
from phos_core.stocks.data_sheet import read_film_sheet
from phos_core.stocks.loading import load_film

STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
COLOUR_STOCKS = ("cinestill-800t", "portra-400", "velvia-50")
PLAIN = Couplers(
    release=(
        Curve(centre=-1.5, width=1.4, coefficients=(0.9, 0.9)),
        Curve(centre=-1.5, width=1.4, coefficients=(1.0, 1.0, 0.1)),
        Curve(centre=-1.5, width=1.4, coefficients=(1.2, 1.1)),
    ),
    inhibition=((0.25, 0.15, 0.10), (0.20, 0.25, 0.20), (0.10, 0.15, 0.25)),
    diffusion=((0.85, 20.0), (0.15, 200.0)),
)

latent_colours = st.lists(st.floats(-5.0, 2.0), min_size=3, max_size=3).map(
    lambda colour: np.array(colour).reshape(3, 1, 1)
)


def on_a_large_patch(latent: np.ndarray, params: Couplers) -> np.ndarray:
    """What the curves see in the middle of a patch, where spreading changes nothing."""
    return inhibit(latent, release(latent, params), params)


def mid_grey_latent(name: str) -> np.ndarray:
    film = load_film(name)
    return np.full((len(film.development.curves), 1, 1), np.log10(10.0 / film.iso_speed))


def response_to_a_sine(name: str, frequency_per_mm: float, pixel_pitch_um: float) -> np.ndarray:
    """Amplitude of density that a small sine of light gives, over that of a flat field, (layers,).

    The sine runs along the columns for a whole number of waves, so that the transform of the
    inhibitor times the PSF's transfer function is its spread.
    """
    film = load_film(name)
    cols = 400
    waves = round(frequency_per_mm / 1000.0 * pixel_pitch_um * cols)
    sine = np.sin(2.0 * np.pi * waves * np.arange(cols) / cols)
    swing = 0.01
    latent = mid_grey_latent(name) + swing * sine

    psf = coupler_psf(film.couplers, pixel_pitch_um=pixel_pitch_um)
    transfer = psf.transfer([0.0], np.fft.rfftfreq(cols))
    released = np.fft.rfft(release(latent, film.couplers), axis=-1)
    diffused = np.fft.irfft(released * transfer, n=cols, axis=-1)
    density = develop(inhibit(latent, diffused, film.couplers), film.development)

    amplitude = 2.0 / cols * (density * sine).sum(axis=-1)
    flat = develop(mid_grey_latent(name) + np.array([-swing, swing]), film.development)
    slope = (flat[..., 1] - flat[..., 0]) / (2.0 * swing)
    return (amplitude / (swing * slope)).ravel()


@pytest.mark.parametrize("name", STOCKS)
def test_neutral_ramp_on_large_patches_is_left_as_it_was(name, xp):
    film = load_film(name)
    ramp = np.linspace(-6.0, 4.0, 101, dtype=np.float32)
    neutral = xp.asarray(np.stack([ramp[None]] * len(film.development.curves)))

    inhibited = inhibit(neutral, release(neutral, film.couplers), film.couplers)

    # What single precision makes of polynomials of degree 13.
    np.testing.assert_allclose(np.asarray(inhibited), np.asarray(neutral), atol=5e-6)


@pytest.mark.parametrize("name", COLOUR_STOCKS)
def test_a_coloured_patch_gains_contrast_between_its_layers(name):
    params = load_film(name).couplers
    latent = mid_grey_latent(name) + np.array([0.4, 0.0, -0.4]).reshape(3, 1, 1)

    red, green, blue = on_a_large_patch(latent, params).ravel()

    assert red - green > 1.02 * 0.4
    assert green - blue > 1.02 * 0.4


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("name", COLOUR_STOCKS)
def test_a_layer_holds_back_the_others_and_not_itself(name, layer):
    params = load_film(name).couplers
    grey = mid_grey_latent(name)
    latent = grey.copy()
    latent[layer] += 0.5

    shift = (on_a_large_patch(latent, params) - latent).ravel()

    assert (np.delete(shift, layer) < -0.01).all()
    assert shift[layer] > 0.01


@settings(max_examples=100)
@given(latent=latent_colours, diffused=latent_colours)
def test_shift_is_the_formulas(latent, diffused):
    inhibited = inhibit(latent, diffused, PLAIN)

    matrix = np.array(PLAIN.inhibition)
    for i in range(3):
        # What each layer would release if it were exposed as this one is.
        released = release(np.repeat(latent[i : i + 1], 3, axis=0), PLAIN)
        shift = sum(matrix[i, j] * (released[j] - diffused[j]) for j in range(3))
        np.testing.assert_allclose(inhibited[i], latent[i] + shift, rtol=0, atol=1e-12)


@settings(max_examples=100)
@given(latent=latent_colours, diffused=latent_colours)
def test_a_bound_eases_a_shift_towards_itself(latent, diffused):
    """Never passed, never turned, and with no bound the formula's own bits."""
    bounded = dataclasses.replace(PLAIN, most_shift=0.3)
    free = inhibit(latent, diffused, PLAIN) - latent

    held = inhibit(latent, diffused, bounded) - latent

    np.testing.assert_allclose(held, free / np.sqrt(1.0 + (free / 0.3) ** 2), atol=1e-12)
    assert np.abs(held).max() < 0.3
    unbounded = inhibit(latent, diffused, dataclasses.replace(bounded, most_shift=np.inf))
    np.testing.assert_array_equal(unbounded, inhibit(latent, diffused, PLAIN))


def test_a_small_shift_is_left_alone_to_the_first_order():
    latent = np.full((3, 1, 1), -1.5)
    diffused = release(latent, PLAIN)
    small = inhibit(latent, diffused + 0.01, dataclasses.replace(PLAIN, most_shift=0.3)) - latent
    free = inhibit(latent, diffused + 0.01, PLAIN) - latent

    np.testing.assert_allclose(small, free, rtol=1e-3)
    assert np.abs(free).min() > 1e-3


@settings(max_examples=50)
@given(latent=latent_colours, diffused=latent_colours)
def test_without_inhibition_nothing_is_shifted(latent, diffused):
    without = dataclasses.replace(PLAIN, inhibition=((0.0,) * 3,) * 3)

    np.testing.assert_array_equal(inhibit(latent, diffused, without), latent)


@pytest.mark.parametrize("name", STOCKS)
def test_release_grows_with_exposure_from_next_to_nothing(name):
    params = load_film(name).couplers
    wedge = np.linspace(-8.0, 6.0, 3001)
    latent = np.broadcast_to(wedge, (len(params.release), 1, len(wedge)))

    for released in release(latent, params)[:, 0]:
        assert abs(released[0]) < 2e-3
        assert released[-1] > 1.5
        assert (np.diff(released) >= -1e-12).all()


@settings(max_examples=50)
@given(exposures=latent_colours)
def test_each_layer_releases_by_its_own_curve(exposures):
    released = release(exposures, PLAIN)

    for layer, curve in enumerate(PLAIN.release):
        alone = dataclasses.replace(PLAIN, release=(curve,) * 3)
        np.testing.assert_array_equal(released[layer], release(exposures, alone)[layer])


@settings(max_examples=50)
@given(x=st.floats(-6.0, 3.0))
def test_neutral_patch_is_left_as_it_was_however_unlike_its_layers_are(x):
    neutral = np.full((3, 1, 1), x)

    np.testing.assert_allclose(on_a_large_patch(neutral, PLAIN), neutral, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", STOCKS)
def test_edges_are_raised_near_ten_cycles_per_mm(name):
    response = response_to_a_sine(name, frequency_per_mm=10.0, pixel_pitch_um=2.0)

    assert (response > 1.1).all()
    assert (response < 1.3).all()


@pytest.mark.parametrize("frequency_per_mm", [1.25, 5.0, 10.0, 40.0])
@pytest.mark.parametrize("name", STOCKS)
def test_adjacency_is_the_one_that_scatter_was_fitted_beside(name, frequency_per_mm):
    text = files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text(encoding="utf-8")
    mid = baking.mid_log10_exposure(read_film_sheet(text, name))
    couplers = load_film(name).couplers

    expected = [
        baking.adjacency(np.array([frequency_per_mm]), layer, couplers, mid)[0]
        for layer in range(len(couplers.inhibition))
    ]

    response = response_to_a_sine(name, frequency_per_mm, pixel_pitch_um=2.0)
    np.testing.assert_allclose(response, expected, rtol=5e-3)


@pytest.mark.parametrize("pixel_pitch_um", [2.0, 12.0, 400.0])
def test_spread_keeps_the_inhibitor(pixel_pitch_um):
    samples = coupler_psf(PLAIN, pixel_pitch_um=pixel_pitch_um).samples()

    assert samples.sum() == pytest.approx(1.0, abs=1e-12)
    assert samples.min() >= 0.0


def test_spread_is_measured_in_um_on_the_film():
    for pixel_pitch_um in (4.0, 8.0):
        samples = coupler_psf(PLAIN, pixel_pitch_um=pixel_pitch_um).samples()
        position_um = pixel_pitch_um * (np.arange(len(samples)) - len(samples) // 2)
        variance = (samples.sum(axis=1) * position_um**2).sum()
        expected = 0.85 * 20.0**2 + 0.15 * 200.0**2 + pixel_pitch_um**2 / 12.0
        assert variance == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_namespace_dtype_shape_and_its_arguments(xp, dtype, rng):
    latent, diffused = rng.uniform(-3.0, 1.0, (2, 3, 4, 5)).astype(dtype)
    given_latent, given_diffused = (xp.asarray(a, copy=True) for a in (latent, diffused))

    inhibited = inhibit(given_latent, given_diffused, PLAIN)

    assert array_namespace(inhibited) is array_namespace(given_latent)
    assert inhibited.dtype == given_latent.dtype
    assert inhibited.shape == (3, 4, 5)
    np.testing.assert_array_equal(np.asarray(given_latent), latent)
    np.testing.assert_array_equal(np.asarray(given_diffused), diffused)
    expected = inhibit(latent.astype(np.float64), diffused.astype(np.float64), PLAIN)
    np.testing.assert_allclose(np.asarray(inhibited), expected, atol=3e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inhibition": ((0.2, 0.1), (0.1,))}, "inhibition must be square"),
        ({"inhibition": ((0.2, 0.1),)}, "inhibition must be square"),
        ({"release": PLAIN.release[:2]}, "one curve for each of the 3 layers .* got 2"),
        (
            {"release": (*PLAIN.release[:2], dataclasses.replace(PLAIN.release[2], width=1.0))},
            "one centre and width",
        ),
        ({"diffusion": ((0.5, 20.0), (0.4, 200.0))}, "diffusion must sum to 1, got 0.9"),
        ({"diffusion": ()}, "diffusion must sum to 1, got 0"),
        ({"diffusion": ((1.5, 20.0), (-0.5, 200.0))}, "positive weights and sigmas"),
        ({"most_shift": 0.0}, "most_shift must be positive, got 0.0"),
        ({"most_shift": float("nan")}, "most_shift must be positive, got nan"),
        ({"diffusion": ((1.0, 0.0),)}, "positive weights and sigmas"),
        ({"diffusion": ((1.0, float("nan")),)}, "positive weights and sigmas"),
    ],
)
def test_refuses_what_are_no_couplers(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PLAIN, **change)
