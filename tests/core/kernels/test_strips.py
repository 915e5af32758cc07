import contextvars
import threading
from functools import partial

import array_api_strict
import numpy as np
import pytest

import phos_core as phos
from phos_core.arrays import array_namespace
from phos_core.backend import GenericBackend
from phos_core.convolution import chain
from phos_core.convolution.methods import cpu
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import UnsupportedOperationError
from phos_core.kernels import strips
from phos_core.kernels.strips import by_rows, of_pixels, pointwise, prepared

SCIPY = ScipyBackend()


@pytest.fixture
def small_strips(monkeypatch):
    """Strips of a few rows, so that small images have many, on every core."""
    monkeypatch.setattr(strips, "STRIP_NUMBERS", 250)
    monkeypatch.setattr(strips, "TURN_NUMBERS", 1)
    monkeypatch.setattr(cpu, "TURN_NUMBERS", 1)
    monkeypatch.setattr(cpu, "THREAD_NUMBERS", 1)


def test_strips_put_together_are_the_whole(small_strips):
    image = np.random.default_rng(6).random((3, 101, 20)).astype(np.float32)
    found = by_rows(SCIPY, lambda strip, row_start, out=None: strip * 2 + row_start * 0, image)
    np.testing.assert_array_equal(found, image * 2)
    assert found.dtype == np.float32


def test_every_strip_knows_its_first_row(small_strips):
    image = np.zeros((3, 50, 20), np.float32)

    def rows(strip, row_start, out=None):
        return strip + np.arange(row_start, row_start + strip.shape[1])[:, None]

    np.testing.assert_array_equal(by_rows(SCIPY, rows, image)[0, :, 0], np.arange(50))


def test_the_result_may_have_other_layers_and_another_dtype(small_strips):
    image = np.random.default_rng(7).integers(0, 255, (60, 30, 3)).astype(np.uint8)
    planes = np.moveaxis(image, -1, 0)

    def doubled(strip, row_start, out=None):
        return np.concatenate([strip, strip]).astype(np.float32)

    found = by_rows(SCIPY, doubled, planes)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.concatenate([planes, planes]))


def test_several_arrays_are_cut_alike(small_strips):
    one, two = np.random.default_rng(8).random((2, 3, 40, 30))
    out = np.empty_like(one)
    found = by_rows(SCIPY, lambda a, b, row_start, out=None: a - b, one, two, out=out)
    assert found is out
    np.testing.assert_array_equal(out, one - two)


def test_strips_run_on_threads_that_see_the_context(small_strips, monkeypatch):
    monkeypatch.setattr(strips, "STRIP_NUMBERS", 10**6)  # so that there is one for each core
    cores = cpu.usable_cores()
    setting = contextvars.ContextVar("setting", default="outside")
    setting.set("inside")
    meeting, seen = threading.Barrier(cores), []

    def look(strip, row_start, out=None):
        meeting.wait(timeout=10)
        seen.append((setting.get(), threading.current_thread()))
        return strip

    place = np.zeros((3, 10 * cores, 30), np.float32)
    by_rows(SCIPY, look, place, out=place)
    assert {value for value, _ in seen} == {"inside"}
    assert len({thread for _, thread in seen}) == cores


@pytest.mark.parametrize(
    ("rows", "by_numpy", "compiled"),
    [(8, 1, 1), (64, 1, 1), (256, 2, 5), (512, 3, 10), (4096, 10, 16)],
)
def test_threads_go_by_the_work_and_fewer_where_they_take_turns(
    monkeypatch, rows, by_numpy, compiled
):
    monkeypatch.setattr(cpu, "usable_cores", lambda: 16)
    image = np.zeros((3, rows, 1000), np.uint8)
    asked, jobs_of = [], []

    def in_parallel(prepare, jobs, threads):
        asked.append(threads)
        assert len(jobs) % threads == 0
        jobs_of.append(len(jobs))

    monkeypatch.setattr(strips, "in_parallel", in_parallel)
    for backend in (SCIPY, Compiling()):
        by_rows(backend, lambda strip, row_start, out=None: strip, image, out=image)
    assert asked == [by_numpy, compiled]
    # Where threads take turns at a lock, each turn is long enough for the others'.
    assert asked[0] == 1 or image.size / jobs_of[0] >= asked[0] * strips.TURN_NUMBERS / 2


def test_an_error_in_a_strip_comes_out(small_strips):
    def fail(strip, row_start, out=None):
        if row_start > 20:
            raise ZeroDivisionError
        return strip

    with pytest.raises(ZeroDivisionError):
        by_rows(SCIPY, fail, np.zeros((3, 90, 30), np.float32))


@pytest.mark.parametrize("shape", [(3, 0, 5), (3, 5, 0), (3, 1, 1)])
def test_images_without_rows_to_cut_are_one_strip(shape):
    assert by_rows(SCIPY, lambda strip, row_start, out=None: strip, np.zeros(shape)).shape == shape


class Strict(GenericBackend):
    name = "strict"
    xp = array_api_strict

    def to_device(self, host):
        return array_api_strict.asarray(host)

    def to_host(self, x):
        return np.asarray(x)


def test_arrays_of_another_library_are_handed_over_whole(small_strips):
    image = array_api_strict.ones((3, 200, 30))
    calls = []

    def count(whole, row_start, out=None):
        calls.append((whole.shape, row_start))
        return whole

    assert by_rows(Strict(), count, image) is image
    assert calls == [((3, 200, 30), 0)]


