"""Whether what a backend computed is finite: a driver gone wrong gives NaN, and says nothing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import is_numpy_array

from phos_core.arrays import Array, array_namespace
from phos_core.convolution.methods.cpu import in_parallel, row_strips
from phos_core.errors import DeviceLostError

__all__ = ["Watch", "is_finite", "is_finite_on_all_cores", "not_finite", "sum_of_squares"]

STRIP_NUMBERS = 2**19  # of a result that is searched on every core


class Watch:
    """Looks at what a backend computed for a picture, on the way to the picture.

    On the host an array is judged at once. A device is asked for a sum, which is read at the end:
    the host does not wait for it in between.

    Parameters
    ----------
    name : str
        The backend's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked: list[tuple[Array, Sequence[Array]]] = []

    def look(self, x: Array) -> None:
        """See that an array holds no NaN and no infinity, now or in the end.

        Raises
        ------
        DeviceLostError
            If it does.
        """
        if is_numpy_array(x):
            if not is_finite(x):
                raise not_finite(self._name)
            return
        xp = array_namespace(x)
        if xp.isdtype(x.dtype, "real floating"):
            self.note(xp.sum(x), [x])

    def note(self, total: Array, arrays: Sequence[Array]) -> None:
        """Take a number of the device that is finite only if everything in some arrays is."""
        self._asked.append((total, arrays))

    def decide(self) -> None:
        """See that all arrays of the device were finite; what was asked is then done with.

        Raises
        ------
        DeviceLostError
            If one was not.
        """
        asked, self._asked = self._asked, []
        for total, arrays in asked:
            if not math.isfinite(float(total)) and not all(map(_is_finite_each, arrays)):
                raise not_finite(self._name)


def not_finite(name: str) -> DeviceLostError:
    """The error for a backend that cannot be relied on any more."""
    return DeviceLostError(
        f"{name} computed numbers that are not finite (NaN or infinity) from a picture that is"
    )


def is_finite(x: npt.NDArray[Any]) -> bool:
    """Say whether an array of the host holds no NaN and no infinity.

    One pass: a sum is finite only if everything in it is. What is too large to be summed up is
    looked at one by one.
    """
    if x.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.add.reduce(x, axis=None))) or _is_finite_each(x)


def is_finite_on_all_cores(planes: npt.NDArray[Any]) -> bool:
    """Do as `is_finite` for planes of shape (..., rows, cols); not from within strips."""
    *before, rows, cols = planes.shape
    wrong: list[slice] = []

    def look(strip: slice) -> None:
        if not is_finite(planes[..., strip, :]):
            wrong.append(strip)

    together = max(cols * math.prod(before), 1)
    in_parallel(lambda: look, row_strips(rows, together, pixels=STRIP_NUMBERS))
    return not wrong


def sum_of_squares(plane: npt.NDArray[np.float32]) -> float:
    """Add up the squares of a plane in rows on every core; not from within strips.

    A finite sum says that everything in it is finite, and with its number how bright the brightest
    pixel is at least: one pass, where a peak takes two.
    """
    sums: list[float] = []

    def add(strip: slice) -> None:
        numbers = plane[strip].reshape(-1)
        with np.errstate(all="ignore"):
            sums.append(float(np.vdot(numbers, numbers)))

    in_parallel(lambda: add, row_strips(*plane.shape, pixels=STRIP_NUMBERS))
    return sum(sums)


def _is_finite_each(x: Array) -> bool:
    xp = array_namespace(x)
    return not xp.isdtype(x.dtype, "real floating") or bool(xp.all(xp.isfinite(x)))
