"""Tracing: a step written as a function of arrays, made into a chain.

The function runs once on symbols in place of arrays, and what it does to a pixel is written down.
`SymbolNamespace` is the symbols' own Array API: it holds of the standard what pointwise steps use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from phos_core.convolution.chain import Chain, Instruction

__all__ = ["Symbol", "SymbolNamespace", "trace"]

Index: TypeAlias = int | slice | EllipsisType | None
Number: TypeAlias = "Symbol | float"

FLOAT32 = np.dtype(np.float32)
COMPARISONS = ("le", "lt", "ge", "gt")


def trace(function: Callable[..., Any], inputs: Sequence[tuple[int, np.dtype[Any]]]) -> Chain:
    """Write down what a function does to a pixel.

    Parameters
    ----------
    function : callable
        Takes arrays of shape (layers, rows, cols) and returns one. It is written on the Array
        API, each pixel of the result depends on the same pixel of the arrays alone, and it
        branches on shapes and dtypes, never on pixels.
    inputs : sequence of (int, dtype)
        Layers and dtype of each array.

    Returns
    -------
    Chain
        The same in single precision.

    Raises
    ------
    TypeError, AttributeError
        If the function does to its arrays what a chain has no instruction for.

    Examples
    --------
    Half of one layer, and of it the root: each instruction names the values that it takes.

    >>> chain = trace(lambda image: (image * 0.5) ** 0.5, [(1, np.dtype(np.float32))])
    >>> [(one.op, one.args) for one in chain.instructions]
    [('input', (0, 0)), ('constant', (0,)), ('mul', (0, 1)), ('constant', (1,)), ('pow', (2, 3))]
    >>> chain.constants, chain.outputs
    ((0.5, 0.5), (4,))
    """
    program = _Program()
    symbols = [
        Symbol(
            program,
            np.array([[[program.add("input", place, layer)]] for layer in range(layers)]),
            np.dtype(dtype),
        )
        for place, (layers, dtype) in enumerate(inputs)
    ]
    result = function(*symbols)
    kept, outputs = _without_idle(program.instructions, result.values.ravel().tolist())
    return Chain(
        inputs=tuple((layers, np.dtype(dtype)) for layers, dtype in inputs),
        instructions=kept,
        outputs=outputs,
        dtype=result.dtype,
        constants=tuple(program.constants),
        tables=tuple(program.tables),
    )


@dataclass(slots=True)
class _Program:
    """Instructions as they come."""

    instructions: list[Instruction] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    tables: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, op: str, *args: int) -> int:
        """Append an instruction: the number of its value."""
        self.instructions.append(Instruction(op, args))
        return len(self.instructions) - 1

    def constant(self, value: float) -> int:
        """Append a number; equal ones stay apart, so that the structure does not hang on them."""
        self.constants.append(float(value))
        return self.add("constant", len(self.constants) - 1)

    def table(self, values: NDArray[np.float32]) -> int:
        """Give the place of a table."""
        for place, known in enumerate(self.tables):
            if known is values:
                return place
        self.tables.append(values)
        return len(self.tables) - 1


class Symbol:
    """Stands for an array: it holds the numbers of its values, and its rows and columns are 1 x 1.

    Parameters
    ----------
    program : _Program
        Takes the instructions.
    values : ndarray of int, shape (..., 1, 1)
        The instruction that gives each value.
    dtype : dtype
        As the array's would be.
    """

    def __init__(self, program: _Program, values: NDArray[Any], dtype: np.dtype[Any]) -> None:
        self.program = program
        self.values = values
        self.dtype = dtype

    @property
    def device(self) -> _Program:
        """Where new symbols have to go."""
        return self.program

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape with one row and one column."""
        return self.values.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.values.ndim

    def __array_namespace__(self, *, api_version: str | None = None) -> "type[SymbolNamespace]":
        return SymbolNamespace

    def __getitem__(self, index: Index | tuple[Index, ...]) -> "Symbol":
        return Symbol(self.program, self.values[index], self.dtype)

    def __bool__(self) -> bool:
        raise TypeError("a step must not branch on pixels: use where")

    def __neg__(self) -> "Symbol":
        return _apply("neg", self)

    def __add__(self, other: Number) -> "Symbol":
        return _apply("add", self, other)

    def __radd__(self, other: Number) -> "Symbol":
        return _apply("add", other, self)

    def __sub__(self, other: Number) -> "Symbol":
        return _apply("sub", self, other)

    def __rsub__(self, other: Number) -> "Symbol":
        return _apply("sub", other, self)

    def __mul__(self, other: Number) -> "Symbol":
        return _apply("mul", self, other)

    def __rmul__(self, other: Number) -> "Symbol":
        return _apply("mul", other, self)

    def __truediv__(self, other: Number) -> "Symbol":
        return _apply("div", self, other)

    def __rtruediv__(self, other: Number) -> "Symbol":
        return _apply("div", other, self)

    def __pow__(self, other: Number) -> "Symbol":
        return _apply("pow", self, other)

    def __le__(self, other: Number) -> "Symbol":
        return _apply("le", self, other)

    def __lt__(self, other: Number) -> "Symbol":
        return _apply("lt", self, other)

    def __ge__(self, other: Number) -> "Symbol":
        return _apply("ge", self, other)

    def __gt__(self, other: Number) -> "Symbol":
        return _apply("gt", self, other)


