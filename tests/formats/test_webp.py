"""WebP: lossless and lossy, its chunks, its animations."""

import numpy as np
import pytest
from PIL import Image

from phos_core.errors import ImageFileError
from phos_core.image_files import read_picture, write_picture
from phos_core.picture import Metadata, Picture
from phos_core.profiles import srgb_profile


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
