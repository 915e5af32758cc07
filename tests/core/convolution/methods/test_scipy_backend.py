import numpy as np
import pytest

from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.methods import multirate, reference, scipy_backend
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import UnsupportedOperationError
from phos_core.psf import combine, compose, delta, exponential, from_array, gaussian, mixture
from phos_core.testing import ConvolutionBackendContract, assert_agrees


class TestScipy(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return ScipyBackend()


BOTH = mixture([(0.85, 1.7), (0.15, 17.0)])


@pytest.mark.parametrize(
    ("psf", "boundary", "method"),
    [
        (delta(), "symmetric", "separable"),
        (gaussian(0.9), "symmetric", "separable"),
        (gaussian(0.9), "wrap", "separable"),
        (gaussian(3.0), "zero", "separable"),
        (compose(gaussian(0.5), gaussian(0.4)), "symmetric", "separable"),
        (mixture([(0.4, 0.6), (0.3, 0.7), (0.3, 0.8)]), "symmetric", "separable"),
        (from_array(np.random.default_rng(1).random((3, 3))), "edge", "separable"),
        (gaussian(6.0), "symmetric", "multirate"),
        (gaussian(40.0), "symmetric", "multirate"),
        (gaussian(40.0), "mirror", "transform"),
        (compose(exponential(9.0), gaussian(9.0)), "symmetric", "multirate"),
        (BOTH, "symmetric", "sum"),
        (BOTH, "edge", "transform"),
        (
            compose(gaussian(0.7), combine([(0.9, delta()), (0.1, gaussian(9.0))])),
            "symmetric",
            "sum",
        ),
        (exponential(5.0), "symmetric", "transform"),
        (exponential(5.0), "mirror", "transform"),
        (from_array(np.random.default_rng(1).random((41, 41))), "symmetric", "transform"),
    ],
)
def test_the_method_follows_the_spectrum_of_the_psf_and_the_boundary(psf, boundary, method):
    assert ScipyBackend().plan((1500, 2000), psf, boundary=boundary).method == method


def test_double_precision_and_small_planes_are_not_thinned_out():
    backend = ScipyBackend()
    assert backend.plan((1500, 2000), gaussian(9.0), dtype=np.float64).method == "transform"
    assert backend.plan((40, 60), gaussian(9.0)).method == "transform"


PLANES = [(40, 60), (97, 41), (128, 130), (210, 77)]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 200), (150, 64)])
@pytest.mark.parametrize("method", ["separable", "transform"])
def test_methods_for_every_boundary_agree_with_the_reference(method, shape, boundary):
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    psf = combine([(0.7, gaussian(0.6)), (-0.3, from_array(np.outer([1.0, 2, 4], [3.0, 1, 0])))])
    found = ScipyBackend().convolve_by(method, image, psf, boundary=boundary)
    assert_agrees(found, image, psf, boundary)


@pytest.mark.parametrize("shape", PLANES)
@pytest.mark.parametrize(
    ("method", "psf"),
    [
        ("multirate", gaussian(5.0)),
        ("multirate", compose(exponential(2.0), gaussian(6.0))),
        ("sum", mixture([(0.85, 1.7), (0.15, 9.0)])),
        ("sum", combine([(0.9, delta()), (-0.2, gaussian(6.0))])),
        ("sum", compose(gaussian(0.6), combine([(0.9, delta()), (0.1, gaussian(8.0))]))),
    ],
)
@pytest.mark.parametrize("lamp", [0.0, 3e4])
def test_methods_for_the_symmetric_border_agree_with_the_reference(method, psf, shape, lamp):
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    image[3, 7] += lamp
    assert_agrees(ScipyBackend().convolve_by(method, image, psf), image, psf, "symmetric")


@pytest.mark.parametrize("method", ["separable", "sum", "multirate", "transform"])
def test_a_lamp_leaves_each_method_right_in_the_dark(method):
    # Relative to what is there, not to the lamp: 300,000 times the light of the dark.
    image = (1e-3 * (0.5 + np.random.default_rng(3).random((200, 230)))).astype(np.float32)
    image[100, 110] = 300.0
    psf = {
        "separable": gaussian(2.0),
        "multirate": gaussian(5.0),
        "sum": mixture([(0.9, 1.2), (0.1, 6.0)]),
        "transform": exponential(3.0),
    }[method]
    found = ScipyBackend().convolve_by(method, image, psf)
    exact = reference.convolve(image.astype(np.float64), psf)
    assert (np.abs(found - exact) / exact).max() < 1e-3
    assert np.median(np.abs(found - exact) / exact) < 3e-6


