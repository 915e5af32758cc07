"""Run the tests again and again: in order, shuffled, and beside work that takes every core.

Prints a line a run. Exits with 1 if any run failed: a test whose outcome depends on luck, on the
order of tests or on what else the machine does is a fault of the test.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

IN_ORDER, SHUFFLED, BUSY = 3, 5, 2


def main() -> int:
    """Run all of them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "tests", nargs="*", help="files, folders, options of pytest; all by default"
    )
    asked, options = parser.parse_known_args()
    tests = [*options, *asked.tests]
    runs = [("in order", ["-p", "no:randomly"], False)] * IN_ORDER
    runs += [
        (f"shuffled by seed {seed}", [f"--randomly-seed={seed}"], False)
        for seed in range(1, SHUFFLED + 1)
    ]
    runs += [("beside a busy core", ["-p", "no:randomly"], True)] * BUSY
    outcomes = [run(*one, tests) for one in runs]
    print(f"{outcomes.count(True)} of {len(outcomes)} runs passed")
    return int(not all(outcomes))


def run(name: str, options: list[str], is_busy: bool, tests: list[str]) -> bool:
    """Run the tests once, and print how that ended."""
    start = time.monotonic()
    with busy_core() if is_busy else idle():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "auto", *options, *tests],
            capture_output=True,
            text=True,
            check=False,
        )
    summary = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
    print(f"{name}, {time.monotonic() - start:.0f} s: {summary}", flush=True)
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            print("   ", line, flush=True)
    return done.returncode == 0


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep half of the cores busy, and at least one."""
    workers = [
        multiprocessing.Process(target=turn, daemon=True)
        for _ in range(max(1, (os.cpu_count() or 2) // 2))
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()


@contextmanager
def idle() -> Iterator[None]:
    """Leave the machine as it is."""
    yield


def turn() -> None:
    """Do nothing, as fast as can be."""
    while True:
        pass


if __name__ == "__main__":
    sys.exit(main())
