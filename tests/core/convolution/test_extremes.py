"""Amplitudes, places and callers' settings that a convolution has to bear."""

from importlib.util import find_spec

import numpy as np
import pytest

import phos_core as phos

BACKENDS = [
    name
    for name, module in (
        ("scipy", "scipy"),
        ("cv2", "cv2"),
        ("numba", "phos_numba"),
        ("torch:cpu", "phos_torch"),
    )
    if find_spec(module)
]
FRAMES = np.random.default_rng(0).random((4, 20, 30, 3)).astype(np.float32)
BLUR = phos.psf.gaussian(1.5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("image_scale", "psf_scale"),
    [(1e15, 1e30), (1e-15, 1e-30), (1e15, 1e-30), (1.0, 1e39), (1e200, 1e100), (1e-200, 1e-100)],
)
def test_the_error_follows_peak_and_l1_whatever_their_size(rng, backend, image_scale, psf_scale):
    image, samples = rng.random((20, 20)), rng.random((5, 5))
    for make in (
        phos.psf.from_array,
        lambda scaled: phos.psf.combine([(scaled[0, 0], phos.psf.gaussian(2.0))]),
    ):
        unit, strong = make(samples), make(samples * psf_scale)
        expected = phos.convolve(image, unit, backend="scipy")
        found = phos.convolve(image * image_scale, strong, backend=backend)
        error = np.abs(found / image_scale / psf_scale - expected).max()
        assert error <= 1e-5 * unit.l1


def test_each_channel_s_psf_may_have_an_amplitude_of_its_own(rng):
    image = rng.random((20, 24, 3))
    scales = (1e30, 1.0, 1e-30)
    found = phos.convolve(image, [phos.psf.combine([(s, BLUR)]) for s in scales], backend="scipy")
    expected = phos.convolve(image, BLUR, backend="scipy")
    np.testing.assert_allclose(found / scales, expected, rtol=0, atol=2e-5)


def test_a_result_beyond_its_dtype_is_an_error_and_not_infinity():
    image = np.full((8, 8), 1e30, np.float32)
    with pytest.raises(ValueError, match=r"image and psf .* beyond the range of float32.*float64"):
        phos.convolve(image, np.full((3, 3), 1e20), backend="scipy")
    found = phos.convolve(image.astype(np.float64), np.full((3, 3), 1e20), backend="scipy")
    assert found == pytest.approx(9e50, rel=1e-5)


def overlapping(memory: np.ndarray) -> dict[str, tuple[object, object]]:
    """Pictures and places for their results, in memory that they share."""
    return {
        "shifted": (memory[:3], memory[1:]),
        "shifted back": (memory[1:], memory[:3]),
        "itself": (memory, memory),
        "reversed": (memory, memory[::-1]),
        "upside down": (memory, memory[:, ::-1]),
        "mirrored": (memory, memory[:, :, ::-1]),
        "other channels": (memory, memory[..., ::-1]),
        "a list, in turn": (list(memory), [memory[1], memory[2], memory[3], memory[0]]),
        "a list into an array": (list(memory), memory[::-1]),
        "one picture twice": ([memory[0], memory[0]], [memory[1], memory[0]]),
        "a picture, mirrored": (memory[0], memory[0][:, ::-1]),
        "a picture, a row on": (
            memory[0].reshape(-1, 3)[:570].reshape(19, 30, 3),
            memory[0].reshape(-1, 3)[30:].reshape(19, 30, 3),
        ),
    }


@pytest.mark.parametrize("name", overlapping(FRAMES))
@pytest.mark.parametrize("backend", [name for name in BACKENDS if name in ("scipy", "numba")])
def test_out_may_share_memory_with_the_pictures_in_any_way(backend, name):
    calls = {
        "convolve": lambda image, out: phos.convolve(image, BLUR, backend=backend, out=out),
        "develop": lambda image, out: phos.develop(image, backend=backend, grain=0.0, out=out),
    }
    for call in calls.values():
        apart, _ = overlapping(FRAMES.copy())[name]
        expected = call(apart, None)
        image, out = overlapping(FRAMES.copy())[name]
        given = call(image, out)
        assert given is out or isinstance(image, list)
        for found, right in zip(out, expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=0, atol=1e-5)


