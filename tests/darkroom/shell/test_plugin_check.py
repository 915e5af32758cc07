"""`phos plugin list` and `phos plugin check`: plug-ins seen from outside, whatever they do."""

import json
import os
import textwrap

import pytest
from click.testing import CliRunner

from phos_core.convolution.choosing import selection
from phos_core.errors import UnknownPlugInError
from phos_core.testing import ConvolutionBackendContract
from phos_darkroom.shell.main import main
from phos_darkroom.shell.plugin import write_plugin
from phos_darkroom.shell.plugin_check import check, kit, plug_in_rows
from phos_darkroom.shell.plugin_check.children import run_inspection
from phos_darkroom.shell.plugin_check.verdicts import on_backend, on_module

MODULE = """
from phos_core.convolution.hooks import BackendSpec, hookimpl

PHOS_HOOK_API = 1


@hookimpl
def phos_convolution_backends():
    return [BackendSpec(name="acme", priority=20, factory="acme_backend:Backend")]
"""

BACKEND = """
import numpy as np
from phos_core.backend import GenericBackend, ProbeReport


class Backend(GenericBackend):
    name = "acme"

    def to_device(self, host):
        return np.asarray(host)

    def to_host(self, x):
        return np.asarray(x)

"""

HOOK = "phos_convolution_backends"
SECONDS = 120.0  # more than any machine needs

METADATA = """\
Metadata-Version: 2.4
Name: dist-acme
Version: 1.5
License-Expression: MIT
Requires-Dist: phos-core>=0.1,<1
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a plug-in where this process and those that it starts find it."""

    def put(module=MODULE, backend="", metadata=METADATA):
        folder = tmp_path / "site"
        info = folder / "dist_acme-1.5.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text("[phos]\nacme = acme\n")
        (folder / "acme.py").write_text(textwrap.dedent(module))
        (folder / "acme_backend.py").write_text(BACKEND + textwrap.indent(backend, "    "))
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        monkeypatch.setenv("PYTHONPATH", path)
        monkeypatch.syspath_prepend(folder)
        selection.reset()
        return folder

    for name in ("PHOS_BACKEND", "PHOS_BLOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PHOS_PLUGINS", "acme")  # no process for those that happen to be installed
    yield put
    selection.reset()


@pytest.fixture
def few_laws(monkeypatch):
    """The quick part takes a while."""
    monkeypatch.setattr(kit, "QUICK", "impulse_becomes or classified or mirrored")


def found(name="acme", **options):
    """What was found of the only plug-in of this name, by what was looked at."""
    (report,) = check(name, with_kit=False, **options)
    return report, {verdict.check: verdict for verdict in report.verdicts}


def row_of(name):
    return next(row for row in plug_in_rows() if row.name == name)


# ------------------------------------------------------------------ a plug-in as it should be


def test_the_laws_that_the_quick_part_leaves_out_are_the_kit_s():
    """A law that has got another name would be run again, however long it takes."""
    laws = " ".join([*vars(ConvolutionBackendContract)])
    assert [law for law in kit.LONG_ONES if law not in laws] == []


@pytest.mark.proof
def test_a_good_plug_in_passes_with_what_was_found_of_it(install):
    install()
    report, verdicts = found()
    assert report.passed
    assert (report.name, report.distribution, report.version) == ("acme", "dist-acme", "1.5")
    assert {verdict.status for verdict in verdicts.values()} == {"ok"}
    assert verdicts["requires"].detail == "phos-core>=0.1,<1"
    assert verdicts["licence"].detail == "MIT"
    assert verdicts["phos_convolution_backends"].detail == "acme (priority 20)"
    for check_of in ("import", "light", "hooks", "names", "output", "process state"):
        assert check_of in verdicts
    for step in ("requirements", "factory", "probe", "self-test", "develop"):
        assert f"{step} of acme" in verdicts


@pytest.mark.proof
def test_a_plug_in_from_the_template_passes_at_the_shell_with_the_kit_s_quick_part(
    tmp_path, install, few_laws
):
    folder = write_plugin("acme", tmp_path) / "src"
    site = install()
    for file in (folder / "phos_acme").iterdir():
        (site / "phos_acme").mkdir(exist_ok=True)
        (site / "phos_acme" / file.name).write_text(file.read_text())
    (site / "dist_acme-1.5.dist-info" / "entry_points.txt").write_text("[phos]\nacme = phos_acme\n")
    done = CliRunner().invoke(main, ["plugin", "check", "Dist_Acme"])
    assert done.exit_code == 0, done.output
    heading, *lines = done.stdout.splitlines()
    assert heading == "acme, of dist-acme 1.5"
    assert all(line.split()[0] == "ok" for line in lines)
    assert lines[-1].split()[1:5] == ["quick", "kit", "of", "acme"]
    assert "2 laws kept" in lines[-1]


