"""Laws of chains: what is traced does to a pixel what the function does to its arrays."""

import doctest
from functools import partial

import numpy as np
import pytest

import phos_core as phos
from phos_core.arrays import array_namespace
from phos_core.convolution.chain import Chain, Instruction, run_chain
from phos_core.convolution.hooks import CodeCurve
from phos_core.kernels import tracing
from phos_core.kernels.tracing import trace
from phos_core.process.coding import INPUT_SPACES, Coding
from phos_core.process.pipeline import develop_and_print, expose_scene, release_inhibitor
from phos_core.process.recipe import Recipe
from phos_core.process.texture_only import add_texture

FLOAT = np.dtype(np.float32)


DRAWN_FROM: dict[str, np.random.Generator] = {}


@pytest.fixture(autouse=True)
def fresh_numbers(monkeypatch):
    """Each test draws the same numbers, whatever ran before it."""
    monkeypatch.setitem(DRAWN_FROM, "numbers", np.random.default_rng(5))


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


def pixels(layers, dtype):
    if np.dtype(dtype).kind == "u":
        return (
            DRAWN_FROM["numbers"]
            .integers(0, np.iinfo(dtype).max + 1, (layers, 12, 15))
            .astype(dtype)
        )
    return DRAWN_FROM["numbers"].random((layers, 12, 15), dtype=np.float32)


def traced(function, *arrays):
    return trace(function, [(array.shape[0], array.dtype) for array in arrays])


def everything(x, y):
    xp = array_namespace(x)
    both = xp.concat([x[:1, ...], xp.stack([y[1, ...], -y[0, ...]])])
    both = xp.where(x <= 0.5, xp.exp(x) / (1.0 + y), xp.log(x + 1.5)) - 2.0 * both
    both = xp.maximum(both, xp.abs(x - 0.3)) ** 0.7 + xp.minimum(1.0 - y, xp.sqrt(x))
    both = xp.pow(both, 1.2) + xp.tanh(y) * xp.log10(y + 1.0) + xp.floor(3.0 * x)
    both = xp.where(x > 0.2, both, xp.where(y < 0.7, x, xp.where(x >= y, y, x)))
    return xp.broadcast_to(xp.reshape(both[0, ...], (1, *both.shape[1:])), (2, *both.shape[1:]))


def test_every_operation_is_written_down():
    x, y = pixels(3, FLOAT), pixels(3, FLOAT)

    found = run_chain(traced(everything, x, y), x, y)

    assert found.shape == (2, 12, 15)
    np.testing.assert_allclose(found, everything(x, y), rtol=1e-6)


def test_what_no_output_needs_is_left_out():
    def wasteful(x):
        array_namespace(x).exp(x)
        return x + 1.0

    ops = [instruction.op for instruction in traced(wasteful, pixels(1, FLOAT)).instructions]

    assert ops == ["input", "constant", "add"]


def test_numbers_are_kept_apart_from_the_structure():
    def scaled(x, gain):
        return x * gain

    first, second = (trace(partial(scaled, gain=gain), [(2, FLOAT)]) for gain in (2.0, 3.0))

    assert first.structure == second.structure
    assert (first.constants, second.constants) == ((2.0,), (3.0,))
    assert trace(partial(scaled, gain=2.0), [(3, FLOAT)]).structure != first.structure


def test_what_a_chain_cannot_do_is_an_error():
    with pytest.raises(AttributeError):
        traced(lambda x: array_namespace(x).cumulative_sum(x), pixels(1, FLOAT))
    with pytest.raises(TypeError):
        traced(lambda x: x if x > 0.5 else -x, pixels(1, FLOAT))


def test_a_table_is_looked_up_by_whole_numbers():
    chain = Chain(
        inputs=((1, np.dtype(np.uint8)),),
        instructions=(Instruction("input", (0, 0)), Instruction("table", (0, 0))),
        outputs=(1,),
        dtype=FLOAT,
        tables=(np.arange(256, dtype=np.float32) / 2,),
    )
    codes = pixels(1, np.uint8)

    np.testing.assert_array_equal(run_chain(chain, codes), codes / np.float32(2))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_exposing_is_traced(dtype, name, channels):
    step = partial(
        expose_scene,
        params=phos.load_film("portra-400").exposure,
        coding=CODINGS[name],
        exposure_stops=0.5,
    )
    picture = pixels(channels, dtype)

    found = run_chain(traced(step, picture), picture)

    np.testing.assert_allclose(found, step(picture), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_spaces_of_equally_many_samples_share_what_is_compiled(dtype):
    params = phos.load_film("portra-400").exposure
    other = CodeCurve(samples=np.linspace(-1.0, 9.0, 4096) ** 3, low=-2.0, high=4.0)
    codings = (
        CODINGS["a log"],
        Coding(light="scene", curve=other, primaries=tuple(zip(*WIDE, strict=True))),
    )

    first, second = (
        traced(
            partial(expose_scene, params=params, coding=coding, exposure_stops=0.5),
            pixels(3, dtype),
        )
        for coding in codings
    )

    assert first.structure == second.structure


def stages(film, linear_encoding=False):
    layers = len(film.development.curves)
    exposure = (10.0 ** DRAWN_FROM["numbers"].uniform(-4, 3, (layers, 12, 15))).astype(np.float32)
    others = [pixels(layers, FLOAT)] * (film.couplers is not None)
    noise = [pixels(layers, FLOAT) - 0.5] * (film.grain is not None)
    return [exposure, *others, *noise]


@pytest.mark.parametrize(
    ("film", "printing"),
    [
        ("portra-400", "scan"),
        ("velvia-50", "auto"),
        ("tri-x-400", "scan"),
        ("tri-x-400", "polymax"),
        ("gold-200", "endura-premier"),
        ("vision3-500t", "2383"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_finishing_is_traced(film, printing, channels, dtype):
    stock = Recipe(film=film, printing=printing).load_film()
    step = partial(
        develop_and_print,
        couplers=stock.couplers,
        development=stock.development,
        grain=stock.grain,
        printing=stock.printing,
        channels=channels,
        dtype=np.dtype(dtype),
    )
    arrays = stages(stock)

    found, expected = run_chain(traced(step, *arrays), *arrays), step(*arrays)

    assert found.dtype == expected.dtype
    bound = {"uint8": 1, "uint16": 2, "float32": 2e-5}[dtype]
    assert np.abs(found.astype(np.float64) - expected).max() <= bound


def test_release_is_traced():
    film = phos.load_film("portra-400")
    step = partial(release_inhibitor, couplers=film.couplers)
    exposure = stages(film)[0]

    np.testing.assert_allclose(
        run_chain(traced(step, exposure), exposure), step(exposure), rtol=1e-5, atol=1e-6
    )


def test_texture_is_traced():
    film = phos.load_film("portra-400")
    step = partial(
        add_texture,
        coding=Coding.of("srgb", "srgb"),
        exposing=film.exposure,
        exposure_stops=0.0,
        development=film.development,
        grain=film.grain,
        printing=film.printing,
        dtype=np.dtype(np.uint8),
    )
    arrays = [pixels(3, np.uint8), *(pixels(3, FLOAT) for _ in range(3))]

    found = run_chain(traced(step, *arrays), *arrays)

    assert np.abs(found.astype(int) - step(*arrays)).max() <= 1


def test_the_example_in_the_docstring_gives_what_it_says():
    assert doctest.testmod(tracing) == (0, 3)
