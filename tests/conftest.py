"""Fixtures that several folders share."""

import os
import signal

import array_api_strict
import numpy as np
import pytest
from array_api_compat import numpy as xp_numpy
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace
from phos_core.convolution.choosing import selection
from phos_core.convolution.methods import reference
from phos_core.convolution.running import fallback
from phos_core.psf import PSF

# No outcome depends on luck or on the clock: every run tries the same examples, however slowly.
# `nox -s explore` searches at random instead.
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **UNHURRIED)
settings.register_profile("explore", derandomize=False, print_blob=True, **UNHURRIED)
settings.load_profile("same")
# However busy the machine is: a plug-in's time is not up while it gets nothing of the processor.
os.environ.setdefault("PHOS_PROBE_SECONDS", "300")
# Whatever is compiled already on this machine: the best backend that can run is waited for.
os.environ.setdefault("PHOS_COMPILE", "wait")

# However the tests were started: work in the background is told to ignore signals, and its children
# inherit that.
for name, ours in (("SIGINT", signal.default_int_handler), ("SIGHUP", None), ("SIGTERM", None)):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), ours or signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Make what a test printed text: a name of a file that is none cannot leave its process."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode("utf-8"))
        for title, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch):
    """Whoever runs the tests may have a configuration file of their own."""
    monkeypatch.setenv("PHOS_CONFIG", "")


@pytest.fixture(params=["numpy", "array_api_strict"])
def xp(request: pytest.FixtureRequest):
    """An Array API namespace: NumPy, and the strictest there is."""
    return {"numpy": xp_numpy, "array_api_strict": array_api_strict}[request.param]


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20240229)


@pytest.fixture
def convolve():
    """Slow, obvious convolution at the symmetric border, for effects on any namespace."""

    def run(image: Array, psf: PSF | list[PSF]) -> Array:
        namespace = array_namespace(image)
        host: NDArray[np.float64] = np.asarray(image, dtype=np.float64)
        return namespace.asarray(reference.convolve(host, psf), dtype=image.dtype)

    return run


@pytest.fixture
def one_after_the_other(monkeypatch):
    """Replace every backend that auto would choose from by those given, in this order."""

    def replace(*backends):
        names = [backend.name for backend in backends]
        candidates = (selection.Candidate(names[0]),)
        chosen = selection.Selection(backends[0], "auto", candidates, named=False)
        monkeypatch.setattr(selection, "_best", lambda *_: chosen)
        monkeypatch.setattr(fallback, "successors", lambda _: iter(backends[1:]))

    monkeypatch.delenv("PHOS_BACKEND", raising=False)
    return replace
