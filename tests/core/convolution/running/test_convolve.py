import math

import array_api_strict
import numpy as np
import pytest

from phos_core.backend import BackendBase, GenericBackend, Limits
from phos_core.convolution.methods import generic
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.convolution.running import convolve as running
from phos_core.convolution.running import planes
from phos_core.convolution.running.convolve import convolve, plan
from phos_core.errors import BackendUnavailableError, UnsupportedOperationError
from phos_core.psf import delta, exponential, from_array, gaussian, mixture
from phos_core.testing import assert_agrees

SCIPY = ScipyBackend()


@pytest.fixture
def small_strips(monkeypatch):
    """Strips of a few rows, so that small images have many."""
    monkeypatch.setattr(planes, "STRIP_NUMBERS", 250)


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


class Apart(GenericBackend):
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


class Strict(GenericBackend):
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

        def convolve(self, image, psf, *, boundary="symmetric"):
            self.calls += 1
            return super().convolve(image, psf, boundary=boundary)

    batch = np.ones((3, 20, 30, 2), np.float32)
    backend = Counting()
    convolve(batch, gaussian(2.0), backend=backend)
    assert backend.calls == 1
    backend.limits = Limits(max_elements=3_000)
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
    original = running.select

    def select(backend, *, pixels):
        asked.append(pixels)
        return original(backend)

    monkeypatch.setattr(running, "select", select)
    convolve(np.ones(shape), delta())
    assert set(asked) == {42}


class Blind(BackendBase):
    """Convolves in its own way and tells no methods."""

    name = "blind"

    def to_device(self, host):
        return host

    def to_host(self, x):
        return x

    def convolve(self, image, psf, *, boundary="symmetric"):
        return generic.convolve(image, psf, boundary)


class Inheriting(GenericBackend):
    """Brings nothing but its arrays."""

    name = "inheriting"

    def to_device(self, host):
        return host

    def to_host(self, x):
        return x


BOTH = mixture([(0.85, 1.2), (0.15, 6.0)])


@pytest.mark.parametrize("backend", [SCIPY, Inheriting()], ids=lambda b: b.name)
@pytest.mark.parametrize(
    ("psf", "method"),
    [
        (gaussian(1.0), "separable"),
        (gaussian(6.0), "multirate"),
        (BOTH, "sum"),
        (gaussian(1.0), "transform"),
        (BOTH, "transform"),
    ],
)
@pytest.mark.parametrize("shape", [(70, 80), (70, 80, 3)])
def test_a_method_that_is_asked_for_is_taken_and_right(backend, psf, method, shape, monkeypatch):
    asked = []
    original = backend.convolve_by
    monkeypatch.setattr(
        backend,
        "convolve_by",
        lambda method, *rest, **more: asked.append(method) or original(method, *rest, **more),
    )
    if method == "multirate" and backend is not SCIPY:
        method = "frequencies"  # which are its way for what is smooth
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    found = convolve(image, psf, backend=backend, method=method)
    assert asked == [method]
    for channel in np.ndindex(shape[2:]):
        assert_agrees(found[..., *channel], image[..., *channel], psf, "symmetric")
    assert plan(shape[:2], psf, backend=backend, method=method).method == method


@pytest.mark.parametrize("boundary", ["symmetric", "wrap"])
def test_a_plan_needs_no_picture(boundary):
    made = plan((200, 300), [[0.25, 0.5, 0.25]], backend="scipy", boundary=boundary)
    assert (made.backend, made.method, made.boundary) == ("scipy", "separable", boundary)
    assert made.shape == (200, 300)


def test_a_method_that_does_not_exist_is_refused_before_any_work():
    with pytest.raises(ValueError, match=r"method must be one of auto, .*'fft'"):
        convolve(np.full((3, 3), np.nan), delta(), method="fft")
    with pytest.raises(ValueError, match=r"shape must be \(rows, cols\), both at least 1"):
        plan((0, 3), delta())


