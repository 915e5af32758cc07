"""PyTorch's backend on an NVIDIA GPU: skipped in one piece where there is none, unless demanded."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.choosing.selection import select
from phos_core.convolution.methods import reference
from phos_core.psf import exponential, from_array, gaussian
from phos_core.testing import ConvolutionBackendContract, assert_agrees

NAME = "torch:cuda"
REASON = next((r.reason for r in phos.backends() if r.name == NAME), "phos-torch is not installed")
if REASON and NAME not in os.environ.get("PHOS_REQUIRE", "").split(","):
    pytest.skip(f"{NAME} cannot run: {REASON}", allow_module_level=True)

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from phos_torch import FilmTransform  # noqa: E402

CUDA = torch.device("cuda", 0)
SHAPES = [(90, 120, 3), (90, 120), (2, 90, 120, 3)]
FEW = 1000  # numbers: answers to questions may come to the host, pictures may not


class Passage(TorchDispatchMode):
    """Notes the largest tensor on the host while it watches."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "cpu":
                self.largest = max(self.largest, leaf.numel())
        return result


@pytest.fixture
def backend():
    """Give the backend; an error where it cannot run."""
    return select(NAME).backend


class TestTorchOnCuda(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return select(NAME).backend


def codes(*shape):
    return np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_codes_on_the_device_are_developed_there(shape):
    image = codes(*shape)
    expected = phos.develop(image, backend="scipy", seed=7)
    tensor = torch.from_numpy(image).to(CUDA)
    phos.develop(tensor, seed=7)  # makes the tables, on the host
    with Passage() as passage:
        positive = phos.develop(tensor, seed=7)
    assert (type(positive), positive.device, positive.dtype) == (torch.Tensor, CUDA, torch.uint8)
    assert positive.shape == shape
    assert np.abs(positive.cpu().numpy().astype(int) - expected).max() <= 1
    assert passage.largest < FEW


@pytest.mark.parametrize("shape", SHAPES)
def test_floats_on_the_device_are_developed_there(shape):
    image = (codes(*shape) / 255).astype(np.float32)
    expected = phos.develop(image, backend="scipy", seed=7)
    positive = phos.develop(torch.from_numpy(image).to(CUDA), seed=7)
    assert (positive.device, positive.dtype) == (CUDA, torch.float32)
    assert np.abs(positive.cpu().numpy() - expected).max() <= 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(3, 90, 120), (2, 3, 90, 120), (2, 1, 90, 120)])
def test_channels_first_of_any_precision_are_developed_there(shape, dtype):
    image = (torch.from_numpy(codes(*shape)) / 255).to(dtype)
    image.flatten()[0] = 1.0005  # a hair outside
    expected = phos.develop(image, backend="scipy", seed=7)
    transform = FilmTransform(seed=7)
    tensor = image.to(CUDA)
    transform(tensor)  # makes the tables, on the host
    with Passage() as passage:
        positive = transform(tensor)
    assert (positive.device, positive.dtype) == (CUDA, dtype)
    assert positive.is_contiguous()
    assert (positive.cpu().float() - expected.float()).abs().max() <= 1e-3 + 2**-8
    assert passage.largest < FEW


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tensor_on_the_device_is_convolved_there(shape):
    image = np.random.default_rng(6).random(shape).astype(np.float32)
    psf = from_array(np.random.default_rng(7).random((5, 31)))
    tensor = torch.from_numpy(image).to(CUDA)
    phos.convolve(tensor, psf)
    with Passage() as passage:
        blurred = phos.convolve(tensor, psf)
    assert (type(blurred), blurred.device, blurred.dtype) == (torch.Tensor, CUDA, torch.float32)
    expected = phos.convolve(image, psf, backend="scipy")
    np.testing.assert_allclose(blurred.cpu().numpy(), expected, rtol=0, atol=1e-5 * psf.l1)
    assert passage.largest < FEW


def test_a_batch_with_a_psf_for_each_layer_is_its_pictures_one_by_one(backend):
    image = torch.rand((3, 4, 60, 70), device=CUDA)
    psfs = [gaussian(2.0), exponential(3.0), gaussian(5.0)]
    together = backend.convolve(image, psfs)
    for item in range(4):
        alone = backend.convolve(image[:, item], psfs)
        torch.testing.assert_close(together[:, item], alone, rtol=0, atol=1e-6)
    assert_agrees(together.cpu().numpy(), image.cpu().numpy(), psfs, "symmetric")