@dataclass(frozen=True, slots=True)
class _Table:
    """Numbers to be looked up."""

    values: NDArray[np.float32]


def _function(op: str) -> Any:
    """A function of the standard that is one instruction."""

    def apply(*operands: Number) -> Symbol:
        return _apply(op, *operands)

    return staticmethod(apply)


class SymbolNamespace:
    """Of the Array API what pointwise steps use, for symbols in place of arrays.

    `abs(symbol)` notes one instruction for each layer and gives the symbol of the results. What
    only moves values about, such as `reshape`, notes nothing.
    """

    float32 = FLOAT32
    int32 = np.dtype(np.int32)
    uint8 = np.dtype(np.uint8)
    uint16 = np.dtype(np.uint16)

    abs = _function("abs")
    exp = _function("exp")
    log = _function("log")
    log10 = _function("log10")
    tanh = _function("tanh")
    sqrt = _function("sqrt")
    floor = _function("floor")
    pow = _function("pow")
    maximum = _function("max")
    minimum = _function("min")
    where = _function("where")

    @staticmethod
    def asarray(values: Any, *, dtype: Any = None, device: _Program) -> Any:
        """Numbers as constants; a NumPy array as a table."""
        if isinstance(values, np.ndarray):
            return _Table(values)
        numbers = np.asarray(values, np.float64)
        places = np.array([device.constant(number) for number in numbers.flat], np.int64)
        return Symbol(device, places.reshape(numbers.shape), FLOAT32 if dtype is None else dtype)

    @staticmethod
    def take(table: _Table, index: Symbol) -> Symbol:
        """Look numbers up."""
        program = index.program
        place = program.table(table.values)
        found = [program.add("table", place, int(value)) for value in index.values.flat]
        return Symbol(program, np.array(found).reshape(index.shape), FLOAT32)

    @staticmethod
    def astype(x: Symbol, dtype: Any) -> Symbol:
        """Say what dtype the values have: numbers stay as they are."""
        return Symbol(x.program, x.values, np.dtype(dtype))

    @staticmethod
    def isdtype(dtype: Any, kind: Any) -> bool:
        """Say whether a dtype is of a kind."""
        return bool(np.isdtype(dtype, kind))

    @staticmethod
    def reshape(x: Symbol, shape: tuple[int, ...]) -> Symbol:
        """Arrange the values anew."""
        return Symbol(x.program, x.values.reshape(shape), x.dtype)

    @staticmethod
    def broadcast_to(x: Symbol, shape: tuple[int, ...]) -> Symbol:
        """Repeat values."""
        return Symbol(x.program, np.broadcast_to(x.values, shape), x.dtype)

    @staticmethod
    def stack(arrays: Sequence[Symbol], *, axis: int = 0) -> Symbol:
        """Put symbols together along a new axis."""
        values = np.stack([x.values for x in arrays], axis=axis)
        return Symbol(arrays[0].program, values, arrays[0].dtype)

    @staticmethod
    def concat(arrays: Sequence[Symbol], *, axis: int = 0) -> Symbol:
        """Put symbols together along an axis."""
        values = np.concatenate([x.values for x in arrays], axis=axis)
        return Symbol(arrays[0].program, values, arrays[0].dtype)


def _apply(op: str, *operands: Number) -> Symbol:
    """Append an instruction for each layer of what the operands broadcast to."""
    program = next(x.program for x in operands if isinstance(x, Symbol))
    values = [
        x.values if isinstance(x, Symbol) else np.array(program.constant(x)) for x in operands
    ]
    together = np.broadcast(*values) if len(values) > 1 else np.broadcast(values[0])
    done = np.array([program.add(op, *map(int, args)) for args in together], np.int64)
    dtype = np.dtype(np.bool_) if op in COMPARISONS else FLOAT32
    return Symbol(program, done.reshape(together.shape), dtype)


def _without_idle(
    instructions: Sequence[Instruction], outputs: Sequence[int]
) -> tuple[tuple[Instruction, ...], tuple[int, ...]]:
    """Drop the instructions that no output needs, and number the others anew."""
    needed = set(outputs)
    for place in reversed(range(len(instructions))):
        if place in needed:
            needed.update(_taken(instructions[place]))
    renumbered = {old: new for new, old in enumerate(sorted(needed))}
    kept = [_renumbered(instructions[old], renumbered) for old in renumbered]
    return tuple(kept), tuple(renumbered[output] for output in outputs)


def _taken(instruction: Instruction) -> tuple[int, ...]:
    """The values that an instruction takes."""
    match instruction.op:
        case "input" | "constant":
            return ()
        case "table":
            return instruction.args[1:]
        case _:
            return instruction.args


def _renumbered(instruction: Instruction, numbers: dict[int, int]) -> Instruction:
    taken = _taken(instruction)
    own = instruction.args[: len(instruction.args) - len(taken)]
    return Instruction(instruction.op, (*own, *(numbers[value] for value in taken)))
