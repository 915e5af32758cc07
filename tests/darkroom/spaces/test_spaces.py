"""Colour spaces by name, against OpenColorIO itself and the greys that others publish."""

import importlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

import phos_core as phos
from phos_core.errors import PresetError, SidecarError, SpaceError, UnknownSpaceError
from phos_core.process import Recipe
from phos_core.process.coding import Coding
from phos_core.process.pipeline import expose_scene
from phos_darkroom import Picture, develop_file, develop_large, preset_text, write_picture
from phos_darkroom.files.formats import tiff_tiles
from phos_darkroom.large import by_tiles, cutting
from phos_darkroom.settings.sidecar import path_for, read
from phos_darkroom.shell.main import main

pytest.importorskip("PyOpenColorIO", reason="needs phos-darkroom[spaces]")

from phos_darkroom import spaces

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "benchmarks"))
bench = importlib.import_module("bench_spaces")
sys.path.pop(0)

SPACES = (*bench.GREYS, *bench.LINEAR)
CONFIG = """\
ocio_profile_version: 2
search_path: ""
roles:
{roles}
displays:
  screen:
    - !<View> {{name: plain, colorspace: film log}}
file_rules:
  - !<Rule> {{name: Default, colorspace: plates}}
view_transforms:
  - !<ViewTransform>
    name: plainly
    from_scene_reference: !<MatrixTransform> {{}}
display_colorspaces:
  - !<ColorSpace>
    name: screen
    encoding: sdr-video
    from_display_reference: !<BuiltinTransform> {{style: DISPLAY - CIE-XYZ-D65_to_sRGB}}
  - !<ColorSpace>
    name: xyz
    encoding: display-linear
colorspaces:
  - !<ColorSpace>
    name: plates
    encoding: scene-linear
  - !<ColorSpace>
    name: film log
    aliases: [fl]
    encoding: log
    to_scene_reference: !<LogTransform> {{base: 10, direction: inverse}}
"""
ACES, XYZ = "  aces_interchange: plates\n", "  cie_xyz_d65_interchange: xyz\n"


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Make a configuration without a linear sRGB the user's."""

    def use(roles):
        path = tmp_path / "studio.ocio"
        path.write_text(CONFIG.format(roles=roles), encoding="utf-8")
        monkeypatch.setenv("OCIO", str(path))
        return path

    return use


@pytest.fixture
def light(rng):
    return rng.uniform(0.0, 2.0, (12, 17, 3)).astype(np.float32)


@pytest.mark.parametrize("name", SPACES)
def test_a_chart_that_comes_in_a_space_gives_the_film_colours_of_its_light(name):
    assert bench.errors(name, "portra-400", "float").max() < 0.02
    assert bench.errors(name, "portra-400", 16).max() < 0.1
    if name not in bench.LINEAR:
        of_10_bits = bench.errors(name, "portra-400", 10)
        assert of_10_bits.mean() < 0.3
        assert of_10_bits.max() < 1.0


@pytest.mark.parametrize("name", bench.GREYS)
def test_the_published_code_of_mid_grey_is_light_of_018_within_half_a_percent(name):
    grey = np.full((1, 2, 3), bench.GREYS[name], np.float32)

    np.testing.assert_allclose(spaces.find(name).to_light(grey), 0.18, rtol=0.005)
    codes = np.rint(grey * 65535).astype(np.uint16)
    np.testing.assert_allclose(spaces.scene_light(codes, name), 0.18, rtol=0.005)


@pytest.mark.parametrize("name", SPACES)
def test_neutral_stays_neutral_and_numbers_come_back(name, light):
    space = spaces.find(name)

    grey = space.to_light(np.full((1, 1, 3), 0.4, np.float32))
    assert np.ptp(grey) < 1e-5 * grey.max()
    np.testing.assert_allclose(space.to_light(space.from_light(light)), light, atol=1e-5)


def test_large_pictures_in_strips_and_views_convert_as_pixels_do(rng):
    codes = rng.random((700, 300, 3), np.float32)[::-1, ::2]
    space = spaces.find("ARRI LogC4")

    whole = space.to_light(codes)

    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole[5:6, 7:8], space.to_light(codes[5:6, 7:8]))
    np.testing.assert_array_equal(whole[-1:], space.to_light(codes[-1:]))


