"""Source of grain: hashed white noise and its shaping in one kernel, in CUDA or in Metal.

Equal by definition to `phos_core.backend.grain_noise`: the hash to the bit, the numbers to a few
units in the last place. It is made tile by tile, each in the memory that a group of threads shares.
Nothing here needs a GPU: the source is plain enough for a C++ compiler as well.
"""

import struct

from phos_core.chance import NOISE_MULTIPLIERS
from phos_core.kernels.gpu.dialects import CUDA, METAL, Dialect

__all__ = [
    "HEAD",
    "METAL_TILE_BYTES",
    "MOST_LAYERS",
    "MOST_TAPS",
    "TAPS_SHAPE",
    "TILE_COLS",
    "TILE_ROWS",
    "metal_source",
    "metal_tile",
    "source",
    "tile_bytes",
]

MOST_LAYERS = 4
MOST_TAPS = 64  # of one side of the filter, its middle counted
TILE_ROWS = 32
TILE_COLS = 64
METAL_TILE_BYTES = 32 * 1024
"""What a threadgroup has of its own memory on every chip of Apple's."""
METAL_TILES = ((TILE_ROWS, TILE_COLS), (16, 32))  # the first that has room is taken

TAPS_SHAPE = (MOST_LAYERS, MOST_TAPS)
HEAD = struct.Struct(f"Q4i{MOST_LAYERS}I{MOST_LAYERS}I")
"""Layout of what the kernel in CUDA is handed, up to the reach and the taps of each layer."""

ON_DEVICE = """
#define KERNEL extern "C" __global__ void
#define DEVICE static __device__ __forceinline__
#define EACH(i, count) for (int i = threadIdx.x; i < (count); i += blockDim.x)
#define SYNC __syncthreads()
#define TILE_COL blockIdx.x
#define TILE_ROW blockIdx.y
#define LAYER blockIdx.z
extern __shared__ float store[];
"""

IN_METAL = """#include <metal_stdlib>
#define DEVICE static inline
#define EACH(i, count) for (int i = lane.x; i < (count); i += lanes.x)
#define SYNC metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup)
#define TILE_COL tile.x
#define TILE_ROW tile.y
#define LAYER tile.z
"""


def tile_bytes(reach: int, tile: tuple[int, int] = (TILE_ROWS, TILE_COLS)) -> int:
    """Shared memory of a tile: white noise, and the same filtered along its columns' lines."""
    rows, cols = tile
    return 4 * (cols + 2 * reach) * (rows + 2 * reach + 1 + rows)


def metal_tile(reach: int) -> tuple[int, int] | None:
    """Give rows and columns of the tiles that Metal has room for; None if there are none.

    Parameters
    ----------
    reach : int
        Of the widest layer's filter, in pixels.

    Returns
    -------
    tuple of (int, int) or None
        The largest.
    """
    fitting = (tile for tile in METAL_TILES if tile_bytes(reach, tile) <= METAL_TILE_BYTES)
    return next(fitting, None)


def source() -> str:
    """Write the kernel ``grain`` in CUDA, without what `ON_DEVICE` defines."""
    return f"""
struct Arguments {{
    float *out;                 // layers of rows of cols
    int rows, cols, row_start, col_start;
    unsigned int row_keys[{MOST_LAYERS}], col_keys[{MOST_LAYERS}];
    int reach[{MOST_LAYERS}];
    float taps[{MOST_LAYERS}][{MOST_TAPS}];
}};
{_hash()}
KERNEL grain(const Arguments a) {{
    const int layer = LAYER, reach = a.reach[layer];
    const float *taps = a.taps[layer];
    float *out = a.out + (size_t)layer * a.rows * a.cols;
{_body(CUDA, (TILE_ROWS, TILE_COLS))}
}}
"""


