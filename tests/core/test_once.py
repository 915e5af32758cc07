"""A cache makes each value once, whatever asks for it."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from phos_core.convolution.methods import cpu, planner
from phos_core.effects import couplers, halation
from phos_core.kernels import strips
from phos_core.once import once
from phos_core.process import pipeline
from phos_core.stocks import loading

EIGHT = 8


def together(call):
    """Call from eight threads at the same time."""
    barrier = threading.Barrier(EIGHT)

    def wait_and_call(_):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(EIGHT) as pool:
        return list(pool.map(wait_and_call, range(EIGHT)))


def test_a_value_is_made_once_however_many_threads_ask():
    made, inside = [], threading.Event()

    @once()
    def make(number):
        made.append(number)
        inside.wait(0.05)  # nobody sets it: time for the others to come in
        return object()

    values = together(lambda: make(3))
    assert made == [3]
    assert all(value is values[0] for value in values)


def test_other_arguments_are_other_values_and_none_is_kept_after_clearing():
    made = []

    @once(maxsize=1)
    def make(number, *, doubled=False):
        made.append(number)
        return 2 * number if doubled else number

    assert [make(1), make(1), make(2), make(1), make(1, doubled=True)] == [1, 1, 2, 1, 2]
    assert made == [1, 2, 1, 1]
    make.cache_clear()
    make(1, doubled=True)
    assert made == [1, 2, 1, 1, 1]


def test_an_error_is_not_kept():
    answers = iter([ValueError("not yet"), 7])

    @once()
    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="not yet"):
        make()
    assert make() == 7


@pytest.mark.parametrize(
    "make",
    [
        cpu.thread_pool,
        planner.splits,
        strips._chain,
        loading._named_film,
        pipeline.light_psfs,
        halation.halation_psfs,
        couplers.coupler_psf,
    ],
    ids=lambda make: make.__name__,
)
def test_what_is_dear_or_has_a_state_is_made_once(make):
    """functools.cache holds no lock while it calls."""
    assert isinstance(make, type(once()(len)))


def test_a_function_that_remembers_is_pickled_by_name():
    assert pickle.loads(pickle.dumps(cpu.thread_pool)) is cpu.thread_pool


def test_eight_threads_are_given_one_pool_and_one_film():
    cpu.thread_pool.cache_clear()
    pools = together(cpu.thread_pool)
    assert all(pool is pools[0] for pool in pools)
    loading._named_film.cache_clear()
    films = together(lambda: loading.load_film("tri-x-400"))
    assert all(one is films[0] for one in films)
