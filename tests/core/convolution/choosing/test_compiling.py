"""What happens while a backend has code to compile."""

import sys
import textwrap

import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import NotCompiledError, about_to_compile
from phos_core.convolution import waiting
from phos_core.convolution.choosing import meanwhile
from phos_core.convolution.choosing.selection import backends, select
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.convolution.running.convolve import convolve
from phos_core.process import WholePicture, WindowDeveloper
from phos_core.psf import gaussian

COMPILES = """
from phos_core.backend import about_to_compile

class Compiling(Backend):
    compiled = {compiled}

    def convolve(self, image, psf, *, boundary="symmetric"):
        if not self.compiled:
            about_to_compile("acme")
        return super().convolve(image, psf, boundary=boundary)

def ready():
    return {ready}

@hookimpl
def phos_convolution_backends():
    return [spec(factory=f"{{__name__}}:Compiling", ready={spec})]
"""


@pytest.fixture(autouse=True)
def said_nothing():
    waiting._say_once.cache_clear()


@pytest.fixture
def acme(install, monkeypatch):
    """Install a backend whose code is compiled or not, and that says so or not; only scipy else."""

    def put(*, compiled=False, says=False):
        monkeypatch.setenv("PHOS_PLUGINS", "phos-core,dist-acme")
        where = "f'{__name__}:ready'" if says else "''"
        install("acme", COMPILES.format(compiled=compiled, ready=compiled, spec=where))

    return put


@pytest.fixture
def policy(monkeypatch):
    return lambda value: monkeypatch.setenv("PHOS_COMPILE", value)


@pytest.mark.parametrize("says", [True, False])
def test_a_backend_with_code_to_compile_is_passed_over_unless_it_is_requested(acme, policy, says):
    acme(says=says)
    policy("later")
    chosen = select()
    assert chosen.backend.name == "scipy"
    assert chosen.uncompiled == ("acme",)
    assert "not compiled" in {one.name: one.reason for one in chosen.candidates}["acme"]
    assert select("acme").backend.name == "acme"
    assert select("acme,scipy").backend.name == "acme"


def test_the_report_says_which_backend_developed_a_picture_and_why_not_the_other(acme, policy):
    acme(says=True)
    policy("later")
    _, report = phos.develop_with_report(np.full((8, 8), 99, np.uint8), film="hp5-plus")
    assert report.backend == "scipy"
    assert report.events == ("acme: its code is not compiled yet; phos warm compiles it, once",)


def test_it_is_chosen_once_its_code_is_there(acme, policy):
    policy("later")
    acme(compiled=True, says=True)
    assert select().backend.name == "acme"


def test_what_was_passed_over_for_its_code_is_tried_again(acme, policy, monkeypatch):
    acme()
    policy("later")
    assert select().backend.name == "scipy"
    monkeypatch.setattr(sys.modules["plug_acme"].Compiling, "compiled", True)
    assert select().backend.name == "acme"


@pytest.mark.parametrize("says", [True, False])
def test_who_wants_to_wait_waits(acme, policy, says):
    acme(says=says)
    policy("wait")
    assert select().backend.name == "acme"


def test_a_list_of_backends_waits_for_those_that_compile_unless_told_otherwise(acme, policy):
    acme()
    policy("later")
    statuses = {one.name: one.status for one in backends(waits=False)}
    assert statuses["acme"] == "not-compiled"
    assert {one.name: one.status for one in backends()}["acme"] == "ok"


@pytest.mark.parametrize("value", ["later", "background"])
def test_it_is_said_once_who_works_instead_and_what_helps(acme, policy, caplog, value):
    acme(says=True)
    policy(value)
    for _ in range(2):
        select()
    said = [one for one in caplog.records if one.levelno == waiting.NOTICE]
    assert len(said) == 1
    assert "acme" in said[0].message
    assert "scipy" in said[0].message
    assert "phos warm" in said[0].message


def test_a_wrong_policy_is_an_error_that_names_the_variable(policy):
    policy("soon")
    with pytest.raises(ValueError, match="PHOS_COMPILE must be one of background, later, wait"):
        waiting.policy()


