import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import phos_core as phos
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.chain import Chain, Instruction, run_chain
from phos_core.convolution.methods.multirate import make_axis
from phos_core.convolution.methods.reference import convolve as convolve_slowly
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.convolution.waiting import not_waiting
from phos_core.effects.grain import Grain, grain_noise
from phos_core.errors import NotCompiledError, UnsupportedOperationError
from phos_core.kernels.tracing import trace
from phos_core.process.coding import INPUT_SPACES, Coding
from phos_core.process.pipeline import develop_and_print, expose_scene
from phos_core.process.recipe import Recipe
from phos_core.psf import from_array
from phos_core.testing import ConvolutionBackendContract

backend_module = pytest.importorskip("phos_numba.backend", reason="needs phos-numba and Numba")
from phos_numba import chains, compiling, narrow, writing  # noqa: E402 - only where Numba is

FLOAT32, UINT8 = np.dtype(np.float32), np.dtype(np.uint8)
LEAST, GREATEST = 2.0**-120, 2.0**120


class TestNumba(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self):
        return backend_module.create()


def of_two(op, second=1):
    """A chain of one operation on two layers of numbers."""
    instructions = [Instruction("input", (0, layer)) for layer in (0, 1)]
    args = (0,) if second is None else (0, second)
    return Chain(
        inputs=((2, FLOAT32),), instructions=(*instructions, Instruction(op, args)), outputs=(2,),
        dtype=FLOAT32,
    )  # fmt: skip


def compiled(chain, *given_arrays):
    return chains.compile_chain(chain)(*given_arrays)


def numbers(low, high):
    floats = st.floats(low, high, width=32, allow_subnormal=False)
    return arrays(np.float32, (2, 3, 21), elements=floats)


@pytest.mark.parametrize(
    ("op", "low", "high"),
    [
        ("exp", -87.0, 88.0),
        ("log", LEAST, GREATEST),
        ("log10", LEAST, GREATEST),
        ("tanh", -40.0, 40.0),
        ("sqrt", 0.0, GREATEST),
        ("floor", -(2.0**20), 2.0**20),
        ("neg", -GREATEST, GREATEST),
        ("abs", -GREATEST, GREATEST),
    ],
)
@given(data=st.data())
@settings(max_examples=50)
def test_functions_are_right_to_a_few_units_in_the_last_place(op, low, high, data):
    values = data.draw(numbers(low, high))
    exact = {"neg": np.negative}.get(op) or getattr(np, op)
    expected = exact(values[:1].astype(np.float64))
    np.testing.assert_allclose(compiled(of_two(op, None), values), expected, rtol=3e-7, atol=1e-38)


@given(values=numbers(2.0**-40, 2.0**40), exponents=numbers(-2.5, 2.5))
@settings(max_examples=50)
def test_powers_are_right_to_a_few_units_in_the_last_place(values, exponents):
    both = np.concatenate([values[:1], exponents[:1]])
    expected = both[:1].astype(np.float64) ** both[1:]
    np.testing.assert_allclose(compiled(of_two("pow"), both), expected, rtol=3e-7)


def test_a_power_of_zero_is_zero_one_or_infinite():
    both = np.array([[[0.0, 0.0, 0.0]], [[0.4, 0.0, -0.4]]], np.float32)
    assert compiled(of_two("pow"), both).ravel().tolist() == [0.0, 1.0, np.inf]


def test_exponentials_stop_at_the_ends_of_single_precision():
    both = np.array([[[-1000.0, 1000.0, -np.inf, np.inf]]] * 2, np.float32)
    least, greatest, *ends = compiled(of_two("exp", None), both).ravel().tolist()
    assert 0.0 < least < 2e-38
    assert 3e38 < greatest < np.inf
    assert ends == [least, greatest]


