import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from phos_core.convolution.methods import cpu


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_every_job_is_done_once(count):
    done, made = [], []

    def prepare():
        made.append(threading.get_ident())
        return done.append

    cpu.in_parallel(prepare, range(count))
    assert sorted(done) == list(range(count))
    assert len(made) <= cpu.usable_cores()  # each has a workspace of its own


def test_an_error_in_any_job_comes_out():
    def fail(job):
        if job == 5:
            raise ArithmeticError("job 5")

    with pytest.raises(ArithmeticError, match="job 5"):
        cpu.in_parallel(lambda: fail, range(9))


def test_after_an_error_no_job_is_at_work_and_none_begins():
    cores = cpu.usable_cores()
    meeting, failed = threading.Barrier(cores), threading.Event()
    begun, ended = [], []

    def do(job):
        begun.append(job)
        if job < cores:
            meeting.wait(timeout=10)
        if job == 0:
            failed.set()
            raise ArithmeticError("job 0")
        failed.wait(timeout=10)
        ended.append(job)

    with pytest.raises(ArithmeticError, match="job 0"):
        cpu.in_parallel(lambda: do, range(1000))
    assert sorted(ended) == sorted(set(begun) - {0})
    assert len(begun) < 1000
    seen = list(begun)
    cpu.in_parallel(lambda: lambda _: None, range(cores))  # whoever was still at work has come by
    assert begun == seen


def test_all_jobs_of_a_pool_are_waited_for_when_one_fails():
    begun, go_on = threading.Event(), threading.Event()
    ended = []

    def slow():
        begun.set()
        go_on.wait(timeout=10)
        ended.append("slow")

    def failing():
        begun.wait(timeout=10)
        raise ArithmeticError("no")

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(slow), pool.submit(failing)]
        jobs[1].add_done_callback(lambda _: go_on.set())
        with pytest.raises(ArithmeticError, match="no"):
            cpu.finish_all(jobs)
        assert ended == ["slow"]


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
