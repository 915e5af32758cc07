"""The page for plug-in authors says what works."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from phos_core.convolution.choosing.probing import self_test
from phos_core.convolution.choosing.selection import backends, select

PAGE = Path(__file__).parents[3] / "docs" / "add-a-backend.md"


@pytest.fixture
def acme(fresh, tmp_path, monkeypatch):
    """The package that the page writes, installed."""
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    project, hook, backend, test = blocks
    point = tomllib.loads(project)["project"]["entry-points"]["phos"]
    package = tmp_path / "phos_acme"
    metadata = tmp_path / "phos_acme-0.1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text(hook)
    (package / "backend.py").write_text(backend)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: phos-acme\nVersion: 0.1.0\n")
    listed = "\n".join(f"{name} = {value}" for name, value in point.items())
    (metadata / "entry_points.txt").write_text(f"[phos]\n{listed}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield test
    for name in ("phos_acme", "phos_acme.backend"):
        sys.modules.pop(name, None)


def test_the_page_s_backend_is_found_runs_and_is_right(acme):
    (report,) = (report for report in backends() if report.name == "acme")
    assert report.status == "ok", report.reason
    assert self_test(select("acme").backend) == ""


def test_the_page_s_test_inherits_the_contract(acme):
    names: dict[str, object] = {}
    exec(acme, names)
    assert "test_it_agrees_with_the_reference" in dir(names["TestAcme"])
