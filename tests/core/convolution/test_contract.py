"""The smallest backend, and one that inherits the generic methods, keep the contract."""

import array_api_strict
import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import ConvolutionBackend, GenericBackend, ProbeReport
from phos_core.convolution.methods import generic
from phos_core.convolution.optional import error_kind_of, probe_of
from phos_core.errors import DeviceLostError, OutOfMemoryError, UnsupportedOperationError
from phos_core.testing import ConvolutionBackendContract


class MinimalBackend(GenericBackend):
    name = "minimal"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def to_device(self, host):
        return self.xp.asarray(host, device=self.device, copy=True)

    def to_host(self, x):
        # A copy, since before NumPy 2.1 DLPack takes no read-only array.
        plain = self.xp.asarray(x, copy=True)
        return np.array(self.xp.from_dlpack(plain, device=array_api_strict.Device("CPU_DEVICE")))


class Smallest:
    """The required part, and nothing else."""

    name, xp, device = "smallest", array_api_strict, array_api_strict.Device("device1")

    def to_device(self, host):
        return self.xp.asarray(host, device=self.device, copy=True)

    def to_host(self, x):
        # A copy, since before NumPy 2.1 DLPack takes no read-only array.
        plain = self.xp.asarray(x, copy=True)
        return np.array(self.xp.from_dlpack(plain, device=array_api_strict.Device("CPU_DEVICE")))

    def convolve(self, image, psf, *, boundary="symmetric"):
        return generic.convolve(image, psf, boundary)


class TestSmallest(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return Smallest()


def test_the_required_part_alone_is_a_backend_that_develops():
    image = np.random.default_rng(1).random((40, 50, 3)).astype(np.float32)
    expected = phos.develop(image, backend="scipy")
    np.testing.assert_allclose(phos.develop(image, backend=Smallest()), expected, atol=1e-3)
    assert probe_of(Smallest()).status == "ok"
    assert error_kind_of(Smallest(), MemoryError()) == "out-of-memory"


def test_a_probe_that_says_no_must_say_why():
    with pytest.raises(ValueError, match="must give a reason"):
        ProbeReport("no-device")


def test_what_lacks_a_method_is_no_backend():
    class Half:
        name = "half"

    assert not isinstance(Half(), ConvolutionBackend)


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OutOfMemoryError("full"), "out-of-memory"),
        (UnsupportedOperationError("no"), "unsupported"),
        (DeviceLostError("gone"), "device-lost"),
        (MemoryError("Unable to allocate"), "out-of-memory"),
        (caused(SystemError("returned a result with an exception set"), MemoryError()),
         "out-of-memory"),
        (RuntimeError("can't start new thread"), "out-of-memory"),
        (SystemError("bug"), None),
        (RuntimeError("bug"), None),
    ],
)  # fmt: skip
def test_python_s_errors_and_those_of_phos_are_classified(error, kind):
    assert MinimalBackend().classify_error(error) == kind
