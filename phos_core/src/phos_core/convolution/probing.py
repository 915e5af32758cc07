"""Find out whether a backend can run here, and whether it computes what it should.

The steps climb from cheap to dear: blocked? installed? of the right version? Only then is the
library imported, the device asked, and a known answer computed.

The device is asked on a thread that is given 10 seconds. One that hangs is left behind and its
backend is broken. What never gives Python the turn, such as a driver's call that holds the
interpreter, cannot be interrupted so: ``phos backends --probe`` asks in a process of its own.
"""

import importlib
import os
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from phos_core.convolution import reference
from phos_core.convolution.boundary import Boundary
from phos_core.convolution.contract import TOLERANCES, ConvolutionBackend, ProbeReport, ProbeStatus
from phos_core.convolution.hookspecs import BackendSpec
from phos_core.convolution.registry import OfferedBackend
from phos_core.convolution.requirements import check_requirements
from phos_core.convolution.strangers import Trouble, attempt
from phos_core.psf import PSF, from_array, gaussian

__all__ = ["BackendReport", "ProbedBackend", "Status", "probe", "reset", "self_test"]

PROBE_SECONDS = 10.0

Status: TypeAlias = ProbeStatus | Literal["blocked", "failed-selftest"]


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
        Why, and what would help.
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
    """Probes already made; one at a time, so that no library is started twice."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start anew, with a new lock: a forked child may inherit the old one held."""
        self.lock = threading.RLock()
        self.by_offer: dict[OfferedBackend, ProbedBackend] = {}


_answers = _Answers()


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
    with _answers.lock:
        if offer not in _answers.by_offer:
            _answers.by_offer[offer] = _climb(offer, offer.spec)
        return _answers.by_offer[offer]


def reset() -> None:
    """Forget every answer, so that each backend is asked again."""
    _answers.clear()


def self_test(backend: ConvolutionBackend) -> str:
    """Compare a backend with known answers.

    Parameters
    ----------
    backend : ConvolutionBackend
        The backend, which may raise.

    Returns
    -------
    str
        What is wrong with it; empty if nothing is.
    """
    rng = np.random.default_rng(1)
    asymmetric = from_array(rng.random((3, 5)))
    wide = from_array(rng.random((1, 301)))
    cases: list[tuple[str, PSF | Sequence[PSF], Boundary]] = [
        ("an asymmetric PSF", asymmetric, "mirror"),
        ("a PSF wider than 256 pixels", wide, "symmetric"),
        ("a Gaussian", gaussian(2.0), "symmetric"),
        ("one PSF per layer", [gaussian(1.0), asymmetric], "edge"),
    ]
    image = rng.random((2, 21, 40)).astype(np.float32)
    for what, psf, boundary in cases:
        expected = reference.convolve(image, psf, boundary)
        found = backend.to_host(
            backend.convolve(
                backend.to_device(image), psf, boundary=boundary, accuracy=backend.accuracy
            )
        )
        if found.shape != image.shape or found.dtype != image.dtype:
            return f"{what}: got {found.dtype} of shape {found.shape}, not of the image's"
        strongest = psf.l1 if isinstance(psf, PSF) else max(p.l1 for p in psf)
        allowed = TOLERANCES[backend.accuracy] * float(image.max()) * strongest
        error = float(np.abs(found - expected).max())
        if not error <= allowed:  # NaN fails too
            return f"{what}, boundary {boundary!r}: off by {error:.2g}, {allowed:.2g} is allowed"
    return ""


def _climb(offer: OfferedBackend, spec: BackendSpec) -> ProbedBackend:
    required = attempt(lambda: check_requirements(spec), f"requirements of {spec.name}")
    if isinstance(required, Trouble):
        return _answer(offer, "broken", required, "")
    if required.status != "ok":
        return _answer(offer, required.status, required.reason, required.hint)
    made = attempt(lambda: _make(spec), f"backend {spec.name}")
    if isinstance(made, Trouble):
        return _answer(offer, "broken", made, spec.hint)
    probed = attempt(lambda: _in_time(made.probe), f"probe of {spec.name}")
    if isinstance(probed, Trouble):
        return _answer(offer, "broken", f"its probe failed: {probed}", spec.hint)
    if probed.status != "ok":
        return _answer(offer, probed.status, probed.reason, probed.hint or spec.hint)
    wrong = attempt(lambda: self_test(made), f"self-test of {spec.name}")
    if wrong:
        return _answer(offer, "failed-selftest", wrong, "report this to the backend's authors")
    return ProbedBackend(_answer(offer, "ok", probed.reason, probed.hint).report, made)


def _in_time(ask: Callable[[], ProbeReport]) -> ProbeReport:
    """Ask on a thread, and give up on it after some time."""
    answers: list[ProbeReport | BaseException] = []

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # noqa: BLE001 - raised again by who asked
            answers.append(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if not answers:
        raise TimeoutError(f"no answer within {PROBE_SECONDS:g} s")
    if isinstance(answers[0], BaseException):
        raise answers[0]
    if not isinstance(answers[0], ProbeReport):
        raise TypeError(f"expected a ProbeReport, got {answers[0]!r}")
    return answers[0]


def _make(spec: BackendSpec) -> ConvolutionBackend:
    module, _, function = spec.factory.partition(":")
    backend = getattr(importlib.import_module(module), function)()
    if not isinstance(backend, ConvolutionBackend):
        raise TypeError(f"{spec.factory} gave {backend!r}, which is no convolution backend")
    if backend.name != spec.name:
        raise ValueError(f"{spec.factory} gave a backend named {backend.name!r}, not {spec.name!r}")
    return backend


def _answer(offer: OfferedBackend, status: Status, reason: str, hint: str) -> ProbedBackend:
    return ProbedBackend(
        BackendReport(
            name=offer.name,
            priority=offer.priority,
            status=status,
            reason=reason,
            hint=hint,
            distribution=offer.plug_in.distribution,
            version=offer.plug_in.version,
        )
    )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reset)
