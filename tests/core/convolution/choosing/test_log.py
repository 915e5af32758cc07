"""The log: what was chosen and why, by which methods; and what is amiss, in a line."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import phos_core as phos
from phos_core.convolution.choosing import selection
from phos_core.errors import BackendFallbackWarning
from phos_darkroom.files.image_files import write_image
from phos_darkroom.shell.main import main

ACME = "@hookimpl\ndef phos_convolution_backends(): return [spec()]\n"


@pytest.fixture
def picture(tmp_path):
    """A small picture's file."""
    write_image(tmp_path / "in.png", np.full((40, 60, 3), 90, np.uint8))
    return tmp_path / "in.png"


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    """Nothing said before, nothing asked for outside."""
    for name in ("PHOS_BACKEND", "PHOS_BLOCK", "PHOS_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    selection.reset()
    yield
    selection.reset()


def develop(*arguments):
    done = CliRunner().invoke(main, ["develop", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stderr.splitlines()


def test_a_library_that_is_not_asked_prints_nothing(tmp_path):
    code = """
import numpy as np, phos_core as phos
image = np.full((40, 60, 3), 90, np.uint8)
phos.develop(image, backend="zzz,scipy")
phos.convolve(image, phos.psf.gaussian(2.0))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_library_user_s_own_handler_gets_choice_methods_and_times(caplog):
    caplog.set_level(logging.INFO, "phos_core")
    phos.develop(np.full((40, 60, 3), 90, np.uint8), backend="zzz,scipy")
    said = [record.getMessage() for record in caplog.records]
    assert all(record.name.startswith("phos_core.") for record in caplog.records)
    assert said[0].startswith("backend zzz passed over: unknown backend 'zzz'")
    assert said[1] == "backend scipy chosen, on cpu: it was asked for"
    assert any("40 x 60 pixels convolved with a PSF of" in line for line in said)
    assert "40 x 60 pixels developed on portra-400 by scipy in 1 tile: upload 0." in said[-1]
    assert "scatter and halation 0." in said[-1]


def test_convolve_tells_the_method_that_was_asked_for(caplog):
    caplog.set_level(logging.INFO, "phos_core")
    image = np.zeros((40, 60), np.float32)
    for method in ("separable", "transform"):
        phos.convolve(image, phos.psf.gaussian(2.0), backend="scipy", method=method)
        assert f"on scipy: method {method}, as requested" in caplog.text


def test_tiles_are_told(picture, monkeypatch):
    monkeypatch.setenv("PHOS_MEMORY_LIMIT", "1")
    lines = develop(picture, "-o", picture.with_name("o.png"), "--backend=scipy", "-v")
    assert "phos: computed in 3 tiles of rows on scipy" in lines
    assert any("by scipy in 3 tiles: " in line for line in lines)


def test_a_step_down_is_told_with_what_failed(install, caplog):
    late = "def late(self, image, psf, **k):\n"
    late += "    if image.shape[-1] == 60: raise MemoryError('full')\n"
    late += "    return GenericBackend.convolve(self, image, psf, **k)\n"
    install("acme", late + "Backend.convolve = late\n" + ACME)
    caplog.set_level(logging.INFO, "phos_core")
    with pytest.warns(BackendFallbackWarning):
        phos.convolve(np.zeros((16, 60), np.float32), phos.psf.gaussian(2.0), backend="acme,scipy")
    said = [record.getMessage() for record in caplog.records]
    assert "attempt failed: acme, whole: out-of-memory: full" in said
    assert any(line.startswith("went on with scipy: acme, ") for line in said)


def test_verbose_says_choice_methods_and_times_on_stderr_and_nothing_else_changes(picture):
    quiet = CliRunner().invoke(main, ["develop", str(picture), "-o", str(picture.parent / "1.png")])
    arguments = ["develop", str(picture), "-o", str(picture.parent / "2.png"), "--verbose"]
    told = CliRunner().invoke(main, arguments)
    assert (quiet.exit_code, told.exit_code) == (0, 0)
    assert quiet.stderr.count("\n") == 1
    assert told.stdout.replace("2.png", "1.png") == quiet.stdout
    assert all(line.startswith("phos: ") for line in told.stderr.splitlines())
    for part in ("chosen, on", "developing", "convolved with", "expose 0.", "picture developed by"):
        assert part in told.stderr
    assert (picture.parent / "1.png").read_bytes() == (picture.parent / "2.png").read_bytes()
    assert logging.getLogger("phos_core").level == logging.NOTSET


def test_a_lookup_table_is_told_of_too(tmp_path):
    arguments = ["lut", "-o", str(tmp_path / "a.cube"), "--size", "3", "--backend", "scipy", "-v"]
    done = CliRunner().invoke(main, arguments)
    assert "phos: backend scipy chosen, on cpu: it was asked for\n" in done.stderr


@pytest.mark.proof
def test_processes_of_a_roll_hand_their_log_over(tmp_path):
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, np.full((40, 60, 3), 90, np.uint8))
    sources = [tmp_path / "a.png", tmp_path / "b.png"]
    lines = develop(*sources, "-o", tmp_path / "out", "--jobs=2", "--backend=zzz,scipy", "-v")
    assert lines.count("phos: backend scipy chosen, on cpu: it was asked for") == 1
    for source in sources:
        assert lines.count(f"phos: developing {source}") == 1
    assert sum("pixels developed on portra-400 by scipy" in line for line in lines) == 2


# ------------------------------------------------------------------ a word of what is amiss


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Backend.probe = lambda self: 1 / 0\n", "broken: its probe failed: ZeroDivisionError"),
        (
            "Backend.convolve = lambda self, image, psf, **_: image\n",
            "failed-selftest: an asymmetric PSF",
        ),
        (
            "def late(self): raise TimeoutError('no answer within 10 s')\nBackend.probe = late\n",
            "TimeoutError: no answer within 10 s",
        ),
        (
            "raise OSError('torn')\n",
            "plug-in acme is broken, and passed over: its import failed: OSError: torn",
        ),
    ],
)
def test_a_better_backend_that_is_broken_wrong_or_slow_is_told_once_without_being_asked(
    source, said, install, picture
):
    install("acme", source + ACME)
    for arguments in ([], ["--backend=acme,scipy"]):
        if arguments and "passed over: its import" in said:
            continue  # a plug-in's name is no backend's, but may be asked for
        selection.reset()
        first, *rest = develop(picture, "-o", picture.parent / "o.png", "--overwrite", *arguments)
        assert first.startswith("phos: warning: ")
        assert said in first
        assert all("warning" not in line for line in rest)


@pytest.mark.parametrize("status", ["no-device", "missing-dependency", "version-mismatch"])
def test_a_better_backend_that_is_merely_not_there_is_not_told(status, install, picture):
    install("acme", f"Backend.probe = lambda self: ProbeReport({status!r}, 'so')\n" + ACME)
    lines = develop(picture, "-o", picture.parent / "o.png")
    assert len(lines) == 1
    assert lines[0].startswith("phos: 1 picture developed")


def test_a_worse_backend_that_is_broken_is_not_told(install, picture):
    worse = ACME.replace("spec()", "spec(priority=1)")
    install("acme", "Backend.probe = lambda self: 1 / 0\n" + worse)
    assert len(develop(picture, "-o", picture.parent / "o.png")) == 1


@pytest.mark.proof
def test_the_word_comes_once_for_a_roll_in_processes(tmp_path):
    """Each process finds the broken backend for itself."""
    folder = tmp_path / "site"
    metadata = folder / "dist_acme-1.5.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-acme\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text("[phos]\nacme = plug_acme\n")
    (folder / "plug_acme.py").write_text("raise OSError('torn')\n")
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, np.full((40, 60, 3), 90, np.uint8))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    arguments = ["develop", "a.png", "b.png", "-o", "out", "--jobs=2"]
    done = subprocess.run(
        [sys.executable, "-m", "phos_darkroom", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert (
        done.stderr.count(
            "plug-in acme is broken, and passed over: its import failed: OSError: torn"
        )
        == 1
    )
