"""The Metal source of kernels, run as C++: the same numbers as NumPy's, and no fault unseen."""

import math
import re
import shutil
from functools import partial

import numpy as np
import pytest

import phos_core as phos
from phos_core.arrays import array_namespace
from phos_core.convolution import chain as chains_of_core
from phos_core.convolution.chain import Chain, Instruction
from phos_core.convolution.hooks import CodeCurve
from phos_core.effects.grain import grain_noise, noise_keys, shaping_taps
from phos_core.errors import UnsupportedOperationError
from phos_core.kernels.gpu import chain_source, grain_source
from phos_core.kernels.strips import of_pixels
from phos_core.kernels.tracing import trace
from phos_core.process.coding import INPUT_SPACES, Coding
from phos_core.process.output import SRGB
from phos_core.process.pipeline import (
    develop_and_print,
    expose_scene,
    light_of_lamps,
    print_bias,
    release_inhibitor,
)
from phos_core.process.recipe import Recipe
from phos_core.stocks.library import PRINTED_ON, SCANS, film_sheet, paper_sheet, papers

STOCKS = [film if isinstance(film, str) else film.name for film in phos.films()]
DTYPES = [np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)]
ALLOWED = 2e-6  # of white
PITCH_UM = 6.0


def rounded_once(chain, *arrays):
    """`run_chain`, each instruction in double precision and rounded to single.

    As the functions of the C++ are: of NumPy's some are off by several units in the last place.
    """
    once = {
        op: lambda *values, function=function: _in_single(
            function(*(value if value.dtype.kind == "b" else np.float64(value) for value in values))
        )
        for op, function in chains_of_core._IN_NUMPY.items()
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chains_of_core, "_IN_NUMPY", once)
        return chains_of_core.run_chain(chain, *arrays)


def _in_single(values):
    return values if values.dtype.kind == "b" else values.astype(np.float32)


