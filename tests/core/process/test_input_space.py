"""A picture in a colour space of its own: by a function, by a name, by a matrix."""

from dataclasses import replace

import array_api_strict
import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import GenericBackend
from phos_core.convolution.choosing import registry
from phos_core.errors import SpaceError, UnknownSpaceError
from phos_core.process import (
    CodeCurve,
    CurveAndMatrix,
    Recipe,
    WholePicture,
    develop_window,
)
from phos_core.process.coding import Coding
from phos_core.process.decoding import linear_colours
from phos_core.process.recipe import checked_recipe

FAST = {"film": "portra-400", "mode": "colour", "backend": "scipy"}
SWAP = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], np.float32)


def squared(pixels):
    """A space whose codes are the square roots of light."""
    scale = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
    return (pixels / np.float32(scale)).astype(np.float32) ** 2


class Known:
    """A colour space as a plug-in has it."""

    name, to_light = "Roots", staticmethod(squared)

    def __init__(self, is_scene):
        self.is_scene = is_scene


def find(name):
    """Two spaces, of a scene and of a display."""
    if name not in ("roots", "shown"):
        raise UnknownSpaceError(name, ["Roots"])
    return Known(name == "roots")


@pytest.fixture
def known(monkeypatch):
    """A plug-in that knows two spaces."""
    monkeypatch.setattr(registry, "space_finders", lambda: (find,))


@pytest.fixture
def light(rng):
    return rng.uniform(0.0, 2.0, (12, 17, 3)).astype(np.float32)


def test_what_a_function_gives_is_exposed_as_scene_light(light):
    positive = phos.develop(np.sqrt(light), input_space=squared, **FAST)

    wanted = phos.develop(light, encoding="linear", **FAST)
    np.testing.assert_allclose(positive, wanted, atol=2e-6)


def test_with_encoding_display_it_is_a_displays_light(light):
    positive = phos.develop(np.sqrt(light), input_space=squared, encoding="display", **FAST)

    wanted = phos.develop(light, encoding="display", **FAST)
    np.testing.assert_allclose(positive, wanted, atol=2e-6)


