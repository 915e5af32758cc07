"""What a process may take: of the machine, of a container, of neither where nothing is said."""

import os

import pytest

from phos_core.convolution import host

MIB = 2**20
MEMINFO = "MemTotal: 8388608 kB\nMemFree: 1048576 kB\nMemAvailable: 4194304 kB\n"
NO_AVAILABLE = (
    "MemTotal: 8388608 kB\nMemFree: 1048576 kB\nBuffers: 1024 kB\nCached: 4096 kB\nShmem: 1024 kB\n"
)
UNIFIED = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
SPLIT = (
    "30 25 0:27 {shown} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "31 25 0:28 {shown} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 16 cores and 8 GiB, 4 GiB of them free, whose files are given."""
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 16, raising=False)

    def write(files):
        for name, text in {"proc/meminfo": MEMINFO, **files}.items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return tmp_path

    return write


def unified(path, files):
    return {
        "proc/self/cgroup": f"0::{path}\n",
        "proc/self/mountinfo": UNIFIED,
        **{f"sys/fs/cgroup{name}": text for name, text in files.items()},
    }


def split(path, shown, files):
    return {
        "proc/self/cgroup": f"5:memory:{path}\n4:cpu,cpuacct:{path}\n1:name=systemd:/x\n",
        "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + SPLIT.format(shown=shown),
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }


MEMORY = [
    ("no group", {}, 4096, 8192),
    ("no limit", unified("/", {"/memory.max": "max\n", "/memory.high": "max\n"}), 4096, 8192),
    (
        "version 2, seen from inside",
        unified("/", {"/memory.max": f"{512 * MIB}\n", "/memory.current": f"{128 * MIB}\n"}),
        384,
        512,
    ),
    (
        "version 2, with file cache that would be given up",
        unified(
            "/",
            {
                "/memory.max": f"{512 * MIB}\n",
                "/memory.current": f"{500 * MIB}\n",
                "/memory.stat": f"anon 1\ninactive_file {300 * MIB}\n",
            },
        ),
        312,
        512,
    ),
    (
        "version 2, slowed down before it is stopped",
        unified(
            "/",
            {
                "/memory.max": "max\n",
                "/memory.high": f"{256 * MIB}\n",
                "/memory.current": f"{56 * MIB}\n",
            },
        ),
        200,
        256,
    ),
    (
        "version 2, the group above is the tighter one",
        unified(
            "/user.slice/job",
            {
                "/user.slice/job/memory.max": f"{2048 * MIB}\n",
                "/user.slice/job/memory.current": f"{10 * MIB}\n",
                "/user.slice/memory.max": f"{1024 * MIB}\n",
                "/user.slice/memory.current": f"{1000 * MIB}\n",
            },
        ),
        24,
        1024,
    ),
    (
        "version 2, a limit beyond what the machine has",
        unified("/", {"/memory.max": f"{2**45}\n", "/memory.current": "0\n"}),
        4096,
        8192,
    ),
    (
        "version 2, more used than allowed",
        unified("/", {"/memory.max": f"{64 * MIB}\n", "/memory.current": f"{65 * MIB}\n"}),
        0,
        64,
    ),
    (
        "version 1, in a container that sees its own group as the root",
        split(
            "/docker/abc",
            "/docker/abc",
            {
                "memory/memory.limit_in_bytes": f"{768 * MIB}\n",
                "memory/memory.usage_in_bytes": f"{300 * MIB}\n",
                "memory/memory.stat": f"cache 5\ntotal_inactive_file {100 * MIB}\n",
            },
        ),
        568,
        768,
    ),
    (
        "version 1, on the host",
        split(
            "/a/b",
            "/",
            {
                "memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/a/memory.limit_in_bytes": f"{100 * MIB}\n",
                "memory/a/memory.usage_in_bytes": f"{40 * MIB}\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
        ),
        60,
        100,
    ),
    (
        "a group outside what the namespace shows",
        unified("/../other", {"/memory.max": f"{32 * MIB}\n", "/memory.current": "0\n"}),
        32,
        32,
    ),
    ("nonsense", unified("/", {"/memory.max": "lots\n", "/cpu.max": "\n"}), 4096, 8192),
    ("no MemAvailable", {"proc/meminfo": NO_AVAILABLE}, 1028, 8192),
]


@pytest.mark.parametrize(
    ("files", "free", "total"), [case[1:] for case in MEMORY], ids=[case[0] for case in MEMORY]
)
def test_memory_is_what_the_tightest_of_machine_and_groups_leaves(machine, files, free, total):
    assert host.free_and_total_bytes(machine(files)) == (free * MIB, total * MIB)


CORES = [
    ("no group", {}, 16),
    ("version 2, no quota", unified("/", {"/cpu.max": "max 100000\n"}), 16),
    ("version 2, two cores", unified("/", {"/cpu.max": "200000 100000\n"}), 2),
    ("version 2, one and a half", unified("/", {"/cpu.max": "150000 100000\n"}), 2),
    ("version 2, a tenth", unified("/", {"/cpu.max": "10000 100000\n"}), 1),
    (
        "version 2, the group above",
        unified("/a/b", {"/a/b/cpu.max": "max 100000\n", "/a/cpu.max": "300000 100000\n"}),
        3,
    ),
    (
        "version 1",
        split(
            "/docker/abc",
            "/docker/abc",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "400000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
        ),
        4,
    ),
    (
        "version 1, no quota",
        split("/x", "/", {"cpu,cpuacct/x/cpu.cfs_quota_us": "-1\n"}),
        16,
    ),
    ("more than the machine has", unified("/", {"/cpu.max": "6400000 100000\n"}), 16),
]


@pytest.mark.parametrize(
    ("files", "count"), [case[1:] for case in CORES], ids=[case[0] for case in CORES]
)
def test_cores_are_no_more_than_the_tightest_quota(machine, files, count):
    assert host.cores(machine(files)) == count


def test_cores_are_those_that_the_process_may_run_on(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    assert host.cores(machine({})) == 2


def test_cores_are_those_that_python_was_told_of(machine, monkeypatch):
    monkeypatch.setattr(os, "process_cpu_count", lambda: 5, raising=False)
    assert host.cores(machine({})) == 5


def test_a_system_without_affinity_says_how_many_cores_it_has(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    assert host.cores(machine({})) == 16


def test_macos_says_how_much_memory_there_is_and_not_how_much_is_free(tmp_path, monkeypatch):
    said = {"SC_PAGE_SIZE": 16384, "SC_PHYS_PAGES": 1000}

    def sysconf(name):
        if name not in said:
            raise ValueError("unrecognized configuration name")
        return said[name]

    monkeypatch.setattr(os, "sysconf", sysconf, raising=False)
    assert host.free_and_total_bytes(tmp_path) == (None, 16384000)


def test_windows_says_nothing(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert host.free_and_total_bytes(tmp_path) == (None, None)
