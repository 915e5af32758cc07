"""DNG: every part of the picture is there, equal light gives equal codes, the crop is the picture.

The files are made here: a TIFF with a mosaic, or linear light, and a colour matrix.
"""

import imagecodecs
import numpy as np
import pytest
import tifffile

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import turn
from phos_darkroom.files.formats.raw import SATURATION
from phos_darkroom.files.image_files import read_picture

rawpy = pytest.importorskip("rawpy", reason="the extra phos-darkroom[raw] is not installed")

SIDES = (96, 128)
PART = 32
QUARTER = 0.25 * 65_535
MATRIX = np.rint(np.linalg.inv(color.LINEAR_SRGB_TO_XYZ) * 10_000).astype(int)
LOSSLESS_JPEG = 7


def codes_of(path):
    """Read light in codes of 16 bits, of which the largest is the sensor's saturation."""
    return read_picture(path).pixels.astype(float) * (65_535 / SATURATION)


def tags_of_a_camera(white, *, black=None, orientation=1, extra=()):
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "phos synthetic"),
        (274, "H", 1, orientation),
        (50721, "2i", 9, [part for number in MATRIX.ravel() for part in (number, 10_000)]),
        (50778, "H", 1, 21),  # D65
        (50728, "2I", 3, (1, 1) * 3),  # AsShotNeutral
        (306, "s", 0, "2024:05:06 07:08:09"),
        *extra,
    ]
    return [(*tag, True) for tag in [*tags, *tags_of_the_sensor(white, black)]]


def tags_of_the_sensor(white, black):
    tags = [(33421, "H", 2, (2, 2)), (33422, "B", 4, (0, 1, 1, 2)), (50717, "I", 1, white)]
    if black is not None:
        tags += [(50713, "H", 2, black.shape), (50714, "2I", black.size, ratios(black))]
    return tags


def ratios(numbers):
    return [part for number in numbers.ravel() for part in (round(number * 10_000), 10_000)]


def write_dng(path, light, *, white, beside_a_preview=False, black=None, order="<", **how):
    """Write a mosaic (rows, cols) or linear light (rows, cols, 3)."""
    extra, orientation = how.pop("extra", ()), how.pop("orientation", 1)
    camera = tags_of_a_camera(white, black=black, orientation=orientation, extra=extra)
    how |= {"photometric": 34892 if light.ndim == 3 else 32803, "metadata": None}
    if light.ndim == 3:
        how["planarconfig"] = "contig"
    with tifffile.TiffWriter(path, byteorder=order) as file:
        if beside_a_preview:
            preview = np.zeros((8, 8, 3), np.uint8)
            file.write(
                preview, photometric="rgb", subfiletype=1, subifds=1, extratags=camera,
                metadata=None,
            )  # fmt: skip
            sensor = [(*tag, True) for tag in tags_of_the_sensor(white, black)]
            file.write(light, extratags=sensor, **how)
        else:
            file.write(light, extratags=camera, **how)
    return path


def mosaic(dtype=np.uint16):
    """Noise around a sixth of white: of every part, one is like no other."""
    return np.random.default_rng(5).integers(9_000, 11_000, SIDES).astype(dtype)


PACKINGS = {
    "a strip": {},
    "strips": {"rowsperstrip": 7},
    "tiles": {"tile": (PART, PART)},
    "packed strips": {"rowsperstrip": 16, "compression": "zlib"},
    "packed tiles": {"tile": (PART, PART), "compression": "zlib", "predictor": True},
}


