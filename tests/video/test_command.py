"""`phos video`: what is asked, what is said, and what is there afterwards."""

import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import phos_core as phos
from phos_darkroom import SETTINGS
from phos_darkroom.shell.main import main
from phos_video import TARGETS, find_programs, probe, read_frames
from phos_video.command import CODECS, video
from phos_video.developing.clip import Progress
from phos_video.telling import line_of

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None,
    reason="there is no ffmpeg here",
)
QUICK = ("--backend", "scipy", "--film", "vision3-500t")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to stand in, with a clip of eight frames and sound."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOS_COMPILE", "later")
    make("clip.mkv", 8)
    return tmp_path


def make(name, frames, source="testsrc2"):
    subprocess.run(
        [
            *("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i"),
            *(f"{source}=size=64x36:rate=25", "-f", "lavfi", "-i", "sine=440"),
            *("-frames:v", str(frames), "-t", str(frames / 25), "-pix_fmt", "yuv422p10le"),
            *("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709"),
            *("-color_trc", "bt709", "-c:v", "ffv1", "-c:a", "pcm_s16le", name),
        ],
        check=True,
    )


def run(*words, code=0):
    ran = CliRunner().invoke(main, ["video", *map(str, words)])
    assert ran.exit_code == code, ran.output
    return ran


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def frames_of(path):
    programs = find_programs()
    with read_frames(probe(path, programs), programs) as frames:
        return np.stack(list(frames))


@needs_ffmpeg
def test_a_clip_is_developed_and_named_on_stdout(here):
    ran = run("clip.mkv", "-o", "new.mkv", *QUICK)
    assert ran.stdout == "new.mkv\n"
    assert "8 frames developed by scipy" in ran.stderr
    given, found = frames_of("clip.mkv"), frames_of("new.mkv")
    for number, (frame, positive) in enumerate(zip(given, found, strict=True)):
        one = phos.develop(
            frame,
            backend="scipy",
            film="vision3-500t",
            film_format="super-35",
            input_space="rec709",
            output_space="rec709",
            frame=number,
        )
        np.testing.assert_array_equal(positive, one)
    assert names_in(here) == ["clip.mkv", "new.mkv", "new.mkv.phos.toml"]


@needs_ffmpeg
def test_without_an_output_a_clip_goes_beside_its_source(here):
    assert run("clip.mkv", *QUICK).stdout == "clip-vision3-500t.mov\n"


@needs_ffmpeg
def test_of_several_one_that_fails_stops_no_other(here):
    make("other.mkv", 2)
    (here / "text.mkv").write_text("no clip at all")
    ran = run("clip.mkv", "text.mkv", "other.mkv", "-o", "out", *QUICK, code=2)
    assert ran.stdout.split() == ["out/clip.mov", "out/other.mov"]
    assert "text.mkv" in ran.stderr


@needs_ffmpeg
def test_a_part_is_that_part_of_the_whole(here):
    run("clip.mkv", "-o", "whole.mkv", *QUICK)
    run("clip.mkv", "-o", "part.mkv", "--start", "3f", "--end", "0:00.24", *QUICK)
    np.testing.assert_array_equal(frames_of("part.mkv"), frames_of("whole.mkv")[3:6])
    run("clip.mkv", "-o", "two.mkv", "--start", "0.12", "--frames", 2, *QUICK)
    np.testing.assert_array_equal(frames_of("two.mkv"), frames_of("whole.mkv")[3:5])


@needs_ffmpeg
def test_the_same_command_says_that_it_is_done_and_another_one_refuses(here):
    run("clip.mkv", "-o", "new.mkv", *QUICK)
    assert "new.mkv is already done" in run("clip.mkv", "-o", "new.mkv", *QUICK).stderr
    ran = run("clip.mkv", "-o", "new.mkv", "--grain", "0", *QUICK, code=2)
    assert "new.mkv exists already" in ran.stderr
    run("clip.mkv", "-o", "new.mkv", "--grain", "0", "--overwrite", *QUICK)


@needs_ffmpeg
def test_a_sidecar_makes_the_same_clip_again_and_phos_develop_refuses_it(here):
    run("clip.mkv", "-o", "new.mkv", "--compare", "--proxy", "--frames", "4", *QUICK)
    run("--from-sidecar", "new.mkv.phos.toml", "-o", "again.mkv", "--backend", "scipy")
    np.testing.assert_array_equal(frames_of("again.mkv"), frames_of("new.mkv"))
    assert frames_of("new.mkv").shape == (4, 18, 32, 3)
    ran = CliRunner().invoke(main, ["develop", "--from-sidecar", "new.mkv.phos.toml"])
    assert ran.exit_code == 2
    assert "is of a clip: phos video --from-sidecar makes it again" in ran.stderr
    ran = run("--from-sidecar", "new.mkv.phos.toml", "--grain", "0", code=2)
    assert "makes the same clip again, without grain" in ran.stderr


