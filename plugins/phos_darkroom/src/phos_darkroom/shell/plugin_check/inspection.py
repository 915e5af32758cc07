"""One plug-in, looked at in a process of its own: ``ANSWER NAME VALUE DISTRIBUTION [BACKEND]``.

Loads a plug-in and asks its hooks, or makes a backend of it and tries that. Each step is written to
the file ANSWER as it begins and as it ends, so that a process that dies tells where it was.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pluggy

from phos_core.backend import BackendSpec, ConvolutionBackend, ProbeReport, SchedulerSpec
from phos_core.convolution import (
    GROUP,
    HOOK_API,
    Trouble,
    attempt,
    check_requirements,
    in_one_line,
    normalised,
    owner_of_backend,
    probe_of,
    process_state,
)
from phos_core.errors import shown

__all__ = ["HOOKS", "main"]

BACKENDS = "phos_convolution_backends"
HOOKS = (BACKENDS, "phos_films", "phos_commands", "phos_schedulers", "phos_colour_spaces")

DEVELOPED_ROWS, DEVELOPED_COLS = 60, 80
DEVELOP_ERROR = 1e-3  # of whole renders, against the built-in backend


class _FailedError(Exception):
    """A step failed, and those after it cannot be taken."""


class _Answer:
    """What is known so far, written anew at every step to a file that stays open."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - kept until the end
        self.facts: dict[str, Any] = {"at": "", "steps": {}}

    def write(self) -> None:
        """Write everything."""
        self._file.seek(0)
        self._file.truncate()
        json.dump(self.facts, self._file)
        self._file.flush()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Take a step: its time, what it printed and changed, and what it raised."""
        self.facts["at"] = name
        self.write()
        settings, others, printed = process_state.snapshot(), _other_settings(), _printed_bytes()
        trouble, start = "", time.perf_counter()
        try:
            yield
        except _FailedError as failed:
            trouble = str(failed)
        except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything, SystemExit too
            trouble = _told(error)
        seconds = time.perf_counter() - start
        changed = [name for name, value in _other_settings().items() if value != others[name]]
        self.facts["steps"][name] = {
            "seconds": seconds,
            "trouble": trouble,
            "changed": [*process_state.put_back(settings), *changed],
            "printed_bytes": [
                after - before for before, after in zip(printed, _printed_bytes(), strict=True)
            ],
        }
        self.write()
        if trouble:
            raise _FailedError(trouble)


def _told(error: BaseException) -> str:
    """An exception as code writes it, in one line; what it says of itself may raise, too."""
    return attempt(lambda: in_one_line(repr(error)), "an exception's text")


def main(arguments: list[str]) -> None:
    """Inspect what the arguments name; the answer is a file.

    Parameters
    ----------
    arguments : list of str
        As the module's docstring says.
    """
    path, name, value, distribution, *backend = arguments
    answer = _Answer(path)
    point = EntryPoint(name, value, GROUP)
    try:
        if backend:
            _try_backend(answer, point, backend[0])
        else:
            _ask(answer, point, distribution)
    except _FailedError:
        pass  # it is written down
    answer.facts["at"] = ""
    answer.write()


def _ask(answer: _Answer, point: EntryPoint, distribution: str) -> None:
    """Load a plug-in's light module, and ask every hook of it."""
    before = _top_modules()
    with answer.step("import"):
        module = point.load()
    answer.facts |= _declared(module)
    with suppress(_FailedError):
        _ask_for_backends(answer, module, distribution)
    answer.facts["libraries"] = _libraries(_top_modules() - before, point)
    for hook, tell in TOLD.items():
        with suppress(_FailedError):
            if hook in answer.facts["hooks"]:
                with answer.step(hook):
                    answer.facts[hook] = [tell(item) for item in getattr(module, hook)()]


def _ask_for_backends(answer: _Answer, module: ModuleType, distribution: str) -> None:
    if BACKENDS not in answer.facts["hooks"]:
        return
    with answer.step(BACKENDS):
        specs = [_of_kind(spec, BackendSpec) for spec in module.phos_convolution_backends()]
        answer.facts["backends"] = [asdict(spec) for spec in specs]
    with answer.step("names"):
        _check_names([spec.name for spec in specs], distribution)


def _declared(module: ModuleType) -> dict[str, Any]:
    """What a plug-in's module says of itself, and what it seems to have meant to say."""
    manager = pluggy.PluginManager(GROUP)
    functions = {name for name, entry in vars(module).items() if callable(entry)}
    marked = {name for name in functions if manager.parse_hookimpl_opts(module, name) is not None}
    return {
        "hook_api": shown(getattr(module, "PHOS_HOOK_API", None)),
        "has_hook_api": getattr(module, "PHOS_HOOK_API", None) == HOOK_API,
        "hooks": sorted(marked & set(HOOKS)),
        "unknown_hooks": sorted(marked - set(HOOKS)),
        "unmarked_hooks": sorted(functions & set(HOOKS) - marked),
    }


