"""The border to strangers' code answers whatever happens behind it."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from phos_core.backend import GenericBackend
from phos_core.convolution.choosing import guarded
from phos_core.convolution.choosing.guarded import Trouble, attempt, in_one_line, shown, watched
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.convolution.running.convolve import convolve
from phos_core.psf import gaussian


class MuteError(Exception):
    def __str__(self):
        raise OSError("no")

    __repr__ = __str__


def raising(error):
    def call(*_):
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no luck"), "ValueError: no luck"),
        (ValueError(), "ValueError, raised in call without a message"),
        (ValueError(" \n "), "ValueError, raised in call without a message"),
        (ValueError("one\n\ttwo\x1b[31m"), "ValueError: one two [31m"),
        (MuteError(), "MuteError, whose text cannot be read"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_what_is_raised_becomes_one_line(error, told):
    assert attempt(raising(error), "a test") == told
    assert watched(raising(error), "a test", 300.0).value == told


def test_a_long_text_is_cut():
    told = attempt(raising(ValueError("x" * 100_000)), "a test")
    assert isinstance(told, Trouble)
    assert len(told) < 500


def test_an_interrupt_goes_through_on_the_caller_s_thread_and_is_an_answer_on_the_other():
    with pytest.raises(KeyboardInterrupt):
        attempt(raising(KeyboardInterrupt()), "a test")
    answer = watched(raising(KeyboardInterrupt()), "a test", 300.0)
    assert answer.value == "KeyboardInterrupt, raised in call without a message"


def test_the_step_that_failed_is_named():
    def work(at):
        at("its first step")
        at("its second step")
        raise ValueError("no luck")

    assert watched(work, "a test", 300.0).value == "its second step failed: ValueError: no luck"


def test_the_step_that_hangs_is_named(no_patience):
    def work(at):
        at("its only step")
        __import__("hanging").forever()

    expected = "its only step failed: TimeoutError: no answer within 7 s"
    assert watched(work, "a test", 7.0).value == expected


def test_no_time_at_all_is_too_little():
    over = threading.Event()
    try:
        answer = watched(lambda at: over.wait(), "a test", 5.0, spent=6.0)
    finally:
        over.set()
    assert answer.value == "TimeoutError: no answer within 5 s"


@pytest.mark.parametrize(("share", "looks"), [(0.9, 60), (0.06, 60), (0.04, 1), (0.0, 1)])
def test_what_computes_gets_six_times_as_long_as_what_only_waits(monkeypatch, share, looks):
    """A compiler on a busy machine is no plug-in that hangs."""
    waited = []
    done = SimpleNamespace(is_set=lambda: False, wait=waited.append)
    monkeypatch.setattr(guarded, "_processor_seconds", lambda _: share * sum(waited))
    guarded._wait_while_it_computes(threading.current_thread(), done, 5 * 6.0)
    assert waited == [0.5] * looks


def test_the_processor_s_time_is_that_of_the_thread_alone():
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        before = time.process_time()
        if guarded._processor_seconds(thread) > before:
            pytest.skip("this system has no clock for each thread")
        while time.process_time() < before + 0.1:
            pass
        assert guarded._processor_seconds(thread) < 0.05
    finally:
        over.set()


def test_at_the_end_what_is_at_work_is_waited_for_and_what_sleeps_is_not(monkeypatch):
    """Libraries abort the process if the interpreter is taken down while they are loaded."""
    over, used = threading.Event(), iter(range(100))

    def process_time():
        now = next(used)
        if now == 5:  # seconds of the processor that the thread has had
            over.set()
        return now

    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    monkeypatch.setattr(guarded, "_left_behind", [thread])
    monkeypatch.setattr(guarded.time, "process_time", lambda: 0.0)
    guarded._wait_for_the_left_behind()
    assert thread.is_alive()
    monkeypatch.setattr(guarded.time, "process_time", process_time)
    monkeypatch.setattr(guarded.time, "monotonic", lambda: 0.0)
    guarded._wait_for_the_left_behind()
    assert not thread.is_alive()


def test_what_is_shown_of_an_object_is_one_line_even_if_it_has_no_text():
    assert shown("a\nb") == "'a\\nb'"
    assert shown(MuteError()) == "an object of type MuteError"
    assert len(shown("x" * 100_000)) < 500
    assert in_one_line("\x1b]0;title\x07") == "]0;title"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda self, error: "weird", "gave 'weird'"),
        (lambda self, error: True, "gave True"),
        (lambda self, error: ["out-of-memory"], "gave ['out-of-memory']"),
        (lambda self, error: 1 / 0, "failed: ZeroDivisionError"),
    ],
)
def test_a_backend_that_cannot_classify_leaves_the_error_as_it_is(answer, told, caplog):
    class Unsure(ScipyBackend):
        classify_error = answer

        def convolve_into(self, image, psf, out, **options):
            raise RuntimeError("the real trouble")

    with pytest.raises(RuntimeError, match="the real trouble") as caught:
        convolve(np.ones((20, 30), np.float32), gaussian(1.0), backend=Unsure())
    (note,) = caught.value.__notes__
    assert note.startswith("scipy could not say what failed: its classify_error ")
    assert told in note
    assert note in caplog.text


def test_threads_share_one_store_of_transfer_functions():
    class Plain(GenericBackend):
        def to_device(self, host):
            return host

        def to_host(self, x):
            return x

    backend = Plain()
    assert backend._kept_tables is backend._kept_tables
    assert guarded.patience_seconds() > 0
