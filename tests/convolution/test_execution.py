import math

import array_api_strict
import numpy as np
import pytest

from phos_core.convolution import execution
from phos_core.convolution.contract import BackendBase
from phos_core.convolution.execution import convolve
from phos_core.convolution.scipy_backend import ScipyBackend
from phos_core.errors import BackendUnavailableError
from phos_core.psf import delta, from_array, gaussian
from phos_core.testing import assert_agrees

SCIPY = ScipyBackend()


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros(5), ValueError, r"shape \(rows, cols\), .*got \(5,\)"),
        (np.zeros((2, 3, 4, 5, 6)), ValueError, "must have the shape"),
        (np.zeros((3, 40, 50)), ValueError, r"channels seem to come first; numpy\.moveaxis"),
        (np.zeros((4, 4), complex), TypeError, "real numbers, got dtype complex128"),
        (np.array([[None]]), TypeError, "real numbers, got dtype object"),
        ([["a"]], TypeError, "real numbers"),
    ],
)
def test_what_is_no_image_is_refused(image, error, message):
    with pytest.raises(error, match=message):
        convolve(image, delta())


@pytest.mark.parametrize("shape", [(3, 4, 3), (4, 3, 2), (3, 5, 4), (40, 3, 3)])
def test_small_images_are_not_taken_for_planar_ones(shape):
    assert convolve(np.ones(shape), delta()).shape == shape


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_with_its_place(value):
    image = np.zeros((5, 6, 2))
    image[2, 4, 1] = value
    with pytest.raises(ValueError, match=rf"finite, got {value} at \(2, 4, 1\)"):
        convolve(image, gaussian(1.0))


def test_nested_lists_are_an_image_and_a_psf():
    found = convolve([[0, 1, 0], [0, 0, 0]], [[1, 2, 3]], boundary="zero")
    np.testing.assert_allclose(found, [[1, 2, 3], [0, 0, 0]], atol=1e-5)


def test_a_list_holds_one_psf_per_channel():
    image = np.random.default_rng(1).random((6, 7, 2))
    found = convolve(image, [delta(), np.array([[2.0]])])
    np.testing.assert_allclose(found, image * [1.0, 2.0], rtol=1e-6)
    np.testing.assert_allclose(convolve(image[..., 0], [delta()]), image[..., 0], rtol=1e-6)


@pytest.mark.parametrize("psfs", [[], [delta()], [delta()] * 3])
def test_a_list_of_another_length_is_refused(psfs):
    with pytest.raises(ValueError, match=r"must be|one per channel: got \d for"):
        convolve(np.ones((4, 5, 2)), psfs)


def test_the_word_reflect_is_refused():
    with pytest.raises(ValueError, match="ambiguous"):
        convolve(np.ones((4, 4)), delta(), boundary="reflect")


def test_an_even_psf_is_refused():
    with pytest.raises(ValueError, match="odd sides"):
        convolve(np.ones((4, 4)), np.ones((2, 3)))


def test_the_result_goes_where_it_is_wanted():
    image = np.random.default_rng(2).random((8, 9, 3)).astype(np.float32)
    out = np.empty_like(image)
    assert convolve(image, gaussian(1.0), out=out) is out
    np.testing.assert_array_equal(out, convolve(image, gaussian(1.0)))


def test_the_image_itself_may_take_the_result():
    image = np.random.default_rng(3).random((8, 9)).astype(np.float32)
    expected = convolve(image, gaussian(1.0))
    np.testing.assert_array_equal(convolve(image, gaussian(1.0), out=image), expected)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([[0.0]], TypeError, "must be a NumPy array, got list"),
        (np.zeros((4, 5), np.float64), TypeError, "dtype float32, got float64"),
        (np.zeros((5, 4), np.float32), ValueError, r"shape \(4, 5\), got \(5, 4\)"),
        (np.broadcast_to(np.float32(0), (4, 5)), ValueError, "writable"),
    ],
)
def test_a_place_that_does_not_fit_is_refused_before_any_work(out, error, message):
    with pytest.raises(error, match=message):
        convolve(np.ones((4, 5), np.uint8), delta(), backend="no such backend", out=out)


@pytest.mark.parametrize("peak", [1e300, 1e-300, 1e-42, 1e25])
def test_values_beyond_single_precision_keep_the_class(peak):
    image = np.random.default_rng(4).random((20, 21)) * peak
    found = convolve(image, gaussian(2.0))
    assert found.dtype == np.float64
    assert_agrees(found / peak, image / peak, gaussian(2.0), "symmetric")


@pytest.mark.parametrize("peak", [3e38, 1e-40])
def test_single_precision_may_be_used_to_its_ends(peak):
    image = (np.random.default_rng(5).random((50, 50)) * peak).astype(np.float32)
    found = convolve(image, gaussian(3.0))
    scaled = image.astype(np.float64) / peak
    assert_agrees(found.astype(np.float64) / peak, scaled, gaussian(3.0), "symmetric")


