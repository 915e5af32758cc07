"""Positives for HDR displays in files: their tags, their light read back, and gain maps."""

import inspect
import io
import json
import shutil
import subprocess

import imagecodecs
import numpy as np
import pytest
from PIL import Image

import phos_core as phos
from phos_core.color import decode_srgb, pq_to_light, to_linear_srgb
from phos_core.errors import ImageFileError
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.files.image_files import read_image, read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture
from phos_darkroom.one_file import develop_file

pytest.importorskip("OpenImageIO", reason="scene light is read from EXR, by OpenImageIO")

needs_avif = pytest.mark.skipif(
    "primaries" not in inspect.signature(imagecodecs.avif_encode).parameters,
    reason=f"imagecodecs {imagecodecs.__version__} writes no AVIF in PQ or HLG",
)
EXIF = b"MM\0*\0\0\0\x08\0\1\1\x1a\0\5\0\0\0\1\0\0\0\x1a\0\0\0\0\0\0\0H\0\0\0\1"
OFFSETS = (0.0, 0.01, 0.02)
TO_SRGB = to_linear_srgb("rec2020")
RECIPE = phos.Recipe(film="portra-400", seed=2, grain=0.0, halation=0.0, output_space="rec2100-pq")


@pytest.fixture
def source(tmp_path):
    """Scene light from 4 stops under mid-grey to 7 over it, in three colours, with EXIF and XMP."""
    stops = np.linspace(-4, 7, 96)[np.newaxis, :, np.newaxis]
    colours = np.array([[1, 1, 1], [1, 0.5, 0.25], [0.3, 0.5, 1]])[np.arange(48) // 16, np.newaxis]
    light = (0.18 * 2.0**stops * colours).astype(np.float32)
    path = tmp_path / "scene.exr"
    write_picture(path, Picture(pixels=light, encoding="linear"))
    return path


def developed(source, name, recipe=RECIPE, **settings):
    destination = source.with_name(name)
    develop_file(source, destination, recipe, backend="scipy", overwrite=True, **settings)
    return destination


def light_of(path):
    """The light of a file, linear sRGB."""
    picture = read_picture(path)
    light = picture.hdr_light()
    return light if picture.light_primaries == "srgb" else light @ TO_SRGB.T


def off_by_stops(light, wanted):
    return np.log2((light + 0.02) / (wanted + 0.02))


@pytest.mark.parametrize(
    ("name", "largest", "mean"),
    [
        ("a.png", 1e-3, 1e-4),
        pytest.param("a.avif", 0.4, 0.03, marks=needs_avif),
        ("a.jpg", 0.5, 0.04),
    ],
)
def test_every_format_is_read_back_with_the_same_light(source, name, largest, mean):
    wanted = light_of(developed(source, "a.exr"))
    assert 3.0 < wanted.max() < 1000 / 203
    off = off_by_stops(light_of(developed(source, name)), wanted)
    assert np.abs(off).max() < largest
    assert np.abs(off).mean() < mean


def test_hlg_is_read_back_with_the_same_light(source):
    wanted = light_of(developed(source, "a.exr"))
    hlg = phos.Recipe(
        film="portra-400", seed=2, grain=0.0, halation=0.0, output_space="rec2100-hlg"
    )
    off = off_by_stops(light_of(developed(source, "b.png", hlg)), wanted)
    assert np.abs(off).max() < 5e-3


@pytest.mark.parametrize("suffix", [".png", pytest.param(".avif", marks=needs_avif)])
def test_what_is_read_back_is_developed_as_hdr(source, suffix):
    picture = read_picture(developed(source, f"a{suffix}"))
    assert picture.encoding == "display"
    assert picture.primaries == "rec2020"
    assert picture.scene_light().max() > 2.0


@needs_avif
@pytest.mark.parametrize(("space", "curve"), [("rec2100-pq", "smpte2084"), ("rec2100-hlg", "b67")])
def test_ffprobe_names_the_colours_of_an_avif(source, space, curve):
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        pytest.skip("there is no ffprobe here")
    recipe = phos.Recipe(film="portra-400", output_space=space)
    path = developed(source, "a.avif", recipe)
    asked = [ffprobe, "-v", "error", "-show_streams", "-of", "json", path]
    (stream,) = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)["streams"]
    assert stream["color_primaries"] == "bt2020"
    assert stream["color_transfer"].endswith(curve)
    assert stream["color_space"] == "bt2020nc"
    assert stream["color_range"] == "pc"
    assert stream["pix_fmt"] == "yuv444p10le"


