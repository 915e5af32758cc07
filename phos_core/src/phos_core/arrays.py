"""Arrays of any library that follows the Array API standard, and how effects see them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import array_api_compat

__all__ = ["Array", "array_namespace", "device", "mix", "per_layer"]

Array: TypeAlias = Any
"""An array of any Array API library; the standard defines no common base class."""


def array_namespace(*arrays: Array) -> Any:
    """Return the Array API namespace that the arrays belong to.

    Parameters
    ----------
    *arrays : array
        Arrays of one library.

    Returns
    -------
    namespace
        A module with the functions of the Array API standard.

    Raises
    ------
    TypeError
        If an argument is no array, or the arrays belong to different libraries.
    """
    return array_api_compat.array_namespace(*arrays)


def device(x: Array) -> Any:
    """Return the device on which an array lives, as its library names it."""
    return array_api_compat.device(x)


def per_layer(values: Sequence[float] | Sequence[Sequence[float]], like: Array) -> Array:
    """Return numbers, one per layer, shaped to act on (layers, rows, cols).

    Parameters
    ----------
    values : sequence of float, or of sequence of float
        One per layer, or one for all; or several such sequences.
    like : array
        Gives the namespace, dtype and device.

    Returns
    -------
    array, shape (layers, 1, 1), or (len(values), layers, 1, 1) for several
        The numbers.
    """
    xp = array_namespace(like)
    numbers = xp.asarray(values, dtype=like.dtype, device=device(like))
    return xp.reshape(numbers, (*numbers.shape, 1, 1))


def mix(x: Array, rows: Sequence[Sequence[float]]) -> Array:
    """Multiply the layers by a small matrix.

    Parameters
    ----------
    x : array, shape (n, rows, cols)
        The layers.
    rows : sequence of sequence of float
        The matrix, m rows of n numbers.

    Returns
    -------
    array, shape (m, rows, cols)
        The mixed layers.

    Notes
    -----
    Sums of scaled layers: a matrix product would hand strips that already run side by side to a
    library with threads of its own.
    """
    columns = per_layer(list(zip(*rows, strict=True)), x)
    mixed = x[:1, ...] * columns[0, ...]
    for layer in range(1, columns.shape[0]):
        mixed += x[layer : layer + 1, ...] * columns[layer, ...]
    return mixed
