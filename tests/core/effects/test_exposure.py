"""Laws of exposure."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core import develop
from phos_core.arrays import array_namespace
from phos_core.color import decode_srgb
from phos_core.effects.exposure import Exposure, expose, held_positive, log10_exposure
from phos_core.stocks.loading import load_film

PLAIN = Exposure(
    matrix=((0.85, 0.12, 0.03), (0.02, 0.85, 0.13), (0.05, 0.10, 0.85)), mid_grey_lx_s=0.025
)
STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")

light = st.floats(0.0, 1000.0, width=32)
scenes = st.lists(light, min_size=3, max_size=3).map(
    lambda colour: np.array(colour).reshape(3, 1, 1)
)


@settings(max_examples=100)
@given(first=scenes, second=scenes, times=st.floats(0.0, 100.0))
def test_is_linear_however_bright_the_light(first, second, times):
    together = expose(first + times * second, PLAIN)

    apart = expose(first, PLAIN) + times * expose(second, PLAIN)
    np.testing.assert_allclose(together, apart, rtol=1e-12, atol=1e-15)


@settings(max_examples=50)
@given(irradiance=light)
def test_neutral_stays_neutral_in_every_layer(irradiance):
    exposed = expose(np.full((3, 1, 1), irradiance), PLAIN)

    np.testing.assert_allclose(exposed, 0.025 / 0.18 * irradiance, rtol=1e-12, atol=1e-15)


@settings(max_examples=50)
@given(stops=st.floats(-10.0, 10.0), scene=scenes)
def test_each_stop_doubles_the_exposure(stops, scene):
    exposed = expose(scene, PLAIN, exposure_stops=stops)
    one_more = expose(scene, PLAIN, exposure_stops=stops + 1.0)

    np.testing.assert_allclose(one_more, 2.0 * exposed, rtol=1e-12, atol=1e-15)
    expected = 2.0**stops * expose(scene, PLAIN)
    np.testing.assert_allclose(exposed, expected, rtol=1e-12, atol=1e-15)


def test_each_layer_weighs_the_colours_by_its_own_row(xp):
    blue = np.zeros((3, 1, 1), dtype=np.float32)
    blue[2] = 0.18

    exposed = np.asarray(expose(xp.asarray(blue), PLAIN))

    np.testing.assert_allclose(exposed.ravel(), 0.025 * np.array([0.03, 0.13, 0.85]), rtol=1e-6)


@pytest.mark.parametrize("name", STOCKS)
def test_mid_grey_gives_ten_over_the_iso_speed(name, xp):
    film = load_film(name)
    grey = xp.full((3, 2, 2), 0.18, dtype=xp.float32)

    exposed = np.asarray(expose(grey, film.exposure))

    assert exposed.shape == (len(film.development.curves), 2, 2)
    np.testing.assert_allclose(exposed, 10.0 / film.iso_speed, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_namespace_dtype_size_and_its_argument(xp, dtype):
    scene = np.linspace(0.0, 30_000.0, 42, dtype=dtype).reshape(3, 2, 7)
    irradiance = xp.asarray(scene, copy=True)
    one_layer = Exposure(matrix=((0.2, 0.5, 0.3),), mid_grey_lx_s=0.025)

    for params, layers in ((PLAIN, 3), (one_layer, 1)):
        exposed = expose(irradiance, params)
        latent = log10_exposure(exposed)
        assert array_namespace(latent) is array_namespace(irradiance)
        assert exposed.dtype == latent.dtype == irradiance.dtype
        assert exposed.shape == latent.shape == (layers, 2, 7)
    np.testing.assert_array_equal(np.asarray(irradiance), scene)


@pytest.mark.parametrize("shape", [(3, 0, 5), (3, 5, 0)])
def test_a_picture_without_pixels_stays_one(shape, xp):
    exposed = log10_exposure(expose(xp.zeros(shape, dtype=xp.float32), PLAIN))

    assert exposed.shape == shape


# Colours outside sRGB.


def layers_of(exposures) -> np.ndarray:
    return np.array(exposures, dtype=float).reshape(3, 1, -1)


@settings(max_examples=200)
@given(scene=scenes, name=st.sampled_from(["pro-400h", "portra-400", "velvia-50"]))
def test_a_colour_of_srgb_is_left_alone(scene, name):
    exposed = expose(scene + 1e-3, load_film(name).exposure)

    np.testing.assert_allclose(held_positive(exposed), exposed, rtol=1e-12)


@pytest.mark.proof
@pytest.mark.parametrize("light", ["film", 1000.0, "tungsten", 25_000.0])
@pytest.mark.parametrize("name", ["velvia-50", "ektar-100", "vision3-500t"])
def test_a_colour_of_srgb_is_left_alone_under_any_light(name, light):
    """The corners of the cube have the least shares, since shares are ratios of sums."""
    params = load_film(name, light=light).exposure
    cube = np.array(np.meshgrid(*[[0.002, 0.5, 1.0]] * 3)).reshape(3, 1, -1)
    cube = np.concatenate([cube, np.eye(3).reshape(3, 1, 3)], axis=2)
    exposed = expose(cube, params)

    held = held_positive(exposed, params.least_share)

    assert 0.0 <= params.least_share <= 0.03
    np.testing.assert_allclose(held, exposed, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("film", "light", "colour"),
    [
        ("velvia-50", 2000.0, (0.996, 0.682, 0.031)),
        ("ektar-100", 1000.0, (1.0, 1.0, 1.0)),
        ("provia-100f", "tungsten", (1.0, 0.0, 0.0)),
        ("portra-400", 25_000.0, (1.0, 1.0, 0.0)),
    ],
)
def test_srgb_codes_and_their_light_develop_alike_under_any_light(film, light, colour):
    codes = np.full((2, 2, 3), colour)
    settings_ = {"mode": "colour", "light": light, "backend": "scipy"}

    first = develop(codes, film, **settings_)
    second = develop(decode_srgb(codes), film, encoding="display", **settings_)

    assert np.abs(first - second).max() < 0.01 / 255


@settings(max_examples=200)
@given(exposures=st.lists(st.floats(-100.0, 100.0), min_size=3, max_size=3))
def test_what_is_held_is_positive_and_no_darker_than_it_was(exposures):
    exposed = layers_of(exposures)

    held = held_positive(exposed)

    mean = np.maximum(exposed, 0.0).mean()
    assert (held > 0.0).all()
    assert (held >= 0.0099 * mean).all()
    assert (held >= exposed * (1.0 - 1e-12)).all()
    assert (held <= np.maximum(exposed, 0.03 * mean) + 1e-6).all()


def test_a_layer_s_exposure_rises_smoothly_through_nothing():
    """Without a jump or a kink: its slope goes from nearly 0 to 1, and never falls."""
    layer = np.linspace(-0.5, 0.5, 4001)
    other = 3.0 - np.maximum(layer, 0.0)  # so that all are of one mean
    exposed = np.stack([layer, other, np.full_like(layer, 0.5)])[:, None]

    held = held_positive(exposed)[0, 0]

    slope = np.diff(held) / np.diff(layer)
    assert 0.0 < slope[0] < 0.02
    assert slope[-1] == pytest.approx(1.0)
    assert (np.diff(slope) >= -1e-9).all()
    assert np.diff(slope).max() < 0.05


@pytest.mark.parametrize("against", [0.2, 0.9, 0.99])
def test_a_saturated_colours_least_share_rises_no_faster_than_its_light(against):
    """However nearly one layer's negative exposure takes back what another has."""
    bright = np.linspace(1.0, 2.0, 101)
    exposed = np.stack([np.full_like(bright, -against), bright, np.full_like(bright, 0.01)])

    held = held_positive(exposed[:, np.newaxis])[0, 0]

    slope = np.diff(np.log(held)) / np.diff(np.log(bright))
    assert (slope > 0.0).all()
    assert slope.max() < 2.0


