import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.effects import grain
from phos_core.errors import OutOfMemoryError
from phos_core.kernels.tracing import trace
from phos_core.psf import delta, exponential, from_array, gaussian
from phos_core.stocks.loading import load_film
from phos_core.testing import ConvolutionBackendContract, assert_agrees

phos_torch = pytest.importorskip("phos_torch", reason="needs phos-torch")
torch = pytest.importorskip("torch", reason="needs PyTorch")
backend_module = pytest.importorskip("phos_torch.backend", reason="needs PyTorch")

MIB = 2**20
STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")


class TestTorchOnTheCpu(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return backend_module.create_cpu()


@pytest.fixture
def cpu():
    return backend_module.create_cpu()


def photo(dtype):
    """Display light with hard edges and a clipped lamp, in any dtype."""
    rng = np.random.default_rng(4)
    light = 0.15 * 2.0 ** rng.normal(0, 1.0, (180, 240, 3))
    light[60:100, 30:90] = 0.003
    light[70:76, 50:56] = 1.0
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    return (np.clip(light, 0.0, 1.0) * white).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("film", STOCKS)
def test_whole_renders_agree_with_scipy_s(cpu, film, dtype):
    image = photo(dtype)
    white = np.iinfo(dtype).max if image.dtype.kind == "u" else 1.0
    expected = phos.develop(image, film, backend="scipy", seed=5).astype(np.float64) / white
    found = phos.develop(image, film, backend=cpu, seed=5)
    assert found.dtype == dtype
    error = np.abs(found / white - expected)
    assert error.max() <= (1.001 / 255 if dtype == np.uint8 else 1e-3)
    assert -10 * np.log10((error**2).mean() + 1e-30) >= (70 if dtype == np.uint8 else 80)


def test_lamps_a_thousand_times_white_agree_with_scipy_s(cpu):
    light = photo(np.float32)
    light[70:76, 50:56] = 1000.0
    settings = {"encoding": "linear", "seed": 5}
    expected = phos.develop(light, "cinestill-800t", backend="scipy", **settings)
    found = phos.develop(light, "cinestill-800t", backend=cpu, **settings)
    assert np.abs(found - expected).max() <= 1e-3


def test_a_grey_picture_stays_grey(cpu):
    image = photo(np.uint8)[..., 1]
    expected = phos.develop(image, "tri-x-400", backend="scipy", seed=5).astype(int)
    assert np.abs(phos.develop(image, "tri-x-400", backend=cpu, seed=5) - expected).max() <= 1


def test_the_grain_s_hash_is_numpy_s_own_to_the_bit():
    rows, cols, keys = range(-3, 97), range(2**31 - 90, 2**31 - 1), (0xDEADBEEF, 7)
    expected = grain._hash(np.zeros(1, np.float32), rows, cols, keys)
    np.testing.assert_array_equal(grain._hash(torch.zeros(1), rows, cols, keys).numpy(), expected)


@pytest.mark.parametrize("film", STOCKS)
def test_the_grain_is_numpy_s_own(film):
    params = load_film(film).grain
    place = {"rows": 40, "cols": 50, "pixel_pitch_um": 6.0, "seed": 2**40 + 7}
    window = {**place, "row_start": 1001, "col_start": -3}
    expected = grain.grain_noise(np.zeros(1, np.float32), params, **window)
    found = grain.grain_noise(torch.zeros(1), params, **window)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "float16", "float32", "float64", ">u2", ">f4"]
)
def test_any_layout_goes_up_in_its_own_dtype(cpu, dtype):
    picture = np.random.default_rng(1).integers(0, 255, (7, 9, 3)).astype(dtype)
    picture.flags.writeable = False
    for host in (np.moveaxis(picture, -1, 0), picture[::-1, ::2], picture[..., 1]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            back = cpu.to_host(cpu.to_device(host))
        assert back.dtype == host.dtype.newbyteorder("=")
        np.testing.assert_array_equal(back, host)


def test_what_comes_to_the_host_shares_no_memory(cpu):
    for shape in ((4, 5), (3, 4, 5), (3, 4, 1)):
        tensor = torch.zeros(shape)
        cpu.to_host(tensor)[...] = 1.0
        assert not tensor.any()


def test_a_tensor_on_the_device_is_taken_as_it_is(cpu):
    tensor = torch.ones((3, 4, 5), requires_grad=True)
    taken = cpu.to_device(tensor)
    assert taken.data_ptr() == tensor.data_ptr()
    assert not taken.requires_grad
    assert not cpu.convolve(tensor, gaussian(1.0)).requires_grad


@pytest.fixture
def gpu_on_the_cpu(monkeypatch):
    """The way that planes take on a GPU, taken by tensors of the CPU."""
    backend = backend_module.create_cuda()
    monkeypatch.setattr(backend, "device", torch.device("cpu"))
    return backend


def test_planes_transformed_in_chunks_are_those_transformed_together(gpu_on_the_cpu, monkeypatch):
    image = torch.rand((5, 40, 50))
    whole = gpu_on_the_cpu.convolve(image, exponential(3.0))
    monkeypatch.setattr(gpu_on_the_cpu, "chunk_numbers", 20_000)
    apart = gpu_on_the_cpu.convolve(image, exponential(3.0))
    # A transform of fewer planes may round otherwise: torch 2.11 does, 2.13 gives equal bits.
    torch.testing.assert_close(apart, whole, rtol=0, atol=5e-7)


@pytest.fixture
def transforms(gpu_on_the_cpu, monkeypatch):
    """How many planes each transform took, with how many PSFs, in which precision."""
    noted = []
    original = gpu_on_the_cpu._transform

    def note(planes, psfs, boundary, extent, dtype, out):
        noted.append((len(planes), len(psfs), dtype))
        original(planes, psfs, boundary, extent, dtype, out)

    monkeypatch.setattr(gpu_on_the_cpu, "_transform", note)
    return noted


def test_layers_share_a_transform_whatever_their_psfs(gpu_on_the_cpu, transforms):
    image = np.random.default_rng(2).random((4, 30, 31)).astype(np.float32)
    psfs = [gaussian(2.0), gaussian(2.0), exponential(2.0), delta()]
    found = gpu_on_the_cpu.convolve(torch.from_numpy(image), psfs)
    assert transforms == [(4, 4, torch.float32)]
    assert_agrees(found.numpy(), image, psfs, "symmetric")


def test_layers_with_one_psf_share_its_transfer_function(gpu_on_the_cpu, transforms):
    gpu_on_the_cpu.convolve(torch.rand((3, 20, 21)), [gaussian(2.0), gaussian(2.0), gaussian(2.0)])
    assert transforms == [(3, 1, torch.float32)]


def test_a_batch_is_transformed_layer_by_layer(gpu_on_the_cpu, transforms):
    image = np.random.default_rng(3).random((2, 5, 20, 21)).astype(np.float32)
    psfs = [gaussian(2.0), exponential(1.0)]
    found = gpu_on_the_cpu.convolve(torch.from_numpy(image), psfs)
    assert transforms == [(5, 1, torch.float32)] * 2
    assert_agrees(found.numpy(), image, psfs, "symmetric")


def test_tiny_psfs_need_no_transform(gpu_on_the_cpu, transforms):
    image = np.random.default_rng(3).random((2, 20, 21)).astype(np.float32)
    psfs = [from_array(np.ones((1, 3))), from_array(np.arange(9.0).reshape(3, 3))]
    found = gpu_on_the_cpu.convolve(torch.from_numpy(image), psfs)
    assert transforms == []
    assert_agrees(found.numpy(), image, psfs, "symmetric")


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_way_of_a_gpu_is_right_too(gpu_on_the_cpu, boundary):
    image = np.random.default_rng(4).random((3, 24, 31)).astype(np.float32)
    psfs = [from_array(np.random.default_rng(5).random((5, 7))), exponential(2.0), gaussian(9.0)]
    found = gpu_on_the_cpu.convolve(torch.from_numpy(image), psfs, boundary=boundary)
    assert_agrees(found.numpy(), image, psfs, boundary)


def test_only_planes_of_great_range_go_to_double_precision(gpu_on_the_cpu, transforms):
    image = torch.full((2, 200, 210), 1e-3)
    alone = gpu_on_the_cpu.convolve(image, gaussian(3.0))
    assert transforms == [(2, 1, torch.float32)]
    image[1, 20, 20] = 1e4
    blurred = gpu_on_the_cpu.convolve(image, gaussian(3.0))
    assert transforms[1:] == [(2, 1, torch.float32), (1, 1, torch.float64)]
    assert blurred.dtype == torch.float32
    assert torch.equal(blurred[0], alone[0])
    np.testing.assert_allclose(blurred[1, 100:, 100:].numpy(), 1e-3, rtol=0.01)


def test_a_bright_lamp_leaves_the_shadows_far_from_it_clean(cpu):
    image = torch.full((1, 200, 210), 1e-3)
    image[0, 20, 20] = 1e4
    far = cpu.convolve(image, gaussian(3.0))[0, 100:, 100:]
    np.testing.assert_allclose(far.numpy(), 1e-3, rtol=0.01)  # single precision: 100 % and more


def test_a_tensor_too_large_for_32_bit_indices_is_refused_before_it_is_made(cpu):
    huge = np.broadcast_to(np.uint8(0), (3, 40_000, 20_000))
    with pytest.raises(OutOfMemoryError, match="2400000000 numbers, 2147483647 at most"):
        cpu.to_device(huge)
    plane = torch.zeros(1).expand(30_000, 60_000)
    with pytest.raises(OutOfMemoryError, match="continued for the PSF"):
        cpu.convolve(plane, gaussian(2000.0))


def test_no_setting_of_pytorch_s_is_changed(cpu):
    def settings():
        return (
            torch.get_num_threads(),
            torch.backends.cudnn.allow_tf32,
            torch.backends.cuda.matmul.allow_tf32,
            torch.get_float32_matmul_precision(),
            torch.is_grad_enabled(),
        )

    before = settings()
    cpu.convolve(torch.rand(1, 30, 30), from_array(np.ones((3, 301))))
    cpu.release()
    assert settings() == before


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "out-of-memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB"), "out-of-memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out-of-memory"),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), "out-of-memory"),
        (RuntimeError("std::bad_alloc"), "out-of-memory"),
        (RuntimeError("not enough memory: you tried to allocate 8 bytes."), "out-of-memory"),
        (NotImplementedError("The operator 'aten::x' is not implemented for MPS"), "unsupported"),
        (
            TypeError("Trying to convert UInt16 to the MPS backend but it does not have support "
                      "for that dtype."),
            "unsupported",
        ),
        (RuntimeError("CUDA error: unspecified launch failure"), "device-lost"),
        (RuntimeError("The size of tensor a must match"), None),
        (TypeError("expected Tensor"), None),
    ],
)  # fmt: skip
def test_pytorch_s_failures_are_told_apart_by_their_text(cpu, error, kind):
    assert cpu.classify_error(error) == kind


