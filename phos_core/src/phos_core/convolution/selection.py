"""Choose a backend: the one that is named, or else the best that can run.

It may be named by an argument, by `use_backend`, or by the environment variable
``PHOS_BACKEND``, in this order. A backend that is named runs, or an error says why not; it is
never replaced by another.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeAlias

from phos_core.arrays import Array, device
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.ours import OURS, absent
from phos_core.convolution.probing import BackendReport, probe
from phos_core.convolution.registry import OfferedBackend, offered_backends, plug_ins
from phos_core.errors import BackendUnavailableError, UnknownBackendError

__all__ = [
    "Candidate",
    "Selection",
    "Source",
    "backends",
    "library_versions",
    "select",
    "successors",
    "use_backend",
    "wanted",
]

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
    named : bool
        Whether it was asked for, so that no other may take its place.
    """

    backend: ConvolutionBackend
    source: Source
    candidates: tuple[Candidate, ...]
    named: bool


def select(
    backend: str | ConvolutionBackend | None = None,
    *,
    pixels: int | None = None,
    holding: Array | None = None,
) -> Selection:
    """Choose the backend that work shall run on.

    Parameters
    ----------
    backend : str, ConvolutionBackend or None
        A backend's name, a backend, "auto" for the best one, or None for what `use_backend` or
        ``PHOS_BACKEND`` say.
    pixels : int, optional
        Size of the picture: unasked, a small one is not sent to a device that it does not pay for.
    holding : array, optional
        An array of a device: only a backend that owns it will do.

    Returns
    -------
    Selection
        The backend and the reasons.

    Raises
    ------
    UnknownBackendError
        If no backend has the name.
    BackendUnavailableError
        If the named backend, or any at all, cannot run here or does not own the array.
    TypeError
        If `backend` is neither a name nor a backend.
    """
    wanted, source = _wanted(backend)
    if wanted is None or wanted == AUTO:
        return _best(source, pixels, holding)
    if isinstance(wanted, str):
        selection = _named(wanted, source)
    elif isinstance(wanted, ConvolutionBackend):
        selection = Selection(wanted, source, (Candidate(wanted.name),), named=True)
    else:
        raise TypeError(f"backend must be a name or a convolution backend, got {wanted!r}")
    if holding is not None and not _owns(selection.backend, holding):
        raise BackendUnavailableError(
            selection.backend.name,
            f"it does not own the image, {_described(holding)}",
            'leave the choice to backend="auto", or bring the image to the host first',
        )
    return selection


def successors(selection: Selection) -> Iterator[ConvolutionBackend]:
    """Give the backends that may take over from one chosen unasked, best first.

    Parameters
    ----------
    selection : Selection
        The choice.

    Yields
    ------
    ConvolutionBackend
        Each is probed only when its turn comes.
    """
    considered = {candidate.name for candidate in selection.candidates}
    for offer in sorted(offered_backends(), key=_rank):
        if offer.name not in considered:
            probed = probe(offer)
            if probed.backend is not None and _objection(probed.backend, probed.report) is None:
                yield probed.backend


def library_versions(backend: ConvolutionBackend) -> dict[str, str]:
    """Give the versions of what a backend is made of.

    Parameters
    ----------
    backend : ConvolutionBackend
        A backend that has run, so that its library is loaded.

    Returns
    -------
    dict of str to str
        Its distribution and the modules that it declares; nothing for a stranger's object.
    """
    for offer in offered_backends():
        if offer.spec is not None and offer.name == backend.name:
            probed = probe(offer)
            if probed.backend is backend:
                modules = {name: sys.modules.get(name) for name in offer.spec.modules}
                loaded = {name: getattr(m, "__version__", "") for name, m in modules.items() if m}
                return {probed.report.distribution: probed.report.version} | loaded
    return {}


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
    """Report on every backend; this imports and tries each that is installed.

    Returns
    -------
    tuple of BackendReport
        Highest priority first, then ours that are not installed, broken plug-ins last.
    """
    offers = offered_backends()
    reports = sorted((probe(offer).report for offer in offers), key=_rank)
    ranked = [report for report in reports if report.priority is not None]
    missing = _missing_ones({offer.name for offer in offers})
    return (*ranked, *missing, *reports[len(ranked) :])