def test_what_is_held_scales_with_the_light():
    exposed = layers_of([-0.3, 0.2, 0.9])

    np.testing.assert_allclose(held_positive(10.0 * exposed), 10.0 * held_positive(exposed))


def test_no_light_at_all_is_the_least_there_is(xp):
    held = held_positive(xp.asarray([[[-1.0]], [[0.0]], [[-0.5]]], dtype=xp.float32))

    assert held.dtype == xp.float32
    assert array_namespace(held) is xp
    assert (np.asarray(held) > 0.0).all()
    assert (np.asarray(held) <= 1e-6).all()


def test_logarithm_has_a_floor_where_no_stock_responds(xp):
    exposure = xp.asarray([[[-3.0, 0.0, 1e-9, 1e-6, 1e-3, 1.0, 1e5]]], dtype=xp.float32)

    latent = np.asarray(log10_exposure(exposure)).ravel()

    np.testing.assert_allclose(latent, [-6.0, -6.0, -6.0, -6.0, -3.0, 0.0, 5.0], atol=1e-6)


@settings(max_examples=50)
@given(exposure=st.floats(2e-6, 1e6))
def test_logarithm_is_decimal(exposure):
    latent = log10_exposure(np.array([[[exposure, 10.0 * exposure]]])).ravel()

    assert 10.0 ** latent[0] == pytest.approx(exposure)
    assert latent[1] - latent[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": ((0.5, -0.5, -0.1),)}, "each row of matrix must be three weights of a pos"),
        ({"matrix": ((0.5, 0.5),)}, r"three weights of a positive sum, got \(0.5, 0.5\)"),
        ({"matrix": ((0.2, 0.5, 0.3), (0.0, 0.0, 0.0))}, r"got \(0.0, 0.0, 0.0\)"),
        ({"matrix": ((0.2, 0.5, float("inf")),)}, r"got \(0.2, 0.5, inf\)"),
        ({"mid_grey_lx_s": 0.0}, "mid_grey_lx_s must be positive, got 0.0"),
        ({"mid_grey_lx_s": float("nan")}, "mid_grey_lx_s must be positive, got nan"),
    ],
)
def test_refuses_what_is_no_exposure(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PLAIN, **change)
