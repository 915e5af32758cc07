"""What can go wrong, by name."""

import re
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

__all__ = [
    "BackendFallbackWarning",
    "BackendUnavailableError",
    "ConfigurationError",
    "DevelopStoppedError",
    "DeviceLostError",
    "FilmFileError",
    "ImageFileError",
    "NotCompiledError",
    "OutOfMemoryError",
    "PhosError",
    "PresetError",
    "SidecarError",
    "SpaceError",
    "UnknownBackendError",
    "UnknownFilmError",
    "UnknownPlugInError",
    "UnknownPresetError",
    "UnknownSpaceError",
    "UnsupportedOperationError",
    "nearest",
    "plain_name",
    "shown",
]

SHOWN_CHARACTERS = 80  # of a value in an error: enough to know it by, on one line


def shown(value: Any) -> str:
    """Write a value that came as an error shows it: on one line, and cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a class may raise what it likes, a long number does
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


class PhosError(Exception):
    """Base of every error that phos raises under a name of its own."""


def plain_name(name: str) -> str:
    """Give a name's letters and digits, in lower case: what counts of it."""
    return re.sub(r"[\W_]", "", name.casefold())


def nearest(name: str, known: Iterable[str], *, count: int = 1, likeness: float = 0.6) -> list[str]:
    """Give the names that somebody may have meant, the most alike first.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What there is.
    count : int
        How many are given at most.
    likeness : float
        How alike they are at least, from 0 to 1.

    Notes
    -----
    Letters and digits count, and most those with which a name, or a word in it, begins: whoever
    writes "slog4" means one of Sony's, not "LogC4", which has as many letters of it.
    """
    wanted = plain_name(name)
    scored = [(*_likeness(wanted, one), one) for one in dict.fromkeys(known)] if wanted else []
    fitting = [(begins + alike, one) for alike, begins, one in scored if alike >= likeness]
    return [one for _, one in sorted(fitting, key=lambda pair: -pair[0])[:count]]


def _likeness(wanted: str, other: str) -> tuple[float, float]:
    """How alike two names are, and which share of the first one's letters begins the other too.

    Of the other any word may be where it begins, and what is written may be only its beginning.
    """
    from difflib import SequenceMatcher  # not loaded before something is wrong

    lead = re.split(r"\d", wanted)[0]
    found = []
    for word in re.finditer(r"[^\W_]+", other):
        spelt = plain_name(other[word.start() :])
        whole, begun = (
            SequenceMatcher(None, wanted, part).ratio() for part in (spelt, spelt[: len(wanted)])
        )
        shared = [
            one
            for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(lead, spelt, strict=False))
        ]
        begins = len(shared) / max(len(lead), 1)
        found.append((max(whole, begun), begins + whole / 10.0))  # of equals the shortest
    return max(found, key=sum, default=(0.0, 0.0))


class _UnknownNameError(PhosError, LookupError):
    """A name that nothing answers to; the message lists the nearest that would."""

    kind: str

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(self.name, self.known)

    def __str__(self) -> str:
        near = nearest(self.name.lower(), self.known, count=3)
        if near:
            return f"unknown {self.kind} {self.name!r}; did you mean {' or '.join(near)}?"
        listed = ", ".join(self.known) if self.known else "none"
        return f"unknown {self.kind} {self.name!r}; known: {listed}"


class UnknownFilmError(_UnknownNameError):
    """No film stock has this name.

    Parameters
    ----------
    name : str
        The name that was asked for.
    known : iterable of str
        The names that exist.
    """

    kind = "film"


class UnknownBackendError(_UnknownNameError):
    """No backend has this name.

    Parameters
    ----------
    name : str
        The name that was asked for.
    known : iterable of str
        The names that exist.
    """

    kind = "backend"


class UnknownPresetError(_UnknownNameError):
    """No preset has this name.

    Parameters
    ----------
    name : str
        The name that was asked for.
    known : iterable of str
        The names that exist.
    """

    kind = "preset"


class UnknownPlugInError(_UnknownNameError):
    """No plug-in has this name.

    Parameters
    ----------
    name : str
        The name that was asked for.
    known : iterable of str
        The entry points and distributions that exist.
    """

    kind = "plug-in"


class UnknownSpaceError(_UnknownNameError):
    """No colour space has this name, or several have.

    Parameters
    ----------
    name : str
        The name that was asked for.
    known : iterable of str
        The names that are like it, the most alike first.
    """

    kind = "colour space"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(name, known)
        self.known = tuple(known)

    def __str__(self) -> str:
        near = f"; did you mean {' or '.join(map(repr, self.known))}?" if self.known else ""
        return f"unknown {self.kind} {self.name!r}{near}"


class ConfigurationError(PhosError, ValueError):
    """The configuration file cannot be read, or something in it is wrong."""


class BackendUnavailableError(PhosError, RuntimeError):
    """A backend exists but cannot run here.

    Parameters
    ----------
    name : str
        The backend.
    reason : str
        Why it cannot run.
    hint : str, optional
        What would help.
    """

    def __init__(self, name: str, reason: str, hint: str = "") -> None:
        self.name = name
        self.reason = reason
        self.hint = hint
        super().__init__(name, reason, hint)

    def __str__(self) -> str:
        message = f"backend {self.name!r} cannot run: {self.reason}"
        return f"{message}; {self.hint}" if self.hint else message


class UnsupportedOperationError(PhosError):
    """The backend cannot compute this; another one may."""


class OutOfMemoryError(PhosError, MemoryError):
    """The device or the host ran out of memory."""


class DevelopStoppedError(PhosError):
    """Whoever watches a develop has stopped it: see `phos_core.process.watching`."""


class DeviceLostError(PhosError):
    """The device went away in the middle of the work, or computes NaN from numbers."""


class NotCompiledError(PhosError):
    """A backend would first have to compile code, and the work is not to wait for that."""


class ImageFileError(PhosError, ValueError):
    """A picture file that cannot be read or written; one line says which and why."""


class FilmFileError(PhosError, ValueError):
    """A stock's TOML cannot be read, or a figure in it is missing or wrong."""


class SpaceError(PhosError, ValueError):
    """A colour space cannot be used: what finds it is missing, or its configuration is wrong."""


class SidecarError(PhosError, ValueError):
    """A sidecar cannot be written or read, or what it was made with has changed since."""


class PresetError(PhosError, ValueError):
    """A preset cannot be saved or read."""


class BackendFallbackWarning(UserWarning):
    """Part of the work ran elsewhere, or in another way, than was chosen."""
