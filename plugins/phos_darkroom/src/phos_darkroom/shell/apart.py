"""Questions that a process of its own answers, so that a crash is an answer too."""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from phos_core.convolution import DeviceInfo, describe_device, offers

__all__ = ["PROCESS_SECONDS", "describe", "from_process", "probe_all_apart", "probe_apart"]

PROCESS_SECONDS = 120.0  # a cold import of a large library fits in


def probe_apart(name: str, *, seconds: float = PROCESS_SECONDS) -> DeviceInfo:
    """Describe a backend's device from a process of its own.

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
    answer = from_process(f"{__name__}:describe", name, seconds)
    if isinstance(answer, str):
        return DeviceInfo(backend=name, status="crashed", facts={}, versions={}, reason=answer)
    return DeviceInfo(**answer)


def probe_all_apart() -> tuple[DeviceInfo, ...]:
    """Describe every backend's device, each from a process of its own; see `probe_apart`."""
    names = dict.fromkeys(offer.name for offer in offers())
    return tuple(probe_apart(name) for name in names)


def describe(name: str) -> dict[str, Any]:
    """Describe a backend's device, in this process."""
    return asdict(describe_device(next(offer for offer in offers() if offer.name == name)))


def from_process(function: str, name: str, seconds: float) -> dict[str, Any] | str:
    """Call a function of one backend in a process of its own.

    Parameters
    ----------
    function : str
        ``"module:function"``; it takes the backend's name and returns what JSON can hold.
    name : str
        The backend.
    seconds : float
        How long to wait.

    Returns
    -------
    dict or str
        What the function returned; a string says how the process failed.
    """
    module, _, called = function.partition(":")
    script = (
        "import json, sys\n"
        f"from {module} import {called}\n"
        f"sys.stdout.write('\\n' + json.dumps({called}(sys.argv[1])))"
    )
    command = [sys.executable, "-P", "-c", script, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:g} s"
    if done.returncode != 0:
        last_line = done.stderr.strip().rpartition("\n")[2]
        return f"its process ended with {done.returncode}: {last_line}"
    try:
        answer: dict[str, Any] = json.loads(done.stdout.rpartition("\n")[2])
    except ValueError:
        return "its process printed more after its answer, which cannot be read"
    return answer
