"""Memory and cores of the host, or of the container that the process runs in.

A container may have less than the machine that it runs on: control groups (cgroups, version 1 or
2) hold it to that, and Linux shows them as files. Every group above the process's own counts too.
What cannot be read sets no limit.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

__all__ = ["cores", "free_and_total_bytes"]

ROOT = Path("/")
NO_LIMIT = 2**60  # bytes: version 1 writes its largest page count for "none"


def cores(root: Path = ROOT) -> int:
    """Count the cores that this process may keep busy.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    int
        Those that the process may run on (which a cpuset narrows too), no more than the group's
        quota, a part of one counted whole.
    """
    allowed = [os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        allowed.append(len(os.sched_getaffinity(0)))
    count = getattr(os, "process_cpu_count", None)  # Python 3.13: -X cpu_count counts too
    if count is not None:
        allowed.append(count() or 1)
    quota = quota_of(root)
    return max(1, min(allowed) if math.isinf(quota) else min(*allowed, math.ceil(quota)))


def free_and_total_bytes(root: Path = ROOT) -> tuple[int | None, int | None]:
    """Say how much memory programs here may still take, and how much there is.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    tuple of (int or None, int or None)
        None where the system does not say.
    """
    free, total = _of_the_machine(root)
    for limit in limits_of(root):
        most = limit.bytes()
        if most is None:  # it has been lifted
            continue
        left = max(most - limit.used_bytes(), 0)
        total = most if total is None else min(most, total)
        free = left if free is None else min(left, free)
    return free, total


def _of_the_machine(root: Path) -> tuple[int | None, int | None]:
    told = _numbers(root / "proc/meminfo")  # in KiB
    total = told.get("MemTotal:")
    # Linux counts its file cache as taken, and says here what it would give back; before 3.14,
    # and in some sandboxes, it does not.
    free = told.get("MemAvailable:")
    if free is None and "MemFree:" in told:
        cached = told.get("Buffers:", 0) + told.get("Cached:", 0) - told.get("Shmem:", 0)
        free = told["MemFree:"] + max(cached, 0)
    return (
        _pages("SC_AVPHYS_PAGES") if free is None else 1024 * free,
        _pages("SC_PHYS_PAGES") if total is None else 1024 * total,
    )


def _pages(name: str) -> int | None:
    """Bytes of the pages that the system counts under a name; None where it has no such count."""
    try:
        pages, size = os.sysconf(name), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    return pages * size if pages > 0 and size > 0 else None


@dataclass(frozen=True, slots=True)
class Groups:
    """The control groups that hold a process, each from its own up to the mount's.

    Parameters
    ----------
    unified, memory_only, cpu_only : tuple of Path
        Their folders, of version 2, and of version 1's two controllers.
    """

    unified: tuple[Path, ...] = ()
    memory_only: tuple[Path, ...] = ()
    cpu_only: tuple[Path, ...] = ()

    def quota_cores(self) -> float:
        """Cores' worth of time that the tightest group has; infinite without a quota."""
        quotas = [_ratio(*_words(folder / "cpu.max")) for folder in self.unified]
        for folder in self.cpu_only:
            names = "cpu.cfs_quota_us", "cpu.cfs_period_us"
            quotas.append(_ratio(*(word for name in names for word in _words(folder / name))))
        return min(quotas, default=math.inf)

    def memory_limits(self) -> list["Limit"]:
        """The limits that there are."""
        limits = [
            # Beyond `high` a group is slowed down until it hardly moves.
            Limit(folder, name, "memory.current", "inactive_file")
            for folder in self.unified
            for name in ("memory.max", "memory.high")
        ]
        limits += [
            Limit(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            for folder in self.memory_only
        ]
        return [limit for limit in limits if limit.bytes() is not None]


@dataclass(frozen=True, slots=True)
class Limit:
    """A group's limit on memory: its folder, and the names of what says it.

    Parameters
    ----------
    folder : Path
        The group's.
    name, used : str
        Files with the limit and with what is used of it.
    cache : str
        Line of ``memory.stat`` with the file cache that would be given up.
    """

    folder: Path
    name: str
    used: str
    cache: str

    def bytes(self) -> int | None:
        """The limit, or None where there is none."""
        words = _words(self.folder / self.name)
        limit = int(words[0]) if words and words[0].isdecimal() else NO_LIMIT
        return limit if limit < NO_LIMIT else None

    def used_bytes(self) -> int:
        """What is used, without the file cache that would be given up."""
        words = _words(self.folder / self.used)
        used = int(words[0]) if words and words[0].isdecimal() else 0
        return max(used - _numbers(self.folder / "memory.stat").get(self.cache, 0), 0)


# What holds a process is looked for once: it takes as long as a small picture.
@cache
def quota_of(root: Path) -> float:
    """Cores' worth of time that this process has; infinite without a quota."""
    return groups_of(root).quota_cores()


@cache
def limits_of(root: Path) -> list[Limit]:
    """The limits on memory that hold this process."""
    return groups_of(root).memory_limits()


def groups_of(root: Path) -> Groups:
    """Find the groups of this process."""
    inside: dict[str, str] = {}
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        inside |= dict.fromkeys(controllers.split(","), path)
    found: dict[str, tuple[Path, ...]] = {}
    for line in _lines(root / "proc/self/mountinfo"):
        place, _, kind = line.partition(" - ")
        fields, (system, *_, options) = place.split(), kind.split() or [""]
        if len(fields) < 5 or system not in ("cgroup", "cgroup2"):
            continue
        names = [""] if system == "cgroup2" else options.split(",")
        for name in names:
            if name in inside and name in ("", "memory", "cpu"):
                found[name] = tuple(_upwards(root, fields[3], fields[4], inside[name]))
    return Groups(found.get("", ()), found.get("memory", ()), found.get("cpu", ()))


def _upwards(root: Path, shown: str, mount: str, path: str) -> Iterator[Path]:
    """Folders from a group's own up to its mount, which shows a part of the hierarchy."""
    top = root / mount.lstrip("/")
    own = PurePosixPath(path)
    within = own.relative_to(shown) if own.is_relative_to(shown) else PurePosixPath()
    if ".." in within.parts:  # outside what this namespace shows
        within = PurePosixPath()
    for part in (within, *within.parents):
        yield top / part


def _ratio(quota: str = "", period: str = "", *_: str) -> float:
    """Cores' worth of time of a quota; infinite where there is none ("max", or -1)."""
    if not (quota.isdecimal() and period.isdecimal()) or 0 in (int(quota), int(period)):
        return math.inf
    return int(quota) / int(period)


def _numbers(path: Path) -> dict[str, int]:
    """The numbers of a file of lines that begin with a name and a number."""
    pairs = (line.split()[:2] for line in _lines(path))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
