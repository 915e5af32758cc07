"""Chance by hashes of counters."""

import numpy as np
import pytest

from phos_core.chance import hashed, normal, uniform, wander

SEEDS = range(400)


def wanders(own_share, frames=range(1), stream=7):
    return np.array([[wander(s, stream, f, own_share=own_share) for f in frames] for s in SEEDS])


def test_a_hash_hangs_on_each_word_and_on_their_order():
    values = [hashed(1, 2), hashed(2, 1), hashed(1), hashed(1, 2, 0), hashed(1 + 2**32, 2)]
    assert values[0] == values[-1]  # the lowest 32 bits count
    assert len(set(values)) == 4
    assert all(0 <= value < 2**32 for value in values)


def test_a_changed_bit_changes_half_of_the_others():
    flipped = [(hashed(n) ^ hashed(n ^ (1 << bit))).bit_count() for n in SEEDS for bit in range(32)]
    assert np.mean(flipped) == pytest.approx(16.0, abs=0.1)


def test_numbers_are_distributed_as_they_say():
    flat = np.array([uniform(5, n) for n in range(4000)])
    assert 0.0 < flat.min() < flat.max() < 1.0
    assert np.histogram(flat, 10, (0.0, 1.0))[0].max() < 480
    bell = np.array([normal(5, n) for n in range(4000)])
    assert bell.mean() == pytest.approx(0.0, abs=0.05)
    assert bell.var() == pytest.approx(1.0, abs=0.1)
    assert (np.abs(bell) > 2.0).mean() == pytest.approx(0.0455, abs=0.01)


@pytest.mark.parametrize("own_share", [0.0, 0.3, 1.0])
def test_what_wanders_has_mean_0_and_variance_1(own_share):
    values = wanders(own_share, range(0, 1000, 50))
    assert values.mean() == pytest.approx(0.0, abs=0.05)
    assert values.var() == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize(("own_share", "least", "most"), [(0.0, 0.85, 1.0), (0.8, 0.1, 0.25)])
def test_neighbouring_frames_have_in_common_what_is_slow(own_share, least, most):
    before, after = wanders(own_share, range(100, 102)).T
    assert least < np.corrcoef(before, after)[0, 1] < most


def test_streams_seeds_and_distant_frames_have_nothing_in_common():
    here, other = wanders(0.3)[:, 0], wanders(0.3, stream=8)[:, 0]
    far = wanders(0.3, range(5000, 5001))[:, 0]
    for one, two in ((here, other), (here[:-1], here[1:]), (here, far)):
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.12


def test_a_roll_goes_on_smoothly_before_its_first_frame():
    steps = np.diff([wander(3, 1, frame, own_share=0.0) for frame in range(-30, 30)])
    assert np.abs(steps).max() < 0.6