@needs_ffmpeg
def test_a_sequence_of_pictures_is_developed_into_another(here):
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", "clip.mkv", "-frames:v", "3", "in_%03d.png"],
        check=True,
    )
    (here / "out").mkdir()
    run("in_%03d.png", "-o", "out/film_%04d.png", *QUICK)
    assert names_in(here / "out") == [
        "film_%04d.png.phos.toml",
        *(f"film_{number:04d}.png" for number in (1, 2, 3)),
    ]
    assert "already done" in run("in_%03d.png", "-o", "out/film_%04d.png", *QUICK).stderr
    (here / "b").mkdir()
    run("--from-sidecar", "out/film_%04d.png.phos.toml", "-o", "b/%d.png", "--backend", "scipy")
    first, again = (here / "out" / "film_0001.png"), (here / "b" / "1.png")
    np.testing.assert_array_equal(frames_of(first), frames_of(again))


@needs_ffmpeg
def test_a_dry_run_says_what_would_be_done_and_does_nothing(here):
    ran = run("clip.mkv", "-o", "new.mov", "--dry-run", *QUICK)
    assert ran.stdout == (
        "clip.mkv -> new.mov: 8 frames of 64 x 36 at 25 a second, rec709 to ProRes 422 HQ in "
        "rec709, on vision3-500t of super-35\n"
    )
    assert names_in(here) == ["clip.mkv"]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--start", "half"], "--start must be seconds"),
        (["--end", "0"], "--end must be after the start"),
        (["--end", "1", "--frames", "3"], "--end and --frames exclude each other"),
        (["--frames", "9"], "has 8 frames"),
        (["--rate", "film"], "--rate must be frames a second"),
        (["--auto-balance"], "--auto-balance would balance each frame by itself"),
        (["--output-space", "acescg"], "--output-space acescg is light"),
    ],
)
def test_what_no_clip_can_have_is_refused_in_the_words_of_the_shell(here, words, why):
    ran = run("clip.mkv", "-o", "new.mov", *words, *QUICK, code=2)
    assert why in ran.stderr
    assert names_in(here) == ["clip.mkv"]


@needs_ffmpeg
def test_an_ffmpeg_that_is_not_there_is_one_clear_line(here):
    ran = run("clip.mkv", "-o", "new.mov", "--ffmpeg", "nowhere", *QUICK, code=2)
    assert ran.stderr.count("\n") == 1
    assert "nowhere" in ran.stderr


@needs_ffmpeg
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(here):
    make("long.mkv", 500)
    words = ["video", "long.mkv", "-o", "new.mkv", *QUICK]
    program = f"from phos_darkroom.shell.main import main; main({words!r})"
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True
    ) as running:
        board = here / ".new.mkv.phos-work" / "board"
        while not (board.exists() and np.fromfile(board, np.int64)[1:].sum()):
            assert running.poll() is None, running.stderr.read()
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
    assert running.returncode == 128 + signal.SIGINT, said
    done = int(re.search(r"stopped: (\d+) of 500 frames of long.mkv are done", said)[1])
    assert 0 < done < 500
    ran = run(*words[1:])
    assert f"and {done} by an earlier run" in ran.stderr
    assert len(frames_of("new.mkv")) == 500


def test_the_codecs_of_the_option_are_those_that_can_be_written():
    assert tuple(TARGETS) == CODECS


def test_what_is_said_of_the_progress_is_how_far_how_fast_and_by_what():
    progress = Progress(frames=120, total=1500, developed=100, seconds=9.0, backend="numba")
    assert line_of("a.mov", progress, 12.0) == (
        "a.mov: 120 of 1500 frames, 12.0 a second, 1:55 left, numba"
    )
    assert line_of("a.mov", progress, 0.1) == (
        "a.mov: 120 of 1500 frames, 0.1 a second, 3:50:00 left, numba"
    )
    assert line_of("a.mov", progress, 0.0) == "a.mov: 120 of 1500 frames, numba"


def test_each_setting_of_develop_is_one_of_video():
    ours = {name for each in video.params for name in each.opts}
    assert {setting.option for setting in SETTINGS.values() if setting.option} <= ours


def test_asking_for_help_starts_nothing_and_loads_no_numpy_of_clips():
    code = (
        "import sys\nfrom phos_darkroom.shell.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "assert 'phos_video.command' in sys.modules\n"
        "assert not [n for n in sys.modules if n.startswith(('phos_video.developing', "
        "'phos_video.ffmpeg', 'phos_darkroom.roll'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
