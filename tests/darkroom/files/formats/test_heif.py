"""HEIF: every bit, upright once, in the colours that the file names."""

import contextlib
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.formats import heif, optional

pytest.importorskip("pi_heif", reason="the extra phos-darkroom[heif] is not installed")

DATA = Path(__file__).parents[3] / "data"
SQUARES = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]


def ramp(white):
    return np.round(np.linspace(0, white, 64)).astype(int)


def test_eight_bits_stay_as_they_are():
    picture = heif.read(DATA / "eight.heic")
    assert (picture.pixels.dtype, picture.encoding, picture.alpha) == (np.uint8, "srgb", None)
    assert picture.pixels.flags.owndata  # the decoder's memory goes with the decoder
    assert np.array_equal(picture.pixels[0], np.stack([ramp(255)] * 3, -1))
    assert picture.pixels[40, 8::16].tolist() == [[255 * c for c in square] for square in SQUARES]


def test_ten_bits_reach_over_the_whole_range_of_sixteen():
    picture = heif.read(DATA / "ten.heic")
    assert picture.pixels.dtype == np.uint16
    assert np.array_equal(picture.pixels[0, :, 1], np.round(ramp(1023) * (65535 / 1023)))
    assert picture.pixels[40, 60].tolist() == [65535] * 3


def test_grey_stays_grey():
    picture = heif.read(DATA / "grey-ten.heic")
    assert picture.pixels.shape == (48, 64)
    assert np.array_equal(picture.pixels[0], np.round(ramp(1023) * (65535 / 1023)))


@pytest.mark.parametrize("name", ["alpha", "multiplied"])
def test_alpha_is_apart_and_straight(name):
    picture = heif.read(DATA / f"{name}.heic")
    assert picture.alpha.shape == (48, 64)
    assert (picture.alpha[:, :8] == 51).all()
    assert (picture.alpha[:, 8:] == 255).all()
    error = picture.pixels[0, :, 0].astype(int) - ramp(255)
    assert np.abs(error[:8]).max() <= (0 if name == "alpha" else 3)  # 51 levels are left
    assert not error[8:].any()


def test_a_turned_picture_is_turned_once_and_its_metadata_say_upright():
    picture = heif.read(DATA / "turned.heic")
    assert np.array_equal(picture.pixels, heif.read(DATA / "eight.heic").pixels)
    metadata = picture.metadata
    assert metadata.exif[:4] == b"MM\0*"
    assert b"\x01\x12\0\x03\0\0\0\x01\0\x01" in metadata.exif
    assert b"phs" in metadata.exif
    assert b'tiff:Orientation="1"' in metadata.xmp


def test_the_icc_profile_is_kept():
    picture = heif.read(DATA / "p3-icc.heic")
    assert picture.encoding == "profile"
    assert len(picture.metadata.icc_profile) == 600
    assert picture.metadata.icc_profile[36:40] == b"acsp"


def test_display_p3_by_numbers_becomes_a_profile_that_means_it():
    picture = heif.read(DATA / "p3-nclx.heic")
    assert picture.encoding == "profile"
    codes = np.array([[[1.0, 1.0, 1.0], [0.5, 0.5, 0.5], [0.8, 0.3, 0.4]]], np.float32)
    srgb = imagecodecs.cms_transform(
        codes, picture.metadata.icc_profile, imagecodecs.cms_profile("srgb"), colorspace="rgb"
    )
    light = color.decode_srgb(codes.astype(np.float64)) @ color.to_linear_srgb("display-p3").T
    assert srgb == pytest.approx(color.encode_srgb(light), abs=1e-3)


def test_the_whites_of_pq_are_10000_nits():
    picture = heif.read(DATA / "pq.heic")
    assert (picture.encoding, picture.primaries) == ("display", "rec2020")
    assert picture.pixels[40, 56] == pytest.approx([10_000 / 203] * 3, rel=0.02)


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x18ftypheic" + bytes(40)])
def test_what_is_no_heif_gives_one_clear_line(tmp_path, content):
    (tmp_path / "not.heic").write_bytes(content)
    with pytest.raises(ImageFileError, match=r"not\.heic is damaged or no HEIF") as caught:
        heif.read(tmp_path / "not.heic")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [9_000, 30_000, 2**31])
def test_a_false_size_is_refused_or_does_not_count(tmp_path, side):
    content = (DATA / "eight.heic").read_bytes()
    place = content.index(b"ispe") + 8
    altered = content[:place] + side.to_bytes(4, "big") * 2 + content[place + 8 :]
    (tmp_path / "bomb.heic").write_bytes(altered)
    whole = heif.read(DATA / "eight.heic").pixels
    with contextlib.suppress(ImageFileError):
        assert np.array_equal(heif.read(tmp_path / "bomb.heic").pixels, whole)


def test_what_a_file_cannot_hold_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(optional, "SMALL_BYTES", 20_000)
    monkeypatch.setattr(optional, "EXPANSION", 2)
    with pytest.raises(ImageFileError, match=r"eight\.heic claims 64 by 48 pixels"):
        heif.read(DATA / "eight.heic")


def test_names_that_are_no_text_do_not_end_the_process(tmp_path):
    content = (DATA / "turned.heic").read_bytes()
    (tmp_path / "name.heic").write_bytes(content.replace(b"application/rdf", b"applicati\xffn/rdf"))
    with pytest.raises(ImageFileError, match=r"name\.heic is damaged"):
        heif.read(tmp_path / "name.heic")


def test_the_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(ImageFileError, match=r"'./plugins/phos_darkroom\[heif\]'"):
        heif.read(DATA / "eight.heic")


@pytest.mark.proof
@pytest.mark.parametrize("name", ["eight", "turned"])
def test_damaged_files_are_read_or_refused_in_one_line(name, damage, read_in_child):
    folder = damage((DATA / f"{name}.heic").read_bytes(), ".heic", 50)
    peak_bytes, outcomes = read_in_child("heif", folder)
    refusals = {name: word for name, word in outcomes.items() if word is not None}
    assert len(outcomes) == 50
    assert len(refusals) >= 20
    assert all(name in word and "\n" not in word for name, word in refusals.items())
    assert peak_bytes < 1e9
