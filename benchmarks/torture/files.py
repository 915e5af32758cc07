"""Make the n-th operation on a file fail, for files under one folder alone."""

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ERRORS = {
    "open": (errno.EIO, errno.EMFILE, errno.EACCES),
    "read": (errno.EIO,),
    "write": (errno.ENOSPC, errno.EDQUOT),
    "truncate": (errno.EIO,),
    "fsync": (errno.EDQUOT, errno.EIO),
    "close": (errno.EDQUOT,),
    "rename": (errno.EDQUOT, errno.EACCES),
    "mkdir": (errno.ENOSPC,),
    "chmod": (errno.EPERM,),
    "list": (errno.EACCES,),
}
"""What each operation fails with, in turn: what disks, quotas and network file systems answer.

Removing a file is not among them: a part that the system will not remove is left, by necessity.
"""


class FileFault:
    """Counts operations on the files of a folder, and makes one of them fail.

    Parameters
    ----------
    folder : Path
        Operations elsewhere are left alone.
    at : int or None
        Which operation fails, 0 for the first; None: all succeed and are counted.
    """

    def __init__(self, folder: Path, at: int | None = None) -> None:
        self.folder = os.path.realpath(folder)
        self.at = at
        self.count = 0
        self.failed = ""
        self.descriptors: set[int] = set()

    def covers(self, file: Any) -> bool:
        """Whether a path or an open descriptor is one of the folder's."""
        if isinstance(file, int):
            return file in self.descriptors
        try:
            return os.path.realpath(os.fspath(file)).startswith(self.folder)
        except (TypeError, ValueError):
            return False

    def tick(self, operation: str, name: Any) -> None:
        """Count one operation; raise if it is the one."""
        here, self.count = self.count, self.count + 1
        if here != self.at:
            return
        numbers = ERRORS[operation]
        number = numbers[here % len(numbers)]
        self.failed = f"{operation}: {errno.errorcode[number]}"
        raise OSError(number, os.strerror(number), None if isinstance(name, int) else str(name))


class _Faulty(io.FileIO):
    """A file whose operations are counted."""

    def __init__(self, fault: FileFault, *arguments: Any, **named: Any) -> None:
        self._fault = fault
        super().__init__(*arguments, **named)
        fault.descriptors.add(self.fileno())

    def readinto(self, buffer: Any) -> Any:
        self._fault.tick("read", self.name)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self._fault.tick("read", self.name)
        return super().readall()

    def read(self, size: int | None = -1) -> Any:
        self._fault.tick("read", self.name)
        return super().read(size)

    def write(self, data: Any) -> Any:
        self._fault.tick("write", self.name)
        return super().write(data)

    def truncate(self, size: int | None = None) -> int:
        self._fault.tick("truncate", self.name)
        return super().truncate(size)

    def close(self) -> None:
        if self.closed:
            return
        self._fault.descriptors.discard(self.fileno())
        was_written = self.writable()
        super().close()
        if was_written:  # a network file system says at the end that the quota is full
            self._fault.tick("close", self.name)


@contextmanager
def planted(fault: FileFault) -> Iterator[None]:
    """Put a fault between this process and its files."""
    real_open = io.open
    was = {
        (module, name): getattr(module, name)
        for module, name in [
            (builtins, "open"), (io, "open"), (os, "open"), (os, "fsync"), (os, "replace"),
            (os, "rename"), (os, "link"), (os, "mkdir"), (os, "chmod"), (os, "fchmod"),
            (os, "listdir"), (os, "scandir"),
        ]
        if hasattr(module, name)
    }  # fmt: skip

    def opened(
        file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None,
        errors: str | None = None, newline: str | None = None, closefd: bool = True,
        opener: Any = None,
    ) -> Any:  # fmt: skip
        if not fault.covers(file):
            return real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not isinstance(file, int):
            fault.tick("open", file)
        raw = _Faulty(fault, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        if "+" in mode:
            buffered: Any = io.BufferedRandom(raw)
        elif "r" in mode:
            buffered = io.BufferedReader(raw)
        else:
            buffered = io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline)

    def opened_low(path: Any, *arguments: Any, **named: Any) -> int:
        is_ours = fault.covers(path)
        if is_ours:
            fault.tick("open", path)
        descriptor: int = was[os, "open"](path, *arguments, **named)
        if is_ours:
            fault.descriptors.add(descriptor)
        return descriptor

    def counted(name: str, operation: str) -> Callable[..., Any]:
        real = was[os, name]

        def call(*arguments: Any, **named: Any) -> Any:
            if arguments and fault.covers(arguments[0]):
                fault.tick(operation, arguments[0])
            return real(*arguments, **named)

        return call

    instead: dict[tuple[Any, str], Any] = {
        (builtins, "open"): opened,
        (io, "open"): opened,
        (os, "open"): opened_low,
    }
    operations = {"replace": "rename", "link": "rename", "fchmod": "chmod", "listdir": "list"}
    operations["scandir"] = "list"
    for module, name in was:
        if (module, name) not in instead:
            instead[module, name] = counted(name, operations.get(name, name))
    for (module, name), function in instead.items():
        setattr(module, name, function)
    try:
        yield
    finally:
        for (module, name), function in was.items():
            setattr(module, name, function)
