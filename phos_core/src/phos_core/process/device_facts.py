"""Facts about this machine's devices: for users, for bug reports, for a Mac we have never seen."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from phos_core.convolution.choosing import probing
from phos_core.convolution.choosing.guarded import Trouble, attempt, shown
from phos_core.convolution.choosing.registry import (
    OfferedBackend,
    is_builtin,
    offered_backends,
    plug_ins,
)
from phos_core.convolution.choosing.selection import library_versions
from phos_core.convolution.contract import ConvolutionBackend, MemoryInfo
from phos_core.convolution.methods.cpu import usable_cores
from phos_core.convolution.optional import ReportsDevice, memory_of
from phos_core.process.develop import develop

__all__ = [
    "DeviceInfo",
    "device_info",
    "machine_facts",
    "probe_all_apart",
    "probe_apart",
    "selftest",
]

PROCESS_SECONDS = 120.0  # for a process of its own: a cold import of a large library fits in
RENDER_ERROR = 1e-3  # of whole renders, against the built-in backend
RENDER_ROWS, RENDER_COLS = 300, 420


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A backend and the device that it computes on.

    Parameters
    ----------
    backend : str
        The backend's name.
    status : str
        "ok", or what is the matter; "crashed" if asking took the process down.
    device : str
        The device, as the backend's library names it.
    free_bytes, total_bytes : int or None
        Its memory; None where that cannot be known.
    facts : mapping of str to str
        What the backend knows besides: the device's name, its driver, its pools.
    versions : mapping of str to str
        Versions of the backend and its libraries.
    reason, hint : str
        Why it cannot run, and what would help.
    """

    backend: str
    status: str
    device: str = ""
    free_bytes: int | None = None
    total_bytes: int | None = None
    facts: Mapping[str, str]
    versions: Mapping[str, str]
    reason: str = ""
    hint: str = ""


def device_info() -> tuple[DeviceInfo, ...]:
    """Describe each backend's device; this imports and tries every backend that is installed.

    Returns
    -------
    tuple of DeviceInfo
        Highest priority first; those that cannot run with their reason.
    """
    return tuple(_described(offer) for offer in _offers())


def probe_apart(name: str, *, seconds: float = PROCESS_SECONDS) -> DeviceInfo:
    """Describe a backend's device from a process of its own, so that a crash is an answer.

    Parameters
    ----------
    name : str
        The backend.
    seconds : float
        How long to wait for it.

    Returns
    -------
    DeviceInfo
        With the status "crashed" if the process died or did not answer.
    """
    answer = _apart("describe", name, seconds)
    if isinstance(answer, str):
        return DeviceInfo(backend=name, status="crashed", facts={}, versions={}, reason=answer)
    return DeviceInfo(**answer)


def probe_all_apart() -> tuple[DeviceInfo, ...]:
    """Describe every backend's device, each from a process of its own; see `probe_apart`."""
    names = dict.fromkeys(offer.name for offer in _offers())
    return tuple(probe_apart(name) for name in names)


def machine_facts() -> dict[str, Any]:
    """Gather what a bug report needs.

    Returns
    -------
    dict
        Versions, the machine, settings from the environment, plug-ins and backends; nothing of
        the user's name or files.
    """
    return {
        "versions": {
            "phos-core": version("phos-core"),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": usable_cores(),
        },
        "environment": _environment(),
        "plug_ins": [
            {
                "name": plug_in.name,
                "distribution": plug_in.distribution,
                "version": plug_in.version,
                "status": plug_in.status,
                "reason": plug_in.reason,
            }
            for plug_in in plug_ins()
        ],
        "backends": [asdict(info) for info in probe_all_apart()],
    }


def selftest() -> dict[str, Any]:
    """Try every backend that can run here: a known answer, and a whole render.

    Returns
    -------
    dict
        `machine_facts`, and under "selftest" for each backend that is "ok" whether it passed,
        what is wrong, the render's largest difference from the built-in backend's, and seconds.
        A backend that is there but fails its known answer, or crashes, has not passed.
    """
    facts = machine_facts()
    results = []
    for info in facts["backends"]:
        if info["status"] == "ok":
            answer = _apart("render", info["backend"], PROCESS_SECONDS)
            results.append(
                _not_passed(info["backend"], answer) if isinstance(answer, str) else answer
            )
        elif info["status"] in ("failed-selftest", "crashed"):
            results.append(_not_passed(info["backend"], info["reason"]))
    return facts | {"selftest": results, "passed": all(result["passed"] for result in results)}


