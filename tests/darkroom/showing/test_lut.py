"""Lookup tables: exact at their entries, close between them, and honest about what they lack."""

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_core.color import decode_srgb
from phos_core.errors import ImageFileError
from phos_darkroom.files.image_files import read_image
from phos_darkroom.shell.main import main
from phos_darkroom.showing.luts import apply_lut, hald_image, make_lut, notes_of, write_table


def identity(size):
    steps = np.linspace(0.0, 1.0, size)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)


def read_cube(path):
    """Read a .cube file by its rules: a size, then triples, red fastest."""
    keywords, triples = {}, []
    for line in path.read_text(encoding="ascii").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0][0].isalpha():
            assert not triples, "keywords come before the table"
            keywords[words[0]] = line.partition(" ")[2]
        else:
            triples.append([float(word) for word in words])
    size = int(keywords["LUT_3D_SIZE"])
    assert len(triples) == size**3
    return keywords, np.array(triples).reshape(size, size, size, 3)  # blue, green, red


def colours(rng, count=3000):
    return rng.random((1, count, 3)).astype(np.float32)


def difference(one, other):
    """CIEDE2000 between two arrays of sRGB-coded floats."""
    return deltaE_ciede2000(rgb2lab(one.astype(float)), rgb2lab(other.astype(float)))


@pytest.mark.parametrize("film", ["portra-400", "velvia-50", "tri-x-400"])
def test_at_its_entries_a_table_is_what_develop_makes(film):
    lut = make_lut(phos.Recipe(film=film), size=5)
    entries = identity(5).astype(np.float32).reshape(1, -1, 3)
    positive = phos.develop(entries, film, mode="colour")
    assert np.abs(lut.reshape(1, -1, 3) - positive).max() < 2e-6
    assert lut.dtype == np.float32


@pytest.mark.parametrize("film", ["portra-400", "cinestill-800t", "velvia-50", "hp5-plus"])
def test_between_its_entries_a_table_is_close_to_develop(film, rng):
    given_colours = colours(rng)
    positive = phos.develop(given_colours, film, mode="colour")
    apart = {
        size: difference(apply_lut(given_colours, make_lut(phos.Recipe(film=film), size)), positive)
        for size in (17, 33, 65)
    }
    assert apart[33].mean() < 0.1
    assert apart[33].max() < 2.5
    assert apart[65].max() < 1.0
    assert apart[65].mean() < apart[33].mean() < apart[17].mean()


def test_the_colour_mode_looks_at_no_neighbour(rng):
    """What a table can hold is what this mode does: pixels may change places before or after."""
    pixels = colours(rng, 2304).reshape(48, 48, 3)
    places = rng.permutation(2304)
    settings = {"mode": "colour", "pixel_pitch_um": 2.0}
    moved = pixels.reshape(-1, 3)[places].reshape(48, 48, 3)
    developed = phos.develop(pixels, "portra-400", **settings).reshape(-1, 3)
    developed_moved = phos.develop(moved, "portra-400", **settings).reshape(-1, 3)
    assert np.abs(developed_moved - developed[places]).max() < 2e-6


def test_what_is_no_colour_has_no_part_in_a_table():
    plain = make_lut(phos.Recipe(), size=4)
    other = phos.Recipe(
        seed=4, frame=2, film_format="super-16", grain=3.0, halation=0.0, scatter=0.5
    )
    assert np.array_equal(make_lut(other, size=4), plain)


