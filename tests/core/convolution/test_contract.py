"""A stranger's minimal backend keeps the contract by what it inherits."""

import array_api_strict
import numpy as np
import pytest

from phos_core.convolution.contract import BackendBase, ConvolutionBackend, ProbeReport
from phos_core.errors import DeviceLostError, OutOfMemoryError, UnsupportedOperationError
from phos_core.testing import ConvolutionBackendContract


class MinimalBackend(BackendBase):
    name = "minimal"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def to_device(self, host):
        return self.xp.asarray(host, device=self.device, copy=True)

    def to_host(self, x):
        return np.array(self.xp.from_dlpack(x, device=array_api_strict.Device("CPU_DEVICE")))


class TestMinimal(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return MinimalBackend()


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
