"""Kills and signals at moments drawn at random, a full disk, and two runs at once."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from counting import Budget, Tally
from scenarios import (
    SIDECAR,
    Said,
    Scenario,
    a_roll,
    a_tiff_of_tiles,
    badly_said,
    contents,
    half_written,
    is_true,
    judged,
    phos,
    prepared,
    quietly,
)

ROLL = Scenario(
    "a roll",
    a_roll,
    ("in", "-o", "out", "--film", "portra-400", "--backend", "scipy", "--jobs", "2", "--seed", "3"),
)
TILED = Scenario(
    "a TIFF by tiles",
    a_tiff_of_tiles,
    ("in.tif", "-o", "out", "--format", "4x5", "--film", "portra-400", "--backend", "scipy"),
    {"PHOS_MEMORY_LIMIT": "500000000"},
)
SIGNALS = ("SIGKILL", "SIGINT", "SIGTERM", "SIGHUP")
GONE_S = 60.0  # within which the children of one that was stopped have to be gone
DISK_KIB = (8, 24, 40, 56, 72, 88, 104)


def started(scenario: Scenario, folder: Path) -> subprocess.Popen[str]:
    """Start ``phos develop`` in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [*phos(), "develop", *scenario.arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def undisturbed(scenario: Scenario, place: Path) -> tuple[dict[str, bytes], float]:
    """What a run gives, and how long it takes."""
    with prepared(scenario, place) as folder:
        start = time.monotonic()
        process = started(scenario, folder)
        _, err = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{scenario.name} fails undisturbed: {err}")
        return contents(folder), time.monotonic() - start


def kills(name: str, scenario: Scenario, place: Path, budget: Budget) -> Tally:
    """Send a signal at some moment, look at what is there, and go on to the end."""
    tally = Tally(f"{name}: {scenario.name}, then begun again")
    number = getattr(signal, name, None)
    if number is None:
        tally.not_run = "this system has no such signal"
        return tally
    right, seconds = undisturbed(scenario, place)
    chance, end = random.Random(f"{budget.seed}{name}{scenario.name}"), time.monotonic()
    end += budget.seconds
    while time.monotonic() < end:
        moment = chance.uniform(0.02, 1.05) * seconds
        with prepared(scenario, place) as folder:
            process = started(scenario, folder)
            time.sleep(moment)
            if process.poll() is None:
                os.killpg(process.pid, number)
            _, err = process.communicate()
            said = Said(0 if process.returncode == 0 else "", err)
            outcome = after_signal(name, folder, process.pid, said, right)
            if not outcome:
                outcome = judged(begun_again(scenario, folder), contents(folder), right, right)
        tally.add(outcome, f"after {moment:.2f} s: {err[-300:]}")
    return tally


def begun_again(scenario: Scenario, folder: Path) -> Said:
    """Run it to its end, in a process whose memory is its own."""
    process = started(scenario, folder)
    _, err = process.communicate()
    return Said(process.returncode, err)


def after_signal(name: str, folder: Path, group: int, said: Said, right: dict[str, bytes]) -> str:
    """What is wrong once a signal has ended a run; empty if nothing is."""
    if not is_gone(group):
        return "children live on"
    there = contents(folder)
    if name == "SIGKILL":  # nobody can tidy up after it
        there = {file: there[file] for file in there if not file.endswith(".part")}
        lonely = {file for file in there if file.endswith(SIDECAR)} - {f + SIDECAR for f in there}
        there = {file: there[file] for file in there if file not in lonely}
    return ("" if name == "SIGKILL" else badly_said(Said(0, said.stderr))) or half_written(
        there, {}, right
    )


def is_gone(group: int) -> bool:
    """Whether every process of a group ends, given some time."""
    end = time.monotonic() + GONE_S
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def full_disk(place: Path, budget: Budget) -> Tally:
    """Develop a roll onto disks too small for it, then onto one that is large enough."""
    tally = Tally("a full disk: a roll, then begun again with room", len(DISK_KIB))
    with prepared(ROLL, place) as folder:
        (folder / "out").mkdir()
        refused = mounted(folder / "out", 1)
        if refused:
            tally.not_run = refused
            return tally
        subprocess.run(["umount", str(folder / "out")], check=True)
    right, _ = undisturbed(ROLL, place)
    for case in budget.sample(len(DISK_KIB)):
        with prepared(ROLL, place) as folder:
            (folder / "out").mkdir()
            mounted(folder / "out", DISK_KIB[case])
            try:
                said = quietly(ROLL.arguments, folder)
                tally.add(
                    judged(said, contents(folder), {}, right),
                    f"{DISK_KIB[case]} KiB: {said.stderr[-300:]}",
                )
                shutil.copytree(folder / "out", folder / "kept")
            finally:
                subprocess.run(["umount", str(folder / "out")], check=True)
            shutil.rmtree(folder / "out")
            shutil.move(folder / "kept", folder / "out")
            again = quietly(ROLL.arguments, folder)
            tally.add(judged(again, contents(folder), right, right), again.stderr[-300:])
    return tally


def mounted(folder: Path, kib: int) -> str:
    """Mount a small disk of memory there; why not, if the system refuses."""
    mount = shutil.which("mount")
    if mount is None:
        return "no mount command"
    command = [mount, "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else "mounting is for the superuser"


def two_at_once(scenario: Scenario, place: Path, budget: Budget) -> Tally:
    """Start the same work twice into one folder, the second a moment after the first."""
    tally = Tally(f"two runs at once: {scenario.name}")
    right, seconds = undisturbed(scenario, place)
    chance, end = random.Random(f"{budget.seed}{scenario.name}"), time.monotonic() + budget.seconds
    while time.monotonic() < end:
        moment = chance.uniform(0.0, 1.0) * seconds
        with prepared(scenario, place) as folder:
            first = started(scenario, folder)
            time.sleep(moment)
            second = started(scenario, folder)
            said = [process.communicate()[1] for process in (first, second)]
            codes = [process.returncode for process in (first, second)]
            wrong = wrong_together(said, folder, right)
            if not wrong and 0 not in codes:
                wrong = "neither run developed it"
        outcome = wrong or ("right" if codes == [0, 0] else "error")
        tally.add(outcome, f"after {moment:.2f} s: {said}")
    return tally


def wrong_together(said: list[str], folder: Path, right: dict[str, bytes]) -> str:
    """What is wrong after two runs at once; empty if nothing is."""
    for err in said:
        if wrong := badly_said(Said(0, err)):
            return wrong
    if wrong := half_written(contents(folder), {}, right):
        return wrong
    lies = [name for name in pictures(right) if not is_true(folder, name)]
    return f"a sidecar that lies: {lies[0]}" if lies else ""


def pictures(files: dict[str, bytes]) -> list[str]:
    """The positives among files."""
    return [name for name in files if not name.endswith(SIDECAR)]


def all_of_them(place: Path, budget: Budget) -> list[Tally]:
    """Every campaign of this module."""
    return [
        *(kills(name, ROLL, place, budget) for name in SIGNALS),
        *(kills(name, TILED, place, budget) for name in ("SIGKILL", "SIGTERM")),
        full_disk(place, budget),
        two_at_once(ROLL, place, budget),
        two_at_once(TILED, place, budget),
    ]