def test_half_of_a_look_is_half_of_the_light_between_a_table_and_no_table():
    none, half, whole = (
        decode_srgb(make_lut(phos.Recipe(film="velvia-50", strength=strength), size=5))
        for strength in (0.0, 0.5, 1.0)
    )
    np.testing.assert_allclose(half, (none + whole) / 2, atol=2e-6)
    np.testing.assert_allclose(none, decode_srgb(identity(5)), atol=2e-6)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("common", "setting"),
    [
        ({}, {"film": "gold-200"}),
        ({}, {"exposure_stops": 1.0}),
        ({}, {"exposure_index": 200.0}),
        ({}, {"light": 3200.0}),
        ({"film": "tri-x-400"}, {"push_stops": 1.0}),
        ({"film": "hp5-plus"}, {"exposure_time_s": 30.0}),
        ({}, {"printing": "endura-premier"}),
        ({"printing": "endura-premier"}, {"print_stops": 0.3}),
        ({"printing": "endura-premier"}, {"filters_cc": (0.0, 10.0, 0.0)}),
        ({}, {"black_point": -4.0}),
        ({}, {"white_point": 3.0}),
        ({}, {"couplers": 0.0}),
        ({}, {"primaries": "display-p3"}),
    ],
    ids=lambda settings: "-".join(settings),
)
def test_every_setting_that_acts_on_colour_is_in_the_table(common, setting):
    lut = make_lut(phos.Recipe(**common, **setting), size=5)
    assert np.abs(lut - make_lut(phos.Recipe(**common), size=5)).max() > 0.004
    grid = identity(5).astype(np.float32).reshape(1, -1, 3)
    positive = phos.develop(grid, mode="colour", **common, **setting)
    assert np.abs(lut.reshape(1, -1, 3) - positive).max() < 2e-6


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"auto_balance": True}, "one table serves every picture"),
        ({"mode": "texture"}, "from point to point"),
        ({"encoding": "linear"}, "no upper end"),
        ({"encoding": "display"}, "codes or scene light"),
    ],
)
def test_what_no_table_can_hold_is_refused_with_a_reason(setting, reason):
    with pytest.raises(ValueError, match=reason):
        make_lut(phos.Recipe(**setting), size=4)


@pytest.mark.parametrize("size", [1, 130, -3])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match=f"between 2 and 129, got {size}"):
        make_lut(phos.Recipe(), size)


def test_a_size_that_is_no_whole_number_is_refused():
    with pytest.raises(TypeError, match=r"size must be a whole number, got 33\.0"):
        make_lut(phos.Recipe(), 33.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("size", [2, 3, 17])
def test_a_table_that_changes_nothing_keeps_every_code(rng, dtype, size):
    codes = rng.random((7, 9, 3)).astype(dtype)
    if np.dtype(dtype).kind == "u":
        codes = rng.integers(0, np.iinfo(dtype).max, (7, 9, 3), dtype, endpoint=True)
    same = apply_lut(codes, identity(size))
    assert same.dtype == dtype
    assert np.abs(same.astype(float) - codes).max() <= (0 if codes.dtype.kind == "u" else 1e-6)


@given(red=st.floats(0, 1), green=st.floats(0, 1), blue=st.floats(0, 1))
def test_a_linear_change_of_colour_is_kept_exactly(red, green, blue):
    matrix = np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.3, 0.3, 0.4]])
    colour = np.array([red, green, blue])
    mixed = apply_lut(colour, identity(6) @ matrix.T)
    assert mixed == pytest.approx(matrix @ colour, abs=1e-12)


def test_greys_are_mixed_of_greys_alone(rng):
    lut = rng.random((5, 5, 5, 3))
    diagonal = np.arange(5)
    greys = np.repeat(np.linspace(0, 1, 101)[:, np.newaxis], 3, axis=1)
    expected = [
        np.interp(greys[:, 0], diagonal / 4, lut[diagonal, diagonal, diagonal, channel])
        for channel in range(3)
    ]
    assert apply_lut(greys, lut) == pytest.approx(np.stack(expected, axis=-1), abs=1e-12)


def test_what_lies_beyond_is_held_at_the_ends():
    beyond = np.array([[-0.5, 0.5, 1.5]])
    assert apply_lut(beyond, identity(3)) == pytest.approx(np.array([[0.0, 0.5, 1.0]]))


