"""CuPy's backend on a GPU: skipped in one piece where there is none, unless it is demanded."""

import os

import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.chain import Chain, Instruction
from phos_core.convolution.choosing.selection import select
from phos_core.convolution.methods import reference
from phos_core.effects.grain import grain_noise
from phos_core.psf import exponential, from_array, gaussian
from phos_core.testing import ConvolutionBackendContract, assert_agrees

REASON = next((r.reason for r in phos.backends() if r.name == "cupy"), "phos-cupy is not installed")
if REASON and "cupy" not in os.environ.get("PHOS_REQUIRE", "").split(","):
    pytest.skip(f"cupy cannot run: {REASON}", allow_module_level=True)


cupy = pytest.importorskip("cupy")
cupyx = pytest.importorskip("cupyx")

SHAPES = [(90, 120, 3), (90, 120), (2, 90, 120, 3)]


@pytest.fixture
def backend():
    """Give the backend; an error where it cannot run."""
    return select("cupy").backend


class TestCupy(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return select("cupy").backend


def test_pictures_keep_every_pixel_whatever_their_layout(backend):
    picture = np.random.default_rng(1).integers(0, 2**16, (7, 9, 3), dtype=np.uint16)
    for host in (
        np.moveaxis(picture, -1, 0),
        np.ascontiguousarray(np.moveaxis(picture, -1, 0)),
        picture[::-1, ::2, 0],
        np.moveaxis(picture.astype(">u2"), -1, 0),
        np.broadcast_to(picture[:1], picture.shape),
    ):
        np.testing.assert_array_equal(backend.to_host(backend.to_device(host)), host)


def test_an_array_on_the_device_is_taken_as_it_is(backend):
    x = backend.to_device(np.ones((3, 4, 5), np.float32))
    assert backend.to_device(x) is x


def test_a_lamp_in_the_dark_leaves_the_shadows_alone(backend):
    image = np.random.default_rng(2).random((90, 100)).astype(np.float32) * 1e-3
    image[40, 50] = 30.0
    psf = gaussian(1.0)
    found = backend.to_host(backend.convolve(backend.to_device(image), psf))
    expected = reference.convolve(image, psf, "symmetric")
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.fixture
def own_transforms(monkeypatch):
    """Let planes of any size go by the plug-in's own transforms."""
    monkeypatch.setattr("phos_core.kernels.gpu.cuda.OWN_PIXELS", 0)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(3, 150, 211), (3, 2, 40, 51), (3, 1, 1)])
def test_our_transforms_agree_with_the_reference(backend, own_transforms, shape, boundary):
    rng = np.random.default_rng(12)
    image = rng.random(shape, dtype=np.float32) - 0.2
    for psfs in (exponential(3.0), [from_array(rng.random((3, 2 * i + 5))) for i in range(3)]):
        found = backend.to_host(backend.convolve(backend.to_device(image), psfs, boundary=boundary))
        assert_agrees(found, image, psfs, boundary)


def test_our_transforms_give_a_lamp_in_the_dark_double_precision(backend, own_transforms):
    image = np.random.default_rng(13).random((3, 90, 100), dtype=np.float32)
    image[1] *= 1e-3
    image[1, 40, 50] = 30.0
    psf = gaussian(1.0)
    found = backend.to_host(backend.convolve(backend.to_device(image), psf))
    for got, plane in zip(found, image, strict=True):
        np.testing.assert_allclose(got, reference.convolve(plane, psf, "symmetric"), rtol=1e-4)


def test_a_large_plane_keeps_its_shadows_beside_a_lamp(backend):
    image = np.random.default_rng(14).random((600, 700), dtype=np.float32) * 1e-3
    image[300, 350] = 1000.0
    psf = exponential(4.0)
    found = backend.to_host(backend.convolve(backend.to_device(image), psf))
    expected = reference.convolve(image, psf, "symmetric")
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_planes_that_do_not_fit_one_array_go_in_groups(backend, monkeypatch):
    rng = np.random.default_rng(3)
    image = rng.random((5, 40, 50)).astype(np.float32)
    psfs = [exponential(1.0 + i) for i in range(5)]
    together = backend.to_host(backend.convolve(backend.to_device(image), psfs)).copy()
    monkeypatch.setattr("phos_cupy.backend.MOST_NUMBERS", 2 * 200 * 200)
    found = backend.to_host(backend.convolve(backend.to_device(image), psfs))
    np.testing.assert_allclose(found, together, rtol=0, atol=1e-6)
    assert_agrees(found, image, psfs, "symmetric")


def test_a_plane_that_fits_no_array_is_refused_with_the_way_out(backend, monkeypatch):
    monkeypatch.setattr("phos_cupy.backend.MOST_NUMBERS", 1000)
    image = backend.to_device(np.ones((40, 50), np.float32))
    with pytest.raises(phos.errors.UnsupportedOperationError, match="tiles"):
        backend.convolve(image, from_array(np.ones((9, 9))))


