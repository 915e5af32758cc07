"""Log which backend was chosen and why, and by which method it convolves."""

import logging
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from phos_core.convolution.boundary import Boundary
from phos_core.convolution.choosing.guarded import Trouble, attempt
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import PlansMethods
from phos_core.convolution.plans import Method
from phos_core.psf import PSF

if TYPE_CHECKING:
    from phos_core.convolution.choosing.selection import Selection

__all__ = ["log_choice", "log_method", "warn_once"]

WHY: dict[str, str] = {
    "argument": "it was asked for",
    "context": "use_backend names it",
    "environment": "PHOS_BACKEND names it",
    "configuration": "the configuration names it",
    "auto": "the best that can run",
}

logger = logging.getLogger(__name__)


@cache
def warn_once(message: str) -> None:
    """Log a warning, unless the same was logged before."""
    logger.warning(message)


def log_choice(selection: "Selection") -> None:
    """Log, at level INFO, which backend is to work and why no other is.

    Parameters
    ----------
    selection : Selection
        The choice.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    for candidate in selection.candidates:
        if candidate.reason is not None:
            logger.info("backend %s passed over: %s", candidate.name, candidate.reason)
    named = selection.named or selection.others is not None
    why = WHY[selection.source if named else "auto"]
    backend = selection.backend
    logger.info("backend %s chosen, on %s: %s", backend.name, backend.device, why)


def log_method(
    backend: ConvolutionBackend,
    shape: Sequence[int],
    psf: PSF | Sequence[PSF],
    boundary: Boundary = "symmetric",
    method: Method = "auto",
) -> None:
    """Log, at level INFO, by which method planes are convolved; planning takes time.

    Parameters
    ----------
    backend : ConvolutionBackend
        What convolves.
    shape : sequence of int
        Shape of the planes, (..., rows, cols).
    psf : PSF or sequence of PSF
        One for all planes, or one per entry of the first axis.
    boundary : Boundary
        What lies beyond the edges.
    method : Method
        What was asked for.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    rows, cols = shape[-2:]
    for one in [psf] if isinstance(psf, PSF) else dict.fromkeys(psf):
        taps = " x ".join(str(2 * radius + 1) for radius in one.radius)
        how = _method(backend, (rows, cols), one, boundary, method)
        logger.info(
            "%d x %d pixels convolved with a PSF of %s on %s: %s",
            *(rows, cols, taps, backend.name, how),
        )


def _method(
    backend: ConvolutionBackend,
    shape: tuple[int, int],
    psf: PSF,
    boundary: Boundary,
    method: Method,
) -> str:
    own = "by a method of its own"
    if not isinstance(backend, PlansMethods):
        return own
    plan = attempt(
        lambda: backend.plan(shape, psf, boundary=boundary, method=method),
        f"plan of {backend.name}",
    )
    return own if isinstance(plan, Trouble) else f"method {plan.method}, {plan.reason}"
