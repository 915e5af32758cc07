"""A picture's file developed into another, with all that it says of itself."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_core.color import decode_srgb, encode_codes
from phos_core.errors import ImageFileError, SidecarError
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.formats.code_points import named_profile
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.metadata import xmp
from phos_darkroom.files.picture import Metadata, Picture
from phos_darkroom.one_file import develop_file, develop_part, develop_picture

RECIPE = phos.Recipe(seed=3)


@pytest.fixture
def codes(rng):
    return rng.integers(0, 65_536, (24, 32, 3)).astype(np.uint16)


def developed(image, **settings):
    return phos.develop(image, recipe=phos.Recipe(seed=3, **settings), backend="scipy")


def into(tmp_path, picture, source, destination):
    """Write a picture, develop its file into another, and read that."""
    write_picture(tmp_path / source, picture)
    develop_file(tmp_path / source, tmp_path / destination, RECIPE, backend="scipy")
    return read_picture(tmp_path / destination)


def test_16_bits_stay_16_bits(tmp_path, codes):
    for source, destination in (("a.png", "b.tif"), ("a.tif", "b.png")):
        positive = into(tmp_path, Picture(pixels=codes), source, destination)
        np.testing.assert_array_equal(positive.pixels, developed(codes))
        (tmp_path / source).unlink()


def test_a_part_is_that_of_the_whole_by_its_own_profile_and_as_deep(codes):
    metadata = Metadata(icc_profile=profiles.adobe_rgb_profile())
    picture = Picture(pixels=codes, encoding="profile", metadata=metadata)
    window = (slice(5, 17), slice(8, 30))
    whole, _ = develop_picture(picture, RECIPE, backend="scipy")
    part, report = develop_part(picture, RECIPE, window, backend="scipy")
    assert part.pixels.dtype == np.uint16
    assert np.abs(part.pixels.astype(int) - whole.pixels[window]).max() <= 16
    assert part.metadata.icc_profile == metadata.icc_profile
    assert report.backend == "scipy"


def test_alpha_and_metadata_are_kept_and_the_settings_added(tmp_path, codes):
    alpha = codes[..., 0].copy()
    picture = Picture(
        pixels=codes, alpha=alpha, metadata=Metadata(icc_profile=profiles.srgb_profile())
    )
    positive = into(tmp_path, picture, "a.png", "b.png")
    np.testing.assert_array_equal(positive.alpha, alpha)
    assert positive.metadata.icc_profile == picture.metadata.icc_profile
    assert 'film = "portra-400"' in (xmp.settings(positive.metadata.xmp) or "")
    assert b"phos " in (positive.metadata.exif or b"")


def test_transparency_is_not_lost_without_a_word(tmp_path, codes):
    write_picture(tmp_path / "a.png", Picture(pixels=codes, alpha=codes[..., 0].copy()))
    with pytest.raises(ImageFileError, match="transparency"):
        develop_file(tmp_path / "a.png", tmp_path / "b.jpg", RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_scene_light_is_exposed_as_it_is(codes):
    light = (codes / 65_535 * 4).astype(np.float32)
    picture = Picture(pixels=light, encoding="linear", primaries="rec2020")
    positive, _ = develop_picture(picture, RECIPE, backend="scipy")
    expected = developed(light, encoding="linear", primaries="rec2020")
    np.testing.assert_array_equal(positive.pixels, expected)
    assert (positive.encoding, positive.primaries) == ("srgb", "srgb")


def test_a_recipes_own_encoding_goes_before_the_files(codes):
    picture = Picture(pixels=codes)
    positive, _ = develop_picture(picture, phos.Recipe(seed=3, encoding="linear"), backend="scipy")
    np.testing.assert_array_equal(positive.pixels, developed(codes, encoding="linear"))


def test_from_light_in_exr_a_positive_in_tiff_has_16_bits(tmp_path, codes):
    pytest.importorskip("OpenImageIO")
    light = (codes / 65_535).astype(np.float32)
    positive = into(tmp_path, Picture(pixels=light, encoding="linear"), "a.exr", "b.tif")
    assert (positive.pixels.dtype, positive.encoding) == (np.uint16, "srgb")
    expected = developed(read_picture(tmp_path / "a.exr").pixels, encoding="linear")
    assert np.abs(positive.pixels / 65_535 - expected).max() <= 0.51 / 65_535 + 1e-6


def test_into_exr_a_positive_is_light_finer_than_the_sources_codes(tmp_path, codes):
    pytest.importorskip("OpenImageIO")
    small = (codes >> 8).astype(np.uint8)
    positive = into(tmp_path, Picture(pixels=small), "a.png", "b.exr")
    assert (positive.pixels.dtype, positive.encoding) == (np.float32, "linear")
    expected = decode_srgb(developed((small / np.float32(255)).astype(np.float32)))
    np.testing.assert_allclose(positive.pixels, expected, atol=1e-5)


def test_what_exists_is_kept_and_read_before_nothing(tmp_path, codes):
    (tmp_path / "b.png").touch()
    with pytest.raises(ImageFileError, match="exists already"):
        develop_file(tmp_path / "gone.png", tmp_path / "b.png", RECIPE)


def test_a_sidecar_is_refused_before_the_work_if_it_cannot_hold_the_film(tmp_path):
    recipe = phos.Recipe(film=phos.load_film("gold-200"))
    with pytest.raises(SidecarError, match="sidecar=False"):
        develop_file(tmp_path / "gone.png", tmp_path / "b.png", recipe)


def test_a_profiles_codes_become_codes_of_the_same_profile(codes, monkeypatch):
    monkeypatch.setattr(
        profiles, "to_light", lambda pixels, _: decode_srgb(pixels / np.float32(65_535))
    )
    monkeypatch.setattr(profiles, "can_write", lambda _: True)
    monkeypatch.setattr(
        profiles, "from_srgb", lambda coded, _, dtype: np.rint(coded * 65_535).astype(dtype)
    )
    picture = Picture(pixels=codes, encoding="profile", metadata=Metadata(icc_profile=b"wide"))
    positive, _ = develop_picture(picture, RECIPE, backend="scipy")
    assert (positive.encoding, positive.metadata.icc_profile) == ("profile", b"wide")
    off = positive.pixels.astype(int) - developed(codes).astype(int)
    assert np.abs(off).max() <= 8  # its light came in floats

    monkeypatch.setattr(profiles, "can_write", lambda _: False)
    with pytest.warns(UserWarning, match="no way back"):
        positive, _ = develop_picture(picture, RECIPE, backend="scipy")
    assert (positive.encoding, positive.metadata.icc_profile) == ("srgb", None)
    assert positive.pixels.dtype == np.uint16


DISPLAY_P3, SRGB_CURVE = 12, 13  # as ITU-T H.273 numbers them


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("film", ["portra-400", "velvia-50"])
def test_a_film_gives_more_than_8000_levels_of_a_16_bit_ramp(tmp_path, suffix, film):
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    write_picture(tmp_path / f"ramp{suffix}", Picture(pixels=np.stack([ramp] * 3, axis=-1)))
    develop_file(
        tmp_path / f"ramp{suffix}", tmp_path / f"out{suffix}", phos.Recipe(film=film, mode="colour")
    )
    positive = read_picture(tmp_path / f"out{suffix}").pixels
    for channel in range(3):
        assert len(np.unique(positive[..., channel])) > 8000


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_display_p3_file_and_its_srgb_twin_give_the_same_film_colours(tmp_path, suffix, rng):
    """And each positive is in the colour space of its file, with that file's profile."""
    light = rng.random((24, 32, 3)) ** 2.2
    light[0, :2] = [[0.0] * 3, [1.0] * 3]
    profile = named_profile(Path("p3"), DISPLAY_P3, SRGB_CURVE)
    wide = Picture(
        pixels=profiles.to_codes(light.astype(np.float32), profile, np.uint16),
        encoding="profile",
        metadata=Metadata(icc_profile=profile),
    )
    twin = Picture(pixels=encode_codes(light.astype(np.float32), np.uint16))
    in_p3 = into(tmp_path, wide, f"wide{suffix}", f"wide-out{suffix}")
    in_srgb = into(tmp_path, twin, f"twin{suffix}", f"twin-out{suffix}")
    assert in_p3.metadata.icc_profile == profile
    assert np.abs(in_p3.pixels.astype(int) - in_srgb.pixels).max() > 500  # other codes
    seen = profiles.to_light(in_p3.pixels, profile).clip(0.0, 1.0)
    lab_p3, lab_srgb = (
        rgb2lab(x / 65_535) for x in (encode_codes(seen, np.uint16), in_srgb.pixels)
    )
    assert deltaE_ciede2000(lab_p3, lab_srgb).max() < 0.5


