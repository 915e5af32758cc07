"""What a plug-in may contribute.

A plug-in is an entry point in group ``phos`` that names a light module, one that imports no heavy
library. The module sets ``PHOS_HOOK_API = 1`` and defines any of the hooks below, each marked
with `hookimpl`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pluggy

if TYPE_CHECKING:
    import click
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CONTRACT",
    "GROUP",
    "HOOK_API",
    "BackendSpec",
    "CodeCurve",
    "ColourSpace",
    "CurveAndMatrix",
    "SchedulerSpec",
    "hookimpl",
    "phos_colour_spaces",
    "phos_commands",
    "phos_convolution_backends",
    "phos_films",
    "phos_schedulers",
]

GROUP = "phos"
HOOK_API = 1
CONTRACT = 1  # of backends: what `ConvolutionBackend` asks for, and how it is called

NAME = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
RESERVED_NAMES = ("auto",)  # which asks for the best backend
FIELD_TYPES = {
    "name": str,
    "priority": int,
    "factory": str,
    "modules": tuple,
    "requires": tuple,
    "hint": str,
    "transfer_worth_pixels": int,
    "ready": str,
    "contract": int,
}

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """A backend that a plug-in offers, known without importing its library.

    Parameters
    ----------
    name : str
        What users call it, such as "cv2" or "torch:cuda": at most 64 lower-case letters, digits
        and ``_``, ``-``, ``:``, ``.``, a letter or digit first.
    priority : int
        The highest that can run is chosen where none is requested; the built-in "scipy" has 50 and
        goes before others that have the same.
    factory : str
        Where to find the function that makes the backend: "package.module:function".
    modules : tuple of str
        Top-level modules that must be installed, looked for without importing them.
    requires : tuple of str
        Distributions and their versions, such as "numpy>=2.0,<3".
    hint : str
        What helps when a module or distribution is missing.
    transfer_worth_pixels : int
        Pixels of a picture from which the way to the device and back pays; a smaller one stays
        on the CPU unless the backend is named. 0 for backends on the CPU.
    ready : str
        Where to find a function of no arguments that says whether the code is there that the
        backend compiles and keeps, "package.module:function"; its module is as light as the
        plug-in's. While it is False, another backend works where none is requested. Empty:
        nothing is compiled, or so little that it is not worth asking.
    contract : int
        The version of the contract that the backend is written for. A backend of another version
        than this phos has is not tried.

    Raises
    ------
    TypeError
        If a field is of another type; one word instead of a tuple of words, for example.
    ValueError
        If the name or the factory is not written as above, or the name is "auto".
    """

    name: str
    priority: int
    factory: str
    modules: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    hint: str = ""
    transfer_worth_pixels: int = 0
    ready: str = ""
    contract: int = 1

    def __post_init__(self) -> None:
        for field, kind in FIELD_TYPES.items():
            value = getattr(self, field)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise TypeError(
                    f"a backend's {field} must be of type {kind.__name__}, got {value!r}"
                )
        for field in ("modules", "requires"):
            if not all(isinstance(entry, str) for entry in getattr(self, field)):
                raise TypeError(f"a backend's {field} must hold str, got {getattr(self, field)!r}")
        _check_name(self.name)
        _check_factory("backend's factory", self.factory)
        if self.ready:
            _check_factory("backend's ready", self.ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSpec:
    """What runs a roll elsewhere, known without importing its library.

    Parameters
    ----------
    name : str
        What it is called in messages, such as "dask".
    schemes : tuple of str
        What its addresses begin with, such as "tcp" of ``tcp://10.0.0.5:8786``.
    factory : str
        Where to find the function that connects: "package.module:function". It takes the address
        and returns a context manager, which gives a `concurrent.futures.Executor`.

    Raises
    ------
    TypeError
        If a field is of another type.
    ValueError
        If there is no scheme, or the factory is not written as above.
    """

    name: str
    schemes: tuple[str, ...]
    factory: str

    def __post_init__(self) -> None:
        for field, kind in (("name", str), ("schemes", tuple), ("factory", str)):
            if not isinstance(getattr(self, field), kind):
                raise TypeError(
                    f"a scheduler's {field} must be of type {kind.__name__}, "
                    f"got {getattr(self, field)!r}"
                )
        if not self.schemes:
            raise ValueError(f"the scheduler {self.name!r} must have a scheme, such as 'tcp'")
        _check_factory("scheduler's factory", self.factory)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(
            "a backend's name must be of at most 64 lower-case letters, digits and _ - : . with a "
            f"letter or digit first, got {name!r}"
        )
    if name in RESERVED_NAMES:
        raise ValueError(f"a backend's name must not be {name!r}, which asks for the best backend")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodeCurve:
    """The light of a colour space's numbers, sampled: one curve for all channels.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Light of numbers that lie evenly from `low` to `high`; of any sign, white or what the
        matrix makes white at 1. At least two. Between two samples the curve is straight, and beyond
        the ends it goes on as it does at them.
    low, high : float
        The numbers of the first and the last sample; of integers, the largest is 1.

    Raises
    ------
    ValueError
        If there are not enough samples, one is not finite, or `low` does not lie below `high`.

    Notes
    -----
    Curves with equally many samples share what backends compile; it is the numbers that differ.
    """

    samples: NDArray[np.float32]
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        samples = _numbers(self.samples).copy()
        if samples.ndim != 1 or len(samples) < 2 or not np.isfinite(samples).all():
            raise ValueError(
                "a curve's samples must be two or more finite numbers in a row, "
                f"got shape {samples.shape}"
            )
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"a curve's low must lie below its high, got {self.low}, {self.high}")
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveAndMatrix:
    """A colour space taken apart: what a backend's device can do by itself.

    Parameters
    ----------
    curve : CodeCurve or None
        From numbers to light; None where they are light.
    matrix : array_like, shape (3, 3)
        From that light to linear sRGB, row by row.

    Raises
    ------
    ValueError
        If the matrix is none.
    """

    curve: CodeCurve | None
    matrix: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise ValueError(f"a space's matrix must be three rows of three, got {self.matrix}")
        object.__setattr__(self, "matrix", tuple(map(tuple, matrix.tolist())))


def _numbers(values: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


class ColourSpace(Protocol):
    """A colour space that a plug-in has found; it can be pickled.

    It may have two attributes more. `curve_and_matrix`, a `CurveAndMatrix` or None, is what its
    conversion comes to: pictures are then converted where they are developed, and `to_light`
    serves whoever wants their light. It gives the same object whenever it is asked. `is_hdr` says
    of a display's light whether it is an HDR rendering, in which 1 is diffuse white.
    """

    @property
    def name(self) -> str:
        """As its configuration calls it."""
        ...

    @property
    def is_scene(self) -> bool:
        """Whether its light is a scene's; else it is a display's."""
        ...

    def to_light(self, pixels: NDArray[Any], /) -> NDArray[np.float32]:
        """Convert numbers of the space, shape (rows, cols, 3), to linear sRGB light of any sign.

        The largest code of integers is 1. It may be called on several threads.
        """
        ...


def _check_factory(what: str, factory: str) -> None:
    module, _, function = factory.partition(":")
    if not (module and function):
        raise ValueError(f"a {what} must read 'package.module:function', got {factory!r}")


@hookspec
def phos_convolution_backends() -> Sequence[BackendSpec]:  # type: ignore[empty-body]
    """Return the convolution backends that the plug-in offers."""


@hookspec
def phos_films() -> Sequence[Path]:  # type: ignore[empty-body]
    """Return the paths of the film stocks, as TOML, that the plug-in brings."""


@hookspec
def phos_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Return the subcommands that the plug-in adds to ``phos``."""


@hookspec
def phos_schedulers() -> Sequence[SchedulerSpec]:  # type: ignore[empty-body]
    """Return what the plug-in can run a roll on: ``phos develop --scheduler ADDRESS``."""


@hookspec
def phos_colour_spaces() -> Sequence[Callable[[str], ColourSpace]]:  # type: ignore[empty-body]
    """Return functions that find a colour space by name, or raise `UnknownSpaceError`."""
