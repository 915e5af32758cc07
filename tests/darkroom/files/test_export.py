"""Export: the size, the sharpness and the quality of a positive in its file."""

import json

import numpy as np
import pytest

from phos_core.color import decode_srgb
from phos_core.errors import ImageFileError
from phos_darkroom import Export, Metadata, Picture, exported, read_picture, write_picture
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.export.finishing import check_exportable


def light(picture):
    return decode_srgb(picture.pixels / np.iinfo(picture.pixels.dtype).max)


def test_the_long_side_has_so_many_pixels_and_the_light_is_kept(rng):
    for shape, wanted in (((90, 150, 3), (30, 50, 3)), ((150, 90), (50, 30))):
        positive = Picture(pixels=rng.integers(0, 256, shape).astype(np.uint8))

        small = exported(positive, Export(long_side_px=50))

        assert small.pixels.shape == wanted
        assert light(small).mean() == pytest.approx(light(positive).mean(), rel=0.01)


def test_a_smaller_picture_stays_as_it_is():
    positive = Picture(pixels=np.zeros((30, 40), np.uint8))
    assert exported(positive, Export(long_side_px=40)) is positive


def test_it_is_reduced_without_ringing():
    step = np.full((64, 64), 40, np.uint16)
    step[:, 32:] = 60_000
    small = exported(Picture(pixels=step), Export(long_side_px=20)).pixels
    assert small.min() >= 40
    assert small.max() <= 60_000


def test_alpha_goes_with_it_and_a_profile_stays(rng):
    codes = rng.integers(0, 65_536, (60, 90, 3)).astype(np.uint16)
    metadata = Metadata(icc_profile=profiles.adobe_rgb_profile())
    positive = Picture(pixels=codes, alpha=codes[..., 0], encoding="profile", metadata=metadata)

    small = exported(positive, Export(long_side_px=30))

    assert small.alpha.shape == (20, 30)
    assert small.metadata.icc_profile == metadata.icc_profile
    assert small.light().mean() == pytest.approx(positive.light().mean(), rel=0.01)


def test_sharpening_raises_edges_and_leaves_what_is_flat_and_its_colour():
    codes = np.full((20, 40, 3), (120, 60, 30), np.uint8)
    codes[:, 20:] = (160, 100, 70)

    sharp = exported(Picture(pixels=codes), Export(sharpen="screen")).pixels.astype(int)

    assert (sharp[:, :10] == codes[:, :10]).all()
    assert (sharp[:, -10:] == codes[:, -10:]).all()
    assert 3 <= (codes[10, 19].astype(int) - sharp[10, 19]).max() <= 8  # modest
    changed = sharp - codes.astype(int)
    assert (changed == changed[..., :1]).all()  # the same in each channel: the colour stays


def test_quality_decides_how_large_the_file_is(tmp_path, rng):
    picture = Picture(pixels=rng.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    for suffix in (".jpg", ".webp"):
        sizes = []
        for quality in (20, 60, 95, None):
            path = tmp_path / f"{quality}{suffix}"
            write_picture(path, picture, quality=quality)
            sizes.append(path.stat().st_size)
        assert sizes[0] < sizes[1] < sizes[2] == sizes[3]
    write_picture(tmp_path / "a.png", picture, quality=1)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, picture.pixels)


def test_densities_stay_as_they_are_and_light_is_sharpened_for_no_screen():
    densities = Picture(pixels=np.zeros((4, 4, 3), np.uint16), encoding="density")
    linear = Picture(pixels=np.zeros((4, 4, 3), np.float32), encoding="linear")

    with pytest.raises(ImageFileError, match=r"densities.*--size"):
        check_exportable("a.tif", densities, Export(long_side_px=100))
    with pytest.raises(ImageFileError, match=r"densities.*--sharpen"):
        check_exportable("a.tif", densities, Export(sharpen="screen"))
    with pytest.raises(ImageFileError, match=r"light, not codes.*--sharpen"):
        check_exportable("a.exr", linear, Export(sharpen="screen"))
    check_exportable("a.exr", linear, Export(long_side_px=100))


@pytest.mark.parametrize("encoding", ["pq", "hlg"])
def test_codes_of_hdr_television_are_reduced_in_their_light(rng, encoding):
    codes = rng.integers(0, 45_000, (60, 90, 3)).astype(np.uint16)
    positive = Picture(pixels=codes, encoding=encoding, primaries="rec2020")
    small = exported(positive, Export(long_side_px=30))
    assert (small.encoding, small.pixels.dtype) == (encoding, np.uint16)
    assert small.light().mean() == pytest.approx(positive.light().mean(), rel=0.02)
    grey = exported(Picture(pixels=codes[..., 0], encoding=encoding), Export(long_side_px=30))
    assert grey.pixels.shape == (20, 30)


def test_light_beyond_white_is_reduced_as_light(rng):
    lamps = np.where(rng.random((120, 160, 3)) < 0.02, 900.0, 0.0).astype(np.float32)
    small = exported(Picture(pixels=lamps, encoding="linear"), Export(long_side_px=47)).pixels
    assert small.dtype == np.float32
    assert small.min() == 0.0
    assert small.mean() == pytest.approx(lamps.mean(), rel=0.03)


def test_an_export_is_the_same_again_from_json():
    for export in (Export(), Export(long_side_px=2048, quality=80, sharpen="screen")):
        assert Export.from_values(json.loads(json.dumps(export.values()))) == export
    assert Export.from_values({"long_side_px": None}) == Export()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"long_side_px": 15}, ValueError),
        ({"long_side_px": 100.0}, TypeError),
        ({"quality": 0}, ValueError),
        ({"quality": 101}, ValueError),
        ({"quality": True}, TypeError),
        ({"sharpen": "print"}, ValueError),
    ],
)
def test_a_wrong_export_is_refused_by_name(wrong, error):
    (name,) = wrong
    with pytest.raises(error, match=name):
        Export(**wrong)
