"""phos' kernels in CUDA as a backend uses them, on a library that runs them on the CPU."""

import ctypes
import shutil
import subprocess
import tempfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import BackendBase, CudaKernels, TableCache, UnsupportedOperationError
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.methods import reference
from phos_core.effects.grain import grain_noise
from phos_core.kernels.gpu import chain_source, fourier_source, grain_source
from phos_core.kernels.tracing import trace
from phos_core.process import CodeCurve, CurveAndMatrix
from phos_core.process.recipe import Recipe
from phos_core.psf import exponential, from_array
from phos_core.testing import assert_agrees

COMPILER = shutil.which("c++")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler")

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
    options = ["-O0", "-std=c++17", "-ffp-contract=off", "-shared", "-fPIC"]
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


class CpuCuda(BackendBase):
    """A backend that does all by the kernels."""

    name = "cpu-cuda"

    def __init__(self):
        self.kernels = CudaKernels(CpuLibrary(), TableCache(2**28))
        self.compile = self.kernels.compile

    def to_device(self, host):
        """Copy an array as a GPU's library does."""
        return self.kernels.transfers.upload(host)

    def to_host(self, x):
        """Give the array: it is NumPy's."""
        return x

    def convolve(self, image, psf, *, boundary="symmetric"):
        """Convolve by the kernels alone."""
        blurred = self.kernels.convolve(image, psf, boundary)
        assert blurred is not None
        return blurred

    def grain_noise(self, like, params, **where):
        """Make the noise by the kernel alone."""
        noise = self.kernels.grain_noise(params, **where)
        assert noise is not None
        return noise


@pytest.fixture(scope="module")
def backend():
    """Give the backend, whose kernels the tests share."""
    return CpuCuda()


@pytest.fixture(autouse=True)
def planes_of_any_size(monkeypatch):
    """Let small planes too go by the kernels."""
    monkeypatch.setattr("phos_core.kernels.gpu.cuda.OWN_PIXELS", 0)


@pytest.mark.parametrize(
    ("film", "dtype"),
    [("portra-400", np.uint8), ("cinestill-800t", np.float32), ("tri-x-400", np.uint16)],
)
def test_a_picture_developed_by_the_kernels_is_that_of_the_reference(backend, film, dtype):
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = (np.random.default_rng(0).random((51, 67, 3)) * white).astype(dtype)
    found = phos.develop(image, film, backend=backend, seed=3)
    expected = phos.develop(image, film, backend="scipy", seed=3)
    off = np.abs(found.astype(np.float64) - expected) / white
    assert off.max() <= 1e-5 + (0 if dtype == np.float32 else 1 / white)
    assert dtype == np.uint16 or (off > 1e-5).mean() <= 1e-3


class Log:
    """A space of a camera: a curve, and a matrix."""

    name, is_scene = "a log", True
    samples = 10.0 ** ((np.linspace(-0.25, 1.75, 4096) * 1023 - 420) / 261.5) * 0.19 - 0.01
    curve_and_matrix = CurveAndMatrix(
        curve=CodeCurve(samples=samples, low=-0.25, high=1.75),
        matrix=((1.9, -0.8, -0.1), (-0.2, 1.3, -0.1), (0.0, -0.1, 1.1)),
    )

    def to_light(self, pixels):
        """Fail: it is not asked."""
        raise AssertionError


