import math

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.convolution.methods import multirate, planner, reference
from phos_core.psf import compose, from_array, gaussian, mixture, pixel_mixture
from phos_core.testing import assert_agrees


def spacing_of(psf):
    return planner.thinning(psf, planner.BAND_TOLERANCE * psf.total)


def on_coarse_grid(image, psf):
    """Convolve on the grid that the PSF allows."""
    points = tuple(math.ceil(n / spacing_of(psf)) for n in image.shape)
    rows, cols = (multirate.make_axis(*pair) for pair in zip(image.shape, points, strict=True))
    gain = multirate.gain_table(psf, image.shape, points)
    out = np.empty_like(image)
    coarse = multirate.blur_points(multirate.to_points(image, rows, cols), gain)
    multirate.to_pixels(coarse, rows, cols, out)
    return out


@st.composite
def smooth_psfs(draw):
    sigmas = draw(st.lists(st.floats(5.0, 14.0), min_size=1, max_size=3))
    make = draw(st.sampled_from([mixture, pixel_mixture]))
    psf = make([(draw(st.floats(0.1, 1.0)), sigma) for sigma in sigmas])
    return compose(psf, gaussian(0.7)) if draw(st.booleans()) else psf


@pytest.mark.proof
@settings(max_examples=40)
@given(psf=smooth_psfs(), seed=st.integers(0, 2**32), data=st.data())
def test_a_smooth_blur_of_any_size_agrees_with_the_reference(psf, seed, data):
    least = math.ceil(multirate.WINDOW_POINTS * spacing_of(psf))
    shape = tuple(data.draw(st.integers(least, least + 120)) for _ in range(2))
    image = np.sign(np.random.default_rng(seed).normal(size=shape)).astype(np.float32)
    assert_agrees(on_coarse_grid(image, psf), image, psf, "symmetric")


@pytest.mark.proof
@pytest.mark.parametrize(("size", "sigma"), [(211, 8.0), (300, 20.0), (256, 6.3), (405, 50.0)])
def test_even_the_worst_image_is_within_the_class(size, sigma):
    # The worst image of all has the signs of one row of the error; two axes err twice as much.
    psf = gaussian(sigma)
    points = math.ceil(size / spacing_of(psf))
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


def dense(band, shape):
    matrix = np.zeros(shape)
    for gives, needs, block in band.pieces(shape[1]):
        matrix[gives, needs] = block
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


@settings(max_examples=60)
@given(size=st.integers(30, 900), spacing=st.floats(1.5, 16.0))
def test_no_entry_of_the_matrices_is_left_out_or_beyond_the_edge(size, spacing):
    points = max(8, math.ceil(size / spacing))
    if size < points:
        return
    axis = multirate.make_axis(size, points)
    there, back = dense(axis.to_points, (points, size)), dense(axis.to_pixels, (size, points))
    np.testing.assert_array_equal(there, back.T)
    everywhere = multirate._weights(np.arange(points), np.arange(size), size, points)
    np.testing.assert_array_equal(there, everywhere.astype(np.float32))


@pytest.mark.parametrize(("size", "points"), [(300, 47), (2000, 288), (101, 40), (17, 7)])
def test_row_by_row_a_matrix_is_the_same_as_in_blocks(size, points):
    axis = multirate.make_axis(size, points)
    for band, (gives, needs) in (
        (axis.to_points, (points, size)),
        (axis.to_pixels, (size, points)),
    ):
        starts, weights = band.runs(needs)
        whole = np.zeros((gives, needs), np.float32)
        for row, start, run in zip(whole, starts, weights, strict=True):
            row[start : start + len(run)] = run
        np.testing.assert_array_equal(whole, dense(band, (gives, needs)))
        assert weights.any(axis=0).all()  # none is longer than it has to be


def test_a_plane_of_great_range_is_blurred_in_double_precision():
    coarse = np.random.default_rng(1).random((60, 70)).astype(np.float32)
    gain = np.ones_like(coarse)
    assert multirate.blur_points(coarse, gain).dtype == np.float32
    coarse[2, 3] = 2001.0
    assert multirate.blur_points(coarse, gain).dtype == np.float64


@pytest.mark.parametrize("pixels", [1, 5000, 10**9])
def test_blocks_may_be_multiplied_by_one_at_a_time_or_many(monkeypatch, pixels):
    image = np.random.default_rng(1).random((211, 130)).astype(np.float32)
    expected = on_coarse_grid(image, gaussian(6.0))
    monkeypatch.setattr(multirate, "GROUP_PIXELS", pixels)
    np.testing.assert_allclose(on_coarse_grid(image, gaussian(6.0)), expected, rtol=1e-6)
    axis = multirate.make_axis(211, 80)
    groups = list(axis.to_points.groups(211, 3))
    assert [g.gives.start for g in groups[1:]] == [g.gives.stop for g in groups[:-1]]
    assert max(len(g.blocks) for g in groups) == 3
