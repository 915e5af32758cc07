"""``phos develop``: what it writes, what it refuses, and how it says so."""

import dataclasses
import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import phos_core as phos
from phos_core.convolution.hooks import SchedulerSpec
from phos_darkroom.files.image_files import read_image, write_image
from phos_darkroom.roll import develop_frames, frame_seed, frames_of, scheduling
from phos_darkroom.shell import roll_messages
from phos_darkroom.shell.main import main


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


def pictures_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".toml")


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
    # Frames are numbered, pictures are whole, and an old process is for what phos 0.1 wrote.
    kept_to_python = {"frame", "offset_px", "process_version"}
    assert {f.name for f in dataclasses.fields(phos.Recipe)} - offered == kept_to_python


def test_a_negative_can_be_printed_on_paper(tmp_path, roll, photo):
    out = tmp_path / "print.png"
    assert run("develop", roll / "a.png", "-o", out, "--printing", "endura-premier").exit_code == 0
    on_paper = phos.develop(photo, recipe=phos.Recipe(printing="endura-premier"))
    assert np.array_equal(read_image(out), on_paper)
    assert not np.array_equal(on_paper, phos.develop(photo))


def test_a_roll_goes_into_a_folder_under_the_same_names(tmp_path, roll):
    out = tmp_path / "new" / "folder"
    for pictures in (sorted(roll.iterdir()), [roll], [roll / "*"]):
        result = run("develop", *pictures, "-o", out, "--overwrite", "--no-sidecar")
        assert result.exit_code == 0, result.stderr
        assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png", "c.tif"]
        names = ("a.png", "b.png", "c.tif")
        assert result.stdout.splitlines() == [str(out / name) for name in names]
    assert read_image(out / "c.tif").ndim == 2


def test_each_frame_of_a_roll_has_grain_of_its_own_by_its_name(tmp_path, roll, photo):
    run("develop", roll / "a.png", roll / "b.png", "-o", tmp_path / "out", "--seed", 5)
    first, second = (read_image(tmp_path / "out" / name) for name in ("a.png", "b.png"))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, phos.develop(photo, seed=frame_seed(5, "roll/a.png")))
    assert np.array_equal(second, phos.develop(photo, seed=frame_seed(5, "roll/b.png")))


def test_the_same_command_gives_the_same_bytes(tmp_path, roll):
    for name in ("one.jpg", "two.jpg"):
        run("develop", roll / "a.png", "-o", tmp_path / name)
    assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / "two.jpg").read_bytes()


def test_one_picture_goes_into_a_folder_that_exists_or_has_no_ending(tmp_path, roll):
    dotted = tmp_path / "roll.2026"
    dotted.mkdir()
    for out in (dotted, tmp_path / "plain"):
        assert run("develop", roll / "a.png", "-o", out).exit_code == 0
        assert sorted(path.name for path in out.iterdir()) == ["a.png", "a.png.phos.toml"]


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


@pytest.mark.proof
def test_bad_pictures_are_named_at_the_end_and_the_others_are_developed(tmp_path, roll):
    (roll / "b.png").write_bytes((roll / "b.png").read_bytes()[:60])
    result = run("develop", roll, roll / "gone.jpg", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert pictures_in(tmp_path / "out") == ["a.png", "c.tif"]
    summary, damaged, missing, failed = result.stderr.splitlines()
    assert summary.startswith("phos: 2 pictures developed by")
    assert damaged.startswith(f"phos: {roll / 'b.png'} is damaged")
    assert missing == f"phos: {roll / 'gone.jpg'} does not exist"
    assert failed == "phos: 2 of 4 pictures failed"


def test_a_folder_that_cannot_be_read_is_named_and_the_exit_code_is_2(tmp_path, roll, monkeypatch):
    (roll / "day2").mkdir()
    scandir = os.scandir

    def scanning(path="."):
        if Path(path).name == "day2":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scanning)
    arguments = ("develop", roll, "-o", tmp_path / "out", "--recursive")
    for options in ((), ("--dry-run",)):
        result = run(*arguments, *options)
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == (
            f"phos: {roll / 'day2'} cannot be read: Permission denied; its pictures are left out"
        )
    assert pictures_in(tmp_path / "out") == ["a.png", "b.png", "c.tif"]