def test_a_black_image_stays_black():
    assert not convolve(np.zeros((5, 5)), gaussian(1.0)).any()


def test_the_psf_need_not_be_normalised():
    found = convolve(np.ones((5, 5)), from_array([[-3.0]]))
    np.testing.assert_allclose(found, -3.0)


# ------------------------------------------------------------------ arrays of a device, batches


class Apart(BackendBase):
    """A device that nothing leaves and nothing reaches."""

    name = "apart"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def to_device(self, host):
        raise AssertionError("an upload")

    def to_host(self, x):
        raise AssertionError("a download")


def on_device(host):
    return array_api_strict.asarray(host.copy(), device=Apart.device)


def on_host(x):
    return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 2), (3, 9, 12, 2)])
def test_an_array_of_a_device_is_convolved_where_it_is(dtype, shape):
    host = (np.random.default_rng(1).random(shape) * 5).astype(dtype)
    found = convolve(on_device(host), gaussian(1.0), backend=Apart())
    assert found.device == Apart.device
    expected = convolve(host, gaussian(1.0))
    assert on_host(found).dtype == expected.dtype
    np.testing.assert_allclose(on_host(found), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("peak", [1e300, 1e-300])
def test_values_of_a_device_beyond_single_precision_keep_the_class(peak):
    host = np.random.default_rng(4).random((20, 21)) * peak
    found = on_host(convolve(on_device(host), gaussian(2.0), backend=Apart()))
    assert_agrees(found / peak, host / peak, gaussian(2.0), "symmetric")


def test_an_array_of_a_device_needs_a_backend_that_owns_it():
    with pytest.raises(BackendUnavailableError, match=r"'scipy'.* does not own the image"):
        convolve(on_device(np.ones((4, 5))), delta(), backend="scipy")
    with pytest.raises(TypeError, match="out takes the result of NumPy arrays only"):
        convolve(on_device(np.ones((4, 5))), delta(), out=np.ones((4, 5)))
    with pytest.raises(ValueError, match="finite"):
        convolve(on_device(np.full((4, 5), math.nan)), delta(), backend=Apart())
    with pytest.raises(TypeError, match="real numbers"):
        convolve(on_device(np.ones((4, 5), complex)), delta(), backend=Apart())


class Strict(BackendBase):
    name = "strict"
    xp = array_api_strict

    def to_device(self, host):
        return array_api_strict.asarray(host)

    def to_host(self, x):
        return np.asarray(x)


@pytest.mark.parametrize("backend", [SCIPY, Strict()])
def test_each_image_of_a_batch_is_as_if_it_came_alone(backend):
    batch = np.random.default_rng(9).random((3, 20, 30, 2)).astype(np.float32)
    found = convolve(batch, [gaussian(1.0), gaussian(4.0)], backend=backend)
    for one, alone in zip(batch, found, strict=True):
        expected = convolve(one, [gaussian(1.0), gaussian(4.0)], backend=backend)
        np.testing.assert_allclose(alone, expected, rtol=0, atol=1e-6)


def test_a_batch_is_one_call_where_the_device_holds_it():
    class Counting(Strict):
        calls = 0

        def convolve(self, image, psf, *, boundary="symmetric", accuracy="exact"):
            self.calls += 1
            return super().convolve(image, psf, boundary=boundary, accuracy=accuracy)

    batch = np.ones((3, 20, 30, 2), np.float32)
    backend = Counting()
    convolve(batch, gaussian(2.0), backend=backend)
    assert backend.calls == 1
    backend.max_elements = 3_000
    convolve(batch, gaussian(2.0), backend=backend)
    assert backend.calls == 1 + 3


def test_a_list_of_images_gives_a_list():
    images = [np.random.default_rng(i).random((5 + i, 9, 1 + i)) for i in range(3)]
    found = convolve(images, gaussian(1.0))
    for image, alone in zip(images, found, strict=True):
        np.testing.assert_array_equal(alone, convolve(image, gaussian(1.0)))
    out = [np.empty_like(image) for image in images]
    convolve(images, gaussian(1.0), out=out)
    np.testing.assert_array_equal(out[2], found[2])
    with pytest.raises(ValueError, match="one array per picture, 3, got 2"):
        convolve(images, gaussian(1.0), out=out[:2])


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 2), (3, 6, 7, 2)])
def test_the_backend_is_chosen_by_the_pixels_of_one_picture(shape, monkeypatch):
    asked = []
    original = execution.select

    def select(backend, *, pixels):
        asked.append(pixels)
        return original(backend)

    monkeypatch.setattr(execution, "select", select)
    convolve(np.ones(shape), delta())
    assert set(asked) == {42}
