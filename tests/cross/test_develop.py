"""Whole renders, grain included, agree between each two backends that run here."""

import os
from functools import cache
from itertools import combinations

import numpy as np
import pytest

import phos_core as phos
from phos_core.effects.projection import Projection

STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
RUNNING = [report.name for report in phos.backends() if report.status == "ok"]
PAIRS = list(combinations(RUNNING, 2))
DEMANDED = [name for name in os.environ.get("PHOS_REQUIRE", "").split(",") if name]


def peak_signal_to_noise_db(first, second):
    return -10 * np.log10(np.mean((first.astype(np.float64) - second) ** 2) + 1e-30)


@cache
def photo(brightest):
    """Scene light over a wide range, hard edges and small lamps as bright as asked."""
    rng = np.random.default_rng(4)
    light = 0.18 * 2.0 ** rng.normal(0, 1.2, (300, 420, 3))
    light[:, 200:] *= np.linspace(0.01, 2, 220)[None, :, None]
    light[100:160, 60:140] = 0.003
    light[130:134, 90:94] = brightest
    light[40:70, 300:330] = brightest / 4
    return light.astype(np.float32)


@cache
def codes(dtype):
    """A picture of integers: noise, and a patch that is clipped."""
    white = np.iinfo(dtype).max
    picture = np.random.default_rng(6).integers(0, white + 1, (200, 300, 3), dtype=dtype)
    picture[50:90, 60:120] = white
    return picture


@cache
def rendered(backend, film, brightest):
    return phos.develop(photo(brightest), film, backend=backend, encoding="linear", seed=5)


@cache
def rendered_codes(backend, film, dtype):
    return phos.develop(codes(dtype), film, backend=backend, seed=5)


def test_every_backend_that_is_demanded_runs():
    reasons = {report.name: report.reason for report in phos.backends()}
    missing = {name: reasons.get(name, "unknown") for name in DEMANDED if name not in RUNNING}
    assert missing == {}


@pytest.mark.parametrize("brightest", [1.0, 30.0, 1000.0])
@pytest.mark.parametrize("film", STOCKS)
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_float_renders_agree(one, other, film, brightest):
    first, second = (rendered(name, film, brightest) for name in (one, other))
    assert np.abs(first - second).max() <= claimed(film)
    assert peak_signal_to_noise_db(first, second) >= 80


def claimed(film):
    """1e-3 of the light of the film, of which a share is shown as white where it is a slide."""
    printing = phos.load_film(film).printing
    return 1e-3 / (printing.white if isinstance(printing, Projection) else 1.0)


@pytest.mark.parametrize("film", STOCKS)
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_renders_of_8_bit_pictures_agree_to_a_code(one, other, film):
    first, second = (rendered_codes(name, film, np.uint8).astype(int) for name in (one, other))
    assert np.abs(first - second).max() <= 1
    assert peak_signal_to_noise_db(first / 255, second / 255) >= 60


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_renders_of_16_bit_pictures_agree(one, other):
    first, second = (rendered_codes(name, "portra-400", np.uint16) for name in (one, other))
    assert np.abs(first / 65535 - second / 65535).max() <= 1e-3
    assert peak_signal_to_noise_db(first / 65535, second / 65535) >= 80


WAYS = [
    ("portra-400", {"printing": "endura-premier", "filters_cc": (10.0, 0.0, 0.0)}),
    ("vision3-500t", {"printing": "2383", "light": "daylight"}),
    ("tri-x-400", {"printing": "polymax", "paper_grade": 3.0, "push_stops": 1.0}),
    ("gold-200", {"mode": "texture"}),
    ("gold-200", {"mode": "colour", "primaries": "display-p3"}),
    ("ektar-100", {"encoding": "display", "primaries": "rec2020"}),
    ("ektar-100", {"black_point": -5.0, "white_point": 4.0}),
    ("velvia-50", {"output_space": "rec2020"}),
    ("superia-400", {"auto_balance": True}),
    ("hp5-plus", {"exposure_time_s": 8.0}),
    ("gold-200", {"strength": 0.6}),
    ("tri-x-400", {"strength": 0.3, "output_space": "display-p3"}),
    ("gold-200", {"strength": 0.6, "mode": "texture"}),
]


@cache
def rendered_so(backend, way):
    film, settings = WAYS[way]
    return phos.develop(codes(np.uint8), film, backend=backend, seed=5, **settings)


@pytest.mark.parametrize("way", range(len(WAYS)), ids=[f"{f}-{'-'.join(s)}" for f, s in WAYS])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_every_way_to_a_positive_agrees_to_a_code(one, other, way):
    first, second = (rendered_so(name, way).astype(int) for name in (one, other))
    assert np.abs(first - second).max() <= 1
    assert peak_signal_to_noise_db(first / 255, second / 255) >= 60


@pytest.mark.parametrize("film", STOCKS)
@pytest.mark.parametrize("backend", RUNNING)
def test_each_picture_of_a_batch_is_as_if_it_came_alone(backend, film):
    batch = np.stack([photo(1.0), photo(30.0), 0.3 * photo(1.0)])
    settings = {"film": film, "backend": backend, "encoding": "linear"}
    positives = phos.develop(batch, seed=[5, 6, 7], **settings)
    for picture, seed, positive in zip(batch, (5, 6, 7), positives, strict=True):
        alone = phos.develop(picture, seed=seed, **settings)
        np.testing.assert_allclose(positive, alone, rtol=0, atol=1e-6)


@cache
def frames(backend):
    stack = np.stack([codes(np.uint8)[:60, :90]] * 2)
    return phos.develop(stack, backend=backend, seed=5, frame=3).astype(int)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_frames_of_a_stack_have_the_same_grain_on_every_backend(one, other):
    first, second = frames(one), frames(other)
    assert np.abs(first - second).max() <= 1
    assert np.abs(first[0] - first[1]).max() > 1


MOVING = {
    "seed": 5,
    "frame": 3,
    "weave_um": 15.0,
    "breathing_stops": 0.2,
    "dust_per_cm2": 40.0,
    "scratches": 12.0,
    "film_format": "super-8",
}


@cache
def moving_frames(backend):
    stack = np.stack([codes(np.uint8)] * 2)
    return phos.develop(stack, "vision3-500t", backend=backend, printing="2383", **MOVING)


@pytest.mark.parametrize("backend", RUNNING)
def test_each_frame_of_moving_film_is_as_if_it_came_alone(backend):
    for number, found in enumerate(moving_frames(backend).astype(int)):
        settings = {**MOVING, "frame": 3 + number, "printing": "2383", "backend": backend}
        alone = phos.develop(codes(np.uint8), "vision3-500t", **settings)
        assert np.abs(found - alone).max() <= 1


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_moving_film_moves_alike_on_every_backend(one, other):
    first, second = (moving_frames(name).astype(int) for name in (one, other))
    assert np.abs(first - second).max() <= 1
    assert peak_signal_to_noise_db(first / 255, second / 255) >= 60


@pytest.mark.parametrize("backend", RUNNING)
def test_half_precision_is_computed_in_single_and_rounded_once(backend):
    half = photo(1.0)[:60, :90].astype(np.float16)
    settings = {"backend": backend, "encoding": "linear", "seed": 5}
    single = phos.develop(half.astype(np.float32), **settings)
    np.testing.assert_array_equal(phos.develop(half, **settings), single.astype(np.float16))