@st.composite
def programs(draw):
    """Chains of any shape whose values stay finite."""
    layers = draw(st.integers(1, 3))
    code = draw(st.sampled_from([np.uint8, np.uint16]))
    instructions = [Instruction("input", (0, layer)) for layer in range(layers)]
    instructions += [Instruction("input", (1, 0)), Instruction("constant", (0,))]
    instructions += [Instruction("constant", (1,)), Instruction("table", (0, layers))]
    values = [*range(layers), *range(layers + 1, layers + 4)]
    for _ in range(draw(st.integers(1, 40))):
        op = draw(st.sampled_from(["add", "sub", "max", "min", "tanh", "neg", "where"]))
        taken = [draw(st.sampled_from(values)) for _ in range(4)]
        if op == "where":
            compare = draw(st.sampled_from(["le", "lt", "ge", "gt"]))
            instructions.append(Instruction(compare, tuple(taken[2:])))
            args = (len(instructions) - 1, *taken[:2])
        else:
            args = tuple(taken[: 1 if op in ("tanh", "neg") else 2])
        instructions.append(Instruction(op, args))
        values.append(len(instructions) - 1)
    outputs = tuple(draw(st.lists(st.sampled_from([*values, layers]), min_size=1, max_size=4)))
    table = np.linspace(-1.0, 1.0, np.iinfo(code).max + 1, dtype=np.float32)
    return Chain(
        inputs=((layers, FLOAT32), (1, np.dtype(code))),
        instructions=tuple(instructions),
        outputs=outputs,
        dtype=FLOAT32,
        constants=(draw(st.floats(-2, 2)), draw(st.floats(-2, 2))),
        tables=(table,),
    )


@given(chain=programs(), seed=st.integers(0, 99))
@settings(max_examples=8)
def test_any_program_gives_what_its_definition_does(tmp_path_factory, chain, seed):
    rng = np.random.default_rng(seed)
    floats = rng.normal(size=(chain.inputs[0][0], 3, 37)).astype(np.float32)
    codes = rng.integers(0, 256, (1, 3, 37)).astype(chain.inputs[1][1])
    expected = run_chain(chain, floats, codes)
    folder = str(tmp_path_factory.mktemp("programs"))
    with mock.patch.dict(os.environ, NUMBA_CACHE_DIR=folder):
        found = compiled(chain, floats, codes)
    size = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * size)


def finish(stock, dtype, channels=3, printing="auto"):
    film = Recipe(film=stock, printing=printing).load_film()
    layers = len(film.development.curves)
    count = 1 + (film.couplers is not None) + (film.grain is not None)
    step = partial(
        develop_and_print, couplers=film.couplers, development=film.development, grain=film.grain,
        printing=film.printing, channels=channels, dtype=np.dtype(dtype),
    )  # fmt: skip
    return trace(step, [(layers, FLOAT32)] * count)


def expose(dtype, encoding="srgb", primaries="srgb"):
    exposure = Recipe(film="portra-400").load_film().exposure
    coding = Coding.of(encoding, primaries)
    step = partial(expose_scene, params=exposure, coding=coding, exposure_stops=0.0)
    return trace(step, [(3, np.dtype(dtype))])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_every_code_is_exposed_as_defined(dtype, encoding):
    chain = expose(dtype, encoding)
    codes = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(1, 2, -1)
    picture = np.concatenate([codes, codes[:, ::-1], codes])
    np.testing.assert_allclose(compiled(chain, picture), run_chain(chain, picture), rtol=2e-5)


@pytest.mark.parametrize("name", ["rec2020", "rec2100-pq", "rec2100-hlg", "acescg"])
def test_floats_of_a_space_are_exposed_as_defined(name):
    exposure = Recipe(film="portra-400").load_film().exposure
    coding = INPUT_SPACES[name]
    step = partial(expose_scene, params=exposure, coding=coding, exposure_stops=0.0)
    chain = trace(step, [(3, FLOAT32)])
    numbers = np.random.default_rng(1).random((3, 7, 600), np.float32)
    numbers[:, 0, :3] = np.float32([0.0, 1.0, np.nextafter(np.float32(1.0), np.float32(0.0))])
    np.testing.assert_allclose(
        compiled(chain, numbers), run_chain(chain, numbers), rtol=2e-5, atol=1e-9
    )


