"""What every convolution backend must satisfy, as tests that its own tests inherit.

A plug-in's test is these lines:

.. code-block:: python

    class TestMyBackend(ConvolutionBackendContract):
        @pytest.fixture
        def backend(self):
            return create()
"""

import gc
import os
import random
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pytest
from array_api_compat import is_numpy_namespace
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from phos_core import convolve
from phos_core.arrays import array_namespace, device
from phos_core.backend import (
    BOUNDARIES,
    PSF,
    Accuracy,
    Array,
    BackendBase,
    Boundary,
    ConvolutionBackend,
    FillsOut,
    Grain,
    MakesGrain,
    grain_noise,
)
from phos_core.convolution.choosing import process_state
from phos_core.convolution.choosing.probing import self_test
from phos_core.convolution.contract import TOLERANCES
from phos_core.convolution.methods import reference
from phos_core.convolution.optional import (
    OPTIONAL_PARTS,
    accuracy_of,
    error_kind_of,
    memory_of,
    probe_of,
    release,
    synchronize,
)
from phos_core.errors import nearest
from phos_core.process import steps
from phos_core.psf import combine, compose, delta, exponential, from_array, gaussian, radial

__all__ = ["ConvolutionBackendContract", "assert_agrees", "images", "parts_of", "psfs"]

LARGEST_SIDE = 300
MOST_REFERENCE_WORK = 3e8  # multiplications: the reference is slow
BETWEEN_TF32 = 1 + 2**-11  # half a step of TensorFloat-32's ten bits: off by 5e-4 if rounded so
KEPT_BYTES = 2**20  # what a backend may hold on the host when it has given memory back
THREADS = 4


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


Plane: TypeAlias = npt.NDArray[Any]


def _plain(plane: Plane) -> Plane:
    return plane


def _reversed(plane: Plane) -> Plane:
    return np.ascontiguousarray(plane[::-1, ::-1])[::-1, ::-1]


def _strided(plane: Plane) -> Plane:
    return np.repeat(np.repeat(plane, 2, axis=0), 3, axis=1)[::2, ::3]


def _fortran(plane: Plane) -> Plane:
    return np.asfortranarray(plane)


def _big_endian(plane: Plane) -> Plane:
    return plane.astype(plane.dtype.newbyteorder(">"))


def _noise(taps: tuple[int, int]) -> PSF:
    """A PSF without any symmetry, of both signs."""
    return from_array(np.random.default_rng(18).normal(size=taps))


_HALO = combine([(0.9, delta()), (0.1, radial([2.0, 7.5], [1.0]))])

CASES: dict[str, tuple[PSF, tuple[int, int], Callable[[Plane], Plane]]] = {
    "one sample": (_noise((1, 1)), (40, 31), _strided),
    "a short row": (_noise((1, 7)), (33, 64), _plain),
    "a short column": (_noise((9, 1)), (64, 33), _fortran),
    "small and square": (_noise((5, 5)), (29, 50), _big_endian),
    "large and square": (_noise((61, 61)), (47, 90), _reversed),
    "wide and flat": (_noise((5, 301)), (70, 83), _plain),
    "high and narrow": (_noise((257, 9)), (83, 70), _strided),
    "a narrow Gaussian": (gaussian(0.4), (61, 59), _fortran),
    "a Gaussian": (gaussian(1.9), (128, 40), _reversed),
    "a wide Gaussian": (gaussian(3.5), (24, 200), _big_endian),
    "an exponential": (exponential(0.7), (90, 91), _plain),
    "scatter and halo": (compose(gaussian(0.8), _HALO), (57, 110), _strided),
    "a single row of pixels": (_noise((11, 13)), (1, 150), _plain),
    "a single column of pixels": (gaussian(1.1), (150, 1), _fortran),
}
"""Kinds of PSF, each with a picture's size and how that lies in memory."""


