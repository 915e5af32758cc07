"""Colour spaces that the core knows by itself, without a plug-in."""

import numpy as np
import pytest

import phos_core as phos
from phos_core import color
from phos_core.convolution.choosing import registry
from phos_core.errors import SpaceError, UnknownSpaceError
from phos_core.process import INPUT_SPACES, OUTPUT_SPACES, Recipe, find_space, scene_light_of_hdr

SAME = {"film": "portra-400", "mode": "colour", "backend": "scipy"}
DISPLAYS = ("rec709", "rec2020")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No plug-in that finds spaces."""
    monkeypatch.setattr(registry, "space_finders", lambda: ())
    monkeypatch.setattr(registry, "plug_ins", lambda: ())


@pytest.fixture
def codes(rng):
    return rng.integers(0, 65536, (12, 17, 3), dtype=np.uint16)


def in_srgb(light, primaries):
    return (light @ color.to_linear_srgb(primaries).T).astype(np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("mode", ["full", "texture"])
@pytest.mark.parametrize("name", ["srgb", "display-p3"])
def test_srgb_and_p3_by_name_are_what_their_primaries_give_bit_for_bit(rng, dtype, mode, name):
    most = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    picture = (rng.random((12, 17, 3)) * most).astype(dtype)
    same = {"film": "cinestill-800t", "mode": mode, "backend": "scipy", "seed": 4}

    positive = phos.develop(picture, input_space=name, **same)

    np.testing.assert_array_equal(positive, phos.develop(picture, primaries=name, **same))


@pytest.mark.parametrize("name", ["acescg", "aces2065-1"])
def test_linear_spaces_by_name_are_what_their_primaries_give(rng, name):
    light = rng.uniform(0.0, 4.0, (12, 17, 3)).astype(np.float32)

    positive = phos.develop(light, input_space=name, **SAME)

    wanted = phos.develop(light, encoding="linear", primaries=name, **SAME)
    np.testing.assert_array_equal(positive, wanted)


@pytest.mark.parametrize("name", DISPLAYS)
def test_codes_of_television_are_the_light_of_its_reference_display(codes, name):
    light = in_srgb((codes / 65535.0) ** 2.4, OUTPUT_SPACES[name].primaries)
    wanted = phos.develop(light, encoding="display", **SAME)

    positive = phos.develop(codes, input_space=name, **SAME)
    of_floats = phos.develop((codes / 65535.0).astype(np.float32), input_space=name, **SAME)

    assert np.abs(positive / 65535.0 - wanted).max() < 2e-5
    assert np.abs(of_floats - wanted).max() < 2e-5


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_positive_that_comes_back_is_the_light_that_it_was(rng, name):
    """What `output_space` codes, `input_space` decodes."""
    picture = rng.random((12, 17, 3)).astype(np.float32)
    film = {"film": "portra-400", "mode": "colour", "backend": "scipy"}
    coded = phos.develop(picture, output_space=name, **film)
    linear = in_srgb(coded.astype(np.float64) ** 2.4, OUTPUT_SPACES[name].primaries)

    np.testing.assert_allclose(find_space(name).to_light(coded), linear, atol=2e-6)


@pytest.mark.parametrize(("name", "decode"), [
    ("rec2100-pq", color.pq_to_light),
    ("rec2100-hlg", lambda numbers: color.hlg_to_light(numbers, "rec2020")),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_hdr_codes_are_exposed_as_hdr_pictures_are(codes, name, decode, dtype):
    numbers = codes / 65535.0
    shown = in_srgb(decode(numbers), "rec2020")
    scene = np.moveaxis(scene_light_of_hdr(np.moveaxis(shown, -1, 0)), 0, -1)
    picture = codes if dtype == "uint16" else numbers.astype(np.float32)

    found = find_space(name).to_light(picture)
    np.testing.assert_allclose(found, shown, rtol=1e-4, atol=2e-6 * shown.max())
    positive = phos.develop(picture, input_space=name, **SAME)

    wanted = phos.develop(scene.astype(np.float32), encoding="linear", **SAME)
    scale = 65535.0 if dtype == "uint16" else 1.0
    assert np.abs(positive / scale - wanted).max() < 5e-5


@pytest.mark.parametrize(("name", "code", "nits"), [
    ("rec2100-pq", 0.58, 203.0), ("rec2100-pq", 0.38, 26.0),
    ("rec2100-hlg", 0.75, 203.0), ("rec2100-hlg", 0.38, 26.0),
])  # fmt: skip
def test_the_reference_levels_of_bt2408_are_its_light(name, code, nits):
    light = find_space(name).to_light(np.full((1, 1, 3), code, np.float32))

    np.testing.assert_allclose(light, nits / 203.0, rtol=0.03)


@pytest.mark.parametrize("name", INPUT_SPACES)
@pytest.mark.parametrize("mode", ["full", "texture"])
def test_grey_is_grey_in_every_space_and_as_three_equal_channels(rng, name, mode):
    grey = rng.random((8, 9)).astype(np.float32)
    same = {"film": "hp5-plus", "mode": mode, "backend": "scipy", "grain": 0.0, "halation": 0.0}
    same |= {"input_space": name, "output_space": "srgb"}

    positive = phos.develop(grey, **same)

    three = phos.develop(np.repeat(grey[..., None], 3, -1), **same)
    assert positive.shape == grey.shape
    np.testing.assert_allclose(np.repeat(positive[..., None], 3, -1), three, atol=2e-4)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Rec.709", "rec709"),
        ("Display P3", "display-p3"),
        ("PQ", "rec2100-pq"),
        ("Rec.2100 HLG", "rec2100-hlg"),
        ("ACEScg", "acescg"),
        ("Linear Rec.2020", "linear-rec2020"),
    ],
)
def test_a_name_may_be_written_as_people_write_it(written, meant):
    assert find_space(written).name == meant


def test_the_cores_own_goes_before_what_a_plug_in_has_by_the_same_name(monkeypatch, codes):
    def find(name):
        raise UnknownSpaceError(name, ["one of mine"])

    monkeypatch.setattr(registry, "space_finders", lambda: (find,))

    assert find_space("rec709").name == "rec709"
    with pytest.raises(UnknownSpaceError, match="did you mean 'rec709' or 'one of mine'"):
        phos.develop(codes, input_space="rec790")


def test_without_plug_ins_the_error_names_the_nearest_of_ones_own(codes):
    with pytest.raises(SpaceError, match=r"'rec790'.*rec709.*pip install"):
        phos.develop(codes, input_space="rec790")


@pytest.mark.parametrize("name", ["rec709", "rec2100-pq", "rec2100-hlg"])
def test_floats_that_are_no_codes_are_one_clear_error(name):
    with pytest.raises(ValueError, match=r"float image must lie between 0 and 1, got 0 to 1\.5"):
        phos.develop(np.array([[[0.0, 1.0, 1.5]]], np.float32), input_space=name)


@pytest.mark.parametrize("name", ["srgb", "display-p3", "rec709", "rec2020"])
def test_the_texture_of_a_picture_stays_in_its_space(codes, name):
    """Where nothing acts, it is the picture."""
    off = {"scatter": 0.0, "halation": 0.0, "grain": 0.0}
    recipe = Recipe(film="portra-400", mode="texture", input_space=name, **off)

    positive = phos.develop(codes, recipe=recipe, backend="scipy")

    assert recipe.space == OUTPUT_SPACES[name]
    assert np.abs(positive.astype(int) - codes).max() <= 60  # the scanner's aperture is nothing