def test_integers_are_the_floats_that_they_stand_for(rng):
    codes = rng.integers(0, 65536, (30, 20, 3), dtype=np.uint16)
    space = spaces.find("S-Log3 S-Gamut3")

    light = space.to_light(codes)

    of_floats = space.to_light((codes / 65535.0).astype(np.float32))
    np.testing.assert_allclose(light, of_floats, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(space.to_light(codes.astype(">u2")), light)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("S-Log3 S-Gamut3.Cine", "S-Log3 S-Gamut3.Cine"),
        ("slog3_sgamut3cine", "S-Log3 S-Gamut3.Cine"),
        ("SLOG3 SGAMUT3", "S-Log3 S-Gamut3"),
        ("logc4", "ARRI LogC4"),
        ("ARRI Log C 3", "ARRI LogC3 (EI800)"),
        ("v-log", "V-Log V-Gamut"),
        ("C-Log3", "CanonLog3 CinemaGamut D55"),
        ("BMD Film Gen 5", "BMDFilm WideGamut Gen5"),
        ("acescg", "ACEScg"),
        ("linear rec2020", "Linear Rec.2020"),
        ("compositing_log", "ACEScct"),
        ("Lin Alexa-Wide", "Linear ARRI Wide Gamut 3"),
        ("Display P3 - Display", "Display P3 - Display"),
    ],
)
def test_a_name_may_be_written_as_people_write_it(written, meant):
    assert spaces.find(written).name == meant


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("S-Log3", "'S-Log3 S-Gamut3' or 'S-Log3 S-Gamut3.Cine'"),
        ("ACESgc", "'ACEScg'"),
        ("slog4", "did you mean 'S-Log3 S-Gamut3'"),
        ("clog4", "did you mean 'CanonLog"),
        ("Raw", ""),
        ("", ""),
        ("((", ""),
    ],
)
def test_a_name_that_none_or_several_have_is_one_line_with_the_nearest(written, near):
    with pytest.raises(UnknownSpaceError) as caught:
        spaces.find(written)

    assert near in str(caught.value)
    assert str(caught.value).startswith(f"unknown colour space {written!r}")
    assert "\n" not in str(caught.value)


def test_what_a_display_shows_has_its_rendering_taken_back(rng):
    codes = rng.random((10, 12, 3), np.float32)

    for name in ("sRGB - Display", "sRGB Encoded Rec.709 (sRGB)"):
        positive = phos.develop(codes, input_space=name, grain=0.0, backend="scipy")
        assert not spaces.find(name).is_scene
        np.testing.assert_allclose(
            positive, phos.develop(codes, grain=0.0, backend="scipy"), atol=2e-5
        )
    np.testing.assert_allclose(
        spaces.scene_light(np.full((1, 1, 3), 0.4613561, np.float32), "sRGB"), 0.18, rtol=1e-4
    )


@pytest.mark.parametrize("film", ["portra-400", "velvia-50"])
@pytest.mark.parametrize("space", ["Linear S-Gamut3", "Linear ARRI Wide Gamut 4"])
@pytest.mark.parametrize("colour", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0.6, 1)])
def test_light_far_beyond_srgb_gives_no_blotches(film, space, colour):
    """Of a hundredth of a stop, and of a part in 500 from grey to the primary, no step is seen."""
    t = np.linspace(0.0, 1.0, 512)[:, np.newaxis]
    brighter = 0.18 * 2.0 ** (14.0 * t - 8.0) * np.array(colour)
    purer = 0.36 * ((1.0 - t) + t * np.array(colour))
    ramps = np.stack([brighter, purer]).astype(np.float32)
    light = spaces.find(space).to_light(ramps)
    assert light.min() < 0.0
    exposed = expose_scene(
        np.moveaxis(light, -1, 0),
        params=phos.load_film(film).exposure,
        coding=Coding.of("linear", "srgb"),
        exposure_stops=0.0,
    )
    assert exposed.min() > 0.0

    positive = phos.develop(ramps, film, input_space=space, mode="colour", backend="scipy")

    lab = bench.rgb2lab(positive.astype(np.float64))
    steps = np.diff(lab, axis=1)
    assert np.linalg.norm(steps, axis=-1).max() < 1.5
    assert np.linalg.norm(np.diff(steps, axis=1), axis=-1).max() < 0.4
    assert np.isfinite(positive).all()