def test_a_lamp_in_the_dark_leaves_the_shadows_alone(backend):
    image = np.random.default_rng(2).random((90, 100)).astype(np.float32) * 1e-3
    image[40, 50] = 30.0
    psf = gaussian(1.0)
    found = backend.to_host(backend.convolve(backend.to_device(image), psf))
    expected = reference.convolve(image, psf, "symmetric")
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.fixture
def own_transforms(monkeypatch):
    """Let planes of any size go by phos' own transforms."""
    monkeypatch.setattr("phos_core.kernels.gpu.cuda.OWN_PIXELS", 0)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(3, 150, 211), (3, 2, 60, 71)])
def test_our_transforms_agree_with_the_reference(backend, own_transforms, shape, boundary):
    rng = np.random.default_rng(12)
    image = rng.random(shape, dtype=np.float32) - 0.2
    for psfs in (exponential(3.0), [from_array(rng.random((3, 2 * i + 5))) for i in range(3)]):
        found = backend.to_host(backend.convolve(backend.to_device(image), psfs, boundary=boundary))
        assert_agrees(found, image, psfs, boundary)


def test_a_large_plane_keeps_its_shadows_beside_a_lamp(backend):
    image = np.random.default_rng(14).random((600, 700), dtype=np.float32) * 1e-3
    image[300, 350] = 1000.0
    psf = exponential(4.0)
    found = backend.to_host(backend.convolve(backend.to_device(image), psf))
    expected = reference.convolve(image, psf, "symmetric")
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def locked(array):
    """Copy an array to page-locked memory."""
    return torch.from_numpy(array.copy()).pin_memory().numpy()


@pytest.mark.parametrize("slice_bytes", [1000, 2**22])
@pytest.mark.parametrize("place", [np.asarray, locked])
def test_pictures_come_and_go_in_slices(monkeypatch, place, slice_bytes):
    monkeypatch.setattr("phos_core.kernels.gpu.transfers.SLICE_BYTES", slice_bytes)
    picture = place(codes(43, 31, 3))
    expected = phos.develop(np.asarray(picture), backend="scipy", seed=3).astype(int)
    out = place(np.zeros_like(picture))
    assert phos.develop(picture, backend=NAME, seed=3, out=out) is out
    assert np.abs(out.astype(int) - expected).max() <= 1
    whole = phos.develop(torch.from_numpy(picture).to(CUDA), seed=3)
    np.testing.assert_array_equal(out, whole.cpu().numpy())


def test_work_goes_in_the_order_of_the_current_stream_on_any_thread():
    picture = torch.from_numpy(codes(600, 700, 3)).to(CUDA)
    expected = phos.develop(picture, seed=3)

    def develop_on_a_stream(_):
        with torch.cuda.stream(torch.cuda.Stream()):
            torch.cuda._sleep(20_000_000)  # the picture is there only after this
            brightened = (picture.to(torch.int32) + 0).to(torch.uint8)
            return phos.develop(brightened, seed=3).cpu()

    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(develop_on_a_stream, range(4)):
            torch.testing.assert_close(found, expected.cpu(), rtol=0, atol=0)


@pytest.mark.parametrize("count", [2, 7])
def test_pictures_side_by_side_come_out_as_each_alone(count):
    pictures = [codes(60, 80 + i, 3) for i in range(count)]
    together = phos.develop(pictures, backend=NAME, seed=list(range(count)))
    for seed, (picture, positive) in enumerate(zip(pictures, together, strict=True)):
        np.testing.assert_array_equal(positive, phos.develop(picture, backend=NAME, seed=seed))


def test_the_device_is_described(backend):
    facts = backend.device_facts()
    assert facts["name"] == torch.cuda.get_device_name(0)
    assert facts["driver"][0].isdecimal()
    assert facts["kernels"] == "phos' own"
    assert facts["CUDA of PyTorch"] == torch.version.cuda


def test_memory_given_back_is_free(backend):
    backend.release()
    before = backend.memory().free_bytes
    x = torch.zeros((64, 1024, 1024), device=CUDA)
    assert backend.memory().free_bytes <= before - x.nbytes
    del x
    backend.release()
    assert backend.memory().free_bytes >= before - 2**26