def test_a_method_that_the_backend_cannot_take_is_refused_before_any_work():
    image, out = np.ones((30, 30), np.float32), np.zeros((30, 30), np.float32)
    with pytest.raises(UnsupportedOperationError, match=r"scipy .*'multirate'.*possible: sep"):
        convolve(image, gaussian(1.0), backend="scipy", method="multirate", out=out)
    assert not out.any()


def test_a_backend_that_tells_no_methods_takes_none():
    image = np.ones((30, 30), np.float32)
    np.testing.assert_allclose(convolve(image, gaussian(1.0), backend=Blind()), 1.0, rtol=1e-5)
    for ask in (
        lambda: convolve(image, gaussian(1.0), backend=Blind(), method="transform"),
        lambda: plan((30, 30), gaussian(1.0), backend=Blind()),
    ):
        with pytest.raises(UnsupportedOperationError, match="blind chooses its method by itself"):
            ask()


def test_a_single_plane_is_neither_copied_there_nor_back(monkeypatch):
    given = []
    monkeypatch.setattr(
        SCIPY,
        "convolve_into",
        lambda planes, psf, out, **rest: given.append((planes, out)) or out.fill(1.0),
    )
    image, out = np.ones((40, 50), np.float32), np.zeros((40, 50), np.float32)
    convolve(image, gaussian(1.0), backend=SCIPY, out=out)
    ((planes, place),) = given
    assert np.shares_memory(planes, image)
    assert place is out


def test_every_strip_of_a_picture_is_looked_at(small_strips):
    image = np.zeros((60, 20, 3), np.float32)
    for row in (0, 31, 59):
        bad = image.copy()
        bad[row, 7, 2] = np.nan
        with pytest.raises(ValueError, match=rf"finite, got nan at \({row}, 7, 2\)"):
            convolve(bad, delta())
        bright = image.astype(np.float64)
        bright[row, 7, 2] = 1e200
        assert convolve(bright, delta())[row, 7, 2] == pytest.approx(1e200)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", ["multirate", "sum", "transform", "separable"])
@pytest.mark.parametrize("at", [(0, 0), (77, 131), (159, 189)])
def test_a_plane_with_a_pixel_that_is_not_finite_is_refused_by_every_method(value, method, at):
    psf = psf_for(method)
    image = np.ones((160, 190), np.float32)
    image[at] = value
    with pytest.raises(ValueError, match=rf"finite, got {value} at \({at[0]}, {at[1]}\)"):
        convolve(image, psf, backend="scipy", method=method, out=np.empty_like(image))


LOPSIDED = from_array(np.pad(np.random.default_rng(2).random((21, 21)), ((0, 20), (0, 20))))


@pytest.mark.parametrize(
    ("method", "psf", "boundary"),
    [
        ("multirate", gaussian(20.0), "symmetric"),
        ("sum", mixture([(0.9, 1.2), (0.1, 20.0)]), "symmetric"),
        *[
            ("transform", psf, boundary)
            for psf in (exponential(5.0), LOPSIDED)
            for boundary in ("symmetric", "mirror", "edge", "wrap", "zero")
        ],
        ("separable", gaussian(0.8), "symmetric"),
        ("separable", from_array(np.eye(1, 19)), "zero"),  # moves some of the picture off its edge
    ],
)
def test_a_pixel_that_is_not_finite_is_refused_by_each_quickest_method(method, psf, boundary):
    shape = (300, 330)
    assert plan(shape, psf, backend="scipy", boundary=boundary).method == method
    somewhere = np.random.default_rng(3).integers(shape, size=(3, 2))
    for row, col in [(0, 0), (0, 329), (299, 0), (299, 329), *somewhere]:
        for value in (np.nan, np.inf, -np.inf):
            image = np.ones(shape, np.float32)
            image[row, col] = value
            with pytest.raises(ValueError, match=rf"finite, got {value} at \({row}, {col}\)"):
                convolve(image, psf, backend="scipy", boundary=boundary)


