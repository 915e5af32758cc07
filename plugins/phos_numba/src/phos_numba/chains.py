"""Chains as compiled loops, one for all chains that differ in nothing but numbers."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.backend import Chain, UnsupportedOperationError
from phos_numba.compiling import load_function
from phos_numba.writing import OPERATIONS, write_kernel

__all__ = ["CompiledChain", "compile_chain"]

KERNELS = 64  # structures whose compiled code is held
FLOAT32 = np.dtype(np.float32)


class CompiledChain:
    """A chain that runs as one compiled loop; several threads may call it at once.

    Parameters
    ----------
    chain : Chain
        What to do.
    """

    def __init__(self, chain: Chain) -> None:
        self._dtypes = tuple(dtype for _, dtype in chain.inputs)
        self._layers = len(chain.outputs)
        self._dtype = chain.dtype
        self._constants = np.array(chain.constants, np.float32)
        self._tables = tuple(np.ascontiguousarray(t, np.float32) for t in chain.tables)
        self._kernel = _kernel(_Structure(chain))

    def __call__(
        self, *arrays: npt.NDArray[Any], out: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """Run the chain.

        Parameters
        ----------
        *arrays : ndarray, shape (layers, rows, cols)
            As the chain's inputs say, of any strides.
        out : ndarray, shape (layers, rows, cols), optional
            Takes the result; of any strides.

        Returns
        -------
        ndarray, shape (layers, rows, cols)
            `out`, or a new array.
        """
        rows, cols = arrays[0].shape[1:]
        if out is None:
            out = np.empty((self._layers, rows, cols), self._dtype)
        if rows == 0 or cols == 0:
            return out
        sources = [
            _readable(array, dtype) for array, dtype in zip(arrays, self._dtypes, strict=True)
        ]
        place = out if _is_writable(out, self._dtype, arrays) else np.empty(out.shape, self._dtype)
        flat = [_flat(array, writeable=array is place) for array in (*sources, place)]
        self._kernel(
            rows, cols, self._constants, *self._tables, *(x for pair in flat for x in pair)
        )
        if place is not out:
            np.copyto(out, place, casting="unsafe")
        return out


def compile_chain(chain: Chain) -> CompiledChain:
    """Compile a chain, or take what was compiled for one of its structure.

    Raises
    ------
    UnsupportedOperationError
        If there is an operation in it that no code is known for.
    """
    unknown = {instruction.op for instruction in chain.instructions} - OPERATIONS
    if unknown:
        raise UnsupportedOperationError(f"no code is known for {', '.join(sorted(unknown))}")
    return CompiledChain(chain)


class _Structure:
    """A chain by what its compiled code depends on."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._key = chain.structure

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Structure) and self._key == other._key


@lru_cache(maxsize=KERNELS)
def _kernel(structure: _Structure) -> Callable[..., None]:
    kernel: Callable[..., None] = load_function(write_kernel(structure.chain), "kernel")
    return kernel


def _readable(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array that a kernel can read: numbers of its type, floats side by side in their rows."""
    if array.dtype != dtype:
        raise TypeError(f"the chain was made for {dtype}, got an array of {array.dtype}")
    return array if _is_laid_out(array) else np.ascontiguousarray(array)


def _is_writable(
    out: npt.NDArray[Any], dtype: np.dtype[Any], arrays: Sequence[npt.NDArray[Any]]
) -> bool:
    """Whether a kernel can write there: what it reads must not change under it."""
    if out.dtype != dtype or not _is_laid_out(out):
        return False
    return not any(np.may_share_memory(out, array) for array in arrays)


def _is_laid_out(array: npt.NDArray[Any]) -> bool:
    size = array.itemsize
    whole = all(stride >= 0 and stride % size == 0 for stride in array.strides)
    return whole and (array.dtype != FLOAT32 or array.strides[2] == size or array.shape[2] == 1)


def _flat(
    array: npt.NDArray[Any], *, writeable: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """An array as one row of numbers, and how far apart in it its layers, rows and columns are."""
    steps = np.array([stride // array.itemsize for stride in array.strides], np.int64)
    length = int(sum(step * (size - 1) for step, size in zip(steps, array.shape, strict=True))) + 1
    flat = np.lib.stride_tricks.as_strided(array, (length,), (array.itemsize,), writeable=writeable)
    return flat, steps
