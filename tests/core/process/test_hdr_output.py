"""Positives for displays that show light beyond white: the scan's tone there, PQ and HLG."""

import numpy as np
import pytest

import phos_core as phos
from phos_core.color import light_to_hlg, light_to_pq, to_linear_srgb
from phos_core.effects.scanning import GOES_ON
from phos_core.process.output import PEAK
from phos_core.stocks.library import films
from phos_core.stocks.loading import load_film

STOPS = np.linspace(-7.0, 11.0, 181)
COLOUR_NEGATIVES = sorted(film.name for film in films() if film.kind == "negative")
SOME = ("portra-400", "cinestill-800t", "tri-x-400", "velvia-50")
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 32  # as SMPTE ST 2084 has them, written on their own
PQ_C1, PQ_C2, PQ_C3 = 107 / 128, 2413 / 128, 2392 / 128


def light_of_pq(codes):
    """Light over a white of 203 cd/m2: the inverse, in double precision."""
    power = np.asarray(codes, np.float64) ** (1 / PQ_M2)
    share = np.maximum(power - PQ_C1, 0.0) / (PQ_C2 - PQ_C3 * power)
    return share ** (1 / PQ_M1) * 1e4 / 203


def ramp(colour=(1.0, 1.0, 1.0), stops=STOPS):
    light = 0.18 * 2.0 ** np.asarray(stops)[:, np.newaxis] * np.array(colour)
    return np.repeat(light[np.newaxis], 2, axis=0).astype(np.float32)


def hdr(scene, film, **settings):
    positive = phos.develop(
        scene,
        film,
        encoding="linear",
        output_space="rec2100-pq",
        mode="colour",
        backend="scipy",
        **settings,
    )
    return light_of_pq(positive)[0]


def sdr(scene, film, **settings):
    positive = phos.develop(
        scene,
        film,
        encoding="linear",
        output_space="rec2020",
        mode="colour",
        backend="scipy",
        **settings,
    )
    return positive[0].astype(np.float64) ** 2.4


def at(stops):
    return int(np.abs(STOPS - stops).argmin())


@pytest.mark.parametrize("film", SOME)
@pytest.mark.parametrize("printing", ["auto", "2383", "endura-premier"])
def test_tones_below_white_are_those_for_sdr(film, printing):
    if printing != "auto" and film not in COLOUR_NEGATIVES:
        pytest.skip("papers in colour are for colour negatives")
    bright, plain = hdr(ramp(), film, printing=printing), sdr(ramp(), film, printing=printing)
    below = plain.max(axis=-1) < 0.88
    assert below.sum() > 80
    np.testing.assert_allclose(bright[below], plain[below], rtol=5e-4, atol=2e-5)
    np.testing.assert_allclose(bright[at(0)], 0.18, atol=5e-4)


@pytest.mark.parametrize("film", sorted(film.name for film in films()))
def test_a_ramp_rises_up_to_the_peak_and_no_farther(film):
    bright = hdr(ramp(), film)
    assert (np.diff(bright, axis=0) >= -1e-4).all()
    assert bright.max() < PEAK
    assert bright.max() > (1.1 if film in ("velvia-50", "provia-100f") else 1.2)


@pytest.mark.parametrize("film", COLOUR_NEGATIVES)
def test_what_a_negative_has_beyond_white_is_spread_over_more_than_a_stop(film):
    bright, plain = hdr(ramp(), film), sdr(ramp(), film)
    risen = np.log2(bright[at(7)] / bright[at(3)]).min()
    assert risen > 1.0
    assert np.log2(plain[at(7)] / plain[at(3)]).max() < 0.2


@pytest.mark.parametrize("film", COLOUR_NEGATIVES)
def test_lamps_are_neutral(film):
    """An SDR scan makes them white because all channels saturate; here each has a slope."""
    lamps = hdr(ramp(), film)[at(5) : at(8) + 1]
    assert (np.ptp(lamps, axis=1) <= 0.13 * lamps.mean(axis=1)).all()
    slopes = load_film(film).printing.beyond
    assert slopes[1] == pytest.approx(1.0 - GOES_ON)


def test_a_scan_for_hdr_goes_on_without_a_step_or_a_bend():
    stops = np.linspace(1.5, 4.0, 51)
    rise = np.diff(np.log2(hdr(ramp(stops=stops), "portra-400")[:, 1]))
    assert np.abs(np.diff(rise)).max() < 0.08 * rise.mean()