def test_light_of_wide_primaries_is_exposed_as_defined():
    chain = expose("float32", "linear", "rec2020")
    light = 2.0 ** np.random.default_rng(1).uniform(-20, 20, (3, 7, 600))
    light = light.astype(np.float32)
    np.testing.assert_allclose(
        compiled(chain, light), run_chain(chain, light), rtol=3e-6, atol=1e-9
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(
    ("stock", "printing"),
    [
        ("portra-400", "auto"),
        ("velvia-50", "auto"),
        ("tri-x-400", "auto"),
        ("gold-200", "portra-endura"),
    ],
)
def test_exposures_from_none_to_a_million_are_finished_as_defined(stock, printing, dtype):
    chain = finish(stock, dtype, printing=printing)
    rng = np.random.default_rng(2)
    stages = [rng.normal(size=(layers, 5, 700)).astype(np.float32) for layers, _ in chain.inputs]
    stages[0] = (10.0 ** rng.uniform(-40, 6, stages[0].shape)).astype(np.float32)
    stages[0][:, 0, :9] = 0.0
    found, expected = compiled(chain, *stages), run_chain(chain, *stages)
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_allclose(
        found.astype(float), expected.astype(float), rtol=0, atol=1 if dtype == "uint8" else 2e-5
    )


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("cols", [1, 511, 513, 1100])
def test_pictures_of_any_size_and_layout_are_taken(rows, cols):
    chain = finish("portra-400", "uint8")
    rng = np.random.default_rng(3)
    wide = [rng.random((3, rows, 2 * cols + 1)).astype(np.float32) for _ in chain.inputs]
    shifted = [array[:, :, 1 : cols + 1] for array in wide]
    scattered = [array[:, ::-1, 1::2] for array in wide]
    interleaved = np.moveaxis(np.zeros((rows, cols, 3), np.uint8), -1, 0)
    planar = np.zeros((3, rows, cols), np.uint8)
    for stages in (shifted, scattered):
        expected = compiled(chain, *(np.ascontiguousarray(stage) for stage in stages))
        for place in (interleaved, planar, planar[:, ::-1, ::-1]):
            found = chains.compile_chain(chain)(*stages, out=place)
            assert found is place
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pictures_that_cannot_be_written_to_are_taken(dtype):
    chain = expose(dtype)
    picture = np.random.default_rng(8).integers(0, 256, (5, 40, 3)).astype(dtype)
    expected = compiled(chain, np.moveaxis(picture, -1, 0))
    picture.flags.writeable = False
    for array in (np.moveaxis(picture, -1, 0), np.moveaxis(picture, -1, 0).copy()):
        array.flags.writeable = False
        np.testing.assert_array_equal(compiled(chain, array), expected)


@pytest.mark.parametrize("dtype", ["float64", "uint16"])
def test_a_result_may_be_of_another_type_than_it_is_computed_in(dtype):
    chain = of_two("add")
    layers = np.random.default_rng(9).integers(0, 99, (2, 5, 40)).astype(np.float32)
    place = np.zeros((1, 5, 40), dtype)
    assert chains.compile_chain(chain)(layers, out=place) is place
    np.testing.assert_array_equal(place, run_chain(chain, layers))


def test_a_chain_is_looked_at_once():
    backend, chain = backend_module.create(), of_two("add")
    assert backend.compile(chain) is backend.compile(chain)


def test_a_result_may_take_the_place_of_what_it_is_made_of():
    chain = of_two("add")
    chain = Chain(
        inputs=chain.inputs, instructions=chain.instructions, outputs=(2, 2), dtype=FLOAT32
    )
    picture = np.random.default_rng(4).random((2, 5, 40)).astype(np.float32)
    expected = run_chain(chain, picture)
    chains.compile_chain(chain)(picture, out=picture)
    np.testing.assert_array_equal(picture, expected)


def test_no_pixels_are_no_work():
    assert compiled(of_two("add"), np.ones((2, 0, 5), np.float32)).shape == (1, 0, 5)


def test_an_array_of_another_type_is_refused():
    with pytest.raises(TypeError, match="made for float32, got an array of float64"):
        compiled(of_two("add"), np.ones((2, 3, 5)))


def test_an_operation_without_code_is_left_to_the_definition():
    with pytest.raises(UnsupportedOperationError, match="no code is known for erf"):
        backend_module.create().compile(of_two("erf"))


def test_stocks_of_one_structure_share_their_code():
    first, second = (finish(stock, "uint8") for stock in ("portra-400", "portra-160"))
    assert first.constants != second.constants
    assert (first.structure == second.structure) is (
        writing.write_kernel(first) == writing.write_kernel(second)
    )
    with_other_numbers = Chain(
        first.inputs, first.instructions, first.outputs, first.dtype, second.constants[:1] * 999
    )
    assert writing.write_kernel(first) == writing.write_kernel(with_other_numbers)


def test_threads_that_share_a_kernel_give_what_one_gives():
    chain = finish("portra-400", "uint8")
    stages = [np.random.default_rng(5).random((3, 64, 700)).astype(np.float32) for _ in range(3)]
    kernel = chains.compile_chain(chain)
    expected, found = kernel(*stages), np.zeros((3, 64, 700), np.uint8)

    def fill(start):
        rows = slice(start, start + 4)
        kernel(*(stage[:, rows] for stage in stages), out=found[:, rows])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(0, 64, 4)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("pixel_pitch_um", [1.5, 12.0, 40.0])
@given(
    place=st.tuples(st.integers(-600, 2**30), st.integers(-600, 2**30)),
    size=st.tuples(st.integers(1, 20), st.sampled_from([1, 20, 511, 530])),
    seed=st.integers(0, 2**64),
)
@settings(max_examples=15)
def test_grain_is_that_of_its_definition(pixel_pitch_um, place, size, seed):
    grain = Grain(
        rms_coefficients=((0.01,),) * 2, d_min=(0.1,) * 2, net_range=((0.0, 2.0),) * 2,
        size_um=(3.0, 9.0),
    )  # fmt: skip
    field = {
        "rows": size[0], "cols": size[1], "row_start": place[0], "col_start": place[1],
        "pixel_pitch_um": pixel_pitch_um, "seed": seed, "frame": 3,
    }  # fmt: skip
    expected = grain_noise(np.zeros(1, np.float32), grain, **field)
    out = np.empty((2, size[0], 2 * size[1]), np.float32)[:, :, : size[1]]
    found = backend_module.create().grain_noise(None, grain, **field, out=out)
    assert found is out
    around = grain_noise(np.zeros(1, np.float32), grain, **{**field, "rows": 16, "cols": 64})
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * np.abs(around).max())