def _missing_ones(offered: set[str]) -> list[BackendReport]:
    """Rows for the backends of our own plug-ins that are not installed."""
    return [
        BackendReport(
            name=name,
            priority=None,
            status="missing-dependency",
            reason=plug_in.reason,
            hint=plug_in.hint,
            distribution=plug_in.distribution,
            version="",
        )
        for name, plug_in in absent(offered).items()
        if plug_in.distribution not in {other.distribution for other in plug_ins()}
    ]


def wanted(backend: str | ConvolutionBackend | None) -> str | ConvolutionBackend | None:
    """Give the backend that an argument or else `use_backend` names, for work that leaves here.

    Parameters
    ----------
    backend : str, ConvolutionBackend or None
        The argument.

    Returns
    -------
    str, ConvolutionBackend or None
        None: neither does.
    """
    return backend if backend is not None else _in_context.get()


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
        for missing in _missing_ones({offer.name for offer in offered_backends()}):
            if name == missing.name:
                raise BackendUnavailableError(name, missing.reason, missing.hint)
        raise UnknownBackendError(name, {offer.name for offer in offered_backends()} | set(OURS))
    reports = []
    for offer in offers:
        probed = probe(offer)
        if probed.backend is not None:
            return Selection(probed.backend, source, (Candidate(name),), named=True)
        reports.append(probed.report)
    raise BackendUnavailableError(name, reports[0].reason, reports[0].hint)


def _best(source: Source, pixels: int | None, holding: Array | None) -> Selection:
    passed: list[Candidate] = []
    for offer in sorted(offered_backends(), key=_rank):
        reason = None if holding is not None else _too_small(offer, pixels)
        if reason is None:
            probed = probe(offer)
            reason = _objection(probed.backend, probed.report, holding)
        passed.append(Candidate(offer.name, reason))
        if reason is None and probed.backend is not None:
            return Selection(probed.backend, source, tuple(passed), named=False)
    if pixels is not None and holding is None:
        return _best(source, None, None)  # better a device that does not pay than none
    listed = "; ".join(f"{candidate.name}: {candidate.reason}" for candidate in passed)
    wanted = f"none owns the image, {_described(holding)}: " if holding is not None else ""
    raise BackendUnavailableError(
        AUTO,
        wanted + (listed or "no backend is installed"),
        "phos backends shows what would help",
    )


def _too_small(offer: OfferedBackend, pixels: int | None) -> str | None:
    """Why a picture of this size is not sent to a device unasked."""
    worth = offer.spec.transfer_worth_pixels if offer.spec and offer.status == "ok" else 0
    if pixels is None or pixels >= worth:
        return None
    return f"the way there and back pays from {worth} pixels up; it runs when it is named"


def _owns(backend: ConvolutionBackend, x: Array) -> bool:
    """Ask a backend whether an array is its own; one without `BackendBase` may not know."""
    owns = getattr(backend, "owns", None)
    return owns is not None and bool(owns(x))


def _described(x: Array) -> str:
    return f"a {type(x).__module__.partition('.')[0]} array on {device(x)}"


def _objection(
    backend: ConvolutionBackend | None, report: BackendReport, holding: Array | None = None
) -> str | None:
    """Why a backend is not chosen unasked."""
    if backend is None:
        return f"{report.status}: {report.reason}"
    if backend.accuracy != "exact":
        return f"its accuracy is {backend.accuracy!r}; it runs when it is named"
    if holding is not None and not _owns(backend, holding):
        return "it does not own the image"
    return None


def _rank(entry: BackendReport | OfferedBackend) -> tuple[bool, int, str]:
    """Sort key: highest priority first, then those that have none."""
    priority = entry.priority
    return priority is None, -(priority or 0), entry.name