def launched(kernel, chain, arrays, out=None, watch=None):
    """Run a chain's kernel on arrays of any strides, in groups that the picture does not fill."""
    watch = np.zeros(1, np.float32) if watch is None else watch
    shape = (len(chain.outputs), *arrays[0].shape[1:])
    if out is None:
        out = np.full(shape, 3, chain.dtype) if chain.dtype.kind == "u" else np.full(shape, np.nan)
        out = out.astype(chain.dtype)
    together = (*arrays, out)
    strides = [stride // x.itemsize for x in together for stride in x.strides]
    numbers = chain_source.metal_numbers(chain)
    grid = (out.shape[2], out.shape[1])
    kernel(*together, numbers, strides, watch, threads=grid, group_size=(16, 4), arg_casts="int32")
    return out


# ------------------------------------------------------------------ all stocks


def picture(dtype):
    """Greys from black to white, and colours of every brightness: channels, rows and columns."""
    rng = np.random.default_rng(6)
    image = rng.random((3, 9, 41))
    image[:, :4] = np.linspace(0.0, 1.0, 41) * np.array([1.0, 0.9, 0.8])[:, None, None]
    image[:, 0, :2] = [0.0, 1.0]
    if dtype.kind == "u":
        image = np.round(image * np.iinfo(dtype).max)
    return image.astype(dtype)


def chains_of(film, dtype, space=SRGB, coding=INPUT_SPACES["srgb"]):
    """Every chain of a film's way to its positive, with what it is given; the last makes that."""
    scene = {"coding": coding}
    codes = picture(dtype)
    expose = partial(expose_scene, params=film.exposure, exposure_stops=0.5, **scene)
    lamps = partial(light_of_lamps, opening=0.6, scale=2.0, **scene)
    exposing = traced(expose, codes)
    yield exposing, (codes,)
    yield traced(lamps, codes), (codes,)
    stages = [chains_of_core.run_chain(exposing, codes)]
    if film.couplers is not None:
        releasing = traced(partial(release_inhibitor, couplers=film.couplers), stages[0])
        yield releasing, (stages[0],)
        stages.append(chains_of_core.run_chain(releasing, stages[0]))
    if film.grain is not None:
        noise = np.random.default_rng(7).normal(size=stages[0].shape)
        stages.append(noise.astype(np.float32))
    finish = partial(
        develop_and_print,
        couplers=film.couplers,
        development=film.development,
        grain=film.grain,
        bias=print_bias(film.grain, film.development, film.printing, PITCH_UM),
        printing=film.printing,
        channels=3,
        dtype=space.dtype_of(dtype),
        space=space,
    )
    yield traced(finish, *stages), tuple(stages)


def traced(step, *arrays):
    return trace(step, of_pixels(*arrays))


def difference(found, expected):
    """The largest of all, of white or of the brightest light."""
    white = np.iinfo(found.dtype).max if found.dtype.kind == "u" else max(1.0, expected.max())
    return float(np.abs(found.astype(np.float64) - expected).max() / white)


def beyond(metal, work):
    """Differences that are not allowed, of a name, a chain and its arrays each."""
    kernels = metal.kernels([chain_source.metal_source(chain) for _, chain, _ in work])
    found = {
        what: difference(launched(kernel, chain, arrays), rounded_once(chain, *arrays))
        for kernel, (what, chain, arrays) in zip(kernels, work, strict=True)
    }
    return {what: off for what, off in found.items() if not off <= ALLOWED}


def test_every_stock_comes_out_of_metal_as_out_of_numpy(metal):
    assert len(STOCKS) == 28
    work = [
        ((name, dtype.name, place), chain, arrays)
        for name in STOCKS
        for dtype in DTYPES
        for place, (chain, arrays) in enumerate(chains_of(Recipe(film=name).load_film(), dtype))
    ]
    assert beyond(metal, work) == {}


SLOG = CodeCurve(
    samples=(10.0 ** ((np.linspace(-0.25, 1.75, 4096) * 1023 - 420) / 261.5) * 0.19 - 0.01),
    low=-0.25,
    high=1.75,
)
WIDE = ((1.9, -0.8, -0.1), (-0.2, 1.3, -0.1), (0.0, -0.1, 1.1))
CODINGS = {
    **INPUT_SPACES,
    "a log": Coding(light="scene", curve=SLOG, primaries=WIDE),
    "shown": Coding(light="display", curve=SLOG, primaries=WIDE),
}


@pytest.mark.parametrize("name", CODINGS)
def test_every_input_space_comes_out_of_metal_as_out_of_numpy(metal, name):
    film = Recipe(film="velvia-50").load_film()
    work = []
    for dtype in DTYPES:
        exposing, *_ = chains_of(film, dtype, coding=CODINGS[name])
        work.append(((name, dtype.name), *exposing))
    assert beyond(metal, work) == {}


@pytest.mark.parametrize(
    ("name", "space"), [("velvia-50", "rec2020"), ("velvia-50", "acescg"), ("gold-200", "adx16")]
)
def test_every_output_space_comes_out_of_metal_as_out_of_numpy(metal, name, space):
    recipe = Recipe(film=name, output_space=space)
    *_, (chain, stages) = chains_of(recipe.load_film(), np.dtype(np.float32), recipe.space)
    assert beyond(metal, [(space, chain, stages)]) == {}


@pytest.mark.proof
@pytest.mark.parametrize("name", STOCKS)
def test_every_print_and_scan_of_a_stock_comes_out_of_metal_as_out_of_numpy(metal, name):
    kind = film_sheet(name).kind
    prints = [one for one in papers() if PRINTED_ON[paper_sheet(one).kind] == kind]
    ways = {one: {"printing": one} for one in (*SCANS, *prints)}
    ways["between points"] = {"black_point": -5.0, "white_point": 4.0}
    work = []
    for way, settings in ways.items():
        film = Recipe(film=name, **settings).load_film()
        *_, (chain, stages) = chains_of(film, np.dtype(np.float32))
        work.append((way, chain, stages))
    assert beyond(metal, work) == {}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_picture_is_read_and_written_where_its_pixels_lie(metal, dtype):
    stored = np.moveaxis(picture(dtype), 0, -1).copy()
    coded = np.moveaxis(stored[1:, 1::2], -1, 0)
    white = np.iinfo(dtype).max if dtype.kind == "u" else 1
    chain = traced(partial(negative, white=float(white), dtype=dtype), coded)
    (kernel,) = metal.kernels([chain_source.metal_source(chain)])
    place = np.full_like(stored, 7)
    launched(kernel, chain, (coded,), np.moveaxis(place[1:, 1::2], -1, 0))
    expected = np.full_like(stored, 7)
    expected[1:, 1::2] = white - stored[1:, 1::2]
    np.testing.assert_array_equal(place, expected)


def negative(codes, *, white, dtype):
    """What is bright dark."""
    xp = array_namespace(codes)
    return xp.astype(white - xp.astype(codes, xp.float32), dtype)


def test_a_whole_positive_is_as_near_to_numpy_s_own_functions_as_these_are_to_what_is_right(metal):
    film = Recipe(film="portra-400").load_film()
    *_, (chain, stages) = chains_of(film, np.dtype(np.float32))
    (kernel,) = metal.kernels([chain_source.metal_source(chain)])
    own = chains_of_core.run_chain(chain, *stages)
    assert difference(launched(kernel, chain, stages), own) <= 1e-5


@pytest.mark.parametrize("place", [(0, 0, 0), (2, 8, 40)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_seen_on_the_way(metal, value, place):
    film = Recipe(film="portra-400").load_film()
    *_, (chain, stages) = chains_of(film, np.dtype(np.uint8))
    (kernel,) = metal.kernels([chain_source.metal_source(chain)])
    watch = np.zeros(1, np.float32)
    launched(kernel, chain, stages, watch=watch)
    assert watch[0] == 0.0
    stages[1][place] = value
    launched(kernel, chain, stages, watch=watch)
    assert not np.isfinite(watch[0])


# ------------------------------------------------------------------ grain

GROUP = 256


def grain_launched(metal, source, tile, grain, field, place, pitch_um=PITCH_UM):
    """Run the kernel of grain on a field at a place."""
    (kernel,) = metal.kernels([source])
    (rows, cols), (row_start, col_start), layers = field, place, len(grain.size_um)
    taps = np.zeros(grain_source.TAPS_SHAPE, np.float32)
    reach = [0] * grain_source.MOST_LAYERS
    for layer, size_um in enumerate(grain.size_um):
        own = shaping_taps(size_um, pitch_um)
        taps[layer, : len(own)], reach[layer] = own, len(own) - 1
    keys = np.zeros((2, grain_source.MOST_LAYERS), np.uint32)
    for layer in range(layers):
        keys[:, layer] = noise_keys(2**40 + 5, 2, layer)
    record = [rows, cols, row_start, col_start, *keys.view(np.int32).ravel().tolist(), *reach]
    guarded = np.full(layers * rows * cols + 1, np.nan, np.float32)
    tiles = math.ceil(cols / tile[1]), math.ceil(rows / tile[0])
    kernel(
        guarded, record, taps,
        threads=(GROUP * tiles[0], tiles[1], layers), group_size=(GROUP, 1, 1), arg_casts="int32",
    )  # fmt: skip
    assert np.isnan(guarded[-1])  # nothing is written behind the field
    return guarded[:-1].reshape(layers, rows, cols)


def grain_expected(grain, field, place, pitch_um=PITCH_UM):
    (rows, cols), (row_start, col_start) = field, place
    return grain_noise(
        np.zeros(1, np.float32), grain, rows=rows, cols=cols, pixel_pitch_um=pitch_um,
        seed=2**40 + 5, frame=2, row_start=row_start, col_start=col_start,
    )  # fmt: skip


def grain_difference(metal, source, tile, grain, field, place, pitch_um=PITCH_UM):
    expected = grain_expected(grain, field, place, pitch_um)
    found = grain_launched(metal, source, tile, grain, field, place, pitch_um)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def reach_px(grain, pitch_um):
    return max(len(shaping_taps(size_um, pitch_um)) - 1 for size_um in grain.size_um)


@pytest.mark.parametrize("place", [(0, 0), (-7, -3), (2**20, 2**20 + 1)])
@pytest.mark.parametrize(("pitch_um", "tile"), [(12.0, (32, 64)), (6.0, (32, 64)), (1.0, (16, 32))])
def test_the_kernel_of_grain_gives_what_numpy_gives(metal, pitch_um, tile, place):
    grain = Recipe(film="cinestill-800t").load_film().grain
    reach = reach_px(grain, pitch_um)
    assert grain_source.metal_tile(reach) == tile
    source = grain_source.metal_source(reach, tile)
    off = grain_difference(metal, source, tile, grain, (37, 67), place, pitch_um)
    assert off <= 1e-6  # of the strongest grain


def test_a_tile_of_grain_fits_the_memory_of_a_group_or_there_is_none():
    for reach in range(45):
        tile = grain_source.metal_tile(reach)
        assert (tile is None) == (reach > 29)
        if tile is not None:
            source = grain_source.metal_source(reach, tile)
            (numbers,) = re.findall(r"threadgroup float store\[(\d+)\]", source)
            rows, cols = tile
            height, width = rows + 2 * reach, cols + 2 * reach
            assert int(numbers) == width * (height + 1 + rows)
            assert 4 * int(numbers) <= 32 * 1024


# ------------------------------------------------------------------ planted faults


def one_for(old, new):
    """A fault: some text for other text, which must be there."""

    def plant(source):
        assert old in source, old
        return source.replace(old, new)

    return plant


CHAIN_FAULTS = {
    "strides of rows and columns exchanged": one_for(
        "row * a.strides[0][1] + col * a.strides[0][2]",
        "row * a.strides[0][2] + col * a.strides[0][1]",
    ),
    "the result's row for its column": one_for("col * a.strides[1][2]", "row * a.strides[1][2]"),
    "another layer is read": one_for("in0[1 * a.strides", "in0[2 * a.strides"),
    "a layer is written to another's place": one_for("out[1 * a.strides", "out[0 * a.strides"),
    "a table that begins one number too late": one_for("numbers + 9;", "numbers + 10;"),
    "the number beside a constant": one_for("= numbers[0];", "= numbers[1];"),
    "a value before the right one": one_for("(float)v27;", "(float)v26;"),
    "a sum for a product": one_for("const float v15 = v3 * v6;", "const float v15 = v3 + v6;"),
    "one row for all": one_for("row = pixel.y, col = pixel.x", "row = 0, col = pixel.x"),
}


@pytest.mark.parametrize("fault", CHAIN_FAULTS)
def test_a_fault_in_a_chain_s_source_is_seen(metal, fault):
    dtype = np.dtype(np.uint8)
    exposing, (codes,) = next(chains_of(Recipe(film="portra-400").load_film(), dtype))
    stored = np.moveaxis(np.moveaxis(codes, 0, -1).copy(), -1, 0)[:, :, :9]  # square: no crash
    source = chain_source.metal_source(exposing)
    right, faulty = metal.kernels([source, CHAIN_FAULTS[fault](source)])
    expected = rounded_once(exposing, stored)
    assert difference(launched(right, exposing, (stored,)), expected) <= ALLOWED
    assert not difference(launched(faulty, exposing, (stored,)), expected) <= ALLOWED


BARRIERS = "SYNC metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup)"
GRAIN_FAULTS = {
    "no barrier behind the white noise": lambda source: source.replace("    SYNC;\n", "", 1),
    "no barrier behind the lines": lambda source: "".join(source.rsplit("    SYNC;\n", 1)),
    "no barrier at all": one_for(BARRIERS, "SYNC"),
    "a barrier that some threads never come to": one_for(
        "    SYNC;\n", "    if (lane.x < 7) SYNC;\n"
    ),
    "threads that all do the same": one_for("i += lanes.x", "i += 2 * lanes.x"),
    "tiles' rows for their columns": one_for("TILE_ROW tile.y", "TILE_ROW tile.x"),
    "pairs of rows below zero": one_for("-((1 - row) / 2)", "row / 2"),
    "the first layer's taps for all": one_for("layer * 64", "0"),
    "a layer's place in the field": one_for("(uint)layer * a.rows", "(uint)layer"),
    "one tap too few": one_for("k <= reach", "k < reach"),
}


@pytest.mark.parametrize("fault", GRAIN_FAULTS)
def test_a_fault_in_the_source_of_grain_is_seen(metal, launch_error, fault):
    grain = Recipe(film="cinestill-800t").load_film().grain
    tile, reach = (32, 64), reach_px(grain, PITCH_UM)
    source = GRAIN_FAULTS[fault](grain_source.metal_source(reach, tile))
    assert source != grain_source.metal_source(reach, tile)
    try:
        off = grain_difference(metal, source, tile, grain, (70, 70), (-3, 5))
    except launch_error:
        return
    assert not off <= 1e-6


def test_groups_that_leave_a_part_of_the_picture_out_are_seen(metal):
    exposing, (codes,) = next(chains_of(Recipe().load_film(), np.dtype(np.uint8)))
    (kernel,) = metal.kernels([chain_source.metal_source(exposing)])
    out = np.full(codes.shape, np.nan, np.float32)
    strides = [stride // x.itemsize for x in (codes, out) for stride in x.strides]
    numbers = chain_source.metal_numbers(exposing)
    sizes = {"threads": (40, 9), "group_size": (8, 8), "arg_casts": "int32"}
    kernel(codes, out, numbers, strides, np.zeros(1, np.float32), **sizes)
    assert np.isnan(out[:, :, 40]).all()
    assert np.isfinite(out[:, :, :40]).all()


# ------------------------------------------------------------------ what Metal allows


def sources():
    """The source of a kernel of each kind."""
    film = Recipe(film="portra-400").load_film()
    for dtype in DTYPES:
        for chain, _ in chains_of(film, dtype):
            yield chain_source.metal_source(chain)
    yield grain_source.metal_source(29, (16, 32))


NOT_IN_METAL = re.compile(r"\b(?:double|u?long|u?int64_t|size_t|ptrdiff_t)\b")
NOT_SINGLE = re.compile(r"(?<![\w.])\d+\.\d*(?:e[+-]?\d+)?(?![\d.ef])")
POINTER = re.compile(r"\b(?:uchar|ushort|uint|int|float|Arguments) [*&]")
IN_SOME_MEMORY = re.compile(r"(?:const )?(?:device|constant|threadgroup|thread) ")


def violations(source):
    """What Metal has not, or would take for something else."""
    lines = [line.strip() for line in source.splitlines()]
    pointing = [line for line in lines if POINTER.search(line)]
    assert pointing
    assert source.isascii()  # as PyTorch hands it over
    return [
        *NOT_IN_METAL.findall(source),
        *NOT_SINGLE.findall(source),
        *(line for line in pointing if not IN_SOME_MEMORY.match(line)),
    ]


def test_no_source_asks_for_what_metal_has_not():
    for source in sources():
        assert violations(source) == []


@pytest.mark.parametrize(
    "plant",
    [
        one_for("= v3 * v6;", "= v3 * 0.5;"),
        one_for("const uint row", "const ulong row"),
        one_for("    device float *out", "    float *out"),
        one_for("const float v15", "const double v15"),
    ],
    ids=["a number in double precision", "64 bits", "a pointer to no memory", "double precision"],
)
def test_what_metal_has_not_is_seen_in_a_source(plant):
    assert violations(plant(next(sources())))


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_every_compiler_takes_all_of_it(metal, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    for source in sources():
        metal.check(source, compiler)


def test_a_chain_of_double_precision_is_refused():
    double = np.dtype(np.float64)
    chain = Chain(((1, double),), (Instruction("input", (0, 0)),), (0,), double)
    with pytest.raises(UnsupportedOperationError, match="float64"):
        chain_source.metal_source(chain)


def test_a_chain_of_more_arrays_than_metal_binds_is_refused():
    single = np.dtype(np.float32)
    read = tuple(Instruction("input", (array, 0)) for array in range(28))
    with pytest.raises(UnsupportedOperationError, match="32 buffers"):
        chain_source.metal_source(Chain(((1, single),) * 28, read, (0,), single))
    assert chain_source.metal_source(Chain(((1, single),) * 27, read[:27], (0,), single))
