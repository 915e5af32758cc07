import math

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.convolution import multirate, reference, scipy_backend
from phos_core.convolution.scipy_backend import ScipyBackend
from phos_core.psf import (
    combine,
    compose,
    delta,
    exponential,
    from_array,
    gaussian,
    mixture,
    pixel_mixture,
)
from phos_core.testing import assert_agrees


@pytest.fixture
def any_size(monkeypatch):
    """Let planes of any size take the coarse grid."""
    monkeypatch.setattr(scipy_backend, "COARSE_PIXELS", 0)


def on_coarse_grid(image, psf):
    """Convolve on the grid that the PSF allows."""
    points = tuple(math.ceil(n / multirate.thinning(psf)) for n in image.shape)
    rows, cols = (multirate.make_axis(*pair) for pair in zip(image.shape, points, strict=True))
    out = np.empty_like(image)
    multirate.convolve(image, rows, cols, multirate.gain_table(psf, image.shape, points), out)
    return out


@st.composite
def smooth_psfs(draw):
    sigmas = draw(st.lists(st.floats(5.0, 14.0), min_size=1, max_size=3))
    make = draw(st.sampled_from([mixture, pixel_mixture]))
    psf = make([(draw(st.floats(0.1, 1.0)), sigma) for sigma in sigmas])
    return compose(psf, gaussian(0.7)) if draw(st.booleans()) else psf


@settings(max_examples=40, deadline=None)
@given(psf=smooth_psfs(), seed=st.integers(0, 2**32), data=st.data())
def test_a_smooth_blur_of_any_size_agrees_with_the_reference(psf, seed, data):
    least = math.ceil(multirate.WINDOW_POINTS * multirate.thinning(psf))
    shape = tuple(data.draw(st.integers(least, least + 120)) for _ in range(2))
    image = np.sign(np.random.default_rng(seed).normal(size=shape)).astype(np.float32)
    assert_agrees(on_coarse_grid(image, psf), image, psf, "symmetric")


@pytest.mark.parametrize(("size", "sigma"), [(211, 8.0), (300, 20.0), (256, 6.3), (405, 50.0)])
def test_even_the_worst_image_is_within_the_class(size, sigma):
    # The worst image of all has the signs of one row of the error; two axes err twice as much.
    psf = gaussian(sigma)
    points = math.ceil(size / multirate.thinning(psf))
    axis = multirate.make_axis(size, points)
    there = dense(axis.to_points, (points, size))
    f = np.arange(points) / (2 * size)
    window = multirate._window_transfer(f * size / points)
    gain = psf.axes()[0][1] @ np.cos(2 * np.pi * np.outer(positions(psf), f)) / window**2
    spectrum = scipy.fft.dct(there, axis=0) * gain[:, None]
    whole = dense(axis.to_pixels, (size, points)) @ scipy.fft.idct(spectrum, axis=0)
    exact = reference.convolve(np.eye(size)[:, :, None], taps_down(psf))[..., 0].T
    assert 2 * np.abs(whole - exact).sum(axis=1).max() < 1e-5


def positions(psf):
    return np.arange(-psf.radius[0], psf.radius[0] + 1)


def taps_down(psf):
    return from_array(psf.axes()[0][1][:, None])


def dense(blocks, shape):
    matrix = np.zeros(shape)
    for block in blocks:
        height, reach = block.weights.shape
        rows = slice(block.start, block.start + height)
        matrix[rows, block.first : block.first + reach] = block.weights
    return matrix


def test_the_way_back_is_the_transpose_of_the_way_there():
    axis = multirate.make_axis(333, 71)
    there, back = dense(axis.to_points, (71, 333)), dense(axis.to_pixels, (333, 71))
    np.testing.assert_array_equal(there, back.T)
    assert np.count_nonzero(there) > 333


@pytest.mark.parametrize("shape", [(131, 197), (200, 130)])
def test_a_flat_field_stays_flat(shape):
    found = on_coarse_grid(np.full(shape, 3.0, np.float32), gaussian(9.0))
    np.testing.assert_allclose(found, 3.0, rtol=2e-6)


def test_energy_is_kept_wherever_the_light_falls():
    image = np.zeros((150, 170), np.float32)
    image[[0, 3, 80, 149], [0, 100, 60, 169]] = 100.0
    found = on_coarse_grid(image, gaussian(8.0))
    assert found.sum(dtype=np.float64) == pytest.approx(400.0, rel=1e-6)


