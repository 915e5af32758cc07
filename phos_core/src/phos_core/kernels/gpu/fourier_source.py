"""CUDA source of a convolution by Fourier transforms that never leave the chip in between.

cuFFT passes over the device's memory for the transform of the rows, that of the columns, the
product and both ways back, and the planes are continued and cropped besides. Here there are three
passes, each one kernel:

    rows      read a row, continued beyond its ends; transform it
    columns   read columns, continued likewise; transform, multiply, transform back
    back      transform the rows back, write what is the picture

The left and the right half of a plane go together, as real and imaginary part: a point-spread
function is real, so that the two stay apart. The transforms leave their results in the order in
which they come about, and the transfer function is laid out in that order.

Nothing here needs a GPU: the source is plain enough for a C++ compiler as well, block after block.
"""

import cmath
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "fast_length",
    "find_range",
    "frequency_order",
    "radices",
    "row_pitch",
    "source",
    "twiddles",
]

LARGEST_RADIX = 16  # a thread holds so many complex numbers
MOST_STAGES = 5
LEAST_LENGTH = 15
LONGER = 1.1  # so much longer at most, for fewer stages
STAGE_WORTH = 4  # measured: what is not in the stages costs as much as so many of them
ALIGNED = 16  # complex numbers: rows begin where the memory's own lines do
PRIMES = (2, 3, 5, 7)
RADICES = tuple(r for r in range(2, LARGEST_RADIX + 1) if r not in (11, 13))


@lru_cache(maxsize=1024)
def fast_length(least: int) -> int:
    """Return the length from `least` up whose transform takes the least time."""
    least = max(least, LEAST_LENGTH)
    lengths = [n for n in range(least, int(LONGER * least) + LEAST_LENGTH) if radices(n)]
    return min(lengths, key=lambda n: n * (len(radices(n)) + STAGE_WORTH))