@pytest.fixture
def cuda_build(monkeypatch):
    """A PyTorch that is built with CUDA and sees two GPUs that give memory."""
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "zeros", lambda *shape, device: None)
    return monkeypatch


def test_a_gpu_that_gives_memory_passes_the_probe(cuda_build):
    assert backend_module.create_cuda().probe().status == "ok"
    assert backend_module.create_cuda_1().probe().status == "ok"


def test_a_number_beyond_the_gpus_is_refused(cuda_build):
    report = backend_module.create_cuda_2().probe()
    assert (report.status, report.reason) == ("no-device", "PyTorch sees 2 GPU(s), counted from 0")


def test_a_build_without_cuda_is_named(cuda_build):
    cuda_build.setattr(torch.version, "cuda", None)
    report = backend_module.create_cuda().probe()
    assert report.status == "no-device"
    assert "built without CUDA" in report.reason
    assert "pytorch.org" in report.hint


def test_a_driver_that_is_too_old_is_named_in_cuda_s_own_words(cuda_build):
    def is_available():
        warnings.warn("CUDA initialization: The NVIDIA driver is too old", stacklevel=1)
        return False

    cuda_build.setattr(torch.cuda, "is_available", is_available)
    report = backend_module.create_cuda().probe()
    assert report.status == "no-device"
    assert "driver is too old" in report.reason
    assert "nvidia-smi" in report.hint


