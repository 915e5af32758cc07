"""EXR: light in, light out; what is no picture of light is refused in one line."""

import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.formats import exr
from phos_darkroom.files.picture import Metadata, Picture

oiio = pytest.importorskip("OpenImageIO", reason="the extra phos-darkroom[exr] is not installed")

ACESCG = ((0.713, 0.293), (0.165, 0.830), (0.128, 0.044)), (0.32168, 0.33767)
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.3290)


def save(path, channels, names, form="float", **attributes):
    """Write an EXR by OpenImageIO: channels (rows, cols, n)."""
    spec = oiio.ImageSpec(channels.shape[1], channels.shape[0], channels.shape[2], form)
    spec.channelnames = tuple(names)
    for name, value in attributes.items():
        if name == "chromaticities":
            spec.attribute(name, "float[8]", value)
        elif hasattr(spec, name):
            setattr(spec, name, value)
        else:
            spec.attribute(name, value)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(channels)), file.geterror()
    file.close()
    return path


def hand_made(channels, *, data=(0, 0, 1, 1), display=(0, 0, 1, 1), sizes=b""):
    """Return an uncompressed EXR's bytes, header by hand; channels: (name, type, sampling)."""

    def attribute(name, kind, value):
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value

    listed = b"".join(
        name + b"\0" + struct.pack("<iB3xii", kind, 0, step, step) for name, kind, step in channels
    )
    header = b"".join(
        (
            attribute(b"channels", b"chlist", listed + b"\0"),
            attribute(b"compression", b"compression", b"\0"),
            attribute(b"dataWindow", b"box2i", struct.pack("<4i", *data)),
            attribute(b"displayWindow", b"box2i", struct.pack("<4i", *display)),
            attribute(b"lineOrder", b"lineOrder", b"\0"),
            attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
            attribute(b"screenWindowCenter", b"v2f", struct.pack("<2f", 0, 0)),
            attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)),
            b"\0",
        )
    )
    return b"\x76\x2f\x31\x01" + struct.pack("<i", 2) + header + sizes


@pytest.fixture
def light(rng):
    """Scene-linear RGB from deep shadow to far above white."""
    return np.exp(rng.uniform(-9, 9, (12, 17, 3))).astype(np.float32)


def picture(light, **others):
    return Picture(**{"pixels": light, "encoding": "linear", **others})


@pytest.mark.parametrize("primaries", color.PRIMARIES)
def test_light_and_its_primaries_survive(tmp_path, light, primaries):
    exr.write(tmp_path / "part", picture(light, primaries=primaries))
    read = exr.read(tmp_path / "part")
    assert np.array_equal(read.pixels, light)
    assert (read.encoding, read.primaries, read.alpha) == ("linear", primaries, None)


def test_grey_light_survives(tmp_path, light):
    exr.write(tmp_path / "grey.exr", picture(light[..., 0]))
    assert np.array_equal(exr.read(tmp_path / "grey.exr").pixels, light[..., 0])


def test_half_floats_stay_half_and_others_stay_whole(tmp_path, light):
    halves = light.astype(np.float16).astype(np.float32)
    for name, pixels, form in (("half", halves, "half"), ("whole", light, "float")):
        exr.write(tmp_path / name, picture(pixels))
        assert str(oiio.ImageInput.open(str(tmp_path / name)).spec().format) == form
        assert np.array_equal(exr.read(tmp_path / name).pixels, pixels)


def test_codes_are_written_as_the_light_they_stand_for(tmp_path, rng):
    for dtype, white, tolerance in (("uint8", 255, 5e-4), ("uint16", 65535, 0), ("float32", 1, 0)):
        codes = (rng.random((9, 7, 3)) * white).astype(dtype)
        exr.write(tmp_path / dtype, Picture(pixels=codes))
        expected = color.decode_srgb(codes / np.float64(white))
        read = exr.read(tmp_path / dtype).pixels
        assert read == pytest.approx(expected, rel=tolerance + 1e-5, abs=1e-7)


def test_codes_of_eight_bits_are_written_as_half_floats(tmp_path):
    exr.write(tmp_path / "codes", Picture(pixels=np.arange(256, dtype=np.uint8)[np.newaxis]))
    assert str(oiio.ImageInput.open(str(tmp_path / "codes")).spec().format) == "half"
    assert np.unique(exr.read(tmp_path / "codes").pixels).size == 256