def test_a_configuration_of_ones_own_without_linear_srgb_works_by_its_roles(configured):
    configured(ACES + XYZ)
    codes = np.full((1, 1, 3), np.log10(0.18), np.float32)

    assert spaces.find("Film-Log").is_scene
    np.testing.assert_allclose(spaces.scene_light(codes, "fl"), 0.18, rtol=1e-5)
    screen = spaces.find("screen")
    assert not screen.is_scene
    np.testing.assert_allclose(
        screen.to_light(np.full((1, 1, 3), 0.5, np.float32)), 0.2140411, rtol=1e-5
    )
    assert spaces.find("ARRI LogC4").config.startswith("ocio://")  # the built-in ones stay
    assert pickle.loads(pickle.dumps(screen)) == screen


@pytest.mark.parametrize(
    ("roles", "name", "role"),
    [("  default: plates\n", "film log", "aces_interchange"),
     (ACES, "screen", "cie_xyz_d65_interchange")],
)  # fmt: skip
def test_a_configuration_without_the_role_is_said_to_lack_it(configured, roles, name, role):
    configured(roles)

    with pytest.raises(SpaceError, match=f"its configuration has no role {role}"):
        spaces.find(name)


@pytest.mark.parametrize("content", [None, "no configuration", "ocio_profile_version: 99"])
def test_a_configuration_that_cannot_be_read_is_one_line_that_names_it(
    tmp_path, monkeypatch, content
):
    path = tmp_path / "bad.ocio"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv("OCIO", str(path))

    with pytest.raises(SpaceError, match=r"bad\.ocio cannot be read") as caught:
        spaces.find("ACEScg")
    assert "\n" not in str(caught.value)


def test_without_opencolorio_the_error_names_what_installs_it(monkeypatch, light):
    monkeypatch.setitem(sys.modules, "PyOpenColorIO", None)

    with pytest.raises(SpaceError, match=r"pip install 'phos-darkroom\[spaces\]'"):
        phos.develop(light, input_space="ARRI LogC4")


# From file to file.


@pytest.fixture
def log_file(tmp_path, light):
    codes = spaces.find("ARRI LogC4").from_light(np.tile(light, (8, 8, 1)))
    path = tmp_path / "log.tif"
    write_picture(path, Picture(pixels=np.rint(codes * 65535).astype(np.uint16)))
    return path


def test_a_file_is_developed_as_its_pixels_are_and_its_sidecar_says_how(tmp_path, log_file):
    out = tmp_path / "out.tif"
    recipe = Recipe(input_space="LogC4", grain=0.0)

    develop_file(log_file, out, recipe, backend="scipy")

    codes = tifffile.imread(log_file)
    wanted = phos.develop(codes, recipe=recipe, backend="scipy")
    np.testing.assert_array_equal(tifffile.imread(out), wanted)
    sidecar = read(path_for(out))
    assert (sidecar.recipe.input_space, sidecar.encoding) == ("LogC4", "LogC4")


def test_a_picture_by_tiles_is_the_whole(tmp_path, log_file, monkeypatch):
    monkeypatch.setattr(tiff_tiles, "TILE", 64)
    monkeypatch.setattr(cutting, "TILE", 64)
    monkeypatch.setattr(by_tiles.DevelopmentByTiles, "tile_shape", lambda *_: (64, 64))
    out = tmp_path / "out.tif"
    recipe = Recipe(input_space="LogC4", grain=0.0, pixel_pitch_um=40.0)

    develop_large(log_file, out, recipe, backend="scipy")

    whole = phos.develop(tifffile.imread(log_file), recipe=recipe, backend="scipy")
    assert np.abs(tifffile.imread(out).astype(int) - whole).max() <= 5e-4 * 65535