def _of_kind(item: Any, kind: type) -> Any:
    if not isinstance(item, kind):
        raise TypeError(f"expected a {kind.__name__}, got {shown(item)}")
    return item


def _film(path: Any) -> str:
    """A film's name; it must be one that can be loaded."""
    from phos_core.stocks import load_film

    return load_film(Path(path)).name


def _finder(find: Any) -> str:
    """What finds colour spaces: a function, which may need a library that is not installed."""
    if not callable(find):
        raise TypeError(f"expected a function, got {shown(find)}")
    return str(getattr(find, "__qualname__", type(find).__name__))


def _command(command: Any) -> str:
    import click

    return str(_of_kind(command, click.Command).name)


def _scheduler(spec: Any) -> str:
    return str(_of_kind(spec, SchedulerSpec).name)


TOLD: Mapping[str, Any] = {
    "phos_films": _film,
    "phos_commands": _command,
    "phos_schedulers": _scheduler,
    "phos_colour_spaces": _finder,
}


def _check_names(names: list[str], distribution: str) -> None:
    """Fail if a name is given twice or is not the plug-in's to give."""
    for name in names:
        if names.count(name) > 1:
            raise _FailedError(f"the name {name!r} is given twice")
        belongs_to = owner_of_backend(name)
        if belongs_to is not None and normalised(distribution) != belongs_to:
            raise _FailedError(f"the name {name!r} belongs to {belongs_to}")


def _libraries(loaded: set[str], point: EntryPoint) -> list[str]:
    """The top-level modules of others that were loaded."""
    own = {point.module.partition(".")[0], "phos_core", "phos_darkroom"}
    return sorted(
        top
        for top in loaded - own - sys.stdlib_module_names
        if not top.startswith(("__editable__", "_sysconfigdata"))
    )


def _top_modules() -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}


def _try_backend(answer: _Answer, point: EntryPoint, name: str) -> None:
    """Make a backend, probe it, test it, and develop a picture on it."""
    settings = process_state.snapshot()
    module = point.load()
    process_state.put_back(settings)  # it was found when the module was looked at by itself
    (spec,) = (spec for spec in module.phos_convolution_backends() if spec.name == name)
    with answer.step("requirements"):
        if not _can_run(answer, check_requirements(spec)):
            return
    with answer.step("factory"):
        where, _, function = spec.factory.partition(":")
        backend = _of_kind(getattr(import_module(where), function)(), ConvolutionBackend)
        if backend.name != name:
            raise _FailedError(f"it gave a backend named {shown(backend.name)}, not {name!r}")
    with answer.step("probe"):
        if not _can_run(answer, _of_kind(probe_of(backend), ProbeReport)):
            return
    with answer.step("self-test"):
        _self_test(backend)
    with answer.step("develop"):
        _develop(backend)


def _can_run(answer: _Answer, report: ProbeReport) -> bool:
    """Note why a backend cannot run here; where that is a fault, the step fails."""
    if report.status == "broken":
        raise _FailedError(f"broken: {report.reason}")
    answer.facts |= {"status": report.status, "reason": report.reason, "hint": report.hint}
    return report.status == "ok"


def _self_test(backend: ConvolutionBackend) -> None:
    from phos_core.convolution import self_test

    wrong = self_test(backend)
    if wrong:
        raise _FailedError(wrong)


def _develop(backend: ConvolutionBackend) -> None:
    """Develop a picture as the built-in backend does."""
    from phos_core.process import develop

    shape = (DEVELOPED_ROWS, DEVELOPED_COLS, 3)
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    expected = develop(image, backend="scipy")
    error = float(np.abs(develop(image, backend=backend, strict=True) - expected).max())
    if not error <= DEVELOP_ERROR:
        raise _FailedError(f"off by {error:.2g}, {DEVELOP_ERROR:g} is allowed")


def _printed_bytes() -> tuple[int, int]:
    """How much is in the files that stdout and stderr are, in a process of `children`."""
    for stream in (sys.stdout, sys.stderr):
        attempt(stream.flush, "flushing")
    sizes = [attempt(partial(os.fstat, number), "size") for number in (1, 2)]
    out, err = (0 if isinstance(size, Trouble) else size.st_size for size in sizes)
    return out, err


def _other_settings() -> dict[str, Any]:
    """What `process_state` cannot put back: only a process of its own can be thrown away."""
    pooled = ("ThreadPoolExecutor", "phos")  # which Python ends when it ends
    threads = (thread.name for thread in threading.enumerate() if not thread.daemon)
    ufuncs = {name: id(entry) for name, entry in vars(np).items() if isinstance(entry, np.ufunc)}
    return {
        "NumPy's functions": ufuncs,
        "whether tiny numbers are rounded to zero": bool(np.float32(1e-40) * np.float32(0.5) == 0),
        "the threads that keep a process from ending": sorted(
            name for name in threads if not name.startswith(pooled)
        ),
        "whether stdout is closed": bool(getattr(sys.stdout, "closed", True)),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # whatever a plug-in left running