def test_linear_codes_are_written_as_fractions_of_the_largest(tmp_path):
    codes = np.array([[0, 1, 32768, 65535]], np.uint16)
    exr.write(tmp_path / "raw", picture(codes, primaries="prophoto"))
    assert exr.read(tmp_path / "raw").pixels == pytest.approx(codes / 65535, rel=1e-6)


def test_a_profiles_codes_are_written_as_the_light_it_gives_them(tmp_path):
    (red, green, blue), white = color.PRIMARIES["display-p3"]
    profile = imagecodecs.cms_profile(
        "rgb",
        whitepoint=(*white, 1.0),
        primaries=(*red, 1.0, *green, 1.0, *blue, 1.0),
        gamma=2.0,
    )
    codes = np.array([[[65535, 0, 0], [32768, 32768, 32768]]], np.uint16)
    coded = Picture(pixels=codes, encoding="profile", metadata=Metadata(icc_profile=profile))
    exr.write(tmp_path / "p3", coded)
    expected = (codes / 65535) ** 2 @ color.to_linear_srgb("display-p3").T
    assert exr.read(tmp_path / "p3").pixels == pytest.approx(expected, abs=1e-3)


def test_colours_are_multiplied_by_alpha_in_the_file_only(tmp_path, light, rng):
    alpha = rng.choice(np.array([0.25, 0.5, 1.0], np.float32), light.shape[:2])
    exr.write(tmp_path / "cut.exr", picture(light, alpha=alpha))
    stored = oiio.ImageInput.open(str(tmp_path / "cut.exr")).read_image("float")
    assert np.array_equal(stored, np.dstack((light * alpha[..., np.newaxis], alpha)))
    read = exr.read(tmp_path / "cut.exr")
    assert np.array_equal(read.pixels, light)
    assert np.array_equal(read.alpha, alpha)


def test_light_without_cover_is_read_as_it_is(tmp_path):
    glow = np.array([[[2.0, 4.0, 8.0, 0.0]]], np.float32)
    read = exr.read(save(tmp_path / "glow.exr", glow, "RGBA"))
    assert read.pixels.tolist() == [[[2.0, 4.0, 8.0]]]
    assert read.alpha.tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("space", "primaries", "red", "green"),
    [
        # The published matrices to linear sRGB, by their columns.
        (ADOBE_RGB, "srgb", [1.398, 0.0, 0.0], [-0.398, 1.0, -0.043]),
        (ACESCG, "acescg", [1.705, -0.130, -0.024], [-0.622, 1.141, -0.129]),
    ],
)
def test_unknown_primaries_become_linear_srgb_unbounded_and_known_ones_stay(
    tmp_path, space, primaries, red, green
):
    colours = np.array([[[1, 1, 1], [1, 0, 0], [0, 1, 0]]], np.float32)
    xy = np.ravel((*space[0], space[1])).tolist()
    read = exr.read(save(tmp_path / "wide.exr", colours, "RGB", chromaticities=xy))
    assert read.primaries == primaries
    light = read.pixels @ color.to_linear_srgb(primaries).T
    assert light[0, 0] == pytest.approx([1, 1, 1], abs=1e-5)
    assert light[0, 1] == pytest.approx(red, abs=2e-3)
    assert light[0, 2] == pytest.approx(green, abs=2e-3)


@pytest.mark.parametrize("xy", [[0.0] * 8, [0.3] * 8])
def test_impossible_primaries_are_refused(tmp_path, light, xy):
    save(tmp_path / "odd.exr", light, "RGB", chromaticities=xy)
    with pytest.raises(ImageFileError, match="impossible chromaticities"):
        exr.read(tmp_path / "odd.exr")


def test_the_display_window_is_the_picture(tmp_path, light):
    window = {"full_x": 0, "full_y": 0, "full_width": 15, "full_height": 20}
    read = exr.read(save(tmp_path / "window.exr", light, "RGB", x=-4, y=3, **window)).pixels
    assert read.shape == (20, 15, 3)
    assert np.array_equal(read[3:15, :13], light[:, 4:])
    assert not read[:3].any()
    assert not read[15:].any()
    assert not read[:, 13:].any()


def test_data_beside_the_display_window_is_refused(tmp_path, light):
    window = {"full_x": 100, "full_y": 0, "full_width": 15, "full_height": 20}
    save(tmp_path / "beside.exr", light, "RGB", **window)
    with pytest.raises(ImageFileError, match="no data within its display window"):
        exr.read(tmp_path / "beside.exr")