def test_grain_needs_a_pixel_pitch():
    grain = Recipe(film="portra-400").load_film().grain
    with pytest.raises(ValueError, match="pixel_pitch_um must be a positive length"):
        backend_module.create().grain_noise(None, grain, rows=2, cols=2, pixel_pitch_um=0.0, seed=0)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (3, 1030), (70, 40)])
@pytest.mark.parametrize("taps", [((3, 7),), ((9, 1), (9, 1))])
def test_narrow_psfs_are_convolved_at_every_border(boundary, shape, taps):
    rng = np.random.default_rng(6)
    terms = [(rng.normal(size=down), rng.normal(size=along)) for down, along in taps]
    plane = rng.random(shape).astype(np.float32)
    plane.flags.writeable = False
    psf = from_array(sum(np.outer(*term) for term in terms))
    expected = convolve_slowly(plane, psf, boundary=boundary)
    found = np.full(shape, np.nan, np.float32)
    narrow.convolve(plane, terms, boundary, found)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * psf.l1)


@pytest.mark.parametrize("shape", [(60, 70), (333, 1030), (300, 61)])
@pytest.mark.parametrize("points", [(7, 8), (10, 12), (40, 50)])
def test_narrow_and_smooth_parts_add_up_to_what_scipy_gives(shape, points):
    rng = np.random.default_rng(8)
    plane = rng.random(shape).astype(np.float32)
    terms = [(rng.normal(size=7), rng.normal(size=5))]
    ours, scipy = backend_module.create(), ScipyBackend()
    rows, cols = (make_axis(*pair) for pair in zip(shape, points, strict=True))
    sums = []
    for backend in (ours, scipy):
        coarse = backend.to_points(plane, rows, cols)
        alone, out = np.empty_like(plane), np.empty_like(plane)
        backend.to_pixels(coarse, rows, cols, alone)
        backend.add_up(plane, terms, "symmetric", coarse, rows, cols, out)
        sums.append((coarse, alone, out))
    for found, expected in zip(*sums, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_planes_are_thinned_out_by_the_compiled_loop_where_it_takes_them(monkeypatch):
    backend, rows = backend_module.create(), make_axis(200, 30)
    monkeypatch.setattr(ScipyBackend, "to_points", mock.Mock(side_effect=AssertionError))
    backend.to_points(np.ones((200, 300), np.float32), rows, make_axis(300, 40))
    with pytest.raises(AssertionError):
        backend.to_points(np.ones((200, 600), np.float32)[:, ::2], rows, make_axis(300, 40))


def test_planes_that_the_loops_do_not_take_are_left_to_scipy():
    terms = [(np.ones(3), np.ones(3))]
    plane = np.ones((300, 300), np.float32)
    assert narrow.suits(plane, terms, plane)
    assert not narrow.suits(plane.astype(np.float64), terms, plane)
    assert not narrow.suits(plane[::2], terms, plane)
    assert not narrow.suits(plane, [(np.ones(67), np.ones(3))], plane)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_whole_pictures_that_cannot_be_written_to_are_those_of_scipy(dtype):
    codes = np.random.default_rng(10).integers(0, 256, (300, 420, 3))
    picture = codes.astype(dtype) / np.dtype(dtype).type(255 if "float" in dtype else 1)
    picture = picture.astype(dtype)
    picture.flags.writeable = False
    found, expected = (phos.develop(picture, backend=name) for name in ("numba", "scipy"))
    assert found.dtype == picture.dtype
    greatest = np.iinfo(dtype).max if "int" in dtype else 1.0
    off = np.abs(found.astype(float) - expected.astype(float)) / greatest
    assert off.max() <= (1.0 / greatest if dtype == "uint8" else 2e-4)


@pytest.mark.parametrize("film", ["portra-400", "velvia-50", "tri-x-400"])
def test_whole_pictures_are_those_of_scipy(film):
    picture = np.random.default_rng(7).integers(0, 256, (300, 420, 3), dtype=np.uint8)
    found, expected = (
        phos.develop(picture, film, backend=name, seed=5) for name in ("numba", "scipy")
    )
    off = np.abs(found.astype(int) - expected)
    assert off.max() <= 1
    assert (off > 0).mean() < 0.01


def in_new_process(code, folder):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


COMPILE = """
from phos_numba.compiling import load_function
text = '''
import numba

@numba.njit("float64(float64)", cache=CACHE)
def doubled(x):
    return x + x
'''
function = load_function(text, "doubled")
print(function(4.0), sum(function.stats.cache_hits.values()))
"""


def test_code_is_compiled_once_for_all_processes(tmp_path):
    assert in_new_process(COMPILE, tmp_path) == "8.0 0"
    assert in_new_process(COMPILE, tmp_path) == "8.0 1"


def test_of_processes_that_need_code_at_once_one_compiles_and_the_others_load_it(tmp_path):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(in_new_process, [COMPILE] * 3, [tmp_path] * 3))
    assert sorted(found) == ["8.0 0", "8.0 1", "8.0 1"]