def test_a_device_that_gives_no_memory_is_refused(cuda_build):
    def full(*shape, device):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nmore")

    cuda_build.setattr(torch, "zeros", full)
    report = backend_module.create_cuda().probe()
    assert (report.status, report.reason) == (
        "no-device",
        "it gives no memory: CUDA out of memory.",
    )


@pytest.mark.parametrize(
    ("is_built", "is_available", "reason"),
    [(False, False, "built without MPS"), (True, False, "no device for MPS"), (True, True, "")],
)
def test_each_reason_against_mps_is_told(monkeypatch, is_built, is_available, reason):
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: is_built)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: is_available)
    monkeypatch.setattr(torch, "zeros", lambda *shape, device: None)
    report = backend_module.create_mps().probe()
    assert report.status == ("no-device" if reason else "ok")
    assert reason in report.reason
    assert bool(report.hint) == bool(reason)


@pytest.fixture
def gpu_with_memory(cuda_build):
    """A GPU of 8000 MiB, 1000 MiB of them free, and PyTorch's pool."""
    pool = {"reserved_bytes": 500 * MIB, "allocated_bytes": 300 * MIB}
    answers = {
        "mem_get_info": (1000 * MIB, 8000 * MIB),
        "memory_stats_as_nested_dict": {k: {"all": {"current": v}} for k, v in pool.items()},
        "get_device_properties": SimpleNamespace(name="NVIDIA X100", major=9, minor=0),
    }
    for name, value in answers.items():
        cuda_build.setattr(torch.cuda, name, lambda device, value=value: value)
    return cuda_build


