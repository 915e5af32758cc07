"""Find out whether a backend can run here, and whether it computes what it should.

The steps climb from cheap to dear: blocked? installed? of the right version? Only then is the
library imported, the device asked, and known answers computed.

All of it happens on a thread of its own, under one clock of 10 seconds that began with the import
of the plug-in; ``PHOS_PROBE_SECONDS`` sets another. A backend that hangs is left behind there and
is broken. What never gives Python the turn, such as a driver's call that holds the interpreter,
cannot be interrupted so: ``phos backends --probe`` asks in a process of its own.
"""

import importlib
import os
import threading
from concurrent.futures import CancelledError, Future
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeAlias

from phos_core.convolution.choosing.guarded import (
    PATIENCE,
    Steps,
    Trouble,
    attempt,
    in_one_line,
    patience_seconds,
    shown,
    watched,
)
from phos_core.convolution.choosing.known_answers import self_test
from phos_core.convolution.choosing.registry import OfferedBackend
from phos_core.convolution.choosing.requirements import check_requirements
from phos_core.convolution.contract import TOLERANCES, ConvolutionBackend, ProbeReport, ProbeStatus
from phos_core.convolution.hooks import CONTRACT, BackendSpec
from phos_core.convolution.optional import accuracy_of, probe_of
from phos_core.errors import NotCompiledError

__all__ = [
    "UNCOMPILED",
    "BackendReport",
    "ProbedBackend",
    "Status",
    "passed_over",
    "probe",
    "reset",
    "self_test",
]

Status: TypeAlias = ProbeStatus | Literal["blocked", "failed-selftest", "not-compiled"]


UNCOMPILED = "its code is not compiled yet; phos warm compiles it, once"


@dataclass(frozen=True, slots=True)
class BackendReport:
    """What is known of a backend on this machine.

    Parameters
    ----------
    name : str
        The backend; the plug-in where it offers none.
    priority : int or None
        Its place when nobody names a backend; None where it is not known.
    status : Status
        "ok", or what is the matter.
    reason, hint : str
        Why, and what would help; with "ok", anything that a user should know.
    distribution, version : str
        Where it comes from.
    """

    name: str
    priority: int | None
    status: Status
    reason: str
    hint: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class ProbedBackend:
    """A report, and the backend if it can run."""

    report: BackendReport
    backend: ConvolutionBackend | None = None


class _Answers:
    """Probes made, or being made: each once, whoever asks meanwhile waits for it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start anew, with a new lock: a forked child may inherit the old one held."""
        self.lock = threading.Lock()
        self.by_offer: dict[OfferedBackend, Future[ProbedBackend]] = {}

    def claim(self, offer: OfferedBackend) -> tuple[Future[ProbedBackend], bool]:
        """The answer to an offer, and whether the caller is to find it out."""
        with self.lock:
            is_first = offer not in self.by_offer
            return self.by_offer.setdefault(offer, Future()), is_first

    def give_up(self, offer: OfferedBackend, answer: Future[ProbedBackend]) -> None:
        """Let others find it out."""
        with self.lock:
            if self.by_offer.get(offer) is answer:
                del self.by_offer[offer]
        answer.cancel()


_answers = _Answers()
_in_hand: ContextVar[tuple[OfferedBackend, ...]] = ContextVar("phos_probes", default=())


def probe(offer: OfferedBackend) -> ProbedBackend:
    """Probe a backend, once per process.

    Parameters
    ----------
    offer : OfferedBackend
        As the registry found it.

    Returns
    -------
    ProbedBackend
        Its report, and the backend itself if the status is "ok".
    """
    if offer.spec is None or offer.status != "ok":
        return _answer(offer, offer.status, offer.reason, offer.hint)
    if offer in _in_hand.get():
        return _answer(offer, "broken", "it is asked for while it is being tried itself", "")
    while True:
        answer, is_first = _answers.claim(offer)
        if is_first:
            return _found_out(offer, offer.spec, answer)
        try:
            return answer.result()
        except CancelledError:  # whoever was finding out was interrupted
            continue


def reset() -> None:
    """Forget every answer, so that each backend is asked again."""
    _answers.clear()


