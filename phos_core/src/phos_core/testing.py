"""What every convolution backend must satisfy, as tests that its own tests inherit.

A plug-in's test is these lines:

.. code-block:: python

    class TestMyBackend(ConvolutionBackendContract):
        @pytest.fixture
        def backend(self):
            return create()
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phos_core.convolution import reference
from phos_core.convolution.contract import (
    BOUNDARIES,
    TOLERANCES,
    Accuracy,
    Boundary,
    ConvolutionBackend,
)
from phos_core.convolution.execution import convolve
from phos_core.convolution.probing import self_test
from phos_core.psf import PSF, combine, compose, delta, exponential, from_array, gaussian, radial

__all__ = ["ConvolutionBackendContract", "assert_agrees", "images", "psfs"]

LARGEST_SIDE = 300
MOST_REFERENCE_WORK = 3e8  # multiplications: the reference is slow


def assert_agrees(
    found: npt.ArrayLike,
    image: npt.ArrayLike,
    psf: PSF | Sequence[PSF],
    boundary: Boundary,
    accuracy: Accuracy = "exact",
) -> None:
    """Assert that a convolution is within its accuracy class of the float64 reference.

    Parameters
    ----------
    found : array_like, shape (..., rows, cols)
        What was computed.
    image : array_like, shape (..., rows, cols)
        What it was computed from.
    psf : PSF or sequence of PSF
        One for all planes, or one per entry of the first axis.
    boundary : Boundary
        What lies beyond the edges.
    accuracy : Accuracy
        The class to keep to.

    Raises
    ------
    AssertionError
        If it is not.
    """
    expected = reference.convolve(image, psf, boundary)
    strongest = psf.l1 if isinstance(psf, PSF) else max(one.l1 for one in psf)
    allowed = TOLERANCES[accuracy] * float(np.abs(np.asarray(image)).max()) * strongest
    np.testing.assert_allclose(
        np.asarray(found, dtype=np.float64), expected, rtol=0.0, atol=allowed
    )


@st.composite
def psfs(draw: st.DrawFn, most_taps: int = 4000) -> PSF:
    """Draw a PSF: sampled and asymmetric, Gaussian, exponential, or made of several."""
    kind = draw(st.sampled_from(["sampled", "long", "gaussian", "exponential", "made"]))
    if kind == "gaussian":
        return gaussian(draw(st.floats(0.1, 3.5)))
    if kind == "exponential":
        return exponential(draw(st.floats(0.1, 1.5)))
    if kind == "made":
        halo = combine([(0.9, delta()), (0.1, radial([2.0, draw(st.floats(3.0, 9.0))], [1.0]))])
        return compose(gaussian(draw(st.floats(0.3, 1.5))), halo)
    short, long = (5, 160) if kind == "long" else (30, 30)
    radii = [draw(st.integers(0, short)), draw(st.integers(0, long))]
    ry, rx = draw(st.permutations(radii))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return from_array(rng.normal(size=(2 * ry + 1, 2 * rx + 1)))


@st.composite
def images(draw: st.DrawFn, psf: PSF, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Draw a plane of 1 to 300 pixels a side, in memory in any way, that fits the reference."""
    rows = draw(st.integers(1, LARGEST_SIDE))
    widest = int((MOST_REFERENCE_WORK / (rows * (2 * psf.radius[0] + 1))) ** 0.5)
    cols = draw(st.integers(1, max(1, min(LARGEST_SIDE, widest))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    plane = rng.random((rows, cols)).astype(dtype)
    layout = draw(st.sampled_from(["plain", "reversed", "strided", "fortran", "big-endian"]))
    match layout:
        case "reversed":
            plane = np.ascontiguousarray(plane[::-1, ::-1])[::-1, ::-1]
        case "strided":
            plane = np.repeat(np.repeat(plane, 2, axis=0), 3, axis=1)[::2, ::3]
        case "fortran":
            plane = np.asfortranarray(plane)
        case "big-endian":
            plane = plane.astype(plane.dtype.newbyteorder(">"))
    plane.flags.writeable = draw(st.booleans())
    return plane


class ConvolutionBackendContract:
    """The contract of a backend. Inherit it, and override `backend`."""

    @pytest.fixture
    def backend(self) -> ConvolutionBackend:
        """Give the backend that is tested."""
        raise NotImplementedError("override the fixture 'backend' to give the backend under test")

    def test_it_is_a_backend(self, backend: ConvolutionBackend) -> None:
        assert isinstance(backend, ConvolutionBackend)
        assert backend.name
        assert backend.accuracy in get_args(Accuracy)

    def test_its_probe_says_that_it_runs(self, backend: ConvolutionBackend) -> None:
        report = backend.probe()
        assert report.status == "ok", report.reason

    def test_it_passes_the_self_test(self, backend: ConvolutionBackend) -> None:
        assert self_test(backend) == ""

    def test_an_array_survives_the_way_to_the_device_and_back(
        self, backend: ConvolutionBackend
    ) -> None:
        host = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
        host.flags.writeable = False
        back = backend.to_host(backend.to_device(host))
        backend.synchronize()
        assert isinstance(back, np.ndarray)
        assert back.dtype == np.float32
        np.testing.assert_array_equal(back, host)

    def test_an_impulse_becomes_the_psf_in_place_and_not_mirrored(
        self, backend: ConvolutionBackend
    ) -> None:
        psf = from_array(np.arange(1.0, 36.0).reshape(5, 7))
        image = np.zeros((20, 30), np.float32)
        image[9, 13] = 1.0
        expected = np.zeros((20, 30))
        expected[7:12, 10:17] = psf.samples()
        found = convolve(image, psf, backend=backend)
        allowed = TOLERANCES[backend.accuracy] * psf.l1
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=allowed)

    @pytest.mark.parametrize("boundary", BOUNDARIES)
    @pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
    def test_an_impulse_in_a_corner_obeys_the_boundary(
        self, backend: ConvolutionBackend, boundary: Boundary, corner: tuple[int, int]
    ) -> None:
        psf = from_array(np.random.default_rng(0).random((7, 5)))
        image = np.zeros((9, 8), np.float32)
        image[corner] = 1.0
        found = convolve(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, backend.accuracy)

    @pytest.mark.parametrize("boundary", [b for b in BOUNDARIES if b != "zero"])
    @pytest.mark.parametrize("psf", [gaussian(3.0), exponential(2.0)], ids=["gaussian", "exp"])
    def test_a_flat_field_stays_flat(
        self, backend: ConvolutionBackend, boundary: Boundary, psf: PSF
    ) -> None:
        image = np.full((40, 33), 0.7, np.float32)
        found = convolve(image, psf, backend=backend, boundary=boundary)
        np.testing.assert_allclose(found, 0.7, rtol=TOLERANCES[backend.accuracy])

    def test_light_is_neither_made_nor_lost_at_the_symmetric_border(
        self, backend: ConvolutionBackend
    ) -> None:
        image = np.random.default_rng(1).random((50, 37)).astype(np.float32)
        found = convolve(image, exponential(4.0), backend=backend)
        total = float(image.sum(dtype=np.float64))
        assert abs(float(found.sum(dtype=np.float64)) / total - 1.0) <= TOLERANCES[backend.accuracy]

    @pytest.mark.parametrize("boundary", BOUNDARIES)
    @pytest.mark.parametrize(
        "psf",
        [from_array(np.random.default_rng(2).random((41, 27)) - 0.3), gaussian(9.0)],
        ids=["sampled", "gaussian"],
    )
    @pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (7, 11)])
    def test_a_psf_may_be_wider_than_the_picture(
        self, backend: ConvolutionBackend, boundary: Boundary, psf: PSF, shape: tuple[int, int]
    ) -> None:
        image = np.random.default_rng(3).random(shape).astype(np.float32)
        found = convolve(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, backend.accuracy)

    @pytest.mark.parametrize("taps", [(1, 257), (257, 1), (3, 301)])
    def test_a_psf_may_be_wider_than_256_pixels(
        self, backend: ConvolutionBackend, taps: tuple[int, int]
    ) -> None:
        rng = np.random.default_rng(4)
        image, psf = rng.random((2, 40, 50)).astype(np.float32), from_array(rng.random(taps))
        found = _on_device(backend, image, psf)
        assert_agrees(found, image, psf, "symmetric", backend.accuracy)

    @pytest.mark.parametrize("shape", [(1, 127), (61, 47), (60, 100)])
    @pytest.mark.parametrize("boundary", BOUNDARIES)
    def test_sides_may_be_prime_odd_or_even(
        self, backend: ConvolutionBackend, shape: tuple[int, int], boundary: Boundary
    ) -> None:
        image = np.random.default_rng(5).random(shape).astype(np.float32)
        psf = exponential(0.5)
        found = convolve(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, backend.accuracy)

    def test_each_layer_may_have_its_own_psf(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(6)
        image = rng.random((30, 40, 3)).astype(np.float32)
        layers = [gaussian(1.5), from_array(rng.random((9, 5))), delta()]
        found = convolve(image, layers, backend=backend, boundary="mirror")
        planes = np.moveaxis(image, -1, 0)
        assert_agrees(np.moveaxis(found, -1, 0), planes, layers, "mirror", backend.accuracy)

    def test_planes_may_be_stacked_in_any_number_of_axes(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(7)
        image = rng.random((2, 3, 17, 19)).astype(np.float32)
        layers = [gaussian(2.0), from_array(rng.random((3, 7)))]
        found = _on_device(backend, image, layers)
        assert_agrees(found, image, layers, "symmetric", backend.accuracy)

    @pytest.mark.parametrize("shape", [(0, 5), (5, 0), (4, 5, 0), (0, 0, 3)])
    def test_an_empty_image_stays_empty(
        self, backend: ConvolutionBackend, shape: tuple[int, ...]
    ) -> None:
        found = convolve(np.zeros(shape, np.float32), gaussian(1.0), backend=backend)
        assert found.shape == shape

    @pytest.mark.parametrize(
        ("given_dtype", "found_dtype"),
        [
            (np.uint8, np.float32),
            (np.uint16, np.float32),
            (np.int64, np.float32),
            (np.float16, np.float32),
            (np.float32, np.float32),
            (np.float64, np.float64),
        ],
    )
    def test_the_result_keeps_shape_and_kind(
        self,
        backend: ConvolutionBackend,
        given_dtype: npt.DTypeLike,
        found_dtype: npt.DTypeLike,
    ) -> None:
        image = np.random.default_rng(8).integers(0, 200, (12, 13, 2)).astype(given_dtype)
        found = convolve(image, gaussian(1.0), backend=backend)
        assert found.dtype == found_dtype
        assert found.shape == image.shape
        planes = np.moveaxis(image, -1, 0)
        assert_agrees(
            np.moveaxis(found, -1, 0), planes, gaussian(1.0), "symmetric", backend.accuracy
        )

    def test_the_image_is_never_written_to(self, backend: ConvolutionBackend) -> None:
        image = np.random.default_rng(9).random((2, 30, 30)).astype(np.float32)
        before = image.copy()
        for psf in (gaussian(1.0), exponential(3.0), from_array(np.ones((3, 5))), delta()):
            _on_device(backend, image, psf)[...] = -1.0
            np.testing.assert_array_equal(image, before)

    def test_it_is_linear(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(10)
        one, two = rng.random((2, 40, 41)).astype(np.float32)
        psf = exponential(3.0)
        together = convolve(2.0 * one - two, psf, backend=backend)
        apart = 2.0 * convolve(one, psf, backend=backend) - convolve(two, psf, backend=backend)
        allowed = 4.0 * TOLERANCES[backend.accuracy]
        np.testing.assert_allclose(together, apart, rtol=0.0, atol=allowed)

    def test_highlights_far_above_white_stay_within_the_class(
        self, backend: ConvolutionBackend
    ) -> None:
        image = np.random.default_rng(11).random((60, 60)).astype(np.float32)
        image[30, 31] = 1e3
        psf = compose(gaussian(0.8), combine([(0.9, delta()), (0.1, exponential(2.0))]))
        found = convolve(image, psf, backend=backend)
        assert_agrees(found, image, psf, "symmetric", backend.accuracy)

    def test_giving_memory_back_changes_no_result(self, backend: ConvolutionBackend) -> None:
        image = np.random.default_rng(12).random((33, 44)).astype(np.float32)
        before = convolve(image, exponential(2.0), backend=backend)
        backend.release()
        np.testing.assert_array_equal(convolve(image, exponential(2.0), backend=backend), before)

    def test_memory_is_known_in_bytes_or_not_at_all(self, backend: ConvolutionBackend) -> None:
        memory = backend.memory()
        assert memory.free_bytes is None or memory.free_bytes >= 0
        assert memory.total_bytes is None or memory.total_bytes > 0

    def test_only_the_three_failures_are_classified(self, backend: ConvolutionBackend) -> None:
        assert backend.classify_error(MemoryError()) == "out-of-memory"
        assert backend.classify_error(ZeroDivisionError()) is None

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
        ],
    )
    @given(data=st.data(), boundary=st.sampled_from(BOUNDARIES))
    def test_it_agrees_with_the_reference(
        self, backend: ConvolutionBackend, data: st.DataObject, boundary: Boundary
    ) -> None:
        psf = data.draw(psfs())
        image = data.draw(images(psf))
        found = convolve(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, backend.accuracy)


def _on_device(
    backend: ConvolutionBackend, image: npt.NDArray[Any], psf: PSF | Sequence[PSF]
) -> npt.NDArray[Any]:
    """Convolve at the symmetric border without the door."""
    blurred = backend.convolve(backend.to_device(image), psf, accuracy=backend.accuracy)
    found = backend.to_host(blurred)
    assert found.dtype == image.dtype
    return np.array(found)
