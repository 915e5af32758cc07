"""The self-test: what a backend computes beside what is known to be right.

It guards every picture, also from backends that nobody here has seen, and runs once in every
process: a few milliseconds on small planes, but one plane is large, since libraries take other
methods from some size on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.convolution import chain
from phos_core.convolution.boundary import Boundary
from phos_core.convolution.chain import Chain, Instruction
from phos_core.convolution.contract import TOLERANCES, ConvolutionBackend
from phos_core.convolution.methods import reference
from phos_core.convolution.optional import CompilesChains, FillsOut, MakesGrain, accuracy_of
from phos_core.errors import UnsupportedOperationError
from phos_core.psf import PSF, from_array, gaussian

__all__ = ["self_test"]

FLOAT32 = np.dtype(np.float32)
LARGE = (520, 530)  # beyond 512 pixels, where some libraries change their method
GRAIN_ERROR = 1e-5  # of the largest, as the kit allows
CHAIN_ERROR = 1e-5

Case = tuple[str, NDArray[np.float32], "PSF | Sequence[PSF]", Boundary]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grain:
    """The fields of `phos_core.effects.grain.Grain`, which is not for this floor to import."""

    rms_coefficients: tuple[tuple[float, ...], ...] = ((0.01,),)
    d_min: tuple[float, ...] = (0.1,)
    net_range: tuple[tuple[float, float], ...] = ((0.0, 2.0),)
    size_um: tuple[float, ...] = (2.0,)


GRAIN: Any = _Grain()
GRAIN_PLACE: dict[str, Any] = {
    "rows": 2,
    "cols": 3,
    "pixel_pitch_um": 6.0,
    "seed": 2**40 + 7,
    "frame": 3,
    "row_start": 17,
    "col_start": -20,
}
GRAIN_FIELD = ((-3.9767807, 0.34718224, 5.7346725), (-5.7329354, -2.687226, 3.683381))
"""What `grain_noise` gives there; a test holds it to that."""

CHAIN = Chain(
    inputs=((2, FLOAT32), (1, FLOAT32)),
    instructions=(
        Instruction("input", (0, 0)),
        Instruction("input", (0, 1)),
        Instruction("input", (1, 0)),
        Instruction("constant", (0,)),
        Instruction("mul", (0, 3)),
        Instruction("exp", (4,)),
        Instruction("add", (5, 1)),
        Instruction("max", (6, 2)),
        Instruction("lt", (1, 2)),
        Instruction("where", (8, 7, 4)),
    ),
    outputs=(7, 9),
    dtype=FLOAT32,
    constants=(-1.5,),
)


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
    return next(_faults(backend), "")


def _faults(backend: ConvolutionBackend) -> Iterator[str]:
    """What is wrong, in the order in which it is looked for."""
    numpy_errors = np.geterr()
    for case in _cases():
        yield from _wrong_convolution(backend, *case)
    yield from _wrong_when_large(backend)
    yield from _wrong_when_strided(backend)
    yield from _overwritten(backend)
    yield from _wrong_chain(backend)
    yield from _wrong_grain(backend)
    if np.geterr() != numpy_errors:
        yield "it changed np.seterr, which belongs to whoever calls it"


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(1)
    asymmetric = from_array(rng.random((3, 5)))
    wide = from_array(rng.random((1, 301)))
    image = rng.random((2, 21, 40)).astype(np.float32)
    yield "an asymmetric PSF", image, asymmetric, "mirror"
    yield "a PSF wider than 256 pixels", image, wide, "symmetric"
    yield "a Gaussian", image, gaussian(2.0), "symmetric"
    yield "one PSF per layer", image, [gaussian(1.0), asymmetric], "edge"


def _wrong_convolution(
    backend: ConvolutionBackend,
    what: str,
    image: NDArray[np.float32],
    psf: PSF | Sequence[PSF],
    boundary: Boundary,
) -> Iterator[str]:
    given = image.copy()
    on_device = backend.to_device(given)
    before = np.array(backend.to_host(on_device))
    found = backend.to_host(backend.convolve(on_device, psf, boundary=boundary))
    if found.shape != image.shape or found.dtype != image.dtype:
        yield f"{what}: got {found.dtype} of shape {found.shape}, not of the image's"
        return
    if not (_same(given, image) and _same(backend.to_host(on_device), before)):
        yield f"{what}: the image was written to, which a backend must never do"
        return
    expected = reference.convolve(image, psf, boundary)
    allowed = _allowed(image, psf, backend)
    yield from _beyond(f"{what}, boundary {boundary!r}", found, expected, allowed)
    if isinstance(backend, FillsOut):
        place = np.full_like(image, np.nan)
        backend.convolve_into(on_device, psf, place, boundary=boundary)
        yield from _beyond(f"{what}, into a place", place, expected, allowed)


def _wrong_when_large(backend: ConvolutionBackend) -> Iterator[str]:
    """Compared in windows, one in a corner: the reference would take too long for all of it."""
    rng = np.random.default_rng(5)
    image, psf = rng.random(LARGE).astype(np.float32), from_array(rng.random((3, 5)))
    found = backend.to_host(backend.convolve(backend.to_device(image), psf))
    what = "a plane larger than 512 pixels"
    if found.shape != image.shape or found.dtype != image.dtype:
        yield f"{what}: got {found.dtype} of shape {found.shape}, not of the image's"
        return
    if not np.isfinite(found).all():
        yield f"{what}: got numbers that are not finite"
    for start in (0, 300):
        window = image[start : start + 24, start : start + 24]
        inner = slice(2 if start else 0, -2)  # what lies beyond the other edges of the window acts
        expected = reference.convolve(window, psf, "symmetric")[inner, inner]
        part = found[start : start + 24, start : start + 24][inner, inner]
        yield from _beyond(what, part, expected, _allowed(window, psf, backend))


def _wrong_when_strided(backend: ConvolutionBackend) -> Iterator[str]:
    """A tile is a view: rows are left out between its layers."""
    rng = np.random.default_rng(2)
    whole, psf = rng.random((2, 24, 31)).astype(np.float32), from_array(rng.random((3, 5)))
    view, rows = backend.to_device(whole)[:, 5:17, :], whole[:, 5:17, :]
    found = backend.to_host(backend.convolve(view, psf))
    expected = reference.convolve(rows, psf, "symmetric")
    yield from _beyond("a strided image", found, expected, _allowed(rows, psf, backend))


def _overwritten(backend: ConvolutionBackend) -> Iterator[str]:
    """One buffer, handed out again and again, would pass every other comparison."""
    rng = np.random.default_rng(3)
    image, other = rng.random((2, 1, 21, 40)).astype(np.float32)
    for psf in (gaussian(2.0), from_array(rng.random((3, 5)))):
        result = backend.convolve(backend.to_device(image), psf)
        fetched = backend.to_host(result)
        before = np.array(fetched)
        backend.to_host(backend.convolve(backend.to_device(other), psf))
        if not (_same(fetched, before) and _same(backend.to_host(result), before)):
            yield "a result was overwritten by the next call: each must be an array of its own"


def _wrong_chain(backend: ConvolutionBackend) -> Iterator[str]:
    """Pointwise steps, if the backend compiles them."""
    if not isinstance(backend, CompilesChains):
        return
    try:
        kernel = backend.compile(CHAIN)
    except UnsupportedOperationError:
        return  # steps run as array code
    if not callable(kernel):
        yield f"a compiled chain: compile gave {kernel!r}, which cannot be called"
        return
    rng = np.random.default_rng(4)
    first, second = (rng.random((2, n, 17)).astype(np.float32) for n in (9, 18))
    expected = chain.run_chain(CHAIN, first, second[1:, ::2, :])
    view = backend.to_device(second)[1:, ::2, :]
    found = np.asarray(backend.to_host(kernel(backend.to_device(first), view)))
    if found.shape != expected.shape or found.dtype != expected.dtype:
        yield f"a compiled chain: got {found.dtype} of shape {found.shape}"
        return
    yield from _beyond("a compiled chain", found, expected, CHAIN_ERROR)


def _wrong_grain(backend: ConvolutionBackend) -> Iterator[str]:
    """The noise of the grain, if the backend makes it."""
    if not isinstance(backend, MakesGrain):
        return
    like = backend.to_device(np.zeros((1, 1, 1), np.float32))
    found = np.asarray(backend.to_host(backend.grain_noise(like, GRAIN, **GRAIN_PLACE)))
    expected = np.array([GRAIN_FIELD])
    if found.shape != expected.shape:
        yield f"grain: got the shape {found.shape}, not {expected.shape}"
        return
    yield from _beyond("grain", found, expected, GRAIN_ERROR * float(np.abs(expected).max()))


def _allowed(
    image: NDArray[np.float32], psf: PSF | Sequence[PSF], backend: ConvolutionBackend
) -> float:
    strongest = psf.l1 if isinstance(psf, PSF) else max(one.l1 for one in psf)
    return TOLERANCES[accuracy_of(backend)] * float(image.max()) * strongest


def _beyond(
    what: str, found: NDArray[Any], expected: NDArray[Any], allowed: float
) -> Iterator[str]:
    error = float(np.abs(found - expected).max())
    if not error <= allowed:  # NaN fails too
        yield f"{what}: off by {error:.2g}, {allowed:.2g} is allowed"


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))