def _found_out(
    offer: OfferedBackend, spec: BackendSpec, answer: Future[ProbedBackend]
) -> ProbedBackend:
    token = _in_hand.set((*_in_hand.get(), offer))
    try:
        found = _tried(offer, spec)
    except BaseException:  # the user's Ctrl-C
        _answers.give_up(offer, answer)
        raise
    finally:
        _in_hand.reset(token)
    if found.report.status == "not-compiled":  # whoever waits for the code is to try again
        _answers.give_up(offer, answer)
    else:
        answer.set_result(found)
    return found


def _tried(offer: OfferedBackend, spec: BackendSpec) -> ProbedBackend:
    """Try a backend under what is left of its plug-in's time."""
    seconds, spent = patience_seconds(), offer.plug_in.seconds
    what = f"backend {spec.name} ({offer.plug_in.distribution})"
    answer = watched(partial(_try_each_step, offer, spec), what, seconds, spent)
    found = answer.value
    if isinstance(found, Trouble):
        longer = f"{PATIENCE}={3 * seconds:g} waits longer, PHOS_BLOCK={spec.name} keeps it out"
        hint = longer if _is_late(found) else spec.hint
        found = _answer(offer, "broken", found, hint)
    notes = (offer.reason, found.report.reason, answer.note and f"while it was tried {answer.note}")
    return replace(found, report=replace(found.report, reason="; ".join(filter(None, notes))))


def _is_late(trouble: Trouble) -> bool:
    return "TimeoutError: no answer within" in trouble


def _try_each_step(offer: OfferedBackend, spec: BackendSpec, at: Steps) -> ProbedBackend:
    """Go as far as a backend comes: its contract, requirements, factory, probe and self-test."""
    if spec.contract != CONTRACT:
        reason = f"it is written for contract {spec.contract}, this phos has {CONTRACT}"
        newer = "phos-core" if spec.contract > CONTRACT else offer.plug_in.distribution
        return _answer(offer, "version-mismatch", reason, f"install a newer {newer}")
    at("its requirements")
    required = check_requirements(spec)
    if required.status != "ok":
        return _answer(offer, required.status, required.reason, required.hint)
    at("its factory")
    made = _make(spec)
    at("its probe")
    probed: Any = probe_of(made)
    if not isinstance(probed, ProbeReport):
        raise TypeError(f"expected a ProbeReport, got {shown(probed)}")
    if probed.status != "ok":
        return _answer(offer, probed.status, probed.reason, probed.hint or spec.hint)
    at("its self-test")
    wrong = _failed_self_test(made)
    if wrong is None:
        return _answer(offer, "not-compiled", UNCOMPILED, "")
    if wrong:
        return _answer(offer, "failed-selftest", wrong, "report this to the backend's authors")
    return ProbedBackend(_answer(offer, "ok", probed.reason, probed.hint).report, made)


def _failed_self_test(backend: ConvolutionBackend) -> str | None:
    """What is wrong; an error that it raises is a wrong answer. None: its code is missing yet."""

    def tested() -> str | None:
        try:
            return self_test(backend)
        except NotCompiledError:
            return None

    return attempt(tested, f"self-test of {backend.name}")


def _make(spec: BackendSpec) -> ConvolutionBackend:
    module, _, function = spec.factory.partition(":")
    backend = getattr(importlib.import_module(module), function)()
    if not isinstance(backend, ConvolutionBackend):
        raise TypeError(f"{spec.factory} gave {shown(backend)}, which is no convolution backend")
    if backend.name != spec.name:
        raise ValueError(f"{spec.factory} gave a backend named {backend.name!r}, not {spec.name!r}")
    if accuracy_of(backend) not in TOLERANCES:
        raise ValueError(
            f"a backend's accuracy must be one of {', '.join(TOLERANCES)}, "
            f"got {shown(accuracy_of(backend))}"
        )
    return backend


def _answer(offer: OfferedBackend, status: Status, reason: str, hint: str) -> ProbedBackend:
    return ProbedBackend(
        BackendReport(
            name=offer.name,
            priority=offer.priority,
            status=status,
            reason=in_one_line(reason),
            hint=in_one_line(hint),
            distribution=offer.plug_in.distribution,
            version=offer.plug_in.version,
        )
    )


def passed_over(offer: OfferedBackend, status: Status, reason: str) -> ProbedBackend:
    """Give the answer of a backend that is not tried."""
    return _answer(offer, status, reason, "")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reset)
