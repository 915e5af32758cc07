import threading

import numpy as np
import pytest

from phos_core.convolution import cpu


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_every_job_is_done_once(count):
    done, made = [], []

    def prepare():
        made.append(threading.get_ident())
        return done.append

    cpu.in_parallel(prepare, range(count))
    assert sorted(done) == list(range(count))
    assert len(set(made)) == len(made)


def test_an_error_in_any_job_comes_out():
    def fail(job):
        if job == 5:
            raise ArithmeticError("job 5")

    with pytest.raises(ArithmeticError, match="job 5"):
        cpu.in_parallel(lambda: fail, range(9))


def test_jobs_are_done_while_the_pool_is_busy():
    release = threading.Event()
    busy = [cpu.thread_pool().submit(release.wait, 10) for _ in range(cpu.usable_cores())]
    done = []
    cpu.in_parallel(lambda: done.append, range(5))
    assert done == [0, 1, 2, 3, 4]
    release.set()
    for job in busy:
        job.result()


@pytest.mark.parametrize(
    ("pixels", "multiple", "most", "height"),
    [(1000, 1, None, 10), (1000, 4, None, 8), (1000, 4, 5, 4), (10, 16, None, 16), (1000, 1, 3, 3)],
)
def test_strips_are_as_high_as_they_may_be_and_meet(pixels, multiple, most, height):
    strips = cpu.row_strips(95, 100, pixels=pixels, multiple=multiple, most=most)
    rows = np.arange(95)
    np.testing.assert_array_equal(np.concatenate([rows[strip] for strip in strips]), rows)
    assert {len(rows[strip]) for strip in strips[:-1]} <= {height}


def test_every_core_ignores_what_the_caller_ignores():
    meeting = threading.Barrier(cpu.usable_cores())
    told = []

    def tell(_):
        meeting.wait(timeout=300)  # so that each core does one
        told.append(np.geterr()["divide"])

    with np.errstate(divide="ignore"):
        cpu.in_parallel(lambda: tell, range(cpu.usable_cores()))
    assert set(told) == {"ignore"}
