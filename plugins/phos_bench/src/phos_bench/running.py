"""Runs measurements, each in a process of its own, and gathers what they say."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from phos_bench.cases import Case, record_of
from phos_bench.machine import setting
from phos_bench.measuring import MeasuringPlan

__all__ = ["FORMAT", "run_case", "run_cases"]

FORMAT = 1  # of the JSON; another number for another meaning
PROCESS_SECONDS = 600.0  # for a whole case


def run_cases(
    cases: Iterable[Case], plan: MeasuringPlan, *, memory: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Measure cases one after another.

    Parameters
    ----------
    cases : iterable of Case
        What.
    plan : MeasuringPlan
        How.
    memory : bool
        Whether to measure each contender's memory too.
    tell : callable
        Takes a line about what comes next.

    Returns
    -------
    dict
        What the figures depend on, and a result for each case; as JSON takes it.
    """
    conditions = setting()
    results = [run_case(case, plan, memory=memory, tell=tell) for case in cases]
    return {"format": FORMAT, **conditions, "plan": asdict(plan), "results": results}


def run_case(
    case: Case, plan: MeasuringPlan, *, memory: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Measure one case; if its process dies, the result says how."""
    tell(case.title)
    asked = {"case": record_of(case), "plan": asdict(plan)}
    answer = _answered(asked)
    if isinstance(answer, str):
        return {"case": record_of(case), "contenders": [], "absent": [], "trouble": answer}
    if memory:
        for contender in answer["contenders"]:
            if contender["kind"] in ("phos", "peer") and contender.get("share") == 1.0:
                tell(f"{case.title}: memory of {contender['name']}")
                found = _answered(asked | {"memory_of": contender["name"]})
                trouble = {"memory_trouble": found} if isinstance(found, str) else found
                contender |= trouble
    return {"case": record_of(case), **answer}


def _answered(asked: dict[str, Any]) -> dict[str, Any] | str:
    """Ask a fresh process; a string says how it ended badly."""
    command = [sys.executable, "-P", "-m", "phos_bench"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=PROCESS_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PROCESS_SECONDS:g} s"
    if done.returncode != 0:
        last_words = done.stderr.strip().rpartition("\n")[2]
        return f"its process ended with {done.returncode}: {last_words}"
    answer: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return answer
