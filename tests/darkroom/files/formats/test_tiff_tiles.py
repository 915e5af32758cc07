"""TIFF by tiles: parts in any order make the picture, for every reader."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from phos_darkroom.files.formats import tiff_tiles
from phos_darkroom.files.formats.tiff_tiles import TILE, TiffTiles, needs_bigtiff
from phos_darkroom.files.metadata.exif import with_software
from phos_darkroom.files.picture import Metadata

SHAPE = (300, 555)
NONE = Metadata()
PARTS = [(256, 0, 44, 555), (0, 512, 256, 43), (0, 0, 256, 512)]


def pixels(dtype, samples):
    numbers = np.random.default_rng(3).random((*SHAPE, samples))
    return (numbers * (1 if dtype == "float32" else np.iinfo(dtype).max)).astype(dtype)


def written(picture, metadata=NONE):
    """Write a picture part by part, last rows first."""
    file = io.BytesIO()
    tiff = TiffTiles(file, SHAPE, picture.shape[2], picture.dtype, metadata=metadata)
    for row, col, rows, cols in PARTS:
        tiff.write(row, col, picture[row : row + rows, col : col + cols])
    tiff.finish()
    file.seek(0)
    return file


@pytest.mark.parametrize("limit", [2**31, 10])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_parts_in_any_order_make_the_picture(monkeypatch, dtype, samples, limit):
    monkeypatch.setattr(tiff_tiles, "CLASSIC_BYTES", limit)
    picture = pixels(dtype, samples)
    with tifffile.TiffFile(written(picture)) as tiff:
        assert tiff.is_bigtiff == (limit == 10)
        page = tiff.pages.first
        assert page.is_tiled
        assert page.photometric == (2 if samples > 2 else 1)
        assert page.extrasamples == ((2,) if samples in (2, 4) else ())
        np.testing.assert_array_equal(page.asarray().reshape(picture.shape), picture)


def test_other_libraries_read_it():
    picture = pixels("uint8", 3)
    np.testing.assert_array_equal(np.asarray(Image.open(written(picture))), picture)


def test_profile_xmp_and_exif_are_written():
    exif = with_software(None, "phos 0")
    metadata = Metadata(exif=exif, icc_profile=b"profile" * 99, xmp=b"<x:xmpmeta/>")
    with tifffile.TiffFile(written(pixels("uint16", 3), metadata)) as tiff:
        page = tiff.pages.first
        assert page.iccprofile == metadata.icc_profile
        assert bytes(page.tags[700].value) == metadata.xmp
        assert page.software == "phos 0"


def test_bigtiff_is_for_what_a_classic_tiff_may_not_hold():
    assert not needs_bigtiff((30_720, 32_768), 3, np.dtype(np.uint8))
    assert needs_bigtiff((30_720, 32_768), 3, np.dtype(np.uint16))
    assert needs_bigtiff((30_720, 32_768), 4, np.dtype(np.uint16))
    assert TILE % 16 == 0
