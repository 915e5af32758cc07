"""Pictures larger than memory: tiles give the whole, within a limit, all of it or nothing."""

import dataclasses
import hashlib
import struct
import tracemalloc
from itertools import pairwise
from typing import ClassVar

import array_api_strict
import numpy as np
import pytest
import tifffile

import phos_core as phos
from phos_core.backend import GenericBackend
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import BackendFallbackWarning, ImageFileError, OutOfMemoryError
from phos_core.process.recipe import Recipe
from phos_darkroom.files.colour.profiles import from_srgb, srgb_profile, to_light
from phos_darkroom.files.formats import tiff_tiles
from phos_darkroom.large import (
    by_tiles,
    cutting,
    develop_into,
    develop_large,
    developing,
    is_large,
)
from phos_darkroom.one_file import develop_file
from phos_darkroom.settings.sidecar import path_for

ROWS, COLS, PITCH_UM = 300, 400, 20.0  # a reach of 130 pixels
SETTINGS = {"pixel_pitch_um": PITCH_UM, "seed": 5}

# What a convolution of class "exact" may be off by, after the curve, in parts of the code range.
WITHIN = 5e-4


@pytest.fixture
def tiles(monkeypatch):
    """Tiles of 64 pixels, in the file and in the process."""
    monkeypatch.setattr(tiff_tiles, "TILE", 64)
    monkeypatch.setattr(cutting, "TILE", 64)
    monkeypatch.setattr(by_tiles.DevelopmentByTiles, "tile_shape", lambda *_: (64, 64))


def scene(dtype="uint16", samples=3):
    """Waves, noise and lamps; alpha, where there is one, is noise."""
    y, x = np.mgrid[:ROWS, :COLS]
    rng = np.random.default_rng(1)
    light = [0.5 + 0.4 * np.sin(x / 37 + c) * np.cos(y / (23 + c)) for c in range(samples)]
    light = 0.7 * np.stack(light, axis=-1) + 0.1 * rng.random((ROWS, COLS, samples))
    light[100:108, 200:210] = light[250:253, 30:33] = 1.0
    if dtype == "float32":
        return light.astype(dtype)
    return np.round(light * np.iinfo(dtype).max).astype(dtype)


def save(path, samples, **options):
    options = {"tile": (64, 48), "compression": "zlib"} | options
    photometric = "rgb" if samples.shape[2] > 2 else "minisblack"
    extra = ["unassalpha"] if samples.shape[2] in (2, 4) else None
    stored = samples[..., 0] if samples.shape[2] == 1 else samples
    tifffile.imwrite(
        path, stored, photometric=photometric, extrasamples=extra, metadata=None, **options
    )


def developed(folder, samples, recipe, *, backend="scipy", **options):
    """Develop a file by tiles: the positive, and the report."""
    save(folder / "in.tif", samples, **options)
    report = develop_large(folder / "in.tif", folder / "out.tif", recipe, backend=backend)
    assert sorted(path.name for path in folder.iterdir()) == ["in.tif", "out.tif"]
    return tifffile.imread(folder / "out.tif"), report


def off(found, expected):
    """Largest difference, in parts of the code range."""
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    most = 1.0 if found.dtype.kind == "f" else np.iinfo(found.dtype).max
    return np.abs(found.astype(np.float64) - expected).max() / most


# ------------------------------------------------------------------ tile = whole


@pytest.mark.proof
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"film": "cinestill-800t"},
        {"film": "velvia-50"},
        {"film": "tri-x-400"},
        {"mode": "texture"},
        {"mode": "colour"},
        {"auto_balance": True, "offset_px": (1000, -70)},
        {"printing": "portra-endura"},
    ],
    ids=str,
)
def test_tiles_give_the_whole_picture(tmp_path, tiles, settings):
    recipe = Recipe(**SETTINGS | settings)
    found, report = developed(tmp_path, scene(), recipe)
    assert (report.tiles, report.backend, report.pixel_pitch_um) == (35, "scipy", PITCH_UM)
    assert "35 tiles of 64 by 64 pixels" in report.events[0]
    assert off(found, phos.develop(scene(), recipe=recipe, backend="scipy")) <= WITHIN


def test_at_8_bits_hardly_a_code_differs_and_none_by_more_than_one(tmp_path, tiles):
    recipe = Recipe(**SETTINGS)
    found, _ = developed(tmp_path, scene("uint8"), recipe)
    difference = np.abs(found.astype(int) - phos.develop(scene("uint8"), recipe=recipe))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