class ConvolutionBackendContract:
    """The contract of a backend. Inherit it, and override `backend`."""

    @pytest.fixture
    def backend(self) -> ConvolutionBackend:
        """Give the backend that is tested."""
        raise NotImplementedError("override the fixture 'backend' to give the backend under test")

    def test_it_is_a_backend(self, backend: ConvolutionBackend) -> None:
        assert isinstance(backend, ConvolutionBackend)
        assert backend.name
        assert accuracy_of(backend) in get_args(Accuracy)

    def test_no_name_of_it_is_nearly_that_of_an_optional_part(
        self, backend: ConvolutionBackend, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A misspelt part is never asked for. Which were found is printed."""
        with capsys.disabled():
            sys.stdout.write(f"\n{parts_of(backend)}\n")
        known = {*_members(ConvolutionBackend), *(n for p in OPTIONAL_PARTS for n in _members(p))}
        own = {name for name in dir(backend) if not name.startswith("_")}
        for name in own - known:
            near = nearest(name, known, likeness=0.85)
            assert not near, f"{name} is never asked for; did you mean {near[0]}?"

    def test_its_probe_says_that_it_runs(self, backend: ConvolutionBackend) -> None:
        report = probe_of(backend)
        assert report.status == "ok", report.reason

    def test_it_passes_the_self_test(self, backend: ConvolutionBackend) -> None:
        assert self_test(backend) == ""

    def test_a_place_is_filled_with_what_a_new_array_would_hold(
        self, backend: ConvolutionBackend
    ) -> None:
        if not isinstance(backend, FillsOut):
            return  # phos copies what it gives
        image = np.random.default_rng(23).random((2, 61, 70)).astype(np.float32)
        for psf in (gaussian(1.2), exponential(3.0), [delta(), from_array(np.ones((3, 5)))]):
            for boundary in BOUNDARIES:
                place = np.full_like(image, np.nan)
                backend.convolve_into(image, psf, place, boundary=boundary)
                assert_agrees(place, image, psf, boundary, accuracy_of(backend))

    def test_its_namespace_is_that_of_its_arrays(self, backend: ConvolutionBackend) -> None:
        x = backend.to_device(np.ones((2, 3), np.float32))
        found = array_namespace(x)
        both_numpy = is_numpy_namespace(found) and is_numpy_namespace(backend.xp)
        assert found is backend.xp or both_numpy, (
            f"xp has to be the Array API namespace of its arrays, {found.__name__}, "
            f"got {getattr(backend.xp, '__name__', backend.xp)}"
        )

    def test_an_array_survives_the_way_to_the_device_and_back(
        self, backend: ConvolutionBackend
    ) -> None:
        host = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
        host.flags.writeable = False
        back = backend.to_host(backend.to_device(host))
        synchronize(backend)
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
        found = _as_users_do(image, psf, backend=backend)
        allowed = TOLERANCES[accuracy_of(backend)] * psf.l1
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=allowed)

    @pytest.mark.parametrize("boundary", BOUNDARIES)
    @pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
    def test_an_impulse_in_a_corner_obeys_the_boundary(
        self, backend: ConvolutionBackend, boundary: Boundary, corner: tuple[int, int]
    ) -> None:
        psf = from_array(np.random.default_rng(0).random((7, 5)))
        image = np.zeros((9, 8), np.float32)
        image[corner] = 1.0
        found = _as_users_do(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, accuracy_of(backend))

    @pytest.mark.parametrize("boundary", [b for b in BOUNDARIES if b != "zero"])
    @pytest.mark.parametrize("psf", [gaussian(3.0), exponential(2.0)], ids=["gaussian", "exp"])
    def test_a_flat_field_stays_flat(
        self, backend: ConvolutionBackend, boundary: Boundary, psf: PSF
    ) -> None:
        image = np.full((40, 33), 0.7, np.float32)
        found = _as_users_do(image, psf, backend=backend, boundary=boundary)
        np.testing.assert_allclose(found, 0.7, rtol=TOLERANCES[accuracy_of(backend)])

    def test_light_is_neither_made_nor_lost_at_the_symmetric_border(
        self, backend: ConvolutionBackend
    ) -> None:
        image = np.random.default_rng(1).random((50, 37)).astype(np.float32)
        found = _as_users_do(image, exponential(4.0), backend=backend)
        total = float(image.sum(dtype=np.float64))
        assert (
            abs(float(found.sum(dtype=np.float64)) / total - 1.0)
            <= TOLERANCES[accuracy_of(backend)]
        )

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
        found = _as_users_do(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, accuracy_of(backend))

    @pytest.mark.parametrize("taps", [(1, 257), (257, 1), (3, 301)])
    def test_a_psf_may_be_wider_than_256_pixels(
        self, backend: ConvolutionBackend, taps: tuple[int, int]
    ) -> None:
        rng = np.random.default_rng(4)
        image, psf = rng.random((2, 40, 50)).astype(np.float32), from_array(rng.random(taps))
        found = _on_device(backend, image, psf)
        assert_agrees(found, image, psf, "symmetric", accuracy_of(backend))

    @pytest.mark.parametrize("shape", [(1, 127), (61, 47), (60, 100)])
    @pytest.mark.parametrize("boundary", BOUNDARIES)
    def test_sides_may_be_prime_odd_or_even(
        self, backend: ConvolutionBackend, shape: tuple[int, int], boundary: Boundary
    ) -> None:
        image = np.random.default_rng(5).random(shape).astype(np.float32)
        psf = exponential(0.5)
        found = _as_users_do(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, accuracy_of(backend))

    @pytest.mark.parametrize("shape", [(520, 700), (1040, 1030), (5000, 24)])
    @pytest.mark.parametrize(
        "psf",
        [from_array(np.random.default_rng(17).random((5, 7))), gaussian(1.5), gaussian(6.0)],
        ids=["sampled", "short-gaussian", "gaussian"],
    )
    def test_planes_larger_than_512_pixels_are_as_exact_as_small_ones(
        self, backend: ConvolutionBackend, psf: PSF, shape: tuple[int, int]
    ) -> None:
        """Libraries change their method with the size; compared in windows, to be quick."""
        image = np.random.default_rng(18).random(shape).astype(np.float32)
        found = _as_users_do(image, psf, backend=backend)
        assert np.isfinite(found).all(), "the result holds NaN or infinity"
        for at in (0.0, 0.5, 1.0):
            window, inner = _window(shape, psf.radius, at)
            expected = reference.convolve(image[window], psf, "symmetric")[inner]
            allowed = TOLERANCES[accuracy_of(backend)] * psf.l1
            np.testing.assert_allclose(found[window][inner], expected, rtol=0.0, atol=allowed)

    def test_each_layer_may_have_its_own_psf(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(6)
        image = rng.random((30, 40, 3)).astype(np.float32)
        layers = [gaussian(1.5), from_array(rng.random((9, 5))), delta()]
        found = _as_users_do(image, layers, backend=backend, boundary="mirror")
        planes = np.moveaxis(image, -1, 0)
        assert_agrees(np.moveaxis(found, -1, 0), planes, layers, "mirror", accuracy_of(backend))

    def test_planes_may_be_stacked_in_any_number_of_axes(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(7)
        image = rng.random((2, 3, 17, 19)).astype(np.float32)
        layers = [gaussian(2.0), from_array(rng.random((3, 7)))]
        found = _on_device(backend, image, layers)
        assert_agrees(found, image, layers, "symmetric", accuracy_of(backend))

    @pytest.mark.parametrize("shape", [(0, 5), (5, 0), (4, 5, 0), (0, 0, 3)])
    def test_an_empty_image_stays_empty(
        self, backend: ConvolutionBackend, shape: tuple[int, ...]
    ) -> None:
        found = _as_users_do(np.zeros(shape, np.float32), gaussian(1.0), backend=backend)
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
        found = _as_users_do(image, gaussian(1.0), backend=backend)
        assert found.dtype == found_dtype
        assert found.shape == image.shape
        planes = np.moveaxis(image, -1, 0)
        assert_agrees(
            np.moveaxis(found, -1, 0), planes, gaussian(1.0), "symmetric", accuracy_of(backend)
        )

    def test_the_image_is_never_written_to(self, backend: ConvolutionBackend) -> None:
        before = np.random.default_rng(9).random((2, 30, 30)).astype(np.float32)
        host = before.copy()
        image = backend.to_device(host)
        for psf in (gaussian(1.0), exponential(3.0), from_array(np.ones((3, 5))), delta()):
            found = backend.convolve(image, psf)
            np.testing.assert_array_equal(backend.to_host(image), before)
            np.testing.assert_array_equal(host, before)
            assert found is not image, "the result has to be a new array"
            assert not np.shares_memory(backend.to_host(found), backend.to_host(image))

    @pytest.mark.parametrize(
        "psf",
        [gaussian(1.0), exponential(3.0), from_array(np.random.default_rng(19).random((3, 5)))],
        ids=["gaussian", "exp", "sampled"],
    )
    def test_a_result_survives_the_calls_that_follow(
        self, backend: ConvolutionBackend, psf: PSF
    ) -> None:
        one, two = np.random.default_rng(20).random((2, 2, 40, 50)).astype(np.float32)
        brought = backend.to_device(one)
        result = backend.convolve(brought, psf)
        fetched = backend.to_host(result)
        expected = np.array(fetched)
        for image in (two, two[:1], two):
            _on_device(backend, image, psf)
        for what, found, before in (
            ("an array brought to the device", backend.to_host(brought), one),
            ("a result on the device", backend.to_host(result), expected),
            ("a result brought to the host", fetched, expected),
        ):
            assert np.array_equal(found, before), (
                f"{what} was overwritten by later calls: each has to be an array of its own"
            )

    def test_it_is_linear(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(10)
        one, two = rng.random((2, 40, 41)).astype(np.float32)
        psf = exponential(3.0)
        together = _as_users_do(2.0 * one - two, psf, backend=backend)
        apart = 2.0 * _as_users_do(one, psf, backend=backend) - _as_users_do(
            two, psf, backend=backend
        )
        allowed = 4.0 * TOLERANCES[accuracy_of(backend)]
        np.testing.assert_allclose(together, apart, rtol=0.0, atol=allowed)

    @pytest.mark.parametrize("brightest", [1e2, 1e3, 3e4])
    @pytest.mark.parametrize(
        "psf",
        [
            compose(gaussian(0.8), combine([(0.9, delta()), (0.1, exponential(2.0))])),
            combine([(0.98, delta()), (0.02, radial([6.0, 20.0], [1.0]))]),
            from_array(np.random.default_rng(11).random((31, 33))),
            gaussian(6.0),
        ],
        ids=["scatter", "halo", "sampled", "gaussian"],
    )
    def test_highlights_far_above_white_stay_within_the_class(
        self, backend: ConvolutionBackend, brightest: float, psf: PSF
    ) -> None:
        image = np.random.default_rng(11).random((60, 61)).astype(np.float32)
        image[30, 31] = brightest
        image[0, 60] = brightest / 3
        found = _as_users_do(image, psf, backend=backend)
        assert_agrees(found, image, psf, "symmetric", accuracy_of(backend))

    @pytest.mark.parametrize(
        "psf",
        [
            from_array(np.full((1, 1), BETWEEN_TF32)),
            from_array(np.full((3, 3), BETWEEN_TF32)),
            from_array(np.full((15, 15), BETWEEN_TF32)),
            from_array(np.full((3, 301), BETWEEN_TF32)),
            gaussian(1.5),
            gaussian(12.0),
        ],
        ids=["one", "3x3", "15x15", "3x301", "short-gaussian", "gaussian"],
    )
    def test_nothing_is_rounded_as_tensor_cores_round(
        self, backend: ConvolutionBackend, psf: PSF
    ) -> None:
        """Rounded to ten bits, image or PSF would be off by the same 5e-4 everywhere."""
        for value in (BETWEEN_TF32, -BETWEEN_TF32 * 1.25):
            flat = np.full((4, 128, 136), value, np.float32)
            allowed = TOLERANCES[accuracy_of(backend)] * abs(value) * psf.l1
            np.testing.assert_allclose(
                _on_device(backend, flat, psf), value * psf.total, rtol=0.0, atol=allowed
            )

    def test_the_same_work_gives_the_same_bits(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(12)
        image, other = rng.random((2, 3, 67, 120)).astype(np.float32)
        for psf in (gaussian(1.0), exponential(3.0), from_array(rng.random((41, 9)))):
            first = _on_device(backend, image, psf)
            _on_device(backend, other, psf)
            np.testing.assert_array_equal(_on_device(backend, image, psf), first)

    def test_a_result_is_of_the_kind_that_the_image_is(self, backend: ConvolutionBackend) -> None:
        image = backend.to_device(np.ones((2, 20, 30), np.float32))
        for psf in (gaussian(2.0), [exponential(1.0), delta()]):
            found = backend.convolve(image, psf)
            assert tuple(found.shape) == (2, 20, 30)
            assert found.dtype == image.dtype
            assert array_namespace(found) is array_namespace(image)
            assert device(found) == device(image)

    @pytest.mark.parametrize(
        "psf",
        [gaussian(1.0), exponential(1.5), from_array(np.random.default_rng(13).random((9, 31)))],
        ids=["gaussian", "exp", "sampled"],
    )
    def test_tiles_of_rows_with_a_margin_make_up_the_whole(
        self, backend: ConvolutionBackend, psf: PSF
    ) -> None:
        """Tiles are views of an image on the device: rows are left out between its layers."""
        host = np.random.default_rng(14).random((3, 90, 50)).astype(np.float32)
        whole = _on_device(backend, host, psf)
        image, margin = backend.to_device(host), psf.radius[0]
        allowed = 2.0 * TOLERANCES[accuracy_of(backend)] * psf.l1
        for start in range(0, 90, 37):
            stop = min(start + 37, 90)
            above, below = max(start - margin, 0), min(stop + margin, 90)
            blurred = _convolved(backend, image[:, above:below, :], psf)
            tile = blurred[:, start - above : stop - above]
            np.testing.assert_allclose(tile, whole[:, start:stop], rtol=0.0, atol=allowed)

    def test_threads_may_share_it(self, backend: ConvolutionBackend) -> None:
        rng = np.random.default_rng(15)
        images = rng.random((12, 2, 45, 60)).astype(np.float32)
        kinds = [exponential(2.0), gaussian(0.7), from_array(rng.random((7, 21)))]
        jobs = [(image, kinds[i % len(kinds)]) for i, image in enumerate(images)]
        alone = [_on_device(backend, image, psf) for image, psf in jobs]
        release(backend)
        with ThreadPoolExecutor(THREADS) as pool:
            together = list(pool.map(lambda job: _on_device(backend, *job), jobs))
        for found, expected, (_, psf) in zip(together, alone, jobs, strict=True):
            allowed = 2.0 * TOLERANCES[accuracy_of(backend)] * psf.l1
            np.testing.assert_allclose(found, expected, rtol=0.0, atol=allowed)

    def test_release_gives_back_what_is_kept_on_the_host(self, backend: ConvolutionBackend) -> None:
        def work(first: float) -> None:
            image = np.ones((1, 384, 512), np.float32)
            for i in range(8):
                _on_device(backend, image, gaussian(first + i))
            release(backend)

        work(4.0)  # whatever is loaded or planned once
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            work(4.5)
            gc.collect()  # what only waits for the collector is given back
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before <= KEPT_BYTES, (
            f"after release() the backend still holds {after - before} bytes that its work took; "
            f"{KEPT_BYTES} are allowed: empty there what it keeps for the next picture"
        )

    def test_release_gives_back_what_is_kept_on_the_device(
        self, backend: ConvolutionBackend
    ) -> None:
        """Others may use the device too: one try of several has to find its memory again."""
        if is_numpy_namespace(backend.xp) or memory_of(backend).free_bytes is None:
            pytest.skip("the backend has no memory apart from the host's, or none it can read")
        image = np.ones((4, 1024, 1024), np.float32)
        _on_device(backend, image, gaussian(20.0))
        kept = []
        for attempt in range(4):
            gc.collect()
            release(backend)
            before = memory_of(backend).free_bytes or 0
            _on_device(backend, image, gaussian(21.0 + attempt))
            gc.collect()
            release(backend)
            kept.append(before - (memory_of(backend).free_bytes or 0))
        assert min(kept) < image.nbytes, (
            f"after release() the device has {min(kept)} bytes less to give than before the work: "
            "give back there what is kept on it, pools included"
        )

    def test_giving_memory_back_changes_no_result(self, backend: ConvolutionBackend) -> None:
        image = np.random.default_rng(16).random((33, 44)).astype(np.float32)
        before = _as_users_do(image, exponential(2.0), backend=backend)
        release(backend)
        np.testing.assert_array_equal(
            _as_users_do(image, exponential(2.0), backend=backend), before
        )

    def test_it_leaves_the_process_as_it_is(
        self, backend: ConvolutionBackend, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Settings of the process belong to the program that it is used in, and so does stdout."""
        before, others = process_state.snapshot(), _other_settings()
        capfd.readouterr()
        try:
            _use(backend)
            now = _other_settings()
            changed = [*process_state.changed(before)]
            changed += [name for name, value in others.items() if now.get(name) != value]
            printed = capfd.readouterr().out
        finally:
            process_state.put_back(before)
        assert not changed, f"the backend changed {', '.join(changed)}"
        assert not printed, f"the backend printed to stdout: {printed[:200]!r}"

    def test_memory_is_known_in_bytes_or_not_at_all(self, backend: ConvolutionBackend) -> None:
        memory = memory_of(backend)
        assert memory.free_bytes is None or memory.free_bytes >= 0
        assert memory.total_bytes is None or memory.total_bytes > 0

    def test_only_the_three_failures_are_classified(self, backend: ConvolutionBackend) -> None:
        assert error_kind_of(backend, MemoryError()) == "out-of-memory"
        assert error_kind_of(backend, ZeroDivisionError()) is None

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_it_exposes_as_numpy_does(
        self, backend: ConvolutionBackend, dtype: str, channels: int
    ) -> None:
        step = steps.exposing(dtype, channels)
        # Near white, highlights are opened: there light grows 3200 times as fast as the code does,
        # and so does a rounding error.
        allowed = 3200 * float(np.finfo(np.float32).eps)
        np.testing.assert_allclose(step.on(backend), step.in_numpy(), rtol=allowed)

    def test_it_releases_inhibitor_as_numpy_does(self, backend: ConvolutionBackend) -> None:
        step = steps.releasing()
        np.testing.assert_allclose(step.on(backend), step.in_numpy(), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize(
        ("stock", "printing"),
        [
            ("portra-400", "scan"),
            ("velvia-50", "auto"),
            ("tri-x-400", "scan"),
            ("tri-x-400", "polymax"),
            ("vision3-500t", "2383"),
        ],
    )
    def test_it_develops_and_prints_as_numpy_does(
        self, backend: ConvolutionBackend, stock: str, printing: str, channels: int, dtype: str
    ) -> None:
        step = steps.printing(stock, printing, channels=channels, dtype=dtype)
        found = step.on(backend)
        assert found.dtype == np.dtype(dtype)
        allowed = {"uint8": 1.0, "uint16": 8.0, "float32": 1e-4}[dtype]
        off = np.abs(found.astype(np.float64) - step.in_numpy())
        assert off.max() <= allowed
        if dtype == "uint8":  # a value at the end of a code may land on the one beside
            assert (off > 0).mean() < 0.02

    def test_grain_that_keeps_the_light_is_printed_as_numpy_does(
        self, backend: ConvolutionBackend
    ) -> None:
        """Beside the least density it is as steep as a root is, and so is a rounding error."""
        step = steps.printing("velvia-50", keeps_light=True)
        np.testing.assert_allclose(step.on(backend), step.in_numpy(), rtol=0.0, atol=1e-3)

    @pytest.mark.parametrize("pixel_pitch_um", [2.5, 12.0])
    @pytest.mark.parametrize("place", [(0, 0), (17, -20), (2**20 + 1, 5)])
    def test_its_grain_is_that_of_numpy(
        self, backend: ConvolutionBackend, pixel_pitch_um: float, place: tuple[int, int]
    ) -> None:
        field: dict[str, Any] = {
            "rows": 41,
            "cols": 67,
            "pixel_pitch_um": pixel_pitch_um,
            "seed": 2**40 + 7,
            "frame": 3,
            "row_start": place[0],
            "col_start": place[1],
        }
        like = np.zeros((1, 1, 1), np.float32)
        found = backend.to_host(_grain_of(backend, backend.to_device(like), **field))
        expected = grain_noise(like, GRAIN, **field)
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-5 * np.abs(expected).max())

    def test_its_steps_are_as_exact_on_planes_larger_than_512_pixels(
        self, backend: ConvolutionBackend
    ) -> None:
        step = steps.releasing(440, 524)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHOS_THREADS", "1")  # on the CPU, one strip for one thread
            found = step.on(backend)
        np.testing.assert_allclose(found, step.in_numpy(), rtol=1e-5, atol=1e-5)

    def test_its_grain_is_as_exact_on_planes_larger_than_512_pixels(
        self, backend: ConvolutionBackend
    ) -> None:
        like = np.zeros((1, 1, 1), np.float32)
        field: dict[str, Any] = {"pixel_pitch_um": 5.0, "seed": 7}
        whole = _grain_of(backend, backend.to_device(like), rows=530, cols=520, **field)
        part = grain_noise(like, GRAIN, rows=30, cols=20, row_start=500, col_start=500, **field)
        found = backend.to_host(whole)[:, 500:, 500:]
        np.testing.assert_allclose(found, part, rtol=0.0, atol=1e-5 * np.abs(part).max())

    @pytest.mark.parametrize("boundary", BOUNDARIES)
    @pytest.mark.parametrize("case", CASES)
    def test_it_agrees_with_the_reference(
        self, backend: ConvolutionBackend, case: str, boundary: Boundary
    ) -> None:
        psf, shape, in_memory = CASES[case]
        image = in_memory(np.random.default_rng(17).random(shape).astype(np.float32))
        image.flags.writeable = False
        found = _as_users_do(image, psf, backend=backend, boundary=boundary)
        assert_agrees(found, image, psf, boundary, accuracy_of(backend))


GRAIN = Grain(
    rms_coefficients=((0.01,),) * 3,
    d_min=(0.1,) * 3,
    net_range=((0.0, 2.0),) * 3,
    size_um=(1.5, 2.0, 3.5),
)


def _grain_of(backend: ConvolutionBackend, like: Array, **field: Any) -> Array:
    """The noise of the grain as a picture gets it: the backend's own, or by array code."""
    make_noise = backend.grain_noise if isinstance(backend, MakesGrain) else grain_noise
    return make_noise(like, GRAIN, **field)


def _as_users_do(
    image: npt.NDArray[Any],
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike],
    *,
    backend: ConvolutionBackend,
    boundary: Boundary = "symmetric",
) -> npt.NDArray[Any]:
    """Convolve as a user does, and see that the image is what it was."""
    before = image.copy()
    found = convolve(image, psf, backend=backend, boundary=boundary)
    assert np.array_equal(image, before), "the backend wrote to the image, which it must never do"
    return found


