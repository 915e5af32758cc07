"""From clip to clip: the frames that develop gives, whatever stops it on the way."""

import contextlib
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from frames_on_disk import FramesOnDisk, halved_frame

import phos_core as phos
from phos_core.errors import SidecarError
from phos_darkroom.settings import sidecar
from phos_video import Order, VideoError, develop_clip
from phos_video.developing import clip as module
from phos_video.developing import record

HERE = Path(__file__).parent

PROGRAM = """
import sys
sys.path.insert(0, {here!r})
from frames_on_disk import FramesOnDisk
import phos_core as phos
from phos_video import develop_clip
from phos_video.developing import clip
clip.LEAST_FRAMES, clip.SEGMENT_PIXELS = 4, 1

develop_clip(
    {source!r}, {destination!r}, phos.Recipe(**{settings!r}),
    media=FramesOnDisk(waits_at=9), backend="scipy",
)
"""


@pytest.fixture
def short_segments(monkeypatch):
    """Four frames in each segment."""
    monkeypatch.setattr(module, "LEAST_FRAMES", 4)
    monkeypatch.setattr(module, "SEGMENT_PIXELS", 1)


@pytest.fixture
def expected(frames, recipe):
    """Each frame developed by itself, with its number."""
    recipe = replace(recipe, input_space="srgb")
    return np.stack(
        [
            phos.develop(
                frame, recipe=replace(recipe, frame=recipe.frame + number), backend="scipy"
            )
            for number, frame in enumerate(frames)
        ]
    )


def develop(clip, recipe, name="new.npy", order=None, media=None, **more):
    destination = clip.parent / name
    run = {"backend": "scipy", "media": media or FramesOnDisk(), **more}
    return develop_clip(clip, destination, recipe, order, **run), destination


def left_behind(clip):
    """What lies beside a clip and is neither it nor what was made of it."""
    return sorted(path.name for path in clip.parent.iterdir() if path.name.startswith("."))


def test_each_frame_is_what_develop_gives_with_its_number(clip, recipe, expected):
    result, new = develop(clip, recipe)
    np.testing.assert_array_equal(np.load(new), expected)
    assert (result.status, result.frames, result.total) == ("developed", 13, 13)
    assert result.backend == "scipy"
    assert left_behind(clip) == []


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("jobs", [1, 2])
def test_segments_and_processes_change_nothing(clip, recipe, expected, jobs):
    _, new = develop(clip, recipe, jobs=jobs)
    np.testing.assert_array_equal(np.load(new), expected)


@pytest.mark.usefixtures("short_segments")
def test_a_part_of_a_clip_is_that_part_of_the_whole(clip, recipe, expected):
    _, new = develop(clip, recipe, order=Order(first=3, count=7))
    np.testing.assert_array_equal(np.load(new), expected[3:10])


