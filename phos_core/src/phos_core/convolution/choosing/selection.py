"""Choose a backend: the one that is named, or else the best that can run.

It may be named by an argument, by `use_backend`, by the environment variable ``PHOS_BACKEND`` or
by the configuration file, in this order. A backend that is named runs, or an error says why not;
it is never replaced by another. Of several, ``"cupy,numba,scipy"``, the first that can run does;
only those after it may take over from it.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from phos_core.arrays import Array, device
from phos_core.convolution.choosing import meanwhile, probing, registry
from phos_core.convolution.choosing.configuration import (
    AUTO,
    configuration,
    listed,
    wanted_backends,
)
from phos_core.convolution.choosing.guarded import attempt
from phos_core.convolution.choosing.known_plugins import BUILT_IN, OURS, absent
from phos_core.convolution.choosing.log import warn_once
from phos_core.convolution.choosing.probing import (
    UNCOMPILED,
    BackendReport,
    ProbedBackend,
    probe,
)
from phos_core.convolution.choosing.registry import OfferedBackend, offered_backends, plug_ins
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import OwnsArrays, accuracy_of
from phos_core.convolution.waiting import not_waiting, policy, say_who_works_instead
from phos_core.errors import BackendUnavailableError, UnknownBackendError, nearest

__all__ = [
    "Candidate",
    "Selection",
    "Source",
    "backends",
    "library_versions",
    "reset",
    "select",
    "successors",
    "use_backend",
    "wanted",
]

Source: TypeAlias = Literal["argument", "context", "environment", "configuration", "auto"]

# What may be missing on a machine that is as it should be; anything else is worth a warning.
ORDINARY = ("blocked", "missing-dependency", "version-mismatch", "no-device", "not-compiled")

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
    others : tuple of str or None
        The only backends that may take its place, in order; None: whichever can run.
    uncompiled : tuple of str
        Backends that went before it, were their code compiled.
    """

    backend: ConvolutionBackend
    source: Source
    candidates: tuple[Candidate, ...]
    named: bool
    others: tuple[str, ...] | None = None
    uncompiled: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether work waits while the backend compiles: one that was requested is waited for."""
        return self.named or self.others is not None or policy() == "wait"


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
        A backend's name, a backend, "auto" for the best one, or None for what `use_backend`,
        ``PHOS_BACKEND`` or the configuration say. Several names, separated by commas: the first
        that can run; "auto" among them is the best of all.
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
    if isinstance(wanted, tuple):
        selection = _of_names(wanted, source, pixels, holding)
    elif isinstance(wanted, ConvolutionBackend):
        selection = Selection(wanted, source, (Candidate(wanted.name),), named=True)
    else:
        hint = "; several names stand in one text, with commas" if isinstance(wanted, list) else ""
        raise TypeError(f"backend must be a name or a convolution backend, got {wanted!r}{hint}")
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
    for name in (AUTO,) if selection.others is None else selection.others:
        for offer in _offers_of(name):
            if offer.name in considered or (name == AUTO and _is_uncompiled(offer)):
                continue
            probed = probe(offer)
            if probed.backend is None:
                continue
            if name != AUTO or _objection(probed.backend, probed.report) is None:
                considered.add(offer.name)
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


def backends(*, refresh: bool = False, waits: bool = True) -> tuple[BackendReport, ...]:
    """Report on every backend; this imports and tries each that is installed.

    Parameters
    ----------
    refresh : bool
        Whether to look again, for what has been installed or plugged in since, and to read the
        configuration again. What Python has imported stays imported.
    waits : bool
        Whether to wait for backends that have to compile code before they can be tried; else they
        are "not-compiled", unless ``PHOS_COMPILE`` is "wait".

    Returns
    -------
    tuple of BackendReport
        Highest priority first, then ours that are not installed, broken plug-ins last.

    Raises
    ------
    ConfigurationError
        If the configuration file cannot be read, or something in it is wrong.
    """
    if refresh:
        reset()
    offers = offered_backends()
    reports = sorted((_probed(offer, waits=waits).report for offer in offers), key=_rank)
    ranked = [report for report in reports if report.priority is not None]
    missing = _missing_ones({offer.name for offer in offers})
    return (*ranked, *missing, *reports[len(ranked) :])


def reset() -> None:
    """Forget what was found, probed and read, so that it is looked for again."""
    importlib.invalidate_caches()  # folders that packages have been put into since
    registry.reset()
    probing.reset()
    warn_once.cache_clear()


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
) -> tuple[tuple[str, ...] | ConvolutionBackend, Source]:
    """What is asked for, and by what; no names: the best of all."""
    in_context = _in_context.get()
    if argument is not None:
        return _names_in(argument), "argument"
    if in_context is not None:
        return _names_in(in_context), "context"
    names, source = wanted_backends()
    return (names, source) if names else ((AUTO,), "auto")


def _names_in(asked: str | ConvolutionBackend) -> tuple[str, ...] | ConvolutionBackend:
    """The names in a text; a text without any is itself a name that no backend has."""
    return (listed(asked) or (asked,)) if isinstance(asked, str) else asked


def _of_names(
    names: tuple[str, ...], source: Source, pixels: int | None, holding: Array | None
) -> Selection:
    """Choose the first of these names that can run; the only one, or an error says why not."""
    if names == (AUTO,):
        return _best(source, pixels, holding)
    if len(names) == 1:
        return _named(names[0], source)
    passed: list[Candidate] = []
    for index, name in enumerate(names):
        others = names[index + 1 :]
        try:
            if name == AUTO:
                best = _best(source, pixels, holding)
                rest = (one for one in best.candidates if one.name not in names[:index])
                return replace(best, candidates=(*passed, *rest))
            probed = _reported(name)
        except (BackendUnavailableError, UnknownBackendError) as error:
            passed.append(Candidate(name, getattr(error, "reason", str(error))))
            continue
        reason = _hindrance(probed.backend, probed.report, holding)
        passed.append(Candidate(name, reason))
        if reason is None and probed.backend is not None:
            return Selection(probed.backend, source, tuple(passed), not others, others)
    raise BackendUnavailableError(
        ",".join(names),
        "none of them can: " + "; ".join(f"{one.name}: {one.reason}" for one in passed),
        "phos backends shows what would help",
    )


def _offers_of(name: str) -> list[OfferedBackend]:
    """The offers of a name, or all of them, best first."""
    ranked = sorted(offered_backends(), key=_rank)
    return ranked if name == AUTO else [offer for offer in ranked if offer.name == name]


def _reported(name: str) -> ProbedBackend:
    """What is known of the backend of a name."""
    offers = _offers_of(name)
    if not offers:
        for missing in _missing_ones({offer.name for offer in offered_backends()}):
            if name == missing.name:
                return ProbedBackend(missing)
        raise UnknownBackendError(name, {offer.name for offer in offered_backends()} | set(OURS))
    found = [probe(offer) for offer in offers]
    return next((probed for probed in found if probed.backend is not None), found[0])


def _named(name: str, source: Source) -> Selection:
    probed = _reported(name)
    if probed.backend is None:
        raise BackendUnavailableError(name, probed.report.reason, probed.report.hint)
    return Selection(probed.backend, source, (Candidate(name),), named=True)


def _best(
    source: Source, pixels: int | None, holding: Array | None, *, waits: bool = False
) -> Selection:
    passed: list[Candidate] = []
    uncompiled: list[str] = []
    waits = waits or holding is not None or policy() == "wait"
    _warn_of_strays()
    ranked = _offers_of(AUTO)
    for offer in ranked:
        if offer.spec is None and offer.status == "broken":  # it may be one that would rank higher
            warn_once(f"plug-in {offer.name} is broken, and passed over: {offer.reason}")
    for offer in ranked:
        reason = None if holding is not None else _too_small(offer, pixels)
        if reason is None:
            probed = _probed(offer, waits=waits)
            reason = _objection(probed.backend, probed.report, holding)
            if probed.report.status == "not-compiled":
                uncompiled.append(offer.name)
        passed.append(Candidate(offer.name, reason))
        if reason is None and probed.backend is not None:
            for name in uncompiled:
                say_who_works_instead(name, probed.backend.name)
            return Selection(
                probed.backend, source, tuple(passed), named=False, uncompiled=tuple(uncompiled)
            )
    if (pixels is not None and holding is None) or uncompiled:
        # Better a device that does not pay, or waiting for a compiler, than none.
        return _best(source, None, None, waits=bool(uncompiled))
    reasons = "; ".join(f"{candidate.name}: {candidate.reason}" for candidate in passed)
    wanted = f"none owns the image, {_described(holding)}: " if holding is not None else ""
    raise BackendUnavailableError(
        AUTO,
        wanted + (reasons or "no backend is installed"),
        "phos backends shows what would help",
    )


def _probed(offer: OfferedBackend, *, waits: bool) -> ProbedBackend:
    """Probe a backend; one whose code is not compiled only if that is waited for."""
    if not waits and _is_uncompiled(offer):
        return probing.passed_over(offer, "not-compiled", UNCOMPILED)
    with not_waiting(is_so=not waits and policy() != "wait"):
        return probe(offer)


def _is_uncompiled(offer: OfferedBackend) -> bool:
    """Ask a backend's plug-in, where work does not wait for a compiler; no answer is no reason."""
    if offer.spec is None or offer.status != "ok" or not offer.spec.ready or policy() == "wait":
        return False
    if meanwhile.is_compiling(offer.name):
        return True
    module, _, function = offer.spec.ready.partition(":")
    ready = attempt(
        lambda: getattr(importlib.import_module(module), function)(), f"ready of {offer.name}"
    )
    return ready is False


