"""Where ``phos develop`` puts positives unasked: never over anything, never without saying so."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import phos_core as phos
from phos_darkroom.files.image_files import read_image, write_image
from phos_darkroom.roll import frame_seed, frames_of
from phos_darkroom.shell.main import main

RECIPE = phos.Recipe()


@pytest.fixture
def photo():
    rows, cols = np.mgrid[0:24, 0:36]
    return np.stack([6 * rows + 40, 3 * cols + 50, 2 * rows + 2 * cols + 30], -1).astype(np.uint8)


@pytest.fixture
def roll(tmp_path, photo, monkeypatch):
    """A folder with two pictures, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    folder = Path("roll")
    folder.mkdir()
    for name in ("a.png", "b.png"):
        write_image(folder / name, photo)
    return folder


def develop(*arguments):
    result = CliRunner().invoke(main, ["develop", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def pictures(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def test_a_picture_goes_beside_itself_under_its_name_and_the_films(roll, photo):
    done = develop(roll / "a.png", "--film", "Tri-X", "--seed", 3)
    assert done.stdout == "roll/a-tri-x-400.png\n"
    assert done.stderr.splitlines()[0] == (
        "phos: no -o given: writing beside the original, as a-tri-x-400.png"
    )
    positive = phos.develop(photo, "tri-x-400", seed=3, backend="scipy")
    np.testing.assert_array_equal(read_image(roll / "a-tri-x-400.png"), positive)
    np.testing.assert_array_equal(read_image(roll / "a.png"), photo)


def test_a_folder_goes_into_its_own_folder_and_is_continued_there(roll, photo):
    done = develop(roll, "--jobs", 1)
    assert done.stderr.splitlines()[0] == "phos: no -o given: writing into roll/developed"
    made = ["a.png", "b.png", "developed/a.png", "developed/b.png"]
    assert pictures(roll) == made
    positive = phos.develop(photo, seed=frame_seed(0, "roll/b.png"), backend="scipy")
    np.testing.assert_array_equal(read_image(roll / "developed" / "b.png"), positive)

    assert "phos: 2 pictures already done" in develop(roll, "--recursive").stderr.splitlines()
    assert pictures(roll) == made


def test_several_pictures_go_beside_each_and_are_not_developed_twice(roll, photo):
    other = Path("other")
    other.mkdir()
    write_image(other / "c.png", photo)
    for _ in range(2):  # what the shell makes of roll/*.png holds the positives the second time
        done = develop(*sorted(roll.glob("*.png")), other / "c.png", "--jobs", 1)
        assert done.exit_code == 0, done.stderr
    assert pictures(roll) == ["a-portra-400.png", "a.png", "b-portra-400.png", "b.png"]
    assert pictures(other) == ["c-portra-400.png", "c.png"]
    assert done.stderr.splitlines()[0] == (
        "phos: 2 pictures passed over: positives already, by the sidecars beside them"
    )


def test_a_pattern_goes_beside_each_as_its_files_do():
    found = Path(__file__).parent
    (first, *_) = frames_of(found.parents[2] / "examples/photos/*.jpg", None, RECIPE)
    assert first.destination == first.source.with_name(f"{first.source.stem}-portra-400.jpg")


def test_what_lies_in_the_usual_place_is_never_replaced_unasked(roll, photo):
    write_image(roll / "a-portra-400.png", photo)
    refused = develop(roll / "a.png")
    assert refused.exit_code == 2
    assert "a-portra-400.png exists already; --overwrite" in refused.stderr.splitlines()[-1]
    np.testing.assert_array_equal(read_image(roll / "a-portra-400.png"), photo)


def test_a_sidecars_picture_is_made_again_in_its_place(roll):
    develop(roll / "a.png", "-o", "out.png")
    before = Path("out.png").read_bytes()
    Path("out.png").unlink()
    assert develop("--from-sidecar", "out.png.phos.toml").exit_code == 0
    assert Path("out.png").read_bytes() == before


def test_a_name_that_is_asked_for_is_filled_in_beside_the_picture(roll):
    develop(roll / "a.png", "--name", "{stem}-{seed}.jpg", "--seed", 7)
    assert (roll / "a-7.jpg").exists()


@pytest.mark.parametrize(("options", "ending"), [((), "jpg"), (("--raw-as", "tiff"), "tif")])
def test_raw_and_heic_become_jpeg_unless_16_bits_are_asked_for(roll, options, ending):
    for name in ("c.HEIC", "d.nef"):
        (roll / name).write_bytes(b"x")
    done = develop(roll, "--dry-run", "-o", "out", *options)
    targets = [line.split(" -> ")[1].partition(":")[0] for line in done.stdout.splitlines()]
    assert targets == ["out/a.png", "out/b.png", f"out/c.{ending}", f"out/d.{ending}"]
    said = "phos: .HEIC and .nef cannot be written: 2 pictures as JPEG of 8 bits; --raw-as tiff"
    assert (said in done.stderr) == (ending == "jpg")


def test_a_raw_file_and_a_jpeg_of_one_name_keep_apart(roll):
    for name in ("c.jpg", "c.nef"):
        (roll / name).write_bytes(b"x")
    frames = frames_of(roll, None, RECIPE, instead=".jpg")
    names = {frame.source.name: frame.destination.name for frame in frames}
    assert (names["c.jpg"], names["c.nef"]) == ("c.jpg", "c.nef.jpg")


def test_what_is_right_already_is_developed_again_on_request(roll):
    for options, words in (
        ((), "developed"),
        ((), "already done"),
        (("--overwrite",), "developed"),
    ):
        done = develop(roll / "a.png", *options)
        assert f"1 picture {words}" in done.stderr


@pytest.fixture
def opened(monkeypatch):
    """What the system's viewer is asked to show."""
    asked = []
    monkeypatch.setattr("click.launch", lambda place: asked.append(place) or 0)
    return asked


def test_the_positive_is_opened_and_of_several_their_folder(roll, opened):
    develop(roll / "a.png", "--open")
    develop(roll, "--open", "--jobs", 1)
    develop(roll / "a.png", "-o", "x.png")
    assert opened == ["roll/a-portra-400.png", "roll/developed"]


@pytest.fixture
def cut_out(roll, photo):
    """A picture whose left half is transparent."""
    opaque = np.full(photo.shape[:2], 255, np.uint8)
    opaque[:, :18] = 0
    Image.fromarray(np.dstack([photo, opaque])).save(roll / "cut.png")
    return roll / "cut.png"


def test_transparent_parts_become_the_background_where_the_format_has_none(cut_out, photo):
    refused = develop(cut_out, "-o", "out.jpg")
    assert refused.exit_code == 2
    assert "JPEG holds no transparency" in refused.stderr
    assert "--background COLOUR" in refused.stderr
    assert not Path("out.jpg").exists()

    assert develop(cut_out, "-o", "out.jpg", "--background", "#ff8000").exit_code == 0
    flat = read_image("out.jpg").astype(int)
    assert np.abs(flat[:, :14] - (255, 128, 0)).max() <= 3
    positive = phos.develop(photo, backend="scipy").astype(int)
    assert np.abs(flat[:, 22:] - positive[:, 22:]).mean() <= 3


def test_transparent_parts_stay_where_the_format_has_them(cut_out):
    assert develop(cut_out, "-o", "out.png", "--background", "white").exit_code == 0
    assert np.asarray(Image.open("out.png"))[0, 0, 3] == 0


@pytest.mark.parametrize("colour", ["fog", "#12", "#ffffff80"])
def test_a_background_that_is_no_opaque_colour_is_refused_before_any_work(cut_out, colour):
    refused = develop(cut_out, "-o", "out.jpg", "--background", colour)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("phos: --background must be an opaque colour")