def test_a_phones_turned_jpeg_comes_out_upright_with_its_camera(tmp_path):
    upright = np.full((48, 64, 3), 40, np.uint8)
    upright[:24, :32] = 220  # the top left corner is light
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Acme"  # the camera was turned
    exif.get_ifd(0x8769)[0x829A] = (1, 125)
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    stored.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    develop_file(tmp_path / "phone.jpg", tmp_path / "out.jpg", RECIPE)
    with Image.open(io.BytesIO((tmp_path / "out.jpg").read_bytes())) as positive:
        told = positive.getexif()
        assert positive.size == (64, 48)
        assert np.asarray(positive)[12, 16].min() > np.asarray(positive)[36, 48].max() + 50
    assert (told[0x0112], told[0x010F], told[0x0131][:4]) == (1, "Acme", "phos")
    assert told.get_ifd(0x8769)[0x829A] == (1, 125)


# ---- light beyond white that the file knows


def lamp(stops, *, tone=100):
    """A picture of mid-tones with a lamp in it, which a gain map makes so much brighter."""
    codes = np.full((96, 96, 3), tone, np.uint8)
    codes[40:56, 40:56] = (255, 250, 240)
    gain = np.zeros((96, 96), np.float32)
    gain[40:56, 40:56] = stops
    return Picture(pixels=codes, gain_map=GainMap(stops=gain))


