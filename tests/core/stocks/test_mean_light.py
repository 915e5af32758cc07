"""Grain leaves a flat field as light as it is without, at every pixel pitch and in every mode."""

import numpy as np
import pytest

import phos_core as phos
from phos_core.color import decode_srgb, encode_srgb
from phos_core.effects.development import develop as develop_layers
from phos_core.effects.grain import add_grain, grain_noise, noise_rms
from phos_core.process.pipeline import print_bias

SIDE = 240
BLOCK = 12  # wider than grain reaches: means of blocks owe nothing to each other
STANDARD_ERRORS = 4.0
# Codes. The bias is a polynomial of the density, found on the stock's greys.
MISS_OF_A_GREY = 0.5
MISS_OF_A_COLOUR = 2.0

PITCHES_UM = (42.0, 8.5, 4.2, 2.0)  # of 0.5, 12, 50 and 220 megapixels
FULL = [
    ("vision3-500t", "auto", -3.0),
    ("vision3-500t", "auto", 0.0),
    ("portra-800-push-3200", "auto", -2.0),
    ("portra-400", "auto", 2.0),
    ("velvia-50", "auto", -2.0),
    ("velvia-50", "auto", 1.0),
    ("vision3-500t", "2383", -1.5),
    ("tri-x-400", "auto", 0.0),
]


def codes(light):
    """Light as codes of 8 bits."""
    return encode_srgb(np.asarray(light, dtype=float)) * 255.0


def mean_light(positive):
    """Mean light of each channel, and its standard error."""
    light = decode_srgb(positive.astype(float))
    blocks = light.reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK, 3).mean(axis=(1, 3))
    return light.mean(axis=(0, 1)), blocks.std(axis=(0, 1)) / (SIDE // BLOCK)


def misses(positive, wanted_light):
    """Codes by which the mean is off, beyond what chance gives."""
    mean, error = mean_light(positive)
    off = np.abs(codes(mean) - codes(wanted_light))
    return off - STANDARD_ERRORS * np.abs(codes(mean + error) - codes(mean))


@pytest.mark.proof
@pytest.mark.parametrize(("film", "printing", "stops"), FULL)
def test_a_grey_keeps_its_mean_light_at_every_pitch(film, printing, stops):
    grey = np.full((SIDE, SIDE, 3), 0.18 * 2.0**stops)
    settings = {"encoding": "linear", "printing": printing, "backend": "scipy"}
    smooth = decode_srgb(phos.develop(grey[:2, :2], film, grain=0, **settings)[0, 0])

    for pitch_um in PITCHES_UM:
        grainy = phos.develop(grey, film, seed=3, pixel_pitch_um=pitch_um, **settings)
        assert misses(grainy, smooth).max() < MISS_OF_A_GREY, pitch_um


@pytest.mark.proof
@pytest.mark.parametrize(
    ("film", "code"),
    [
        ("vision3-500t", 50),
        ("vision3-500t", 20),
        ("portra-800-push-3200", 20),
        ("portra-400", 128),
        ("velvia-50", 10),
        ("tri-x-400", 230),
    ],
)
def test_texture_mode_leaves_the_mean_light_of_a_grey_alone(film, code):
    grey = np.full((SIDE, SIDE, 3), code / 255.0)

    for pitch_um in PITCHES_UM:
        grainy = phos.develop(
            grey, film, mode="texture", seed=2, pixel_pitch_um=pitch_um, backend="scipy"
        )
        assert misses(grainy, decode_srgb(grey[0, 0])).max() < MISS_OF_A_GREY, pitch_um


@pytest.mark.proof
@pytest.mark.parametrize("film", ["vision3-500t", "portra-400", "ektar-100"])
def test_a_muted_colour_keeps_its_mean_light(film):
    for colour in ((0.1, 0.06, 0.04), (0.02, 0.03, 0.05), (0.3, 0.2, 0.25)):
        patch = np.broadcast_to(np.array(colour), (SIDE, SIDE, 3)).copy()
        settings = {"encoding": "linear", "backend": "scipy"}
        smooth = decode_srgb(phos.develop(patch[:2, :2], film, grain=0, **settings)[0, 0])

        grainy = phos.develop(patch, film, seed=3, pixel_pitch_um=4.2, **settings)

        assert misses(grainy, smooth).max() < MISS_OF_A_COLOUR


@pytest.mark.parametrize("name", ["portra-400", "velvia-50", "tri-x-400"])
def test_the_bias_leaves_the_granularity_as_published(name):
    """It shifts a density and does not spread it: the RMS of a flat field is that without."""
    film = phos.load_film(name)
    layers = len(film.grain.size_um)
    bias = print_bias(film.grain, film.development, film.printing, 6.0)
    density = np.full((layers, 80, 80), np.max(film.development.d_min) + 1.0, np.float32)
    noise = grain_noise(density, film.grain, rows=80, cols=80, pixel_pitch_um=6.0, seed=1)

    plain, biased = (add_grain(density, noise, film.grain, b) for b in (None, bias))

    np.testing.assert_allclose(biased.std(axis=(1, 2)), plain.std(axis=(1, 2)), rtol=1e-3)


@pytest.mark.parametrize("name", ["portra-400", "velvia-50", "hp5-plus"])
def test_however_strong_grain_stays_where_the_positive_is_balanced(name):
    """Ten times as strong it would reach densities at which the balance turns back."""
    film = phos.Recipe(film=name, grain=10.0).load_film()
    bias = print_bias(film.grain, film.development, film.printing, 2.0)
    exposed = np.linspace(-6.0, 3.0, 50, dtype=np.float32)
    density = develop_layers(
        np.broadcast_to(exposed, (len(film.grain.size_um), 50, 50)), film.development
    )
    noise = grain_noise(density, film.grain, rows=50, cols=50, pixel_pitch_um=2.0, seed=1)

    grainy = add_grain(density, noise, film.grain, bias)

    for plane, low, high in zip(
        grainy, film.development.d_min, film.development.d_max, strict=True
    ):
        assert low - 0.1001 <= plane.min() <= plane.max() <= high + 0.1001


@pytest.mark.parametrize("pixel_pitch_um", [2.0, 6.0, 24.0])
@pytest.mark.parametrize("size_um", [0.7, 2.8, 5.0])
def test_the_rms_of_a_pixel_is_that_of_its_noise(size_um, pixel_pitch_um):
    grain = phos.load_film("tri-x-400").grain
    grain = type(grain)(
        rms_coefficients=grain.rms_coefficients,
        d_min=grain.d_min,
        net_range=grain.net_range,
        size_um=(size_um,),
    )
    like = np.zeros(1, np.float32)
    noise = grain_noise(like, grain, rows=600, cols=600, pixel_pitch_um=pixel_pitch_um, seed=4)

    assert noise_rms(size_um, pixel_pitch_um) == pytest.approx(noise.std(), rel=0.02)