def test_a_png_names_its_colours_before_its_pixels(source):
    content = developed(source, "a.png").read_bytes()
    place = content.index(b"cICP")
    assert content[place + 4 : place + 8] == bytes((9, 16, 0, 1))
    assert place < content.index(b"IDAT")
    assert b"iCCP" not in content
    assert b"sRGB" not in content[: content.index(b"IDAT")]
    assert content[24] == 16  # bits


@needs_avif
def test_other_programs_find_exif_and_xmp_in_an_avif(source):
    metadata = Metadata(exif=EXIF, xmp=b"<x/>")
    codes = np.full((16, 16, 3), 30_000, np.uint16)
    picture = Picture(pixels=codes, encoding="pq", primaries="rec2020", metadata=metadata)
    path = source.with_name("with.avif")
    write_picture(path, picture)
    with Image.open(path) as opened:
        assert opened.info["xmp"] == b"<x/>"
        assert opened.info["exif"].removeprefix(b"Exif\0\0") == metadata.exif
        opened.load()
    read = read_picture(path)
    assert read.metadata.xmp == b"<x/>"
    np.testing.assert_allclose(read.light(), pq_to_light(codes / 65535), rtol=0.02)


@needs_avif
def test_an_avif_keeps_the_grain_of_highlights(tmp_path, rng):
    grain = 34_000 + 200 * rng.standard_normal((64, 64, 1))  # 160 cd/m2, as strong as of a scan
    codes = np.repeat(grain, 3, axis=-1).astype(np.uint16)
    path = tmp_path / "a.avif"
    write_picture(path, Picture(pixels=codes, encoding="pq", primaries="rec2020"))
    kept = read_picture(path).pixels[..., 1]
    assert np.corrcoef(kept.ravel(), pq_to_light(codes[..., 1] / 65535).ravel())[0, 1] > 0.8


@needs_avif
@pytest.mark.parametrize("alpha", [None, np.arange(256, dtype=np.uint16).reshape(16, 16) * 257])
def test_an_avif_without_metadata_and_with_alpha_is_one_too(tmp_path, alpha):
    picture = Picture(
        pixels=np.full((16, 16), 40_000, np.uint16),
        alpha=alpha,
        encoding="hlg",
        primaries="rec2020",
    )
    path = tmp_path / "a.avif"
    write_picture(path, picture)
    read = read_picture(path)
    np.testing.assert_allclose(read.light(), picture.light(), rtol=0.02)
    assert (read.alpha is None) == (alpha is None)


@pytest.mark.parametrize("suffix", [".tif", ".webp"])
def test_a_format_that_cannot_say_what_it_is_is_refused_before_the_work(source, suffix):
    with pytest.raises(ImageFileError, match="PNG and AVIF"):
        developed(source, f"a{suffix}")
    assert not source.with_name(f"a{suffix}").exists()


def test_an_old_imagecodecs_is_named_before_the_work(source, monkeypatch):
    monkeypatch.setattr("imagecodecs.avif_encode", lambda data, level=None: b"")
    with pytest.raises(ImageFileError, match="pip install -U imagecodecs"):
        developed(source, "a.avif")


def test_a_jpeg_is_the_srgb_picture_to_those_who_know_no_gain_map(source):
    recipe = phos.Recipe(film="portra-400", seed=2, grain=0.0, halation=0.0, output_space="srgb")
    plain, bright = developed(source, "plain.jpg", recipe), developed(source, "bright.jpg")
    np.testing.assert_array_equal(read_image(plain), read_image(bright))
    assert read_picture(bright).metadata.xmp.count(b'output_space = "rec2100-pq"') == 1


