"""TIFF by regions: any part of any layout is what the whole file holds there, or a clear error."""

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats import tiff_regions
from phos_darkroom.files.formats.tiff_regions import TiffRegions

ROWS, COLS = 100, 155
LAYOUTS = {
    "one strip": {},
    "strips": {"rowsperstrip": 17},
    "big-endian": {"byteorder": ">"},
    "big-endian, compressed": {"byteorder": ">", "compression": "lzw", "predictor": True},
    "tiles": {"tile": (64, 32)},
    "BigTIFF": {"bigtiff": True, "tile": (32, 64), "compression": "deflate"},
    "zstd": {"compression": "zstd", "predictor": True, "rowsperstrip": 17},
    "planes": {"planarconfig": "separate", "rowsperstrip": 50},
    "planes in tiles": {"planarconfig": "separate", "tile": (32, 64), "compression": "lzw"},
}


def written(path, samples, **layout):
    """Write a TIFF with tifffile, and return what its reader has to find."""
    stored = np.moveaxis(samples, -1, 0) if "planarconfig" in layout else samples
    kinds = {"bigtiff": layout.pop("bigtiff", False), "byteorder": layout.pop("byteorder", "<")}
    colours = "rgb" if samples.shape[2] >= 3 else "minisblack"
    extra = {2: ["unassalpha"], 4: ["unassalpha"]}.get(samples.shape[2])
    options = {"photometric": colours, "extrasamples": extra, "metadata": None} | layout
    stored = stored[..., 0] if samples.shape[2] == 1 else stored
    tifffile.imwrite(path, stored, **kinds, **options)
    return samples


def upright(stored, orientation):
    """Turn an array as EXIF's orientation says."""
    turned = stored.swapaxes(0, 1) if orientation >= 5 else stored
    turned = turned[::-1] if orientation in (3, 4, 7, 8) else turned
    return turned[:, ::-1] if orientation in (2, 3, 6, 7) else turned


def noise(dtype, samples):
    numbers = np.random.default_rng(2).random((ROWS, COLS, samples))
    return (numbers * (1 if dtype == "float32" else np.iinfo(dtype).max)).astype(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("dtype", "samples"), [("uint8", 3), ("uint16", 4), ("float32", 3), ("uint16", 2)]
)
def test_a_region_is_what_the_whole_file_holds_there(tmp_path, layout, dtype, samples):
    expected = written(tmp_path / "a.tif", noise(dtype, samples), **LAYOUTS[layout])
    with TiffRegions(tmp_path / "a.tif") as regions:
        assert (regions.shape, regions.samples) == ((ROWS, COLS), samples)
        assert (regions.dtype, regions.channels) == (np.dtype(dtype), 3 if samples > 2 else 1)
        for rows, cols in [
            (range(ROWS), range(COLS)),
            (range(3, 70), range(10, 85)),
            (range(99, 100), range(154, 155)),
            (range(1, 90, 31), range(5, 155, 9)),
        ]:
            part = expected[rows.start : rows.stop : rows.step, cols.start : cols.stop : cols.step]
            np.testing.assert_array_equal(regions.read(rows, cols), part)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("layout", ["strips", "planes in tiles"])
def test_regions_are_those_of_the_upright_picture(tmp_path, layout, orientation):
    tag = (274, "H", 1, orientation, True)
    stored = written(tmp_path / "a.tif", noise("uint8", 3), extratags=[tag], **LAYOUTS[layout])
    expected = upright(stored, orientation)
    with TiffRegions(tmp_path / "a.tif") as regions:
        assert regions.shape == expected.shape[:2]
        found = regions.read(range(7, 95), range(11, 99))
        np.testing.assert_array_equal(found, expected[7:95, 11:99])
        found = regions.read(range(0, 100, 13), range(2, 99, 7))
        np.testing.assert_array_equal(found, expected[:100:13, 2:99:7])


@settings(max_examples=60)
@given(
    rows=st.tuples(st.integers(0, 40), st.integers(1, 60), st.integers(1, 50)),
    cols=st.tuples(st.integers(0, 60), st.integers(1, 95), st.integers(1, 50)),
)
def test_any_rows_and_columns_can_be_picked(tmp_path_factory, rows, cols):
    path = tmp_path_factory.getbasetemp() / "picked.tif"
    picked = [range(start, start + count, step) for start, count, step in (rows, cols)]
    expected = noise("uint8", 3)
    if not path.exists():
        written(path, expected, tile=(32, 16), compression="deflate")
    with TiffRegions(path) as regions:
        found = regions.read(*picked)
    np.testing.assert_array_equal(found, expected[np.ix_(*picked)])


