"""The shell's door: what it writes, what it refuses, and how it says so."""

import dataclasses
import json

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import phos_core as phos
from phos_core.cli import main
from phos_core.convolution import registry
from phos_core.image_files import read_image, write_image


@pytest.fixture
def photo():
    rows, cols = np.mgrid[0:32, 0:48]
    return np.stack([4 * rows + 40, 3 * cols + 50, 2 * rows + 2 * cols + 30], -1).astype(np.uint8)


@pytest.fixture
def roll(tmp_path, photo):
    """A folder with three pictures: two alike, one grey."""
    folder = tmp_path / "roll"
    folder.mkdir()
    write_image(folder / "a.png", photo)
    write_image(folder / "b.png", photo)
    write_image(folder / "c.tif", photo[..., 0])
    return folder


def run(*arguments, env=None):
    return CliRunner(env=env).invoke(main, [str(argument) for argument in arguments])


def refused(*arguments):
    """Run a command that must fail with one line; return the line."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("phos: ")
    return line


def test_one_picture_into_a_file_is_what_python_develops(tmp_path, roll, photo):
    out = tmp_path / "positive.png"
    result = run("develop", roll / "a.png", "-o", out, "--film", "velvia-50", "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}\n"
    assert np.array_equal(read_image(out), phos.develop(photo, "velvia-50", seed=3))


def test_every_option_reaches_the_recipe(tmp_path, roll, photo):
    out = tmp_path / "positive.tif"
    options = (
        *("--film", "cinestill-800t", "--backend", "scipy", "--seed", 5, "--exposure", -0.5),
        *("--format", "120-66", "--pixel-pitch", 8.5, "--encoding", "linear"),
    )
    assert run("develop", roll / "a.png", "-o", out, *options).exit_code == 0
    recipe = phos.Recipe(
        film="cinestill-800t",
        seed=5,
        exposure_stops=-0.5,
        film_format="120-66",
        pixel_pitch_um=8.5,
        encoding="linear",
    )
    assert np.array_equal(read_image(out), phos.develop(photo, recipe=recipe, backend="scipy"))


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (
            ("--film", "vision3-500t", "--light", "daylight", "--exposure-index", 250),
            {"film": "vision3-500t", "light": "daylight", "exposure_index": 250},
        ),
        (
            ("--film", "tri-x-400", "--light", 4200, "--exposure-time", 30, "--auto-balance"),
            {"film": "tri-x-400", "light": 4200, "exposure_time_s": 30, "auto_balance": True},
        ),
        (
            ("--film", "tri-x-400", "--printing", "polymax", "--grade", 3.5),
            {"film": "tri-x-400", "printing": "polymax", "paper_grade": 3.5},
        ),
        (
            ("--printing", "2383", "--filters", 5, 2.5, 0, "--print-exposure", -0.25),
            {"printing": "2383", "filters_cc": (5, 2.5, 0), "print_stops": -0.25},
        ),
        (
            ("--film", "portra-800", "--push", 1, "--black-point", -5, "--white-point", 4),
            {"film": "portra-800", "push_stops": 1, "black_point": -5, "white_point": 4},
        ),
        (
            ("--mode", "texture", "--scatter", 0.5, "--halation", 3, "--grain", 2),
            {"mode": "texture", "scatter": 0.5, "halation": 3, "grain": 2},
        ),
        (
            ("--mode", "colour", "--couplers", 0.5, "--primaries", "display-p3"),
            {"mode": "colour", "couplers": 0.5, "primaries": "display-p3"},
        ),
    ],
)
def test_every_setting_has_an_option(tmp_path, roll, photo, options, settings):
    out = tmp_path / "positive.png"
    result = run("develop", roll / "a.png", "-o", out, *options)
    assert result.exit_code == 0, result.stderr
    recipe = phos.Recipe(**settings)
    np.testing.assert_array_equal(read_image(out), phos.develop(photo, recipe=recipe))
    assert not np.array_equal(phos.develop(photo, recipe=recipe), phos.develop(photo, recipe.film))


def test_no_setting_is_left_without_an_option():
    develop = main.get_command(click.Context(main), "develop")
    assert develop is not None
    offered = {parameter.name for parameter in develop.params}
    kept_to_python = {"frame", "offset_px"}  # frames are numbered, and pictures are whole
    assert {f.name for f in dataclasses.fields(phos.Recipe)} - offered == kept_to_python


def test_a_negative_can_be_printed_on_paper(tmp_path, roll, photo):
    out = tmp_path / "print.png"
    assert run("develop", roll / "a.png", "-o", out, "--printing", "endura-premier").exit_code == 0
    on_paper = phos.develop(photo, recipe=phos.Recipe(printing="endura-premier"))
    assert np.array_equal(read_image(out), on_paper)
    assert not np.array_equal(on_paper, phos.develop(photo))


def test_a_roll_goes_into_a_folder_under_the_same_names(tmp_path, roll):
    out = tmp_path / "new" / "folder"
    result = run("develop", *sorted(roll.iterdir()), "-o", out)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png", "c.tif"]
    assert result.stdout.splitlines() == [str(out / name) for name in ("a.png", "b.png", "c.tif")]
    assert read_image(out / "c.tif").ndim == 2


def test_each_frame_of_a_roll_has_grain_of_its_own(tmp_path, roll, photo):
    run("develop", roll / "a.png", roll / "b.png", "-o", tmp_path / "out")
    first, second = (read_image(tmp_path / "out" / name) for name in ("a.png", "b.png"))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, phos.develop(photo, frame=0))
    assert np.array_equal(second, phos.develop(photo, frame=1))


def test_the_same_command_gives_the_same_bytes(tmp_path, roll):
    for name in ("one.jpg", "two.jpg"):
        run("develop", roll / "a.png", "-o", tmp_path / name)
    assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / "two.jpg").read_bytes()


def test_one_picture_goes_into_a_folder_that_exists_or_has_no_ending(tmp_path, roll):
    dotted = tmp_path / "roll.2026"
    dotted.mkdir()
    for out in (dotted, tmp_path / "plain"):
        assert run("develop", roll / "a.png", "-o", out).exit_code == 0
        assert [path.name for path in out.iterdir()] == ["a.png"]


def test_the_last_line_names_the_backend(tmp_path, roll):
    result = run("develop", roll / "a.png", "-o", tmp_path / "out.png", "--backend", "scipy")
    (line,) = result.stderr.splitlines()
    assert line.startswith("phos: 1 picture developed by scipy in ")


def test_a_bar_is_shown_on_a_terminal_and_only_there(tmp_path, roll):
    shown = run("develop", roll / "a.png", "-o", tmp_path / "1.png", env={"FORCE_COLOR": "1"})
    assert "developing" in shown.stderr
    assert shown.stdout == f"{tmp_path / '1.png'}\n"
    piped = run("develop", roll / "a.png", "-o", tmp_path / "2.png")
    assert "developing" not in piped.stderr


def test_one_bad_picture_is_reported_and_the_others_are_developed(tmp_path, roll):
    (roll / "b.png").write_bytes((roll / "b.png").read_bytes()[:60])
    result = run("develop", *sorted(roll.iterdir()), "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.tif"]
    reported, summary, failed = result.stderr.splitlines()
    assert reported.startswith(f"phos: {roll / 'b.png'} is damaged")
    assert summary.startswith("phos: 2 pictures developed by")
    assert failed == "phos: 1 of 3 pictures failed"


def test_16_bit_files_are_refused_without_a_traceback(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(tmp_path / "deep.png")
    result = run("develop", tmp_path / "deep.png", "-o", tmp_path / "out.png")
    assert result.exit_code == 2
    assert "16 bits a channel" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_missing_picture_is_one_line(tmp_path):
    line = refused("develop", tmp_path / "nowhere.jpg", "-o", tmp_path / "out.jpg")
    assert line == f"phos: {tmp_path / 'nowhere.jpg'} does not exist"


def test_what_exists_is_replaced_only_on_request(tmp_path, roll, photo):
    out = tmp_path / "out.png"
    write_image(out, photo)
    assert "exists already; --overwrite" in refused("develop", roll / "a.png", "-o", out)
    assert np.array_equal(read_image(out), photo)
    assert run("develop", roll / "a.png", "-o", out, "--overwrite").exit_code == 0
    assert np.array_equal(read_image(out), phos.develop(photo))


@pytest.mark.parametrize("as_folder", [True, False])
def test_the_input_is_replaced_only_on_request(roll, photo, as_folder):
    out = roll if as_folder else roll / "a.png"
    assert "is the input itself" in refused("develop", roll / "a.png", "-o", out)
    assert np.array_equal(read_image(roll / "a.png"), photo)
    assert run("develop", roll / "a.png", "-o", out, "--overwrite").exit_code == 0
    assert np.array_equal(read_image(roll / "a.png"), phos.develop(photo))


def test_two_pictures_for_one_place_are_refused_before_any_work(tmp_path, roll, photo):
    other = tmp_path / "other"
    other.mkdir()
    write_image(other / "a.png", photo)
    line = refused("develop", roll / "a.png", other / "a.png", "-o", tmp_path / "out")
    assert str(roll / "a.png") in line
    assert str(other / "a.png") in line
    assert not (tmp_path / "out").exists()


def test_many_pictures_need_a_folder(tmp_path, roll, photo):
    pictures = (roll / "a.png", roll / "b.png")
    assert "need a folder" in refused("develop", *pictures, "-o", tmp_path / "out.jpg")
    (tmp_path / "file").touch()
    assert "need a folder" in refused("develop", *pictures, "-o", tmp_path / "file")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, roll):
    (tmp_path / "file").touch()
    line = refused("develop", roll / "a.png", roll / "b.png", "-o", tmp_path / "file" / "out")
    assert "cannot make the folder" in line


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--film", "portra-40"), "portra-400"),
        (("--backend", "scpy"), "scipy"),
        (("--printing", "velvet"), "endura-premier"),
        (("--format", "137"), "135"),
        (("--pixel-pitch", "-3"), "pixel_pitch_um"),
        (("--exposure", "nan"), "exposure_stops"),
    ],
)
def test_a_setting_that_is_wrong_is_one_line_before_any_work(tmp_path, roll, options, word):
    assert word in refused("develop", roll / "a.png", "-o", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_an_ending_that_cannot_be_written_is_refused_before_any_work(tmp_path, roll):
    assert ".webp" in refused("develop", roll / "a.png", "-o", tmp_path / "out.webp")


@pytest.mark.filterwarnings("always")
def test_another_colour_space_is_one_warning_line(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / "wide.png", icc_profile=b"not a profile")
    result = run("develop", tmp_path / "wide.png", "-o", tmp_path / "out.png")
    assert result.exit_code == 0
    assert result.stderr.startswith("phos: warning: wide.png carries a colour profile")


def test_films_are_listed_for_people_and_for_programs():
    listed = json.loads(run("films", "--json").stdout)
    assert [film["name"] for film in listed] == [film.name for film in phos.films()]
    assert all(film["iso_speed"] > 0 and film["label"] for film in listed)
    shown = run("films").stdout.splitlines()
    assert len(shown) == len(listed) + 1
    assert all(film["name"] in line for film, line in zip(listed, shown[1:], strict=True))
    assert not any(line.endswith(" ") for line in shown)


def test_films_are_listed_with_speed_format_character_and_what_is_measured():
    heading, *lines = run("films").stdout.splitlines()
    (line,) = (line for line in lines if line.startswith("velvia-50 "))
    (velvia,) = (film for film in phos.films() if film.name == "velvia-50")

    assert heading.split()[-3:] == ["formats", "measured", "description"]
    for told in ("reversal", " 50 ", "135, 120, 4x5", velvia.measured, velvia.description):
        assert told in line


def test_papers_are_listed_for_people_and_for_programs():
    listed = json.loads(run("films", "--papers", "--json").stdout)
    shown = run("films", "--papers").stdout.splitlines()

    assert {"endura-premier", "2383", "polymax"} <= {paper["name"] for paper in listed}
    assert [line.split()[0] for line in shown] == ["name", *(paper["name"] for paper in listed)]


def test_backends_are_listed_for_people_and_for_programs():
    listed = {backend["name"]: backend for backend in json.loads(run("backends", "--json").stdout)}
    assert listed["scipy"]["status"] == "ok"
    assert set(listed["scipy"]) >= {"name", "priority", "status", "reason", "hint"}
    assert run("backends").stdout.splitlines()[0].split()[:3] == ["name", "priority", "status"]


def test_a_blocked_backend_is_listed_with_its_reason(monkeypatch):
    monkeypatch.setenv("PHOS_BLOCK", "cv2")
    listed = {backend["name"]: backend for backend in json.loads(run("backends", "--json").stdout)}
    assert listed["cv2"]["status"] == "blocked"
    assert "PHOS_BLOCK" in listed["cv2"]["reason"]


def test_json_is_the_same_every_time():
    for command in ("films", "backends"):
        assert run(command, "--json").stdout == run(command, "--json").stdout


def test_version_is_the_distributions():
    assert run("--version").stdout == f"phos {phos.__version__}\n"


def test_plug_ins_bring_commands_but_replace_none(monkeypatch):
    @click.command()
    def polish():
        """Polish a lens."""
        click.echo("polished")

    @click.command("films")
    def impostor():
        click.echo("impostor")

    monkeypatch.setattr(registry, "commands", lambda: (polish, impostor, "no command"))
    assert "Polish a lens." in run("--help").stdout
    assert run("polish").stdout == "polished\n"
    assert "impostor" not in run("films").stdout


def test_our_own_commands_do_not_wait_for_plug_ins(monkeypatch):
    def fail():
        raise AssertionError("plug-ins were asked")

    monkeypatch.setattr(registry, "commands", fail)
    assert run("films", "--help").exit_code == 0


def test_an_unknown_command_is_refused_with_exit_code_2():
    result = run("devlop")
    assert result.exit_code == 2
    assert "devlop" in result.stderr
