"""How the kit is started, and what makes it fail."""

import os
import subprocess
import sys

import pytest

OPTIONS = ("-q", "-p", "no:cacheprovider")
TWO_LAWS = ("-k", "impulse_becomes or self_test")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def prove(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    pyargs = ("--pyargs", "phos_core.testing.conformance")
    return run("pytest", "-p", "phos_pytest", *pyargs, *OPTIONS, *arguments, **environment)


def test_an_installed_backend_is_proved():
    done = prove("--phos-backend=scipy", *TWO_LAWS)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.proof
def test_there_is_a_shorter_command():
    done = run(
        "phos_core.testing.conformance", "scipy", *OPTIONS, "-k", "impulse_becomes or imports"
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert run("phos_core.testing.conformance").returncode == 2


@pytest.mark.proof
@pytest.mark.parametrize(
    ("backend", "reason"), [("scipy", "kept out by PHOS_BLOCK"), ("acme", "unknown backend 'acme'")]
)
def test_a_backend_that_cannot_run_is_one_error_and_nothing_is_skipped(backend, reason):
    done = prove(f"--phos-backend={backend}", PHOS_BLOCK="scipy")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert reason in done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.proof
def test_a_backend_has_to_be_named():
    done = prove(*TWO_LAWS)
    assert done.returncode == 1
    assert "name a backend: --phos-backend=NAME" in done.stdout


@pytest.mark.proof
@pytest.mark.parametrize("nothing", [("-k", "no_such_law"), ("-k", "kept_on_the_device")])
def test_a_run_that_tries_nothing_fails(nothing):
    done = prove("--phos-backend=scipy", *nothing)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "nothing was proved of scipy" in done.stdout


@pytest.mark.proof
@pytest.mark.parametrize(
    ("package", "backend", "fault", "law"),
    [
        ("phos_heavy", "heavy", "import PIL", "imports_nothing_but_the_plug_in"),
        ("phos_curt", "curt", "", "told_with_what_would_help"),
        ("phos_moving", "moving", "import os; os.chdir('/')", "leaves_the_process_as_it_is"),
        ("phos_loud", "loud", "print('hello')", "leaves_the_process_as_it_is"),
    ],
)
def test_a_plug_in_that_is_heavy_curt_or_careless_is_found(tmp_path, package, backend, fault, law):
    metadata = tmp_path / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[phos]\n{backend} = {package}\n")
    (tmp_path / f"{package}.py").write_text(PLUG_IN.format(fault=fault, name=backend))
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = prove(f"--phos-backend={backend}", "-k", "TestPlugIn", PYTHONPATH=path)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert "FAILED" in done.stdout
    assert law in done.stdout.partition("short test summary")[2]


def test_the_option_costs_other_runs_of_pytest_nothing():
    script = "import pytest, sys; before = set(sys.modules); import phos_pytest; "
    script += "print(set(sys.modules) - before)"
    asked = [sys.executable, "-c", script]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout == "{'phos_pytest'}\n"


PLUG_IN = """
{fault}
from phos_core.backend import GenericBackend
from phos_core.convolution.hooks import BackendSpec, hookimpl

PHOS_HOOK_API = 1


class Backend(GenericBackend):
    name = "{name}"

    def to_device(self, host):
        return host

    def to_host(self, x):
        return x


@hookimpl
def phos_convolution_backends():
    return [BackendSpec(name="{name}", priority=1, factory=__name__ + ":Backend",
                        modules=("numpy",), hint="{fault}")]
"""