def test_a_process_that_dies_while_it_compiles_holds_nobody_up(tmp_path):
    dies = COMPILE.replace("import numba", "import numba, os, time; os._exit(0)", 1)
    in_new_process(dies, tmp_path)
    assert in_new_process(dies, tmp_path) == ""
    assert in_new_process(COMPILE, tmp_path) == "8.0 0"


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    assert in_new_process(COMPILE, taken) == "8.0 0"


def test_source_and_code_that_are_damaged_are_made_again(tmp_path):
    in_new_process(COMPILE, tmp_path)
    for path in tmp_path.rglob("*.*"):
        path.write_bytes(path.read_bytes()[:10])
    assert in_new_process(COMPILE, tmp_path).startswith("8.0")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/phos"),
        ("linux", {}, "/home/me/.cache/phos"),
        ("darwin", {}, "/home/me/Library/Caches/phos"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/phos"),
        ("linux", {"NUMBA_CACHE_DIR": "/n"}, "/n/phos"),
    ],
)
def test_code_is_kept_where_the_platform_keeps_such_things(
    monkeypatch, platform, variables, expected
):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(compiling.sys, "platform", platform)
    monkeypatch.setattr(compiling.Path, "home", lambda: compiling.Path("/home/me"))
    assert compiling.cache_folder().as_posix() == expected


