"""Raw files: the sensor's light, at the scale of its saturation, upright, with its metadata.

No camera's file is needed: a DNG is a TIFF with a mosaic and a colour matrix, and is made here.
"""

import sys
from fractions import Fraction

import numpy as np
import pytest
import tifffile

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.formats import raw
from phos_darkroom.files.formats.raw_settings import HIGHLIGHTS, RawSettings

pytest.importorskip("rawpy", reason="the extra phos-darkroom[raw] is not installed")

XYZ_TO_CAMERA = np.linalg.inv(color.LINEAR_SRGB_TO_XYZ)  # a camera that sees linear sRGB
D65 = 21  # of CalibrationIlluminant
SIDES = (64, 96)
EDGE = slice(8, -8), slice(8, -8)  # demosaicing looks at neighbours


def mosaic(light):
    """Return what a sensor of R G / G B pixels keeps of light (rows, cols, 3), rounded."""
    kept = light[..., 1].copy()
    kept[0::2, 0::2] = light[0::2, 0::2, 0]
    kept[1::2, 1::2] = light[1::2, 1::2, 2]
    return np.round(kept).astype(np.uint16)


def rationals(numbers):
    fractions = [Fraction(float(number)).limit_denominator(100_000) for number in numbers]
    return [part for fraction in fractions for part in fraction.as_integer_ratio()]


def write_dng(path, kept, *, neutral=(1, 1, 1), orientation=1, black=0, white=65535, extra=()):
    """Write a mosaic as DNG; `neutral`: what the camera records of a grey, its largest 1."""
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "phos synthetic"),  # UniqueCameraModel
        (271, "s", 0, "phos"),
        (274, "H", 1, orientation),
        (33421, "H", 2, (2, 2)),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2)),  # CFAPattern
        (50721, "2i", 9, rationals(XYZ_TO_CAMERA.ravel())),  # ColorMatrix1
        (50778, "H", 1, D65),
        (50728, "2I", 3, rationals(neutral)),  # AsShotNeutral
        (50714, "I", 1, black),
        (50717, "I", 1, white),
        *extra,
    ]
    tifffile.imwrite(
        path,
        kept,
        photometric=32803,  # CFA
        extratags=[(*tag, True) for tag in tags],
        metadata=None,
    )
    return path


def codes_of(path, **settings):
    """Read a raw file's light in codes of 16 bits, of which the largest is saturation."""
    return codes(raw.read(path, RawSettings(**settings)))


def codes(picture):
    assert picture.pixels.dtype == np.float32
    return picture.pixels.astype(float) * (65_535 / raw.SATURATION)


def flat(colour):
    return np.broadcast_to(np.asarray(colour, np.float64), (*SIDES, 3)).copy()


@pytest.mark.parametrize("neutral", [(1, 1, 1), (0.5, 1, 0.7), (0.9, 0.6, 1)])
def test_a_grey_comes_out_grey_at_its_share_of_saturation(tmp_path, neutral):
    for level in (200, 11_796, 40_000):
        kept = mosaic(flat(np.multiply(neutral, level)))
        picture = raw.read(write_dng(tmp_path / "grey.dng", kept, neutral=neutral))
        assert (picture.encoding, picture.primaries) == ("linear", "prophoto")
        # White balance lifts the weaker channels to the strongest, which stays as it is.
        assert np.abs(codes(picture) - level * max(neutral)).max() <= 3


def test_what_saturates_is_white_without_a_cast(tmp_path):
    kept = np.full(SIDES, 65535, np.uint16)
    path = write_dng(tmp_path / "white.dng", kept, neutral=(0.5, 1, 0.7))
    for highlights in HIGHLIGHTS:
        pixels = codes_of(path, highlights=highlights)
        assert pixels.min() >= 65_530
        assert np.ptp(pixels, axis=-1).max() <= 0.003 * 65_535


def test_the_scale_does_not_hang_on_what_else_is_in_the_picture(tmp_path):
    light = flat([9000] * 3)
    alone = codes_of(write_dng(tmp_path / "alone.dng", mosaic(light)))
    light[:, 70:] = 60_000
    beside = codes_of(write_dng(tmp_path / "beside.dng", mosaic(light)))
    assert np.abs(beside[8:-8, 8:60] - alone[8:-8, 8:60]).max() <= 2


def test_black_and_white_levels_are_taken_off(tmp_path):
    kept = mosaic(flat([512 + 0.25 * (16_383 - 512)] * 3))
    pixels = codes_of(write_dng(tmp_path / "14.dng", kept, black=512, white=16_383))
    assert pixels / 65535 == pytest.approx(np.full((*SIDES, 3), 0.25), abs=2e-4)


@pytest.mark.parametrize(
    "colour", [(0.6, 0.1, 0.2), (0.1, 0.5, 0.2), (0.05, 0.1, 0.7), (0.5, 0.4, 0.3)]
)
def test_colours_come_out_in_the_primaries_that_are_named(tmp_path, colour):
    kept = mosaic(flat(np.multiply(colour, 60_000)))
    picture = raw.read(write_dng(tmp_path / "colour.dng", kept))
    srgb = codes(picture)[EDGE] / 60_000 @ color.to_linear_srgb(picture.primaries).T
    assert np.abs(srgb - colour).max() <= 5e-4