@pytest.fixture
def no_passage(backend, monkeypatch):
    """Nothing goes to the device or comes back by the backend's ways."""

    def refused(*_):
        raise AssertionError("the picture passes through the host")

    monkeypatch.setattr(backend, "to_host", refused)
    monkeypatch.setattr(backend, "to_device", refused)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_on_the_device_are_developed_there(no_passage, shape, dtype):
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = (np.random.default_rng(5).random(shape) * white).astype(dtype)
    expected = phos.develop(image, backend="scipy", seed=7).astype(np.float64)
    positive = phos.develop(cupy.asarray(image), seed=7)
    assert (type(positive), positive.device) == (cupy.ndarray, cupy.cuda.Device(0))
    assert (positive.dtype, positive.shape) == (dtype, shape)
    allowed = 1 if dtype == np.uint8 else 1e-3 * white
    assert np.abs(positive.get() - expected).max() <= allowed


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_on_the_device_are_convolved_there(no_passage, shape):
    image = np.random.default_rng(6).random(shape).astype(np.float32)
    psf = from_array(np.random.default_rng(7).random((5, 31)))
    blurred = phos.convolve(cupy.asarray(image), psf)
    assert (type(blurred), blurred.device) == (cupy.ndarray, cupy.cuda.Device(0))
    expected = phos.convolve(image, psf, backend="scipy")
    np.testing.assert_allclose(blurred.get(), expected, rtol=0, atol=1e-5 * psf.l1)


def test_the_device_is_described(backend):
    facts = backend.device_facts()
    assert facts["name"]
    assert facts["CUDA that the driver knows"][0].isdecimal()
    assert facts["held by CuPy's pool"].endswith("MiB")


def test_memory_given_back_is_free(backend):
    backend.release()
    before = backend.memory().free_bytes
    x = backend.to_device(np.zeros((64, 1024, 1024), np.float32))
    assert backend.memory().free_bytes <= before - x.nbytes
    del x
    backend.release()
    assert backend.memory().free_bytes >= before - 2**26


def locked(array):
    """Copy an array to page-locked memory."""
    copy = cupyx.empty_pinned(array.shape, array.dtype)
    copy[...] = array
    return copy


@pytest.mark.parametrize("slice_bytes", [1000, 2**22])
@pytest.mark.parametrize("place", [np.asarray, locked])
def test_pictures_come_and_go_in_slices(monkeypatch, backend, place, slice_bytes):
    monkeypatch.setattr("phos_core.kernels.gpu.transfers.SLICE_BYTES", slice_bytes)
    picture = place(np.random.default_rng(8).integers(0, 256, (43, 31, 3), dtype=np.uint8))
    expected = phos.develop(np.asarray(picture), backend="scipy", seed=3).astype(int)
    out = place(np.zeros_like(picture))
    assert phos.develop(picture, backend="cupy", seed=3, out=out) is out
    assert np.abs(out.astype(int) - expected).max() <= 1
    whole = phos.develop(cupy.asarray(picture), seed=3)
    np.testing.assert_array_equal(out, whole.get())


def test_a_result_goes_to_memory_of_any_order_and_dtype(backend):
    picture = np.random.default_rng(9).random((21, 33, 3))
    expected = phos.develop(picture, backend="cupy", seed=3)
    assert expected.dtype == np.float64
    turned = np.zeros((42, 33, 3))[::-2]
    phos.develop(picture, backend="cupy", seed=3, out=turned)
    np.testing.assert_array_equal(turned, expected)
    columns = np.zeros((33, 21, 3)).transpose(1, 0, 2)
    phos.develop(picture, backend="cupy", seed=3, out=columns)
    np.testing.assert_array_equal(columns, expected)


def test_page_locked_memory_is_kept_within_bounds_and_given_back(backend, monkeypatch):
    monkeypatch.setattr("phos_core.kernels.gpu.transfers.KEPT_BYTES", 2**23)
    picture = np.random.default_rng(10).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    phos.develop(picture, backend="cupy")
    held = [memory.nbytes for memory, _ in backend._kernels.transfers._free]
    assert 0 < sum(held) <= 2**23
    backend.release()
    assert not backend._kernels.transfers._free


@pytest.mark.parametrize("count", [2, 7])
def test_pictures_side_by_side_come_out_as_each_alone(backend, count):
    rng = np.random.default_rng(11)
    pictures = [rng.integers(0, 256, (60, 80, 3), dtype=np.uint8) for _ in range(count)]
    together = phos.develop(pictures, backend="cupy", seed=list(range(count)))
    for seed, (picture, positive) in enumerate(zip(pictures, together, strict=True)):
        np.testing.assert_array_equal(positive, phos.develop(picture, backend="cupy", seed=seed))


def test_the_first_failure_of_work_side_by_side_comes_out(backend):
    done = []

    def work(index):
        if index == 1:
            raise ValueError("the second fails")
        done.append(index)

    with pytest.raises(ValueError, match="the second fails"):
        backend.side_by_side(work, 3)
    assert 0 in done


def test_a_chain_of_too_many_numbers_is_left_to_the_reference(backend):
    chain = Chain(
        inputs=((1, np.dtype(np.float32)),),
        instructions=(Instruction("input", (0, 0)),),
        outputs=(0,),
        dtype=np.dtype(np.float32),
        constants=(1.0,) * 2000,
    )
    with pytest.raises(phos.errors.UnsupportedOperationError, match="2000 numbers"):
        backend.compile(chain)


def test_grain_too_coarse_for_a_tile_is_the_reference_s(backend):
    grain = phos.load_film("portra-400").grain
    field = {"rows": 20, "cols": 30, "pixel_pitch_um": 0.1, "seed": 4}
    like = np.zeros((1, 1, 1), np.float32)
    found = backend.to_host(backend.grain_noise(backend.to_device(like), grain, **field))
    expected = grain_noise(like, grain, **field)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