@pytest.mark.parametrize(
    ("image", "lut", "error", "words"),
    [
        (np.zeros((2, 2, 3), np.int32), identity(2), TypeError, "int32"),
        (np.zeros((2, 2)), identity(2), ValueError, r"got \(2, 2\)"),
        (np.zeros((2, 3)), np.zeros((2, 3, 2, 3)), ValueError, r"n, n, n, 3"),
        (np.zeros((2, 3)), np.full((2, 2, 2, 3), np.nan), ValueError, "lut must be finite"),
        (np.full((2, 3), np.inf), identity(2), ValueError, "image must be finite"),
    ],
)
def test_what_cannot_be_looked_up_is_refused(image, lut, error, words):
    with pytest.raises(error, match=words):
        apply_lut(image, lut)


def test_a_cube_file_holds_the_table_with_red_fastest(tmp_path, rng):
    lut = rng.random((4, 4, 4, 3))
    path = tmp_path / "film.cube"
    write_table(path, lut, 'A "film" – of µ', ["one line", "two\nlines"])
    keywords, table = read_cube(path)
    assert np.abs(table.transpose(2, 1, 0, 3) - lut).max() <= 5.1e-7
    assert keywords["TITLE"] == "\"A 'film' ? of ?\""
    assert keywords["DOMAIN_MIN"] == "0.0 0.0 0.0"
    assert keywords["DOMAIN_MAX"] == "1.0 1.0 1.0"
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert comments == ["# one line", "# two", "# lines"]


def test_another_program_finds_the_same_colours_in_the_file(tmp_path, rng):
    """Pillow interpolates trilinearly, from a table in the file's own order."""
    lut = make_lut(phos.Recipe(film="ektar-100"), size=33)
    write_table(tmp_path / "film.cube", lut)
    _, table = read_cube(tmp_path / "film.cube")
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    theirs = Image.fromarray(image).filter(
        ImageFilter.Color3DLUT(33, table.reshape(-1).astype(np.float32))
    )
    assert np.abs(np.asarray(theirs).astype(int) - apply_lut(image, lut)).max() <= 6
    developed = phos.develop(image, "ektar-100", mode="colour")
    assert np.abs(np.asarray(theirs).astype(int) - developed).mean() < 0.3


def test_open_color_io_reads_the_file_and_interpolates_the_same(tmp_path, rng):
    oiio = pytest.importorskip("OpenImageIO", reason="has OpenColorIO within")
    lut = make_lut(phos.Recipe(film="ektar-100"), size=9)
    write_table(tmp_path / "film.cube", lut, "Ektar", notes_of(phos.Recipe(film="ektar-100")))
    image = rng.random((5, 7, 3)).astype(np.float32)
    buffer = oiio.ImageBuf(oiio.ImageSpec(7, 5, 3, "float"))
    buffer.set_pixels(oiio.ROI(0, 7, 0, 5, 0, 1, 0, 3), image)
    theirs = oiio.ImageBufAlgo.ociofiletransform(buffer, str(tmp_path / "film.cube"))
    assert np.abs(theirs.get_pixels(oiio.FLOAT) - apply_lut(image, lut)).max() < 2e-6


def test_a_cube_file_is_replaced_only_on_request(tmp_path):
    path = tmp_path / "film.cube"
    write_table(path, identity(2))
    before = path.read_bytes()
    with pytest.raises(ImageFileError, match="exists already"):
        write_table(path, identity(3))
    assert path.read_bytes() == before
    write_table(path, identity(3), overwrite=True)
    assert read_cube(path)[0]["LUT_3D_SIZE"] == "3"
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.cube"]


def test_a_hald_clut_reads_red_first_then_green_then_blue():
    picture = hald_image(identity(4))
    assert picture.shape == (8, 8, 3)
    assert picture.dtype == np.uint16
    step = 65535 // 3
    assert picture.reshape(-1, 3)[1].tolist() == [step, 0, 0]
    assert picture.reshape(-1, 3)[4].tolist() == [0, step, 0]
    assert picture.reshape(-1, 3)[16].tolist() == [0, 0, step]


def test_a_hald_clut_needs_a_square():
    with pytest.raises(ValueError, match=r"64 \(level 8\), got 33"):
        hald_image(identity(33))


