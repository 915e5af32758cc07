"""CUDA source of grain: hashed white noise and its shaping in one kernel, tile by tile.

Equal by definition to `phos_core.backend.grain_noise`: the hash to the bit, the numbers to a few
units in the last place. Nothing here needs a GPU: the source is plain enough for a C++ compiler as
well.
"""

import struct

from phos_core.effects.grain import NOISE_MULTIPLIERS

__all__ = [
    "HEAD",
    "MOST_LAYERS",
    "MOST_TAPS",
    "TAPS_SHAPE",
    "TILE_COLS",
    "TILE_ROWS",
    "source",
    "tile_bytes",
]

MOST_LAYERS = 4
MOST_TAPS = 64  # of one side of the filter, its middle counted
TILE_ROWS = 32
TILE_COLS = 64

TAPS_SHAPE = (MOST_LAYERS, MOST_TAPS)
HEAD = struct.Struct(f"Q4i{MOST_LAYERS}I{MOST_LAYERS}I")
"""Layout of what the kernel is handed, up to the reach and the taps of each layer's filter."""

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


def tile_bytes(reach: int) -> int:
    """Shared memory of a tile: white noise, and the same filtered along its columns' lines."""
    cols = TILE_COLS + 2 * reach
    return 4 * cols * (TILE_ROWS + 2 * reach + 1 + TILE_ROWS)


def source() -> str:
    """Write the kernel ``grain``, without what `ON_DEVICE` defines."""
    first, second = NOISE_MULTIPLIERS
    return f"""
struct Arguments {{
    float *out;                 // layers of rows of cols
    int rows, cols, row_start, col_start;
    unsigned int row_keys[{MOST_LAYERS}], col_keys[{MOST_LAYERS}];
    int reach[{MOST_LAYERS}];
    float taps[{MOST_LAYERS}][{MOST_TAPS}];
}};
DEVICE unsigned int mixed(unsigned int x) {{
    x ^= x >> 16; x *= {first}u; x ^= x >> 15; x *= {second}u; x ^= x >> 16;
    return x;
}}
// The pair of rows that a row belongs to, below zero as well.
DEVICE int pair_of(int row) {{ return row >= 0 ? row / 2 : -((1 - row) / 2); }}
KERNEL grain(const Arguments a) {{
    const int layer = LAYER, reach = a.reach[layer];
    const float *taps = a.taps[layer];
    const int top = TILE_ROW * {TILE_ROWS}, left = TILE_COL * {TILE_COLS};
    const int width = {TILE_COLS} + 2 * reach, height = {TILE_ROWS} + 2 * reach;
    const int first = a.row_start + top - reach, col = a.col_start + left - reach;
    const int pair = pair_of(first), pairs = pair_of(first + height - 1) - pair + 1;
    float *white = store, *lines = store + width * (height + 1);
    EACH(i, pairs * width) {{
        const int y = i / width, x = i % width;
        const unsigned int bits = mixed(mixed((unsigned int)(pair + y) ^ a.row_keys[layer])
                                        ^ mixed((unsigned int)(col + x) ^ a.col_keys[layer]));
        const float uniform = ((float)((int)bits >> 16) + 32768.5f) * (1.0f / 65536.0f);
        const float radius = sqrtf(-2.0f * logf(uniform));
        float sine, cosine;
        sincospif((float)(bits & 0xffffu) * (1.0f / 32768.0f), &sine, &cosine);
        const int row = 2 * (pair + y) - first;
        if (row >= 0 && row < height) white[row * width + x] = radius * cosine;
        if (row + 1 >= 0 && row + 1 < height) white[(row + 1) * width + x] = radius * sine;
    }}
    SYNC;
    EACH(i, {TILE_ROWS} * width) {{
        const int y = i / width, x = i % width;
        const float *here = white + (y + reach) * width + x;
        float sum = taps[0] * here[0];
        for (int k = 1; k <= reach; ++k) sum += taps[k] * (here[-k * width] + here[k * width]);
        lines[i] = sum;
    }}
    SYNC;
    EACH(i, {TILE_ROWS} * {TILE_COLS}) {{
        const int y = i / {TILE_COLS}, x = i % {TILE_COLS};
        const float *here = lines + y * width + x + reach;
        float sum = taps[0] * here[0];
        for (int k = 1; k <= reach; ++k) sum += taps[k] * (here[-k] + here[k]);
        if (top + y < a.rows && left + x < a.cols)
            a.out[((size_t)layer * a.rows + top + y) * a.cols + left + x] = sum;
    }}
}}
"""
