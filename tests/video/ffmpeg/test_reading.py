"""Reading: exactly the frames that were asked for."""

import os
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from phos_video.errors import VideoError
from phos_video.ffmpeg import probe, read_frames, read_size
from phos_video.ffmpeg.pipes import Piped

LONG_GROUPS = ("-c:v", "libx264", "-bf", "3", "-g", "250", "-b_strategy", "0")


@pytest.fixture(
    params=["mov", "mkv", "ts", "avi", "h264", "vfr.mov", "cut.mov", "prores.mov", "vfr.mkv"],
)
def any_clip(request, moving, ffmpeg, programs, tmp_path):
    """Clips whose frames are hard to find: long groups with B-frames, VFR, an edit list."""
    name = f"clip.{request.param}"
    if request.param.startswith("vfr"):
        kept = ("-vf", "select='not(mod(n\\,5)-1)+lt(n\\,20)'", *programs.passthrough)
        return moving(name, *LONG_GROUPS, *kept)
    if request.param == "cut.mov":  # begins between key frames, so frames before are discarded
        moving("whole.mov", *LONG_GROUPS)
        ffmpeg("-ss", "0.51", "-i", "whole.mov", "-c", "copy", name)
        return probe(tmp_path / name, programs)
    if request.param == "prores.mov":
        return moving(name, "-c:v", "prores_ks")
    if request.param == "avi":
        return moving(name, "-c:v", "mpeg4", "-bf", "2", "-g", "250")
    return moving(name, *LONG_GROUPS, sound=request.param != "h264")


