"""By which method a plane is convolved: the methods' names, and a plan that says one with why."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from phos_core.convolution.boundary import Boundary
from phos_core.psf import PSF

__all__ = ["METHODS", "Method", "Plan", "Taps", "check_method"]

Method: TypeAlias = Literal[
    "auto", "direct", "separable", "multirate", "frequencies", "sum", "transform"
]
"""``direct`` adds shifted images, ``separable`` multiplies by banded matrices, ``multirate``
computes a smooth blur on a coarse grid, ``frequencies`` from its few frequencies by matrix
products, ``sum`` does the narrow part as ``separable`` and the smooth part as one of these two,
``transform`` multiplies spectra; ``auto`` chooses."""

METHODS: tuple[Method, ...] = get_args(Method)

Taps: TypeAlias = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Taps along rows and along columns, odd and centred: their outer product is a PSF."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How a plane is convolved; `str` says it in a few lines.

    Parameters
    ----------
    backend : str
        Which backend convolves.
    method : Method
        By which method; never "auto".
    reason : str
        Why by this one.
    shape : tuple of (int, int)
        Of the plane.
    boundary : Boundary
        What lies beyond its edges.
    psf : PSF
        The whole PSF.
    narrow : tuple of Taps
        What goes by banded matrix products.
    smooth : PSF or None
        What goes by a coarse grid, or by few frequencies.
    points : tuple of (int, int)
        How many of these, in rows and columns.
    """

    backend: str
    method: Method
    reason: str
    shape: tuple[int, int]
    boundary: Boundary
    psf: PSF
    narrow: tuple[Taps, ...] = ()
    smooth: PSF | None = None
    points: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        (rows, cols), (height, width) = self.shape, (2 * r + 1 for r in self.psf.radius)
        lines = [
            f"{self.backend}: {rows} x {cols} pixels, PSF of {height} x {width}, "
            f"border {self.boundary}",
            f"method: {self.method}, {self.reason}",
        ]
        if self.narrow:
            across, along = (len(taps) for taps in self.narrow[0])
            terms = f"{len(self.narrow)} separable term{'s' * (len(self.narrow) > 1)}"
            lines.append(f"narrow part: {terms} of {across} x {along} taps, by banded matrices")
        points = " x ".join(map(str, self.points))
        if self.method == "frequencies":
            lines.append(f"smooth part: from {points} frequencies")
        elif self.smooth is not None:
            apart = " and ".join(
                f"{n / m:.1f}" for n, m in zip(self.shape, self.points, strict=True)
            )
            lines.append(f"smooth part: from {points} points, {apart} pixels apart")
        return "\n".join(lines)


def check_method(method: str) -> Method:
    """Return the method if it is one.

    Raises
    ------
    ValueError
        If it is none.
    """
    for known in METHODS:
        if method == known:
            return known
    raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