def test_other_programs_find_the_second_picture_of_a_jpeg(source):
    path = developed(source, "a.jpg")
    with Image.open(path) as opened:
        index = opened._getmp()
    content = path.read_bytes()
    start = content.rindex(b"\xff\xd8\xff")
    first, second = index[0xB002]
    assert (first["Size"], first["DataOffset"]) == (start, 0)
    assert second["Size"] == len(content) - start
    assert content.index(b"MPF\0") + 4 + second["DataOffset"] == start
    with Image.open(io.BytesIO(content[start:])) as gain:
        assert gain.size == (96, 48)
    assert f'Item:Length="{len(content) - start}"'.encode() in content
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("there is no exiftool here to say the same")
    asked = [exiftool, "-json", "-n", "-MPImageStart", "-MPImageLength", path]
    (said,) = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    assert said["MPImageStart"] == start
    assert said["MPImageLength"] == len(content) - start


def test_a_gain_is_for_light_beyond_white_and_a_sidecar_repeats_it(source):
    path = developed(source, "a.jpg")
    picture = read_picture(path)
    below = picture.light().max(axis=-1) < 0.8
    assert np.abs(picture.gain_map.stops[below]).max() < 0.1
    assert picture.gain_map.stops.max() > 1.5
    assert picture.gain_map.level_stops == pytest.approx(0.0, abs=0.01)
    assert 'output_space = "rec2100-pq"' in source.with_name("a.jpg.phos.toml").read_text()


def test_a_picture_without_light_beyond_white_is_a_plain_jpeg(tmp_path):
    path = tmp_path / "dark.png"
    write_picture(path, Picture(pixels=np.full((24, 24, 3), 60, np.uint8)))
    with Image.open(developed(path, "dark.jpg")) as opened:
        assert opened.format == "JPEG"


def test_grey_and_framed_and_smaller_pictures_have_a_gain_as_well(source):
    from phos_darkroom.files.export.record import Export

    recipe = phos.Recipe(film="tri-x-400", grain=0.0, output_space="rec2100-pq")
    small = developed(source, "small.jpg", recipe, export=Export(long_side_px=48))
    assert read_picture(small).pixels.shape == (24, 48, 3)
    assert read_picture(small).hdr_light().max() > 2.0
    as_png = developed(source, "small.png", recipe, export=Export(long_side_px=48))
    off = off_by_stops(light_of(small), light_of(as_png))
    assert np.abs(off).max() < 0.3


def test_a_picture_with_a_gain_map_is_copied_with_it(tmp_path, rng):
    codes = np.full((32, 32, 3), 118, np.uint8)
    codes[:, 16:] = 255
    stops = np.zeros((32, 32, 3), np.float32)
    stops[:, 16:] = (2.0, 1.5, 1.0)
    before = GainMap(stops=stops, base_offset=OFFSETS, hdr_offset=OFFSETS, primaries="display-p3")
    path = tmp_path / "copy.jpg"
    write_picture(path, Picture(pixels=codes, gain_map=before))
    after = read_picture(path).gain_map
    assert after.primaries == "display-p3"
    assert after.base_offset == pytest.approx(OFFSETS)
    light = decode_srgb(codes / 255).astype(np.float32)
    np.testing.assert_allclose(after.applied(light), before.applied(light), rtol=0.03, atol=0.01)


def test_a_gain_of_nothing_comes_back_as_nothing():
    from phos_darkroom.files.formats.gain_facts import facts_of_iso, facts_of_xmp
    from phos_darkroom.files.formats.gain_writing import written_gain

    stops = np.array([[-0.37, 0.0, 0.5, 2.2]], np.float32)
    written = written_gain(GainMap(stops=stops), "srgb")
    for facts in (facts_of_iso(written.iso()), facts_of_xmp(written.xmp())):
        back = facts.stops(written.samples / 255)
        assert back[0, 1] == pytest.approx(0.0, abs=1e-6)
        np.testing.assert_allclose(back, stops, atol=0.006)
    assert written_gain(GainMap(stops=np.zeros((2, 2), np.float32)), "srgb") is None