@pytest.mark.parametrize(("name", "encoding"), [("roots", "linear"), ("shown", "display")])
def test_a_space_by_name_is_a_scenes_or_a_displays_as_the_plug_in_says(
    known, light, name, encoding
):
    positive = phos.develop(np.sqrt(light), input_space=name, **FAST)

    wanted = phos.develop(light, encoding=encoding, **FAST)
    np.testing.assert_allclose(positive, wanted, atol=2e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float64"])
@pytest.mark.parametrize("mode", ["full", "texture"])
def test_the_positive_has_the_dtype_and_shape_of_the_codes(dtype, mode):
    codes = np.full((9, 8, 3), 0.4 if dtype.startswith("f") else np.iinfo(dtype).max // 3, dtype)

    positive = phos.develop(codes, input_space=squared, mode=mode, backend="scipy")

    assert (positive.dtype, positive.shape) == (codes.dtype, codes.shape)
    assert 0.05 < positive.mean() / (1.0 if dtype.startswith("f") else np.iinfo(dtype).max) < 0.95


def test_a_grey_picture_is_one_of_equal_channels_and_stays_grey(light):
    grey = np.sqrt(light[..., 0])

    positive = phos.develop(grey, input_space=squared, **FAST)

    three = phos.develop(np.repeat(grey[..., None], 3, -1), input_space=squared, **FAST)
    assert positive.shape == grey.shape
    np.testing.assert_allclose(positive, three.mean(axis=-1), atol=0.02)


def test_a_window_and_a_balance_on_the_picture_convert_as_the_whole_does(known, light):
    codes = np.sqrt(light)
    recipe = Recipe(input_space="roots", auto_balance=True, grain=0.0, pixel_pitch_um=40.0)
    whole = phos.develop(codes, recipe=recipe, backend="scipy")
    of_light = replace(recipe, input_space="", encoding="linear")
    wanted = phos.develop(light, recipe=of_light, backend="scipy")
    np.testing.assert_allclose(whole, wanted, atol=1e-5)
    picture = WholePicture.of(codes.shape[:2], recipe)
    picture = picture.balanced(codes[picture.measured])
    window = (slice(3, 9), slice(5, 11))
    tile = picture.tile(window)

    read = codes[tile.read_rows, tile.read_cols]
    part = develop_window(picture, window, read, backend="scipy")

    np.testing.assert_allclose(part, whole[window], atol=1e-4)


def test_a_matrix_stands_for_primaries(light):
    positive = phos.develop(light, encoding="linear", primaries=SWAP.tolist(), **FAST)

    np.testing.assert_array_equal(
        positive, phos.develop(light[..., ::-1], encoding="linear", **FAST)
    )
    assert hash(Recipe(encoding="linear", primaries=SWAP)) is not None


class Strict(GenericBackend):
    """A device whose arrays are not NumPy's."""

    name, xp = "strict", array_api_strict
    device = array_api_strict.Device("CPU_DEVICE")

    def to_device(self, host):
        return array_api_strict.asarray(host.copy())

    def to_host(self, x):
        return np.asarray(x)


def test_arrays_of_a_device_are_converted_and_developed_where_they_are(light):
    codes = array_api_strict.asarray(np.rint(np.sqrt(light / 2.0) * 65535).astype(np.uint16))
    for settings in ({"mode": "colour"}, {"grain": 0.0, "auto_balance": True}):
        positive = phos.develop(codes, input_space=squared, backend=Strict(), **settings)

        wanted = phos.develop(np.asarray(codes), input_space=squared, backend="scipy", **settings)
        assert (type(positive), positive.dtype) == (type(codes), codes.dtype)
        assert np.abs(np.asarray(positive).astype(int) - wanted).max() <= 2e-4 * 65535


def test_a_tensor_with_its_channels_first_comes_back_as_one(light):
    torch = pytest.importorskip("torch")
    codes = torch.from_numpy(np.moveaxis(np.sqrt(light / 2.0), -1, 0).copy())

    positive = phos.develop(codes.to(torch.bfloat16), input_space=squared, **FAST)

    wanted = phos.develop(light / 2.0, encoding="linear", **FAST)
    assert (positive.dtype, positive.shape) == (torch.bfloat16, codes.shape)
    assert np.abs(np.moveaxis(positive.float().numpy(), 0, -1) - wanted).max() < 0.02


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"input_space": "roots", "encoding": "linear"}, ValueError, "encoding must be left out"),
        ({"input_space": "roots", "primaries": "rec2020", "encoding": "linear"}, ValueError,
         "primaries must be left out"),
        ({"input_space": squared, "primaries": "display-p3"}, ValueError,
         "primaries must be left out"),
        ({"input_space": 3}, TypeError, "input_space must be a name, a ColourSpace or a function"),
        ({"primaries": SWAP}, ValueError, "given as a matrix have a coding of their own"),
        ({"primaries": SWAP[:2], "encoding": "linear"}, ValueError, "a matrix of 3 by 3"),
        ({"primaries": SWAP * np.nan, "encoding": "linear"}, ValueError, "numbers from"),
    ],
)  # fmt: skip
def test_what_contradicts_an_input_space_is_refused(settings, error, words):
    with pytest.raises(error, match=words):
        checked_recipe(Recipe(**settings))


@pytest.mark.parametrize(
    ("gives", "error", "words"),
    [
        (lambda pixels: pixels[:1], ValueError, r"light of shape \(12, 17, 3\), got \(1, 17, 3\)"),
        (lambda pixels: pixels.tolist(), TypeError, "NumPy array of floats, got list"),
        (lambda pixels: pixels * np.float32(np.nan), ValueError, "got NaN"),
    ],
)
def test_a_function_that_gives_no_light_is_one_clear_error(light, gives, error, words):
    with pytest.raises(error, match=words):
        phos.develop(light, input_space=gives, **FAST)


