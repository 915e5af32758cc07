"""A lookup table, and what brings a colour to its place among the entries."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phos_darkroom.showing.luts.lookup import apply_lut, checked_entries

__all__ = ["Shaper", "Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaper:
    """Where light lies among evenly spaced entries: linear near black, logarithmic above.

    Parameters
    ----------
    low, high : float
        Ends of the domain; what lies beyond is held there. `low` is 0 or less.
    toe : float
        Positive light below it is spaced about evenly, above it by stops.
    toe_below : float
        The same of negative light.
    zero : float
        Place of light 0, from 0 to 1; 0 where `low` is 0.

    Notes
    -----
    With z the place of 0, t and u the toes, a the low and b the high end,

        z + (1 - z) asinh(x / t) / asinh(b / t)     x >= 0
        z (1 - asinh(x / u) / asinh(a / u))         otherwise
    """

    low: float
    high: float
    toe: float
    toe_below: float
    zero: float

    def place(self, light: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the place of light among the entries, from 0 to 1; any shape."""
        held = np.clip(np.asarray(light, np.float64), self.low, self.high)
        above = np.arcsinh(np.maximum(held, 0.0) / self.toe) / math.asinh(self.high / self.toe)
        places: NDArray[np.float64] = self.zero + (1.0 - self.zero) * above
        if self.zero:
            below = np.arcsinh(np.minimum(held, 0.0) / self.toe_below)
            places -= self.zero * below / math.asinh(self.low / self.toe_below)
        return places

    def light(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the light at places from 0 to 1: the inverse of `place`."""
        above = np.maximum(places - self.zero, 0.0) / (1.0 - self.zero)
        light: NDArray[np.float64] = self.toe * np.sinh(above * math.asinh(self.high / self.toe))
        if self.zero:
            below = np.maximum(self.zero - places, 0.0) / self.zero
            light += self.toe_below * np.sinh(below * math.asinh(self.low / self.toe_below))
        return light


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A lookup table: a curve, a matrix and a shaper, each of which may be missing, and entries.

    Parameters
    ----------
    entries : ndarray of float32, shape (n, n, n, 3)
        Positives. Entry (i, j, k) is that of places i / (n - 1), j / (n - 1) and k / (n - 1).
    shaper : Shaper, optional
        Gives the places; without one the numbers are the places, held within 0 to 1.
    matrix : ndarray, shape (3, 3), optional
        Acts before the shaper, on columns of three numbers.
    curve : ndarray, shape (m,), optional
        Acts first: what codes spaced evenly from 0 to 1 stand for, the same in all channels.
    """

    entries: NDArray[np.float32]
    shaper: Shaper | None = None
    matrix: NDArray[np.float64] | None = None
    curve: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        checked_entries(self.entries)

    @property
    def size(self) -> int:
        """Entries along each axis."""
        return len(self.entries)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing before the entries."""
        return self.shaper is None and self.matrix is None and self.curve is None

    def places(self, colours: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the places of colours among the entries, shape (..., 3), from 0 to 1."""
        numbers = np.asarray(colours, np.float64)
        if self.curve is not None:
            steps = np.linspace(0.0, 1.0, len(self.curve))
            numbers = np.interp(numbers, steps, self.curve)
        if self.matrix is not None:
            numbers = numbers @ self.matrix.T
        return np.clip(numbers, 0.0, 1.0) if self.shaper is None else self.shaper.place(numbers)

    def look_up(self, colours: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the positives of colours, shape (..., 3), by tetrahedral interpolation."""
        found: NDArray[np.float64] = apply_lut(self.places(colours), self.entries)
        return found