def test_a_pixel_that_a_narrow_method_passes_over_is_refused_all_the_same():
    class PassesOver(ScipyBackend):
        def convolve_narrow(self, plane, *others, **settings):
            super().convolve_narrow(np.nan_to_num(plane), *others, **settings)

    image = np.ones((300, 330), np.float32)
    image[7, 9] = np.nan
    with pytest.raises(ValueError, match=r"finite, got nan at \(7, 9\)"):
        convolve(image, gaussian(0.8), backend=PassesOver())


@pytest.mark.parametrize("exponent", [70, 126, -70, -125, -140])
def test_a_plane_of_any_magnitude_is_convolved_by_the_quickest_method(exponent):
    image = np.random.default_rng(1).random((160, 190)).astype(np.float32)
    image = np.ldexp(image, exponent)
    expected = convolve(np.ldexp(image, -exponent), gaussian(9.0), backend="scipy")
    found = np.ldexp(np.float64(convolve(image, gaussian(9.0), backend="scipy")), -exponent)
    rounding = 2.0 ** max(-150 - exponent, -24)  # faint numbers have few digits
    np.testing.assert_allclose(found, expected, rtol=0, atol=1.01 * rounding + 1e-6)


def test_a_bright_plane_that_a_smooth_blur_takes_is_looked_at_once_by_its_result(monkeypatch):
    monkeypatch.setattr(running, "planar", None)
    image = np.random.default_rng(1).random((160, 190)).astype(np.float32)
    assert np.isfinite(convolve(image, gaussian(9.0), backend="scipy")).all()
    with pytest.raises(TypeError):  # a faint one is looked at
        convolve(image * np.float32(1e-30), gaussian(9.0), backend="scipy")


@pytest.mark.parametrize("peak", [3e38, 1e25, 1e-25, 1e-38])
@pytest.mark.parametrize("method", ["multirate", "sum", "transform", "separable"])
def test_a_plane_of_any_magnitude_is_convolved_by_every_method(peak, method):
    image = np.random.default_rng(1).random((160, 190)).astype(np.float32)
    expected = convolve(image, psf_for(method), backend="scipy", method=method)
    scaled = np.ldexp(image, math.frexp(peak)[1] - 1)
    out = np.empty_like(image)
    convolve(scaled, psf_for(method), backend="scipy", method=method, out=out)
    found = np.ldexp(out.astype(np.float64), 1 - math.frexp(peak)[1])
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_a_dark_plane_with_a_faint_corner_is_convolved():
    image = np.zeros((160, 190), np.float32)
    image[159, 189] = 1e-30
    found = convolve(image, gaussian(5.0), backend="scipy")
    assert found.sum(dtype=np.float64) == pytest.approx(1e-30, rel=1e-5)
    assert not convolve(np.zeros_like(image), gaussian(5.0), backend="scipy").any()


def psf_for(method):
    return mixture([(0.9, 1.2), (0.1, 6.0)]) if method == "sum" else gaussian(4.0)


def test_a_plane_that_goes_straight_to_its_place_goes_down_the_ladder_as_any_other():
    image = np.random.default_rng(1).random((160, 190)).astype(np.float32)
    psf = from_array(np.random.default_rng(2).random((21, 21)))  # by a transform
    calls = []

    class Full(ScipyBackend):
        def convolve_into(self, plane, one, out, **given):
            calls.append(plane.shape)
            raise MemoryError

        def convolve(self, plane, one, **given):
            calls.append(plane.shape)
            if len(plane) > 100:
                raise MemoryError
            return super().convolve(plane, one, **given)

    found = convolve(image, psf, backend=Full())
    assert_agrees(found, image, psf, "symmetric")
    assert calls[0] == image.shape
    assert calls[-1][0] <= 100
