import numpy as np
import pytest

from phos_core.convolution.buffers import Buffers

PLANE = (600, 1000)  # 2.4 MB in single precision
BYTES = 4 * 600 * 1000


def taken(buffers, shape=PLANE):
    return buffers.take(shape, np.float32)


def memory_of(array):
    return array.__array_interface__["data"][0]


def test_memory_that_was_given_back_is_used_again():
    buffers = Buffers(10 * BYTES)
    first = taken(buffers)
    place = memory_of(first)
    buffers.give(first)
    again = taken(buffers, (500, 1100))
    assert memory_of(again) == place
    assert again.shape == (500, 1100)
    assert again.dtype == np.float32
    assert again.flags.c_contiguous


def test_nobody_gets_memory_that_another_has():
    buffers = Buffers(10 * BYTES)
    arrays = [taken(buffers) for _ in range(3)]
    buffers.give(arrays.pop())
    arrays += [taken(buffers) for _ in range(2)]
    assert not any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in arrays[i + 1 :])


def test_what_is_given_twice_or_never_was_taken_is_not_lent_twice():
    buffers = Buffers(10 * BYTES)
    array, foreign = taken(buffers), np.empty(PLANE, np.float32)
    for given in (array, array, foreign, foreign[1:]):
        buffers.give(given)
    first, second = taken(buffers), taken(buffers)
    assert not np.may_share_memory(first, second)
    assert not np.may_share_memory(first, foreign)


def test_memory_is_not_wasted_on_arrays_that_are_much_smaller():
    buffers = Buffers(10 * BYTES)
    large = taken(buffers)
    place = memory_of(large)
    buffers.give(large)
    assert memory_of(taken(buffers, (300, 1000))) != place


@pytest.mark.parametrize(("limit", "kept"), [(0, 0), (BYTES, 1), (int(2.5 * BYTES), 2)])
def test_no_more_is_kept_than_the_limit_once_all_is_given_back(limit, kept):
    buffers = Buffers(limit)
    arrays = [taken(buffers) for _ in range(3)]
    for array in arrays:
        buffers.give(array)
    assert len(buffers._free) == kept
    buffers.clear()
    assert not buffers._free


def test_a_stage_that_is_larger_than_the_limit_serves_the_next_while_its_picture_is_at_work():
    buffers = Buffers(0)
    exposure = taken(buffers)
    spread = taken(buffers)
    place = memory_of(exposure)
    buffers.give(exposure)
    assert memory_of(taken(buffers)) == place
    assert memory_of(spread) != place
