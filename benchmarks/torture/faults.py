"""Faults at every n-th operation on a file, and at every n-th large allocation."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import allocations
import files
from counting import Budget, Tally
from scenarios import SCENARIOS, Said, Scenario, contents, judged, prepared, quietly

LARGE_BYTES = 2**15


class Fault(Protocol):
    """Counts, and fails once."""

    count: int
    failed: str


Plant = Callable[[Path, int | None], tuple[Fault, AbstractContextManager[None]]]


def in_files(folder: Path, at: int | None) -> tuple[Fault, AbstractContextManager[None]]:
    """A fault at an operation on a file of the folder."""
    fault = files.FileFault(folder, at)
    return fault, files.planted(fault)


def in_memory(_: Path, at: int | None) -> tuple[Fault, AbstractContextManager[None]]:
    """A fault at a large allocation."""
    fault = allocations.AllocationFault(LARGE_BYTES, at)
    return fault, allocations.planted(fault)


KINDS: dict[str, Plant] = {"operations on files": in_files, "large allocations": in_memory}


def faults(kind: str, scenario: Scenario, place: Path, budget: Budget) -> Tally:
    """Let each of a scenario's operations fail, one a run."""
    plant = KINDS[kind]
    said, before, right, possible = run(scenario, place, plant, None)
    if said.code != 0:
        raise RuntimeError(f"{scenario.name} fails without any fault: {said}")
    tally = Tally(f"{kind}: {scenario.name}", possible)
    for at in budget.sample(possible):
        said, _, there, _ = run(scenario, place, plant, at)
        tally.add(judged(said, there, before, right), f"number {at}: {said.stderr[-300:]}")
    return tally


def run(
    scenario: Scenario, place: Path, plant: Plant, at: int | None
) -> tuple[Said, dict[str, bytes], dict[str, bytes], int]:
    """Run a scenario with a fault: how it ended, OUT before and after, how many operations."""
    with prepared(scenario, place) as folder, warnings.catch_warnings():
        before = contents(folder)
        fault, planted = plant(folder, at)
        with planted:
            said = quietly(scenario.arguments, folder)
        return said, before, contents(folder), fault.count


def all_faults(place: Path, budget: Budget) -> list[Tally]:
    """Every scenario with each kind of fault."""
    return [faults(kind, scenario, place, budget) for kind in KINDS for scenario in SCENARIOS]
