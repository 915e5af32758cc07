"""Before and after in one picture: codes that are not scaled stay, shapes meet."""

import numpy as np
import pytest
from click.testing import CliRunner

from phos_darkroom.files.image_files import read_image, write_image
from phos_darkroom.files.picture import Picture
from phos_darkroom.shell.main import main
from phos_darkroom.showing.before_after import beside, divided


@pytest.fixture
def pair(rng):
    return [rng.integers(0, 256, (40, 600, 3), np.uint8) for _ in range(2)]


def test_side_by_side_both_keep_every_code_and_a_white_gap_parts_them(pair):
    before, after = pair
    both = beside(before, after)
    gap = both.shape[1] - 1200
    assert gap == 7
    assert np.array_equal(both[:, :600], before)
    assert np.array_equal(both[:, -600:], after)
    assert np.all(both[:, 600:-600] == 255)


def test_side_by_side_the_whole_is_as_wide_as_asked(pair):
    both = beside(*pair, width_px=401)
    assert both.shape[1] == 401
    assert np.all(both[:, 200:201] == 255)


def test_side_by_side_the_higher_one_is_made_as_low_as_the_other(pair):
    both = beside(pair[0], np.full((80, 100, 3), 77, np.uint8))
    assert both.shape == (40, 600 + 50 + 4, 3)
    assert np.all(both[:, -50:] == 77)


def test_divided_the_left_half_is_before_and_the_right_half_after(pair):
    before, after = pair
    shown = divided(before, after)
    assert shown.shape == before.shape
    assert np.array_equal(shown[:, :298], before[:, :298])
    assert np.array_equal(shown[:, 302:], after[:, 302:])
    assert np.all(shown[:, 298:302] == 255)


def test_divided_the_larger_one_is_made_as_small_as_the_other(pair):
    large = np.full((80, 1201, 3), 50, np.uint8)
    shown = divided(pair[0], large)
    assert shown.shape == (40, 600, 3)
    assert np.all(shown[:, 302:] == 50)
    assert divided(large, pair[0], width_px=300).shape == (20, 300, 3)


def test_grey_and_colour_and_16_bits_meet(pair):
    grey = np.full((40, 600), 30_000, np.uint16)
    both = beside(grey, pair[1])
    assert np.ptp(both[:, :600], axis=2).max() == 0
    assert np.array_equal(both[:, -600:], pair[1])


@pytest.mark.parametrize("join", [beside, divided])
def test_a_raw_picture_before_is_as_bright_as_its_light(join):
    """Scene-linear codes of 16 bits; a fifth of white is sRGB's code 124."""
    before = Picture(pixels=np.full((16, 24, 3), 13_107, np.uint16), encoding="linear")
    joined = join(before, np.full((16, 24, 3), 124, np.uint8))
    np.testing.assert_array_equal(joined[:, 0], 124)
    np.testing.assert_array_equal(joined[:, -1], 124)


def test_other_shapes_cannot_be_divided(pair):
    with pytest.raises(ValueError, match=r"600 x 40 and 60 x 40 pixels; side by side"):
        divided(pair[0], pair[1][:, :60])


@pytest.mark.parametrize("join", [beside, divided])
def test_a_width_without_room_is_refused(pair, join):
    with pytest.raises(ValueError, match="must leave room"):
        join(*pair, width_px=3)


def run(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture
def files(tmp_path, pair):
    paths = tmp_path / "before.png", tmp_path / "after.png"
    for path, picture in zip(paths, pair, strict=True):
        write_image(path, picture)
    return paths


def test_the_command_writes_what_python_makes(tmp_path, files, pair):
    out = tmp_path / "both.png"
    result = run(*files, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}\n"
    assert np.array_equal(read_image(out), beside(*pair))
    assert run(*files, "-o", out, "--split", "vertical", "--overwrite").exit_code == 0
    assert np.array_equal(read_image(out), divided(*pair))
    assert run(*files, "-o", out, "--width", 100, "--overwrite").exit_code == 0
    assert read_image(out).shape[1] == 100


def test_the_command_replaces_nothing_unasked_and_needs_two_pictures(tmp_path, files):
    before = files[0].read_bytes()
    result = run(*files, "-o", files[0])
    assert result.exit_code == 2
    assert result.stderr == f"phos: {files[0]} exists already; --overwrite replaces it\n"
    assert files[0].read_bytes() == before
    result = run(files[0], tmp_path / "none.png", "-o", tmp_path / "both.png")
    assert result.exit_code == 2
    assert "none.png" in result.stderr
    assert not (tmp_path / "both.png").exists()