@pytest.mark.proof
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("beside_a_preview", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_floats_are_shares_of_white_whatever_the_brightest_pixel(
    tmp_path, packing, dtype, beside_a_preview, order
):
    for brightest, channels in ((0.5, 1), (1, 1), (2, 3), (60, 1), (60, 3)):
        light = np.full((*SIDES, channels), 0.25, dtype).squeeze()
        light[:16, :16] = brightest
        path = write_dng(
            tmp_path / "float.dng",
            light,
            white=1,
            beside_a_preview=beside_a_preview,
            order=order,
            **PACKINGS[packing],
        )
        pixels = codes_of(path)
        assert np.abs(pixels[24:, 24:] - QUARTER).max() <= 2
        off = np.abs(pixels[4:10, 4:10] / (brightest * 65_535) - 1)
        assert off.max() <= 2e-3  # of what lies beyond white, codes are 1/1024 apart
        assert b"2024:05:06 07:08:09" in read_picture(path).metadata.exif


@pytest.mark.parametrize("white", [2, 1000])
@pytest.mark.parametrize("black", [np.array([[0.1]]), np.array([[0.0, 0.1], [0.2, 0.3]])])
def test_floats_are_counted_from_their_black_to_their_white(tmp_path, white, black):
    black = black * white
    levels = np.tile(black, [side // n for side, n in zip(SIDES, black.shape, strict=True)])
    light = (levels + 0.25 * (white - levels)).astype(np.float32)
    pixels = codes_of(write_dng(tmp_path / "f.dng", light, white=white, black=black))
    assert np.abs(pixels - QUARTER).max() <= 12


@pytest.mark.parametrize("channels", [1, 3])
def test_light_beyond_the_white_of_floats_is_kept_and_shadows_stay_fine(tmp_path, channels):
    """An HDR merge's lamp, 5 stops over white, beside greys that 16 bits from there would miss."""
    light = np.full((*SIDES, channels), 0.0011, np.float32).squeeze()
    light[:, :16] = 32.0
    light[:16, 16:] = np.linspace(0.05, 2.0, SIDES[1] - 16).reshape(1, -1, *(1,) * (light.ndim - 2))
    pixels = codes_of(write_dng(tmp_path / "merge.dng", light, white=1)) / 65_535
    np.testing.assert_allclose(pixels[24:, 4:10], 32.0, rtol=2e-3)
    np.testing.assert_allclose(pixels[24:, 28:], 0.0011, atol=2e-5)
    ramp = pixels[6:10, 24:-4].mean(axis=0)
    wanted = light[8, 24:-4] if channels == 1 else light[8, 24:-4, 0]
    np.testing.assert_allclose(ramp.reshape(len(wanted), -1).mean(axis=1), wanted, rtol=5e-3)


def test_floats_that_are_no_light_are_refused(tmp_path):
    light = np.full(SIDES, 0.25, np.float32)
    no_room = write_dng(tmp_path / "w.dng", light, white=1, black=np.array([[1.0]]))
    with pytest.raises(ImageFileError, match=r"white level is not above its black level"):
        read_picture(no_room)
    light[3, 4] = np.nan
    with pytest.raises(ImageFileError, match=r"no numbers"):
        read_picture(write_dng(tmp_path / "nan.dng", light, white=1))


STORED = ("a strip", "strips", "tiles")


def lossless_jpegs(kept):
    for row in range(0, SIDES[0], PART):
        for col in range(0, SIDES[1], PART):
            tile = np.ascontiguousarray(kept[row : row + PART, col : col + PART])
            yield bytes(imagecodecs.ljpeg_encode(tile, bitspersample=16))


def write_kind(path, kind):
    """Write a DNG of one of the kinds that LibRaw reads; return where each part lies."""
    if kind == "lossless JPEG":
        camera = tags_of_a_camera(65_535)
        with tifffile.TiffWriter(path) as file:
            file.write(
                lossless_jpegs(mosaic()), shape=SIDES, dtype=np.uint16, photometric=32803,
                tile=(PART, PART), compression=LOSSLESS_JPEG, extratags=camera, metadata=None,
            )  # fmt: skip
    else:
        dtype, white = (np.float32, 65_535) if "packed" in kind else (np.uint16, 65_535)
        write_dng(path, mosaic(dtype), white=white, **PACKINGS[kind])
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


@pytest.mark.parametrize("kind", [*PACKINGS, "lossless JPEG"])
def test_a_copy_that_was_interrupted_is_refused_in_every_packing(tmp_path, kind):
    parts = write_kind(tmp_path / "whole.dng", kind)
    content = (tmp_path / "whole.dng").read_bytes()
    whole = codes_of(tmp_path / "whole.dng")
    assert np.abs(whole[8:-8, 8:-8] / 10_000 - 1).max() < 0.3
    offset, length = parts[len(parts) // 2]
    places = {
        "before a part": offset,
        "within a part": offset + length // 2,
        "before the last part": parts[-1][0],
        "before the last bytes": sum(parts[-1]) - 6,
    }
    for where, place in places.items():
        (tmp_path / "cut.dng").write_bytes(content[:place])
        with pytest.raises(ImageFileError, match=r"cut\.dng is damaged"):
            read_picture(tmp_path / "cut.dng")
        if kind in STORED and (where == "before the last bytes" or place == parts[0][0]):
            continue  # a few black pixels, or a lens cap's: nobody can tell
        (tmp_path / "zeros.dng").write_bytes(content[:place] + bytes(len(content) - place))
        with pytest.raises(ImageFileError, match=r"zeros\.dng is damaged"):
            read_picture(tmp_path / "zeros.dng")


@pytest.mark.parametrize("kind", [*PACKINGS, "lossless JPEG"])
@pytest.mark.parametrize("fault", ["no offset", "no length", "far away"])
def test_a_part_that_is_not_there_is_refused(tmp_path, kind, fault):
    write_kind(tmp_path / "a.dng", kind)
    with tifffile.TiffFile(tmp_path / "a.dng", mode="r+b") as tiff:
        page = tiff.pages[0]
        name = "Tile" if page.is_tiled else "Strip"
        changed = list(page.databytecounts if fault == "no length" else page.dataoffsets)
        changed[-1] = {"no offset": 0, "no length": 0, "far away": 10**9}[fault]
        tag = f"{name}ByteCounts" if fault == "no length" else f"{name}Offsets"
        page.tags[tag].overwrite(changed if len(changed) > 1 else changed[0])
    with pytest.raises(ImageFileError, match=r"a\.dng is damaged.* missing"):
        read_picture(tmp_path / "a.dng")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("has_margins", [False, True])
def test_the_crop_is_the_picture_in_every_orientation(tmp_path, orientation, has_margins):
    kept = np.zeros(SIDES, np.uint16)
    top, left, rows, cols = 10, 14, 60, 90
    kept[top : top + rows, left : left + cols] = 20_000
    kept[top : top + rows // 2, left : left + cols // 2] = 5_000  # a corner that is seen turned
    margins = (4, 6, 90, 120) if has_margins else (0, 0, *SIDES)
    extra = [
        (50829, "I", 4, margins),  # ActiveArea
        (50719, "I", 2, (left - margins[1], top - margins[0])),  # DefaultCropOrigin
        (50720, "I", 2, (cols, rows)),  # DefaultCropSize
    ]
    path = write_dng(
        tmp_path / "crop.dng",
        kept,
        white=65_535,
        orientation=orientation,
        extra=extra,
        rowsperstrip=8,
    )
    pixels = codes_of(path)[..., 1]
    wanted = turn(kept[top : top + rows, left : left + cols], orientation).astype(int)
    assert pixels.shape == wanted.shape
    assert np.mean(np.abs(pixels - wanted) > 300) < 0.12  # all but the edges
    assert np.abs(pixels[5:20, 5:20] - wanted[5:20, 5:20]).max() <= 3


def test_a_crop_beyond_the_sensor_is_passed_over(tmp_path):
    kept = np.full(SIDES, 20_000, np.uint16)
    for origin, wanted in (((0, 0), (500, 20)), ((100, 0), (90, 20)), ((0, 0), (0, 0))):
        extra = [(50719, "I", 2, origin), (50720, "I", 2, wanted)]
        path = write_dng(tmp_path / "crop.dng", kept, white=65_535, extra=extra)
        assert read_picture(path).pixels.shape[:2] == SIDES


def test_linear_light_in_integers_is_read_at_its_scale(tmp_path):
    light = np.full((*SIDES, 3), 16_384, np.uint16)
    light[:, 64:] = 60_000
    pixels = codes_of(write_dng(tmp_path / "linear.dng", light, white=65_535))
    assert np.abs(pixels[:, :60] - 16_384).max() <= 3
    assert np.abs(pixels[:, 70:] - 60_000).max() <= 6


def test_libraws_own_words_are_not_repeated(tmp_path):
    path = write_dng(tmp_path / "odd.dng", mosaic(), white=65_535)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["Compression"].overwrite(32_769)
    with pytest.raises(ImageFileError, match=r"odd\.dng is damaged, or no raw file") as caught:
        read_picture(path)
    words = ("Input/output error", "Unsupported file format", "unexpected EOF", "b'")
    assert not any(word in str(caught.value) for word in words)
