"""Worker processes: how many, and with how many threads."""

import importlib
import sys

import pytest

from phos_core.convolution.contract import MemoryInfo
from phos_core.convolution.methods import cpu
from phos_darkroom.roll import processes

WORK = """
import os
from phos_core.convolution.methods import cpu

def threads():
    import numpy, scipy.linalg
    from threadpoolctl import threadpool_info
    libraries = [pool["num_threads"] for pool in threadpool_info()]
    pool = cpu.thread_pool()._max_workers
    return cpu.usable_cores(), pool, libraries, os.environ["OMP_NUM_THREADS"]

def gpu():
    return os.environ["CUDA_VISIBLE_DEVICES"]
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "work_of_processes.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("work_of_processes")
    sys.modules.pop("work_of_processes")


@pytest.mark.proof
def test_a_worker_for_each_core_has_one_thread_in_every_library(work):
    with processes.worker_processes(cpu.usable_cores(), []) as pool:
        cores, threads, libraries, environment = pool.submit(work.threads).result()
    assert (cores, threads, environment) == (1, 1, "1")
    assert libraries
    assert set(libraries) == {1}


def test_more_workers_than_gpus_share_them(work):
    with processes.worker_processes(1, ["5", "6"]) as pool:
        assert pool.submit(work.gpu).result() == "5"


@pytest.mark.parametrize(
    ("frames", "gpus", "free", "jobs"),
    [
        (60, [], None, 4),
        (60, [], 2 * processes.JOB_BYTES, 2),
        (60, [], 1, 1),
        (5, [], None, 2),
        (1, [], None, 1),
        (60, ["0", "1"], 1, 2),
        (1, ["0", "1"], None, 1),
    ],
)
def test_frames_at_once_go_by_cores_gpus_memory_and_frames(monkeypatch, frames, gpus, free, jobs):
    monkeypatch.setattr(processes, "usable_cores", lambda: 4)
    monkeypatch.setattr(processes, "host_memory", lambda: MemoryInfo(free, free))
    assert processes.usual_jobs(frames, gpus) == jobs


def test_one_gpu_or_none_needs_no_process_for_each(monkeypatch):
    for gpus in ([], ["0"]):
        monkeypatch.setattr(processes, "visible_gpus", lambda gpus=gpus: gpus)
        assert processes.gpus_for(None) == []
    monkeypatch.setattr(processes, "visible_gpus", lambda: ["0", "1"])
    assert processes.gpus_for("scipy") == []


def test_the_environment_holds_threads_below_the_cores(monkeypatch):
    monkeypatch.setenv("PHOS_THREADS", "1")
    assert cpu.usable_cores() == 1
    for wrong in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv("PHOS_THREADS", wrong)
        with pytest.raises(ValueError, match="PHOS_THREADS must be a whole number"):
            cpu.usable_cores()
