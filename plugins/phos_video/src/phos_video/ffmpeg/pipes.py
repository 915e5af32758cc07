"""Pipes to and from ffmpeg: wide, never deadlocked, and gone when their user is."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

from phos_video.errors import VideoError
from phos_video.ffmpeg.programs import last_words

if sys.platform == "linux":
    import fcntl

__all__ = ["Piped"]

# Ctrl-C at the terminal is for us: whoever reads and writes here decides what becomes of a frame.
ALONE: dict[str, Any] = {
    "start_new_session": sys.platform != "win32",
    "creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
}
PIPE_BYTES = 1 << 20  # what Linux allows without privileges
KEPT_BYTES = 1 << 16  # of what a program says, the last


class Piped:
    """A program at the other end of a pipe.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    writes : bool
        Whether we write to it; else we read from it.
    trouble : str
        How an error begins.
    """

    def __init__(self, command: Sequence[str], *, writes: bool, trouble: str) -> None:
        self.trouble = trouble
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if writes else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if writes else subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # Ctrl-C at a terminal is for us alone: what is in work is to be finished.
                process_group=0 if os.name == "posix" else None,
            )
        except OSError as error:
            raise VideoError(f"{trouble}: {error.strerror or error}") from error
        stream = self.process.stdin if writes else self.process.stdout
        assert stream is not None  # noqa: S101 - as asked for above
        self.stream: IO[bytes] = stream
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Read what it says, so that it never waits for somebody who does."""
        errors = self.process.stderr
        assert errors is not None  # noqa: S101
        with contextlib.suppress(OSError, ValueError):
            while said := errors.read(4096):
                self._said += said
                del self._said[:-KEPT_BYTES]

    def fill(self, buffer: memoryview) -> bool:
        """Fill a buffer from the pipe; whether so much came."""
        readinto = self.stream.readinto  # type: ignore[attr-defined]
        while len(buffer):
            size = readinto(buffer)
            if not size:
                return False
            buffer = buffer[size:]
        return True

    def empty(self, buffer: memoryview) -> None:
        """Write a buffer to the pipe, all of it; OSError if the program has ended."""
        while len(buffer):
            buffer = buffer[self.stream.write(buffer) :]

    def finish(self) -> int:
        """Close our end, wait for it, and give its exit code."""
        with contextlib.suppress(OSError):
            self.stream.close()
        code = self.process.wait()
        self._listener.join()
        self._close()
        return code

    def kill(self) -> None:
        """End it, whatever it does; nothing of it is left."""
        self.process.kill()
        self.finish()

    def error(self) -> VideoError:
        """What went wrong, in our words and its last."""
        return VideoError(f"{self.trouble}: {last_words(bytes(self._said))}")

    @property
    def said(self) -> bytes:
        """What it has said so far, or the last of it."""
        return bytes(self._said)

    def _close(self) -> None:
        if self.process.stderr is not None:
            self.process.stderr.close()
