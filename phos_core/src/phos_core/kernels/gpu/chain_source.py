"""Source of chains: pointwise steps as one kernel, a thread for a pixel, in CUDA or in Metal.

Chains of one structure share their kernel: their numbers are handed over at each start, and the
chip reads them as quickly as if they stood in the code.

Nothing here needs a GPU: the source is plain enough for a C++ compiler as well.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.convolution.chain import Chain
from phos_core.errors import UnsupportedOperationError
from phos_core.kernels.gpu.dialects import CUDA, METAL, Dialect

__all__ = [
    "MOST_CONSTANTS",
    "constants",
    "head",
    "metal_numbers",
    "metal_source",
    "source",
]

MOST_CONSTANTS = 800  # what is handed over to a kernel in CUDA has 4096 bytes at most
MOST_BUFFERS = 31  # that Metal binds to a kernel

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

TRUTH = ("le", "lt", "ge", "gt")
LARGEST = 3.4028234e38  # of the finite floats


def head(chain: Chain) -> struct.Struct:
    """Give the layout of what a chain's kernel in CUDA is handed, up to its constants.

    Parameters
    ----------
    chain : Chain
        The chain.

    Returns
    -------
    Struct
        Where each array begins, those that are read and then the result; their strides in numbers,
        for layers, rows and columns; where the tables begin; where a number goes that is not
        finite, or nothing; rows and columns. The constants follow, in single precision, filled up
        to an even number.
    """
    arrays = len(chain.inputs) + 1
    return struct.Struct(f"{arrays}Q{3 * arrays}q{max(len(chain.tables), 1)}QQ2i")


def constants(chain: Chain) -> npt.NDArray[np.float32]:
    """Give a chain's constants as its kernel in CUDA is handed them."""
    own = np.array(chain.constants, np.float32)
    return np.pad(own, (0, 2 + len(own) % 2))


def source(chain: Chain) -> str:
    """Write a chain's kernel in CUDA.

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
        {(chr(10) + " " * 8).join(_body(chain, CUDA))}
    }}
}}
"""


def metal_numbers(chain: Chain) -> npt.NDArray[np.float32]:
    """Give what a chain's kernel in Metal has as its numbers: constants, and then the tables."""
    # Never none at all: an empty buffer cannot be handed over.
    return np.concatenate([chain.constants, *chain.tables, [0.0]]).astype(np.float32)


def metal_source(chain: Chain) -> str:
    """Write a chain's kernel in Metal.

    Parameters
    ----------
    chain : Chain
        The chain; its numbers do not matter.

    Returns
    -------
    str
        Metal source of the kernel ``pixels``. It takes, in this order, the arrays that are read and
        the result; what `metal_numbers` gives; the strides of these arrays in numbers, for layers,
        rows and columns, as 32-bit integers; and a float, which is overwritten by one that is not
        finite if any that is read or written is not. A thread is a pixel, by column and row.

    Raises
    ------
    UnsupportedOperationError
        If the chain has a dtype that Metal lacks, such as double precision, or too many arrays.
    """
    dtypes = [dtype for _, dtype in chain.inputs]
    for dtype in (*dtypes, chain.dtype):
        if dtype.name not in METAL.types:
            raise UnsupportedOperationError(f"a kernel in Metal has no {dtype.name}")
    if len(dtypes) + 4 > MOST_BUFFERS:
        raise UnsupportedOperationError(
            f"a kernel in Metal takes {MOST_BUFFERS} buffers at most; "
            f"a chain of {len(dtypes)} arrays takes {len(dtypes) + 4} buffers"
        )
    read = [
        f"const device {METAL.types[dtype.name]} *array{i} [[buffer({i})]],"
        for i, dtype in enumerate(dtypes)
    ]
    last, offset = len(dtypes), len(chain.constants)
    tables = []
    for i, table in enumerate(chain.tables):
        tables.append(f"constant float *table{i} = numbers + {offset};")
        offset += len(table)
    return f"""#include <metal_stdlib>
struct Arguments {{
    uint strides[{last + 1}][3];
}};
kernel void pixels(
    {(chr(10) + " " * 4).join(read)}
    device {METAL.types[chain.dtype.name]} *array{last} [[buffer({last})]],
    constant float *numbers [[buffer({last + 1})]],
    constant Arguments &a [[buffer({last + 2})]],
    device float *watch [[buffer({last + 3})]],
    uint2 pixel [[thread_position_in_grid]]) {{
    const uint row = pixel.y, col = pixel.x;
    {(chr(10) + " " * 4).join([*tables, *_body(chain, METAL)])}
}}
"""


def _body(chain: Chain, dialect: Dialect) -> list[str]:
    """Write what is done to the pixel at ``row`` and ``col``, line by line."""
    dtypes = [dtype for _, dtype in chain.inputs]
    return [
        *("const " + _pointer(f"in{i}", i, dtype, dialect) for i, dtype in enumerate(dtypes)),
        *(_line(i, chain, dialect) for i in range(len(chain.instructions))),
        _pointer("out", len(dtypes), chain.dtype, dialect),
        *(
            f"out[{layer} * a.strides[{len(dtypes)}][0]]"
            f" = ({dialect.types[chain.dtype.name]})v{value};"
            for layer, value in enumerate(chain.outputs)
        ),
        *_watch(chain, dialect),
    ]


def _watch(chain: Chain, dialect: Dialect) -> list[str]:
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
    size = dialect.functions["abs"].format(total)
    return [f"if ({dialect.watch} && !({size} <= {LARGEST}f)) *{dialect.watch} = {total};"]


def _pointer(name: str, array: int, dtype: np.dtype[Any], dialect: Dialect) -> str:
    """Write where an array has its pixel, in the first layer."""
    own = dialect.types[dtype.name]
    return (
        f"{dialect.device}{own} *{name} = {dialect.array.format(type=own, array=array)}"
        f" + row * a.strides[{array}][1] + col * a.strides[{array}][2];"
    )


def _line(value: int, chain: Chain, dialect: Dialect) -> str:
    """Write what gives a value; of numbers that are read, the place in a table as well."""
    op, args = chain.instructions[value].op, chain.instructions[value].args
    if op == "input":
        array, layer = args
        read = f"in{array}[{layer} * a.strides[{array}][0]]"
        if chain.inputs[array][1].kind == "u":
            return f"const int i{value} = {read}; const float v{value} = i{value};"
        return f"const float v{value} = {read}; const int i{value} = v{value};"
    if op == "constant":
        return f"const float v{value} = {dialect.constant.format(place=args[0])};"
    if op == "table":
        is_read = chain.instructions[args[1]].op == "input"
        place = f"i{args[1]}" if is_read else f"int(v{args[1]})"
        found = dialect.table.format(table=args[0], place=place)
        return f"const float v{value} = {found};"
    names = [f"v{arg}" for arg in args]
    if op == "where":
        return f"const float v{value} = {names[0]} ? {names[1]} : {names[2]};"
    kind = "bool" if op in TRUTH else "float"
    return f"const {kind} v{value} = {dialect.functions[op].format(*names)};"
