"""``phos`` from its first moment on: what ends it early leaves one line and no half-written file.

This module stands outside `phos_core`, whose import takes long enough for a Ctrl-C to fall into it.
"""

import contextlib
import gc
import os
import signal
import sys
from types import FrameType

__all__ = ["main"]

SHELL_CODE = 128  # and the signal's number: what a shell says of a program that a signal ended
SHOW_CURSOR = b"\x1b[?25h"  # a progress bar hides it


def main() -> None:
    """Run the command line."""
    _listen()
    gc.disable()  # while modules are loaded nothing of them becomes garbage
    from phos_darkroom.shell.late import load_f2py_late
    from phos_darkroom.shell.main import main as command_line

    load_f2py_late()
    gc.freeze()  # nor later
    gc.enable()
    command_line()


def _listen() -> None:
    """End in order at Ctrl-C, at SIGTERM, and when the terminal goes away."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # What nohup has set is left as it is.
        if number is not None and (name == "SIGINT" or _is_heard(number)):
            signal.signal(number, _end)


def _is_heard(number: signal.Signals) -> bool:
    return signal.getsignal(number) is not signal.SIG_IGN


def _end(number: int, _: FrameType | None) -> None:
    """End the workers, remove what is half-written, say so in a line, and end.

    Without an exception: whatever code it fell into might catch that, or print it.
    """
    for each in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, each):
            signal.signal(getattr(signal, each), signal.SIG_IGN)
    for module, last_act in (
        ("phos_darkroom.roll.processes", "end_all"),
        ("phos_darkroom.files.whole_files", "abandon_all"),
    ):
        act = getattr(sys.modules.get(module), last_act, None)  # it may be half imported
        if act is not None:
            with contextlib.suppress(Exception):
                act()
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)
        os.write(2, b"phos: stopped\n" if number == signal.SIGINT else b"phos: ended\n")
    os._exit(SHELL_CODE + number)
