"""What is measured with, and what results are compared with."""

import numpy as np
import pytest

from phos_bench.cases import PSFS
from phos_bench.inputs import light, photos, planes
from phos_bench.truth import compare, expected, psnr_db
from phos_core.convolution.methods import reference


@pytest.mark.parametrize("kind", PSFS)
def test_samples_have_unit_sum_and_the_width_asked_for(kind):
    spread = light(kind, 25)
    assert spread.samples.shape == (25, 25)
    assert spread.samples.sum() == pytest.approx(1.0)
    assert spread.psf.total == pytest.approx(1.0)


def test_gaussians_are_whole_for_phos_and_end_at_three_sigma_for_others():
    spread = light("gaussian", 61)
    assert spread.gaussians == ((1.0, 10.0),)
    assert spread.psf.radius == (80, 80)
    taps = spread.samples[30] / spread.samples[30, 30]
    assert taps[20] == pytest.approx(np.exp(-0.5))


def test_three_gaussians_are_a_quarter_a_half_and_the_whole_of_the_width():
    assert [sigma for _, sigma in light("mixture", 385).gaussians] == [16.0, 32.0, 64.0]


def test_only_the_asymmetric_psf_is_not_even():
    assert {kind: light(kind, 15).psf.is_even for kind in PSFS} == {
        "gaussian": True,
        "mixture": True,
        "exponential": True,
        "asymmetric": False,
    }


def test_pictures_are_the_same_each_time_and_reach_white():
    first, second = planes(2, 40, 60), planes(2, 40, 60)
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    assert first.dtype == np.float32
    assert 0.0 <= first.min() < 0.2
    assert first.max() == 1.0
    assert photos(1, 40, 60).shape == (1, 40, 60, 3)


@pytest.mark.parametrize("kind", PSFS)
def test_truth_is_what_the_reference_computes(kind):
    plane, spread = planes(1, 30, 41)[0], light(kind, 9)
    found = expected(plane, spread.psf)
    assert np.abs(found - reference.convolve(plane, spread.psf)).max() < 1e-13


def test_truth_of_a_large_picture_is_that_of_its_first_part(monkeypatch):
    from phos_bench import truth

    plane, spread = planes(1, 50, 60)[0], light("asymmetric", 9)
    whole = expected(plane, spread.psf)
    monkeypatch.setattr(truth, "MOST_ROWS", 20)
    monkeypatch.setattr(truth, "MOST_COLS", 58)
    assert np.abs(expected(plane, spread.psf) - whole[:20, :58]).max() < 1e-13


def test_a_result_is_as_wrong_as_its_worst_pixel():
    truth = np.zeros((10, 10))
    result = np.zeros((12, 12), np.float32)
    result[3, 4] = 0.5
    result[11, 11] = 9.0  # beyond what is known
    largest, psnr = compare(result, truth)
    assert largest == 0.5
    assert psnr == pytest.approx(-10 * np.log10(0.25 / 100))


def test_ratio_of_what_differs_nowhere_is_a_number():
    assert psnr_db(np.zeros(3), peak=255.0) == 300.0