@pytest.mark.proof
@pytest.mark.parametrize("command", ["develop", "contact", "compare"])
@pytest.mark.parametrize("name", ["n" * 300 + ".png", "n" * 5000 + ".png", "n" * 5000, "*" * 5000])
def test_a_name_that_is_too_long_is_one_line_wherever_it_stands(tmp_path, roll, command, name):
    more = (roll / "a.png",) if command == "compare" else ()
    for arguments in (
        (name, *more, "-o", tmp_path / "out.png"),
        (f"{name}/a.png", *more, "-o", tmp_path / "out.png"),
        (roll / "a.png", *more, "-o", tmp_path / f"{name}.png"),
        (roll / "a.png", *more, "-o", f"{name}/a.png"),
    ):
        result = run(command, *arguments)
        assert result.exit_code == 2, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.stderr.startswith("phos: ")
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_printed_stops_no_roll(tmp_path, roll, monkeypatch):
    """Whoever read the names has gone, or the terminal cannot show them."""

    class Gone:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self):
            raise BrokenPipeError(32, "Broken pipe")

        def fileno(self):
            raise ValueError("no descriptor")

        def isatty(self):
            return False

    recipe = phos.Recipe()
    for number, stdout in enumerate((Gone(), io.TextIOWrapper(io.BytesIO(), "ascii"))):
        frames = frames_of(roll, tmp_path / f"é{number}", recipe)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", stdout)
            finished = []
            roll_messages.follow(develop_frames(frames, jobs=1), len(frames), finished)
        assert [result.status for result in finished] == ["developed"] * 3


def test_16_bits_stay_16_bits(tmp_path, rng):
    deep = rng.integers(0, 65_536, (16, 16, 3)).astype(np.uint16)
    write_image(tmp_path / "deep.png", deep)
    assert run("develop", tmp_path / "deep.png", "-o", tmp_path / "out.tif").exit_code == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out.tif"), phos.develop(deep))


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
    seed = frame_seed(0, "roll/a.png") if as_folder else 0
    assert np.array_equal(read_image(roll / "a.png"), phos.develop(photo, seed=seed))


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
        (("--pixel-pitch", "-3"), "--pixel-pitch must"),
        (("--exposure", "nan"), "--exposure must"),
    ],
)
def test_a_setting_that_is_wrong_is_one_line_before_any_work(tmp_path, roll, options, word):
    assert word in refused("develop", roll / "a.png", "-o", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_an_ending_that_cannot_be_written_is_refused_before_any_work(tmp_path, roll):
    assert ".gif" in refused("develop", roll / "a.png", "-o", tmp_path / "out.gif")


@pytest.mark.filterwarnings("always")
def test_a_warning_is_one_line_that_names_the_picture(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / "wide.png", icc_profile=b"not a profile")
    result = run("develop", tmp_path / "wide.png", "-o", tmp_path / "out.png")
    assert result.exit_code == 0
    first, _ = result.stderr.splitlines()
    assert first.startswith(f"phos: warning: {tmp_path / 'wide.png'}: ")
    assert "profile" in first


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path, roll):
    out = tmp_path / "out"
    arguments = ("develop", roll, roll / "gone.png", "-o", out, "--dry-run")
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        *(
            f"{roll / name} -> {out / name}: to be developed"
            for name in ("a.png", "b.png", "c.tif")
        ),
        f"{roll / 'gone.png'} -> {out / 'gone.png'}: fails, there is no such picture",
    ]
    assert not out.exists()

    run("develop", roll / "a.png", "-o", out)
    (out / "b.png").touch()
    before = sorted(out.iterdir())
    again = "to be developed in place of what exists"
    for option, first, second in (
        ("--overwrite", again, again),
        ("--skip-existing", "already done, by its sidecar", "skipped, it exists"),
    ):
        shown = run(*arguments, option)
        assert shown.exit_code == 0
        assert shown.stdout.splitlines()[0].endswith(f": {first}")
        assert shown.stdout.splitlines()[1].endswith(f": {second}")
    refusing = run(*arguments)
    assert refusing.exit_code == 2
    assert refusing.stdout.splitlines()[1].endswith(
        "refused, it exists: --overwrite or --skip-existing"
    )
    assert "b.png exists already" in refusing.stderr
    assert sorted(out.iterdir()) == before
    assert "unknown film" in refused(*arguments, "--film", "portra-40")