def test_frames_from_the_middle_are_those_of_the_whole(any_clip, frames_of):
    whole = frames_of(any_clip)
    assert len(whole) == any_clip.frames > 20
    assert len({frame.tobytes() for frame in whole}) == any_clip.frames  # so a neighbour is seen
    for first, count in ((1, 1), (any_clip.frames // 2, 3), (any_clip.frames - 2, 2)):
        part = frames_of(any_clip, first=first, count=count)
        assert [frame.tobytes() for frame in part] == [
            frame.tobytes() for frame in whole[first : first + count]
        ]


def test_frames_that_an_edit_list_discards_are_not_there(moving, ffmpeg, programs, tmp_path):
    moving("whole.mov", *LONG_GROUPS, sound=False)
    ffmpeg("-ss", "0.51", "-i", "whole.mov", "-c", "copy", "cut.mov")
    shown = ffmpeg("-i", "cut.mov", *programs.passthrough, "-f", "framehash", "pipe:1")
    lines = [line for line in shown.decode().splitlines() if not line.startswith("#")]
    assert 0 < probe(tmp_path / "cut.mov", programs).frames == len(lines) < 48


# QuickTime's matrices, a b c d: a pixel at (x, y) is shown at (ax + cy, bx + dy), y downwards.
MATRICES = {
    "a quarter to the right": ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
    "a quarter to the left": ((0, -1, 1, 0), np.rot90),
    "half": ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "turned over": ((0, 1, 1, 0), lambda frame: np.swapaxes(frame, 0, 1)),
}


@pytest.mark.parametrize("how", MATRICES)
def test_a_turned_clip_is_read_upright(how, moving, turn, programs, frames_of, tmp_path):
    plain = moving("a.mov", "-c:v", "prores_ks", "-vf", "setsar=4/3", sound=False)
    matrix, upright = MATRICES[how]
    expected = [upright(frame) for frame in frames_of(plain, count=2)]
    turn("a.mov", *matrix)
    clip = probe(tmp_path / "a.mov", programs)
    assert (clip.rows, clip.cols) == expected[0].shape[:2]
    assert clip.pixel_aspect == (Fraction(4, 3) if clip.cols == 96 else Fraction(3, 4))
    assert all(map(np.array_equal, frames_of(clip, count=2), expected))


@pytest.mark.parametrize("size", ["97x65", "96x65", "1x1"])
def test_odd_sizes_are_read_as_they_are(size, clip_of, frames_of, rng):
    cols, rows = map(int, size.split("x"))
    pixels = rng.integers(0, 65536, (rows, cols, 3)).astype("<u2")
    clip = clip_of("odd.mkv", "rgb48le", (pixels,), "-c:v", "ffv1", size=size)
    (frame,) = frames_of(clip)
    assert np.array_equal(frame, pixels)


def test_a_halved_frame_is_the_mean_of_each_four_pixels(clip_of, frames_of, rng):
    pixels = rng.integers(0, 65536, (64, 96, 3)).astype("<u2")
    clip = clip_of("fine.mkv", "rgb48le", (pixels,), "-c:v", "ffv1", size="96x64")
    (frame,) = frames_of(clip, halved=True)
    assert frame.shape == (*read_size(clip, halved=True), 3) == (32, 48, 3)
    means = pixels.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(frame - means).max() < 64  # half a level of ten bits


def test_another_rate_shows_the_frame_of_its_middle(moving, frames_of):
    clip = moving(rate="30", sound=False)
    slower = clip.at_rate(Fraction(24))
    assert (slower.frames, slower.rate, slower.duration_s) == (48, 24, 2)
    assert slower.picks[:6] == (0, 1, 3, 4, 5, 6)
    whole = frames_of(clip)
    assert all(
        np.array_equal(frame, whole[pick])
        for frame, pick in zip(frames_of(slower, first=5, count=20), slower.picks[5:], strict=False)
    )
    faster = clip.at_rate(Fraction(60))
    assert faster.picks[:5] == (0, 0, 1, 1, 2)
    assert len(frames_of(faster, first=3, count=4)) == 4


def test_one_frame_is_a_clip(moving, frames_of):
    clip = moving(seconds=0.04, sound=False)
    assert (clip.frames, len(frames_of(clip))) == (1, 1)


def combed(frame):
    """How unlike each row is to those beside it."""
    rows = frame.astype(int)
    return np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean()


@pytest.mark.parametrize("field", ["tff", "bff"])
def test_an_interlaced_frame_is_one_picture_wherever_reading_begins(field, clip_of, frames_of):
    fields = np.zeros((24, 64, 96), np.uint8)
    for number, picture in enumerate(fields):  # a bar that moves
        picture[:, 2 * number : 2 * number + 30] = 200
    first, second = (0, 1) if field == "tff" else (1, 0)
    frames = fields[::2].copy()
    frames[:, first::2], frames[:, second::2] = fields[0::2, first::2], fields[1::2, second::2]
    coded = ("-vf", f"setfield={field}", "-c:v", "prores_ks", "-flags", "+ildct")
    clip = clip_of("a.mov", "gray", (frames,), *coded, size="96x64", rate=25)
    assert clip.is_interlaced
    whole = frames_of(clip)
    assert len(whole) == clip.frames == 12
    assert all(map(np.array_equal, frames_of(clip, first=6, count=3), whole[6:9]))
    (woven,) = frames_of(replace(clip, is_interlaced=False), first=6, count=1)
    assert combed(whole[6]) < 0.2 * combed(woven)


def test_a_sequence_of_pictures_is_a_clip(ffmpeg, programs, frames_of, tmp_path):
    (tmp_path / "50% off").mkdir()
    source = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=0.5")
    ffmpeg(*source, "-pix_fmt", "gbrp10be", "-start_number", "1001", "50%% off/a %04d.dpx")
    clip = probe(tmp_path / "50% off/a %04d.dpx", programs, rate=Fraction(25))
    assert (clip.frames, clip.rate, clip.first_number) == (12, 25, 1001)
    assert (clip.depth_bits, clip.input_space) == (10, "srgb")
    whole = frames_of(clip)
    assert np.array_equal(frames_of(clip, first=7, count=1)[0], whole[7])
    (tmp_path / "50% off/a 1005.dpx").unlink()
    with pytest.raises(VideoError, match="number 1005 is missing"):
        probe(tmp_path / "50% off/a %04d.dpx", programs)


def test_light_of_an_exr_sequence_is_not_clipped(ffmpeg, programs, frames_of, tmp_path, rng):
    light = rng.uniform(-0.5, 40.0, (8, 6, 3)).astype("<f4")
    planes = np.ascontiguousarray(np.moveaxis(light, -1, 0)[[1, 2, 0]])  # green, blue, red
    raw = ("-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-video_size", "6x8", "-i", "pipe:0")
    ffmpeg(*raw, "-format", "float", "f_%03d.exr", given=planes.tobytes())
    clip = probe(tmp_path / "f_%03d.exr", programs)
    assert clip.is_float
    assert clip.input_space == "Linear Rec.709 (sRGB)"
    (frame,) = frames_of(clip)
    assert np.array_equal(frame, light)
    (half,) = frames_of(clip, halved=True)
    assert half == pytest.approx(light.reshape(4, 2, 3, 2, 3).mean(axis=(1, 3)), rel=1e-5)


def test_frames_that_are_not_there_are_refused(moving, programs):
    clip = moving(sound=False)
    with (
        pytest.raises(VideoError, match="has 48 frames; 3 from number 46 on are not there"),
        read_frames(clip, programs, first=46, count=3),
    ):
        pass


def test_a_damaged_clip_is_an_error_that_says_how_far_it_went(
    clip_of, frames_of, programs, tmp_path, rng
):
    pixels = [rng.integers(0, 65536, (32, 48, 3)).astype("<u2") for _ in range(20)]
    clip = clip_of("a.mov", "rgb48le", pixels, "-c:v", "ffv1", "-slicecrc", "1", size="48x32")
    whole = (tmp_path / "a.mov").read_bytes()
    (tmp_path / "a.mov").write_bytes(whole[: len(whole) // 2] + b"\0" * (len(whole) // 2))
    with pytest.raises(VideoError, match=r"damaged|decoded"):
        frames_of(clip)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="looks into /proc, which is not here"
)
def test_who_stops_reading_leaves_no_process_no_thread_and_no_pipe(moving, programs):
    clip = moving(size="640x360", seconds=4, sound=False)
    before = descriptors(), threading.active_count()
    for _ in range(3):
        with read_frames(clip, programs) as frames:
            next(frames)
    assert (descriptors(), threading.active_count()) == before
    with pytest.raises(ChildProcessError):  # none is left, not even a dead one
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.skipif(not hasattr(os, "getpgid"), reason="there are no process groups")
def test_ctrl_c_at_the_terminal_does_not_reach_ffmpeg(programs):
    pipe = Piped([programs.ffmpeg, "-version"], writes=False, trouble="")
    assert os.getpgid(pipe.process.pid) != os.getpgid(0)
    pipe.kill()


def test_a_slow_reader_gets_all_frames(moving, programs):
    clip = moving(size="640x360", sound=False)
    with read_frames(clip, programs) as frames:
        next(frames)
        time.sleep(0.3)  # ffmpeg fills the pipe, and waits
        assert sum(1 for _ in frames) == clip.frames - 1


def test_a_chatty_ffmpeg_does_not_block(moving, frames_of, programs, tmp_path):
    """More than a pipe holds, on the way that errors take."""
    shouting = tmp_path / "ffmpeg"
    shouting.write_text(
        f"#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' 'x' >&2\nexec {programs.ffmpeg} \"$@\"\n"
    )
    shouting.chmod(0o755)
    clip = moving(sound=False)
    with read_frames(clip, replace(programs, ffmpeg=str(shouting)), count=3) as frames:
        assert sum(1 for _ in frames) == 3