@pytest.mark.proof
def test_the_list_shows_entry_point_version_hooks_and_time(install):
    install()
    rows = json.loads(CliRunner().invoke(main, ["plugin", "list", "--json"]).stdout)
    (row,) = (row for row in rows if row["name"] == "acme")
    assert (row["module"], row["distribution"], row["version"]) == ("acme", "dist-acme", "1.5")
    assert (row["status"], row["hooks"], row["reason"]) == ("ok", ["phos_convolution_backends"], "")
    assert row["load_ms"] >= 0
    shown = CliRunner().invoke(main, ["plugin", "list"]).stdout.splitlines()
    assert shown[0].split() == list(row)
    assert len(shown) == len(rows) + 1
    assert {"scipy", "acme"} <= {line.split()[0] for line in shown}


def test_a_name_that_is_not_there_is_answered_with_the_nearest(install):
    install()
    with pytest.raises(UnknownPlugInError, match=r"unknown plug-in 'acne'; did you mean acme"):
        check("acne")
    done = CliRunner().invoke(main, ["plugin", "check", "acne"])
    assert (done.exit_code, done.stdout) == (2, "")


# ------------------------------------------------------------------ the light module

CLUMSY_MODULES = [
    ("import os; os._exit(7)", "import", "exit code 7, at: import"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "import", "at: import"),
    ("raise KeyboardInterrupt", "import", "KeyboardInterrupt()"),
    ("import a_library_that_is_not_there", "import", "No module named"),
    ("", "hook API", "PHOS_HOOK_API = None"),
    (MODULE.replace("@hookimpl", ""), "hooks", "not marked with @hookimpl: phos_convolution_b"),
    (MODULE.replace("def phos_convolution_b", "def phos_b"), "hooks", "unknown: phos_backends"),
    (MODULE.replace("[Backend", "['x'] or [Backend"), HOOK, "expected a BackendSpec, got 'x'"),
    (MODULE.replace('name="acme"', 'name=""'), HOOK, "name must"),
    (MODULE.replace('name="acme"', 'name="scipy"'), "names", "'scipy'"),
    (
        MODULE + "import a_heavy_library",
        "light",
        "loads a_heavy_library",
    ),
    (MODULE + "import os; os.write(1, b'raw')", "output", "stdout, at: import: raw"),
    (
        MODULE + "import os, numpy, sys; os.chdir('/'); numpy.seterr(all='raise')\n"
        "numpy.exp = len; sys.stdout.close(); os.umask(0o777)\n",
        "process state",
        "the working directory, the umask, np.seterr, NumPy's functions, whether stdout is closed, "
        "at: import",
    ),
    (
        MODULE + "import threading as t; t.Thread(target=t.Event().wait).start()",
        "process state",
        "the threads that keep a process from ending, at: import",
    ),
]


@pytest.mark.proof
@pytest.mark.parametrize(("module", "what", "said"), CLUMSY_MODULES)
def test_what_a_light_module_does_amiss_fails_under_its_name(module, what, said, install):
    site = install(module)
    (site / "a_heavy_library.py").touch()
    verdicts = on_module(run_inspection(["acme", "acme", "dist-acme"], SECONDS))
    failed = {verdict.check: verdict.detail for verdict in verdicts if verdict.status == "failed"}
    assert said in failed[what]


@pytest.mark.proof
def test_what_is_amiss_is_a_row_of_the_list_and_exit_code_1_of_the_check(install):
    install("import os; os._exit(7)")
    row = row_of("acme")
    assert (row.status, row.hooks, row.load_ms) == ("broken", (), None)
    assert row.reason == "its process ended with exit code 7, at its import"
    assert row_of("scipy").status == "ok"
    done = CliRunner().invoke(main, ["plugin", "check", "acme", "--json"])
    assert done.exit_code == 1
    (report,) = json.loads(done.stdout)
    assert report["passed"] is False
    assert {verdict["status"] for verdict in report["verdicts"]} == {"ok", "failed"}


def test_what_never_answers_is_given_up(install):
    install("import threading; threading.Event().wait()")
    _, verdicts = found(seconds=1.0)
    assert "no answer within 1 s" in verdicts["import"].detail


def test_what_is_kept_out_is_not_loaded(install, monkeypatch):
    install("import os; os._exit(7)")
    monkeypatch.setenv("PHOS_PLUGINS", "other")
    assert row_of("acme").status == "blocked"
    report, verdicts = found()
    assert verdicts["import"].detail == "blocked: neither dist-acme nor acme is in PHOS_PLUGINS"
    assert not report.passed