def test_a_ramp_of_colours_survives_the_mosaic(tmp_path):
    along = np.linspace(0, 1, SIDES[1])
    light = flat([0, 0, 0])
    light[..., 0] = 5_000 + 30_000 * along
    light[..., 1] = 30_000 - 15_000 * along
    light[..., 2] = 10_000 + 10_000 * along
    picture = raw.read(write_dng(tmp_path / "ramp.dng", mosaic(light)))
    srgb = codes(picture)[EDGE] @ color.to_linear_srgb(picture.primaries).T
    assert np.abs(srgb - light[EDGE]).max() <= 0.005 * 65535


def test_sixteen_bits_keep_their_levels(tmp_path):
    levels = 10.0 * np.arange(SIDES[0] * SIDES[1]).reshape(SIDES)
    light = codes_of(write_dng(tmp_path / "fine.dng", mosaic(np.stack([levels] * 3, -1))))
    assert np.abs(light[EDGE] - levels[EDGE][..., np.newaxis]).max() <= 3
    assert np.unique(light[..., 1]).size > 6_000


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_a_turned_picture_is_turned_once_and_its_metadata_say_upright(tmp_path, orientation, turns):
    light = flat([30_000, 30_000, 30_000])
    light[:20, :30] = 5_000
    picture = raw.read(write_dng(tmp_path / "o.dng", mosaic(light), orientation=orientation))
    expected = np.rot90(light, turns)
    assert picture.pixels.shape == expected.shape
    assert np.mean(np.abs(codes(picture) - expected) > 300) < 0.02  # all but the square's edge
    assert b"\x12\x01\x03\0\x01\0\0\0\x01\0" in picture.metadata.exif


def test_exif_and_xmp_of_a_dng_are_kept(tmp_path):
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    extra = [(315, "s", 0, "A. Author"), (700, "B", len(packet), packet)]
    path = write_dng(tmp_path / "said.dng", mosaic(flat([9000] * 3)), extra=extra)
    metadata = raw.read(path).metadata
    assert metadata.exif.startswith(b"II*\0")
    assert b"A. Author" in metadata.exif
    assert metadata.xmp == packet
    assert metadata.icc_profile is None


@pytest.mark.parametrize("content", [b"", b"II*\0" + bytes(40), b"FUJIFILMCCD-RAW " + bytes(99)])
def test_what_is_no_raw_file_gives_one_clear_line(tmp_path, content):
    (tmp_path / "not.raf").write_bytes(content)
    with pytest.raises(ImageFileError, match=r"not\.raf is damaged, or no raw file") as caught:
        raw.read(tmp_path / "not.raf")
    assert "\n" not in str(caught.value)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    content = write_dng(tmp_path / "whole.dng", mosaic(flat([9000] * 3))).read_bytes()
    for length in [*range(1, len(content), len(content) // 12), len(content) - 1]:
        (tmp_path / "cut.dng").write_bytes(content[:length])
        with pytest.raises(ImageFileError, match=r"cut\.dng is damaged"):
            raw.read(tmp_path / "cut.dng")


def test_absurd_sizes_are_refused_before_they_are_decoded(tmp_path):
    content = write_dng(tmp_path / "whole.dng", mosaic(flat([9000] * 3))).read_bytes()
    with tifffile.TiffFile(tmp_path / "whole.dng") as tiff:
        places = [tiff.pages[0].tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    for side, word in ((9_000, "claims 9000 by 9000"), (40_000, "megapixels|too big")):
        altered = bytearray(content)
        for place in places:
            altered[place : place + 4] = side.to_bytes(4, "little")
        (tmp_path / "bomb.dng").write_bytes(altered)
        with pytest.raises(ImageFileError, match=rf"bomb\.dng .*({word})"):
            raw.read(tmp_path / "bomb.dng")


def test_the_missing_library_is_named_with_its_extra(tmp_path, monkeypatch):
    path = write_dng(tmp_path / "grey.dng", mosaic(flat([9000] * 3)))
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ImageFileError, match=r"'./plugins/phos_darkroom\[raw\]'"):
        raw.read(path)


@pytest.mark.proof
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, damage, read_in_child):
    content = write_dng(tmp_path / "whole.dng", mosaic(flat([9000] * 3))).read_bytes()
    peak_bytes, outcomes = read_in_child("raw", damage(content, ".dng", 100))
    refusals = {name: word for name, word in outcomes.items() if word is not None}
    assert len(outcomes) == 100
    assert len(refusals) >= 35
    assert all(name in word and "\n" not in word for name, word in refusals.items())
    assert peak_bytes < 1e9


class Preview:
    """What rawpy says of a preview: a JPEG with EXIF."""

    def __init__(self, exif):
        self.format = raw.library("rawpy", "raw", None).ThumbFormat.JPEG
        body = b"Exif\0\0" + exif
        self.data = b"\xff\xd8\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + b"\xff\xd9"

    def extract_thumb(self):
        return self


def test_the_previews_exif_counts_only_where_it_says_more():
    import rawpy

    dated = b"II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x1a\0\0\0" + bytes(4)
    dated += b"\1\0\x03\x90\2\0\x14\0\0\0\x2c\0\0\0" + bytes(4) + b"2024:05:06 07:08:09\0"
    undated = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\1\0\0\0" + bytes(4)
    for own, preview, kept in (
        (dated, undated, dated),
        (undated, dated, dated),
        (undated, undated + b"\0", undated),
        (None, undated, undated),
    ):
        assert raw._fuller(own, rawpy, Preview(preview)) == kept
