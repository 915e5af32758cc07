"""Ctrl-C, SIGTERM and SIGHUP at every stage of a roll: one line, no part, nobody left."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from phos_darkroom.files.image_files import write_image

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")

# Starts as the console script does, and sends the whole group a signal at a chosen moment.
PROGRAM = """
import atexit, importlib.abc, os, signal, sys

def send():
    if os.getpid() == first:
        os.killpg(0, number)

class AtImport(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            sys.meta_path.remove(self)
            send()

def plant():
    import phos_darkroom.one_file as darkroom
    import phos_darkroom.roll.processes as processes
    import phos_darkroom.roll.frames as frames
    submit, encode, found = processes._Quiet.submit, darkroom.encode_picture, frames.frames_of

    def submitting(self, *arguments):
        future = submit(self, *arguments)
        send()
        return future

    def writing(file, path, picture, quality):
        file.write(b"half")
        file.flush()
        send()
        encode(file, path, picture, quality)

    if moment == "workers start":
        processes._Quiet.submit = submitting
    if moment == "half a picture":
        darkroom.encode_picture = writing

if __name__ == "__main__":
    first, number, moment = os.getpid(), int(sys.argv[1]), sys.argv[2]
    from phos_shell import main
    import phos_shell
    listen = phos_shell._listen
    def listening():
        listen()
        sys.meta_path.insert(0, AtImport())
        if moment in ("workers start", "half a picture"):
            plant()
        if moment == "the end":
            atexit.register(send)
        if moment == "at once":
            send()
    phos_shell._listen = listening
    sys.argv = ["phos", "develop", *sys.argv[3:], "--backend", "scipy"]
    sys.exit(main())
"""
MOMENTS = {
    "at once": "1",
    "numpy": "1",
    "phos_darkroom.shell.main": "1",
    "phos_darkroom.roll": "2",
    "phos_darkroom.roll.running": "2",
    "phos_darkroom.files.image_files": "1",
    "concurrent.futures.process": "2",
    "workers start": "2",
    "half a picture": "1",
    "the end": "1",
}


@pytest.fixture
def begin(tmp_path):
    """Run `phos develop` until a signal comes to it at a moment: code, stderr, what is there."""
    program, roll = tmp_path / "program.py", tmp_path / "roll"
    program.write_text(textwrap.dedent(PROGRAM))
    roll.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        write_image(roll / name, np.full((12, 16, 3), 99, np.uint8))

    def run(number, moment, jobs):
        out = tmp_path / "out"
        begun = subprocess.Popen(
            [sys.executable, program, str(int(number)), moment, roll, "-o", out, "--jobs", jobs],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        _, said = begun.communicate()
        there = sorted(path.name for path in out.iterdir()) if out.exists() else []
        return begun, said, there

    return run


def group_ends(leader):
    """Whether nobody of a process group is left: the tracker of semaphores goes a little later."""
    for _ in range(600):
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.proof
@pytest.mark.parametrize(("moment", "jobs"), MOMENTS.items())
def test_ctrl_c_at_any_moment_is_no_traceback_and_code_130(begin, moment, jobs):
    begun, said, there = begin(signal.SIGINT, moment, jobs)
    assert begun.returncode == 130, said
    assert "Traceback" not in said
    assert "Error" not in said
    assert said.splitlines()[-1].startswith("phos: stopped"), said
    assert [name for name in there if name.endswith(".part")] == []
    # What is there is whole: each positive beside its sidecar.
    assert len(there) % 2 == 0
    assert group_ends(begun.pid)


@pytest.mark.proof
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(("moment", "jobs"), [("half a picture", "1"), ("workers start", "2")])
def test_a_roll_that_is_ended_leaves_no_part_and_no_process(begin, number, moment, jobs):
    begun, said, there = begin(number, moment, jobs)
    assert begun.returncode == 128 + number, said
    assert said.splitlines()[-1].startswith("phos: stopped"), said
    assert "Traceback" not in said
    assert "Warning" not in said
    assert [name for name in there if name.endswith(".part")] == []
    assert group_ends(begun.pid)
