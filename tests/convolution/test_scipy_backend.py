import numpy as np
import pytest

from phos_core.convolution import scipy_backend
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.scipy_backend import ScipyBackend
from phos_core.psf import combine, compose, exponential, from_array, gaussian, mixture
from phos_core.testing import ConvolutionBackendContract, assert_agrees


class TestScipy(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return ScipyBackend()


@pytest.fixture
def roads(monkeypatch):
    """The roads that were taken, in order."""
    taken = []

    def watch(owner, name):
        original = getattr(owner, name)

        def run(*given):
            taken.append(name)
            return original(*given)

        monkeypatch.setattr(owner, name, run)

    watch(ScipyBackend, "_by_cosines")
    watch(ScipyBackend, "_by_fourier")
    watch(scipy_backend, "_shift_and_add")
    return taken


@pytest.mark.parametrize(
    ("psf", "boundary", "road"),
    [
        (gaussian(0.9), "symmetric", "_shift_and_add"),
        (gaussian(0.9), "wrap", "_shift_and_add"),
        (compose(gaussian(0.5), gaussian(0.4)), "symmetric", "_shift_and_add"),
        (gaussian(1.5), "symmetric", "_by_cosines"),
        (gaussian(1.5), "zero", "_by_fourier"),
        (gaussian(40.0), "symmetric", "_by_cosines"),
        (mixture([(0.4, 0.6), (0.3, 0.7), (0.3, 0.8)]), "symmetric", "_by_cosines"),
        (exponential(1.0), "symmetric", "_by_cosines"),
        (exponential(1.0), "mirror", "_by_fourier"),
    ],
)
def test_the_road_follows_the_psf_and_the_boundary(roads, psf, boundary, road):
    ScipyBackend().convolve(np.ones((9, 8), np.float32), psf, boundary=boundary)
    assert roads == [road]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 200), (150, 64)])
@pytest.mark.parametrize("taps", [(1, 3), (7, 1), (5, 5)])
def test_a_sum_of_asymmetric_terms_is_added_up_in_strips(monkeypatch, boundary, shape, taps):
    monkeypatch.setattr(scipy_backend, "STRIP_PIXELS", 500)
    rng = np.random.default_rng(1)
    image = rng.random(shape).astype(np.float32)
    terms = tuple((weight, rng.random(n)) for weight, n in zip((0.7, -0.2), taps, strict=True))
    psf = combine([(weight, from_array(np.outer(one, one))) for weight, one in terms])
    out = np.empty_like(image)
    scipy_backend._shift_and_add(image, terms, boundary, out)
    assert_agrees(out, image, psf, boundary)


@pytest.mark.parametrize("size", [97, 101, 2 * 53])
def test_a_side_that_is_slow_to_transform_is_made_longer(size):
    length = scipy_backend._cosine_length(size, 6)
    assert size + 6 <= length <= 1.25 * size
    image = np.random.default_rng(1).random((size, 40)).astype(np.float32)
    psf = exponential(0.3)
    assert_agrees(ScipyBackend().convolve(image, psf), image, psf, "symmetric")


def test_a_side_is_not_made_much_longer():
    assert scipy_backend._cosine_length(97, 60) == 97


def test_transfer_functions_are_made_once_until_they_are_released(monkeypatch):
    made = []
    original = scipy_backend.transfer_table
    monkeypatch.setattr(
        scipy_backend, "transfer_table", lambda *given: made.append(given) or original(*given)
    )
    backend, image = ScipyBackend(), np.ones((2, 30, 30), np.float32)
    backend.convolve(image, exponential(2.0))
    backend.convolve(image, exponential(2.0))
    assert len(made) == 1
    backend.convolve(image[:, :20], exponential(2.0))
    backend.release()
    backend.convolve(image, exponential(2.0))
    assert len(made) == 3


def test_double_precision_images_stay_double():
    image = np.random.default_rng(2).random((20, 23))
    for psf in (gaussian(1.0), exponential(2.0)):
        for boundary in ("symmetric", "mirror"):
            found = ScipyBackend().convolve(image, psf, boundary=boundary)
            assert found.dtype == np.float64
            assert_agrees(found, image, psf, boundary)