def test_a_coloured_lights_hue_turns_less_than_in_sdr():
    """As it becomes brighter: channels that saturate one after the other turn it to yellow."""
    orange = ramp((1.0, 0.5, 0.2))

    def hue(light):
        u_v = np.stack([light[:, 0] - light[:, 1], light[:, 1] - light[:, 2]])
        return np.degrees(np.arctan2(u_v[1], u_v[0]))

    turned = [np.ptp(hue(light(orange, "portra-400"))[at(1) : at(5)]) for light in (hdr, sdr)]
    assert turned[0] < 0.5 * turned[1]
    saturation = [
        1.0 - light.min() / light.max()
        for light in (kind(orange, "portra-400")[at(4)] for kind in (hdr, sdr))
    ]
    assert saturation[0] > 1.5 * saturation[1]


@pytest.mark.parametrize("film", ["velvia-50", "provia-100f", "ektachrome-100d"])
def test_a_slides_base_is_as_much_brighter_than_white_as_it_is_projected(film):
    base = hdr(ramp(), film)[-1]
    np.testing.assert_allclose(base, 1.0 / load_film(film).printing.white, rtol=0.01)


@pytest.mark.parametrize("film", ["portra-400", "tri-x-400"])
def test_grain_in_highlights_keeps_the_mean_and_is_still_seen(film):
    scene = np.full((192, 192, 3), 0.18 * 2.0**4.5, np.float32)
    settings = {
        "encoding": "linear",
        "backend": "scipy",
        "halation": 0.0,
        "pixel_pitch_um": 6.0,
        "seed": 3,
    }
    grainy, smooth = (
        light_of_pq(phos.develop(scene, film, output_space="rec2100-pq", grain=grain, **settings))
        for grain in (1.0, 0.0)
    )
    assert grainy.mean() == pytest.approx(smooth.mean(), rel=0.01)
    assert grainy[..., 1].std() > 0.02 * grainy.mean()


@pytest.mark.parametrize(
    ("nits", "number"), [(0.0, 0.0), (100.0, 0.508), (203.0, 0.581), (1000.0, 0.752)]
)
def test_pq_numbers_are_the_published_ones(nits, number):
    light = np.full((1, 1, 1), nits / 203.0, np.float32)
    assert light_to_pq(light).item() == pytest.approx(number, abs=6e-4)


def test_pq_numbers_are_exact_to_a_quarter_of_a_code_of_16_bits():
    light = np.geomspace(1e-5, PEAK, 4001, dtype=np.float32).reshape(1, 1, -1)
    back = light_of_pq(light_to_pq(light))
    step = light_of_pq(light_to_pq(light) + 1 / 65535) - back
    assert (np.abs(back - light) <= 0.25 * step).all()


def test_reference_white_is_three_quarters_in_hlg_and_the_peak_is_one():
    light = np.array([0.0, 1.0, PEAK], np.float32).reshape(1, 1, 3)
    np.testing.assert_allclose(light_to_hlg(light, "rec2020").ravel(), [0.0, 0.75, 1.0], atol=2e-3)


def test_the_picture_in_hlg_is_the_picture_in_pq():
    scene = ramp((1.0, 0.6, 0.3))
    bright = hdr(scene, "ektar-100")
    numbers = phos.develop(
        scene,
        "ektar-100",
        encoding="linear",
        output_space="rec2100-hlg",
        mode="colour",
        backend="scipy",
    )[0].astype(np.float64)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scenic = np.where(numbers < 0.5, numbers**2 / 3, (np.exp((numbers - c) / a) + b) / 12)
    grey = scenic @ [0.2627, 0.6780, 0.0593]
    np.testing.assert_allclose(scenic * grey[:, None] ** 0.2 * PEAK, bright, rtol=2e-3, atol=1e-4)


def test_integers_become_16_bits_since_8_would_band():
    codes = np.full((4, 4, 3), 200, np.uint8)
    assert phos.develop(codes, output_space="rec2100-pq", backend="scipy").dtype == np.uint16


def test_linear_light_is_the_primaries_own():
    """A saturated slide beyond sRGB keeps within Rec. 2020 what a wide SDR space keeps."""
    green = to_linear_srgb("display-p3") @ np.array([0.02, 0.3, 0.02])
    scene = np.broadcast_to(green, (2, 2, 3)).astype(np.float32)
    bright, plain = hdr(scene, "velvia-50"), sdr(scene, "velvia-50")
    np.testing.assert_allclose(bright, plain, atol=2e-4)
