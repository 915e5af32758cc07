import os
import subprocess
from functools import partial

import pytest

from phos_core import roll


def seen(item, *, twice=1):
    """Say which GPU a process sees, and in which process that is."""
    return item * twice, os.environ[roll.VISIBLE], os.getpid()


def failing(item):
    raise KeyError(item)


def test_each_process_sees_one_gpu_and_results_keep_their_order():
    found = list(roll.over_gpus(partial(seen, twice=2), range(24), ["4", "GPU-7f"]))
    assert [number for number, _, _ in found] == [2 * item for item in range(24)]
    homes = {(gpu, process) for _, gpu, process in found}
    assert {gpu for gpu, _ in homes} <= {"4", "GPU-7f"}
    assert len(homes) == len({process for _, process in homes})
    assert os.getpid() not in {process for _, process in homes}


def test_this_process_keeps_its_gpus(monkeypatch):
    monkeypatch.setenv(roll.VISIBLE, "2,3")
    assert [gpu for _, gpu, _ in roll.over_gpus(seen, [1], ["3"])] == ["3"]
    assert os.environ[roll.VISIBLE] == "2,3"


def test_what_fails_comes_out_as_it_is():
    with pytest.raises(KeyError, match="7"):
        list(roll.over_gpus(failing, [7], ["0"]))


def test_no_gpu_is_refused():
    with pytest.raises(ValueError, match="at least one GPU"):
        next(roll.over_gpus(seen, [1], []))


@pytest.mark.parametrize(
    ("listed", "names"), [("2, 3", ["2", "3"]), ("", []), ("GPU-a", ["GPU-a"])]
)
def test_the_environment_says_which_gpus_may_be_used(monkeypatch, listed, names):
    monkeypatch.setenv(roll.VISIBLE, listed)
    assert roll.visible_gpus() == names


def test_else_the_driver_says_which_there_are(monkeypatch):
    monkeypatch.delenv(roll.VISIBLE, raising=False)
    told = subprocess.CompletedProcess([], 0, stdout="GPU 0: A (UUID: x)\nGPU 1: A (UUID: y)\n")
    monkeypatch.setattr(roll.subprocess, "run", lambda *_, **__: told)
    assert roll.visible_gpus() == ["0", "1"]

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(roll.subprocess, "run", missing)
    assert roll.visible_gpus() == []
