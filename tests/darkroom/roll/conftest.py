"""Small pictures, and rolls that run in a process of their own so that they can be killed."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from phos_darkroom.files.image_files import write_image

# Workers import the main module again, so what is planted here is in every process of a roll.
PROGRAM = """
import multiprocessing, os, signal, sys, time
import phos_darkroom.one_file as darkroom

read, encode = darkroom.read_picture, darkroom.encode_picture

def read_picture(path, **settings):
    if "deadly" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path, **settings)

def encode_picture(file, path, picture, quality):
    file.write(b"half a picture")
    file.flush()
    time.sleep(float(os.environ["SLOWLY"]))
    file.seek(0)
    file.truncate()
    encode(file, path, picture, quality)

darkroom.read_picture, darkroom.encode_picture = read_picture, encode_picture

def tell_workers(signum, frame):
    print("workers", *[child.pid for child in multiprocessing.active_children()], flush=True)

if __name__ == "__main__":
    from phos_darkroom.shell.main import main
    signal.signal(signal.SIGUSR1, tell_workers)
    main(["develop", *sys.argv[1:], "--backend", "scipy"])
"""


class SlowRoll:
    """``phos develop`` in a process of its own; each frame is half-written for a while."""

    def __init__(self, program: Path, arguments: tuple[object, ...], seconds: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(program), *map(str, arguments)],
            env={**os.environ, "SLOWLY": str(seconds), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def lines(self, count: int) -> list[str]:
        """Wait for so many lines of stdout."""
        assert self.process.stdout is not None
        return [self.process.stdout.readline().rstrip("\n") for _ in range(count)]

    def heard(self, count: int) -> str:
        """Wait for so many lines of stderr."""
        assert self.process.stderr is not None
        return "".join(self.process.stderr.readline() for _ in range(count))

    def workers(self) -> list[int]:
        """Ask for the ids of the worker processes."""
        import signal

        self.process.send_signal(signal.SIGUSR1)
        while True:
            (line,) = self.lines(1)
            if line.startswith("workers"):
                return [int(number) for number in line.split()[1:]]
            assert line, self.process.stderr.read()

    def finish(self) -> tuple[int, list[str], list[str]]:
        """Wait for the end: exit code, and the lines of stdout and stderr."""
        out, err = self.process.communicate(timeout=600)
        return self.process.returncode, out.splitlines(), err.splitlines()


@pytest.fixture
def slow_roll(tmp_path):
    """Start rolls that are slow; what is left of them at the end is killed."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    started = []

    def start(*arguments, seconds=0.1):
        roll = SlowRoll(program, arguments, seconds)
        started.append(roll)
        return roll

    yield start
    for roll in started:
        if roll.process.poll() is None:
            roll.process.kill()
        roll.process.wait()
        roll.process.stdout.close()
        roll.process.stderr.close()


@pytest.fixture
def folder(tmp_path, rng):
    """A function that makes a folder of small pictures of these names."""

    def make(*names, shape=(24, 32, 3)):
        place = tmp_path / "roll"
        for name in names:
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, rng.integers(0, 256, shape).astype(np.uint8))
        return place

    return make


def has_ended(process: int) -> bool:
    """Whether a process is gone, or but waits to be buried."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def ended_within(processes: list[int], seconds: float) -> bool:
    """Whether all these processes end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(map(has_ended, processes)):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def ends():
    """Whether processes end in time."""
    return ended_within


def contents(place: Path) -> dict[str, bytes]:
    """Every file under a folder with its bytes."""
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def files():
    """Every file under a folder with its bytes."""
    return contents


@pytest.fixture
def half_written():
    """Wait until a positive in a folder is half-written."""

    def has_some(place: Path) -> bool:
        for part in place.glob(".*.part"):
            with contextlib.suppress(FileNotFoundError):  # the one that is made to see if it can be
                if part.stat().st_size:
                    return True
        return False

    def wait(place: Path) -> None:
        deadline = time.monotonic() + 120
        while not has_some(place):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait
