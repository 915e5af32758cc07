"""Codes at another depth."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["at_depth", "rescaled"]


def at_depth(codes: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Give codes at another depth, rounded to the nearest.

    Parameters
    ----------
    codes : ndarray of uint8, uint16 or float32
        The largest code is white; of floats 1 is.
    dtype : uint8, uint16 or float32
        Of the codes wanted. Floats are clipped from 0 to 1 where integers are wanted.

    Returns
    -------
    ndarray of `dtype`, same shape
        The same array if it has that depth already.
    """
    into = np.dtype(dtype)
    if codes.dtype == into:
        return codes
    if codes.dtype.kind == "f":
        top = np.iinfo(into).max
        return np.asarray(np.rint(np.clip(codes, 0, 1) * top), dtype=into)
    largest = int(np.iinfo(codes.dtype).max)
    if into.kind == "f":
        return np.asarray(np.divide(codes, largest, dtype=into))
    return rescaled(codes, largest, into)


def rescaled(codes: NDArray[Any], largest: int, dtype: DTypeLike) -> NDArray[Any]:
    """Give integer codes on the whole range of a dtype, rounded to the nearest.

    Parameters
    ----------
    codes : ndarray of unsigned integers
        Codes from 0 to `largest`; what lies above counts as that.
    largest : int
        White, at most 65535.
    dtype : uint8 or uint16
        Of the codes wanted.

    Returns
    -------
    ndarray of `dtype`, same shape
        White is the largest code again.
    """
    top = int(np.iinfo(np.dtype(dtype)).max)
    wide = np.minimum(codes.astype(np.uint32), largest)
    return np.asarray((wide * top + largest // 2) // largest, dtype=dtype)
