"""Compile a backend's code in a process of its own, while another backend works.

A process, not a thread: a compiler would take turns with the work at the interpreter's lock, and
one that is in the middle of its work when the interpreter is taken down crashes it. The process
does the same call on a picture without content; the backend keeps what it compiles for that. It
ends with this process, however that ends: it holds the other end of a pipe.
"""

import atexit
import hashlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.convolution.choosing.guarded import PATIENCE
from phos_core.convolution.waiting import VARIABLE, policy, say_that_it_is_compiled

__all__ = ["compile_meanwhile", "is_compiling", "main"]

START = f"from {__name__} import main; main()"
LOST = 1  # exit code where nobody waits any more
NICENESS = 10
HOURS = "10000"  # s that a backend may take to be tried: so little of a busy machine is left for it
MOST_BYTES = 2**16  # of an order: what a pipe holds, so that nobody waits for its reader

logger = logging.getLogger(__name__)


class _Compiler:
    """The process at work, if there is one, and what was begun before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.backend = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.begun: set[str] = set()

    def is_at_work(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """End it: what it has compiled is kept."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._let_go(self.process)

    def begin(self, backend: str, process: "subprocess.Popen[bytes] | None") -> None:
        """Take a process in place of one that has ended."""
        if self.process is not None:
            self._let_go(self.process)
        self.backend, self.process = backend, process

    def _let_go(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()

    def forget(self) -> None:
        """In a forked child: the process is the parent's, who alone holds the pipe."""
        if self.process is not None:
            self.process.returncode = 0  # nobody here waits for it
            self._let_go(self.process)
        self.__init__()  # type: ignore[misc]


def compile_meanwhile(
    backend: str,
    call: str,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    settings: Mapping[str, Any],
) -> None:
    """Begin to compile what a call needs, unless a compiler is at work or this was begun before.

    Parameters
    ----------
    backend : str
        Whose code.
    call : str
        A function of a picture, "package.module:function".
    shape, dtype
        Of the picture.
    settings : mapping
        Keyword arguments of the call, besides `backend`.

    Notes
    -----
    Nothing is begun unless ``PHOS_COMPILE`` is "background", nor where no Python can be started.
    """
    if policy() != "background" or getattr(sys, "frozen", False) or not sys.executable:
        return
    order = pickle.dumps((call, shape, np.dtype(dtype).str, {**settings, "backend": backend}))
    if len(order) > MOST_BYTES:  # with a PSF so large that it is transformed, not compiled
        return
    with _compiler.lock:
        digest = hashlib.sha256(order).hexdigest()
        if _compiler.is_at_work() or digest in _compiler.begun:
            return
        _compiler.begun.add(digest)
        _compiler.begin(backend, _started(order))
    say_that_it_is_compiled(backend)


def is_compiling(backend: str) -> bool:
    """Say whether a process of this one compiles a backend's code now."""
    with _compiler.lock:
        return _compiler.backend == backend and _compiler.is_at_work()


def main() -> None:
    """Do what the parent ordered through standard input, and end when that is closed."""
    call, shape, dtype, settings = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    module, _, function = call.partition(":")
    level = np.iinfo(dtype).max // 2 if np.dtype(dtype).kind == "u" else 0.5
    getattr(import_module(module), function)(np.full(shape, level, dtype), **settings)
    os._exit(0)  # the thread waits for its pipe


def _end_with_the_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        continue
    os._exit(LOST)


def _started(order: bytes) -> "subprocess.Popen[bytes] | None":
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", START],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, VARIABLE: "wait", "PHOS_THREADS": "1", PATIENCE: HOURS},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        logger.info("no process can be started to compile in: %s", error)
        return None
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.write(order)
    return process


_compiler = _Compiler()
atexit.register(_compiler.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_compiler.forget)
