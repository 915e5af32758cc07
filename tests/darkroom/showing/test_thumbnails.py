"""Pictures made small keep their light, and large files are read sparingly."""

import numpy as np
import pytest
from PIL import Image

from phos_core.color import decode_srgb, decode_table
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.colour.profiles import srgb_profile
from phos_darkroom.files.image_files import write_image
from phos_darkroom.files.picture import Metadata, Picture
from phos_darkroom.showing import thumbnails
from phos_darkroom.showing.thumbnails import light_of, read_small, scaled, to_codes


def checkerboard(side, dtype=np.uint8):
    """Black and white pixels by turns: half of white's light, code 188, and not 128."""
    rows, cols = np.mgrid[0:side, 0:side]
    board = ((rows + cols) % 2 * np.iinfo(dtype).max).astype(dtype)
    return np.repeat(board[..., np.newaxis], 3, axis=-1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("side", [16, 12, 5])
def test_light_is_averaged_and_not_codes(tmp_path, dtype, side):
    path = tmp_path / "board.png"
    write_image(path, checkerboard(64 * side // 16, dtype))
    small = read_small(path, side, side)
    assert small.shape == (side, side, 3)
    assert small.mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(to_codes(small).astype(int) - 188).max() <= 6


def test_a_large_jpeg_is_averaged_in_light_over_its_last_pixels(tmp_path):
    """Grains of the size that the decoder leaves keep their light."""
    path = tmp_path / "board.jpg"
    coarse = np.kron(checkerboard(128), np.ones((8, 8, 1), np.uint8))
    write_image(path, coarse)
    assert thumbnails._fraction_of_jpeg(path, 32, 32).pixels.shape == (128, 128, 3)
    assert read_small(path, 32, 32).mean() == pytest.approx(0.5, abs=0.02)


def test_a_small_jpeg_is_read_whole(tmp_path):
    path = tmp_path / "board.jpg"
    write_image(path, checkerboard(64))
    assert thumbnails._fraction_of_jpeg(path, 32, 32) is None
    assert read_small(path, 32, 32).shape == (32, 32, 3)


def test_a_jpeg_read_at_a_fraction_is_upright(tmp_path):
    image = np.zeros((800, 1200, 3), np.uint8)
    image[:, :600] = (200, 30, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    Image.fromarray(image).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    small = read_small(tmp_path / "turned.jpg", 60, 60)
    assert small.shape == (60, 40, 3)
    assert small[10, 20, 0] > 0.5
    assert small[50, 20, 0] < 0.01


def test_a_jpeg_read_at_a_fraction_follows_its_colour_profile(tmp_path, monkeypatch):
    seen = []

    def to_light(pixels, profile):
        seen.append(profile)
        return pixels.astype(np.float32) / 510.0

    monkeypatch.setattr(thumbnails, "is_srgb", lambda profile: False)
    monkeypatch.setattr(profiles, "to_light", to_light)
    image = Image.new("RGB", (640, 640), (254, 254, 254))
    image.save(tmp_path / "wide.jpg", icc_profile=b"a profile", quality=95)
    assert read_small(tmp_path / "wide.jpg", 20, 20).mean() == pytest.approx(0.5, abs=0.01)
    assert set(seen) == {b"a profile"}


@pytest.mark.parametrize(
    ("shape", "box", "size"),
    [
        ((40, 60), (20, 60), (20, 30)),
        ((40, 60), (40, 15), (10, 15)),
        ((60, 40), (30, 30), (30, 20)),
        ((10, 15), (40, 90), (40, 60)),
        ((3, 900), (20, 30), (1, 30)),
    ],
)
def test_a_picture_fits_into_its_box_in_its_own_shape(tmp_path, shape, box, size):
    write_image(tmp_path / "picture.png", np.full((*shape, 3), 90, np.uint8))
    small = read_small(tmp_path / "picture.png", *box)
    assert small.shape == (*size, 3)
    assert np.all(to_codes(small) == 90)


def test_a_mean_of_light_is_kept_by_any_size(rng):
    light = rng.random((60, 90, 3)).astype(np.float32)
    for size in ((20, 30), (23, 31), (60, 7), (1, 1)):
        assert scaled(light, *size).mean() == pytest.approx(light.mean(), abs=0.01)
    assert scaled(light, 60, 90) is light


def test_grey_pictures_are_shown_in_grey():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(to_codes(light_of(Picture(pixels=grey)))[..., 1], grey)


def test_what_is_transparent_is_shown_on_black():
    pixels = np.full((1, 3, 3), 65535, np.uint16)
    alpha = np.array([[0, 32768, 65535]], np.uint16)
    shown = light_of(Picture(pixels=pixels, alpha=alpha))
    assert shown[0, :, 0] == pytest.approx([0.0, 0.5, 1.0], abs=1e-4)


def test_scene_light_is_cut_off_at_white_and_brought_to_srgb():
    pixels = np.array([[[0.25, 0.25, 0.25], [9.0, 9.0, 9.0], [0.0, 0.5, 0.0]]], np.float32)
    shown = light_of(Picture(pixels=pixels, encoding="linear", primaries="display-p3"))
    assert shown[0, 0] == pytest.approx([0.25] * 3, abs=1e-5)
    assert shown[0, 1].tolist() == [1.0, 1.0, 1.0]
    assert shown[0, 2, 1] > 0.5
    assert shown.min() >= 0.0


def test_float_codes_are_decoded():
    codes = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3)
    assert light_of(Picture(pixels=codes)) == pytest.approx(decode_srgb(codes), abs=1e-6)
    assert to_codes(decode_table(np.uint8)[[[0, 7, 255]]]).tolist() == [[0, 7, 255]]


@pytest.mark.parametrize("name", ["none.jpg", "cut.jpg", "text.jpg"])
def test_what_cannot_be_read_is_one_clear_error(tmp_path, name):
    write_image(tmp_path / "whole.jpg", checkerboard(1024))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:20_000])
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ImageFileError, match=name):
        read_small(tmp_path / name, 20, 20)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(6, 8, 3), (6, 8)])
def test_light_in_codes_is_shown_as_light_and_not_as_white(dtype, shape):
    """As a camera's raw file is read: a quarter of the largest code is a quarter of white."""
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    quarter = Picture(pixels=np.full(shape, 0.25 * top).astype(dtype), encoding="linear")
    np.testing.assert_allclose(quarter.light(), 0.25, atol=0.003)
    np.testing.assert_allclose(light_of(quarter), 0.25, atol=0.003)
    assert light_of(quarter).shape == (6, 8, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_has_one_light_whatever_its_pixels_are(rng, dtype):
    """Codes and light of one picture, and its rows one by one."""
    codes = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    light = decode_table(np.uint8)[codes]
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    coded = (codes / 255.0 * top + (0.0 if dtype == np.float32 else 0.5)).astype(dtype)
    for picture in (
        Picture(pixels=coded),
        Picture(pixels=coded, encoding="profile", metadata=Metadata(icc_profile=srgb_profile())),
        Picture(pixels=light, encoding="linear", primaries="rec2020"),
    ):
        np.testing.assert_allclose(picture.light(), light, atol=2e-3)
        rows = [picture.part(slice(row, row + 1)).light() for row in range(6)]
        np.testing.assert_array_equal(np.concatenate(rows), picture.light())