def test_the_grain_is_that_of_the_whole_to_the_bit(tmp_path, tiles):
    alone = {"scatter": None, "aperture_um": 0.0, "halation": None, "couplers": None}
    recipe = Recipe(film=dataclasses.replace(phos.load_film("tri-x-400"), **alone), **SETTINGS)
    found, _ = developed(tmp_path, scene(), recipe)
    np.testing.assert_array_equal(found, phos.develop(scene(), recipe=recipe, backend="scipy"))


@pytest.mark.proof
def test_floats_are_scene_light_and_may_exceed_white(tmp_path, tiles):
    light = scene("float32")
    light[100:108, 200:210] = 40.0
    found, _ = developed(tmp_path, light, Recipe(**SETTINGS))
    expected = phos.develop(light, encoding="linear", backend="scipy", **SETTINGS)
    assert off(found, expected) <= WITHIN


@pytest.mark.proof
@pytest.mark.parametrize("samples", [2, 4])
def test_alpha_is_carried_through(tmp_path, tiles, samples):
    picture = scene("uint8", samples)
    recipe = Recipe(film="tri-x-400", **SETTINGS)
    found, _ = developed(tmp_path, picture, recipe)
    np.testing.assert_array_equal(found[..., -1], picture[..., -1])
    colours = picture[..., :3] if samples == 4 else picture[..., 0]
    expected = phos.develop(colours, recipe=recipe)
    assert off(found[..., : samples - 1].reshape(expected.shape), expected) <= 1 / 255


@pytest.mark.proof
def test_a_rotated_file_comes_out_upright(tmp_path, tiles):
    turned = {"extratags": [(274, "H", 1, 6, True)], "tile": None, "rowsperstrip": 40}
    recipe = Recipe(**SETTINGS)
    found, _ = developed(tmp_path, scene(), recipe, **turned)
    expected = phos.develop(np.ascontiguousarray(np.rot90(scene(), -1)), recipe=recipe)
    assert off(found, expected) <= WITHIN
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.pages.first.tags.valueof(274, 1) == 1


def s15f16(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(65536 * n) for n in numbers))


def p3_profile():
    """A profile of Display P3's primaries with a gamma of 2.2."""
    colorants = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    tags = {name: struct.pack(">4sI", b"XYZ ", 0) + s15f16(*c) for name, c in colorants.items()}
    gamma = struct.pack(">4sIHH", b"para", 0, 0, 0) + s15f16(2.2)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma)
    at, listed, data = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        listed += struct.pack(">4sII", name, at + len(data), len(tag))
        data += tag
    kinds = (b"mntr", b"RGB ", b"XYZ ")
    head = struct.pack(">III4s4s4s", at + len(data), 0, 0x04400000, *kinds).ljust(36, b"\0")
    head = ((head + b"acsp").ljust(68, b"\0") + s15f16(0.9642, 1.0, 0.8249)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + listed + data


@pytest.mark.proof
def test_a_wide_profile_is_honoured_and_survives(tmp_path, tiles):
    profile, picture = p3_profile(), scene()
    found, _ = developed(tmp_path, picture, Recipe(**SETTINGS), iccprofile=profile)
    light = to_light(picture, profile)
    positive = phos.develop(light, encoding="display", backend="scipy", **SETTINGS)
    assert off(found, from_srgb(positive, profile, np.uint16)) <= 2 * WITHIN
    as_srgb = phos.develop(picture, backend="scipy", **SETTINGS)
    assert off(found, as_srgb) > 0.01
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.pages.first.iccprofile == profile


@pytest.mark.proof
def test_exif_and_xmp_are_carried_and_phos_is_named(tmp_path, tiles):
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    tags = [(700, "B", len(packet), packet, True), (271, "s", 0, "Maker", True)]
    developed(tmp_path, scene("uint8"), Recipe(**SETTINGS), extratags=tags, software="before")
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        found = tiff.pages.first.tags
        assert found[700].value == packet
        assert found[271].value == "Maker"
        assert found[305].value.startswith("phos ")


@pytest.mark.proof
def test_who_calls_may_say_what_the_file_says(tmp_path, tiles):
    save(tmp_path / "in.tif", scene("uint8"))
    with (tmp_path / "out.tif").open("x+b") as file:
        develop_into(
            file,
            tmp_path / "in.tif",
            Recipe(**SETTINGS),
            described=lambda metadata: dataclasses.replace(metadata, xmp=b"<settings/>"),
        )
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.pages.first.tags[700].value == b"<settings/>"


@pytest.mark.proof
@pytest.mark.parametrize("profile", [None, srgb_profile()])
def test_a_picture_in_srgb_is_tagged_so(tmp_path, tiles, profile):
    developed(tmp_path, scene("uint8"), Recipe(**SETTINGS), iccprofile=profile)
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.pages.first.iccprofile == srgb_profile()


# ------------------------------------------------------------------ backends


class Device(GenericBackend):
    """A device of its own."""

    name = "device"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def to_device(self, host):
        return array_api_strict.asarray(host.copy(), device=self.device)

    def to_host(self, x):
        return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))