LOADED = "def answer():\n    return {number}\n"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder, which is not there yet."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiling.sys, "platform", "linux")
    compiling._warn_once.cache_clear()
    return tmp_path / "phos"


def test_code_that_is_not_kept_is_not_compiled_for_work_that_does_not_wait(cache):
    assert not compiling.is_ready()
    text = LOADED.format(number=5)
    with not_waiting(), pytest.raises(NotCompiledError):
        compiling.load_function(text, "answer")
    assert not compiling.is_ready()
    compiling.load_function(text, "answer")
    assert compiling.is_ready()
    with not_waiting():
        assert compiling.load_function(text, "answer")() == 5


def test_code_of_other_versions_counts_for_nothing(cache, monkeypatch):
    text = LOADED.format(number=6)
    compiling.load_function(text, "answer")
    monkeypatch.setattr(compiling, "_stamp", lambda: "numba of tomorrow")
    assert not compiling.is_ready()
    with not_waiting(), pytest.raises(NotCompiledError):
        compiling.load_function(text, "answer")


needs_owners = pytest.mark.skipif(os.name == "nt", reason="needs owners and permissions")


@needs_owners
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o722])
def test_a_cache_of_one_s_own_is_closed_to_others(cache, mode):
    cache.mkdir()
    cache.chmod(mode)
    assert compiling.load_function(LOADED.format(number=1), "answer")() == 1
    assert cache.stat().st_mode & 0o7777 == 0o700
    assert len(list(cache.glob("*.py"))) == 1


@needs_owners
@pytest.mark.parametrize("where", ["the folder", "a file", "code that Python compiled"])
def test_a_cache_that_another_user_has_written_to_is_not_loaded(cache, monkeypatch, where):
    compiling.load_function(LOADED.format(number=2), "answer")
    (cache / "__pycache__").mkdir(exist_ok=True)
    (cache / "__pycache__/planted.pyc").touch()
    planted = {
        "the folder": cache,
        "a file": next(cache.glob("*.py")),
        "code that Python compiled": cache / "__pycache__/planted.pyc",
    }[where]
    stat = compiling.Path.stat

    def others(self, **options):
        found = list(stat(self, **options))
        found[4] = 12345 if self == planted else found[4]
        return os.stat_result(found)

    monkeypatch.setattr(compiling.Path, "stat", others)
    before = sorted(path.name for path in cache.iterdir())
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert compiling.load_function(LOADED.format(number=3), "answer")() == 3
    assert sorted(path.name for path in cache.iterdir()) == before


@needs_owners
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_a_folder_for_numba_that_others_may_write_to_is_not_used(tmp_path, monkeypatch, mode):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(mode)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(open_to_all))
    compiling._warn_once.cache_clear()
    with pytest.warns(RuntimeWarning, match="others may write to it"):
        assert compiling.load_function(LOADED.format(number=4), "answer")() == 4
    assert not list(open_to_all.rglob("*.py"))


def test_the_plug_in_is_known_without_importing_numba():
    code = "import phos_numba, sys; print('numba' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_bug_report_says_who_compiled_for_what():
    facts = backend_module.create().device_facts()
    assert set(facts) == {"numba", "processor", "compiled code"}