def test_tiles_are_read_like_scanlines(tmp_path, light):
    save(tmp_path / "tiles.exr", light, "RGB", tile_width=16, tile_height=16)
    assert np.array_equal(exr.read(tmp_path / "tiles.exr").pixels, light)


def test_other_layers_and_parts_are_passed_over(tmp_path, light):
    layered = np.dstack((light, light[..., :1]))
    save(tmp_path / "layers.exr", layered, ("R", "G", "B", "Z"))
    assert np.array_equal(exr.read(tmp_path / "layers.exr").pixels, light)

    specs = [oiio.ImageSpec(17, 12, count, "float") for count in (1, 3)]
    specs[0].channelnames, specs[1].channelnames = ("Z",), ("R", "G", "B")
    path = str(tmp_path / "parts.exr")
    file = oiio.ImageOutput.create(path)
    assert file.open(path, tuple(specs))
    file.write_image(np.ascontiguousarray(light[..., :1]))
    assert file.open(path, specs[1], "AppendSubimage")
    file.write_image(light)
    file.close()
    assert np.array_equal(exr.read(Path(path)).pixels, light)


def test_infinite_light_is_the_largest_half_float_and_said_aloud(tmp_path, light):
    light[3, 5] = np.inf
    light[4, 6, 1] = np.inf
    save(tmp_path / "sun.exr", light, "RGB")
    with pytest.warns(UserWarning, match=r"sun\.exr: 2 infinite pixels are read as 65504"):
        read = exr.read(tmp_path / "sun.exr").pixels
    assert read[3, 5].tolist() == [65504] * 3
    finite = np.isfinite(light)
    assert np.array_equal(read[finite], light[finite])


@pytest.mark.parametrize("number", [np.nan, -np.inf])
def test_what_is_no_number_is_refused_with_its_place(tmp_path, light, number):
    light[7, 2, 1] = number
    save(tmp_path / "broken.exr", light, "RGB")
    with pytest.raises(ImageFileError, match=r"1 values of its light .* row 7, column 2"):
        exr.read(tmp_path / "broken.exr")


def test_alpha_that_is_no_number_is_refused(tmp_path, light):
    alpha = np.full((*light.shape[:2], 1), np.nan, np.float32)
    save(tmp_path / "broken.exr", np.dstack((light, alpha)), "RGBA")
    with pytest.raises(ImageFileError, match="values of its alpha"):
        exr.read(tmp_path / "broken.exr")


def test_what_is_no_picture_of_light_is_refused(tmp_path, light):
    save(tmp_path / "integers.exr", light, "RGB", form="uint")
    save(tmp_path / "depth.exr", light[..., :1], "Z")
    save(tmp_path / "chroma.exr", light, ("Y", "RY", "BY"))
    for name, word in (
        ("integers", "uint numbers in R"),
        ("depth", "no channels R, G, B, and no Y, but Z"),
        ("chroma", "subsampl"),
    ):
        with pytest.raises(ImageFileError, match=word):
            exr.read(tmp_path / f"{name}.exr")


def test_subsampled_channels_are_refused(tmp_path):
    channels = [(b"BY", 1, 2), (b"RY", 1, 2), (b"Y", 1, 1)]
    lines = struct.pack("<ii4e", 0, 8, 1, 1, 1, 1) + struct.pack("<ii2e", 1, 4, 1, 1)
    (tmp_path / "sub.exr").write_bytes(hand_made(channels, sizes=lines))
    with pytest.raises(ImageFileError, match=r"sub\.exr is damaged"):
        exr.read(tmp_path / "sub.exr")


def test_deep_samples_are_refused(tmp_path):
    spec = oiio.ImageSpec(2, 2, 3, "half")
    spec.channelnames, spec.deep = ("R", "G", "B"), True
    samples = oiio.DeepData()
    samples.init(4, 3, [oiio.TypeDesc("half")] * 3, ["R", "G", "B"])
    file = oiio.ImageOutput.create("openexr")
    assert file.open(str(tmp_path / "deep.exr"), spec)
    file.write_deep_image(samples)
    file.close()
    with pytest.raises(ImageFileError, match="deep samples"):
        exr.read(tmp_path / "deep.exr")


@pytest.mark.parametrize("window", ["data", "display"])
def test_what_a_file_cannot_hold_is_refused_before_it_is_decoded(tmp_path, window):
    channels = [(name, 2, 1) for name in (b"B", b"G", b"R")]
    for side, word in (
        (9_000, "claims 9001 by 9001 pixels, 972 MB"),
        (100_000, "100001|megapixels"),
    ):
        content = hand_made(channels, **{window: (0, 0, side, side)}, sizes=bytes(4000))
        (tmp_path / "bomb.exr").write_bytes(content)
        with pytest.raises(ImageFileError, match=rf"bomb\.exr .*({word})"):
            exr.read(tmp_path / "bomb.exr")