@pytest.mark.proof
@pytest.mark.parametrize("mode", ["full", "texture"])
def test_a_device_gives_the_same(tmp_path, tiles, mode):
    recipe = Recipe(mode=mode, **SETTINGS)
    found, report = developed(tmp_path, scene("uint8"), recipe, backend=Device())
    assert report.backend == "device"
    assert off(found, phos.develop(scene("uint8"), recipe=recipe, backend="scipy")) <= 1 / 255


@pytest.mark.parametrize("name", ["cv2", "numba"])
def test_other_backends_of_the_cpu_give_the_same(tmp_path, tiles, name):
    pytest.importorskip(f"phos_{name}.backend")
    recipe = Recipe(**SETTINGS)
    found, report = developed(tmp_path, scene("uint8"), recipe, backend=name)
    assert report.backend == name
    assert off(found, phos.develop(scene("uint8"), recipe=recipe, backend="scipy")) <= 1 / 255


class Failing(ScipyBackend):
    """Runs out of memory after a few convolutions."""

    name = "failing"

    def __init__(self):
        super().__init__()
        self.left = 20

    def convolve_into(self, image, psf, out, **options):
        self.left -= 1
        if self.left < 0:
            raise MemoryError("no room")
        return super().convolve_into(image, psf, out, **options)


@pytest.mark.proof
def test_the_next_backend_takes_over_in_the_middle(tmp_path, tiles, one_after_the_other):
    one_after_the_other(Failing(), ScipyBackend())
    with pytest.warns(BackendFallbackWarning) as warned:
        found, report = developed(tmp_path, scene(), Recipe(**SETTINGS), backend=None)
    assert len(warned) == 1
    assert report.backend == "scipy"
    assert any("failing" in event for event in report.events)
    assert off(found, phos.develop(scene(), backend="scipy", **SETTINGS)) <= WITHIN


# ------------------------------------------------------------------ memory


@pytest.mark.proof
def test_less_memory_means_smaller_tiles_to_the_smallest(tmp_path, monkeypatch):
    monkeypatch.setattr(by_tiles, "resident_bytes", lambda: 0)
    monkeypatch.setattr(by_tiles, "RESERVE_BYTES", 0)
    save(tmp_path / "in.tif", np.zeros((1200, 1600, 3), np.uint8))
    recipe = Recipe(pixel_pitch_um=PITCH_UM)
    counts = []
    for megabytes in (1000, 100, 25):
        report = develop_large(
            tmp_path / "in.tif",
            tmp_path / "out.tif",
            recipe,
            memory_bytes=megabytes * 10**6,
            overwrite=True,
        )
        counts.append(report.tiles)
    assert counts[0] == 1
    assert counts == sorted(counts)
    assert counts[-1] > 4
    with pytest.raises(OutOfMemoryError, match=r"reach 1.. pixels.*smallest tile.*memory_bytes"):
        develop_large(
            tmp_path / "in.tif", tmp_path / "none.tif", recipe, memory_bytes=10**6, backend="scipy"
        )
    assert not (tmp_path / "none.tif").exists()


