"""The CUDA source of kernels, compiled for the CPU: block after block, step after step."""

import ctypes
import math
import shutil
import struct
import subprocess
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phos_core.convolution import chain as chains_of_core
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.methods import reference
from phos_core.convolution.methods.tables import transfer_table
from phos_core.effects.grain import grain_noise, noise_keys, shaping_taps
from phos_core.kernels.gpu import chain_source, fourier_source, grain_source
from phos_core.kernels.gpu.transforms import pixel_index
from phos_core.kernels.strips import of_pixels
from phos_core.kernels.tracing import trace
from phos_core.process.camera import scene_light_of_codes
from phos_core.process.pipeline import develop_and_print
from phos_core.process.recipe import Recipe
from phos_core.psf import exponential, from_array

COMPILER = shutil.which("c++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler")

HEAD = """
#include <cmath>
#include <cstddef>
#include <cstring>
#define DEVICE static inline
#define KERNEL static void
#define EACH(i, count) for (int i = 0; i < (count); ++i)
#define SYNC
#define UNROLL
static int block_x, block_y, block_z;
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Give what compiles a source into a library."""

    def build(source):
        folder = tmp_path_factory.mktemp("built")
        code, library = folder / "code.cpp", folder / "code.so"
        code.write_text(HEAD + source)
        options = ["-O1", "-std=c++17", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run([COMPILER, *options, "-o", library, code], check=True)
        return ctypes.CDLL(str(library))

    return build


# ------------------------------------------------------------------ transforms

TRANSFORMS = """
struct Single { float x, y; };
#define BLOCK block_x
#define PLANE block_y
alignas(16) static char shared_bytes[1 << 20];
#define STORE ((Complex *)shared_bytes)
#define TELL_PEAK(peak, value) do { \\
    int bits; memcpy(&bits, &value, 4); if (bits > *(peak)) *(peak) = bits; } while (0)
"""
RUN_TRANSFORMS = """
extern "C" void run(const Arguments *a) {
    for (block_y = 0; block_y < a->planes; ++block_y) {
        for (block_x = 0; block_x < a->rows; ++block_x) rows(*a);
        for (block_x = 0; block_x * COLUMNS < WIDTH; ++block_x) columns(*a);
        for (block_x = 0; block_x < a->rows; ++block_x) back_rows(*a);
    }
}
"""


def convolved(built, image, psfs, boundary, *, double=False, flags=None):
    """Convolve by the kernels; also return the peaks that they found."""
    count, rows, cols = image.shape
    ry, rx = (max(psf.radius[axis] for psf in psfs) for axis in (0, 1))
    half = math.ceil(cols / 2)
    height, width = (
        fourier_source.fast_length(rows + 2 * ry),
        fourier_source.fast_length(half + 2 * rx),
    )
    even = all(psf.is_even for psf in psfs)
    kernels = fourier_source.source(height=height, width=width, columns=4, even=even, double=double)
    library = built(TRANSFORMS + kernels + RUN_TRANSFORMS)
    fy, fx = (np.fft.fftfreq(n)[fourier_source.frequency_order(n)] for n in (height, width))
    tables = np.zeros(
        (len(psfs), height, fourier_source.row_pitch(width)), np.float32 if even else np.complex64
    )
    for table, psf in zip(tables, psfs, strict=True):
        table[:, :width] = transfer_table(psf, fy, fx) / (height * width)
    complex_dtype = np.complex128 if double else np.complex64
    middle = np.full((count, rows, fourier_source.row_pitch(width)), np.nan, complex_dtype)
    out = np.full(image.shape, np.nan, np.float32)
    states = np.zeros((2, count), np.int32)
    states[1] = 1 if flags is None else flags
    arrays = [
        image, out, middle, tables, states,
        pixel_index(cols, rx, width, half + 2 * rx, boundary),
        pixel_index(cols, rx - half, width, half + 2 * rx, boundary),
        pixel_index(rows, ry, height, rows + 2 * ry, boundary),
        *(fourier_source.twiddles(n).astype(t)
          for t in (np.complex64, np.complex128) for n in (width, height)),
    ]  # fmt: skip
    numbers = (rows, cols, ry, rx, half, count, count // len(psfs))
    library.run(struct.pack("12Q7i", *(a.ctypes.data for a in arrays), *numbers))
    return out, states[0].view(np.float32)


@given(st.integers(1, 30_000))
def test_a_length_splits_into_small_factors_the_last_of_them_odd(least):
    length = fourier_source.fast_length(least)
    split = fourier_source.radices(length)
    assert least <= length <= 1.1 * least + fourier_source.LEAST_LENGTH
    assert math.prod(split) == length
    assert max(split) <= fourier_source.LARGEST_RADIX
    assert split[-1] % 2 == 1


@given(st.integers(1, 3000).map(fourier_source.fast_length))
def test_every_frequency_has_one_place(length):
    assert sorted(fourier_source.frequency_order(length)) == list(range(length))


@needs_compiler
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_kernels_convolve_as_the_reference_does(built, boundary, double):
    rng = np.random.default_rng(1)
    image = rng.random((2, 37, 51), dtype=np.float32) - 0.3
    psfs = [from_array(rng.random((9, 15))), from_array(rng.random((3, 5)))]
    found, peaks = convolved(built, image, psfs, boundary, double=double)
    for plane, psf, got in zip(image, psfs, found, strict=True):
        expected = reference.convolve(plane, psf, boundary)
        assert np.abs(got - expected).max() <= 1e-6 * psf.l1
    if not double:
        np.testing.assert_array_equal(peaks, np.abs(image).max(axis=(1, 2)))


@needs_compiler
@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (131, 262)])
def test_every_size_is_convolved_also_beyond_the_reach_of_a_wide_psf(built, shape):
    image = np.random.default_rng(2).random((3, *shape), dtype=np.float32)
    psf = exponential(7.0)
    found, _ = convolved(built, image, [psf], "symmetric")
    for plane, got in zip(image, found, strict=True):
        expected = reference.convolve(plane, psf, "symmetric")
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@needs_compiler
def test_double_precision_leaves_planes_alone_that_do_not_need_it(built):
    image = np.random.default_rng(3).random((3, 20, 30), dtype=np.float32)
    found, _ = convolved(built, image, [exponential(1.0)], "edge", double=True, flags=[0, 1, 0])
    assert np.isnan(found[[0, 2]]).all()
    assert np.isfinite(found[1]).all()


