"""Start processes for strangers' code, wait so long and no longer, and read what they answer."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phos_core.convolution import in_one_line

__all__ = ["Ran", "run_apart", "run_inspection"]

INSPECTION = "phos_darkroom.shell.plugin_check.inspection"
MOST_PRINTED = 200  # characters of what a plug-in printed are shown


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a process.

    Parameters
    ----------
    ending : str
        How it ended, if not well: "" or such as "its process ended with exit code 7".
    facts : dict
        What it wrote to its answer; empty if it wrote none that can be read.
    stdout, stderr : str
        The beginning of what it printed, in one line.
    last_words : str
        The last line of stderr.
    """

    ending: str
    facts: dict[str, Any]
    stdout: str
    stderr: str
    last_words: str


def run_inspection(arguments: Sequence[str], seconds: float) -> Ran:
    """Inspect a plug-in, or a backend of it, in a process of its own.

    Parameters
    ----------
    arguments : sequence of str
        As `inspection.main` takes them, but for the file of the answer.
    seconds : float
        How long it may take.

    Returns
    -------
    Ran
        What came of it.
    """
    with tempfile.TemporaryDirectory(prefix="phos-plugin-") as folder:
        answer = Path(folder) / "answer.json"
        ran = run_apart(["-m", INSPECTION, str(answer), *arguments], seconds, Path(folder))
        facts: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            facts = json.loads(answer.read_text(encoding="utf-8"))
        return replace(ran, facts=facts)


def run_apart(arguments: Sequence[str], seconds: float, folder: Path) -> Ran:
    """Run Python in an empty folder, where nothing of the current folder can be imported.

    Parameters
    ----------
    arguments : sequence of str
        Python's.
    seconds : float
        How long it may take; then it and what it has started are killed.
    folder : Path
        Where it runs, and what it prints is kept meanwhile.

    Returns
    -------
    Ran
        How it ended and what it printed.
    """
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
        )
        try:
            ending = _ending(process.wait(seconds))
        except subprocess.TimeoutExpired:
            ending = f"no answer within {seconds:g} s"
        finally:
            _end(process)
    return Ran(ending, {}, _beginning(out), _beginning(err), _last_line(err))


def _environment() -> dict[str, str]:
    """The environment, its paths made absolute, since the process runs in another folder."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    if "PYTHONPATH" in environment:
        folders = filter(None, environment["PYTHONPATH"].split(os.pathsep))
        environment["PYTHONPATH"] = os.pathsep.join(
            str(Path(place).absolute()) for place in folders
        )
    if environment.get("PHOS_CONFIG"):
        environment["PHOS_CONFIG"] = str(Path(environment["PHOS_CONFIG"]).absolute())
    return environment


def _ending(code: int) -> str:
    if code == 0:
        return ""
    if code > 0:
        return f"its process ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process was ended by signal {-code}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all of its session, if any of it is left."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(4 * MOST_PRINTED).decode("utf-8", errors="replace")
    line = in_one_line(text)
    return line if len(line) <= MOST_PRINTED else line[: MOST_PRINTED - 4] + " ..."


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4 * MOST_PRINTED))
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    return in_one_line(next((line for line in reversed(lines) if line.strip()), ""))
