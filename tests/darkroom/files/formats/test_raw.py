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
from phos_darkroom.files.formats import raw, raw_balance
from phos_darkroom.files.formats.raw_balance import light_of_temperature
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


def write_dng(
    path,
    kept,
    *,
    neutral=(1, 1, 1),
    orientation=1,
    black=0,
    white=65535,
    extra=(),
    pattern=((0, 1), (1, 2)),
    camera=XYZ_TO_CAMERA,
):
    """Write a mosaic as DNG; `neutral`: what the camera records of a grey, its largest 1.

    `pattern`: which colour each pixel sees; None: a monochrome sensor.
    """
    if pattern is not None:
        side = len(pattern)
        extra = [
            *extra,
            (33421, "H", 2, (side, side)),  # CFARepeatPatternDim
            (33422, "B", side * side, bytes(int(c) for row in pattern for c in row)),  # CFAPattern
        ]
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "phos synthetic"),  # UniqueCameraModel
        (271, "s", 0, "phos"),
        (274, "H", 1, orientation),
        (50721, "2i", 9, rationals(camera.ravel())),  # ColorMatrix1
        (50778, "H", 1, D65),
        (50728, "2I", 3, rationals(neutral)),  # AsShotNeutral
        (50714, "I", 1, black),
        (50717, "I", 1, white),
        *extra,
    ]
    tifffile.imwrite(
        path,
        kept,
        photometric="minisblack" if pattern is None else 32803,  # CFA
        extratags=[(*tag, True) for tag in tags],
        metadata=None,
    )
    if pattern is None:
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            tiff.pages[0].tags["PhotometricInterpretation"].overwrite(34892)  # LinearRaw
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


GREY = 9_000


def at(picture):
    """The middle of a picture in linear sRGB, as shares of saturation."""
    middle = picture.pixels[24:40, 40:56].mean(axis=(0, 1)) / raw.SATURATION
    return middle @ color.to_linear_srgb(picture.primaries).T


def test_mid_grey_is_where_a_camera_puts_it_by_its_speed(tmp_path):
    path = write_dng(tmp_path / "grey.dng", mosaic(flat([0.128 * 65_535] * 3)))
    assert raw.read(path).pixels == pytest.approx(np.full((*SIDES, 3), 0.18), rel=0.01)


@pytest.mark.parametrize("stops", [-1.0, 0.25, 2.0])
def test_light_is_scaled_by_what_the_dng_and_the_settings_say(tmp_path, stops):
    kept = mosaic(flat([GREY] * 3))
    usual = raw.read(write_dng(tmp_path / "a.dng", kept)).pixels
    baseline = [(50730, "2i", 1, (round(stops * 100), 100))]  # BaselineExposure
    for path, settings in (
        (write_dng(tmp_path / "b.dng", kept, extra=baseline), RawSettings()),
        (tmp_path / "a.dng", RawSettings(raw_exposure_stops=stops)),
    ):
        assert raw.read(path, settings).pixels / usual == pytest.approx(2.0**stops, rel=1e-5)


NEUTRAL = (0.5, 1, 0.7)


def test_rebuilt_highlights_are_the_light_that_was_there(tmp_path):
    """A grey of 1.5 times saturation: green alone is clipped."""
    seen = np.minimum(np.multiply(NEUTRAL, 1.5), 1.0)
    path = write_dng(tmp_path / "over.dng", mosaic(flat(seen * 65_535)), neutral=NEUTRAL)
    found = {
        name: at(raw.read(path, RawSettings(highlights=name))) for name in ("rebuild", "blend")
    }
    assert found["rebuild"] == pytest.approx([1.5] * 3, rel=0.02)
    assert np.ptp(found["blend"]) < 0.01
    assert 1.2 < found["blend"].mean() < 1.5  # towards it, without a colour
    assert at(raw.read(path, RawSettings(highlights="clip"))) == pytest.approx([1.0] * 3, abs=0.01)


@pytest.mark.parametrize("highlights", HIGHLIGHTS)
def test_what_is_not_saturated_is_the_same_however_highlights_are_handled(tmp_path, highlights):
    path = write_dng(tmp_path / "a.dng", mosaic(flat(np.multiply(NEUTRAL, GREY))), neutral=NEUTRAL)
    light = raw.read(path, RawSettings(highlights=highlights)).pixels / raw.SATURATION * 65_535
    assert np.abs(light - GREY).max() <= 3


def test_a_white_balance_by_gains_is_that_of_these_gains(tmp_path):
    kept = mosaic(flat(np.multiply((0.5, 1, 0.7), GREY)))
    path = write_dng(tmp_path / "a.dng", kept)
    settings = RawSettings(white_balance=(2, 1, 1 / 0.7))
    assert at(raw.read(path, settings)) * 65_535 == pytest.approx([GREY] * 3, abs=5)


@pytest.mark.parametrize("as_shot", [(1, 1, 1), (0.4, 1, 0.8)])
@pytest.mark.parametrize(("kelvin", "tint"), [(2_856, 0), (5_000, 0), (6_500, 30)])
def test_a_grey_in_the_light_of_a_temperature_is_grey_by_that_temperature(
    tmp_path, as_shot, kelvin, tint
):
    camera = XYZ_TO_CAMERA * [[0.4], [1.0], [0.7]]  # one that sees less red and blue
    seen = camera @ light_of_temperature(kelvin, tint)
    kept = mosaic(flat(seen / seen.max() * 30_000))
    path = write_dng(tmp_path / "a.dng", kept, neutral=as_shot, camera=camera)
    found = at(raw.read(path, RawSettings(white_balance=(kelvin, tint))))
    assert found / found.mean() == pytest.approx([1.0] * 3, abs=0.005)


