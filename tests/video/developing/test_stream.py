"""Frames in, frames out: the same as one by one, in order, in little memory, and to a clean end."""

import gc
import threading
import weakref
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

import phos_core as phos
from phos_video import develop_stream
from phos_video.developing.memory import FrameMemory

BACKENDS = [
    "scipy",
    pytest.param(
        "numba", marks=pytest.mark.skipif(find_spec("phos_numba") is None, reason="no phos-numba")
    ),
]


def one_by_one(frames, recipe, **run):
    return [
        phos.develop(frame, recipe=replace(recipe, frame=recipe.frame + number), **run)
        for number, frame in enumerate(frames)
    ]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("cuts", [[0, 13], [0, 1, 6, 13]])
def test_frame_n_is_what_develop_gives_with_frame_n_however_the_clip_is_cut(
    frames, recipe, backend, batch, cuts
):
    found = [
        positive
        for first, end in pairwise(cuts)
        for positive in develop_stream(
            frames[first:end], recipe, first=first, backend=backend, batch=batch
        )
    ]
    np.testing.assert_array_equal(found, one_by_one(frames, recipe, backend=backend))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [None, 4])
def test_weave_breathing_dust_and_scratches_go_by_the_number_too(frames, recipe, backend, batch):
    moved = {"weave_um": 20.0, "breathing_stops": 0.2}
    moving = replace(recipe, **moved, dust_per_cm2=500.0, scratches=100.0)
    found = list(develop_stream(frames[3:8], moving, first=3, backend=backend, batch=batch))
    expected = one_by_one(frames, moving, backend=backend)[3:8]
    np.testing.assert_array_equal(found, expected)
    for still in (recipe, replace(recipe, **moved)):
        assert (found[0] != next(develop_stream(frames[3:], still, first=3, backend=backend))).any()


def test_frames_of_other_sizes_and_dtypes_may_follow(frames, recipe):
    mixed = [
        *frames[:2],
        frames[2][:9],
        (frames[3] // 257).astype(np.uint8),
        frames[4] / np.float32(65535),
        frames[5][..., 0].copy(),
    ]
    found = list(develop_stream(mixed, recipe, backend="scipy", batch=3))
    for positive, expected in zip(found, one_by_one(mixed, recipe, backend="scipy"), strict=True):
        np.testing.assert_array_equal(positive, expected)
        assert positive.dtype == expected.dtype


def test_version_1_of_the_process_counts_frames_as_develop_does(frames, recipe):
    old = replace(recipe, process_version=1, output_space="")
    found = list(develop_stream(frames[:4], old, backend="scipy", batch=4))
    np.testing.assert_array_equal(found, one_by_one(frames[:4], old, backend="scipy"))


def test_light_comes_out_where_the_output_space_is_one(frames, recipe):
    light = replace(recipe, output_space="acescg")
    (found,) = develop_stream(frames[:1], light, backend="scipy")
    assert found.dtype == np.float32


def test_grain_of_each_frame_is_its_own_and_the_same_on_every_run(recipe):
    grey = [np.full((300, 400, 3), 30000, np.uint16)] * 5
    runs = [list(develop_stream(grey, recipe, backend="scipy")) for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    grain = np.stack([frame[..., 1].ravel() for frame in runs[0]]).astype(np.float64)
    correlation = np.corrcoef(grain)
    assert grain.std(axis=1).min() > 100  # codes of 16 bits: it is there
    assert np.abs(correlation[~np.eye(5, dtype=bool)]).max() <= 0.01


def test_few_frames_are_alive_however_many_there_are(recipe):
    alive, most = 0, 0

    def gone():
        nonlocal alive
        alive -= 1

    def source(count):
        nonlocal alive, most
        for number in range(count):
            frame = np.full((4, 6, 3), number, np.uint16)
            alive += 1
            most = max(most, alive)
            weakref.finalize(frame, gone)
            yield frame
            del frame

    for count in (20, 200):
        positives = list(map(weakref.ref, develop_stream(source(count), recipe, backend="scipy")))
        assert len(positives) == count
        gc.collect()
        assert sum(ref() is not None for ref in positives) <= 1  # the one in hand at the end
        assert alive <= 1
    assert most <= 8


def test_reading_goes_on_while_a_positive_is_looked_at(frames, recipe):
    asked = threading.Event()

    def source():
        yield frames[0]
        yield frames[1]
        asked.set()
        yield frames[2]

    positives = develop_stream(source(), recipe, backend="scipy")
    next(positives)
    assert asked.wait(timeout=300)
    assert len(list(positives)) == 2
    assert no_threads_left()


def test_what_the_source_raises_comes_after_the_frames_before_it(frames, recipe):
    def source():
        yield from frames[:3]
        raise OSError("the tape has torn")

    positives = develop_stream(source(), recipe, backend="scipy", batch=2)
    assert len([next(positives) for _ in range(3)]) == 3
    with pytest.raises(OSError, match="the tape has torn"):
        next(positives)
    with pytest.raises(StopIteration):
        next(positives)
    assert no_threads_left()


def test_a_frame_that_is_none_is_refused_as_develop_refuses_it_after_those_before(frames, recipe):
    positives = develop_stream([frames[0], np.zeros((4, 4, 7), np.uint16)], recipe, backend="scipy")
    next(positives)
    with pytest.raises(ValueError, match="shape"):
        next(positives)
    assert no_threads_left()


def test_who_leaves_early_leaves_no_thread_behind(frames, recipe):
    def endless():
        while True:
            yield frames[0]

    positives = develop_stream(endless(), recipe, backend="scipy")
    next(positives)
    positives.close()
    assert no_threads_left()


def test_what_is_wrong_with_the_recipe_is_said_before_a_frame_is_asked_for(recipe):
    def source():
        raise AssertionError("nothing is asked for")
        yield

    with pytest.raises(LookupError, match="unknown film"):
        develop_stream(source(), replace(recipe, film="vision9"))
    with pytest.raises(TypeError, match="recipe must be a Recipe"):
        develop_stream(source(), "vision3-500t")
    with pytest.raises(ValueError, match="batch must be 1 or more"):
        develop_stream(source(), recipe, batch=0)
    with pytest.raises(ValueError, match="first must be 0 or more"):
        develop_stream(source(), recipe, first=-1)


def test_use_backend_around_the_call_is_heeded(frames, recipe):
    ran = []
    with phos.use_backend("scipy"):
        list(develop_stream(frames[:2], recipe, reported=lambda report: ran.append(report.backend)))
    assert ran == ["scipy"]


def test_memory_comes_back_once_the_last_view_of_it_is_gone():
    memory = FrameMemory(most_kept=2)
    whole = memory.take((2, 3), np.uint16)
    place = whole.ctypes.data
    part = whole[1][1:]  # a view of a view
    whole[...] = 7
    del whole
    other = memory.take((2, 3), np.uint16)
    assert other.ctypes.data != place
    assert (part == 7).all()
    del part
    assert memory.take((3, 2), np.uint16).ctypes.data == place


def no_threads_left():
    return not [thread for thread in threading.enumerate() if thread.name == "phos-video"]
