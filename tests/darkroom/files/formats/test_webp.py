"""WebP: lossless and lossy, its chunks, its animations."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.colour.profiles import srgb_profile
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (21, 33, 4), dtype=np.uint8)


def test_lossless_pictures_come_back_with_colours_under_transparency(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.webp", lossless=True, exact=True)
    picture = read_picture(tmp_path / "a.webp")
    assert np.array_equal(picture.pixels, image[..., :3])
    assert np.array_equal(picture.alpha, image[..., 3])


def test_other_readers_see_the_metadata(tmp_path, image):
    metadata = Metadata(
        exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>", icc_profile=srgb_profile()
    )
    pixels = np.ascontiguousarray(image[..., :3])
    write_picture(tmp_path / "a.webp", Picture(pixels=pixels, metadata=metadata))
    with Image.open(tmp_path / "a.webp") as other:
        assert other.info["exif"].removeprefix(b"Exif\0\0") == metadata.exif
        assert other.info["xmp"] == metadata.xmp
        assert other.info["icc_profile"] == metadata.icc_profile


def test_animations_are_refused(tmp_path, image):
    frames = [Image.fromarray(image), Image.fromarray(image[::-1].copy())]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageFileError, match="animation"):
        read_picture(tmp_path / "a.webp")


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2, 2.8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_grey_with_a_profile_keeps_its_tone(tmp_path, gamma, dtype, has_alpha):
    profile = imagecodecs.cms_profile("gray", gamma=gamma)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    codes = np.array(np.repeat(np.linspace(0.1, 1, 8) * top, 64).reshape(64, 8), dtype)
    grey = Picture(
        pixels=codes,
        alpha=codes if has_alpha else None,
        encoding="profile",
        metadata=Metadata(icc_profile=profile),
    )
    write_picture(tmp_path / "grey.webp", grey)
    again = read_picture(tmp_path / "grey.webp")
    assert again.encoding == "srgb"
    shown = color.encode_srgb(profiles.to_light(codes, profile))
    assert again.pixels[..., 1] / 255 == pytest.approx(shown, abs=2.5 / 255)


def test_grey_whose_profile_is_srgbs_curve_is_tagged_as_srgb(tmp_path):
    curve = color.decode_srgb(np.linspace(0, 1, 4096)).astype(np.float32)
    profile = imagecodecs.cms_profile("gray", transferfunction=curve)
    pixels = np.full((16, 16), 100, np.uint8)
    write_picture(
        tmp_path / "grey.webp", Picture(pixels=pixels, metadata=Metadata(icc_profile=profile))
    )
    again = read_picture(tmp_path / "grey.webp")
    assert np.abs(again.pixels.astype(int) - 100).max() <= 1
    assert profiles.colours_of(again.metadata.icc_profile) == "RGB"


def test_a_file_longer_than_any_picture_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "long.webp").open("wb") as file:
        file.write(b"RIFF" + (2**32 - 20).to_bytes(4, "little") + b"WEBPVP8 ")
        file.truncate(2**32)
    with pytest.raises(ImageFileError, match="longer than 512 MiB"):
        read_picture(tmp_path / "long.webp")
