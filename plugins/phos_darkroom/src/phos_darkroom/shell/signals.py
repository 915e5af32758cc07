"""What a command that takes long does at Ctrl-C, at SIGTERM, and when the terminal goes away."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Stop", "stopping_at_signals"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SHELL_CODE = 128  # and the signal's number: what a shell says of a program that a signal ended
INTERRUPTED = SHELL_CODE + signal.SIGINT


@dataclass(slots=True)
class Stop:
    """Whether a roll is to stop, and with which code then."""

    event: threading.Event = field(default_factory=threading.Event)
    code: int = INTERRUPTED


@contextlib.contextmanager
def stopping_at_signals() -> Iterator[Stop]:
    """Give what the first Ctrl-C sets; the second interrupts, as SIGTERM and SIGHUP do at once.

    What comes after that does what it did before.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals are for the main thread
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}

    def leave_it() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _: object) -> None:
        if number != signal.SIGINT:
            stop.code = SHELL_CODE + number
        elif not stop.event.is_set():
            stop.event.set()
            with contextlib.suppress(OSError, ValueError):  # print may be in the middle of a line
                os.write(
                    sys.stderr.fileno(), b"\nphos: stopping once the frames in work are done\n"
                )
            return
        stop.event.set()
        leave_it()
        raise KeyboardInterrupt

    for number in numbers:
        if number == signal.SIGINT or before[number] is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, handle)
    try:
        yield stop
    finally:
        leave_it()
