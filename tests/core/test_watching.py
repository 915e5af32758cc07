import threading

import numpy as np
import pytest

import phos_core as phos
from phos_core.errors import DevelopStoppedError
from phos_core.process import Moment, Recipe, watching
from phos_darkroom import develop_file, write_image

RECIPE = Recipe(film="portra-400", seed=3)


@pytest.fixture
def codes(rng):
    return rng.integers(0, 256, (900, 1200, 3), dtype=np.uint8)


def test_whoever_watches_sees_each_step_and_changes_no_pixel(codes):
    moments: list[Moment] = []
    with watching(moments.append):
        seen, report = phos.develop_with_report(codes, recipe=RECIPE, backend="scipy")
    np.testing.assert_array_equal(seen, phos.develop(codes, recipe=RECIPE, backend="scipy"))
    assert list(dict.fromkeys(moment.step for moment in moments)) == list(report.step_seconds)
    last = [moment.share for moment in moments if moment.step == moments[-1].step]
    assert max(last) == 1.0
    assert 0.0 < sorted(last)[len(last) // 2] < 1.0


def test_tiles_are_counted(codes, monkeypatch):
    monkeypatch.setenv("PHOS_MEMORY_LIMIT", "60000000")
    moments: list[Moment] = []
    with watching(moments.append):
        phos.develop(codes, recipe=RECIPE, backend="scipy")
    tiles = [moment.tile for moment in moments]
    assert tiles == sorted(tiles)
    assert tiles[-1] == moments[-1].tiles > 1


def test_a_develop_that_is_stopped_raises_and_leaves_no_file(codes, tmp_path):
    write_image(tmp_path / "in.tif", codes)
    seen = []
    stops = threading.Event()

    def watch(moment):
        seen.append(moment.step)
        if moment.step == "couplers":
            stops.set()

    with (
        watching(watch, is_stopped=stops.is_set),
        pytest.raises(DevelopStoppedError, match="was stopped"),
    ):
        develop_file(tmp_path / "in.tif", tmp_path / "out.tif", RECIPE, backend="scipy")
    assert "develop, grain and print" not in seen
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_another_picture_can_be_developed_while_one_stands_still(codes):
    alone = phos.develop(codes, recipe=RECIPE, backend="scipy")
    other = phos.develop(codes[:200], recipe=RECIPE, backend="scipy")
    between = []

    def watch(moment):
        if threading.current_thread() is standing and moment.step != "upload":
            between.append(develop_elsewhere(codes[:200]))

    standing = threading.current_thread()
    with watching(watch):
        seen = phos.develop(codes, recipe=RECIPE, backend="scipy")
    np.testing.assert_array_equal(seen, alone)
    assert len(between) > 3
    for picture in between:
        np.testing.assert_array_equal(picture, other)


def develop_elsewhere(codes):
    """Develop on a thread of its own, as another window does."""
    done = []
    thread = threading.Thread(
        target=lambda: done.append(phos.develop(codes, recipe=RECIPE, backend="scipy"))
    )
    thread.start()
    thread.join()
    return done[0]
