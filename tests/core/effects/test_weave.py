"""Laws of gate weave."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.effects.weave import (
    TAPS,
    displacement_um,
    interpolate,
    interpolate_exposure,
    lanczos_weights,
)


def neighbours(row, xp, length):
    """For each of so many places the pixels from two before it to three after it."""
    return [xp.asarray(row[None, None, tap : tap + length]) for tap in range(TAPS)]


def displacements(seeds=600):
    return np.array([displacement_um(8.0, seed=seed, frame=37 * seed) for seed in range(seeds)])


def test_a_frame_lies_elsewhere_by_the_rms_along_the_film_and_across_it():
    along, across = displacements().T
    assert np.sqrt(np.mean(along**2)) == pytest.approx(8.0, rel=0.07)
    assert np.sqrt(np.mean(across**2)) == pytest.approx(8.0, rel=0.07)
    assert abs(np.corrcoef(along, across)[0, 1]) < 0.1
    assert displacement_um(0.0, seed=1, frame=2) == (0.0, 0.0)


def test_film_jumps_along_and_weaves_slowly_across():
    reel = np.array([displacement_um(8.0, seed=s, frame=f) for s in range(60) for f in range(40)])
    steps = np.diff(reel.reshape(60, 40, 2), axis=1).std(axis=(0, 1))
    assert steps[0] > 1.5 * steps[1]


@given(fraction=st.floats(0.0, 1.0))
@settings(max_examples=50)
def test_weights_sum_to_1_and_keep_a_slope(fraction):
    weights = lanczos_weights(fraction)
    assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)
    place = math.fsum(weight * (tap - 2) for tap, weight in enumerate(weights))
    assert place == pytest.approx(fraction, abs=0.02)


def test_a_place_on_a_pixel_takes_it_as_it_is(xp, rng):
    row = rng.normal(size=40).astype(np.float32)
    found = interpolate(*neighbours(row, xp, 30), weights=lanczos_weights(0.0))
    np.testing.assert_allclose(np.asarray(found)[0, 0], row[2:32], rtol=0, atol=1e-6)
    assert found.dtype == xp.float32


@pytest.mark.parametrize("fraction", [0.2, 0.5])
@pytest.mark.parametrize(("cycles_per_pixel", "within"), [(0.1, 0.01), (0.25, 0.05)])
def test_a_fine_pattern_is_moved_and_hardly_blurred(xp, fraction, cycles_per_pixel, within):
    def wave(place):
        return np.sin(2.0 * np.pi * cycles_per_pixel * place).astype(np.float32)

    taps = neighbours(wave(np.arange(80.0)), xp, 70)
    moved = np.asarray(interpolate(*taps, weights=lanczos_weights(fraction)))[0, 0]
    unheld = wave(np.arange(2.0, 72.0) + fraction)
    # Where a crest falls between pixels it is held to a third of a stop beyond them.
    assert np.abs(moved - unheld).max() <= within + (0.2 if cycles_per_pixel > 0.2 else 0.0)
    assert np.std(moved) >= (0.99 if cycles_per_pixel < 0.2 else 0.85) * np.std(unheld)


def test_beside_a_lamp_nothing_is_darker_or_brighter_than_a_third_of_a_stop(xp):
    row = np.full(30, -2.0, np.float32)
    row[15] = 3.0  # a hundred thousand times the light around it
    for fraction in (0.1, 0.5, 0.9):
        moved = interpolate(*neighbours(row, xp, 24), weights=lanczos_weights(fraction))
        beside = np.delete(np.asarray(moved)[0, 0], [11, 12, 13, 14])
        assert np.abs(beside + 2.0).max() <= math.log10(2.0) / 3.0 + 1e-6
        assert np.asarray(moved).min() >= -2.0 - math.log10(2.0) / 3.0 - 1e-6


def test_exposure_is_the_power_of_its_logarithm(xp, rng):
    taps = neighbours(rng.uniform(-3.0, 2.0, 30).astype(np.float32), xp, 20)
    weights = lanczos_weights(0.3)
    latent = np.asarray(interpolate(*taps, weights=weights), np.float64)
    exposure = np.asarray(interpolate_exposure(*taps, weights=weights))
    np.testing.assert_allclose(exposure, 10.0**latent, rtol=1e-5)
