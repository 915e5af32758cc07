"""Tables of log and linear spaces, read back by OpenColorIO: close to develop in their space."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_darkroom.files.image_files import read_image
from phos_darkroom.shell.main import main
from phos_darkroom.showing.luts import (
    Shaper,
    Table,
    accuracy_of,
    hald_image,
    make_layer_table,
    make_lut,
    make_table,
    resampled,
    write_table,
)
from phos_darkroom.showing.luts.accuracy import errors_between, lightness_of, sample_colours
from phos_darkroom.showing.luts.difference import ciede2000, lab_of
from phos_darkroom.showing.luts.light import scene_light_of

TO_SRGB = np.array([[1.7, -0.6, -0.1], [-0.15, 1.2, -0.05], [-0.02, -0.13, 1.15]])


def log_space(pixels):
    """A camera's log coding of 14 stops, in primaries wider than sRGB's."""
    light = 0.18 * 2.0 ** (14.0 * pixels - 8.0) - 0.18 * 2.0**-8.0
    return (light @ TO_SRGB.T).astype(np.float32)


def linear_space(pixels):
    return (pixels @ TO_SRGB.T).astype(np.float32)


SPACES = {"log": log_space, "linear": linear_space}


@pytest.fixture
def ocio():
    return pytest.importorskip("PyOpenColorIO", reason="OpenColorIO is not installed")


def read_back(ocio, path, colours):
    """Look colours up by OpenColorIO's own reader and processor."""
    transform = ocio.FileTransform(str(path), interpolation=ocio.INTERP_TETRAHEDRAL)
    processor = ocio.Config.CreateRaw().getProcessor(transform)
    found = np.ascontiguousarray(colours, np.float32).copy()
    processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS).applyRGB(found)
    return found


def developed(colours, recipe):
    picture = colours.astype(np.float32).reshape(64, -1, 3)
    positives = phos.develop(picture, recipe.film, input_space=recipe.input_space, mode="colour")
    return positives.reshape(-1, 3)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("film", "most"), [("portra-400", 0.05), ("velvia-50", 0.08)])
def test_a_clf_of_65_entries_read_by_open_color_io_is_close_to_develop(
    ocio, tmp_path, space, film, most
):
    recipe = phos.Recipe(film=film, input_space=SPACES[space])
    write_table(tmp_path / "film.clf", make_layer_table(recipe, 65))
    colours = sample_colours(recipe)
    positives = developed(colours, recipe)
    errors = errors_between(read_back(ocio, tmp_path / "film.clf", colours), positives, recipe)
    assert errors.mean() < most
    assert errors.max() < 1.5
    lightness = lightness_of(positives, recipe)
    for part in (lightness < 25.0, lightness > 75.0):
        assert errors[part].mean() < most + 0.02


@pytest.mark.parametrize("ending", [".cube", ".csp", ".clf"])
@pytest.mark.parametrize("space", ["", *SPACES])
def test_open_color_io_finds_in_each_file_what_the_table_holds(ocio, tmp_path, ending, space):
    recipe = phos.Recipe(film="ektar-100", input_space=SPACES.get(space, ""))
    table = (make_layer_table if ending == ".clf" else make_table)(recipe, 9)
    path = tmp_path / f"film{ending}"
    write_table(path, table, "Ektar <&> 100", ["one & two", "", "three"])
    colours = np.concatenate([sample_colours(recipe, 300), [[-0.1] * 3, [70.0, 0.5, 0.0]]])
    assert np.abs(read_back(ocio, path, colours) - table.look_up(colours)).max() < 2e-3


@pytest.mark.parametrize("space", SPACES)
def test_along_the_films_layers_a_table_is_closer_than_along_the_pictures_axes(space):
    recipe = phos.Recipe(film="velvia-50", input_space=SPACES[space])
    own, layers = (
        accuracy_of(make(recipe, 33), recipe).everywhere for make in (make_table, make_layer_table)
    )
    assert layers.largest < 0.5 * own.largest
    assert layers.mean < own.mean