def of_cinestill(picture, **changes):
    settings = {"film": "cinestill-800t", "grain": 0.0, "pixel_pitch_um": 20.0} | changes
    positive, _ = develop_picture(picture, phos.Recipe(**settings), backend="scipy")
    return positive.pixels.astype(int)


def test_a_lamp_known_to_be_brighter_glows_more_and_mid_tones_stay():
    dim, bright = (of_cinestill(lamp(stops)) for stops in (0.0, 4.0))
    ring = np.s_[48, 34:38, 0]
    assert bright[ring].min() > dim[ring].max() + 20
    known = of_cinestill(lamp(4.0), mode="colour")
    sdr = of_cinestill(Picture(pixels=lamp(4.0).pixels), mode="colour")
    assert np.abs(known[:40] - sdr[:40]).max() <= 1


def test_nothing_is_guessed_where_the_file_knows():
    for mode in ("full", "colour"):
        guessed = of_cinestill(lamp(1.0), mode=mode, highlights_stops=6.0)
        np.testing.assert_array_equal(
            guessed, of_cinestill(lamp(1.0), mode=mode, highlights_stops=0)
        )


def test_texture_and_version_1_take_the_sdr_rendering():
    for changes in ({"mode": "texture"}, {"process_version": 1}):
        plain = Picture(pixels=lamp(4.0).pixels)
        np.testing.assert_array_equal(
            of_cinestill(lamp(4.0), **changes), of_cinestill(plain, **changes)
        )


def test_the_positive_of_an_hdr_picture_is_an_sdr_one_in_its_own_colours():
    profile = named_profile("a", 12, 13)
    picture = lamp(3.0)
    picture = Picture(
        pixels=picture.pixels,
        encoding="profile",
        metadata=Metadata(icc_profile=profile),
        gain_map=picture.gain_map,
    )
    positive, _ = develop_picture(picture, RECIPE, backend="scipy")
    assert positive.gain_map is None
    assert positive.pixels.dtype == np.uint8
    assert positive.metadata.icc_profile == profile
    window = (slice(30, 70), slice(20, 90))
    part, _ = develop_part(picture, RECIPE, window, backend="scipy")
    assert np.abs(part.pixels.astype(int) - positive.pixels[window]).max() <= 1


def test_display_light_is_developed_into_16_bits_of_srgb(tmp_path):
    light = np.full((32, 32, 3), 0.18, np.float32)
    light[8:24, 8:24] = 6.0
    picture = Picture(pixels=light, encoding="display", primaries="rec2020")
    positive, _ = develop_picture(picture, RECIPE, backend="scipy")
    assert (positive.encoding, positive.primaries) == ("srgb", "srgb")
    grey = np.full((32, 32, 3), 118 / 255, np.float32)
    same, _ = develop_picture(Picture(pixels=grey), RECIPE, backend="scipy")
    corner = np.s_[:4, :4]
    assert positive.pixels[corner].mean() == pytest.approx(same.pixels[corner].mean(), abs=0.01)
    with pytest.raises(ImageFileError, match="goes into EXR"):
        write_picture(tmp_path / "a.png", picture)