def row_pitch(width: int) -> int:
    """Return how many numbers lie from one row of transforms to the next."""
    return -(-width // ALIGNED) * ALIGNED


@lru_cache(maxsize=4096)
def radices(length: int) -> tuple[int, ...]:
    """Split a length into the fewest factors, the last of them odd; empty if it has none such.

    The last transform works on neighbours in shared memory: at an odd distance from thread to
    thread they lie in different banks.
    """
    for count in range(1, MOST_STAGES):
        found = [
            (*split, last)
            for last in RADICES
            if last % 2 and length % last == 0
            for split in _splits(length // last, count, RADICES[0])
        ]
        if found:
            return min(found, key=lambda split: (max(split), split))
    return ()


def _splits(length: int, count: int, least: int) -> Iterator[tuple[int, ...]]:
    """Split into factors that do not fall."""
    if count == 1:
        if length >= least and length in RADICES:
            yield (length,)
        return
    for radix in RADICES:
        if radix >= least and radix**count <= length and length % radix == 0:
            for rest in _splits(length // radix, count - 1, radix):
                yield (radix, *rest)


def frequency_order(length: int) -> NDArray[np.int64]:
    """Say which frequency, 0 to length - 1, a transform leaves at each place."""
    order = np.zeros(1, np.int64)
    step = 1
    for radix in radices(length):
        order = (order[:, None] + step * np.arange(radix)).reshape(-1)
        step *= radix
    return order


def twiddles(length: int) -> NDArray[np.complex128]:
    """Give the factors between the transforms of the radices, stage after stage."""
    stages, size = [], length
    for radix in radices(length)[:-1]:
        distance = size // radix
        turns = np.outer(np.arange(1, radix), np.arange(distance)) / size
        stages.append(np.exp(-2j * math.pi * turns).ravel())
        size = distance
    return np.concatenate(stages)


def source(*, height: int, width: int, columns: int, even: bool, double: bool) -> str:
    """Write the three kernels.

    Parameters
    ----------
    height, width : int
        Lengths of the transforms.
    columns : int
        Columns that one block transforms together.
    even : bool
        Whether the transfer functions are real.
    double : bool
        Whether to compute in double precision, and only planes whose flag is set.

    Returns
    -------
    str
        CUDA source, without what `ON_DEVICE` defines.
    """
    defines = {
        "REAL": "double" if double else "float",
        "FACTOR": "float" if even else "Single",
        "DOUBLE": int(double),
        "WIDTH": width,
        "PITCH": row_pitch(width),
        "HEIGHT": height,
        "COLUMNS": columns,
    }
    rows, lines = _calls(width, "1"), _calls(height, "COLUMNS")
    kernels = KERNELS
    for place, text in {
        "rows_forth": _forth(rows, "ROW_FACTORS", "load"),
        "rows_back": _back(rows, "ROW_FACTORS", "save"),
        "columns_forth": _forth(lines, "COLUMN_FACTORS", "load"),
        "columns_back": _back(lines, "COLUMN_FACTORS", "save"),
        "last_row_radix": str(radices(width)[-1]),
        "last_column_radix": str(radices(height)[-1]),
    }.items():
        kernels = kernels.replace(f"@{place}@", text)
    sizes = sorted({*radices(height), *radices(width)})
    return "\n".join(
        [
            *(f"#define {name} {value}" for name, value in defines.items()),
            PREAMBLE,
            *(_transform(radix, sign) for radix in sizes for sign in (-1, 1)),
            STAGES,
            kernels,
        ]
    )


def find_range(*, step: int, ratio: float) -> str:
    """Write the kernel that marks planes for double precision.

    Parameters
    ----------
    step : int
        Every so manieth row and column is looked at.
    ratio : float
        A plane is marked if its peak is more than so many times the median of these.

    Returns
    -------
    str
        CUDA source, to follow that of `source`.
    """
    return f"""
// One block for a plane: whether most of its sampled pixels are far fainter than its peak.
KERNEL find_range(const Arguments a) {{
    __shared__ int faint;
    const int plane = PLANE;
    const int lines = (a.rows + {step} - 1) / {step}, places = (a.cols + {step} - 1) / {step};
    const float peak = __int_as_float(a.states[plane]);
    const float *pixels = a.image + (size_t)plane * a.rows * a.cols;
    if (threadIdx.x == 0) faint = 0;
    SYNC;
    int own = 0;
    EACH(i, lines * places) {{
        const float x = pixels[(size_t)(i / places * {step}) * a.cols + i % places * {step}];
        own += fabsf(x) * {ratio}f < peak;
    }}
    atomicAdd(&faint, own);
    SYNC;
    if (threadIdx.x == 0) FLAG(plane) = 2 * faint > lines * places;
}}
"""


PREAMBLE = """
struct Complex { REAL x, y; };
struct Arguments {
    const float *image;         // planes of rows of cols
    float *out;                 // likewise
    void *middle;               // planes of rows of PITCH complex numbers
    const void *table;          // transfer functions, HEIGHT of PITCH
    int *states;                // of each plane the bits of its peak, then of each its flag
    const int *left, *right;    // pixel of each place of a continued row, for either half
    const int *line;            // row of each place of a continued column
    const void *factors[2][2];  // in single and in double precision, of rows and of columns
    int rows, cols, top, before, half, planes, planes_per_table;
};

DEVICE Complex operator+(Complex a, Complex b) { return Complex{a.x + b.x, a.y + b.y}; }
DEVICE Complex operator-(Complex a, Complex b) { return Complex{a.x - b.x, a.y - b.y}; }
DEVICE Complex operator*(Complex a, Complex b) {
    return Complex{a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x};
}
DEVICE Complex conjugate(Complex a) { return Complex{a.x, -a.y}; }
DEVICE Complex product(Complex a, float b) { return Complex{a.x * b, a.y * b}; }
DEVICE Complex product(Complex a, Single b) { return a * Complex{b.x, b.y}; }
"""

STAGES = """
// LENGTH numbers in blocks of SIZE, each the transform of RADIX ones of SIZE / RADIX; and so for
// COUNT columns side by side.
template <int LENGTH, int SIZE, int RADIX, int COUNT, class Load, class Save>
DEVICE void forth_stage(const Complex *factors, Load load, Save save) {
    EACH(n, LENGTH / RADIX * COUNT) {
        const int distance = SIZE / RADIX, column = n % COUNT, j = n / COUNT % distance;
        const int place = n / COUNT / distance * SIZE + j;
        Complex v[RADIX];
        UNROLL for (int k = 0; k < RADIX; ++k) v[k] = load(place + k * distance, column);
        forth(v);
        save(place, column, v[0]);
        UNROLL for (int k = 1; k < RADIX; ++k)
            save(place + k * distance, column, v[k] * factors[(k - 1) * distance + j]);
    }
    SYNC;
}
template <int LENGTH, int SIZE, int RADIX, int COUNT, class Load, class Save>
DEVICE void back_stage(const Complex *factors, Load load, Save save) {
    EACH(n, LENGTH / RADIX * COUNT) {
        const int distance = SIZE / RADIX, column = n % COUNT, j = n / COUNT % distance;
        const int place = n / COUNT / distance * SIZE + j;
        Complex v[RADIX];
        v[0] = load(place, column);
        UNROLL for (int k = 1; k < RADIX; ++k)
            v[k] = load(place + k * distance, column)
                 * conjugate(factors[(k - 1) * distance + j]);
        back(v);
        UNROLL for (int k = 0; k < RADIX; ++k) save(place + k * distance, column, v[k]);
    }
    SYNC;
}
// The last stage has blocks of neighbours and no factors: it ends forth, back, or turns round.
template <int LENGTH, int RADIX, int COUNT, class Work>
DEVICE void last_stage(Work work) {
    EACH(n, LENGTH / RADIX * COUNT) {
        Complex *first = STORE + n / COUNT * RADIX * COUNT + n % COUNT;
        Complex v[RADIX];
        UNROLL for (int k = 0; k < RADIX; ++k) v[k] = first[k * COUNT];
        work(v, n / COUNT * RADIX, n % COUNT);
        UNROLL for (int k = 0; k < RADIX; ++k) first[k * COUNT] = v[k];
    }
    SYNC;
}
"""

KERNELS = """
#define FLAG(plane) a.states[a.planes + (plane)]
#define ROW_FACTORS ((const Complex *)a.factors[DOUBLE][0])
#define COLUMN_FACTORS ((const Complex *)a.factors[DOUBLE][1])
KERNEL rows(const Arguments a) {
    const int row = BLOCK, plane = PLANE;
    if (DOUBLE && !FLAG(plane)) return;
    const float *pixels = a.image + ((size_t)plane * a.rows + row) * a.cols;
    float peak = 0;
    auto load = [&](int place, int) {
        const int l = a.left[place], r = a.right[place];
        const float x = l < 0 ? 0 : pixels[l], y = r < 0 ? 0 : pixels[r];
        peak = fmaxf(peak, fmaxf(fabsf(x), fabsf(y)));
        return Complex{x, y};
    };
    auto from_store = [&](int place, int) { return STORE[place]; };
    auto to_store = [&](int place, int, Complex value) { STORE[place] = value; };
    @rows_forth@
    last_stage<WIDTH, @last_row_radix@, 1>([&](auto &v, int, int) { forth(v); });
    Complex *to = (Complex *)a.middle + ((size_t)plane * a.rows + row) * PITCH;
    EACH(i, WIDTH) to[i] = STORE[i];
    if (!DOUBLE) TELL_PEAK(a.states + plane, peak);
}

KERNEL columns(const Arguments a) {
    const int start = BLOCK * COLUMNS, plane = PLANE;
    if (DOUBLE && !FLAG(plane)) return;
    Complex *middle = (Complex *)a.middle + (size_t)plane * a.rows * PITCH + start;
    const FACTOR *table = (const FACTOR *)a.table
        + (size_t)(plane / a.planes_per_table) * HEIGHT * PITCH + start;
    const int some = WIDTH - start < COLUMNS ? WIDTH - start : COLUMNS;
    auto load = [&](int place, int column) {
        const int line = a.line[place];
        return line < 0 || column >= some ? Complex{0, 0} : middle[(size_t)line * PITCH + column];
    };
    auto save = [&](int place, int column, Complex value) {
        const int line = place - a.top;
        if (0 <= line && line < a.rows && column < some)
            middle[(size_t)line * PITCH + column] = value;
    };
    auto from_store = [&](int place, int column) { return STORE[place * COLUMNS + column]; };
    auto to_store = [&](int place, int column, Complex value) {
        STORE[place * COLUMNS + column] = value;
    };
    @columns_forth@
    last_stage<HEIGHT, @last_column_radix@, COLUMNS>([&](auto &v, int place, int column) {
        forth(v);
        UNROLL for (int k = 0; k < @last_column_radix@; ++k)
            v[k] = column < some ? product(v[k], table[(size_t)(place + k) * PITCH + column])
                                 : Complex{0, 0};
        back(v);
    });
    @columns_back@
}

KERNEL back_rows(const Arguments a) {
    const int row = BLOCK, plane = PLANE;
    if (DOUBLE && !FLAG(plane)) return;
    const Complex *from = (Complex *)a.middle + ((size_t)plane * a.rows + row) * PITCH;
    float *out = a.out + ((size_t)plane * a.rows + row) * a.cols;
    auto save = [&](int place, int, Complex value) {
        const int col = place - a.before;
        if (0 <= col && col < a.half) {
            out[col] = value.x;
            if (col + a.half < a.cols) out[col + a.half] = value.y;
        }
    };
    auto from_store = [&](int place, int) { return STORE[place]; };
    auto to_store = [&](int place, int, Complex value) { STORE[place] = value; };
    EACH(i, WIDTH) STORE[i] = from[i];
    SYNC;
    last_stage<WIDTH, @last_row_radix@, 1>([&](auto &v, int, int) { back(v); });
    @rows_back@
}
"""

ON_DEVICE = """
#define DEVICE static __device__ __forceinline__
#define KERNEL extern "C" __global__ void
#define EACH(i, count) for (int i = threadIdx.x; i < (count); i += blockDim.x)
#define SYNC __syncthreads()
#define BLOCK blockIdx.x
#define PLANE blockIdx.y
#define UNROLL _Pragma("unroll")
#define STORE ((Complex *)shared_bytes)
extern __shared__ __align__(16) char shared_bytes[];
typedef float2 Single;
static __device__ __forceinline__ void tell_peak(int *peak, float value) {
    for (int lane = 16; lane; lane /= 2)
        value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, lane));
    // Bits of floats that are not negative are ordered as the floats are.
    if (threadIdx.x % 32 == 0 && __float_as_int(value) > *peak)
        atomicMax(peak, __float_as_int(value));
}
#define TELL_PEAK(peak, value) tell_peak(peak, value)
"""


def _transform(radix: int, sign: int) -> str:
    """Write the transform of a few numbers that a thread holds."""
    program = _Program(sign)
    results = program.transform([f"v[{k}]" for k in range(radix)])
    lines = [*program.lines, *(f"v[{k}] = {name};" for k, name in enumerate(results))]
    name = "forth" if sign < 0 else "back"
    body = "\n    ".join(lines)
    return f"DEVICE void {name}(Complex (&v)[{radix}]) {{\n    {body}\n}}"


class _Program:
    """Straight-line code for small transforms, each value with a name of its own."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.lines: list[str] = []

    def name(self, expression: str) -> str:
        name = f"t{len(self.lines)}"
        self.lines.append(f"const Complex {name} = {expression};")
        return name

    def transform(self, values: Sequence[str]) -> list[str]:
        size = len(values)
        if size == 1:
            return list(values)
        first = next(prime for prime in PRIMES if size % prime == 0)
        if size == first:
            return self.prime(values)
        if size % 4 == 0:
            first = 4 if size > 4 else 2
        rest = size // first
        results = [""] * size
        rows = [self.transform(values[start::rest]) for start in range(rest)]
        for low in range(first):
            turned = [self.turned(rows[n][low], n * low, size) for n in range(rest)]
            for high, value in enumerate(self.transform(turned)):
                results[low + first * high] = value
        return results

    def prime(self, values: Sequence[str]) -> list[str]:
        size = len(values)
        if size == 2:
            a, b = values
            return [self.name(f"{a} + {b}"), self.name(f"{a} - {b}")]
        half = range(1, (size + 1) // 2)
        sums = [self.name(f"{values[j]} + {values[size - j]}") for j in half]
        differences = [self.name(f"{values[j]} - {values[size - j]}") for j in half]
        results = [self.name(" + ".join([values[0], *sums]))] + [""] * (size - 1)
        for k in half:
            turns = [2 * math.pi * (j * k % size) / size for j in half]
            cosines = [_number(math.cos(turn)) for turn in turns]
            sines = [_number(-self.sign * math.sin(turn)) for turn in turns]
            even = [f"{values[0]}.{part} + {_dot(cosines, sums, part)}" for part in "xy"]
            odd = [_dot(sines, differences, "y"), f"-({_dot(sines, differences, 'x')})"]
            a = self.name(f"Complex{{{', '.join(even)}}}")
            b = self.name(f"Complex{{{', '.join(odd)}}}")
            results[k], results[size - k] = self.name(f"{a} + {b}"), self.name(f"{a} - {b}")
        return results

    def turned(self, value: str, turns: int, size: int) -> str:
        """A value times exp(sign 2 pi i turns / size)."""
        turns %= size
        if turns == 0:
            return value
        factor = cmath.exp(self.sign * 2j * math.pi * turns / size)
        if 4 * turns % size == 0:
            quarter = round(factor.real), round(factor.imag)
            return self.name(
                {
                    (-1, 0): f"Complex{{-{value}.x, -{value}.y}}",
                    (0, 1): f"Complex{{-{value}.y, {value}.x}}",
                    (0, -1): f"Complex{{{value}.y, -{value}.x}}",
                }[quarter]
            )
        return self.name(f"{value} * Complex{{{_number(factor.real)}, {_number(factor.imag)}}}")


def _dot(factors: Sequence[str], values: Sequence[str], part: str) -> str:
    pairs = zip(factors, values, strict=True)
    return " + ".join(f"{factor} * {value}.{part}" for factor, value in pairs)


def _number(value: float) -> str:
    return f"REAL({value!r})"


def _calls(length: int, count: str) -> list[tuple[str, int]]:
    """Template arguments of each stage but the last, and where its factors start."""
    calls, size, start = [], length, 0
    for radix in radices(length)[:-1]:
        calls.append((f"<{length}, {size}, {radix}, {count}>", start))
        size //= radix
        start += (radix - 1) * size
    return calls


def _forth(calls: list[tuple[str, int]], factors: str, load: str) -> str:
    """Write the calls of the stages forth; the first takes what `load` gives."""
    loads = [load] + ["from_store"] * (len(calls) - 1)
    return "\n    ".join(
        f"forth_stage{arguments}({factors} + {start}, {one}, to_store);"
        for (arguments, start), one in zip(calls, loads, strict=True)
    )


def _back(calls: list[tuple[str, int]], factors: str, save: str) -> str:
    """Write the calls of the stages back; the last hands over to `save`."""
    saves = [save] + ["to_store"] * (len(calls) - 1)
    return "\n    ".join(
        f"back_stage{arguments}({factors} + {start}, from_store, {one});"
        for (arguments, start), one in reversed(list(zip(calls, saves, strict=True)))
    )
