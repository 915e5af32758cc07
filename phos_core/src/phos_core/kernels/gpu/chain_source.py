"""CUDA source of chains: pointwise steps as one kernel, a thread for a pixel.

Chains of one structure share their kernel: their numbers are handed over at each start, and the
chip reads them as quickly as if they stood in the code.

Nothing here needs a GPU: the source is plain enough for a C++ compiler as well.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.convolution.chain import Chain, Instruction

__all__ = ["MOST_CONSTANTS", "NAMES", "constants", "head", "source"]

MOST_CONSTANTS = 800  # what is handed over to a kernel has 4096 bytes at most

NAMES = {
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "float32": "float",
    "float64": "double",
}

ON_DEVICE = """
#define KERNEL extern "C" __global__ void
#define ROWS(row, rows) for (int row = blockIdx.y; row < (rows); row += gridDim.y)
#define COLS(col, cols) \\
    for (int col = blockIdx.x * blockDim.x + threadIdx.x; col < (cols); \\
         col += gridDim.x * blockDim.x)
#define FUNCTION static __device__ __forceinline__ float
// What comes of these is added to others: their error beside 1 counts, a unit in its last place.
FUNCTION log10_of(float x) { return 0.30102999566f * __log2f(x); }
FUNCTION tanh_of(float x) { return 1.0f - __fdividef(2.0f, __expf(2.0f * x) + 1.0f); }
// Here it is the relative error: what opens highlights takes the 16th power of light.
FUNCTION pow_of(float x, float y) { return powf(x, y); }
"""

ONE_ARGUMENT = {
    "neg": "-{}",
    "abs": "fabsf({})",
    "exp": "expf({})",
    "log": "logf({})",
    "log10": "log10_of({})",
    "tanh": "tanh_of({})",
    "sqrt": "sqrtf({})",
    "floor": "floorf({})",
}
TWO_ARGUMENTS = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "pow": "pow_of({}, {})",
    "max": "fmaxf({}, {})",
    "min": "fminf({}, {})",
    "le": "{} <= {}",
    "lt": "{} < {}",
    "ge": "{} >= {}",
    "gt": "{} > {}",
}
TRUTH = ("le", "lt", "ge", "gt")
LARGEST = 3.4028234e38  # of the finite floats


def head(chain: Chain) -> struct.Struct:
    """Give the layout of what a chain's kernel is handed, up to its constants.

    Parameters
    ----------
    chain : Chain
        The chain.

    Returns
    -------
    Struct
        Where each array begins, those that are read and then the result; their strides in numbers,
    XX in single precision, filled up to an even number.
    """
    arrays = len(chain.inputs) + 1
    return struct.Struct(f"{arrays}Q{3 * arrays}q{max(len(chain.tables), 1)}QQ2i")


def constants(chain: Chain) -> npt.NDArray[np.float32]:
    """Give a chain's constants as its kernel is handed them."""
    own = np.array(chain.constants, np.float32)
    return np.pad(own, (0, 2 + len(own) % 2))


def source(chain: Chain) -> str:
    """Write a chain's kernel.

    Parameters
    ----------
    chain : Chain
        The chain; its numbers do not matter.

    Returns
    -------
    str
        CUDA source of the kernel ``pixels``, without what `ON_DEVICE` defines.
    """
    arrays, tables = len(chain.inputs) + 1, max(len(chain.tables), 1)
    dtypes = [dtype for _, dtype in chain.inputs]
    pointers = [
        f"const {NAMES[dtype.name]} *in{i} = (const {NAMES[dtype.name]} *)a.arrays[{i}]"
        f" + row * a.strides[{i}][1] + col * a.strides[{i}][2];"
        for i, dtype in enumerate(dtypes)
    ]
    name, last = NAMES[chain.dtype.name], len(dtypes)
    body = [
        *pointers,
        *(_line(i, instruction, dtypes) for i, instruction in enumerate(chain.instructions)),
        f"{name} *out = ({name} *)a.arrays[{last}]"
        f" + row * a.strides[{last}][1] + col * a.strides[{last}][2];",
        *(
            f"out[{layer} * a.strides[{last}][0]] = ({name})v{value};"
            for layer, value in enumerate(chain.outputs)
        ),
        *_watch(chain),
    ]
    return f"""
struct Arguments {{
    void *arrays[{arrays}];
    long long strides[{arrays}][3];
    const float *tables[{tables}];
    float *watch;
    int rows, cols;
    float constants[{len(constants(chain))}];
}};
KERNEL pixels(const Arguments a) {{
    ROWS(row, a.rows) COLS(col, a.cols) {{
        {(chr(10) + " " * 8).join(body)}
    }}
}}
"""


def _watch(chain: Chain) -> list[str]:
    """Write what notes floats that are not finite: their sum is finite only if each of them is."""
    read = [
        value
        for value, instruction in enumerate(chain.instructions)
        if instruction.op == "input" and chain.inputs[instruction.args[0]][1].kind == "f"
    ]
    written = chain.outputs if chain.dtype.kind == "f" else ()
    names = [f"v{value}" for value in sorted({*read, *written})]
    if not names:
        return []
    total = " + ".join(names)
    return [f"if (a.watch && !(fabsf({total}) <= {LARGEST}f)) *a.watch = {total};"]


def _line(value: int, instruction: Instruction, dtypes: list[np.dtype[Any]]) -> str:
    """Write what gives a value; of integers that are read, the number as well as the place."""
    op, args = instruction.op, instruction.args
    if op == "input":
        array, layer = args
        read = f"in{array}[{layer} * a.strides[{array}][0]]"
        if dtypes[array].kind == "u":
            return f"const int i{value} = {read}; const float v{value} = i{value};"
        return f"const float v{value} = {read}; const int i{value} = v{value};"
    if op == "constant":
        return f"const float v{value} = a.constants[{args[0]}];"
    if op == "table":
        return f"const float v{value} = a.tables[{args[0]}][i{args[1]}];"
    names = [f"v{arg}" for arg in args]
    if op == "where":
        return f"const float v{value} = {names[0]} ? {names[1]} : {names[2]};"
    form = ONE_ARGUMENT[op] if op in ONE_ARGUMENT else TWO_ARGUMENTS[op]
    kind = "bool" if op in TRUTH else "float"
    return f"const {kind} v{value} = {form.format(*names)};"