def test_a_table_is_exact_at_its_entries_in_log_codes():
    recipe = phos.Recipe(film="gold-200", input_space=log_space)
    entries = make_lut(recipe, 4)
    steps = np.linspace(0.0, 1.0, 4)
    codes = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    assert np.abs(entries.reshape(-1, 3) - developed(codes, recipe)).max() < 2e-6


def test_exposure_is_in_a_table_of_the_layers():
    recipe = phos.Recipe(film="velvia-50", input_space=log_space, exposure_stops=1.5)
    assert accuracy_of(make_layer_table(recipe, 33), recipe).near_grey.mean < 0.3


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (phos.Recipe(film="tri-x-400", input_space=log_space), "one layer"),
        (phos.Recipe(), "codes of a display"),
        (phos.Recipe(input_space=lambda pixels: pixels[..., ::-1] ** 2 + pixels), "no curve"),
    ],
)
def test_without_three_layers_or_a_curve_and_a_matrix_the_axes_are_the_pictures_own(recipe, reason):
    assert make_layer_table(recipe, 5).matrix is None, reason


def test_a_log_space_is_found_to_be_a_curve_and_a_matrix():
    curve, matrix = scene_light_of(phos.Recipe(input_space=log_space)).curve_and_matrix()
    assert matrix == pytest.approx(TO_SRGB, abs=1e-4)
    assert curve[-1] == pytest.approx(0.18 * (2.0**6 - 2.0**-8), rel=1e-5)
    curve, matrix = scene_light_of(phos.Recipe(input_space=linear_space)).curve_and_matrix()
    assert curve is None
    assert matrix == pytest.approx(TO_SRGB, abs=1e-6)


@given(x=st.floats(-20.0, 70.0), low=st.sampled_from([0.0, -4.0]))
def test_a_shaper_rises_holds_its_ends_and_comes_back(x, low):
    zero = 0.25 if low else 0.0
    shaper = Shaper(low=low, high=64.0, toe=0.01, toe_below=0.2, zero=zero)
    place = shaper.place(np.array([x, x + 0.1]))
    assert 0.0 <= place[0] <= place[1] <= 1.0 + 1e-12
    assert shaper.light(place)[0] == pytest.approx(min(max(x, low), 64.0), abs=1e-9)
    assert shaper.place(np.array([low, 0.0, 64.0])) == pytest.approx([0.0, zero, 1.0])


def test_a_linear_table_holds_light_above_white():
    recipe = phos.Recipe(film="portra-400", encoding="linear", primaries="rec2020")
    table = make_table(recipe, 33)
    bright = np.repeat([[8.0, 8.0, 8.0]], 64, axis=0)
    expected = phos.develop(
        bright[np.newaxis].astype(np.float32), encoding="linear", primaries="rec2020", mode="colour"
    )
    assert np.abs(table.look_up(bright) - expected[0]).max() < 2e-3


def test_the_difference_is_ciede2000(rng):
    one, other = rng.random((2, 3000, 3))
    labs = [rgb2lab(colours) for colours in (one, other)]
    assert ciede2000(*labs) == pytest.approx(deltaE_ciede2000(*labs), abs=1e-9)
    light = np.where(one <= 0.04045, one / 12.92, ((one + 0.055) / 1.055) ** 2.4)
    assert lab_of(light) == pytest.approx(labs[0], abs=0.02)


def test_accuracy_is_that_of_the_table_given():
    recipe = phos.Recipe(film="ektar-100")
    coarse, fine = (accuracy_of(make_table(recipe, size), recipe) for size in (5, 33))
    assert fine.everywhere.mean < 0.1 * coarse.everywhere.mean
    black = Table(entries=np.zeros((2, 2, 2, 3), np.float32))
    assert accuracy_of(black, recipe).highlights.mean > 50.0


