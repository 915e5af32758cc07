"""Clips that ffmpeg makes; without ffmpeg the tests skip and say so."""

import struct
import subprocess
from fractions import Fraction

import numpy as np
import pytest

from phos_video.errors import VideoError
from phos_video.ffmpeg import FrameWriter, find_programs, join, probe, read_frames


@pytest.fixture(scope="session")
def programs():
    """The ffmpeg of this machine."""
    try:
        return find_programs()
    except VideoError as error:
        pytest.skip(str(error))


@pytest.fixture
def ffmpeg(programs, tmp_path):
    """Run ffmpeg in the test's folder: its arguments, and the bytes it reads; gives its output."""

    def run(*arguments, given=b""):
        command = [programs.ffmpeg, "-hide_banner", "-loglevel", "error", "-y", *arguments]
        done = subprocess.run(command, input=given, capture_output=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def ffprobe(programs, tmp_path):
    """Ask ffprobe for entries of a file; gives its lines."""

    def ask(name, entries, *arguments):
        command = [programs.ffprobe, "-v", "error", *arguments, "-show_entries", entries]
        command += ["-of", "csv=p=0", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, check=True)
        return [line.strip(",") for line in done.stdout.decode().split()]

    return ask


@pytest.fixture
def clip_of(ffmpeg, programs, tmp_path):
    """Make a clip of planes of codes, and look into it."""

    def make(name, pixel_format, planes, *arguments, size, rate=24, tags="range=tv"):
        raw = ("-f", "rawvideo", "-pix_fmt", pixel_format, "-video_size", size)
        given = b"".join(np.ascontiguousarray(plane).tobytes() for plane in planes)
        # On the frames and on the encoder: of one alone newer ffmpegs conclude that they convert.
        marks = () if "-vf" in arguments else ("-vf", f"setparams={tags}")
        marks = (*marks, "-color_range", "pc" if "range=pc" in tags else "tv")
        arguments = (*marks, "-pix_fmt", pixel_format, *arguments)
        ffmpeg(*raw, "-framerate", str(rate), "-i", "pipe:0", *arguments, name, given=given)
        return probe(tmp_path / name, programs)

    return make


@pytest.fixture
def moving(ffmpeg, programs, tmp_path):
    """Make a clip of a moving picture, and look into it; 2 s at 24 frames a second, with sound."""

    def make(name="moving.mov", *arguments, size="96x64", rate="24", seconds=2, sound=True):
        picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")
        tone = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}")
        coded = arguments or ("-c:v", "libx264", "-bf", "3", "-g", "250", "-pix_fmt", "yuv420p")
        ffmpeg(*picture, *(tone if sound else ()), *coded, name)
        return probe(tmp_path / name, programs)

    return make


@pytest.fixture
def turn(tmp_path):
    """Write a matrix, a b c d, into the header of a QuickTime file's first track."""

    def matrix(*numbers):
        return struct.pack(">9i", *numbers[:2], 0, *numbers[2:], 0, 0, 0, 1 << 30)

    def write(name, a, b, c, d):
        content = (tmp_path / name).read_bytes()
        at = content.index(matrix(1 << 16, 0, 0, 1 << 16), content.index(b"tkhd"))
        turned = matrix(*(number << 16 for number in (a, b, c, d)))
        (tmp_path / name).write_bytes(content[:at] + turned + content[at + len(turned) :])

    return write


@pytest.fixture
def frames_of(programs):
    """All frames of a clip, or some."""

    def read(clip, **how):
        with read_frames(clip, programs, **how) as frames:
            return list(frames)

    return read


@pytest.fixture
def written(programs, tmp_path):
    """Write frames as segments, join them with what a clip has beside them; gives the new clip."""

    def write(frames, clip, target, name, *, counts=None, first=0, output_space="rec709", **how):
        counts = counts or [len(frames)]
        folder = tmp_path / f"segments-{name.replace('/', '-').replace('%', '-')}"
        folder.mkdir()
        segments = []
        at = 0
        for number, count in enumerate(counts):
            segment = folder / f"{number:04d}{target.segment_suffix}"
            times = clip.times[first + at : first + at + count]
            shape = dict(zip(("rows", "cols"), frames[0].shape, strict=False))
            with FrameWriter(
                segment,
                programs,
                target,
                **shape,
                times=times,
                time_base=clip.time_base,
                end=clip.tick(first + at + count),
                pixel_aspect=clip.pixel_aspect,
                output_space=output_space,
            ) as writer:
                for frame in frames[at : at + count]:
                    writer.write(frame)
            segments.append(segment)
            at += count
        notes = join(
            segments, clip, tmp_path / name, programs, target, counts=counts, first=first, **how
        )
        return probe(tmp_path / name, programs), notes

    return write


@pytest.fixture
def times_of():
    """When each frame of a clip is shown, in seconds from the first."""

    def times(clip):
        return [Fraction(time) * clip.time_base for time in clip.times]

    return times
