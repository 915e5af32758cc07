"""CuPy's backend on any machine: what it says when it cannot run."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import phos_core as phos

phos_cupy = pytest.importorskip("phos_cupy", reason="needs phos-cupy")


def test_offering_it_imports_no_cupy():
    script = (
        "import sys, phos_cupy\n"
        "phos_cupy.phos_convolution_backends()\n"
        "assert 'cupy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_it_comes_before_every_other_backend():
    (spec,) = phos_cupy.phos_convolution_backends()
    others = (report.priority or 0 for report in phos.backends() if report.name != "cupy")
    assert spec.priority > max(others)


def test_where_it_cannot_run_it_says_why_and_what_helps():
    (report,) = (report for report in phos.backends() if report.name == "cupy")
    if report.status == "ok":
        assert report.reason == "" or report.hint
        return
    assert report.reason
    assert report.hint
    with pytest.raises(phos.errors.BackendUnavailableError) as raised:
        phos.develop(np.zeros((4, 4), np.uint8), backend="cupy")
    assert report.reason in str(raised.value)
    assert report.hint in str(raised.value)


class TestWithCupy:
    """Needs CuPy, but no GPU: CUDA's answers are put in its mouth."""

    @pytest.fixture
    def module(self):
        pytest.importorskip("cupy", reason="needs CuPy")
        return pytest.importorskip("phos_cupy.backend")

    @pytest.fixture
    def cuda(self, module, monkeypatch):
        """Let CUDA answer: the error of the device count, the driver's CUDA, CuPy's own."""
        runtime = module.cupy.cuda.runtime

        def answer(*, count=1, error=None, driver=13000):
            def device_count():
                if error is not None:
                    raise runtime.CUDARuntimeError(error)
                return count

            monkeypatch.setattr(runtime, "getDeviceCount", device_count)
            monkeypatch.setattr(runtime, "driverGetVersion", lambda: driver)
            monkeypatch.setattr(runtime, "runtimeGetVersion", lambda: 13020)

        return answer

    def test_a_machine_without_a_driver_is_told_so(self, module, cuda):
        cuda(error=35, driver=0)
        report = module.create().probe()
        assert report.status == "no-device"
        assert "no NVIDIA driver" in report.reason
        assert "install the driver" in report.hint

    def test_an_old_driver_is_told_from_a_missing_one(self, module, cuda):
        cuda(error=35, driver=12040)
        report = module.create().probe()
        assert report.status == "no-device"
        assert "CUDA up to 12.4" in report.reason
        assert "needs 13.2" in report.reason
        assert "cuda12x" in report.hint

    @pytest.mark.parametrize("answers", [{"count": 0}, {"error": 100}])
    def test_a_hidden_gpu_is_told_from_a_missing_driver(self, module, cuda, answers):
        cuda(**answers)
        report = module.create().probe()
        assert report.status == "no-device"
        assert "CUDA_VISIBLE_DEVICES" in report.hint

    def test_other_troubles_of_cuda_are_passed_on(self, module, cuda):
        cuda(error=802)
        report = module.create().probe()
        assert report.status == "no-device"
        assert "cudaErrorSystemNotReady" in report.reason

    def test_missing_libraries_are_named_with_what_brings_them(self, module, cuda, monkeypatch):
        def missing():
            raise RuntimeError("libnvrtc.so.13 not found")

        cuda()
        monkeypatch.setattr(module.cupy.cuda.nvrtc, "getVersion", missing)
        report = module.create().probe()
        assert report.status == "missing-dependency"
        assert "libnvrtc.so.13" in report.reason
        assert "cupy-cuda13x[ctk]" in report.hint

    def test_a_full_gpu_is_told_so(self, module, cuda, monkeypatch):
        def full(*arguments):
            raise module.cupy.cuda.memory.OutOfMemoryError(512, 0, 0)

        cuda()
        monkeypatch.setattr(module, "_find_libraries", module.ProbeReport)
        monkeypatch.setattr(module.CupyBackend, "_allocate", full)
        report = module.create().probe()
        assert report.status == "no-device"
        assert "gives no memory" in report.reason
        assert "nvidia-smi" in report.hint

    def test_two_distributions_of_cupy_are_warned_about(self, module, cuda, monkeypatch):
        cuda()
        monkeypatch.setattr(module, "_find_libraries", module.ProbeReport)
        monkeypatch.setattr(module.CupyBackend, "_allocate", lambda self: None)
        monkeypatch.setattr(module, "version", lambda name: "14.2")
        report = module.create().probe()
        assert report.status == "ok"
        assert "overwrite each other" in report.reason

    @pytest.mark.parametrize(("limit", "told"), [(0, "none"), (700 * 2**20, "700 MiB")])
    def test_a_gpu_is_described_with_cuda_and_the_pool(
        self, module, cuda, monkeypatch, limit, told
    ):
        class Here:
            id = 0

            def __enter__(self):
                return self

            def __exit__(self, *_):
                return None

        pool = SimpleNamespace(
            total_bytes=lambda: 500 * 2**20,
            used_bytes=lambda: 300 * 2**20,
            get_limit=lambda: limit,
        )
        properties = {"name": b"NVIDIA X100", "major": 9, "minor": 0}
        cuda(driver=13010)
        monkeypatch.setattr(
            module.cupy.cuda.runtime, "getDeviceProperties", lambda number: properties
        )
        monkeypatch.setattr(module.cupy, "get_default_memory_pool", lambda: pool)
        monkeypatch.setattr(module.CupyBackend, "device", Here())
        assert module.create().device_facts() == {
            "name": "NVIDIA X100",
            "compute capability": "9.0",
            "CUDA of CuPy": "13.2",
            "CUDA that the driver knows": "13.1",
            "held by CuPy's pool": "500 MiB",
            "of it in use": "300 MiB",
            "limit of the pool": told,
        }

    def test_the_errors_of_cuda_are_told_apart(self, module):
        backend, runtime = module.create(), module.cupy.cuda.runtime
        full = module.cupy.cuda.memory.OutOfMemoryError(1024, 512, 512)
        assert backend.classify_error(full) == "out-of-memory"
        assert backend.classify_error(runtime.CUDARuntimeError(2)) == "out-of-memory"
        assert backend.classify_error(runtime.CUDARuntimeError(719)) == "device-lost"
        assert backend.classify_error(runtime.CUDARuntimeError(1)) is None

    @pytest.mark.parametrize(("result", "kind"), [(2, "out-of-memory"), (8, None)])
    def test_cufft_s_own_out_of_memory_is_recognised(self, module, result, kind):
        class CuFFTError(RuntimeError):
            pass

        error = CuFFTError("from cuFFT")
        error.result = result
        assert module.create().classify_error(error) == kind
