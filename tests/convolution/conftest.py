import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from phos_core.convolution import probing, registry
from phos_core.convolution.selection import backends


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
        folder = tmp_path / distribution
        metadata = folder / f"{distribution.replace('-', '_')}-1.5.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n"
        )
        (metadata / "entry_points.txt").write_text(f"[phos]\n{name} = plug_{name}\n")
        (folder / f"plug_{name}.py").write_text(PREAMBLE + textwrap.dedent(source))
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, f"plug_{name}", raising=False)
        registry.reset()
        probing.reset()

    return put


PREAMBLE = """\
from phos_core.convolution.contract import BackendBase, ProbeReport
from phos_core.convolution.hookspecs import BackendSpec, hookimpl

PHOS_HOOK_API = 1


class Backend(BackendBase):
    name = "acme"

    def to_device(self, host):
        return host

    def to_host(self, x):
        return x


def spec(**changes):
    fields = {"name": "acme", "priority": 99, "factory": f"{__name__}:Backend"}
    return BackendSpec(**fields | changes)
"""
