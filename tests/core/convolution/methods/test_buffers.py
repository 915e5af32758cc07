"""Laws of kept memory: it is lent to one at a time, and no more is kept than was agreed."""

import gc
import platform
import subprocess
import sys
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phos_core as phos
from phos_core.convolution.methods.buffers import Buffers
from phos_core.convolution.methods.scipy_backend import ScipyBackend

LARGE = (3, 400, 500)


def address(array):
    return array.__array_interface__["data"][0]


def test_what_was_given_back_is_lent_again():
    buffers = Buffers(2**30)
    first = buffers.take(LARGE, np.float32)
    place = address(first)
    buffers.give(first)

    assert address(buffers.take(LARGE, np.float32)) == place


def test_two_that_are_out_share_nothing():
    buffers = Buffers(2**30)

    assert not np.may_share_memory(*(buffers.take(LARGE, np.float32) for _ in range(2)))


def test_a_view_gives_the_whole_back():
    buffers = Buffers(2**30)
    first = buffers.take(LARGE, np.float32)
    place = address(first)
    buffers.give(first[1:, None, ::2])

    assert address(buffers.take(LARGE, np.float32)) == place


def test_what_is_given_twice_is_lent_once():
    buffers = Buffers(2**30)
    first = buffers.take(LARGE, np.float32)
    buffers.give(first)
    buffers.give(first)

    assert not np.may_share_memory(*(buffers.take(LARGE, np.float32) for _ in range(2)))


def test_memory_of_others_is_left_alone():
    buffers = Buffers(2**30)
    others = np.ones(LARGE, np.float32)
    buffers.give(others)
    buffers.give(others[1:])

    assert not np.may_share_memory(buffers.take(LARGE, np.float32), others)


def test_what_is_dropped_without_a_word_is_free_for_the_system():
    buffers = Buffers(2**30)
    owner = weakref.ref(buffers.take(LARGE, np.float32).base)
    gc.collect()

    assert owner() is None


@settings(max_examples=30)
@given(
    sides=st.lists(st.integers(600, 1200), min_size=1, max_size=6),
    limit=st.integers(0, 8 * 2**20),
)
def test_no_more_is_kept_than_agreed(sides, limit):
    buffers = Buffers(limit)
    for array in [buffers.take((side, side), np.float32) for side in sides]:
        buffers.give(array)
    buffers.trim()

    assert sum(free.nbytes for free in buffers._free) <= limit


def test_a_small_array_does_not_take_a_large_piece():
    buffers = Buffers(2**30)
    large = buffers.take((4000, 4000), np.float32)
    buffers.give(large)

    assert not np.may_share_memory(buffers.take((600, 600), np.float32), large)
    assert buffers.take((2, 2), np.float32).base is None


@pytest.mark.parametrize("mode", ["full", "texture"])
def test_pictures_in_kept_memory_are_as_in_fresh_memory(mode):
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 256, (600, 800, 3), np.uint8) for _ in range(3)]
    backend = ScipyBackend()

    kept = [phos.develop(picture, backend=backend, mode=mode) for picture in pictures]
    fresh = [phos.develop(picture, backend=ScipyBackend(), mode=mode) for picture in pictures]

    assert backend.buffers._free
    np.testing.assert_array_equal(kept, fresh)
    backend.release()
    assert not backend.buffers._free


CHURN = """
import resource
import numpy as np
from phos_core.convolution.methods.buffers import Buffers

Buffers(0)

def run():
    arrays = [np.ones(700_000, np.float32) for _ in range(8)]

run()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    run()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="its own allocator decides")
def test_what_the_arrays_of_a_step_free_serves_the_next_step():
    faults = subprocess.run(
        [sys.executable, "-c", CHURN], capture_output=True, text=True, check=True
    ).stdout
    assert int(faults) < 1000  # 5 times 22 MB are 27,000 pages of fresh memory
