"""Facts about devices: a crash is a row, and a wrong render is found."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import phos_core as phos
from phos_core.convolution.choosing import device_facts, probing
from phos_darkroom.shell import apart, selftest
from phos_darkroom.shell.main import main


def info(name, **fields):
    given = {"status": "ok", "facts": {}, "versions": {}} | fields
    return device_facts.DeviceInfo(backend=name, **given)


def test_every_backend_is_described_with_its_device_and_memory():
    described = {entry.backend: entry for entry in phos.device_info()}
    scipy = described["scipy"]
    assert (scipy.status, scipy.device) == ("ok", "cpu")
    assert scipy.free_bytes is None or 0 < scipy.free_bytes <= scipy.total_bytes
    assert "scipy" in scipy.versions
    for entry in described.values():
        assert entry.status == "ok" or entry.reason


def test_a_process_of_its_own_answers_the_same():
    assert (
        apart.probe_apart("scipy").versions
        == {entry.backend: entry.versions for entry in phos.device_info()}["scipy"]
    )


@pytest.mark.parametrize(
    ("body", "seconds", "words"),
    [
        ("import os; os.abort()", 600, "ended with -6"),
        ("import os; os._exit(3)", 600, "ended with 3"),
        ("import time; time.sleep(60)", 1, "no answer within 1 s"),
    ],
)
def test_a_backend_that_takes_its_process_down_is_a_row(
    tmp_path, monkeypatch, body, seconds, words
):
    (tmp_path / "sitecustomize.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = apart.probe_apart("scipy", seconds=seconds)
    assert found.status == "crashed"
    assert words in found.reason


STRANGERS = ("json", "numpy", "scipy", "phos_core", "sitecustomize", "usercustomize", "typing")


@pytest.fixture
def strangers_folder(tmp_path, monkeypatch):
    """A current folder whose files have the names of modules, as a folder of pictures may."""
    for name in STRANGERS:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('CODE OF THE CURRENT FOLDER')")
    monkeypatch.chdir(tmp_path)


@pytest.mark.proof
def test_no_process_of_ours_runs_what_lies_in_the_current_folder(strangers_folder):
    from phos_bench.running import _answered

    assert apart.probe_apart("scipy").status == "ok"
    assert "CURRENT FOLDER" not in str(_answered({}))


def test_every_process_that_is_started_leaves_the_current_folder_out_of_its_path():
    sources = [Path(phos.__file__).parent, *Path(__file__).parents[3].glob("plugins/*/src")]
    started = [
        (path.name, line.strip())
        for source in sources
        for path in source.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "[sys.executable" in line
    ]
    assert len(started) >= 4
    assert not [(name, line) for name, line in started if '"-P"' not in line]


def test_facts_that_a_backend_tells_are_passed_on_and_its_troubles_too(monkeypatch):
    from phos_core.convolution.methods.scipy_backend import ScipyBackend

    told = device_facts._facts(ScipyBackend())
    assert told == {}
    monkeypatch.setattr(ScipyBackend, "device_facts", lambda self: {"driver": 13})
    assert device_facts._facts(ScipyBackend()) == {"driver": "13"}
    monkeypatch.setattr(ScipyBackend, "device_facts", lambda self: 1 / 0)
    assert "ZeroDivisionError" in device_facts._facts(ScipyBackend())["trouble"]


@pytest.fixture
def only(monkeypatch):
    """Let `phos` know of these backends alone."""

    def put(*entries):
        monkeypatch.setattr(apart, "probe_all_apart", lambda: entries)

    return put


def test_the_self_test_passes_here_and_is_json(only):
    only(info("scipy"), info("absent", status="no-device", reason="no card"))
    result = CliRunner().invoke(main, ["selftest", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["passed"] is True
    (scipy,) = told["selftest"]
    assert (scipy["backend"], scipy["passed"]) == ("scipy", True)
    assert told["backends"][1]["reason"] == "no card"


def test_the_self_test_says_by_which_kernels_a_backend_passed(only):
    only(info("scipy", facts={"kernels": "array code: nothing compiles here"}))
    shown = CliRunner().invoke(main, ["selftest"]).stdout
    assert shown == "scipy: passed (kernels: array code: nothing compiles here)\n"


@pytest.mark.parametrize("status", ["failed-selftest", "crashed"])
def test_a_backend_that_fails_its_self_test_fails_the_command(only, status):
    only(info("acme", status=status, reason="off by 3"))
    result = CliRunner().invoke(main, ["selftest"])
    assert result.exit_code == 1
    assert result.stdout == "acme: FAILED: off by 3\n"


def test_a_wrong_render_is_found(monkeypatch):
    right = selftest.develop

    def wrong(image, backend, strict=False):
        return right(image, backend="scipy") + (0.01 if backend == "acme" else 0.0)

    monkeypatch.setattr(selftest, "develop", wrong)
    assert selftest.render("scipy")["passed"]
    found = selftest.render("acme")
    assert not found["passed"]
    assert "off by 0.01" in found["reason"]


def test_a_render_that_fails_is_found():
    found = selftest.render("no such backend")
    assert not found["passed"]
    assert "UnknownBackendError" in found["reason"]


def test_the_doctor_tells_versions_settings_and_backends(only, monkeypatch):
    only(info("acme", status="crashed", reason="it died", facts={"driver": "13"}))
    monkeypatch.setenv("PHOS_BLOCK", "nothing")
    shown = CliRunner().invoke(main, ["doctor"]).stdout
    for words in (phos.__version__, "PHOS_BLOCK: nothing", "phos-core", "it died", "driver 13"):
        assert words in shown


def test_the_probe_of_backends_shows_their_devices(only):
    only(info("acme", device="card 0", free_bytes=5, total_bytes=7, facts={"driver": "13"}))
    shown = CliRunner().invoke(main, ["backends", "--probe"]).stdout
    assert "card 0" in shown
    assert "driver 13" in shown
    told = json.loads(CliRunner().invoke(main, ["backends", "--probe", "--json"]).stdout)
    assert told[0]["free_bytes"] == 5


@pytest.mark.parametrize(("answer", "told"), [(1 / 2, "got 0.5"), (None, "got None")])
def test_memory_that_is_no_memory_is_a_fact_and_not_an_error(monkeypatch, answer, told):
    offer = next(o for o in device_facts.offers() if o.name == "scipy")
    backend = probing.probe(offer).backend
    monkeypatch.setattr(backend, "memory", lambda: answer, raising=False)
    described = device_facts.describe_device(offer)
    assert (described.status, described.free_bytes) == ("ok", None)
    assert described.facts["memory"] == told


def test_memory_that_cannot_be_read_is_a_fact_and_not_an_error(monkeypatch):
    def gone():
        raise RuntimeError("no driver")

    offer = next(o for o in device_facts.offers() if o.name == "scipy")
    monkeypatch.setattr(probing.probe(offer).backend, "memory", gone, raising=False)
    assert device_facts.describe_device(offer).facts["memory"] == "RuntimeError: no driver"


def test_an_answer_that_is_spoiled_is_told(monkeypatch):
    def spoiled(*_, **__):
        return subprocess.CompletedProcess([], 0, stdout='\n{"backend": "acme"}\nbye\n', stderr="")

    monkeypatch.setattr(subprocess, "run", spoiled)
    assert "printed more after its answer" in apart.probe_apart("acme").reason
