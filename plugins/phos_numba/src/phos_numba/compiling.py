"""Source that is compiled once and kept: written to the user's cache, where Numba keeps code."""

import hashlib
import importlib.util
import os
import pickle
import stat
import sys
import tempfile
import threading
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from phos_core.backend import about_to_compile
from phos_numba.locking import alone

__all__ = ["cache_folder", "is_ready", "load_function"]

MADE_WITH = ("numba", "llvmlite", "numpy")  # whose versions compiled code depends on
INLINED = Path(__file__).with_name("mathematics.py")  # becomes part of what is compiled
UNREADABLE = (OSError, RuntimeError, EOFError, ImportError, pickle.PickleError)

ROOT = 0
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

DONE = "compiled"

_lock = threading.Lock()


class UntrustedFolderError(Exception):
    """Another user could write to the cache.

    Parameters
    ----------
    path : Path
        What is not this user's alone.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"compiled code is neither kept nor loaded: {path} belongs to another user, or others "
            "may write to it; set NUMBA_CACHE_DIR to a folder of your own"
        )


def load_function(text: str, name: str) -> Any:
    """Compile a function, or load its compiled code.

    Parameters
    ----------
    text : str
        A module in which Numba compiles the function, with the global name ``CACHE`` for whether
        it shall keep the code.
    name : str
        Of the function.

    Returns
    -------
    callable
        The compiled function.

    Notes
    -----
    The source lies in `cache_folder` under a hash of itself and of all that the code depends on,
    and Numba keeps the code beside it. Where the folder cannot be used, nothing is kept; where
    another user could write to it, nothing is kept there or loaded from it, with a warning.
    """
    stamped = f"# {_stamp()}\n{text}"
    module_name = f"phos_numba_{hashlib.sha256(stamped.encode()).hexdigest()[:24]}"
    with _lock:
        try:
            module = _kept(module_name, stamped)
        except UntrustedFolderError as error:
            _warn_once(str(error))
            module = _not_kept(module_name, stamped)
        except UNREADABLE:
            module = _not_kept(module_name, stamped)
    return getattr(module, name)


def is_ready() -> bool:
    """Say whether anything is kept that was compiled by these versions: what the plug-in names.

    A picture may need more than that; then `load_function` raises.
    """
    return _is_compiled(_marker(cache_folder()))


def cache_folder() -> Path:
    """Give the folder in which source and compiled code are kept.

    Returns
    -------
    Path
        ``phos`` in ``NUMBA_CACHE_DIR`` where that is set; else in the user's folder for caches.

    Raises
    ------
    RuntimeError
        If the user has no home folder.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "phos"
    match sys.platform:
        case "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "phos"
        case "darwin":
            return Path.home() / "Library/Caches/phos"
        case _:
            return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "phos"


def check_owner(folder: Path) -> None:
    """Raise where another user could have put code into the cache: it would be run as this user.

    A cache of this user's own that others may write to is closed to them.

    Parameters
    ----------
    folder : Path
        The cache's.

    Raises
    ------
    UntrustedFolderError
        If the folder, or what lies in it, belongs to another user.
    """
    if os.name == "nt":
        return  # the folder lies in the user's own, and permissions are of another kind
    status = folder.stat()
    if status.st_mode & OTHERS_WRITE and status.st_uid == os.getuid():
        folder.chmod(0o700)
    _check(folder, [*folder.iterdir(), *folder.glob("__pycache__/*")])
    if os.environ.get("NUMBA_CACHE_DIR"):  # where Numba itself keeps code, beside this folder
        _check(folder.parent, list(folder.parent.iterdir()))


def _check(folder: Path, entries: list[Path]) -> None:
    if folder.stat().st_mode & OTHERS_WRITE:
        raise UntrustedFolderError(folder)
    for path in (folder, *entries):
        if path.stat().st_uid not in (os.getuid(), ROOT):
            raise UntrustedFolderError(path)


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _kept(module_name: str, text: str) -> ModuleType:
    """Import the source from the cache, written there first if it is not."""
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_owner(folder)
    path = folder / f"{module_name}.py"
    mark = path.with_suffix(".compiled")
    if _is_compiled(mark):
        return _imported(module_name, path, text)
    about_to_compile("numba")
    with alone(mark) as first:  # others wait, and load what it has kept
        module = _imported(module_name, path, text)
        if first:
            mark.write_text(DONE, encoding="ascii")
            _marker(folder).write_text(DONE, encoding="ascii")
    return module


def _is_compiled(mark: Path) -> bool:
    """Whether what a file stands for is compiled; while that is done the file is empty."""
    try:
        return mark.stat().st_size > 0
    except OSError:
        return False


def _marker(folder: Path) -> Path:
    """Stands for whatever is compiled by these versions."""
    stamp = hashlib.sha256(_stamp().encode()).hexdigest()[:24]
    return folder / f"phos_numba_{stamp}.any"


def _imported(module_name: str, path: Path, text: str) -> ModuleType:
    """Import the source; where its code is not kept yet, Numba compiles and keeps it."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        _write(path, text)
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path}")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["CACHE"] = True
    sys.modules[module_name] = module  # Numba finds the globals of code that it loads there
    try:
        spec.loader.exec_module(module)
    except UNREADABLE:
        del sys.modules[module_name]
        raise
    return module


def _not_kept(module_name: str, text: str) -> ModuleType:
    about_to_compile("numba")
    module = ModuleType(module_name)
    module.__dict__["CACHE"] = False
    exec(compile(text, f"<{module_name}>", "exec"), module.__dict__)
    return module


def _write(path: Path, text: str) -> None:
    """Put a file in its place all at once: other processes never see half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@cache
def _stamp() -> str:
    """What else than the source decides on the code."""
    versions = ", ".join(f"{name} {version(name)}" for name in MADE_WITH)
    inlined = hashlib.sha256(INLINED.read_bytes()).hexdigest()[:16]
    return f"{versions}, mathematics {inlined}"