@pytest.mark.parametrize("space", [Log(), "rec2100-pq", "rec2100-hlg", "rec709"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_space_is_decoded_by_the_kernels_as_by_the_reference(backend, space, dtype):
    white = 1 if dtype == np.float32 else 65535
    image = (np.random.default_rng(0).random((31, 47, 3)) * white).astype(dtype)
    settings = {"input_space": space, "grain": 0.0}
    found = phos.develop(image, "portra-400", backend=backend, **settings)
    expected = phos.develop(image, "portra-400", backend="scipy", **settings)
    off = np.abs(found.astype(np.float64) - expected) / white
    assert off.max() <= 1e-4  # the transform is exact to 1e-5 of the brightest light, 50 here


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_planes_and_layers_are_convolved_each_with_its_psf(backend, boundary):
    rng = np.random.default_rng(1)
    image = rng.random((2, 2, 60, 71), dtype=np.float32) - 0.2
    psfs = [exponential(3.0), from_array(rng.random((3, 7)))]
    found = backend.kernels.convolve(image, psfs, boundary)
    assert_agrees(found, image, psfs, boundary)


def test_what_a_backend_keeps_of_its_own_is_not_taken_for_the_kernels_tables(backend):
    image, psf = np.random.default_rng(6).random((1, 45, 60), dtype=np.float32), exponential(1.0)
    cache = TableCache(2**28)
    for length in range(45, 120):
        for width in range(30, 120):
            cache.get(((psf,), length, width), lambda: np.empty(1))
    kernels = CudaKernels(backend.kernels._library, cache)
    assert_agrees(kernels.convolve(image, psf, "symmetric"), image, psf, "symmetric")


def test_a_lamp_in_the_dark_is_convolved_in_double_precision(backend):
    image = np.random.default_rng(2).random((2, 90, 100), dtype=np.float32)
    image[1] *= 1e-3
    image[1, 40, 50] = 30.0
    psf = exponential(1.0)
    for got, plane in zip(backend.kernels.convolve(image, psf, "symmetric"), image, strict=True):
        expected = reference.convolve(plane, psf, "symmetric")
        np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.parametrize(
    "image",
    [
        np.ones((30, 40)),
        np.ones((5, 200), np.float32),
        np.broadcast_to(np.float32(1), (40, 70_000)),
    ],
    ids=["double precision", "narrower than the PSF", "longer than a block holds"],
)
def test_what_suits_the_kernels_badly_is_left_to_the_library(backend, image):
    assert backend.kernels.convolve(image, from_array(np.ones((13, 3))), "symmetric") is None


def test_grain_is_the_reference_s_and_too_coarse_a_one_is_left_to_it(backend):
    grain = Recipe(film="tri-x-400").load_film().grain
    where = {"rows": 70, "cols": 90, "pixel_pitch_um": 4.0, "seed": 5}
    for place in ({}, {"frame": 1, "row_start": -3, "col_start": 1001}):
        found = backend.kernels.grain_noise(grain, **where, **place)
        expected = grain_noise(found, grain, **where, **place)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert backend.kernels.grain_noise(grain, **{**where, "pixel_pitch_um": 0.05}) is None


def test_a_kernel_sees_numbers_that_are_not_finite_on_its_way(backend):
    chain = trace(lambda x, y: x * 2.0 + y, [(1, np.dtype(np.float32))] * 2)
    kernel = backend.compile(chain)
    x, y = np.ones((2, 1, 7, 300), np.float32)
    done, total = kernel.watched(x, y)
    assert np.isfinite(total)
    np.testing.assert_array_equal(done, 3.0)
    for wrong in (np.nan, np.inf, -np.inf):
        spoilt = x.copy()
        spoilt[0, 6, 299] = wrong
        for arrays in ((spoilt, y), (y, spoilt)):
            _, total = kernel.watched(*arrays)
            assert not np.isfinite(total)


def test_a_backend_whose_convolution_gives_nan_is_found_out(monkeypatch):
    broken = CpuCuda()
    spoil = lambda image, *_, **__: np.where(np.arange(image.shape[-1]) == 3, np.nan, image)  # noqa: E731
    monkeypatch.setattr(broken, "convolve", spoil)
    with pytest.raises(phos.errors.DeviceLostError, match="not finite"):
        phos.develop(np.full((20, 30, 3), 99, np.uint8), backend=broken, strict=True)


def test_a_chain_of_more_numbers_than_a_kernel_is_handed_is_refused(backend):
    def long(x):
        for number in range(900):
            x = x + 1.0 / (number + 1)
        return x

    with pytest.raises(UnsupportedOperationError, match="900 numbers"):
        backend.compile(trace(long, [(1, np.dtype(np.float32))]))


@pytest.mark.parametrize("slice_bytes", [1000, 2**22])
@pytest.mark.parametrize("is_locked", [False, True])
def test_pictures_come_and_go_in_slices(monkeypatch, backend, slice_bytes, is_locked):
    monkeypatch.setattr("phos_core.kernels.gpu.transfers.SLICE_BYTES", slice_bytes)
    library = backend.kernels._library
    picture = np.random.default_rng(4).integers(0, 2**16, (43, 31, 3), dtype=np.uint16)
    if is_locked:
        place = library.locked(picture.nbytes).view(np.uint16).reshape(picture.shape)
        place[...] = picture
        picture = place
    for host in (picture, picture[::-1, ::2], picture.astype(">u2"), picture.transpose(1, 2, 0)):
        there = backend.kernels.transfers.upload(host)
        np.testing.assert_array_equal(there, host)
        back = np.zeros_like(host)
        backend.kernels.transfers.download(there, back)
        np.testing.assert_array_equal(back, host)


def test_pictures_side_by_side_come_out_as_each_alone(backend):
    rng = np.random.default_rng(5)
    inputs = [rng.random((1, 9, 11), dtype=np.float32) for _ in range(9)]
    kernel = backend.compile(trace(lambda x: x * x, [(1, np.dtype(np.float32))]))
    done = [None] * len(inputs)

    def work(index):
        done[index] = kernel(inputs[index])

    backend.kernels.side_by_side(work, len(inputs))
    for found, image in zip(done, inputs, strict=True):
        np.testing.assert_array_equal(found, image * image)
