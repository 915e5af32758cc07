import os
import sys
import textwrap
import threading
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from phos_core.convolution.choosing import guarded, probing, registry
from phos_core.convolution.choosing.selection import backends


@pytest.fixture
def fresh(monkeypatch):
    """No choice made outside, nothing found or probed before or kept after the test."""
    for name in ("PHOS_BACKEND", "PHOS_BLOCK", "PHOS_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    registry.reset()
    probing.reset()
    yield
    registry.reset()
    probing.reset()


@pytest.fixture
def usual(fresh) -> str:
    """The backend of the highest priority that runs here: scipy where none is added."""
    able = [report for report in backends() if report.status == "ok"]
    return max(able, key=lambda report: report.priority).name


@pytest.fixture
def install(fresh, tmp_path: Path, monkeypatch) -> Callable[..., None]:
    """Install a plug-in of one module, as a distribution with its entry point."""

    def put(name: str, source: str, *, distribution: str | None = None) -> None:
        distribution = distribution or f"dist-{name}"
        folder, module = tmp_path / distribution, f"plug_{name.replace('-', '_')}"
        metadata = folder / f"{distribution.replace('-', '_')}-1.5.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n"
        )
        (metadata / "entry_points.txt").write_text(f"[phos]\n{name} = {module}\n")
        (folder / f"{module}.py").write_text(PREAMBLE + textwrap.dedent(source))
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)
        registry.reset()
        probing.reset()

    return put


@pytest.fixture
def no_patience(monkeypatch):
    """A plug-in's time is up when it calls ``hanging.forever()``, and never before."""
    stuck, over = threading.Event(), threading.Event()

    def forever():
        stuck.set()
        over.wait()

    def wait(done, seconds):
        while not (done.wait(0.005) or stuck.is_set()):
            pass
        stuck.clear()

    hanging = types.ModuleType("hanging")
    hanging.forever = forever
    monkeypatch.setitem(sys.modules, "hanging", hanging)
    monkeypatch.setattr(guarded, "_wait", wait)
    monkeypatch.setattr(guarded, "LOOK_SECONDS", 0.01)
    monkeypatch.setenv("PHOS_PROBE_SECONDS", "10")
    yield
    over.set()  # its threads end


@pytest.fixture
def alone() -> Callable[..., dict[str, str]]:
    """The environment of a process that finds these folders, and loads no library of ours."""

    def environment(*path: str) -> dict[str, str]:
        heavy = "phos-app,phos-cupy,phos-cv2,phos-dask,phos-numba,phos-torch"
        return os.environ | {"PYTHONPATH": os.pathsep.join(path), "PHOS_BLOCK": heavy}

    return environment


PREAMBLE = """\
from phos_core.backend import GenericBackend, ProbeReport
from phos_core.convolution.hooks import BackendSpec, hookimpl

PHOS_HOOK_API = 1


class Backend(GenericBackend):
    name = "acme"

    def to_device(self, host):
        return host

    def to_host(self, x):
        return x


def spec(**changes):
    fields = {"name": "acme", "priority": 99, "factory": f"{__name__}:Backend"}
    return BackendSpec(**fields | changes)
"""
