import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution.methods import reference
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import BackendFallbackWarning
from phos_core.psf import exponential, from_array, gaussian
from phos_core.testing import ConvolutionBackendContract, assert_agrees

backend_module = pytest.importorskip("phos_cv2.backend", reason="needs phos-cv2 and OpenCV")
cv2 = backend_module.cv2


class TestCv2(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return backend_module.create()


def test_two_opencv_distributions_are_warned_about(monkeypatch):
    monkeypatch.setattr(backend_module, "version", lambda name: "5.0")
    report = backend_module.create().probe()
    assert report.status == "ok"
    assert "overwrite each other" in report.reason
    assert "uninstall" in report.hint


def test_an_old_opencv_is_refused(monkeypatch):
    monkeypatch.setattr(cv2, "__version__", "4.9.0")
    report = backend_module.create().probe()
    assert report.status == "version-mismatch"
    assert "4.9.0 is older than 4.10" in report.reason


def numbered(code):
    error = cv2.error("as numbered")
    error.code = code
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (numbered(-4), "out-of-memory"),
        (cv2.error("std::bad_alloc"), "out-of-memory"),
        (cv2.error("(-2) The numpy array of typenum=5 can not be created"), "out-of-memory"),
        (SystemError("<built-in function filter2D> returned a result with an exception set"),
         "out-of-memory"),
        (MemoryError("Unable to allocate 183. MiB"), "out-of-memory"),
        (numbered(-5), None),
        (cv2.error("(-215:Assertion failed) !_src.empty()"), None),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_each_way_in_which_opencv_runs_out_of_memory_is_recognised(error, kind):
    assert backend_module.create().classify_error(error) == kind


def test_a_system_error_of_opencv_goes_down_the_ladder(monkeypatch, one_after_the_other, rng):
    def fail(*_, **__):
        raise SystemError("<built-in function filter2D> returned NULL without setting an exception")

    for name in ("filter2D", "sepFilter2D"):
        monkeypatch.setattr(cv2, name, fail)
    one_after_the_other(backend_module.create(), ScipyBackend())
    image = rng.random((20, 30)).astype(np.float32)
    with pytest.warns(BackendFallbackWarning, match="went on with scipy"):
        found = phos.convolve(image, gaussian(1.0))
    np.testing.assert_allclose(found, reference.convolve(image, gaussian(1.0)), atol=1e-5)


@pytest.mark.parametrize("taps", [61, 121])
def test_large_psfs_that_are_no_sum_of_separable_terms_are_exact(taps):
    rng = np.random.default_rng(1)
    image, psf = rng.random((70, 80)).astype(np.float32), from_array(rng.random((taps, taps)))
    assert_agrees(backend_module.create().convolve(image, psf), image, psf, "symmetric")


def test_opencv_s_threads_are_left_alone():
    before = cv2.getNumThreads()
    backend_module.create().convolve(np.ones((64, 64), np.float32), gaussian(3.0))
    assert cv2.getNumThreads() == before


def test_planes_that_are_not_contiguous_are_convolved():
    image = np.random.default_rng(2).random((30, 31, 2)).astype(np.float32)
    planes = np.moveaxis(image, -1, 0)
    psf = exponential(1.0)
    assert_agrees(backend_module.create().convolve(planes, psf), planes, psf, "symmetric")
