"""Long and thin pictures: what they take follows their pixels, and they are as right as any."""

import tracemalloc

import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.choosing import selection
from phos_core.convolution.methods import reference
from phos_core.convolution.methods.tables import transfer_table
from phos_core.convolution.running.folding import folded_psf
from phos_core.effects.halation import RINGS, halation_psfs
from phos_core.psf import compose, from_array, gaussian, mixture, radial
from phos_core.psf.stretched import stretched
from phos_core.stocks.film import load_film

HALO = "cinestill-800t"  # the stock whose light spreads farthest
MIB = 2**20
BACKENDS = ["scipy", "numba", "cv2", "torch:cpu"]
THIN = [(1, 90), (90, 1), (3, 31), (1, 1)]


def backend_named(name):
    try:
        return selection.select(name).backend
    except phos.PhosError as error:
        pytest.skip(str(error))


def peak_bytes(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def lopsided(rng):
    """A PSF that is even in neither axis, and as wide as it is not high."""
    return from_array(rng.random((5, 121)))


# ------------------------------------------------------------------ what they take


@pytest.mark.parametrize("shape", [(1, 60_000), (60_000, 1), (12, 30_000), (30_000, 12)])
def test_a_transfer_function_takes_a_few_times_the_memory_of_its_table(shape):
    psf = compose(radial([0.0, 400.0, 500.0], [1.0, 3.0]), gaussian(30.0))
    psf.transfer([0.0], [0.0])  # its samples are made
    frequencies = [np.arange(size) / (2 * size) for size in shape]
    took = peak_bytes(lambda: transfer_table(psf, *frequencies))
    assert took < 100 * shape[0] * shape[1] + 32 * MIB


@pytest.mark.parametrize("pitch_um", [1.0, 0.5, 0.31])
def test_halation_is_sampled_no_finer_than_it_is_known(pitch_um):
    film = load_film(HALO)
    halation_psfs.cache_clear()
    took = peak_bytes(lambda: halation_psfs(film.halation, pixel_pitch_um=pitch_um))
    assert took < 16 * 8 * (2 * RINGS) ** 2


@pytest.mark.parametrize("backend", ["scipy", "cv2"])
@pytest.mark.parametrize("shape", [(1, 40_000), (40_000, 1), (4, 10_000)])
def test_a_thin_picture_takes_little_more_memory_than_its_pixels_in_a_square(backend, shape):
    chosen = backend_named(backend)
    settings = {"film": HALO, "backend": chosen, "pixel_pitch_um": 0.8}
    image = np.zeros((*shape, 3), np.uint8)
    square = np.zeros((200, 200, 3), np.uint8)
    phos.develop(square[:9, :9], **settings)  # code is compiled, and the PSFs are made
    thin, usual = (
        peak_bytes(lambda picture=picture: phos.develop(picture, **settings))
        for picture in (image, square)
    )
    assert thin < 3 * usual + 64 * MIB


# ------------------------------------------------------------------ that they are right


@pytest.mark.proof
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_psfs_wider_than_a_thin_picture_agree_with_the_reference(rng, backend, boundary):
    chosen = backend_named(backend)
    psfs = [
        mixture([(0.7, 1.0), (0.3, 6.0)]),
        lopsided(rng),
        stretched(radial([0.0, 6.0, 9.0], [1.0, 2.0]), 4),
    ]
    wrong = []
    for shape in THIN:
        image = rng.random(shape).astype(np.float32)
        for psf in psfs:
            expected = reference.convolve(image.astype(np.float64), psf, boundary)
            found = phos.convolve(image, psf, boundary=boundary, backend=chosen)
            error = float(np.abs(found - expected).max()) / (float(image.max()) * psf.l1)
            if error > 1e-5:
                wrong.append((shape, psf, error))
    assert not wrong


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_folded_psf_does_the_same_and_reaches_no_farther_than_the_picture(rng, boundary):
    psfs = [
        mixture([(0.7, 1.0), (0.3, 4.0)]),
        lopsided(rng),
        compose(gaussian(2.0), stretched(radial([0.0, 5.0], [1.0]), 3)),
    ]
    for shape in [*THIN[1:], (5, 7)]:
        image = rng.random(shape)
        for psf in psfs:
            less = folded_psf(psf, shape, boundary)
            expected = reference.convolve(image, psf, boundary)
            np.testing.assert_allclose(
                reference.convolve(image, less, boundary), expected, rtol=0, atol=1e-9 * psf.l1
            )
            assert all(reach <= size for reach, size in zip(less.radius, shape, strict=True))


def test_a_psf_that_fits_is_not_folded():
    psf = gaussian(2.0)
    assert folded_psf(psf, (16, 16), "symmetric") is psf


@pytest.mark.parametrize("backend", BACKENDS)
def test_thin_pictures_are_developed_alike_upright_and_lying(rng, backend):
    image = rng.integers(0, 256, (3, 300, 3), dtype=np.uint8)
    settings = {"film": HALO, "backend": backend_named(backend), "grain": 0}
    lying = phos.develop(image, **settings)
    upright = phos.develop(np.ascontiguousarray(image.transpose(1, 0, 2)), **settings)
    difference = np.abs(lying.astype(int) - upright.transpose(1, 0, 2))
    assert difference.max() <= 1


@pytest.mark.parametrize("shape", [(1, 600), (600, 1)])
def test_every_backend_develops_thin_pictures_alike(rng, shape):
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    positives = {
        name: phos.develop(image, HALO, backend=selection.select(name).backend, seed=5).astype(int)
        for name in BACKENDS
        if _runs(name)
    }
    for name, positive in positives.items():
        assert np.abs(positive - positives["scipy"]).max() <= 1, name


def _runs(name):
    try:
        selection.select(name)
    except phos.PhosError:
        return False
    return True


@pytest.mark.parametrize("shape", [(1, 17_500), (17_500, 1)])
def test_a_crop_of_a_thin_picture_has_the_grain_of_the_whole(shape):
    settings = {"film": HALO, "backend": "scipy", "pixel_pitch_um": 1.5, "seed": 3}
    settings |= {"scatter": 0, "halation": 0, "couplers": 0}
    whole = phos.develop(np.full((*shape, 3), 120, np.uint8), **settings)
    first = [0 if size == 1 else 16_000 for size in shape]
    part = tuple(slice(start, start + 900) for start in first)
    crop = phos.develop(
        np.full((*(min(size, 900) for size in shape), 3), 120, np.uint8),
        offset_px=tuple(first),
        **settings,
    )
    assert np.abs(whole[part].astype(int) - crop).max() <= 1


# ------------------------------------------------------------------ PSFs with coarse samples


@pytest.mark.parametrize("step", [2, 3, 7])
def test_a_stretched_psf_is_its_samples(rng, step):
    coarse = from_array(rng.random((5, 9)))
    psf, f = stretched(coarse, step), np.linspace(-1.0, 1.0, 41)
    samples = from_array(psf.samples())
    assert psf.radius == samples.radius
    assert psf.total == pytest.approx(samples.total)
    np.testing.assert_allclose(psf.transfer(f, f), samples.transfer(f, f), atol=1e-12 * psf.l1)
    ry, rx = psf.radius
    at = psf.samples()[ry % step :: step, rx % step :: step]
    np.testing.assert_allclose(at * step**2, np.pad(coarse.samples(), _beside(at, coarse)))


def _beside(at, coarse):
    return [((a - c) // 2,) * 2 for a, c in zip(at.shape, coarse.samples().shape, strict=True)]


def test_psfs_turned_on_their_side_are_turned(rng):
    for psf in (
        lopsided(rng),
        mixture([(0.5, 1.0), (0.5, 3.0)]),
        compose(from_array(rng.random((3, 7))), gaussian(1.0)),
        stretched(from_array(rng.random((3, 7))), 3),
    ):
        np.testing.assert_allclose(psf.transposed().samples(), psf.samples().T, atol=1e-14)


def test_a_step_below_a_pixel_is_refused():
    with pytest.raises(ValueError, match="step must be 1 pixel or more, got 0"):
        stretched(gaussian(1.0), 0)


def test_wide_psfs_at_many_frequencies_are_what_they_are_at_few(rng):
    psf = radial([0.0, 200.0, 300.0], [1.0, 2.0])
    f = rng.random(15_000) * 2.0 - 1.0
    many = psf.transfer(f, [0.0, 0.21])
    few = np.concatenate([psf.transfer(part, [0.0, 0.21]) for part in np.split(f, 100)])
    np.testing.assert_allclose(many, few, rtol=0, atol=1e-6)