class Late(ScipyBackend):
    """A backend that finds out in the middle of the work that it has to compile."""

    name = "late"

    def convolve_into(self, image, psf, out, *, boundary="symmetric"):
        about_to_compile("late")
        super().convolve_into(image, psf, out, boundary=boundary)

    def convolve(self, image, psf, *, boundary="symmetric"):
        about_to_compile("late")
        return super().convolve(image, psf, boundary=boundary)


def test_code_that_is_missing_in_the_middle_has_another_backend_do_all_of_it(
    one_after_the_other, policy, rng, caplog
):
    """Without a warning: nothing has failed."""
    image = rng.random((20, 30)).astype(np.float32)
    policy("later")
    one_after_the_other(Late(), ScipyBackend())
    np.testing.assert_array_equal(
        convolve(image, gaussian(1.0)), convolve(image, gaussian(1.0), backend="scipy")
    )
    assert "late has not compiled" in caplog.text


def test_code_is_waited_for_where_nobody_else_can_do_the_work(one_after_the_other, policy, rng):
    image = rng.random((20, 30)).astype(np.float32)
    policy("later")
    one_after_the_other(Late())
    assert convolve(image, gaussian(1.0)).shape == image.shape


class Later(ScipyBackend):
    """A backend that has to compile from its second window on."""

    name = "later"
    is_first = True

    def _follow(self, plan, plane, out):
        if not self.is_first:
            about_to_compile("later")
        super()._follow(plan, plane, out)


def test_a_picture_that_was_begun_is_made_by_one_backend(one_after_the_other, policy):
    policy("later")
    backend = Later()
    one_after_the_other(backend, ScipyBackend())
    picture = WholePicture.of((40, 60), phos.Recipe(film="hp5-plus"))
    developer = WindowDeveloper(picture)
    for rows in (slice(0, 20), slice(20, 40)):
        window = (rows, slice(0, 60))
        tile = picture.tile(window)
        shape = [axis.stop - axis.start for axis in (tile.read_rows, tile.read_cols)]
        developer.develop(window, np.full(shape, 99, np.uint8))
        assert developer.backend is backend
        backend.is_first = False


def test_whoever_does_not_wait_gets_an_error_of_its_own():
    with waiting.not_waiting(), pytest.raises(NotCompiledError):
        about_to_compile("acme")
    about_to_compile("acme")  # and whoever waits none


ORDERED = """
def develop(image, *, backend, note):
    note.write_text(f"{image.shape} {image.dtype} {image.flat[0]} {backend}")

def hang(image, **_):
    import time
    time.sleep(600)
"""


@pytest.fixture
def background(tmp_path, monkeypatch, policy):
    """Calls for a process in the background, and the compiler that has them."""
    (tmp_path / "ordered.py").write_text(textwrap.dedent(ORDERED))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    compiler = meanwhile._Compiler()
    monkeypatch.setattr(meanwhile, "_compiler", compiler)
    policy("background")
    yield compiler
    compiler.end()


def test_a_call_is_done_once_on_a_grey_picture_in_a_process_of_its_own(
    background, tmp_path, caplog
):
    note = tmp_path / "note"
    order = ("acme", "ordered:develop", (4, 5, 3), np.uint8, {"note": note})
    meanwhile.compile_meanwhile(*order)
    assert background.process.wait() == 0
    assert note.read_text() == "(4, 5, 3) uint8 127 acme"
    assert "the code of the backend acme is compiled in the background" in caplog.text
    first = background.process
    meanwhile.compile_meanwhile(*order)
    assert background.process is first


def test_one_process_compiles_at_a_time_and_ends_with_whoever_started_it(background):
    meanwhile.compile_meanwhile("acme", "ordered:hang", (4, 5), np.uint8, {})
    first = background.process
    assert meanwhile.is_compiling("acme")
    meanwhile.compile_meanwhile("acme", "ordered:hang", (6, 7), np.uint8, {})
    assert background.process is first
    first.stdin.close()  # as the system does where the parent dies
    assert first.wait() == meanwhile.LOST
    assert not meanwhile.is_compiling("acme")


@pytest.mark.parametrize("value", ["later", "wait"])
def test_nothing_is_compiled_in_the_background_by_another_policy(background, policy, value):
    policy(value)
    meanwhile.compile_meanwhile("acme", "ordered:hang", (4, 5), np.uint8, {})
    assert background.process is None
