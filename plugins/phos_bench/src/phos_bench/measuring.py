"""The measurement itself: rounds of timed calls, errors, memory. Runs in a process of its own."""

import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_bench.cases import Case, ConvolveCase, DevelopCase
from phos_bench.contenders import Contender, Ready, backends_for, copying
from phos_bench.inputs import Light, light, planes
from phos_bench.peers import PEERS, absent, peers_for
from phos_bench.truth import MOST_COLS, MOST_ROWS, compare, expected, psnr_db
from phos_core.convolution import Trouble, attempt

__all__ = ["MeasuringPlan", "measure", "measure_memory", "peak_bytes"]

LEAST_RUNS = 3  # but 1 of what takes as long as all runs of another may
DIGITS = 7  # of seconds: clocks tell no more
SECONDS_EACH = 3.0  # for all timed calls of one contender; slow ones are called less often
YARDSTICK = ("gaussian", 121)  # of a develop: one layer, blurred by OpenCV
STATUS, CLEAR_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Judge = Callable[[Contender, NDArray[Any]], dict[str, float]]
"""Tells how wrong the first picture of a result is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringPlan:
    """How a case is measured.

    Parameters
    ----------
    backends : list of str
        phos's, by name.
    with_peers : bool
        Whether other libraries are measured beside them.
    runs : int
        Timed calls of each, after one that is not counted.
    limit_s : float
        Of one call of another library; one that takes longer computes a part of the picture.
    """

    backends: list[str]
    with_peers: bool = True
    runs: int = 7
    limit_s: float = 3.0


@dataclass(slots=True)
class Measured:
    """A contender on the way."""

    contender: Contender
    ready: Ready
    first_s: float
    runs: int
    errors: dict[str, float]
    seconds: list[float] = field(default_factory=list)


def measure(case: Case, plan: MeasuringPlan) -> dict[str, Any]:
    """Measure all contenders of a case, in turns.

    Parameters
    ----------
    case : Case
        What.
    plan : MeasuringPlan
        How.

    Returns
    -------
    dict
        As JSON takes it: the contenders in order, with seconds of each call or what went wrong,
        and the names of the peers that are not here.
    """
    contenders, judge = _field(case, plan)
    started = [attempt(partial(_started, each, judge, plan), each.name) for each in contenders]
    measured = [entry for entry in started if not isinstance(entry, Trouble)]
    for turn in range(max((entry.runs for entry in measured), default=0)):
        for entry in measured:
            if turn < entry.runs:
                _time(entry)
    return {
        "contenders": [
            _in_trouble(contender, entry) if isinstance(entry, Trouble) else _told(entry)
            for contender, entry in zip(contenders, started, strict=True)
        ],
        "absent": absent() if plan.with_peers and isinstance(case, ConvolveCase) else [],
    }


def measure_memory(case: Case, plan: MeasuringPlan, name: str) -> dict[str, Any]:
    """Measure how much memory a contender takes, above what its input and its library take.

    Parameters
    ----------
    case : Case
        What.
    plan : MeasuringPlan
        Which contenders there are.
    name : str
        Which of them.

    Returns
    -------
    dict
        Bytes of this process, and of the device where its library tells; or what went wrong.
    """
    contenders, _ = _field(case, plan)
    contender = next(each for each in contenders if each.name == name)

    def run() -> dict[str, int | None]:
        ready = contender.prepare()
        before = _clear_peak()
        ready.run()
        ready.finish()
        return {
            "peak_bytes": peak_bytes() - before,
            "device_peak_bytes": ready.device_peak_bytes(),
        }

    found = attempt(run, name)
    return {"memory_trouble": str(found)} if isinstance(found, Trouble) else dict(found)


def _field(case: Case, plan: MeasuringPlan) -> tuple[list[Contender], Judge]:
    """The contenders of a case, and what judges their results."""
    if isinstance(case, DevelopCase):
        contenders = backends_for(case, plan.backends)
        yardstick = _yardstick(case) if plan.with_peers else []
        return [*contenders, *yardstick], _judge_of_codes()
    pixels, point_spread = planes(case.batch, case.rows, case.cols), light(case.psf, case.width)
    contenders = [copying(pixels), *backends_for(case, plan.backends)]
    if plan.with_peers:
        contenders += peers_for(pixels, point_spread, plan.limit_s)
    return contenders, _judge_of_light(pixels[0], point_spread)


def _yardstick(case: DevelopCase) -> list[Contender]:
    """One layer of the picture's size, blurred by OpenCV, where that is installed."""
    pixels = planes(1, case.rows, case.cols)
    found = peers_for(pixels, light(*YARDSTICK), limit_s=60.0)
    return [each for each in found if each.name == PEERS[0].name]


