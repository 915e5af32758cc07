"""The guard counts what is done, and fails when it gets a fifth more."""

import math
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.fft

import phos_core as phos

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import counting

    return counting


@pytest.fixture
def guard(monkeypatch):
    """The guard, which pins its process to one core: not this one."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.delattr("os.sched_setaffinity", raising=False)
    import guard

    yield guard
    for name in ("guard", "counting"):
        sys.modules.pop(name, None)


def counts(counting, function, *arrays):
    with counting.counting() as tally:
        function(*map(counting.counted, arrays))
    return {kind: count for kind, count in tally.counts.items() if count}


PLANE = np.ones((20, 30), np.float32)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x + 1.0, {"numbers": 600, "bytes": 4800}),
        (lambda x: x + x * x, {"numbers": 1200, "bytes": 14400}),
        (lambda x: np.exp(x), {"numbers": 600, "costly": 600, "bytes": 4800}),
        (lambda x: np.add(x, 1.0, out=x), {"numbers": 600, "bytes": 4800}),
        (lambda x: x.astype(np.float64), {"numbers": 600, "bytes": 7200}),
        (lambda x: np.where(x > 0, x, x), {"numbers": 1200, "bytes": 600 + 2400 + 600 + 7200}),
        (lambda x: x.T @ x, {"products": 18000, "bytes": 4800 + 3600}),
        (lambda x: np.max(x), {"numbers": 600, "bytes": 2400}),
        (lambda x: x[:, ::2], {}),
        (lambda x: np.moveaxis(x, 0, 1).reshape(30, 20)[1:].T, {}),
        (lambda x: x.shape, {}),
        (lambda x: np.empty_like(x), {}),
        (lambda x: np.copyto(np.empty(x.shape, x.dtype), x), {"numbers": 600, "bytes": 4800}),
        (lambda x: np.ascontiguousarray(x.T), {"numbers": 600, "bytes": 4800}),
        (lambda x: x[x.astype(int)], {"numbers": 18600, "bytes": 7200 + 4800 + 2 * 72000}),
    ],
)
def test_operations_are_counted_by_the_numbers_they_compute(counting, function, expected):
    found = counts(counting, function, PLANE)
    assert {kind: found.get(kind, 0) for kind in expected} == expected
    assert set(found) == set(expected)


def test_transforms_are_counted_wherever_they_come_from(counting):
    from scipy.fft import idctn

    once = counts(counting, lambda x: scipy.fft.dctn(x), PLANE)
    twice = counts(counting, lambda x: idctn(scipy.fft.dctn(x)), PLANE)
    assert once["transforms"] == pytest.approx(600 * np.log2(600))
    assert twice["transforms"] == pytest.approx(2 * once["transforms"])
    along = counts(counting, lambda x: scipy.fft.dct(x, axis=0), PLANE)
    assert along["transforms"] == pytest.approx(600 * np.log2(20))
    both = counts(counting, lambda x: scipy.fft.rfft2(x), PLANE)
    assert both["transforms"] == pytest.approx(2 * 20 * 16 * np.log2(20 * 16))
    assert counts(counting, lambda x: np.fft.rfft2(x), PLANE) == pytest.approx(
        both | {"bytes": both["bytes"]}, rel=0.5
    )


def test_results_are_those_of_plain_arrays_and_all_is_undone_afterwards(counting):
    empty = np.empty
    with counting.counting():
        made = np.zeros(3) + scipy.fft.dctn(counting.counted(PLANE))[0, :3]
        assert isinstance(made, counting.Counted)
    assert np.empty is empty
    assert type(scipy.fft.dctn(PLANE)) is np.ndarray
    assert np.array_equal(made, scipy.fft.dctn(PLANE)[0, :3])


def test_work_of_other_threads_is_counted(counting):
    from concurrent.futures import ThreadPoolExecutor

    def spread(x):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(np.exp, [x[:10], x[10:]]))

    assert counts(counting, spread, PLANE)["costly"] == 600


def test_a_third_more_fails_and_a_tenth_does_not(guard):
    before = {"develop: numbers": 600.0, "develop: bytes": 5000.0}
    assert guard.compare(before, before)[1] is False
    assert guard.compare(before, {"develop: numbers": 660.0, "develop: bytes": 5000.0})[1] is False
    lines, failed = guard.compare(before, {"develop: numbers": 800.0, "develop: bytes": 5000.0})
    assert failed
    assert lines[0] == "WORSE   develop: numbers: 800, 1.33 times what it was, 600"


def test_less_is_told_and_what_has_no_baseline_fails(guard):
    lines, failed = guard.compare({"a": 10.0, "c": 1.0}, {"a": 5.0})
    assert not failed
    assert [line.split()[0] for line in lines[:-1]] == ["better", "gone"]
    lines, failed = guard.compare({}, {"b": 1.0})
    assert failed
    assert lines[0].startswith("NEW     b: 1")


def test_a_third_more_passes_over_the_picture_are_found(guard, monkeypatch):
    monkeypatch.setattr(guard, "ROWS", 60)
    monkeypatch.setattr(guard, "COLS", 90)
    job = guard.convolving("exponential", 21)
    before = guard.counts_of(job)
    passes = math.ceil(before["numbers"] / 3)

    def slower(image, psf, **settings):
        for _ in range(passes):
            image = image * 1.0
        return phos.convolve(image, psf, **settings)

    after = guard.counts_of(partial(slower, *job.args))
    assert after["numbers"] == pytest.approx(before["numbers"] + passes)
    lines, failed = guard.compare(before, after)
    assert failed
    assert any(line.startswith("WORSE   numbers") for line in lines)


def test_chains_are_counted_by_their_instructions(guard):
    found = guard.instructions()
    assert found["chain 1: instructions"] > 10
    assert len(found) >= 4


def test_everything_counted_has_its_baseline(guard):
    import json

    baseline = json.loads(guard.BASELINE.read_text(encoding="utf-8"))
    for name, value in guard.instructions().items():
        assert (name in baseline) == bool(value)
    assert {name.partition(":")[0] for name in baseline} >= {"develop", "convolve, smooth"}