def test_infinite_light_is_as_much_as_light_may_be(light):
    positive = phos.develop(light, input_space=lambda pixels: np.full_like(pixels, np.inf), **FAST)

    assert np.isfinite(positive).all()


def test_a_name_that_no_plug_in_knows_is_one_line_with_the_nearest(known, light):
    with pytest.raises(UnknownSpaceError) as caught:
        phos.develop(light, input_space="rots", **FAST)

    assert str(caught.value) == "unknown colour space 'rots'; did you mean 'Roots'?"


def test_without_a_plug_in_the_error_names_what_installs_it(monkeypatch, light):
    monkeypatch.setattr(registry, "space_finders", lambda: ())
    monkeypatch.setattr(registry, "plug_ins", lambda: ())

    with pytest.raises(SpaceError, match=r"pip install 'phos-darkroom\[spaces\]'"):
        phos.develop(light, input_space="ARRI LogC4", **FAST)


def test_the_code_compiled_meanwhile_is_for_any_function(monkeypatch, light):
    """A function may be one that no other process can be given."""
    import pickle

    from phos_core.process import compiling

    ordered = []
    monkeypatch.setattr(compiling, "compile_meanwhile", lambda *order: ordered.append(order))

    compiling.compile_alike(["numba"], light, Recipe(input_space=lambda x: x, encoding="linear"))

    assert pickle.loads(pickle.dumps(ordered[0][-1]["recipe"])).encoding == "linear"


PLACES = np.linspace(-1.0, 2.0, 30001)
ROUND = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32)
SQUARES = CodeCurve(samples=PLACES * np.abs(PLACES), low=-1.0, high=2.0)


class Apart:
    """A space that says what it comes to, and is not asked for light."""

    name, is_scene = "squares", True
    curve_and_matrix = CurveAndMatrix(curve=SQUARES, matrix=ROUND)

    def to_light(self, pixels):
        raise AssertionError("converted on the host")


def test_a_space_by_curve_and_matrix_is_decoded_as_what_it_says(light):
    """Floats within and beyond its samples, and integers; a negative square is negative light."""
    codes = np.sqrt(light) * np.where(light > 1.9, -0.1, 1.0).astype(np.float32)
    decoded = (codes * np.abs(codes))[..., [2, 0, 1]]
    wanted = phos.develop(decoded, encoding="linear", **FAST)

    positive = phos.develop(codes, input_space=Apart(), **FAST)

    np.testing.assert_allclose(positive, wanted, atol=3e-6)
    of_16_bits = np.rint(np.clip(codes, 0.0, 1.0) * 65535).astype(np.uint16)
    exact = ((of_16_bits / 65535.0) ** 2).astype(np.float32)[..., [2, 0, 1]]
    found = phos.develop(of_16_bits, input_space=Apart(), **FAST)
    assert np.abs(found / 65535.0 - phos.develop(exact, encoding="linear", **FAST)).max() < 1e-5


def test_beyond_its_samples_a_curve_goes_straight_on():
    far = np.array([[[-3.0, 3.0, 1e30]]], np.float32)
    coding = Coding(light="scene", curve=SQUARES)

    found = linear_colours(np.moveaxis(far, -1, 0), coding)[:, 0, 0]

    np.testing.assert_allclose(found[:2], [-5.0, 8.0], rtol=1e-3)
    assert np.isfinite(found[2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CodeCurve(samples=[1.0]), "two or more"),
        (lambda: CodeCurve(samples=[0.0, np.nan]), "finite"),
        (lambda: CodeCurve(samples=[0.0, 1.0], low=1.0, high=1.0), "low must lie below its high"),
        (lambda: CurveAndMatrix(curve=None, matrix=SWAP[:2]), "three rows of three"),
    ],
)
def test_what_is_no_curve_or_matrix_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_space_as_it_is_stands_without_an_encoding():
    with pytest.raises(ValueError, match="encoding must be left out"):
        Recipe(input_space=Apart(), encoding="linear")