def _window(
    shape: tuple[int, int], radius: tuple[int, int], at: float
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """A window of an image that begins at a share of its sides, and what in it is not cut off."""
    windows, inner = [], []
    for side, reach in zip(shape, radius, strict=True):
        length = min(side, 24 + 2 * reach)
        start = round(at * (side - length))
        windows.append(slice(start, start + length))
        inner.append(
            slice(reach if start else 0, length if start + length == side else length - reach)
        )
    return tuple(windows), tuple(inner)


def parts_of(backend: ConvolutionBackend) -> str:
    """Say which optional parts a backend brings, as a line for each kind.

    Parameters
    ----------
    backend : ConvolutionBackend
        The backend.

    Returns
    -------
    str
        The parts that are its own, those that `BackendBase` answers for it, and those that are
        not there.
    """
    own, inherited, absent = [], [], []
    for part in OPTIONAL_PARTS:
        if not isinstance(backend, part):
            absent.append(part.__name__)
        elif all(_is_default(backend, name) for name in _members(part)):
            inherited.append(part.__name__)
        else:
            own.append(part.__name__)
    return "\n".join(
        f"{backend.name}, optional parts {which}: {', '.join(names) or 'none'}"
        for which, names in (("its own", own), ("by default", inherited), ("not there", absent))
    )


def _is_default(backend: ConvolutionBackend, name: str) -> bool:
    """Whether a backend has a member from `BackendBase` as it is there."""
    default = getattr(BackendBase, name, None)
    return default is not None and getattr(type(backend), name, None) is default


def _members(part: type) -> list[str]:
    """The names that a protocol asks for."""
    return [name for name in vars(part) if not name.startswith("_")]


def _use(backend: ConvolutionBackend) -> None:
    """Ask everything of a backend that a picture asks."""
    probe_of(backend)
    image = backend.to_device(np.random.default_rng(22).random((3, 60, 70)).astype(np.float32))
    for psf in (gaussian(1.0), exponential(3.0), from_array(np.ones((3, 5))), [delta()] * 3):
        backend.to_host(backend.convolve(image, psf))
    synchronize(backend)
    steps.releasing().on(backend)
    _grain_of(backend, image, rows=9, cols=8, pixel_pitch_um=5.0, seed=1)
    memory_of(backend)
    error_kind_of(backend, ZeroDivisionError())
    release(backend)


def _other_settings() -> dict[str, Any]:
    """What a program that uses a backend may rely on, besides the process's own settings."""
    state: Any = np.random.get_state()  # noqa: NPY002 - whose state is looked at
    settings: dict[str, Any] = {
        "the state of random": random.getstate(),
        "the state of np.random": (state[1].tobytes(), *state[2:]),
    }
    settings |= {f"the variable {name}": value for name, value in os.environ.items()}
    for library in threadpool_info():
        settings[f"the number of threads of {library['filepath']}"] = library["num_threads"]
    return settings


def _on_device(
    backend: ConvolutionBackend, image: npt.NDArray[Any], psf: PSF | Sequence[PSF]
) -> npt.NDArray[Any]:
    """Convolve at the symmetric border without the door."""
    found = _convolved(backend, backend.to_device(image), psf)
    assert found.dtype == image.dtype
    return found


def _convolved(
    backend: ConvolutionBackend, image: Array, psf: PSF | Sequence[PSF]
) -> npt.NDArray[Any]:
    """Convolve an array of the device; a copy on the host."""
    return np.array(backend.to_host(backend.convolve(image, psf)))