# ------------------------------------------------------------------ chains

CHAINS = """
#define FUNCTION static inline float
#define ROWS(row, rows) for (long row = 0; row < (rows); ++row)
#define COLS(col, cols) for (long col = 0; col < (cols); ++col)
FUNCTION log10_of(float x) { return log10f(x); }
FUNCTION tanh_of(float x) { return tanhf(x); }
FUNCTION pow_of(float x, float y) { return powf(x, y); }
"""
RUN_CHAIN = 'extern "C" void run(const Arguments *a) { pixels(*a); }'


def run_chain(built, chain, arrays, out):
    """Run a chain's kernel on arrays of any strides."""
    together = (*arrays, out)
    head = chain_source.head(chain).pack(
        *(x.ctypes.data for x in together),
        *(stride // x.itemsize for x in together for stride in x.strides),
        *([table.ctypes.data for table in chain.tables] or [0]),
        0,
        *out.shape[1:],
    )
    library = built(CHAINS + chain_source.source(chain) + RUN_CHAIN)
    library.run(head + chain_source.constants(chain).tobytes())


@needs_compiler
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_chain_reads_codes_where_they_lie_in_a_picture(built, dtype):
    white = np.iinfo(dtype).max
    picture = np.random.default_rng(4).integers(0, white + 1, (13, 17, 3)).astype(dtype)
    coded = np.moveaxis(picture[::-1, 1::2], -1, 0)
    chain = trace(partial(scene_light_of_codes, dtype=np.dtype(dtype)), of_pixels(coded))
    out = np.full(coded.shape, np.nan, np.float32)
    run_chain(built, chain, [coded], out)
    np.testing.assert_allclose(out, chains_of_core.run_chain(chain, coded), rtol=1e-6)


@needs_compiler
@pytest.mark.parametrize(
    ("stock", "printing", "space"),
    [
        ("portra-400", "scan", "srgb"),
        ("velvia-50", "auto", "srgb"),
        ("tri-x-400", "scan", "srgb"),
        ("portra-400", "2383", "srgb"),
        ("velvia-50", "auto", "rec2020"),
        ("velvia-50", "auto", "acescg"),
        ("portra-400", "auto", "adx16"),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_whole_step_is_one_kernel_that_writes_into_a_picture(
    built, stock, printing, space, dtype
):
    recipe = Recipe(film=stock, printing=printing, output_space=space)
    film, dtype = recipe.load_film(), recipe.space.dtype_of(np.dtype(dtype))
    rng, layers = np.random.default_rng(5), len(film.development.curves)
    arrays = [
        (10.0 ** rng.uniform(-4, 1, (layers, 11, 14))).astype(np.float32),
        *([rng.random((layers, 11, 14), dtype=np.float32)] if film.couplers else []),
        rng.normal(size=(layers, 11, 14)).astype(np.float32),
    ]
    step = partial(
        develop_and_print,
        couplers=film.couplers,
        development=film.development,
        grain=film.grain,
        printing=film.printing,
        channels=3,
        dtype=dtype,
        space=recipe.space,
    )
    chain = trace(step, of_pixels(*arrays))
    picture = np.zeros((11, 14, 3), dtype)
    run_chain(built, chain, arrays, np.moveaxis(picture, -1, 0))
    expected = np.moveaxis(chains_of_core.run_chain(chain, *arrays), 0, -1)
    off = np.abs(picture.astype(np.float64) - expected)
    assert off.max() <= (1 if dtype.kind == "u" else 1e-4)
    assert picture.std() > 0


# ------------------------------------------------------------------ grain

NOISE = """
#define TILE_COL block_x
#define TILE_ROW block_y
#define LAYER block_z
static float *store;
static void sincospif(float x, float *sine, float *cosine) {
    *sine = std::sin(M_PI * x);
    *cosine = std::cos(M_PI * x);
}
"""
RUN_NOISE = """
extern "C" void run(const Arguments *a, float *shared, int layers, int rows, int cols) {
    store = shared;
    for (block_z = 0; block_z < layers; ++block_z)
        for (block_y = 0; block_y < rows; ++block_y)
            for (block_x = 0; block_x < cols; ++block_x) grain(*a);
}
"""


@needs_compiler
@pytest.mark.parametrize("place", [(0, 0), (-7, -3), (1001, 77), (2**20, 2**20 + 1)])
@pytest.mark.parametrize("pixel_pitch_um", [12.0, 5.0, 1.5])
def test_the_kernel_makes_the_reference_s_grain(built, pixel_pitch_um, place):
    grain = Recipe(film="cinestill-800t").load_film().grain
    (row_start, col_start), (rows, cols), layers = place, (70, 150), len(grain.size_um)
    taps = [shaping_taps(size_um, pixel_pitch_um) for size_um in grain.size_um]
    empty = grain_source.MOST_LAYERS - layers
    keys = [noise_keys(2**40 + 5, 2, layer) for layer in range(layers)] + [(0, 0)] * empty
    filters = np.zeros(grain_source.TAPS_SHAPE, np.float32)
    for layer, own in enumerate(taps):
        filters[layer, : len(own)] = own
    reaches = np.array([len(own) - 1 for own in taps] + [0] * empty, np.int32)
    out = np.full((layers, rows, cols), np.nan, np.float32)
    head = grain_source.HEAD.pack(
        out.ctypes.data,
        rows,
        cols,
        row_start,
        col_start,
        *(k for k, _ in keys),
        *(k for _, k in keys),
    )
    size = grain_source.tile_bytes(int(reaches.max())) // 4
    shared = np.full(size + 1, 4.5, np.float32)
    tiles = math.ceil(rows / grain_source.TILE_ROWS), math.ceil(cols / grain_source.TILE_COLS)
    built(NOISE + grain_source.source() + RUN_NOISE).run(
        head + reaches.tobytes() + filters.tobytes(),
        ctypes.c_void_p(shared.ctypes.data), layers, *tiles,
    )  # fmt: skip
    expected = grain_noise(
        out, grain, rows=rows, cols=cols, pixel_pitch_um=pixel_pitch_um,
        seed=2**40 + 5, frame=2, row_start=row_start, col_start=col_start,
    )  # fmt: skip
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert shared[-1] == 4.5  # nothing is written beyond the tile
