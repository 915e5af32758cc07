"""What is measured: phos's backends, made ready to be called again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from phos_bench.cases import ConvolveCase, DevelopCase
from phos_bench.inputs import Light, light, photos, planes
from phos_core import convolve, develop, develop_with_report
from phos_core.backend import ConvolutionBackend
from phos_core.convolution import library_versions, select, synchronize

__all__ = ["Contender", "Kind", "Ready", "backends_for", "copying", "nothing"]

Kind = Literal["phos", "backend", "peer", "floor"]
"""phos's function, from host to host; its backend alone, where its arrays are; or what beside."""

SEED = 1


def nothing() -> None:
    """Wait for nothing: what was called has done its work when it returns."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Ready:
    """Something that can be called again and again, its input in place.

    Parameters
    ----------
    run : callable
        One call.
    finish : callable
        Waits until the device has done what it was asked.
    first : callable
        The first picture on the host, of what a call returned.
    steps : callable
        One more call, which gives the seconds of each step; nothing for what has none.
    device : str
        Where it computes.
    versions : mapping of str to str
        Of what computes.
    device_peak_bytes : callable
        Memory of a GPU that was ever taken; None where nobody tells.
    share : float
        Of the picture that a call computes.
    """

    run: Callable[[], Any]
    finish: Callable[[], None] = nothing
    first: Callable[[Any], NDArray[Any]]
    steps: Callable[[], dict[str, float]] = dict
    device: str = "cpu"
    versions: dict[str, str]
    device_peak_bytes: Callable[[], int | None] = lambda: None
    share: float = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Contender:
    """Something that can be measured.

    Parameters
    ----------
    name : str
        What the tables call it.
    kind : Kind
        What it is.
    prepare : callable
        Imports what it needs, brings the input where it belongs.
    """

    name: str
    kind: Kind
    prepare: Callable[[], Ready]


def backends_for(case: ConvolveCase | DevelopCase, names: list[str]) -> list[Contender]:
    """Return the contenders that phos's backends are, for a case."""
    if isinstance(case, DevelopCase):
        pictures = photos(case.batch, case.rows, case.cols)
        return [_developing(case, name, pictures) for name in names]
    pixels, point_spread = planes(case.batch, case.rows, case.cols), light(case.psf, case.width)
    return [
        make(name, pixels, point_spread)
        for name in names
        for make in (_convolving, _convolving_alone)
    ]


def copying(pixels: NDArray[np.float32]) -> Contender:
    """Return what no convolution can be quicker than: a copy into an array that is kept."""
    kept = np.empty_like(pixels)

    def prepare() -> Ready:
        kept.fill(0)
        return Ready(
            run=lambda: np.copyto(kept, pixels),
            first=lambda _: kept[0],
            versions={"numpy": np.__version__},
        )

    return Contender(name="a copy", kind="floor", prepare=prepare)


def _convolving(name: str, pixels: NDArray[np.float32], light: Light) -> Contender:
    """`phos.convolve`, from host to host, into an array that is kept."""

    def prepare() -> Ready:
        backend = select(name).backend
        image = pixels[0] if len(pixels) == 1 else pixels[..., None]
        out = np.zeros_like(image)

        def first(result: NDArray[Any]) -> NDArray[Any]:
            return result if result.ndim == 2 else result[0, ..., 0]

        return _ready(backend, lambda: convolve(image, light.psf, backend=backend, out=out), first)

    return Contender(name=name, kind="phos", prepare=prepare)


def _convolving_alone(name: str, pixels: NDArray[np.float32], light: Light) -> Contender:
    """A backend's own method, on arrays that it has already."""

    def prepare() -> Ready:
        backend = select(name).backend
        held = backend.to_device(pixels)
        return _ready(
            backend,
            lambda: backend.convolve(held, light.psf),
            lambda result: backend.to_host(result)[0],
        )

    return Contender(name=f"{name}, on its arrays", kind="backend", prepare=prepare)


def _developing(case: DevelopCase, name: str, pictures: NDArray[np.uint8]) -> Contender:
    """`phos.develop`, from host to host."""

    def prepare() -> Ready:
        backend = select(name).backend
        image: Any = pictures[0] if case.batch == 1 else pictures

        def run() -> Any:
            return develop(image, case.film, backend=backend, seed=SEED)

        def steps() -> dict[str, float]:
            _, report = develop_with_report(image, case.film, backend=backend, seed=SEED)
            return _in_all(report)

        return _ready(backend, run, lambda result: result if case.batch == 1 else result[0], steps)

    return Contender(name=name, kind="phos", prepare=prepare)


def _ready(
    backend: ConvolutionBackend,
    run: Callable[[], Any],
    first: Callable[[Any], NDArray[Any]],
    steps: Callable[[], dict[str, float]] = dict,
) -> Ready:
    return Ready(
        run=run,
        finish=partial(synchronize, backend),
        first=first,
        steps=steps,
        device=str(backend.device),
        versions=library_versions(backend),
        device_peak_bytes=lambda: _device_peak_bytes(backend),
    )


def _in_all(told: Any) -> dict[str, float]:
    """Add up the steps of all pictures; those developed together share a report."""
    reports = told if isinstance(told, list) else [told]
    total: dict[str, float] = {}
    for report in {id(report): report for report in reports}.values():
        for step, seconds in report.step_seconds.items():
            total[step] = total.get(step, 0.0) + seconds
    return total


def _device_peak_bytes(backend: ConvolutionBackend) -> int | None:
    """Memory that a GPU's library has ever held; its pools keep what was once taken."""
    if backend.name == "cupy":
        import cupy

        return int(cupy.get_default_memory_pool().total_bytes())
    if backend.name == "torch:cuda":
        import torch

        return int(torch.cuda.max_memory_reserved())
    return None
