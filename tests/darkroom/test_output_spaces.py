"""Files of positives in a space of their own: their tags, and what cannot hold them."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_core.color import decode_srgb, from_linear_srgb, to_linear_srgb
from phos_core.errors import ImageFileError
from phos_core.process import OUTPUT_SPACES, OutputSpace
from phos_darkroom.files.colour import lcms, profiles
from phos_darkroom.files.colour.icc import read_profile
from phos_darkroom.files.colour.making import profile_of
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture
from phos_darkroom.large import develop_large
from phos_darkroom.one_file import develop_file, develop_picture
from phos_darkroom.settings.sidecar import path_for, read

LIGHT = ("acescg", "aces2065-1")
DISPLAYS = ("srgb", "display-p3", "rec709", "rec2020")
WITH_PROFILE = [
    name for name, space in OUTPUT_SPACES.items() if not (space.is_density or space.is_hdr)
]
NOTHING_ACTS = {
    "mode": "texture",
    "scatter": 0,
    "halation": 0,
    "grain": 0,
    "scanner": "none",
}


@pytest.fixture
def codes(rng):
    return rng.integers(0, 65_536, (24, 32, 3)).astype(np.uint16)


@pytest.fixture
def source(tmp_path, codes):
    path = tmp_path / "a.png"
    write_picture(path, Picture(pixels=codes))
    return path


def recipe_for(name, **settings):
    return phos.Recipe(film="velvia-50", seed=3, output_space=name, **settings)


def developed(source, name, suffix, **settings):
    destination = source.with_name(f"positive{suffix}")
    develop_file(source, destination, recipe_for(name, **settings), backend="scipy")
    return read_picture(destination)


@pytest.mark.parametrize("name", WITH_PROFILE)
def test_a_profile_says_the_light_of_its_codes_to_phos_and_to_little_cms(name):
    space = OUTPUT_SPACES[name]
    codes = np.random.default_rng(2).random((6, 7, 3)).astype(np.float32)
    decode = {"srgb": decode_srgb, "bt1886": lambda x: x**2.4, "linear": lambda x: x}
    light = decode[space.transfer](codes.astype(np.float64)) @ to_linear_srgb(space.primaries).T
    profile = profile_of(space)
    np.testing.assert_allclose(profiles.to_light(codes, profile), light, atol=3e-5)
    xyz = lcms.transform(codes, profile, lcms.xyz_profile())
    np.testing.assert_allclose(xyz @ profiles.PCS_TO_LINEAR_SRGB.T, light, atol=2e-4)


@pytest.mark.parametrize("name", WITH_PROFILE)
def test_other_programs_read_a_profile_and_its_name(name):
    space = OUTPUT_SPACES[name]
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile_of(space)))
    words = ImageCms.getProfileDescription(opened).lower()
    assert name.split("-")[0].replace("rec", "") in words
    grey = profile_of(space, is_grey=True)
    assert read_profile(grey).colours == "GRAY"
    ImageCms.ImageCmsProfile(io.BytesIO(grey))


def test_equal_spaces_make_equal_profiles_of_a_few_hundred_bytes():
    linear = OutputSpace(primaries="rec2020", transfer="linear")
    assert profile_of(linear) == profile_of(OutputSpace(primaries="rec2020", transfer="linear"))
    assert len(profile_of(linear)) < 600


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".webp", ".avif"])
@pytest.mark.parametrize("name", ["display-p3", "rec2020"])
def test_a_file_of_codes_carries_the_profile_of_its_space(source, name, suffix):
    positive = developed(source, name, suffix)
    assert positive.encoding == "profile"
    assert positive.metadata.icc_profile == profile_of(OUTPUT_SPACES[name])


@pytest.mark.parametrize("name", ["display-p3", "rec709", "rec2020"])
def test_the_codes_of_a_file_are_those_of_the_array(source, codes, name):
    positive = developed(source, name, ".png")
    np.testing.assert_array_equal(
        positive.pixels, phos.develop(codes, recipe=recipe_for(name), backend="scipy")
    )


@pytest.mark.parametrize("name", LIGHT)
def test_an_exr_holds_the_unclipped_light_and_names_its_primaries(source, codes, name):
    positive = developed(source, name, ".exr")
    assert (positive.encoding, positive.primaries) == ("linear", name)
    light = phos.develop(codes / np.float32(65535), recipe=recipe_for(name), backend="scipy")
    np.testing.assert_allclose(positive.pixels, light, atol=1e-6)


@pytest.mark.parametrize("name", LIGHT)
def test_a_tiff_holds_the_unclipped_light_as_floats(source, codes, name):
    positive = developed(source, name, ".tif")
    expected = phos.develop(codes, recipe=recipe_for(name), backend="scipy")
    assert positive.pixels.dtype == np.float32
    np.testing.assert_array_equal(positive.pixels, expected)
    own = expected @ to_linear_srgb(name).T
    assert own.min() < 0.0  # a slide leaves sRGB
    np.testing.assert_allclose(positive.light(), own, atol=2e-4)


def test_display_codes_become_light_of_their_primaries_in_exr(source, codes):
    positive = developed(source, "display-p3", ".exr")
    assert positive.primaries == "display-p3"
    coded = phos.develop(
        codes / np.float32(65535), recipe=recipe_for("display-p3"), backend="scipy"
    )
    np.testing.assert_allclose(positive.pixels, decode_srgb(coded), atol=1e-4)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif"])
def test_a_format_that_holds_no_light_is_refused_before_the_work(source, suffix):
    with pytest.raises(ImageFileError, match="goes into EXR, or as floats into TIFF"):
        developed(source, "acescg", suffix)
    assert [path.name for path in source.parent.iterdir()] == [source.name]


@pytest.mark.parametrize("suffix", [".exr", ".jpg", ".webp", ".avif"])
def test_a_format_that_holds_no_densities_is_refused_before_the_work(source, suffix):
    destination = source.with_name(f"b{suffix}")
    with pytest.raises(ImageFileError, match="need 16 bits and no colours, as in a TIFF or PNG"):
        develop_file(source, destination, phos.Recipe(output_space="adx10"))
    assert not destination.exists()


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_densities_are_written_untagged_in_16_bits(tmp_path, codes, suffix):
    eight = (codes >> 8).astype(np.uint8)
    write_picture(tmp_path / "a.png", Picture(pixels=eight, alpha=eight[..., 0].copy()))
    recipe = phos.Recipe(film="vision3-250d", output_space="adx16", grain=0)
    develop_file(tmp_path / "a.png", tmp_path / f"b{suffix}", recipe, backend="scipy")
    with Image.open(tmp_path / f"b{suffix}") as opened:
        assert not {"icc_profile", "srgb"} & set(opened.info)
    found = read_picture(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(found.pixels, phos.develop(eight, recipe=recipe, backend="scipy"))
    np.testing.assert_array_equal(found.alpha, eight[..., 0].astype(np.uint16) * 257)


def test_an_output_space_goes_before_the_pictures_own_profile(tmp_path, codes):
    metadata = Metadata(icc_profile=profiles.adobe_rgb_profile())
    picture = Picture(pixels=codes, encoding="profile", metadata=metadata)
    own, _ = develop_picture(picture, recipe_for(""), backend="scipy")
    assert own.metadata.icc_profile == metadata.icc_profile
    for name in ("srgb", "display-p3"):
        positive, _ = develop_picture(picture, recipe_for(name), backend="scipy")
        expected = None if name == "srgb" else profile_of(OUTPUT_SPACES[name])
        assert positive.metadata.icc_profile == expected
        assert positive.encoding == ("srgb" if name == "srgb" else "profile")


@pytest.mark.parametrize("name", [*DISPLAYS, *LIGHT])
def test_grey_pictures_are_grey_in_every_space(tmp_path, codes, name):
    write_picture(tmp_path / "a.tif", Picture(pixels=codes[..., 0]))
    grey = developed(tmp_path / "a.tif", name, ".tif", grain=0)
    srgb = phos.develop(codes[..., 0], recipe=recipe_for("srgb", grain=0), backend="scipy")
    assert grey.pixels.shape == codes.shape[:2]
    np.testing.assert_allclose(grey.light(), decode_srgb(srgb / 65535.0), atol=5e-3)


@pytest.mark.parametrize("name", ["display-p3", "acescg"])
def test_a_large_picture_by_tiles_is_in_the_space_too(tmp_path, codes, name):
    source, destination = tmp_path / "a.tif", tmp_path / "b.tif"
    write_picture(source, Picture(pixels=codes))
    develop_large(source, destination, recipe_for(name, grain=0), backend="scipy")
    found = read_picture(destination)
    whole = phos.develop(codes, recipe=recipe_for(name, grain=0), backend="scipy")
    assert found.pixels.dtype == whole.dtype
    np.testing.assert_allclose(
        found.pixels, whole.astype(float), atol=2 if whole.dtype == np.uint16 else 2e-5
    )
    assert found.metadata.icc_profile == profile_of(OUTPUT_SPACES[name])


def test_a_sidecar_holds_the_output_space(source):
    developed(source, "display-p3", ".png")
    assert read(path_for(source.with_name("positive.png"))).recipe.output_space == "display-p3"


@pytest.mark.parametrize("suffix", [".exr", ".tif"])
def test_the_texture_of_light_is_light_beyond_white_too(tmp_path, rng, suffix):
    light = (rng.random((24, 32, 3)) * 4.0).astype(np.float32)
    write_picture(tmp_path / "a.exr", Picture(pixels=light, encoding="linear"))
    recipe = phos.Recipe(**NOTHING_ACTS)
    develop_file(tmp_path / "a.exr", tmp_path / f"b{suffix}", recipe, backend="scipy")
    found = read_picture(tmp_path / f"b{suffix}")
    assert found.encoding == "linear"
    np.testing.assert_array_equal(found.pixels, light)


def test_the_texture_of_light_is_srgb_where_a_format_holds_no_light(tmp_path, rng):
    light = rng.random((24, 32, 3)).astype(np.float32)
    write_picture(tmp_path / "a.exr", Picture(pixels=light, encoding="linear"))
    recipe = phos.Recipe(**NOTHING_ACTS)
    develop_file(tmp_path / "a.exr", tmp_path / "b.png", recipe, backend="scipy")
    found = read_picture(tmp_path / "b.png")
    assert found.encoding == "srgb"
    np.testing.assert_allclose(found.light(), light, atol=1e-4)


def test_the_texture_of_a_wide_picture_keeps_its_colours_beyond_srgb(tmp_path):
    """A picture in Display P3 by its profile, each channel at its most."""
    levels = np.linspace(0, 65535, 5).astype(np.uint16)
    codes = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(25, 5, 3)
    metadata = Metadata(icc_profile=profile_of(OUTPUT_SPACES["display-p3"]))
    picture = Picture(pixels=codes, encoding="profile", metadata=metadata)
    same, _ = develop_picture(picture, phos.Recipe(**NOTHING_ACTS), backend="scipy")
    assert np.abs(same.pixels.astype(int) - codes).max() <= 4


def test_a_slide_in_a_p3_file_is_the_srgb_file_with_the_colours_that_this_lacks(source):
    """As a program that knows colour profiles shows both, on a display of P3."""
    wide, srgb = (developed(source, name, f".{name}.png") for name in ("display-p3", "srgb"))
    p3_light, srgb_light = wide.light(), srgb.light()
    beyond = p3_light.min(-1) < -0.005
    assert beyond.sum() > 20
    within = (p3_light.min(-1) > 0.05) & (p3_light.max(-1) < 0.9)
    difference = deltaE_ciede2000(
        rgb2lab(np.clip(wide.light(), 0, 1) ** (1 / 2.4)),
        rgb2lab(np.clip(srgb_light, 0, 1) ** (1 / 2.4)),
    )
    assert within.sum() > 20
    assert np.median(difference[within]) < 0.3
    own = p3_light @ np.array(from_linear_srgb("display-p3")).T
    assert own.min() > -1e-4