def _too_small(offer: OfferedBackend, pixels: int | None) -> str | None:
    """Why a picture of this size is not sent to a device unasked."""
    worth = offer.spec.transfer_worth_pixels if offer.spec and offer.status == "ok" else 0
    if pixels is None or pixels >= worth:
        return None
    return f"the way there and back pays from {worth} pixels up; it runs when it is named"


def _owns(backend: ConvolutionBackend, x: Array) -> bool:
    """Ask a backend whether an array is its own; not every one can say so."""
    return isinstance(backend, OwnsArrays) and bool(backend.owns(x))


def _described(x: Array) -> str:
    return f"a {type(x).__module__.partition('.')[0]} array on {device(x)}"


def _objection(
    backend: ConvolutionBackend | None, report: BackendReport, holding: Array | None = None
) -> str | None:
    """Why a backend is not chosen unasked."""
    if backend is not None and accuracy_of(backend) != "exact":
        return f"its accuracy is {accuracy_of(backend)!r}; it runs when it is named"
    return _hindrance(backend, report, holding)


def _hindrance(
    backend: ConvolutionBackend | None, report: BackendReport, holding: Array | None
) -> str | None:
    """Why a backend cannot run; told once as a warning where that is not to be expected."""
    if backend is None:
        reason = f"{report.status}: {report.reason}"
        if report.status not in ORDINARY:
            warn_once(f"backend {report.name} was passed over: {reason}")
        return reason
    if holding is not None and not _owns(backend, holding):
        return "it does not own the image"
    return None


def _warn_of_strays() -> None:
    """Warn of priorities of backends that are not, but nearly, called so."""
    priorities = configuration().priorities
    known = {offer.name for offer in offered_backends()} | set(OURS) if priorities else set(OURS)
    for name, _ in priorities:
        near = nearest(name, known, likeness=0.7)
        if name not in known and near:
            warn_once(
                f"configuration: priorities: no backend is called {name!r}; did you mean {near[0]}?"
            )


def _rank(entry: BackendReport | OfferedBackend) -> tuple[bool, int, bool, str]:
    """Sort key: highest priority first, the built-in before its equals, those without one last."""
    origin = entry if isinstance(entry, BackendReport) else entry.plug_in
    priority = entry.priority
    return priority is None, -(priority or 0), origin.distribution != BUILT_IN, entry.name
