"""Arrays of any library that follows the Array API standard, and how effects see them."""

import math
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar

import array_api_compat
import numpy as np
import numpy.typing as npt

from phos_core.errors import shown

__all__ = [
    "Array",
    "array_namespace",
    "clipped",
    "computable",
    "device",
    "in_precision_of",
    "mix",
    "numbers_in",
    "numpy_dtype",
    "overlap",
    "per_layer",
    "plain_numerics",
    "refuse_gradient",
    "refuse_mask",
    "untraced",
]

Array: TypeAlias = Any
"""An array of any Array API library; the standard defines no common base class."""

P = ParamSpec("P")
T = TypeVar("T")
OVERLAP_WORK = 10_000  # steps of the search for a byte that two strided arrays share


def plain_numerics() -> np.errstate:
    """Give NumPy's own defaults for floating-point errors, whatever the caller has set.

    Returns
    -------
    numpy.errstate
        To be used with `with`, or over a function. That a number falls below the smallest float
        is harmless, and happens in the tail of every exponential.
    """
    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")


def refuse_mask(name: str, value: Any) -> None:
    """Raise unless an array, or each in a list, is without a mask, which would be lost."""
    for array in value if isinstance(value, list | tuple) else [value]:
        if isinstance(array, np.ndarray) and hasattr(array, "mask"):
            raise TypeError(
                f"{name} has a mask, which would be lost: fill in what it hides, for instance "
                f"by {name}.filled(0)"
            )


def refuse_gradient(name: str, array: Array) -> None:
    """Raise if an array, such as a tensor of PyTorch's, requires a gradient: it would be lost."""
    if getattr(array, "requires_grad", False):
        raise TypeError(
            f"{name} requires a gradient, and none is computed here: pass {name}.detach()"
        )


def untraced(function: Callable[P, T]) -> Callable[P, T]:
    """Keep `torch.compile` from tracing a function, which costs a minute and gains nothing.

    Parameters
    ----------
    function : callable
        What users call, perhaps from code that they have compiled. It runs as ever in there, as a
        break of the graph; with ``fullgraph=True`` PyTorch raises an error.

    Returns
    -------
    callable
        The same.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        compiler = getattr(sys.modules.get("torch"), "compiler", None)  # not imported for this
        if compiler is not None and compiler.is_compiling():
            untraceable: Callable[P, T] = compiler.disable(function)
            return untraceable(*args, **kwargs)
        return function(*args, **kwargs)

    return run


def numbers_in(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    """Give what holds real numbers as an array of NumPy's own class.

    Parameters
    ----------
    name : str
        What an error calls it.
    value : array_like
        Of any shape, any real dtype, and any subclass without a mask.

    Returns
    -------
    ndarray
        Not a copy where it need not be one.

    Raises
    ------
    TypeError
        If it holds anything else, or has a mask.
    ValueError
        If its rows are not of one length.
    """
    refuse_mask(name, value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must have rows of one length, got {shown(value)}") from error
    except (TypeError, RuntimeError, AttributeError) as error:  # its own way to NumPy fails
        kind = type(value).__name__
        raise TypeError(f"{name} must hold real numbers, got {kind}: {error}") from error
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def overlap(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Say whether two arrays share a byte; where that takes long to tell, that they may."""
    if not np.may_share_memory(one, other):
        return False
    try:
        return np.shares_memory(one, other, max_work=OVERLAP_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


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
    A row at a time where NumPy multiplies: a product of whole layers would hand strips that
    already run side by side to a library with threads of its own. Elsewhere, sums of scaled
    layers.
    """
    if array_api_compat.is_numpy_array(x):
        mixed = np.empty((len(rows), *x.shape[1:]), x.dtype)
        matrix = np.array(rows, x.dtype)
        np.matmul(matrix, x.transpose(1, 0, 2), out=mixed.transpose(1, 0, 2))
        return mixed
    columns = per_layer(list(zip(*rows, strict=True)), x)
    mixed = x[:1, ...] * columns[0, ...]
    for layer in range(1, columns.shape[0]):
        mixed += x[layer : layer + 1, ...] * columns[layer, ...]
    return mixed


def clipped(x: Array, low: float | Array, high: float | Array | None = None) -> Array:
    """Hold numbers within bounds.

    Parameters
    ----------
    x : array
        The numbers.
    low, high : float or array
        The bounds, which broadcast to `x`; by default there is no upper one.

    Returns
    -------
    array
        A new array.

    Notes
    -----
    NumPy clips faster than it takes the greater of an array and a number. Of what the
    standard has, taking the greater and the lesser is what every library computes alike.
    """
    if array_api_compat.is_numpy_array(x):
        return np.clip(x, low, math.inf if high is None else high)
    xp = array_namespace(x)
    above = xp.maximum(x, low)
    return above if high is None else xp.minimum(above, high)


def computable(x: Array) -> Array:
    """Give numbers as the process computes with them: half precision in single, native bytes."""
    if isinstance(x, np.ndarray):
        native = x.dtype.newbyteorder("=")
        return x.astype(np.float32 if native == np.float16 else native, copy=False)
    if not str(x.dtype).endswith("float16"):
        return x
    xp = array_namespace(x)
    return xp.astype(x, xp.float32)


def in_precision_of(image: Array, positive: Array) -> Array:
    """Give floats in the precision of a picture of floats; of integers, what came of them."""
    if "float" not in str(image.dtype):
        return positive
    return array_namespace(positive).astype(positive, image.dtype, copy=False)


def numpy_dtype(array: Array) -> np.dtype[Any]:
    """The NumPy dtype of an array of any library."""
    return np.dtype(str(array.dtype).rpartition(".")[2])