def describe(name: str) -> dict[str, Any]:
    """Describe a backend's device, in this process."""
    return asdict(_described(next(offer for offer in _offers() if offer.name == name)))


def _environment() -> dict[str, str]:
    """Our variables, without the user's name: the shell may have set a path in their home."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home raises where there is none
    variables = {k: v for k, v in sorted(os.environ.items()) if k.startswith("PHOS_")}
    return {name: value.replace(home, "~") for name, value in variables.items()}


def render(name: str) -> dict[str, Any]:
    """Develop a picture on a backend, and compare it with the built-in backend's."""
    image = np.random.default_rng(1).random((RENDER_ROWS, RENDER_COLS, 3)).astype(np.float32)
    expected = develop(image, backend="scipy")
    start = time.perf_counter()
    positive = attempt(lambda: develop(image, backend=name, strict=True), f"render on {name}")
    seconds = time.perf_counter() - start
    if isinstance(positive, Trouble):
        return _not_passed(name, positive)
    difference = float(np.abs(positive - expected).max())
    passed = difference <= RENDER_ERROR
    return {
        "backend": name,
        "passed": passed,
        "reason": "" if passed else f"off by {difference:.2g}, {RENDER_ERROR:g} is allowed",
        "largest_difference": difference,
        "seconds": seconds,
    }


def _not_passed(name: str, reason: str) -> dict[str, Any]:
    result = {"backend": name, "passed": False, "reason": reason}
    return result | {"largest_difference": None, "seconds": None}


def _apart(function: str, name: str, seconds: float) -> dict[str, Any] | str:
    """Call `describe` or `render` in a process of its own; a string says how that ended badly."""
    script = (
        "import json, sys\n"
        f"from phos_core.process.device_facts import {function}\n"
        f"sys.stdout.write('\\n' + json.dumps({function}(sys.argv[1])))"
    )
    command = [sys.executable, "-P", "-c", script, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:g} s"
    if done.returncode != 0:
        last_words = done.stderr.strip().rpartition("\n")[2]
        return f"its process ended with {done.returncode}: {last_words}"
    try:
        answer: dict[str, Any] = json.loads(done.stdout.rpartition("\n")[2])
    except ValueError:
        return "its process printed more after its answer, which cannot be read"
    return answer


def _offers() -> list[OfferedBackend]:
    """The offered backends, highest priority first, none probed."""
    return sorted(
        offered_backends(),
        key=lambda offer: (-(offer.priority or 0), not is_builtin(offer.plug_in), offer.name),
    )


def _described(offer: OfferedBackend) -> DeviceInfo:
    probed = probing.probe(offer)
    report, backend = probed.report, probed.backend
    if backend is None:
        return DeviceInfo(
            backend=report.name,
            status=report.status,
            facts={},
            versions={report.distribution: report.version},
            reason=report.reason,
            hint=report.hint,
        )
    memory = attempt(lambda: memory_of(backend), f"memory of {report.name}")
    facts = _facts(backend)
    if not isinstance(memory, MemoryInfo):
        facts |= {"memory": memory if isinstance(memory, Trouble) else f"got {shown(memory)}"}
        memory = MemoryInfo()
    return DeviceInfo(
        backend=report.name,
        status=report.status,
        device=str(backend.device),
        free_bytes=memory.free_bytes,
        total_bytes=memory.total_bytes,
        facts=facts,
        versions=library_versions(backend),
        reason=report.reason,
        hint=report.hint,
    )


def _facts(backend: ConvolutionBackend) -> dict[str, str]:
    """Ask a backend for what it knows of its device."""
    if not isinstance(backend, ReportsDevice):
        return {}
    ask = backend.device_facts
    told = attempt(lambda: {str(key): str(value) for key, value in ask().items()}, "device facts")
    return {"trouble": told} if isinstance(told, Trouble) else told