@pytest.mark.proof
@pytest.mark.parametrize("film", ["portra-400", "tri-x-400"])
def test_arrays_stay_within_the_memory_allowed(tmp_path, monkeypatch, film):
    monkeypatch.setattr(by_tiles, "resident_bytes", lambda: 0)
    save(tmp_path / "in.tif", np.tile(scene("uint8"), (6, 5, 1)))
    allowed = by_tiles.RESERVE_BYTES + 70 * 10**6
    tracemalloc.start()
    try:
        report = develop_large(
            tmp_path / "in.tif",
            tmp_path / "out.tif",
            Recipe(film=film, **SETTINGS),
            backend=ScipyBackend(),
            memory_bytes=allowed,
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.tiles > 1
    assert peak <= allowed


def test_a_picture_is_large_if_the_memory_does_not_hold_its_develop(tmp_path, monkeypatch):
    path = tmp_path / "in.tif"
    save(path, np.zeros((1000, 1000, 3), np.uint8))
    assert not is_large(path)
    assert is_large(path, memory_bytes=50 * 10**6)
    assert not is_large(path, memory_bytes=100 * 10**6)
    monkeypatch.setenv("PHOS_MEMORY_LIMIT", "50000000")
    assert is_large(path)
    monkeypatch.setattr(developing, "PIXELS", 999_999)
    assert is_large(path, memory_bytes=10**12)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xd8\xff JPEG", b"II*\0 damaged"])
def test_what_is_no_tiff_to_be_read_by_regions_is_not_large(tmp_path, content):
    path = tmp_path / "in.tif"
    if content is not None:
        path.write_bytes(content)
    assert not is_large(path, memory_bytes=1)


@pytest.mark.proof
def test_what_is_kept_is_let_go_where_the_shape_of_tiles_changes(tmp_path, tiles):
    class Letting(ScipyBackend):
        shapes: ClassVar = []

        def convolve_into(self, image, psf, out, **options):
            self.shapes.append(image.shape)
            return super().convolve_into(image, psf, out, **options)

        def release(self):
            self.shapes.append("let go")
            super().release()

    backend = Letting()
    film = dataclasses.replace(phos.load_film("tri-x-400"), couplers=None)
    developed(tmp_path, scene("uint8"), Recipe(film=film, **SETTINGS), backend=backend)
    assert backend.shapes[0] == backend.shapes[-1] == "let go"
    others = [pair for pair in pairwise(backend.shapes) if "let go" not in pair]
    assert all(first == second for first, second in others)


def test_a_file_that_is_large_is_developed_by_tiles_with_its_sidecar(tmp_path, monkeypatch):
    save(tmp_path / "in.tif", scene())
    recipe = Recipe(**SETTINGS)
    small = develop_file(tmp_path / "in.tif", tmp_path / "small.tif", recipe)
    monkeypatch.setattr(developing, "PIXELS", 1)
    report = develop_file(tmp_path / "in.tif", tmp_path / "out.tif", recipe)
    assert not small.events
    assert "tiles" in report.events[0]
    found, expected = (tifffile.imread(tmp_path / name) for name in ("out.tif", "small.tif"))
    np.testing.assert_array_equal(found, expected)
    written = hashlib.sha256((tmp_path / "out.tif").read_bytes()).hexdigest()
    assert written in path_for(tmp_path / "out.tif").read_text(encoding="utf-8")
    with pytest.raises(ImageFileError, match="TIFF to TIFF"):
        develop_file(tmp_path / "in.tif", tmp_path / "out.png", recipe)


# ------------------------------------------------------------------ all of it or nothing


def test_a_develop_that_is_broken_off_leaves_nothing(tmp_path, tiles):
    save(tmp_path / "in.tif", scene())

    def stop(done, of):
        assert of == 35
        if done == 3:
            raise KeyboardInterrupt

    (tmp_path / "out.tif").write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        develop_large(
            tmp_path / "in.tif",
            tmp_path / "out.tif",
            Recipe(**SETTINGS),
            overwrite=True,
            progress=stop,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "out.tif"]
    assert (tmp_path / "out.tif").read_bytes() == b"older"


def test_a_file_is_replaced_on_request_only(tmp_path, tiles):
    save(tmp_path / "in.tif", scene("uint8"))
    (tmp_path / "out.tif").write_bytes(b"older")
    with pytest.raises(ImageFileError, match="exists already"):
        develop_large(tmp_path / "in.tif", tmp_path / "out.tif", Recipe(**SETTINGS))
    assert (tmp_path / "out.tif").read_bytes() == b"older"


def test_another_format_is_refused_before_the_work(tmp_path):
    with pytest.raises(ImageFileError, match=r"\.tif"):
        develop_large(tmp_path / "in.tif", tmp_path / "out.png", Recipe())


def test_light_that_is_not_finite_is_refused(tmp_path, tiles):
    light = scene("float32")
    light[150, 170, 1] = np.nan
    save(tmp_path / "in.tif", light)
    with pytest.raises(ValueError, match="finite"):
        develop_large(tmp_path / "in.tif", tmp_path / "out.tif", Recipe(**SETTINGS))
    assert not (tmp_path / "out.tif").exists()