@pytest.mark.proof
@pytest.mark.parametrize("method", ["separable", "sum", "multirate", "transform"])
@pytest.mark.parametrize("boundary", ["symmetric", "mirror"])
def test_views_and_places_of_any_layout_are_convolved(method, boundary):
    psf = mixture([(0.9, 1.2), (0.1, 6.0)]) if method == "sum" else gaussian(4.0)
    if boundary == "mirror" and method in ("sum", "multirate"):
        return
    whole = np.random.default_rng(5).random((160, 300)).astype(np.float32)
    for image in (whole[::-1, ::-2], np.asfortranarray(whole), whole.T, whole[:, 3:202]):
        image.flags.writeable = False
        out = np.empty((*image.shape, 3), np.float32)[..., 1]
        by = {"boundary": boundary, "method": method}
        ScipyBackend()._convolve_planes(image, psf, out, **by)
        assert_agrees(out, image, psf, boundary)


def test_a_method_that_cannot_be_taken_is_refused_with_those_that_can():
    backend, noise = ScipyBackend(), from_array(np.random.default_rng(1).random((61, 61)))
    for method in ("direct", "separable", "multirate", "sum"):
        with pytest.raises(UnsupportedOperationError, match=f"'{method}' .*; possible: transform$"):
            backend.plan((90, 90), noise, method=method)
    with pytest.raises(
        UnsupportedOperationError, match=r"border symmetric.*: separable, transform"
    ):
        backend.plan((90, 90), gaussian(4.0), boundary="wrap", method="multirate")


def test_matrices_are_made_once_until_they_are_released(monkeypatch):
    made = []
    original = multirate.make_axis
    monkeypatch.setattr(
        multirate, "make_axis", lambda *given: made.append(given) or original(*given)
    )
    backend, image = ScipyBackend(), np.ones((2, 150, 200), np.float32)
    backend.convolve_by("multirate", image, gaussian(7.0))
    backend.convolve_by("multirate", image, mixture([(2.0, 7.0)]))
    assert len(made) == 2
    backend.release()
    backend.convolve_by("multirate", image, gaussian(7.0))
    assert len(made) == 4


@pytest.mark.parametrize("size", [97, 101, 2 * 53])
def test_a_side_that_is_slow_to_transform_is_made_longer(size):
    length = scipy_backend._cosine_length(size, 6)
    assert size + 6 <= length <= 1.25 * size
    image = np.random.default_rng(1).random((size, 40)).astype(np.float32)
    psf = exponential(0.3)
    found = ScipyBackend().convolve_by("transform", image, psf)
    assert_agrees(found, image, psf, "symmetric")


def test_a_side_is_not_made_much_longer():
    assert scipy_backend._cosine_length(97, 60) == 97


def test_transfer_functions_are_made_once_until_they_are_released(monkeypatch):
    made = []
    original = scipy_backend.transfer_table
    monkeypatch.setattr(
        scipy_backend, "transfer_table", lambda *given: made.append(given) or original(*given)
    )
    backend, image = ScipyBackend(), np.ones((2, 30, 30), np.float32)
    backend.convolve_by("transform", image, exponential(2.0))
    backend.convolve_by("transform", image, exponential(2.0))
    assert len(made) == 1
    backend.convolve_by("transform", image[:, :20], exponential(2.0))
    backend.release()
    backend.convolve_by("transform", image, exponential(2.0))
    assert len(made) == 3


def test_double_precision_images_stay_double():
    image = np.random.default_rng(2).random((20, 23))
    for psf in (gaussian(1.0), exponential(2.0)):
        for boundary in ("symmetric", "mirror"):
            found = ScipyBackend().convolve(image, psf, boundary=boundary)
            assert found.dtype == np.float64
            assert_agrees(found, image, psf, boundary)
