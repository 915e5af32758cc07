"""``phos develop`` of cameras' raw files: their options, what a sidecar keeps, what is refused."""

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from phos_core import Recipe
from phos_darkroom import RawSettings, develop_file, read_picture
from phos_darkroom.files.image_files import read_image
from phos_darkroom.roll import develop_frames, frames_of
from phos_darkroom.settings.sidecar import path_for, read
from phos_darkroom.shell.main import main

pytest.importorskip("rawpy", reason="the extra phos-darkroom[raw] is not installed")

GIVEN = {
    "white_balance": (2.0, 1.0, 1.5),
    "highlights": "rebuild",
    "raw_exposure_stops": 0.5,
    "black_level": 3,
    "white_level": 60_000,
}
OPTIONS = (
    *("--white-balance", "2,1,1.5", "--raw-highlights", "rebuild", "--raw-exposure", "0.5"),
    *("--black-level", "3", "--white-level", "60000"),
)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def camera(tmp_path):
    """A DNG of a camera that sees linear sRGB: noise around a grey."""
    kept = np.random.default_rng(7).integers(5_000, 9_000, (48, 64)).astype(np.uint16)
    matrix = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.204, 1.057]
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "phos synthetic"),
        (33421, "H", 2, (2, 2)),
        (33422, "B", 4, (0, 1, 1, 2)),
        (50721, "2i", 9, [part for number in matrix for part in (round(number * 1e4), 10_000)]),
        (50778, "H", 1, 21),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 1)),  # AsShotNeutral
        (50717, "I", 1, 65_535),
        (306, "s", 0, "2024:05:06 07:08:09"),
    ]
    path = tmp_path / "camera.dng"
    tags = [(*tag, True) for tag in tags]
    tifffile.imwrite(path, kept, photometric=32803, extratags=tags, metadata=None)
    return path


def test_the_options_of_raw_files_are_the_settings_of_python(tmp_path, camera):
    by_shell, by_python = tmp_path / "a.png", tmp_path / "b.png"
    result = run("develop", camera, "-o", by_shell, "--backend", "scipy", *OPTIONS)
    assert result.exit_code == 0, result.stderr
    develop_file(camera, by_python, read(path_for(by_shell)).recipe, backend="scipy",
                 raw=RawSettings(**GIVEN))  # fmt: skip
    assert by_shell.read_bytes() == by_python.read_bytes()
    assert read_image(by_shell).dtype == np.uint16
    usual = tmp_path / "c.png"
    assert run("develop", camera, "-o", usual, "--backend", "scipy").exit_code == 0
    assert not np.array_equal(read_image(usual), read_image(by_shell))


def test_a_sidecar_makes_the_positive_of_a_raw_file_again(tmp_path, camera):
    first, again = tmp_path / "a.png", tmp_path / "b.png"
    assert run("develop", camera, "-o", first, "--backend", "scipy", *OPTIONS).exit_code == 0
    assert read(path_for(first)).raw == RawSettings(**GIVEN)
    result = run("develop", "--from-sidecar", path_for(first), "-o", again)
    assert result.exit_code == 0, result.stderr
    assert first.read_bytes() == again.read_bytes()


def test_a_roll_continues_only_with_the_same_settings_of_raw_files(tmp_path, camera):
    def statuses(**settings):
        raw = RawSettings(**settings)
        frames = frames_of([camera], tmp_path / "out", Recipe(), raw=raw)
        results = develop_frames(frames, jobs=1, backend="scipy", skip_existing=True)
        return [result.status for result in results]

    assert statuses(highlights="clip") == ["developed"]
    assert statuses(highlights="clip") == ["already done"]
    assert statuses(highlights="rebuild") == ["skipped"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--white-balance", "auto", "--white-balance must be as-shot, daylight"),
        ("--white-balance", "90", "--white-balance must have a temperature from 1500 to 15000"),
        ("--raw-exposure", "9", "--raw-exposure must lie between -5 and 5, got 9"),
        ("--black-level", "-1", "--black-level must lie between 0 and 65534, got -1"),
    ],
)
def test_a_wrong_option_is_one_line_with_its_name(tmp_path, camera, option, value, message):
    result = run("develop", camera, "-o", tmp_path / "a.png", option, value)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line
    assert not (tmp_path / "a.png").exists()


def test_a_sidecar_and_an_option_of_raw_files_exclude_each_other(tmp_path, camera):
    first = tmp_path / "a.png"
    assert run("develop", camera, "-o", first, "--backend", "scipy").exit_code == 0
    result = run("develop", "--from-sidecar", path_for(first), "--raw-exposure", "1")
    assert result.exit_code == 2
    assert "without --raw-exposure" in result.stderr


def test_other_files_do_not_ask_for_settings_of_raw_files(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((8, 8, 3), 90, np.uint8))
    usual = read_picture(tmp_path / "a.tif")
    given = read_picture(tmp_path / "a.tif", raw=RawSettings(**GIVEN), half_size=True)
    assert np.array_equal(usual.pixels, given.pixels)
