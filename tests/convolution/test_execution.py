import contextvars
import math
import threading

import array_api_strict
import numpy as np
import pytest

from phos_core.convolution import execution
from phos_core.convolution.contract import BackendBase
from phos_core.convolution.execution import by_rows, convolve
from phos_core.convolution.scipy_backend import ScipyBackend
from phos_core.psf import delta, from_array, gaussian
from phos_core.testing import assert_agrees

SCIPY = ScipyBackend()


@pytest.fixture
def small_strips(monkeypatch):
    """Strips of a few rows, so that small images have many."""
    monkeypatch.setattr(execution, "STRIP_NUMBERS", 250)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros(5), ValueError, r"shape \(rows, cols\) or .*got \(5,\)"),
        (np.zeros((2, 3, 4, 5)), ValueError, "must have the shape"),
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


def test_strips_put_together_are_the_whole(small_strips):
    image = np.random.default_rng(6).random((3, 101, 20)).astype(np.float32)
    found = by_rows(SCIPY, lambda strip, row_start: strip * 2 + row_start * 0, image)
    np.testing.assert_array_equal(found, image * 2)
    assert found.dtype == np.float32


def test_every_strip_knows_its_first_row(small_strips):
    image = np.zeros((3, 50, 20), np.float32)

    def rows(strip, row_start):
        return strip + np.arange(row_start, row_start + strip.shape[1])[:, None]

    np.testing.assert_array_equal(by_rows(SCIPY, rows, image)[0, :, 0], np.arange(50))


def test_the_result_may_have_other_layers_and_another_dtype(small_strips):
    image = np.random.default_rng(7).integers(0, 255, (60, 30, 3)).astype(np.uint8)
    planes = np.moveaxis(image, -1, 0)

    def doubled(strip, row_start):
        return np.concatenate([strip, strip]).astype(np.float32)

    found = by_rows(SCIPY, doubled, planes)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.concatenate([planes, planes]))


def test_several_arrays_are_cut_alike(small_strips):
    one, two = np.random.default_rng(8).random((2, 3, 40, 30))
    out = np.empty_like(one)
    found = by_rows(SCIPY, lambda a, b, row_start: a - b, one, two, out=out)
    assert found is out
    np.testing.assert_array_equal(out, one - two)


def test_strips_run_on_threads_that_see_the_context(small_strips):
    setting = contextvars.ContextVar("setting", default="outside")
    setting.set("inside")
    seen = set()

    def look(strip, row_start):
        seen.add((setting.get(), threading.current_thread().name.partition("_")[0]))
        return strip

    by_rows(SCIPY, look, np.zeros((3, 90, 30), np.float32))
    assert {value for value, _ in seen} == {"inside"}
    assert "phos" in {thread for _, thread in seen}


def test_an_error_in_a_strip_comes_out(small_strips):
    def fail(strip, row_start):
        if row_start > 20:
            raise ZeroDivisionError
        return strip

    with pytest.raises(ZeroDivisionError):
        by_rows(SCIPY, fail, np.zeros((3, 90, 30), np.float32))


@pytest.mark.parametrize("shape", [(3, 0, 5), (3, 5, 0), (3, 1, 1)])
def test_images_without_rows_to_cut_are_one_strip(shape):
    assert by_rows(SCIPY, lambda strip, row_start: strip, np.zeros(shape)).shape == shape


class Strict(BackendBase):
    name = "strict"
    xp = array_api_strict

    def to_device(self, host):
        return array_api_strict.asarray(host)

    def to_host(self, x):
        return np.asarray(x)


def test_arrays_of_another_library_are_handed_over_whole(small_strips):
    image = array_api_strict.ones((3, 200, 30))
    calls = []

    def count(whole, row_start):
        calls.append((whole.shape, row_start))
        return whole

    assert by_rows(Strict(), count, image) is image
    assert calls == [((3, 200, 30), 0)]


def test_the_result_of_another_library_may_be_wanted_on_the_host():
    image, out = array_api_strict.ones((3, 20, 30)), np.empty((3, 20, 30))
    assert by_rows(Strict(), lambda whole, row_start: whole * 2.0, image, out=out) is out
    assert (out == 2.0).all()