def test_what_a_file_says_of_itself_gives_way_to_the_name(tmp_path, light):
    pytest.importorskip("OpenImageIO", reason="needs phos-darkroom[exr]")
    numbers = spaces.find("ACEScg").from_light(light)
    write_picture(tmp_path / "a.exr", Picture(pixels=numbers, encoding="linear"))

    develop_file(tmp_path / "a.exr", tmp_path / "a.tif", Recipe(input_space="ACEScg", grain=0.0))

    wanted = phos.develop(light, encoding="linear", grain=0.0)
    assert np.abs(tifffile.imread(tmp_path / "a.tif") / 65535.0 - wanted).max() < 2e-4


def test_a_function_cannot_be_kept_and_is_refused_before_the_work(tmp_path, log_file):
    recipe = Recipe(input_space=lambda pixels: pixels / np.float32(65535))

    with pytest.raises(SidecarError, match="a function as input_space"):
        develop_file(log_file, tmp_path / "out.tif", recipe)
    with pytest.raises(PresetError, match="a function as input_space"):
        preset_text({"input_space": recipe.input_space})
    assert not (tmp_path / "out.tif").exists()

    develop_file(log_file, tmp_path / "out.tif", recipe, sidecar=False)
    assert (tmp_path / "out.tif").exists()


def test_a_preset_keeps_a_space_and_a_matrix(tmp_path, monkeypatch):
    from phos_darkroom import load_preset, save_preset

    monkeypatch.setenv("PHOS_PRESETS", str(tmp_path))
    matrix = ((0.5, 0.25, 0.25), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    save_preset("log", {"input_space": "ARRI LogC4"})
    save_preset("wide", {"encoding": "linear", "primaries": matrix})

    assert load_preset("log") == {"input_space": "ARRI LogC4"}
    assert Recipe(**load_preset("wide")).primaries == matrix


# At the shell.


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_phos_spaces_lists_those_that_hold_the_words():
    found = run("spaces", "sony", "cine")

    assert found.exit_code == 0
    names = [line.split("  ")[0] for line in found.stdout.splitlines()[1:]]
    assert {"S-Log3 S-Gamut3.Cine", "Linear S-Gamut3.Cine"} <= set(names)
    assert all("Cine" in name for name in names)


def test_phos_spaces_lists_the_cores_own_even_without_opencolorio(monkeypatch):
    found = run("spaces", "rec2100")
    assert "rec2100-pq" in found.stdout
    assert "hdr" in found.stdout
    monkeypatch.setitem(sys.modules, "PyOpenColorIO", None)
    monkeypatch.setattr("phos_darkroom.shell.spaces.find_spec", lambda _: None)

    found = run("spaces", "rec2100")

    assert found.exit_code == 0
    assert "rec2100-hlg" in found.stdout
    assert "phos-darkroom[spaces]" in found.stderr


def test_ocio_brings_a_configuration_for_one_command_alone(tmp_path, configured, monkeypatch):
    import os

    path = configured(ACES + XYZ)
    monkeypatch.delenv("OCIO")

    assert "film log" in run("spaces", "--ocio", path, "film").stdout
    assert "OCIO" not in os.environ
    assert "film log" not in run("spaces", "film").stdout


def test_a_wrong_space_is_one_line_before_anything_is_written(tmp_path, log_file):
    out = tmp_path / "out.png"

    ended = run("develop", log_file, "-o", out, "--input-space", "LogC5")

    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1
    assert "unknown colour space 'LogC5'; did you mean 'ARRI LogC4'" in ended.stderr
    assert not out.exists()


def test_a_space_beside_an_encoding_is_refused_by_the_names_of_the_options(tmp_path, log_file):
    ended = run(
        "develop", log_file, "-o", tmp_path / "out.png", "--input-space", "LogC4",
        "--encoding", "linear",
    )  # fmt: skip

    assert ended.exit_code == 2
    assert "--encoding must be left out beside --input-space" in ended.stderr


def test_the_page_of_spaces_has_the_greys_that_are_measured():
    page = (ROOT / "docs" / "spaces.md").read_text(encoding="utf-8")

    for row in bench.grey_rows():
        assert row in page
