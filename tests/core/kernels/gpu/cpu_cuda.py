"""Kernels in CUDA on the CPU: a library of NumPy arrays that compiles their source as C++."""

import ctypes
import shutil
import subprocess
import tempfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from phos_core.kernels.gpu import chain_source, fourier_source, grain_source

COMPILER = shutil.which("c++")

# What `ON_DEVICE` of the sources defines for a GPU: here one thread does a block's work.
ON_CPU = """
#include <cmath>
#include <cstddef>
#include <cstring>
#define DEVICE static inline
#define FUNCTION static inline float
#define KERNEL static void
#define EACH(i, count) for (int i = 0; i < (count); ++i)
#define SYNC
#define UNROLL
static int block_x, block_y, block_z, blocks_x, blocks_y;
struct Thread { int x; } static threadIdx;
#define ROWS(row, rows) for (int row = block_y; row < (rows); row += blocks_y)
#define COLS(col, cols) \\
    for (int col = block_x * 256; col < (cols) && col < block_x * 256 + 256; ++col)
FUNCTION log10_of(float x) { return log10f(x); }
FUNCTION tanh_of(float x) { return tanhf(x); }
FUNCTION pow_of(float x, float y) { return powf(x, y); }
struct Single { float x, y; };
#define BLOCK block_x
#define PLANE block_y
#define TILE_COL block_x
#define TILE_ROW block_y
#define LAYER block_z
alignas(16) static char shared_bytes[1 << 20];
static float *store = (float *)shared_bytes;
#define STORE ((Complex *)shared_bytes)
#define __shared__ static
static float __int_as_float(int bits) { float x; memcpy(&x, &bits, 4); return x; }
static void atomicAdd(int *sum, int more) { *sum += more; }
#define TELL_PEAK(peak, value) do { \\
    int bits; memcpy(&bits, &value, 4); if (bits > *(peak)) *(peak) = bits; } while (0)
static void sincospif(float x, float *sine, float *cosine) {
    *sine = std::sin(M_PI * x);
    *cosine = std::cos(M_PI * x);
}
"""
RUN = """
extern "C" void run_{name}(const Arguments *a, int x, int y, int z) {{
    blocks_x = x; blocks_y = y;
    for (block_z = 0; block_z < z; ++block_z)
        for (block_y = 0; block_y < y; ++block_y)
            for (block_x = 0; block_x < x; ++block_x) {name}(*a);
}}
"""


def compiled(source):
    """Compile C++ and load it."""
    folder = Path(tempfile.mkdtemp())
    code, library = folder / "code.cpp", folder / "code.so"
    code.write_text(source)
    options = ["-O1", "-std=c++17", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *options, "-o", library, code], check=True)
    loaded = ctypes.CDLL(str(library))
    shutil.rmtree(folder)
    return loaded


class CpuKernel:
    """A kernel whose blocks run one after another."""

    most_threads = 1024

    def __init__(self, run):
        self._run = run

    def allow_shared(self, size_bytes):
        """See that a block's memory is there."""
        assert size_bytes <= 1 << 20

    def run(self, grid, threads, shared_bytes, arguments):
        """Run it."""
        assert 1 <= threads <= self.most_threads
        self.allow_shared(shared_bytes)
        self._run(bytes(arguments), *grid)


class Done:
    """An event: all is done when it is asked for."""

    done = True

    def synchronize(self):
        """Return at once."""


class CpuLibrary:
    """NumPy arrays in place of a device's; page-locked memory is what `locked` gave."""

    name = "cpu"
    shared_bytes = 227 * 1024

    def __init__(self):
        self._locked = []

    def compile(self, source, options, names):
        """Compile the source without what is for a GPU alone."""
        assert set(options) <= {"prec_sqrt"}
        for module in (chain_source, grain_source, fourier_source):
            source = source.replace(module.ON_DEVICE, "")
        runs = "".join(RUN.format(name=name) for name in names)
        loaded = compiled(ON_CPU + source + runs)
        return [CpuKernel(getattr(loaded, f"run_{name}")) for name in names]

    def start(self, launches, arguments):
        """Run kernels one after another."""
        for kernel, *how in launches:
            kernel.run(*how, arguments)

    def empty(self, shape, dtype):
        """Make an array of what nobody should read."""
        array = np.empty(shape, dtype)
        array.view(np.uint8)[...] = 0xFF  # of floats NaN
        return array

    def zeros(self, shape, dtype):
        """Make an array of zeros."""
        return np.zeros(shape, dtype)

    def upload(self, numbers):
        """Copy numbers."""
        return np.array(numbers)

    def address(self, array):
        """Where an array begins."""
        return array.ctypes.data

    def strides(self, array):
        """Strides in numbers."""
        return [stride // array.itemsize for stride in array.strides]

    def permuted(self, array, order):
        """Give a view with the axes in another order."""
        return array.transpose(order)

    def in_one_piece(self, array):
        """Give the array in the order of its axes."""
        return np.ascontiguousarray(array)

    def locked(self, size_bytes):
        """Give memory, and know it again."""
        self._locked.append(np.empty(size_bytes, np.uint8))
        return self._locked[-1]

    def is_locked(self, array):
        """Say whether it is memory that `locked` gave."""
        return any(np.may_share_memory(array, memory) for memory in self._locked)

    def copy(self, to, source, size_bytes, stream):
        """Copy at once."""
        ctypes.memmove(to, source, size_bytes)

    def stream(self):
        """Give the only stream."""
        return "stream"

    new_stream = stream

    def using(self, stream):
        """Nothing is to be made current."""
        return nullcontext()

    def record(self, stream):
        """Give an event that is done."""
        return Done()

    def wait(self, stream, event):
        """Nothing waits."""
