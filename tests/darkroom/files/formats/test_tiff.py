"""TIFF: depths, compressions, layouts, alpha, palettes; and what is refused."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import srgb_profile
from phos_darkroom.files.formats import tiff
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture

DTYPES = (np.uint8, np.uint16, np.float32)


@pytest.fixture
def colour(rng):
    """Noise of all codes of 16 bits, in an odd size."""
    return rng.integers(0, 65_536, (37, 53, 3), dtype=np.uint16)


def as_dtype(image, dtype):
    if dtype == np.uint8:
        return (image >> 8).astype(np.uint8)
    return (image / np.float32(1000)).astype(dtype) if dtype == np.float32 else image


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("is_grey", [False, True])
def test_what_is_written_is_read(tmp_path, colour, dtype, has_alpha, is_grey):
    image = as_dtype(colour, dtype)
    alpha = np.ascontiguousarray(image[::-1, :, 0]) if has_alpha else None
    pixels = np.ascontiguousarray(image[..., 1]) if is_grey else image
    encoding = "linear" if dtype == np.float32 else "srgb"
    write_picture(tmp_path / "a.tif", Picture(pixels=pixels, alpha=alpha, encoding=encoding))
    again = read_picture(tmp_path / "a.tif")
    assert again.encoding == encoding
    assert again.pixels.dtype == dtype
    assert np.array_equal(again.pixels, pixels)
    assert np.array_equal(again.alpha, alpha) if has_alpha else again.alpha is None


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_compression_and_layout_is_read(tmp_path, colour, compression, tile, dtype):
    image = as_dtype(colour, dtype)
    for byteorder, is_big, planar in (("<", False, "contig"), (">", True, "separate")):
        stored = image if planar == "contig" else np.moveaxis(image, -1, 0)
        tifffile.imwrite(
            tmp_path / "a.tif",
            stored,
            photometric="rgb",
            planarconfig=planar,
            compression=compression,
            predictor=compression in ("lzw", "zlib", "zstd"),
            tile=tile,
            byteorder=byteorder,
            bigtiff=is_big,
            rowsperstrip=None if tile else 7,
        )
        again = read_picture(tmp_path / "a.tif").pixels
        assert again.dtype.isnative
        assert np.array_equal(again, image)


def test_floats_of_16_bits_become_32(tmp_path, colour):
    light = (colour / 1000).astype(np.float16)
    tifffile.imwrite(tmp_path / "half.tif", light, photometric="rgb")
    picture = read_picture(tmp_path / "half.tif")
    assert picture.encoding == "linear"
    assert np.array_equal(picture.pixels, light.astype(np.float32))


def test_floats_with_a_profile_are_codes(tmp_path, colour):
    codes = (colour / 65_535).astype(np.float32)
    write_picture(tmp_path / "coded.tif", Picture(pixels=codes))
    picture = read_picture(tmp_path / "coded.tif")
    assert picture.encoding == "srgb"
    assert np.array_equal(picture.pixels, codes)


@pytest.mark.parametrize("dtype", [np.float64, np.int16, np.uint32, np.complex64])
def test_numbers_that_are_no_codes_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4), dtype), photometric="minisblack")
    with pytest.raises(ImageFileError, match=r"floats of 64|signed|32 bits"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", DTYPES)
def test_alpha_that_colours_were_multiplied_by_is_taken_back(tmp_path, dtype):
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    alpha = np.array([[0, 0.25, 0.5, 1]]) * top
    colours = np.array([0.0, 0.4, 1.0]) * top
    stored = colours * (alpha[..., np.newaxis] / top)
    samples = np.concatenate([stored, alpha[..., np.newaxis]], -1)
    samples = samples.astype(dtype) if dtype == np.float32 else np.rint(samples).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=["assocalpha"])
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.alpha, samples[..., 3])
    assert np.all(picture.pixels[0, 0] == 0)
    tolerance = {np.uint8: 2, np.uint16: 2, np.float32: 1e-6}[dtype]
    assert np.abs(picture.pixels[0, 1:].astype(float) - colours).max() <= tolerance


def test_a_channel_that_is_not_called_alpha_is_refused(tmp_path, colour):
    samples = np.concatenate([colour, colour[..., :1]], -1)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=["unspecified"])
    with pytest.raises(ImageFileError, match="not called alpha"):
        read_picture(tmp_path / "a.tif")


def test_palettes_are_looked_up(tmp_path, rng):
    colourmap = (rng.integers(0, 256, (3, 256)) * 257).astype(np.uint16)
    indices = rng.integers(0, 256, (6, 9), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", indices, photometric="palette", colormap=colourmap)
    expected = (colourmap >> 8).astype(np.uint8).T[indices]
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, expected)


def test_jpeg_inside_a_tiff_is_read(tmp_path):
    rows, cols = np.mgrid[0:32, 0:48]
    image = np.stack([5 * cols, 7 * rows, 2 * cols + 3 * rows], -1).astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", image, photometric="rgb", compression="jpeg", tile=(16, 16)
    )
    assert np.abs(read_picture(tmp_path / "a.tif").pixels.astype(int) - image).max() < 24


def test_profile_and_xmp_come_back(tmp_path, colour):
    metadata = Metadata(xmp=b"<x:xmpmeta/>", icc_profile=srgb_profile())
    write_picture(tmp_path / "a.tif", Picture(pixels=colour, metadata=metadata))
    again = read_picture(tmp_path / "a.tif").metadata
    assert (again.xmp, again.icc_profile) == (metadata.xmp, metadata.icc_profile)
    with Image.open(tmp_path / "a.tif") as other:
        assert other.info["icc_profile"] == metadata.icc_profile


def test_the_place_and_the_camera_come_back(tmp_path, colour):
    exif = Image.Exif()
    exif[0x010F] = "cam"
    exif.get_ifd(0x8769)[0x829A] = IFDRational(1, 250)
    exif.get_ifd(0x8825)[1] = "N"
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    for size in (colour, colour[:5, :7]):
        picture = Picture(pixels=np.ascontiguousarray(size), metadata=Metadata(exif=block))
        write_picture(tmp_path / "a.tif", picture, overwrite=True)
        assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, size)
        with Image.open(tmp_path / "a.tif") as other:
            found = other.getexif()
            assert found[0x010F] == "cam"
            assert found.get_ifd(0x8769)[0x829A] == 1 / 250
            assert found.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_the_picture_counts_not_that_of_its_thumbnail(
    tmp_path, colour, orientation
):
    small = (274, 3, 1, 3, True)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(
            colour[::4, ::4], photometric="rgb", subfiletype=1, extratags=[small], metadata=None
        )
        tag = (274, 3, 1, orientation, True)
        file.write(colour, photometric="rgb", extratags=[tag], metadata=None)
    tifffile.imwrite(tmp_path / "b.tif", colour, photometric="rgb", extratags=[tag], metadata=None)
    alone, beside = read_picture(tmp_path / "b.tif"), read_picture(tmp_path / "a.tif")
    assert np.array_equal(beside.pixels, alone.pixels)
    assert alone.pixels.shape == ((53, 37, 3) if orientation > 4 else (37, 53, 3))


def test_missing_parts_are_an_error_where_tifffile_fills_them_with_zeros(tmp_path, colour):
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb", tile=(16, 16))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        counts = list(file.pages[0].databytecounts)
        counts[2] = 0
        file.pages[0].tags["TileByteCounts"].overwrite(counts)
    assert np.all(tifffile.imread(tmp_path / "a.tif")[:16, 32:48] == 0)
    with pytest.raises(ImageFileError, match="missing"):
        read_picture(tmp_path / "a.tif")


def test_large_files_get_wide_offsets(tmp_path, colour, monkeypatch):
    monkeypatch.setattr(tiff, "CLASSIC_BYTES", 1000)
    write_picture(tmp_path / "a.tif", Picture(pixels=colour))
    assert (tmp_path / "a.tif").read_bytes().startswith(b"II+\0")
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, colour)


def test_inks_and_lab_are_refused(tmp_path, colour):
    four = np.concatenate([colour, colour[..., :1]], -1)
    tifffile.imwrite(tmp_path / "inks.tif", four, photometric="separated")
    tifffile.imwrite(tmp_path / "lab.tif", colour, photometric="cielab")
    with pytest.raises(ImageFileError, match="CMYK"):
        read_picture(tmp_path / "inks.tif")
    with pytest.raises(ImageFileError, match="cielab, neither grey nor RGB"):
        read_picture(tmp_path / "lab.tif")