def test_two_results_in_one_place_are_refused_before_any_work():
    place = np.zeros((20, 30, 3), np.float32)
    whole = np.zeros((20, 60, 3), np.float32)
    for call in (phos.develop, lambda image, out: phos.convolve(image, BLUR, out=out)):
        with pytest.raises(ValueError, match=r"out\[0\] and out\[1\] in the same memory"):
            call([FRAMES[0], FRAMES[1]], out=[place, place])
        assert not place.any()
        call([FRAMES[0], FRAMES[1]], out=[whole[:, ::2], whole[:, 1::2]])  # interleaved is apart
        assert whole.any()


def test_a_place_that_is_wrong_is_found_before_the_first_of_several_is_convolved():
    places = [np.zeros((20, 30, 3), np.float32), np.zeros((20, 31, 3), np.float32)]
    with pytest.raises(ValueError, match="out must have the shape"):
        phos.convolve([FRAMES[0], FRAMES[1]], BLUR, out=places)
    assert not places[0].any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_caller_has_numpy_raise_does_not_reach_inside(backend):
    image = np.zeros((40, 50, 3), np.float32)
    image[20, 20] = 1.0
    with np.errstate(all="raise"):
        phos.convolve(image, phos.psf.gaussian(17.0), backend=backend)
        phos.convolve(image[..., 0], phos.psf.pixel_mixture([(1.0, 0.01)]), backend=backend)
        phos.convolve(image * 1e-30, np.full((3, 3), 1e-30), backend=backend)
        phos.develop(image, "velvia-50", backend=backend)
        phos.develop(image, "tri-x-400", encoding="linear", backend=backend)
        phos.load_film("portra-400", printing="2383")
        phos.psf.exponential(0.01).transfer([0.0, 0.5], [0.1])
        phos.psf.gaussian(30.0).samples()


@pytest.mark.parametrize("size", [(2000, 1000), (700, 3000), (600, 600)])
def test_a_generic_plan_says_how_many_frequencies_it_takes(size):
    from phos_core.convolution.methods import generic
    from phos_core.convolution.methods.planner import make_plan

    given = {"boundary": "symmetric", "single": True, "method": "auto"}
    planned = make_plan("x", generic.PREFERENCES, size, phos.psf.gaussian(20.0), **given)
    assert planned.method == "frequencies"
    counts = " x ".join(map(str, planned.points))
    assert planned.reason == f"{counts} frequencies are enough"
    assert str(planned).splitlines()[-1] == f"smooth part: from {counts} frequencies"


def test_the_plan_of_a_float64_image_is_the_one_that_convolve_follows():
    psf = phos.psf.gaussian(20.0)
    single = phos.plan((600, 700), psf, backend="scipy", dtype=np.float32)
    double = phos.plan((600, 700), psf, backend="scipy", dtype="float64")
    assert str(single) == str(double)
    with pytest.raises(TypeError, match="dtype must be one of real numbers, got complex128"):
        phos.plan((600, 700), psf, dtype=complex)
    for shape in ((5, 5, 3), 5, (5.0, 5.0), "ab"):
        with pytest.raises(ValueError, match=r"shape must be \(rows, cols\)"):
            phos.plan(shape, psf)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wide_gaussian_on_a_small_plane_is_its_mean(backend, rng):
    image = rng.random((50, 60)).astype(np.float32)
    for sigma in (400.0, 1e4, 1e8):
        found = phos.convolve(image, phos.psf.gaussian(sigma), backend=backend)
        np.testing.assert_allclose(found, image.mean(), rtol=0, atol=1e-5)