def test_daylight_is_the_balance_of_the_cameras_matrix(tmp_path):
    kept = mosaic(flat([GREY] * 3))  # this camera sees D65 as equal
    path = write_dng(tmp_path / "a.dng", kept, neutral=(0.4, 1, 0.8))
    found = at(raw.read(path, RawSettings(white_balance="daylight")))
    assert found / found.mean() == pytest.approx([1.0] * 3, abs=0.002)


def test_levels_may_be_given(tmp_path):
    kept = mosaic(flat([512 + 0.25 * (16_383 - 512)] * 3))
    right = {"black_level": 512, "white_level": 16_383}
    for said, given in (
        ({}, right),
        ({"black": 512}, {"white_level": 16_383}),
        ({"white": 16_383}, {"black_level": 512}),
        ({"black": 100, "white": 9_000}, right),
    ):
        path = write_dng(tmp_path / "a.dng", kept, **said)
        found = at(raw.read(path, RawSettings(**given)))
        assert found == pytest.approx([0.25] * 3, abs=5e-4)


ORDERS = {"RGGB": (0, 1, 1, 2), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1), "BGGR": (2, 1, 1, 0)}
XTRANS = (
    (1, 1, 0, 1, 1, 2),
    (1, 1, 2, 1, 1, 0),
    (2, 0, 1, 0, 2, 1),
    (1, 1, 2, 1, 1, 0),
    (1, 1, 0, 1, 1, 2),
    (0, 2, 1, 2, 0, 1),
)
PATTERNS = {
    **{name: np.reshape(order, (2, 2)) for name, order in ORDERS.items()},
    "X-Trans": np.array(XTRANS),
}


@pytest.mark.parametrize("half_size", [False, True])
@pytest.mark.parametrize("name", PATTERNS)
def test_a_colour_comes_out_of_every_mosaic(tmp_path, name, half_size):
    pattern = PATTERNS[name]
    sides = (516, 516) if name == "X-Trans" else (96, 144)  # LibRaw refuses smaller X-Trans
    times = [side // len(pattern) for side in sides]
    colour = np.array([0.35, 0.3, 0.15])
    kept = np.rint(colour[np.tile(pattern, times)] * 60_000).astype(np.uint16)
    path = tmp_path / "a.dng"
    write_dng(path, kept, pattern=pattern)
    picture = raw.read(path, half_size=half_size)
    rows, cols = picture.pixels.shape[:2]
    assert (rows, cols) == (sides if not half_size else tuple(side // 2 for side in sides)) or (
        half_size and name == "X-Trans"
    )
    middle = picture.pixels[rows // 4 : -rows // 4, cols // 4 : -cols // 4]
    srgb = middle / raw.SATURATION * 65_535 / 60_000 @ color.to_linear_srgb("prophoto").T
    assert np.abs(srgb - colour).max() < 0.01


def test_a_monochrome_sensor_gives_a_grey_picture(tmp_path):
    kept = np.full(SIDES, GREY, np.uint16)
    kept[:, 48:] = 60_000
    path = write_dng(tmp_path / "mono.dng", kept, pattern=None)
    for settings in (RawSettings(), RawSettings(white_balance=3_000.0, highlights="rebuild")):
        picture = raw.read(path, settings)
        assert picture.pixels.shape == SIDES
        found = picture.pixels / raw.SATURATION * 65_535
        assert np.abs(found - kept).max() <= 3


def test_the_neutral_is_that_of_libraws_own_rendering(tmp_path):
    import rawpy

    level = 0.3 * 65_535
    path = write_dng(tmp_path / "a.dng", mosaic(flat(np.multiply(NEUTRAL, level))), neutral=NEUTRAL)
    with rawpy.imread(str(path)) as file:
        codes = file.postprocess(
            use_camera_wb=True, no_auto_bright=True, gamma=(1, 1), output_bps=16
        )
    theirs = codes[24:40, 40:56].mean(axis=(0, 1)) / 65_535
    assert at(raw.read(path)) == pytest.approx(theirs, rel=2e-3)


def test_half_the_size_shows_the_same_picture_turned_and_cropped(tmp_path):
    light = flat([30_000] * 3)
    light[:20, :30] = 5_000
    crop = [(50719, "I", 2, (2, 4)), (50720, "I", 2, (90, 56))]
    path = write_dng(tmp_path / "o.dng", mosaic(light), orientation=6, extra=crop)
    whole, half = raw.read(path).pixels, raw.read(path, half_size=True).pixels
    assert half.shape == (45, 28, 3)
    small = whole.reshape(45, 2, 28, 2, 3).mean(axis=(1, 3))
    assert np.mean(np.abs(small - half) > 0.02) < 0.05


def test_a_temperature_needs_a_camera_whose_colours_are_known(tmp_path, monkeypatch):
    path = write_dng(tmp_path / "a.dng", mosaic(flat([GREY] * 3)))
    monkeypatch.setattr(raw_balance, "_camera_of_xyz", lambda file: None)
    with pytest.raises(ImageFileError, match=r"a\.dng can have no white_balance by temperature"):
        raw.read(path, RawSettings(white_balance=5_600))
