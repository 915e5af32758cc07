"""Chains: pointwise steps as one straight-line program for each pixel.

`tracing` makes them of steps that are written as functions of arrays; a backend may compile them,
each into one kernel.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chain", "Instruction", "run_chain"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """What gives a value.

    Parameters
    ----------
    op : str
        "input", "constant", "table", "neg", "abs", "exp", "log", "log10", "tanh", "sqrt",
        "floor", "add", "sub", "mul", "div", "pow", "max", "min", "le", "lt", "ge", "gt" or
        "where".
    args : tuple of int
        The values that it takes, by the number of their instructions. Those of "input" are an
        array and a layer of it, that of "constant" a number's place among the constants; the
        first of "table" is a table's place among the tables, the second a value.
    """

    op: str
    args: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Chain:
    """A straight-line program that gives the layers of a pixel.

    Parameters
    ----------
    inputs : tuple of (int, dtype)
        Layers and dtype of each array of shape (layers, rows, cols) that it reads.
    instructions : tuple of Instruction
        Each gives one value in single precision, but for comparisons, which give a truth value;
        it takes values of earlier ones. Integers that are read count as numbers.
    outputs : tuple of int
        The value of each layer of the result.
    dtype : dtype
        Of the result. Values of an integer dtype are whole numbers within its range.
    constants : tuple of float
        The numbers of "constant".
    tables : tuple of ndarray of float32, shape (n,)
        The tables of "table", which are read at whole numbers from 0 to n - 1.
    """

    inputs: tuple[tuple[int, np.dtype[Any]], ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]
    dtype: np.dtype[Any]
    constants: tuple[float, ...] = ()
    tables: tuple[NDArray[np.float32], ...] = ()

    @cached_property
    def structure(self) -> Hashable:
        """What chains that differ in nothing but numbers have in common."""
        sizes = tuple(len(table) for table in self.tables)
        return self.inputs, self.instructions, self.outputs, self.dtype, sizes


def run_chain(chain: Chain, *arrays: NDArray[Any]) -> NDArray[Any]:
    """Run a chain on NumPy arrays, instruction by instruction: what compiled code is held to.

    Parameters
    ----------
    chain : Chain
        What to do.
    *arrays : ndarray, shape (layers, rows, cols)
        As `chain.inputs` says.

    Returns
    -------
    ndarray, shape (layers, rows, cols)
        The result.
    """
    values: list[Any] = []
    for instruction in chain.instructions:
        match instruction.op, instruction.args:
            case "input", (place, layer):
                values.append(arrays[place][layer])
            case "constant", (place,):
                values.append(np.float32(chain.constants[place]))
            case "table", (place, index):
                values.append(chain.tables[place][values[index].astype(np.intp)])
            case op, args:
                values.append(_IN_NUMPY[op](*(_number(values[arg]) for arg in args)))
    rows, cols = arrays[0].shape[1:]
    layers = [np.broadcast_to(values[output], (rows, cols)) for output in chain.outputs]
    return np.stack(layers).astype(chain.dtype)


def _number(value: Any) -> Any:
    """Integers count as numbers in single precision."""
    return value.astype(np.float32) if value.dtype.kind in "ui" else value


_IN_NUMPY: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "max": np.maximum,
    "min": np.minimum,
    "le": np.less_equal,
    "lt": np.less,
    "ge": np.greater_equal,
    "gt": np.greater,
    "where": np.where,
}