def test_xmp_survives_and_equal_pictures_make_equal_bytes(tmp_path, light):
    packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>Käthe</x:xmpmeta>".encode()
    for name in ("one", "two"):
        exr.write(tmp_path / name, picture(light, metadata=Metadata(xmp=packet)))
    assert exr.read(tmp_path / "one").metadata == Metadata(xmp=packet)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_cannot_be_written_gives_one_clear_line(tmp_path, light):
    with pytest.raises(ImageFileError, match=r"cannot write .*nowhere") as caught:
        exr.write(tmp_path / "nowhere" / "part", picture(light))
    assert "\n" not in str(caught.value)


def test_the_missing_library_is_named_with_its_extra(tmp_path, light, monkeypatch):
    exr.write(tmp_path / "light.exr", picture(light))
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    with pytest.raises(ImageFileError, match=r"'./plugins/phos_darkroom\[exr\]'"):
        exr.read(tmp_path / "light.exr")


@pytest.mark.proof
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, light, damage, read_in_child):
    exr.write(tmp_path / "whole.exr", picture(light, alpha=light[..., 0]))
    folder = damage((tmp_path / "whole.exr").read_bytes(), ".exr", 100)
    peak_bytes, outcomes = read_in_child("exr", folder)
    refusals = {name: word for name, word in outcomes.items() if word is not None}
    assert len(outcomes) == 100
    assert len(refusals) >= 40
    assert all(name in word and "\n" not in word for name, word in refusals.items())
    assert peak_bytes < 1e9


@pytest.mark.proof
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_of_a_process_that_has_read_an_exr_reads_and_writes_them_too(tmp_path):
    """The library's threads do not live on in a fork, which would wait for them for ever."""
    program = """
    import multiprocessing, sys
    import numpy as np
    from phos_darkroom.files.image_files import read_picture, write_picture
    from phos_darkroom.files.picture import Picture

    light = np.random.default_rng(0).random((600, 800, 3), dtype=np.float32)
    write_picture("a.exr", Picture(pixels=light, encoding="linear"))

    def work(name):
        write_picture(name, read_picture("a.exr"))

    work("b.exr")
    for name in ("c.exr", "d.exr"):
        child = multiprocessing.get_context("fork").Process(target=work, args=(name,))
        child.start()
        child.join(100)
        ended = child.exitcode
        child.kill()
        assert ended == 0, ended
    work("e.exr")
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = {path.read_bytes() for path in tmp_path.glob("*.exr")}
    assert len(written) == 1


@pytest.mark.parametrize(
    "xy",
    [
        (1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3),  # CIE XYZ under E
        (1, 0, 0, 1, 0, 0, 0.3127, 0.329),  # its columns scaled to D65
        (0.7347, 0.2653, 0, 1, 0.0001, -0.077, 0.32168, 0.33767),  # ACES 2065-1 (AP0)
        (0.7347, 0.2653, -0.02, 0.98, 0.108, -0.005, 0.3457, 0.3585),
    ],
)
def test_the_white_of_any_primaries_at_half_is_half_in_linear_srgb(tmp_path, xy):
    half = np.full((4, 4, 3), 0.5, np.float32)
    save(tmp_path / "odd.exr", half, "RGB", chromaticities=[float(c) for c in xy])
    picture = exr.read(tmp_path / "odd.exr")
    light = picture.pixels @ color.to_linear_srgb(picture.primaries).T
    assert light == pytest.approx(np.full((4, 4, 3), 0.5), abs=1e-6)


def test_xyz_of_a_colour_is_that_colour(tmp_path):
    colour = np.array([0.7, 0.1, 0.3], np.float32)
    scale = color.LINEAR_SRGB_TO_XYZ @ np.ones(3)  # an XYZ that is scaled to the file's white, D65
    stored = (color.LINEAR_SRGB_TO_XYZ @ colour / scale).astype(np.float32)
    xy = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, *color.D65_WHITE_XY]
    save(tmp_path / "xyz.exr", np.full((4, 4, 3), stored), "RGB", chromaticities=xy)
    assert exr.read(tmp_path / "xyz.exr").pixels[0, 0] == pytest.approx(colour, abs=1e-5)
