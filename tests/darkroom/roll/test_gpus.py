import importlib
import os
import subprocess
import sys
from functools import partial

import pytest

from phos_darkroom.roll import gpus

WORK = """
import os

def seen(item, *, twice=1):
    return item * twice, os.environ["CUDA_VISIBLE_DEVICES"], os.getpid()

def failing(item):
    raise KeyError(item)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Functions of a module that a new process can import, wherever the tests are run from."""
    (tmp_path / "work_of_a_roll.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("work_of_a_roll")
    sys.modules.pop("work_of_a_roll")


def test_each_process_sees_one_gpu_and_results_keep_their_order(work):
    found = list(gpus.over_gpus(partial(work.seen, twice=2), range(24), ["4", "GPU-7f"]))
    assert [number for number, _, _ in found] == [2 * item for item in range(24)]
    homes = {(gpu, process) for _, gpu, process in found}
    assert {gpu for gpu, _ in homes} <= {"4", "GPU-7f"}
    assert len(homes) == len({process for _, process in homes})
    assert os.getpid() not in {process for _, process in homes}


def test_this_process_keeps_its_gpus(work, monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "2,3")
    assert [gpu for _, gpu, _ in gpus.over_gpus(work.seen, [1], ["3"])] == ["3"]
    assert os.environ[gpus.VISIBLE] == "2,3"


def test_what_fails_comes_out_as_it_is(work):
    with pytest.raises(KeyError, match="7"):
        list(gpus.over_gpus(work.failing, [7], ["0"]))


def test_no_gpu_is_refused():
    with pytest.raises(ValueError, match="at least one GPU"):
        next(gpus.over_gpus(len, [1], []))


@pytest.mark.parametrize(
    ("listed", "names"), [("2, 3", ["2", "3"]), ("", []), ("GPU-a", ["GPU-a"])]
)
def test_the_environment_says_which_gpus_may_be_used(monkeypatch, listed, names):
    monkeypatch.setenv(gpus.VISIBLE, listed)
    assert gpus.visible_gpus() == names


def test_else_the_driver_says_which_there_are(monkeypatch):
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    told = subprocess.CompletedProcess([], 0, stdout="GPU 0: A (UUID: x)\nGPU 1: A (UUID: y)\n")
    monkeypatch.setattr(gpus.subprocess, "run", lambda *_, **__: told)
    assert gpus.visible_gpus() == ["0", "1"]

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(gpus.subprocess, "run", missing)
    assert gpus.visible_gpus() == []