def test_a_roll_that_is_started_again_says_what_is_done_already(tmp_path, roll):
    run("develop", roll, "-o", tmp_path / "out")
    (tmp_path / "out" / "b.png").unlink()
    result = run("develop", roll, "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(tmp_path / "out" / "b.png")]
    developed, done = result.stderr.splitlines()
    assert developed.startswith("phos: 1 picture developed")
    assert done == "phos: 2 pictures already done"


def test_what_exists_is_passed_over_on_request(tmp_path, roll):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").touch()
    result = run("develop", roll, "-o", tmp_path / "out", "--skip-existing")
    assert result.exit_code == 0
    assert "phos: 1 picture skipped" in result.stderr.splitlines()
    assert (tmp_path / "out" / "b.png").stat().st_size == 0


def test_a_sidecar_is_written_unless_it_is_not_wanted(tmp_path, roll):
    run("develop", roll / "a.png", "-o", tmp_path / "1.png")
    run("develop", roll / "a.png", "-o", tmp_path / "2.png", "--no-sidecar")
    assert sorted(path.name for path in tmp_path.glob("*.toml")) == ["1.png.phos.toml"]


def test_a_sidecar_makes_its_picture_again(tmp_path, roll):
    run("develop", roll, "-o", tmp_path / "out", "--film", "gold-200", "--seed", 3)
    for out in (tmp_path / "again", tmp_path / "again.png"):
        sidecar = tmp_path / "out" / "b.png.phos.toml"
        result = run("develop", "--from-sidecar", sidecar, "-o", out)
        assert result.exit_code == 0, result.stderr
    bytes_then = (tmp_path / "out" / "b.png").read_bytes()
    assert (tmp_path / "again" / "b.png").read_bytes() == bytes_then
    assert (tmp_path / "again.png").read_bytes() == bytes_then
    again = (
        "develop",
        "--from-sidecar",
        tmp_path / "out" / "b.png.phos.toml",
        "-o",
        tmp_path / "x",
    )
    assert "--preset" in refused(*again, "--film", "velvia-50")
    assert "one picture" in refused(*again, roll / "a.png", roll / "b.png")


def test_a_preset_is_begun_with_and_kept(tmp_path, roll, photo, monkeypatch):
    monkeypatch.setenv("PHOS_PRESETS", str(tmp_path / "presets"))
    out = tmp_path / "1.png"
    run(
        "develop",
        roll / "a.png",
        "-o",
        out,
        "--film",
        "gold-200",
        "--push",
        0,
        "--grain",
        2,
        "--save-preset",
        "mine",
    )
    result = run(
        "develop", roll / "a.png", "-o", tmp_path / "2.png", "--preset", "mine", "--grain", 0.5
    )
    assert result.exit_code == 0, result.stderr
    expected = phos.develop(photo, recipe=phos.Recipe(film="gold-200", grain=0.5))
    assert np.array_equal(read_image(tmp_path / "2.png"), expected)
    assert "mine" in refused("develop", roll / "a.png", "-o", tmp_path / "3.png", "--preset", "min")


@pytest.mark.proof
def test_names_are_filled_in_and_folders_looked_through(tmp_path, roll, photo):
    (roll / "day").mkdir()
    write_image(roll / "day" / "d.png", photo)
    run(
        "develop", roll, "-o", tmp_path / "out", "--recursive", "--name", "{n:02}-{stem}-{film}.jpg"
    )
    names = ["01-a", "02-b", "03-c", "04-d"]
    assert pictures_in(tmp_path / "out") == [f"{name}-portra-400.jpg" for name in names]
    assert "unknown field" in refused("develop", roll, "-o", tmp_path / "x", "--name", "{colour}")


def test_no_picture_at_all_is_refused(tmp_path):
    result = run("develop", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "IN is missing" in result.stderr


ASKED = []


class Threads(ThreadPoolExecutor):
    """What a plug-in might connect to."""

    def __init__(self, address):
        if "nobody" in address:
            raise TimeoutError("nobody answers")
        ASKED.append(address)
        super().__init__(1)


def test_a_plug_ins_scheduler_runs_a_roll(tmp_path, roll, monkeypatch):
    spec = SchedulerSpec(name="threads", schemes=("thread",), factory=f"{__name__}:Threads")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(scheduling, "schedulers", lambda: (spec,))
    arguments = ("develop", roll, "-o", tmp_path / "out", "--scheduler")
    assert "nobody answers" in refused(*arguments, "thread://nobody")
    result = run(*arguments, "thread://here")
    assert (result.exit_code, ASKED) == (0, ["thread://here"]), result.stderr
    assert pictures_in(tmp_path / "out") == ["a.png", "b.png", "c.tif"]
    assert "leave jobs out" in refused(*arguments, "thread://here", "--jobs", 2)


def test_an_address_that_no_plug_in_knows_is_one_error_with_the_way_out(
    tmp_path, roll, monkeypatch
):
    monkeypatch.setattr(scheduling, "schedulers", tuple)
    arguments = ("develop", roll, "-o", tmp_path / "out", "--scheduler")
    assert "phos_dask" in refused(*arguments, "tcp://10.0.0.5:8786")
    assert "tcp://HOST:PORT" in refused(*arguments, "10.0.0.5")
