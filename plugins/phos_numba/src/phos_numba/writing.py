"""The Python source of a chain's kernel.

A kernel goes row by row, some columns at a time. What has to be read or written number by number
(by table, in integers, from interleaved pictures) passes through short rows of scratch, so that
the loops that compute read and write neighbours, without branches, in vector registers.

There are several such loops, one after the other, with what they hand on in scratch: a processor
looks some hundred instructions ahead, and has enough to do at a time only if these are more than
one round of a loop.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from phos_core.backend import Chain, Instruction

__all__ = ["OPERATIONS", "write_kernel"]

COLUMNS = 512  # at a time: the scratch then stays in the first-level cache
SPARE = 16  # numbers between the rows of scratch: rows a power of two apart share cache lines
LOOP_WEIGHT = 32  # operations of one loop, by and large
FLOAT32 = np.dtype(np.float32)

EXPRESSIONS = {
    "neg": "-{0}",
    "abs": "abs({0})",
    "exp": "exp({0})",
    "log": "log({0})",
    "log10": "log10({0})",
    "tanh": "tanh({0})",
    "sqrt": "np.sqrt({0})",
    "floor": "np.floor({0})",
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "pow": "power({0}, {1})",
    "max": "max({0}, {1})",
    "min": "min({0}, {1})",
}
COMPARISONS = {"le": "<=", "lt": "<", "ge": ">=", "gt": ">"}
OPERATIONS = {"input", "constant", "table", "where", *EXPRESSIONS, *COMPARISONS}
"""What a kernel can be written for."""

WEIGHTS = {"exp": 20, "log": 14, "log10": 14, "tanh": 20, "pow": 36, "sqrt": 4, "div": 4}

HEADER = '''\
"""A chain, written by phos_numba."""

import numba
import numpy as np
from numba import types
from numba.types import float32, float64, int64, uint8, uint16

from phos_numba.mathematics import FLAGS, exp, log, log10, power, tanh


'''


def write_kernel(chain: Chain) -> str:
    """Write the source of a chain's kernel.

    Parameters
    ----------
    chain : Chain
        What to do; its numbers do not count.

    Returns
    -------
    str
        A module that defines ``kernel(rows, cols, constants, *tables, *arrays, out)``, where
        each of the arrays and `out` is handed over as two arguments: one row of numbers, and how
        far apart in it the layers, rows and columns are. It asks for a global name ``CACHE``.
    """
    return _Writer(chain).module()


class _Writer:
    """Writes a kernel."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.uniform = _uniform(chain)
        self.coded = self._coded_rows()
        self.order = self._order()
        self.loop_of = self._loops()
        self.crossing = self._crossing()

    def module(self) -> str:
        """Everything."""
        decorator = (
            f"@numba.njit({self._signature()}, cache=CACHE, nogil=True, "
            'error_model="numpy", fastmath=FLAGS)'
        )
        body = [
            *self._scratch(),
            *(self._definition(place) for place in sorted(self.uniform)),
            "for i in range(rows):",
            *_indented(self._row()),
        ]
        head = f"def kernel({', '.join(self._parameters())}):"
        return HEADER + "\n".join([decorator, head, *_indented(body), ""])

    def _parameters(self) -> list[str]:
        tables = [f"t{place}" for place in range(len(self.chain.tables))]
        names = [*(f"x{place}" for place in range(len(self.chain.inputs))), "out"]
        return ["rows", "cols", "c", *tables, *(f"{n}{end}" for n in names for end in ("", "_by"))]

    def _signature(self) -> str:
        """Types of the parameters."""
        numbers = ["float32[::1]"] * (1 + len(self.chain.tables))
        inputs = [
            f'types.Array({dtype.name}, 1, "C", readonly=True), int64[::1]'
            for _, dtype in self.chain.inputs
        ]
        out = f"{self.chain.dtype.name}[::1], int64[::1]"
        return f"types.void({', '.join(['int64', 'int64', *numbers, *inputs, out])})"

    def _scratch(self) -> list[str]:
        """Make the scratch: numbers, and results in their own type."""
        numbers = len(self.coded) + 1 + max(self.crossing.values(), default=-1)
        lines = [f"scratch = np.empty(({max(numbers, 1)}, {COLUMNS + SPARE}), np.float32)"]
        lines += [f"r{row} = scratch[{row}]" for row in range(numbers)]
        if self._is_coded:
            layers = len(self.chain.outputs)
            lines.append(f"codes = np.empty(({layers}, {COLUMNS}), np.{self.chain.dtype.name})")
            lines += [f"out_{layer} = codes[{layer}]" for layer in range(layers)]
        return lines

    def _row(self) -> list[str]:
        """What is done for each row."""
        part = [f"n = min({COLUMNS}, cols - first)", *self._reads(), *self._views()]
        for loop in range(max(self.loop_of.values(), default=0) + 1):
            part += ["for j in range(n):", *_indented(self._loop(loop))]
        part += self._writes()
        return [f"for first in range(0, cols, {COLUMNS}):", *_indented(part)]

    def _reads(self) -> list[str]:
        """Loops that fill the scratch, one for each layer of an array."""
        lines = []
        for array, layer in sorted({key[:2] for key in self.coded}):
            lines += [
                f"step = x{array}_by[2]",
                f"at = {layer} * x{array}_by[0] + i * x{array}_by[1] + first * step",
                "for j in range(n):",
                f"    code = x{array}[at + j * step]",
            ]
            for (of_array, of_layer, table), row in self.coded.items():
                if (of_array, of_layer) == (array, layer):
                    value = "np.float32(code)" if table is None else f"t{table}[code]"
                    lines.append(f"    r{row}[j] = {value}")
        return lines

    def _views(self) -> list[str]:
        """Rows of the arrays that the loops read and write directly."""
        used = {i.args for i in self.chain.instructions if i.op == "input"}
        lines = [
            _view(f"x{array}", layer) for array, layer in sorted(used) if self._is_direct(array)
        ]
        if not self._is_coded:
            lines += [_view("out", layer) for layer in range(len(self.chain.outputs))]
        return lines

    def _loop(self, loop: int) -> list[str]:
        """The body of one of the loops that compute."""
        places = [place for place in self.order if self.loop_of[place] == loop]
        results = [
            (layer, value)
            for layer, value in enumerate(self.chain.outputs)
            if self.loop_of.get(value, 0) == loop
        ]
        known = {*places, *self.uniform}
        taken = [value for place in places for value in self._operands(place)]
        lines = []
        for value in dict.fromkeys([*taken, *(value for _, value in results)]):
            if value not in known:
                lines.append(f"v{value} = {self._leaf(value) or self._handed_on(value)}")
        lines += [self._definition(place) for place in places]
        lines += [f"{self._handed_on(p)} = v{p}" for p in places if p in self.crossing]
        for layer, value in results:
            text = f"np.{self.chain.dtype.name}(v{value})" if self._is_coded else f"v{value}"
            lines.append(f"out_{layer}[j] = {text}")
        return lines

    def _writes(self) -> list[str]:
        """Loops that bring codes to their place: the first where layers lie side by side."""
        if not self._is_coded:
            return []
        layers = range(len(self.chain.outputs))
        side_by_side = [f"whole[{len(layers)} * j + {k}] = out_{k}[j]" for k in layers]
        apart = [f"out[at + j * step + {k} * out_by[0]] = out_{k}[j]" for k in layers]
        return [
            "step = out_by[2]",
            "at = i * out_by[1] + first * step",
            f"if step == {len(layers)} and out_by[0] == 1:",
            f"    whole = out[at : at + {len(layers)} * n]",
            *_indented(["for j in range(n):", *_indented(side_by_side)]),
            "else:",
            *_indented(["for j in range(n):", *_indented(apart)]),
        ]

    def _definition(self, place: int) -> str:
        """The line that gives a value."""
        op, args = self.chain.instructions[place].op, self.chain.instructions[place].args
        match op:
            case "constant":
                text = f"c[{args[0]}]"
            case "table":
                text = f"t{args[0]}[np.int64(v{args[1]})]"
            case "where":
                text = f"v{args[1]} if {self._comparison(args[0])} else v{args[2]}"
            case _:
                text = EXPRESSIONS[op].format(*(f"v{arg}" for arg in args))
        return f"v{place} = {text}"

    def _comparison(self, place: int) -> str:
        """A comparison is written where it decides, so that no truth value is handed on."""
        instruction = self.chain.instructions[place]
        left, right = instruction.args
        return f"v{left} {COMPARISONS[instruction.op]} v{right}"

    def _operands(self, place: int) -> list[int]:
        """The values that have to be there before a value is computed."""
        instructions = self.chain.instructions
        return [
            value
            for arg in _values(instructions[place])
            for value in (instructions[arg].args if instructions[arg].op in COMPARISONS else (arg,))
        ]

    def _leaf(self, place: int) -> str | None:
        """A value that is read, not computed."""
        match self.chain.instructions[place]:
            case Instruction("input", (array, layer)) if self._is_direct(array):
                return f"x{array}_{layer}[j]"
            case Instruction("input", (array, layer)):
                return f"r{self.coded[array, layer, None]}[j]"
            case Instruction("table", (table, index)) if self._is_code(index):
                array, layer = self.chain.instructions[index].args
                return f"r{self.coded[array, layer, table]}[j]"
            case _:
                return None

    def _handed_on(self, place: int) -> str:
        return f"r{len(self.coded) + self.crossing[place]}[j]"

    def _coded_rows(self) -> dict[tuple[int, int, int | None], int]:
        """Scratch rows of (array, layer, table), the table None where the code itself counts."""
        keys: set[tuple[int, int, int | None]] = set()
        for instruction in self.chain.instructions:
            if instruction.op == "table" and self._is_code(instruction.args[1]):
                array, layer = self.chain.instructions[instruction.args[1]].args
                keys.add((array, layer, instruction.args[0]))
        numbers = {
            value
            for instruction in self.chain.instructions
            if instruction.op != "table"
            for value in _values(instruction)
        }
        for place in numbers.union(self.chain.outputs):
            if self._is_code(place):
                array, layer = self.chain.instructions[place].args
                keys.add((array, layer, None))
        ordered = sorted(keys, key=lambda key: (*key[:2], -1 if key[2] is None else key[2]))
        return {key: row for row, key in enumerate(ordered)}

    def _order(self) -> list[int]:
        """What is computed for each pixel, each value soon before it is needed."""
        order: dict[int, None] = {}
        waiting = [*reversed(self.chain.outputs)]
        while waiting:
            place = waiting[-1]
            if place in order or place in self.uniform or self._leaf(place):
                waiting.pop()
                continue
            missing = [
                value
                for value in self._operands(place)
                if not (value in order or value in self.uniform or self._leaf(value))
            ]
            if missing:
                waiting += reversed(missing)
            else:
                order[waiting.pop()] = None
        return list(order)

    def _loops(self) -> dict[int, int]:
        """Share the values out among loops of about the same weight."""
        loop_of, loop, weight = {}, 0, 0
        for place in self.order:
            own = WEIGHTS.get(self.chain.instructions[place].op, 1)
            if weight and weight + own > LOOP_WEIGHT:
                loop, weight = loop + 1, 0
            loop_of[place] = loop
            weight += own
        return loop_of

    def _crossing(self) -> dict[int, int]:
        """Rows of scratch for the values that a later loop needs, used again when they are free."""
        last = {
            value: self.loop_of[place]
            for place in self.order
            for value in self._operands(place)
            if value in self.loop_of
        }
        rows: dict[int, int] = {}
        free_from: list[int] = []  # the loop from which each row is free
        for place in self.order:
            if last.get(place, 0) <= self.loop_of[place]:
                continue
            free = (row for row, loop in enumerate(free_from) if loop <= self.loop_of[place])
            row = next(free, len(free_from))
            free_from[row : row + 1] = [last[place] + 1]
            rows[place] = row
        return rows

    @property
    def _is_coded(self) -> bool:
        """Whether the result is of another type than the numbers computed with."""
        return self.chain.dtype != FLOAT32

    def _is_direct(self, array: int) -> bool:
        return self.chain.inputs[array][1] == FLOAT32

    def _is_code(self, place: int) -> bool:
        instruction = self.chain.instructions[place]
        return instruction.op == "input" and not self._is_direct(instruction.args[0])


def _uniform(chain: Chain) -> set[int]:
    """The values that are the same for all pixels."""
    uniform: set[int] = set()
    for place, instruction in enumerate(chain.instructions):
        values = _values(instruction)
        is_known = instruction.op == "constant" or (values and uniform.issuperset(values))
        if is_known and instruction.op not in COMPARISONS:
            uniform.add(place)
    return uniform


def _values(instruction: Instruction) -> tuple[int, ...]:
    """The values that an instruction takes."""
    match instruction.op:
        case "input" | "constant":
            return ()
        case "table":
            return instruction.args[1:]
        case _:
            return instruction.args


def _view(name: str, layer: int) -> str:
    """A row of a layer of numbers side by side, from the first column on."""
    at = f"{layer} * {name}_by[0] + i * {name}_by[1] + first"
    return f"{name}_{layer} = {name}[{at} : {at} + n]"


def _indented(lines: Iterable[str]) -> Sequence[str]:
    return [f"    {line}" for line in lines]