def _judge_of_light(plane: NDArray[np.float32], point_spread: Light) -> Judge:
    """Compare with the truth, which is computed when it is first asked for."""
    truth = cache(lambda: expected(plane, point_spread.psf))

    def judge(contender: Contender, result: NDArray[Any]) -> dict[str, float]:
        if contender.kind == "floor":
            return {}
        largest, psnr = compare(result, truth())
        return {"max_error": largest, "psnr_db": psnr}

    return judge


def _judge_of_codes() -> Judge:
    """Compare with the first backend that comes, as far as convolutions are compared."""
    others: list[NDArray[Any]] = []

    def judge(contender: Contender, result: NDArray[Any]) -> dict[str, float]:
        if contender.kind != "phos":
            return {}
        codes = result[:MOST_ROWS, :MOST_COLS].astype(np.float64)
        others.append(codes)
        if len(others) == 1:
            return {}
        difference = codes - others[0]
        largest = float(np.abs(difference).max())
        return {"max_difference": largest, "psnr_db": psnr_db(difference, peak=255.0)}

    return judge


def _started(contender: Contender, judge: Judge, plan: MeasuringPlan) -> Measured:
    """Make ready, call once, judge the result."""
    ready = contender.prepare()
    ready.finish()
    start = time.perf_counter()
    result = ready.run()
    ready.finish()
    first_s = time.perf_counter() - start
    errors = judge(contender, ready.first(result)) if ready.share == 1.0 else {}
    least = LEAST_RUNS if first_s < SECONDS_EACH else 1
    runs = min(plan.runs, max(least, int(SECONDS_EACH / first_s)))
    return Measured(contender, ready, first_s, runs, errors)


def _time(entry: Measured) -> None:
    start = time.perf_counter()
    entry.ready.run()
    entry.ready.finish()
    entry.seconds.append(time.perf_counter() - start)


def _told(entry: Measured) -> dict[str, Any]:
    runs = [entry.ready.steps() for _ in range(min(entry.runs, LEAST_RUNS))]
    steps = {step: round(statistics.median(run[step] for run in runs), DIGITS) for step in runs[0]}
    return {
        "name": entry.contender.name,
        "kind": entry.contender.kind,
        "device": entry.ready.device,
        "versions": entry.ready.versions,
        "share": entry.ready.share,
        "first_s": round(entry.first_s, DIGITS),
        "seconds": [round(seconds, DIGITS) for seconds in entry.seconds],
        "median_s": round(statistics.median(entry.seconds), DIGITS),
        **entry.errors,
        **({"steps_s": steps} if steps else {}),
    }


def _in_trouble(contender: Contender, trouble: Trouble) -> dict[str, Any]:
    return {"name": contender.name, "kind": contender.kind, "trouble": str(trouble)}


def _clear_peak() -> int:
    """Forget the peak so far, where Linux lets us; return what is held now."""
    with contextlib.suppress(OSError):
        CLEAR_PEAK.write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """Return this process's highest resident memory so far.

    Returns
    -------
    int
        In bytes. Where Linux tells it, without the peak of the process that started this one,
        which `resource` counts in.
    """
    with contextlib.suppress(OSError):
        told = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return 1024 * int(told["VmHWM"].split()[0])
    import resource  # Windows has none

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
