"""What the command line says and does about code that is not compiled yet."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import phos_core as phos
from phos_core.backend import about_to_compile
from phos_core.convolution import waiting
from phos_core.convolution.choosing import meanwhile, probing, registry
from phos_core.stocks import paper_summaries
from phos_darkroom.shell import warm
from phos_darkroom.shell.main import main
from phos_darkroom.shell.messages import log_to_stderr

COLD = {"PHOS_COMPILE": None, "PHOS_BACKEND": None}


def run(*arguments, **environment):
    return CliRunner(env=COLD | environment).invoke(main, [str(one) for one in arguments])


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(np.full((24, 36, 3), 90, np.uint8)).save(tmp_path / "in.png")
    return tmp_path / "in.png"


@pytest.fixture
def nothing_kept(tmp_path):
    """A cache without code, in a process that has tried no backend."""
    pytest.importorskip("numba", reason="needs Numba")
    pytest.importorskip("phos_numba", reason="needs phos-numba")
    registry.reset()
    probing.reset()
    waiting._say_once.cache_clear()
    yield {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    registry.reset()
    probing.reset()


def test_one_picture_waits_for_no_compiler_and_says_what_compiles(nothing_kept, picture):
    only = "phos-core,phos-numba"
    out = picture.with_name("out.png")
    result = run("develop", picture, "-o", out, PHOS_PLUGINS=only, **nothing_kept)
    assert result.exit_code == 0
    assert "1 picture developed by scipy" in result.stderr
    assert result.stderr.count("phos warm") == 1
    assert "numba" in result.stderr
    assert out.exists()
    assert not meanwhile.is_compiling("numba")


def test_that_code_is_compiled_is_said_once_and_is_no_warning(capsys):
    waiting._say_once.cache_clear()
    with log_to_stderr(verbose=False):
        for _ in range(2):
            about_to_compile("acme")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("phos: backend acme compiles code for this machine, once")


def test_warming_covers_every_film_at_every_depth_and_every_paper():
    blanks = set(warm.blanks())
    auto = {(one.film, one.dtype) for one in blanks if one.printing == "auto"}
    depths = ("uint8", "uint16", "float32")
    assert auto == {(film.name, dtype) for film in phos.films() for dtype in depths}
    papers = {(one.printing, one.dtype) for one in blanks} - {("auto", dtype) for dtype in depths}
    wanted = {"neutral", *(paper.name for paper in paper_summaries())}
    assert papers == {(name, dtype) for name in wanted for dtype in depths}
    for one in {replace(blank, shape=(2, 2)) for blank in blanks}:
        phos.Recipe(film=one.film, printing=one.printing)


def test_what_compiles_nothing_cannot_be_warmed():
    result = run("warm", "--backend", "scipy")
    assert result.exit_code == 2
    assert "it compiles nothing" in result.stderr


@pytest.mark.proof
def test_warming_compiles_all_that_a_first_picture_needs(nothing_kept, picture, monkeypatch):
    monkeypatch.setattr(
        warm, "blanks", lambda: [warm.Blank("portra-400", "auto", (24, 36), "uint8")]
    )
    for name, value in nothing_kept.items():
        monkeypatch.setenv(name, value)
    result = run("warm", "--backend", "numba", **nothing_kept)
    assert result.exit_code == 0
    assert f"kept in {Path(nothing_kept['NUMBA_CACHE_DIR']) / 'phos'}" in result.stderr
    out = picture.with_name("out.png")
    result = run("develop", picture, "-o", out, **nothing_kept)
    assert "developed by numba" in result.stderr