def test_the_result_of_another_library_may_be_wanted_on_the_host():
    image, out = array_api_strict.ones((3, 20, 30)), np.empty((3, 20, 30))
    assert by_rows(Strict(), lambda whole, row_start, out=None: whole * 2.0, image, out=out) is out
    assert (out == 2.0).all()


def test_what_is_written_in_place_is_not_copied(small_strips):
    image = np.random.default_rng(9).random((3, 40, 20))
    out = np.empty_like(image)

    def halved(strip, row_start, out=None):
        return np.multiply(strip, 0.5, out=out)

    assert by_rows(SCIPY, halved, image, out=out) is out
    np.testing.assert_array_equal(out, image / 2)


# ------------------------------------------------------------------ compiled steps


class Compiling(ScipyBackend):
    """Runs chains instruction by instruction, and keeps them."""

    def __init__(self):
        super().__init__()
        self.chains = []

    def compile(self, asked):
        self.chains.append(asked)

        def kernel(*arrays, out=None):
            done = chain.run_chain(asked, *arrays)
            if out is None:
                return done
            out[...] = done
            return out

        return kernel


class Refusing(ScipyBackend):
    def compile(self, asked):
        raise UnsupportedOperationError("no compiler")


def test_the_report_says_why_steps_were_not_compiled():
    picture = np.full((9, 9, 3), 99, np.uint8)
    for backend, events in ((Refusing(), ("steps ran as array code: no compiler",)), (SCIPY, ())):
        _, report = phos.develop_with_report(picture, backend=backend)
        assert report.events == events


def brighter(image, *, gain):
    return array_namespace(image).sqrt(image) * gain


def test_a_backend_that_compiles_gets_the_step_as_a_chain(small_strips):
    image = np.random.default_rng(3).random((3, 40, 20)).astype(np.float32)
    backend = Compiling()

    found = pointwise(backend, partial(brighter, gain=2.0), image)

    np.testing.assert_allclose(found, 2.0 * np.sqrt(image), rtol=1e-6)
    assert backend.chains[0].inputs == ((3, np.dtype(np.float32)),)


def test_a_step_is_traced_once_for_its_settings():
    backend = Compiling()
    for gain in (2.0, 2.0, 3.0):
        prepared(backend, partial(brighter, gain=gain), [(3, np.dtype(np.float32))])

    first, second, third = backend.chains
    assert first is second
    assert third is not first
    assert third.structure == first.structure


@pytest.mark.parametrize("backend", [SCIPY, Refusing()])
def test_a_backend_that_does_not_compile_runs_the_step_itself(backend):
    image = np.random.default_rng(4).random((2, 9, 20)).astype(np.float32)

    found = pointwise(backend, partial(brighter, gain=0.5), image)

    np.testing.assert_array_equal(found, brighter(image, gain=0.5))


def test_other_errors_of_a_compiler_come_out():
    class Broken(ScipyBackend):
        def compile(self, asked):
            raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        pointwise(Broken(), partial(brighter, gain=0.5), np.ones((1, 2, 3), np.float32))


def test_layers_and_dtypes_are_told_of_any_library():
    told = of_pixels(np.zeros((3, 2, 2), np.uint8), array_api_strict.zeros((1, 2, 2)))
    assert told == [(3, np.dtype(np.uint8)), (1, np.dtype(np.float64))]


def test_when_a_strip_fails_no_other_writes_afterwards(small_strips):
    second_at_work, caller_has_left = threading.Event(), threading.Event()
    begun, ended = [], []

    def fill(strip, row_start, out=None):
        if row_start == 0:
            second_at_work.wait(timeout=10)
            raise ArithmeticError("first strip")
        begun.append(row_start)
        second_at_work.set()
        caller_has_left.wait(timeout=0.5)  # it never has
        ended.append(row_start)
        return strip + 1

    out = np.zeros((1, 100, 20), np.float32)
    with pytest.raises(ArithmeticError, match="first strip"):
        by_rows(SCIPY, fill, np.zeros_like(out), out=out)
    still_at_work = set(begun) - set(ended)
    caller_has_left.set()
    assert begun
    assert not still_at_work


@pytest.mark.parametrize("shape", [(3, 500, 1), (3, 200, 7), (3, 1, 40_000), (2, 5, 20_000)])
def test_slim_pictures_are_the_same_in_parts(shape):
    image = np.random.default_rng(5).random(shape).astype(np.float32)
    step = prepared(SCIPY, lambda x: 2 * x[:1, ...] + x[1:2, ...], of_pixels(image))
    np.testing.assert_array_equal(by_rows(SCIPY, step, image), 2 * image[:1, ...] + image[1:2, ...])


@pytest.mark.parametrize("is_given", [True, False])
def test_columns_in_parts_are_all_columns(is_given):
    image = np.arange(2.0 * 3 * 40_000).reshape(2, 3, 40_000)
    out = np.empty_like(image) if is_given else None
    seen = []

    def double(some, place):
        seen.append(some.stop - some.start)
        return 2 * image[..., some]

    found = strips.by_columns(double, 40_000, out)
    np.testing.assert_array_equal(found, 2 * image)
    assert (found is out) == is_given
    assert max(seen) <= strips.LONG
