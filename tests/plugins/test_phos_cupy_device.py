"""CuPy's backend on a GPU: skipped in one piece where there is none, unless it is demanded."""

import os

import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution import reference
from phos_core.convolution.selection import select
from phos_core.psf import exponential, from_array, gaussian
from phos_core.testing import ConvolutionBackendContract, assert_agrees

REASON = next((r.reason for r in phos.backends() if r.name == "cupy"), "phos-cupy is not installed")
if REASON and "cupy" not in os.environ.get("PHOS_REQUIRE", "").split(","):
    pytest.skip(f"cupy cannot run: {REASON}", allow_module_level=True)


cupy = pytest.importorskip("cupy")

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