@pytest.mark.parametrize("brightness", [1e1, 1e3, 1e5])
def test_a_lamp_leaves_the_dark_within_the_class(any_size, brightness):
    rng = np.random.default_rng(3)
    image = (0.5 + rng.random((180, 220))).astype(np.float32)
    image[90, 100] = brightness
    assert_agrees(ScipyBackend().convolve(image, gaussian(7.0)), image, gaussian(7.0), "symmetric")


@pytest.fixture
def roads(monkeypatch):
    taken = []
    for name in ("_by_points", "_by_cosines", "_by_fourier"):
        original = getattr(ScipyBackend, name)

        def run(*given, name=name, original=original):
            taken.append(name)
            return original(*given)

        monkeypatch.setattr(ScipyBackend, name, run)
    return taken


def test_a_smooth_blur_of_a_large_plane_takes_the_coarse_grid(roads):
    image = np.random.default_rng(1).random((1024, 1024)).astype(np.float32)
    ScipyBackend().convolve(image, gaussian(8.0))
    ScipyBackend().convolve(image[1:], gaussian(8.0))
    assert roads == ["_by_points", "_by_cosines"]


def lamp():
    image = np.ones((150, 150), np.float32)
    image[70, 70] = 2001.0
    return image


@pytest.mark.parametrize(
    ("image", "psf", "boundary", "road"),
    [
        (np.ones((150, 151), np.float32), gaussian(7.0), "symmetric", "_by_points"),
        (np.ones((150, 151), np.float32), gaussian(7.0), "mirror", "_by_fourier"),
        (np.ones((150, 151)), gaussian(7.0), "symmetric", "_by_cosines"),
        (np.ones((150, 20), np.float32), gaussian(7.0), "symmetric", "_by_cosines"),
        (np.ones((1, 1), np.float32), gaussian(7.0), "symmetric", "_by_cosines"),
        (np.ones((150, 151), np.float32), gaussian(5.0), "symmetric", "_by_cosines"),
        (lamp() - 1.0, gaussian(7.0), "symmetric", "_by_cosines"),
        (lamp(), gaussian(7.0), "symmetric", "_by_cosines"),
        (np.minimum(lamp(), 1999.0), gaussian(7.0), "symmetric", "_by_points"),
    ],
)
def test_the_coarse_grid_is_for_smooth_blurs_in_single_precision(
    any_size, roads, image, psf, boundary, road
):
    ScipyBackend().convolve(image, psf, boundary=boundary)
    assert roads == [road]


def test_views_of_any_layout_are_blurred(any_size):
    whole = np.random.default_rng(5).random((160, 300)).astype(np.float32)
    for image in (whole[::-1, ::-2], np.asfortranarray(whole), whole.T):
        image.flags.writeable = False
        found = ScipyBackend().convolve(image, gaussian(7.0))
        assert_agrees(found, image, gaussian(7.0), "symmetric")


@pytest.mark.parametrize(
    "psf",
    [
        delta(),
        gaussian(0.5),
        exponential(30.0),
        mixture([(0.999, 30.0), (0.001, 0.4)]),
        combine([(1.0, gaussian(9.0)), (-1.0, gaussian(8.0))]),
    ],
    ids=["delta", "narrow", "exponential", "mixture with a narrow part", "no sum"],
)
def test_what_is_not_smooth_has_no_coarse_grid(psf):
    assert multirate.thinning(psf) < 1.0


def test_the_spacing_grows_with_the_narrowest_part_up_to_a_limit():
    spacing = [multirate.thinning(gaussian(s)) for s in (5.0, 10.0, 20.0, 60.0, 200.0)]
    np.testing.assert_allclose(spacing, [2.0, 4.0, 8.0, 16.0, 16.0], rtol=0.02)
    assert multirate.thinning(mixture([(0.5, 5.0), (0.5, 40.0)])) == pytest.approx(2.0, rel=0.05)


def test_matrices_are_made_once_until_they_are_released(any_size, monkeypatch):
    made = []
    original = multirate.make_axis
    monkeypatch.setattr(
        multirate, "make_axis", lambda *given: made.append(given) or original(*given)
    )
    backend, image = ScipyBackend(), np.ones((2, 150, 200), np.float32)
    backend.convolve(image, gaussian(7.0))
    backend.convolve(image, pixel_mixture([(2.0, 7.0)]))
    assert len(made) == 2
    backend.release()
    backend.convolve(image, gaussian(7.0))
    assert len(made) == 4