def metal_source(reach: int, tile: tuple[int, int]) -> str:
    """Write the kernel ``grain`` in Metal.

    Parameters
    ----------
    reach : int
        The farthest that a layer's filter reaches, in pixels.
    tile : tuple of (int, int)
        What `metal_tile` gives.

    Returns
    -------
    str
        Metal source. The kernel takes, in this order, the field; 32-bit integers: rows, columns,
        the row and the column where it begins, `MOST_LAYERS` keys of rows, as many of columns, as
        many reaches; and the taps, of `TAPS_SHAPE`. A group of threads along the first axis makes a
        tile; groups go by columns, rows and layers of tiles.
    """
    return f"""{IN_METAL}
struct Arguments {{
    int rows, cols, row_start, col_start;
    uint row_keys[{MOST_LAYERS}], col_keys[{MOST_LAYERS}];
    int reach[{MOST_LAYERS}];
}};
{_hash()}
kernel void grain(
    device float *field [[buffer(0)]],
    constant Arguments &a [[buffer(1)]],
    constant float *taps_of_layers [[buffer(2)]],
    uint3 tile [[threadgroup_position_in_grid]],
    uint3 lane [[thread_position_in_threadgroup]],
    uint3 lanes [[threads_per_threadgroup]]) {{
    threadgroup float store[{tile_bytes(reach, tile) // 4}];
    const int layer = LAYER, reach = a.reach[layer];
    constant float *taps = taps_of_layers + layer * {MOST_TAPS};
    device float *out = field + (uint)layer * a.rows * a.cols;
{_body(METAL, tile)}
}}
"""


def _hash() -> str:
    first, second = NOISE_MULTIPLIERS
    return f"""DEVICE unsigned int mixed(unsigned int x) {{
    x ^= x >> 16; x *= {first}u; x ^= x >> 15; x *= {second}u; x ^= x >> 16;
    return x;
}}
// The pair of rows that a row belongs to, below zero as well.
DEVICE int pair_of(int row) {{ return row >= 0 ? row / 2 : -((1 - row) / 2); }}"""


def _body(dialect: Dialect, tile: tuple[int, int]) -> str:
    """Write what is done to a tile; `store` holds the white noise, and then its lines."""
    rows, cols = tile
    functions = dialect.functions
    logarithm = functions["log"].format("uniform")
    radius = functions["sqrt"].format(f"-2.0f * {logarithm}")
    turned = functions["sincospi"].format("(float)(bits & 0xffffu) * (1.0f / 32768.0f)")
    return f"""\
    const int top = TILE_ROW * {rows}, left = TILE_COL * {cols};
    const int width = {cols} + 2 * reach, height = {rows} + 2 * reach;
    const int first = a.row_start + top - reach, col = a.col_start + left - reach;
    const int pair = pair_of(first), pairs = pair_of(first + height - 1) - pair + 1;
    const int lines = width * (height + 1);
    EACH(i, pairs * width) {{
        const int y = i / width, x = i % width;
        const unsigned int bits = mixed(mixed((unsigned int)(pair + y) ^ a.row_keys[layer])
                                        ^ mixed((unsigned int)(col + x) ^ a.col_keys[layer]));
        const float uniform = ((float)((int)bits >> 16) + 32768.5f) * (1.0f / 65536.0f);
        const float radius = {radius};
        float sine, cosine;
        {turned}
        const int row = 2 * (pair + y) - first;
        if (row >= 0 && row < height) store[row * width + x] = radius * cosine;
        if (row + 1 >= 0 && row + 1 < height) store[(row + 1) * width + x] = radius * sine;
    }}
    SYNC;
    EACH(i, {rows} * width) {{
        const int y = i / width, x = i % width;
        const int here = (y + reach) * width + x;
        float sum = taps[0] * store[here];
        for (int k = 1; k <= reach; ++k)
            sum += taps[k] * (store[here - k * width] + store[here + k * width]);
        store[lines + i] = sum;
    }}
    SYNC;
    EACH(i, {rows} * {cols}) {{
        const int y = i / {cols}, x = i % {cols};
        const int here = lines + y * width + x + reach;
        float sum = taps[0] * store[here];
        for (int k = 1; k <= reach; ++k) sum += taps[k] * (store[here - k] + store[here + k]);
        if (top + y < a.rows && left + x < a.cols)
            out[(unsigned int)(top + y) * a.cols + left + x] = sum;
    }}"""