@pytest.mark.usefixtures("short_segments")
def test_a_run_that_is_killed_goes_on_at_the_last_whole_segment(clip, recipe, expected, tmp_path):
    settings = {"film": "vision3-500t", "film_format": "super-16", "output_space": "rec709"}
    settings |= {"seed": recipe.seed, "frame": recipe.frame}
    new, reads = tmp_path / "new.npy", tmp_path / "reads"
    program = PROGRAM.format(
        here=str(HERE), source=str(clip), destination=str(new), settings=settings
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as killed:
        assert killed.stdout.readline() == "waiting\n"  # frame 9 is in the third segment's hands
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with contextlib.suppress(BrokenPipeError):
            killed.stdin.close()
    assert not new.exists()
    assert left_behind(clip) == [".new.npy.phos-work"]

    result, _ = develop(clip, recipe, media=FramesOnDisk(reads=reads))
    assert result.resumed == 8
    assert sorted(map(int, reads.read_text().split())) == [8, 9, 10, 11, 12]
    np.testing.assert_array_equal(np.load(new), expected)
    assert left_behind(clip) == []


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_is_asked_to_stop_keeps_each_frame_that_is_done(clip, recipe, expected, jobs):
    stop = threading.Event()

    def follow(progress):
        if progress.frames >= 1:
            stop.set()

    result, new = develop(clip, recipe, jobs=jobs, stop=stop, followed=follow)
    if result.status == "stopped":  # else it was over before it heard
        assert 0 < result.frames < 13
        assert not new.exists()
        before = result.frames
        result, _ = develop(clip, recipe, jobs=jobs)
        assert result.resumed == before
    np.testing.assert_array_equal(np.load(new), expected)
    assert left_behind(clip) == []


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("what", ["recipe", "order", "source"])
def test_where_anything_differs_all_begins_anew(clip, recipe, frames, tmp_path, what):
    class TornAt9(FramesOnDisk):
        def _frames(self, clip, span, halved):
            for number, frame in enumerate(super()._frames(clip, span, halved), span.first):
                if number == 9:
                    raise VideoError("the tape has torn")
                yield frame

    with pytest.raises(VideoError, match="torn"):
        develop(clip, recipe, media=TornAt9())
    assert left_behind(clip) == [".new.npy.phos-work"]  # with two segments
    order = None
    if what == "recipe":
        recipe = replace(recipe, grain=0.5)
    elif what == "order":
        order = Order(count=12)
    else:
        np.save(clip, np.stack([frames[0], *frames[:-1]]))
    result, new = develop(clip, recipe, order=order)
    assert result.resumed == 0
    assert len(np.load(new)) == result.total
    assert left_behind(clip) == []


def test_a_run_that_fails_leaves_what_was_there(clip, recipe):
    new = clip.parent / "new.npy"
    new.write_bytes(b"precious")

    class Torn(FramesOnDisk):
        def _frames(self, clip, span, halved):
            yield from list(super()._frames(clip, span, halved))[:-1]

    with pytest.raises(VideoError, match="has 12 frames from frame 0 on where 13"):
        develop(clip, recipe, media=Torn(), overwrite=True)
    assert new.read_bytes() == b"precious"
    assert left_behind(clip) == []


def test_what_exists_is_replaced_on_request_alone_and_what_is_done_is_known(clip, recipe):
    develop(clip, recipe)
    assert develop(clip, recipe)[0].status == "already done"
    with pytest.raises(VideoError, match="exists already"):
        develop(clip, replace(recipe, seed=4))
    with pytest.raises(VideoError, match="exists already"):
        develop(clip, recipe, order=Order(count=2))
    assert develop(clip, replace(recipe, seed=4), overwrite=True)[0].status == "developed"
    with pytest.raises(VideoError, match="is the clip itself"):
        develop(clip, recipe, name=clip.name, overwrite=True)


def test_a_sidecar_makes_the_same_clip_again(clip, recipe):
    order = Order(first=2, count=5, compare=True)
    _, new = develop(clip, recipe, order=order)
    made = np.load(new)
    found, again, same, backend = record.again(sidecar.path_for(new), None, None)
    assert (found, same, backend) == (clip, order, "scipy")
    develop_clip(found, clip.parent / "b.npy", again, same, backend=backend, media=FramesOnDisk())
    np.testing.assert_array_equal(np.load(clip.parent / "b.npy"), made)


def test_a_sidecar_of_a_still_is_none_of_a_clip(tmp_path, recipe):
    from phos_darkroom import develop_file, write_image

    write_image(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    develop_file(tmp_path / "a.png", tmp_path / "b.png", phos.Recipe(), backend="scipy")
    with pytest.raises(SidecarError, match="is of a still"):
        record.again(tmp_path / "b.png.phos.toml", None, None)


def test_a_split_screen_is_the_clip_on_the_left_and_the_film_on_the_right(
    clip, recipe, frames, expected
):
    recipe = replace(recipe, output_space="srgb")
    _, plain = develop(clip, recipe, "plain.npy")
    _, new = develop(clip, recipe, order=Order(compare=True))
    split = np.load(new)
    np.testing.assert_array_equal(split[:, :, :15], np.stack(frames)[:, :, :15])
    assert (split[:, :, 15:17] == 65535).all()
    np.testing.assert_array_equal(split[:, :, 17:], np.load(plain)[:, :, 17:])


def test_the_left_of_a_split_screen_is_in_the_space_of_the_right(clip, recipe, frames):
    _, new = develop(clip, recipe, order=Order(compare=True))
    left = np.load(new)[:, :, :15].astype(np.float64) / 65535
    codes = np.stack(frames)[:, :, :15] / 65535
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    assert np.abs(left - light ** (1 / 2.4)).max() < 2e-3


def test_a_proxy_has_half_the_pixels_each_twice_as_wide(clip, recipe, frames):
    _, new = develop(clip, recipe, order=Order(proxy=True, count=2))
    halves = [halved_frame(frame) for frame in frames[:2]]
    pitch_um = phos.FILM_FORMATS_UM["super-16"][0] / 32
    settings = replace(recipe, input_space="srgb", pixel_pitch_um=2 * pitch_um)
    for number, half in enumerate(halves):
        one = replace(settings, frame=recipe.frame + number)
        np.testing.assert_array_equal(
            np.load(new)[number], phos.develop(half, recipe=one, backend="scipy")
        )


def test_at_another_rate_frames_that_are_shown_again_get_grain_of_their_own(clip, recipe):
    result, new = develop(clip, recipe, order=Order(rate=Fraction(50)))
    positives = np.load(new)
    assert result.total == len(positives) == 26
    assert (positives[0] != positives[1]).any()


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"auto_balance": True}, ValueError, "auto_balance would balance each frame by itself"),
        ({"film": "vision9"}, LookupError, "unknown film"),
        ({"output_space": "acescg"}, ValueError, "output_space acescg is light"),
    ],
)
def test_a_recipe_that_no_clip_can_have_is_refused_before_the_work(
    clip, recipe, changes, error, why
):
    with pytest.raises(error, match=why):
        develop(clip, replace(recipe, **changes))
    assert left_behind(clip) == []


def test_without_spaces_of_its_own_a_recipe_takes_the_clips_and_that_of_video(clip, recipe):
    result, _ = develop(clip, replace(recipe, output_space=""))
    assert (result.recipe.input_space, result.recipe.output_space) == ("srgb", "rec709")
    texture = replace(recipe, output_space="", mode="texture")
    result, _ = develop(clip, texture, "texture.npy")
    assert result.recipe.output_space == "srgb"


def test_a_backend_that_is_an_object_stays_in_this_process(clip, recipe):
    from phos_core.convolution import select

    backend = select("scipy").backend
    result, _ = develop(clip, recipe, backend=backend)
    assert result.backend == "scipy"
    with pytest.raises(ValueError, match="is an object, and cannot go to another process"):
        develop(clip, recipe, "b.npy", backend=backend, jobs=2)
