"""A dozen plug-ins, each broken in its own way, installed side by side: phos goes on working."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from phos_core.cli import main
from phos_core.convolution import probing
from phos_core.image_files import write_image

OFFER = """
    Backend.name = "{name}"

    @hookimpl
    def phos_convolution_backends():
        return [spec(name="{name}", priority=1000, {more})]
"""


def offering(name, *, faults="", **more):
    """A plug-in that offers a backend before all others; what is wrong with the backend."""
    given = ", ".join(f"{field}={value!r}" for field, value in more.items())
    return OFFER.format(name=name, more=given) + faults


def broken_in(method, body):
    """One method of the backend, replaced."""
    return f"\n    def {method}:\n        {body}\n    Backend.{method.partition('(')[0]} = " + (
        method.partition("(")[0] + "\n"
    )


# plug-in: (its source, what phos backends calls it, the cause that it names)
BROKEN = {
    "import": ("raise RuntimeError('no luck today')", "broken", "RuntimeError: no luck today"),
    "exit": ("raise SystemExit('enough')", "broken", "SystemExit: enough"),
    "recursion": ("def f(): f()\nf()", "broken", "RecursionError"),
    "api": ("PHOS_HOOK_API = 99", "broken", "PHOS_HOOK_API = 99, this phos speaks 1"),
    "hook": (
        "@hookimpl\ndef phos_convolution_backends(): raise OSError('gone')",
        "broken",
        "phos_convolution_backends failed: OSError: gone",
    ),
    "spec": (
        "@hookimpl\ndef phos_convolution_backends(): return [{'name': 'spec'}]",
        "broken",
        "expected a BackendSpec, got {'name': 'spec'}",
    ),
    "worth": (
        OFFER.format(name="worth", more="transfer_worth_pixels='many'"),
        "broken",
        "TypeError: a backend's transfer_worth_pixels must be of type int, got 'many'",
    ),
    "name": (
        "@hookimpl\ndef phos_convolution_backends(): return [spec(name=5)]",
        "broken",
        "TypeError: a backend's name must be of type str, got 5",
    ),
    "missing": (
        offering("missing", modules=("a_module_that_is_not_there",), hint="pip install it"),
        "missing-dependency",
        "the module a_module_that_is_not_there is not installed",
    ),
    "old": (
        offering("old", requires=("numpy<1",), hint="pip install 'numpy<1'"),
        "version-mismatch",
        "numpy<1 is required",
    ),
    "factory": (
        offering("factory", factory="plug_factory:nowhere"),
        "broken",
        "AttributeError",
    ),
    "probe": (
        offering("probe", faults=broken_in("probe(self)", "raise SystemExit('no')")),
        "broken",
        "its probe failed: SystemExit: no",
    ),
    "vague": (
        offering("vague", faults=broken_in("probe(self)", "return True")),
        "broken",
        "expected a ProbeReport, got True",
    ),
    "hangs": (
        offering("hangs", faults=broken_in("probe(self)", "import time; time.sleep(5)")),
        "broken",
        "its probe failed: TimeoutError: no answer within 0.2 s",
    ),
    "nan": (
        offering("nan", faults=broken_in("to_host(self, x)", "return x * float('nan')")),
        "failed-selftest",
        "off by nan",
    ),
    "shape": (
        offering("shape", faults=broken_in("to_host(self, x)", "return x[..., 1:]")),
        "failed-selftest",
        "shape",
    ),
    "dtype": (
        offering("dtype", faults=broken_in("to_host(self, x)", "return x.astype('float64')")),
        "failed-selftest",
        "float64",
    ),
    "lists": (
        offering("lists", faults=broken_in("to_host(self, x)", "return x.tolist()")),
        "failed-selftest",
        "list",
    ),
    "device": (
        offering("device", faults=broken_in("to_device(self, x)", "raise MemoryError('none')")),
        "failed-selftest",
        "MemoryError: none",
    ),
    "scipy": (
        offering("scipy"),
        "broken",
        "the name 'scipy' is claimed by dist-scipy and phos-core",
    ),
}


@pytest.fixture
def all_broken(install, monkeypatch):
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.2)
    for name, (source, _, _) in BROKEN.items():
        install(name, source)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_there_are_a_dozen_of_them_and_more():
    assert len(BROKEN) >= 12


def test_a_picture_is_developed_beside_them_all(usual, all_broken, tmp_path):
    source, destination = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, np.full((24, 36, 3), 90, np.uint8))
    done = run("develop", source, "-o", destination)
    assert done.exit_code == 0, done.output
    assert destination.exists()
    assert f"developed by {usual}" in done.stderr


def test_phos_backends_names_each_with_its_cause(all_broken):
    listed = json.loads(run("backends", "--json").stdout)
    rows = {row["distribution"]: row for row in listed}
    assert next(row for row in listed if row["distribution"] == "phos-core")["status"] == "ok"
    for name, (_, status, cause) in BROKEN.items():
        row = rows[f"dist-{name}"]
        assert (row["name"], row["status"]) == (name, status), row
        assert row["reason"], row
        assert cause in row["reason"], row


def test_the_list_for_people_gives_each_a_line(all_broken):
    lines = run("backends").stdout.splitlines()
    for name, (_, status, cause) in BROKEN.items():
        (line,) = (line for line in lines if f"dist-{name} " in line)
        assert status in line
        assert cause in line


def test_the_commands_of_phos_stay_while_plug_ins_are_broken(all_broken):
    for arguments in (["--help"], ["films"], ["develop", "--help"]):
        assert run(*arguments).exit_code == 0


@pytest.mark.parametrize("name", ["missing", "nan", "probe"])
def test_a_broken_backend_that_is_named_is_an_error_with_its_cause(all_broken, tmp_path, name):
    source = tmp_path / "in.png"
    write_image(source, np.full((24, 36, 3), 90, np.uint8))
    done = run("develop", source, "-o", tmp_path / "out.png", "--backend", name)
    assert done.exit_code == 2
    assert BROKEN[name][2] in done.stderr
    assert not (tmp_path / "out.png").exists()