def test_the_notes_name_the_film_its_settings_and_what_a_table_lacks():
    notes = "\n".join(notes_of(phos.Recipe(film="gold-200", light=5500, couplers=0.5, grain=0)))
    assert "Kodak Gold 200 (gold-200)" in notes
    assert "Settings: light 5500.0, couplers 0.5" in notes
    assert "seed" not in notes
    lacking = notes.partition("It cannot hold")[2]
    for word in ("grain", "halation", "scatter", "sharpness", "couplers", "micrometres", "white"):
        assert word in lacking
    assert "Settings: none but the film" in "\n".join(notes_of(phos.Recipe(seed=3)))


def run(*arguments):
    return CliRunner().invoke(main, ["lut", *(str(argument) for argument in arguments)])


def test_the_command_writes_what_python_makes(tmp_path):
    path = tmp_path / "x.cube"
    result = run("--film", "velvia-50", "--exposure", -0.5, "--size", 5, "-o", path)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{path}\n"
    keywords, table = read_cube(path)
    expected = make_lut(phos.Recipe(film="velvia-50", exposure_stops=-0.5), size=5)
    assert np.abs(table.transpose(2, 1, 0, 3) - expected).max() < 1e-6
    assert keywords["TITLE"] == '"Fujichrome Velvia 50"'
    assert "# Settings: exposure_stops -0.5" in path.read_text()


def test_the_command_makes_33_entries_unless_told(tmp_path):
    path = tmp_path / "x.cube"
    assert run("-o", path, "--title", "Mine").exit_code == 0
    assert read_cube(path)[0]["LUT_3D_SIZE"] == "33"
    assert read_cube(path)[0]["TITLE"] == '"Mine"'


def test_the_command_writes_a_hald_clut_of_16_bits(tmp_path):
    path = tmp_path / "x.png"
    result = run("-o", path, "--film", "ektar-100")
    assert result.exit_code == 0, result.stderr
    expected = hald_image(make_lut(phos.Recipe(film="ektar-100"), size=64))
    assert np.array_equal(read_image(path), expected)
    assert expected.shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "x.txt"), "must end in .cube, .clf, .csp, or in .png"),
        (("-o", "there.cube"), "--overwrite replaces it"),
        (("-o", "x.cube", "--auto-balance"), "one table serves every picture"),
        (("-o", "x.cube", "--mode", "texture"), "from point to point"),
        (("-o", "x.png", "--size", 4, "--encoding", "linear"), "cannot be for linear light"),
        (("-o", "x.cube", "--size", 4, "--encoding", "display"), "codes or scene light"),
        (("-o", "x.cube", "--level", 8), "--level is that of a Hald CLUT"),
        (("-o", "x.cube", "--size", 1), "between 2 and 129, got 1"),
        (("-o", "x.png", "--size", 33), "square of a whole number"),
        (("-o", "missing/x.cube"), "cannot write"),
    ],
)
def test_the_command_refuses_in_one_line_and_writes_nothing(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.cube").write_text("mine")
    result = run(*options)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("phos: ")
    assert words in line
    assert [path.name for path in tmp_path.iterdir()] == ["there.cube"]
    assert (tmp_path / "there.cube").read_text() == "mine"


def test_help_says_what_a_table_cannot_hold():
    told = " ".join(run("--help").stdout.split())
    assert "cannot hold grain, halation, scatter" in told
    assert "those that act on colour are in the table" in told


def test_the_command_begins_with_a_presets_settings(tmp_path):
    preset = tmp_path / "mine.toml"
    preset.write_text(
        'phos_preset = 2\n[settings]\nfilm = "gold-200"\nexposure_stops = 1.0\ngrain = 0.5\n'
    )
    path = tmp_path / "x.cube"
    result = run("--preset", preset, "--exposure", 0.5, "--size", 3, "-o", path)
    assert result.exit_code == 0, result.stderr
    expected = make_lut(phos.Recipe(film="gold-200", exposure_stops=0.5), size=3)
    assert np.abs(read_cube(path)[1].transpose(2, 1, 0, 3) - expected).max() < 1e-6
