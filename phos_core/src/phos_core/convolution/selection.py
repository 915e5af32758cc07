"""Choose a backend: the one that is named, or else the best that can run.

It may be named by an argument, by `use_backend`, or by the environment variable
``PHOS_BACKEND``, in this order. A backend that is named runs, or an error says why not; it is
never replaced by another.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeAlias

from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.probing import BackendReport, probe
from phos_core.convolution.registry import OfferedBackend, offered_backends
from phos_core.errors import BackendUnavailableError, UnknownBackendError

__all__ = ["Candidate", "Selection", "Source", "backends", "select", "use_backend"]

Source: TypeAlias = Literal["argument", "context", "environment", "auto"]

AUTO = "auto"

_in_context: ContextVar[str | ConvolutionBackend | None] = ContextVar("phos_backend", default=None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backend that was considered.

    Parameters
    ----------
    name : str
        The backend.
    reason : str or None
        Why it was passed over; None if it was chosen.
    """

    name: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """A backend, and how it came to be chosen.

    Parameters
    ----------
    backend : ConvolutionBackend
        The backend, ready to run.
    source : Source
        Who named it; "auto" if nobody did.
    candidates : tuple of Candidate
        The backends that were considered, in order, the chosen one last.
    """

    backend: ConvolutionBackend
    source: Source
    candidates: tuple[Candidate, ...]


def select(backend: str | ConvolutionBackend | None = None) -> Selection:
    """Choose the backend that work shall run on.

    Parameters
    ----------
    backend : str, ConvolutionBackend or None
        A backend's name, a backend, "auto" for the best one, or None for what `use_backend` or
        ``PHOS_BACKEND`` say.

    Returns
    -------
    Selection
        The backend and the reasons.

    Raises
    ------
    UnknownBackendError
        If no backend has the name.
    BackendUnavailableError
        If the named backend, or any at all, cannot run here.
    TypeError
        If `backend` is neither a name nor a backend.
    """
    wanted, source = _wanted(backend)
    if wanted is None or wanted == AUTO:
        return _best(source)
    if isinstance(wanted, str):
        return _named(wanted, source)
    if not isinstance(wanted, ConvolutionBackend):
        raise TypeError(f"backend must be a name or a convolution backend, got {wanted!r}")
    return Selection(wanted, source, (Candidate(wanted.name),))


@contextmanager
def use_backend(backend: str | ConvolutionBackend) -> Iterator[ConvolutionBackend]:
    """Choose the backend for everything inside a ``with`` block.

    Parameters
    ----------
    backend : str or ConvolutionBackend
        A backend's name, a backend, or "auto".

    Yields
    ------
    ConvolutionBackend
        The backend that will run.

    Raises
    ------
    UnknownBackendError, BackendUnavailableError, TypeError
        As for `select`, on entering the block.

    Notes
    -----
    The choice belongs to the current context: other threads and tasks do not see it.
    """
    chosen = select(backend).backend
    token = _in_context.set(backend)
    try:
        yield chosen
    finally:
        _in_context.reset(token)


def backends() -> tuple[BackendReport, ...]:
    """Report on every backend that is installed; this imports and tries each of them.

    Returns
    -------
    tuple of BackendReport
        Highest priority first, broken plug-ins last.
    """
    reports = [probe(offer).report for offer in offered_backends()]
    return tuple(sorted(reports, key=_rank))


def _wanted(
    argument: str | ConvolutionBackend | None,
) -> tuple[str | ConvolutionBackend | None, Source]:
    if argument is not None:
        return argument, "argument"
    in_context = _in_context.get()
    if in_context is not None:
        return in_context, "context"
    named = os.environ.get("PHOS_BACKEND", "").strip()
    return (named, "environment") if named else (None, "auto")


def _named(name: str, source: Source) -> Selection:
    offers = [offer for offer in offered_backends() if offer.name == name]
    if not offers:
        raise UnknownBackendError(name, {offer.name for offer in offered_backends()})
    reports = []
    for offer in offers:
        probed = probe(offer)
        if probed.backend is not None:
            return Selection(probed.backend, source, (Candidate(name),))
        reports.append(probed.report)
    raise BackendUnavailableError(name, reports[0].reason, reports[0].hint)


def _best(source: Source) -> Selection:
    passed: list[Candidate] = []
    for offer in sorted(offered_backends(), key=_rank):
        probed = probe(offer)
        reason = _objection(probed.backend, probed.report)
        passed.append(Candidate(offer.name, reason))
        if probed.backend is not None and reason is None:
            return Selection(probed.backend, source, tuple(passed))
    listed = "; ".join(f"{candidate.name}: {candidate.reason}" for candidate in passed)
    raise BackendUnavailableError(
        AUTO, listed or "no backend is installed", "phos backends shows what would help"
    )


def _objection(backend: ConvolutionBackend | None, report: BackendReport) -> str | None:
    """Why a backend is not chosen unasked."""
    if backend is None:
        return f"{report.status}: {report.reason}"
    if backend.accuracy != "exact":
        return f"its accuracy is {backend.accuracy!r}; it runs when it is named"
    return None


def _rank(entry: BackendReport | OfferedBackend) -> tuple[bool, int, str]:
    """Sort key: highest priority first, then those that have none."""
    priority = entry.priority
    return priority is None, -(priority or 0), entry.name