def test_jpeg_in_tiles_comes_as_rgb(tmp_path):
    y, x = np.mgrid[:128, :192]
    smooth = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", smooth, photometric="rgb", tile=(64, 64), compression="jpeg"
    )
    with TiffRegions(tmp_path / "a.tif") as regions:
        found = regions.read(range(30, 100), range(20, 150))
    assert np.abs(found.astype(int) - smooth[30:100, 20:150]).max() <= 6


def test_colours_multiplied_by_alpha_are_divided_by_it(tmp_path):
    picture = noise("uint16", 4)
    picture[..., 3] |= 0x8000
    multiplied = picture.copy()
    multiplied[..., :3] = np.rint(picture[..., :3] * (picture[..., 3:] / 65535.0))
    tifffile.imwrite(tmp_path / "a.tif", multiplied, photometric="rgb", extrasamples=["assocalpha"])
    with TiffRegions(tmp_path / "a.tif") as regions:
        found = regions.read(range(20, 60), range(30, 90))
    difference = found.astype(int) - picture[20:60, 30:90]
    assert np.abs(difference).max() <= 1
    np.testing.assert_array_equal(difference[..., 3], 0)


def make(path, *, fault):
    """Write a file that cannot be read by regions."""
    rgb = noise("uint8", 3)
    match fault:
        case "missing":
            return
        case "a folder":
            path.mkdir()
        case "empty":
            path.write_bytes(b"")
        case "no TIFF":
            path.write_bytes(b"II*\0 and then nothing of use")
        case "two pictures":
            tifffile.imwrite(path, np.stack([rgb, rgb]), photometric="rgb")
        case "inks":
            tifffile.imwrite(path, noise("uint8", 4), photometric="separated")
        case "signed":
            tifffile.imwrite(path, rgb.astype(np.int16), photometric="rgb")
        case "double":
            tifffile.imwrite(path, rgb.astype(np.float64), photometric="rgb")
        case "12 bits":
            tifffile.imwrite(path, noise("uint16", 3) >> 4, photometric="rgb")
            with tifffile.TiffFile(path, mode="r+b") as file:
                file.pages[0].tags["BitsPerSample"].overwrite((12, 12, 12))
        case "huge pieces":
            tifffile.imwrite(path, rgb, photometric="rgb", compression="zlib", rowsperstrip=ROWS)
        case "cut short":
            tifffile.imwrite(path, rgb, photometric="rgb", tile=(32, 32))
            path.write_bytes(path.read_bytes()[: -rgb.nbytes // 2])
        case "thin strips":
            tifffile.imwrite(path, rgb, photometric="rgb", rowsperstrip=10)
            with tifffile.TiffFile(path, mode="r+") as tiff:
                counts = list(tiff.pages.first.databytecounts)
                tiff.pages.first.tags[279].overwrite([*counts[:-1], 1])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("missing", "does not exist"),
        ("a folder", "is a folder, not a picture"),
        ("empty", "damaged"),
        ("no TIFF", "damaged"),
        ("two pictures", "2 pictures"),
        ("inks", "SEPARATED.*RGB first"),
        ("signed", "int16"),
        ("double", "float64"),
        ("12 bits", "12-bit"),
        ("huge pieces", "save it in tiles"),
        ("cut short", "cut short"),
        ("thin strips", "lack rows"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(tmp_path, monkeypatch, fault, says):
    monkeypatch.setattr(tiff_regions, "SEGMENT_BYTES", 2**14)
    path = tmp_path / "a.tif"
    make(path, fault=fault)
    with pytest.raises(ImageFileError, match=says) as caught:
        TiffRegions(path)
    assert str(path) in str(caught.value)


def test_pixels_that_are_damaged_are_one_clear_error(tmp_path):
    path = tmp_path / "a.tif"
    written(path, noise("uint8", 3), tile=(32, 32), compression="deflate")
    with tifffile.TiffFile(path) as tiff:
        offset, count = tiff.pages.first.dataoffsets[3], tiff.pages.first.databytecounts[3]
    content = bytearray(path.read_bytes())
    content[offset : offset + count] = b"\xff" * count
    path.write_bytes(content)
    with TiffRegions(path) as regions:
        regions.read(range(32), range(96))
        with pytest.raises(ImageFileError, match="damaged"):
            regions.read(range(32), range(COLS))