@pytest.mark.parametrize("level", [2, 3, 6])
def test_a_hald_clut_of_any_level_holds_a_tables_colours(level):
    steps = np.linspace(0.0, 1.0, 5)
    identity = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    picture = hald_image(resampled(Table(entries=identity), level**2))
    assert picture.shape == (level**3, level**3, 3)
    assert picture.reshape(-1, 3)[1].tolist() == [round(65535 / (level**2 - 1)), 0, 0]
    assert picture[-1, -1].tolist() == [65535] * 3


def test_a_clf_is_xml_of_the_right_order_and_sizes(tmp_path):
    recipe = phos.Recipe(film="velvia-50", input_space=log_space)
    write_table(tmp_path / "x.clf", make_layer_table(recipe, 5), "Velvia", ["<&>"])
    root = ET.parse(tmp_path / "x.clf").getroot()
    assert root.attrib["compCLFversion"] == "3"
    assert root.find("Description").text == "<&>"
    operators = [one for one in root if one.find("Array") is not None]
    assert [one.tag for one in operators] == ["LUT1D", "Matrix", "LUT1D", "LUT3D"]
    for one in operators:
        array = one.find("Array")
        dim = [int(number) for number in array.attrib["dim"].split()]
        wanted = dim[0] * dim[1] if len(dim) == 2 else dim[0] ** 3 * 3
        assert len(array.text.split()) == wanted


@pytest.mark.parametrize("ending", [".cube", ".csp"])
def test_a_file_that_cannot_hold_a_matrix_refuses_one(tmp_path, ending):
    table = make_layer_table(phos.Recipe(film="velvia-50", input_space=log_space), 5)
    with pytest.raises(ValueError, match=r"which has a matrix: write a \.clf"):
        write_table(tmp_path / f"x{ending}", table)
    assert not list(tmp_path.iterdir())


def test_a_hald_clut_holds_no_unbounded_light():
    table = make_table(phos.Recipe(film="velvia-50", output_space="acescg"), 4)
    with pytest.raises(ValueError, match="cannot give unbounded light"):
        hald_image(table)


def run(*arguments):
    return CliRunner().invoke(main, ["lut", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize("ending", [".cube", ".csp", ".clf"])
def test_the_command_prints_the_accuracy_and_writes_it_into_the_file(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    result = run("--film", "velvia-50", "--encoding", "linear", "--size", 5, "-o", path)
    assert result.exit_code == 0, result.stderr
    assert "CIEDE2000" in result.stderr
    text = path.read_text()
    for line in result.stderr.splitlines():
        assert line.removeprefix("phos: ") in text
    assert "Input: linear, primaries srgb, light from 0 to 64. Output: srgb." in text


def test_the_command_makes_a_hald_clut_of_the_level_asked_for(tmp_path):
    path = tmp_path / "x.png"
    assert run("-o", path, "--level", 3, "--size", 5).exit_code == 0
    assert read_image(path).shape == (27, 27, 3)


def test_the_command_takes_a_space_by_name(ocio, tmp_path):
    path = tmp_path / "x.cube"
    result = run("--input-space", "S-Log3 S-Gamut3.Cine", "--size", 5, "-o", path)
    assert result.exit_code == 0, result.stderr
    assert "# Input: S-Log3 S-Gamut3.Cine. Output: srgb." in path.read_text()


@pytest.mark.parametrize("name", ["rec2100-pq", "rec2100-hlg"])
def test_a_table_for_hdr_is_measured_by_the_light_of_its_codes(name):
    recipe = phos.Recipe(film="portra-400", input_space="ARRI LogC4", output_space=name)
    table = make_layer_table(recipe, 33, "scipy")
    accuracy = accuracy_of(table, recipe, "scipy")
    assert table.entries.max() > 0.72  # the peak is 0.75 in PQ, and 1 in HLG
    assert 0.0 < accuracy.near_grey.mean < 0.5
    codes = np.full((4, 3), 0.58)  # white in PQ, three quarters of it in light
    brighter = errors_between(codes, codes * 1.01, recipe)
    assert brighter.min() > 0.5  # as light 1.01 times as bright would not be