@pytest.mark.proof
def test_the_current_folder_s_modules_are_never_run(install, tmp_path, monkeypatch):
    install()
    for name in ("json", "numpy", "acme", "pytest", "phos_core"):
        (tmp_path / f"{name}.py").write_text("import os; os._exit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep + os.environ["PYTHONPATH"])
    report, _ = found()
    assert report.passed
    assert row_of("acme").status == "ok"


@pytest.mark.proof
def test_what_metadata_lack_is_warned_of_and_a_version_is_needed(install):
    install(metadata="Metadata-Version: 2.1\nName: dist-acme\n")
    _, verdicts = found()
    assert verdicts["version"].status == "failed"
    assert (verdicts["requires"].status, verdicts["licence"].status) == ("warning", "warning")


def test_films_and_commands_are_loaded_and_named(install):
    more = """
@hookimpl
def phos_films():
    return ["nowhere.toml"]


@hookimpl
def phos_commands():
    import click

    return [click.Command("frobnicate")]
"""
    install(MODULE + more)
    _, verdicts = found()
    assert verdicts["phos_commands"].detail == "frobnicate"
    assert verdicts["phos_films"].status == "failed"
    assert "nowhere.toml" in verdicts["phos_films"].detail


def test_a_command_that_phos_has_itself_fails(install):
    of_ours = """
from phos_core.convolution.hooks import hookimpl

PHOS_HOOK_API = 1


@hookimpl
def phos_commands():
    import click

    return [click.Command("develop")]
"""
    install(of_ours)
    done = CliRunner().invoke(main, ["plugin", "check", "acme"])
    assert done.exit_code == 1
    assert "the name of its command 'develop' is taken" in done.stdout


# ------------------------------------------------------------------ backends

CONVOLVE = "def convolve(self, image, psf, **k):\n    r = super().convolve(image, psf, **k)\n"
CLUMSY_BACKENDS = [
    ("def probe(self): return 'ok'", "probe of acme", "expected a ProbeReport, got 'ok'"),
    ("def probe(self): return ProbeReport('broken', 'torn')", "probe of acme", "broken: torn"),
    ("def probe(self): raise SystemExit", "probe of acme", "SystemExit()"),
    ("name = 'other'", "factory of acme", "a backend named 'other', not 'acme'"),
    ("def __init__(self): import os; os._exit(7)", "backend acme", "exit code 7, at: factory"),
    (CONVOLVE + "    return r * 2", "self-test of acme", "off by"),
    (
        CONVOLVE + "    print('at work'); np.seterr(all='raise'); return r * 2",
        "output of acme",
        "stdout, at: self-test",
    ),
    (
        CONVOLVE + "    np.seterr(all='raise'); return r * 2",
        "process state of acme",
        "np.seterr, at: self-test",
    ),
]


@pytest.mark.proof
@pytest.mark.parametrize(("body", "what", "said"), CLUMSY_BACKENDS)
def test_what_a_backend_does_amiss_fails_under_its_name(body, what, said, install):
    install(backend=body)
    verdicts = on_backend("acme", run_inspection(["acme", "acme", "dist-acme", "acme"], SECONDS))
    failed = {verdict.check: verdict.detail for verdict in verdicts if verdict.status == "failed"}
    assert said in failed[what]


@pytest.mark.proof
@pytest.mark.parametrize(
    ("module", "backend", "what"),
    [
        (MODULE, "def probe(self): return ProbeReport('no-device', 'no card', 'buy one')", "probe"),
        (MODULE.replace("priority", "modules=('nonesuch',), priority"), "", "requirements"),
        (MODULE.replace("priority", "requires=('numpy>=99',), priority"), "", "requirements"),
    ],
)
def test_what_cannot_be_tried_here_is_skipped_and_no_failure(module, backend, what, install):
    install(module, backend)
    report, verdicts = found()
    assert report.passed
    assert verdicts[f"{what} of acme"].status == "skipped"
    assert f"self-test of {what}" not in verdicts


@pytest.mark.proof
def test_the_kit_names_the_laws_that_are_not_kept(install, few_laws):
    install(backend="def classify_error(self, error): return 'out-of-memory'")
    (report,) = check("acme")
    last = report.verdicts[-1]
    assert (last.check, last.status) == ("quick kit of acme", "failed")
    assert "1 of 2 laws not kept: test_only_the_three_failures_are_classified (" in last.detail
    assert not report.passed