def test_memory_counts_what_pytorch_holds_without_using_it(gpu_with_memory):
    memory = backend_module.create_cuda().memory()
    assert (memory.free_bytes, memory.total_bytes) == (1200 * MIB, 8000 * MIB)


@pytest.mark.parametrize(("told", "driver"), [("580.95", "580.95"), (None, "not known")])
def test_a_gpu_is_described_with_its_driver_and_pool(gpu_with_memory, told, driver):
    gpu_with_memory.setattr(
        backend_module.collect_env, "get_nvidia_driver_version", lambda run: told
    )
    gpu_with_memory.setitem(sys.modules, "phos_torch.cuda", None)
    facts = dict(backend_module.create_cuda().device_facts())
    assert facts.pop("kernels").startswith("PyTorch's alone: nothing compiles kernels here (")
    assert facts == {
        "name": "NVIDIA X100",
        "compute capability": "9.0",
        "CUDA of PyTorch": "13.0",
        "driver": driver,
        "held by PyTorch": "500 MiB",
        "of it in use": "300 MiB",
    }


def test_a_mac_is_described_with_what_metal_recommends_and_has_given(monkeypatch):
    metal = SimpleNamespace(
        recommended_max_memory=lambda: 6000 * MIB,
        driver_allocated_memory=lambda: 1500 * MIB,
        current_allocated_memory=lambda: 900 * MIB,
    )
    monkeypatch.setattr(torch, "mps", metal)
    facts = backend_module.create_mps().device_facts()
    assert facts["recommended by Metal"] == "6000 MiB"
    assert facts["given by Metal's driver"] == "1500 MiB"
    assert facts["of it in use"] == "900 MiB"


def test_what_is_known_of_a_device_reaches_device_info():
    described = {entry.backend: entry for entry in phos.device_info()}["torch:cpu"]
    assert described.facts["threads"] == str(torch.get_num_threads())
    assert described.facts["instructions"]


def test_memory_on_mps_is_what_metal_recommends_less_what_is_taken(monkeypatch):
    metal = SimpleNamespace(
        recommended_max_memory=lambda: 6000, driver_allocated_memory=lambda: 1500
    )
    monkeypatch.setattr(torch, "mps", metal)
    memory = backend_module.create_mps().memory()
    assert (memory.free_bytes, memory.total_bytes) == (4500, 6000)


def test_mps_takes_double_precision_as_single(monkeypatch):
    mps = backend_module.create_mps()
    monkeypatch.setattr(mps, "device", torch.device("cpu"))
    assert mps._uploaded(torch.zeros(2, dtype=torch.float64)).dtype == torch.float32
    assert mps._uploaded(torch.zeros(2, dtype=torch.uint16)).dtype == torch.uint16


def test_there_is_a_factory_for_each_number_and_for_nothing_else():
    assert backend_module.create_cuda_13().name == "torch:cuda:13"
    with pytest.raises(AttributeError, match="create_cuda_x"):
        _ = backend_module.create_cuda_x


def test_each_gpu_that_linux_shows_is_offered_by_its_number(tmp_path, monkeypatch):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert phos_torch.gpu_count(tmp_path) == 2
    monkeypatch.setattr(phos_torch, "gpu_count", lambda devices: 2)
    names = [spec.name for spec in phos_torch.phos_convolution_backends()]
    assert names == ["torch:cuda", "torch:mps", "torch:cpu", "torch:cuda:0", "torch:cuda:1"]


def test_offering_the_backends_imports_no_torch():
    code = (
        "import sys, phos_torch; phos_torch.phos_convolution_backends(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_nvidia_s_compiler_cuda_says_so_and_runs_steps_one_by_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "phos_torch.cuda", None)
    backend = backend_module.CudaBackend()
    with pytest.raises(phos.errors.UnsupportedOperationError, match=r"phos-torch\[cuda\]"):
        backend.compile(trace(lambda x: x * 2.0, [(1, np.dtype(np.float32))]))
    assert backend.lanes == 1
    done = []
    backend.side_by_side(done.append, 3)
    assert done == [0, 1, 2]
