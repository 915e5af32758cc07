"""Segments to one clip: its frames, their times, and whatever is beside them."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest

from phos_core.errors import ImageFileError
from phos_video.errors import VideoError
from phos_video.ffmpeg import join, probe, target_of

SLOW_AND_FAST = "select='not(mod(n\\,5)-1)+lt(n\\,20)'"  # frames left out: VFR


def sound_hash(ffmpeg, name, *arguments):
    """Of the packets of the first sound stream."""
    return ffmpeg(*arguments, "-i", name, "-map", "0:a:0", "-c", "copy", "-f", "hash", "pipe:1")


def nearest(frame, frames):
    """The number of the frame that another is most like."""
    return int(np.argmin([np.abs(frame.astype(int) - other).mean() for other in frames]))


def decoded_sound(ffmpeg, name):
    raw = ffmpeg("-i", name, "-map", "0:a:0", "-f", "s16le", "-ac", "1", "pipe:1")
    return np.frombuffer(raw, "<i2").astype(float)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("out.mov", "prores"), ("out.mov", "prores-4444"), ("out.mp4", "hevc"), ("out.mov", "hevc"),
        ("out.mp4", "av1"), ("out.mkv", "ffv1"), ("out.mov", "ffv1"), ("out.mp4", "h264"),
    ],
)  # fmt: skip
def test_segments_become_one_clip_of_the_same_frames_times_and_sound(
    name, codec, programs, moving, frames_of, written, ffmpeg, times_of
):
    clip = moving(rate="24000/1001")
    frames = frames_of(clip)
    target = target_of(name, codec, programs)
    out, notes = written(frames, clip, target, name, counts=[17, 1, 30])
    assert notes == ()
    assert (out.frames, out.rate, out.is_constant) == (48, Fraction(24000, 1001), True)
    assert times_of(out) == times_of(clip)
    assert sound_hash(ffmpeg, name) == sound_hash(ffmpeg, "moving.mov")
    assert (out.rows, out.cols, out.pixel_aspect) == (clip.rows, clip.cols, clip.pixel_aspect)
    assert [nearest(frame, frames) for frame in frames_of(out)] == list(range(48))


@pytest.mark.parametrize(("name", "codec"), [("out.mov", "prores"), ("out.mp4", "hevc")])
def test_variable_times_are_kept_over_segments(
    name, codec, programs, moving, frames_of, written, times_of
):
    clip = moving("vfr.mov", "-vf", SLOW_AND_FAST, *programs.passthrough, "-bf", "2")
    assert not clip.is_constant
    assert len(set(clip.durations)) > 1
    target = target_of(name, codec, programs)
    out, _ = written(frames_of(clip), clip, target, name, counts=[7, 9, clip.frames - 16])
    assert times_of(out) == times_of(clip)
    assert out.duration_s == clip.duration_s


def test_sound_that_begins_before_the_pictures_stays_in_step(
    programs, moving, frames_of, written, ffmpeg, tmp_path
):
    moving("early.mov")
    late = ("-itsoffset", "0.5", "-i", "early.mov", "-i", "early.mov")
    ffmpeg(*late, "-map", "0:v", "-map", "1:a", "-c", "copy", "late.mov")
    clip = probe(tmp_path / "late.mov", programs)
    assert clip.start_s == Fraction(1, 2)
    target = target_of("out.mov", "prores", programs)
    out, _ = written(frames_of(clip), clip, target, "out.mov", counts=[24, 24])
    assert out.start_s == clip.start_s
    assert [stream.start_s for stream in out.streams if stream.kind == "audio"] == [0]


def test_a_part_of_a_clip_has_the_sound_of_that_part(programs, moving, frames_of, written, ffmpeg):
    coded = ("-c:v", "libx264", "-g", "250", "-bf", "3", "-c:a", "pcm_s16le")
    clip = moving("whole.mov", *coded, "-af", "volume=eval=frame:volume=t")
    target = target_of("out.mov", "prores", programs)
    frames = frames_of(clip, first=12, count=24)
    out, _ = written(frames, clip, target, "out.mov", counts=[10, 14], first=12)
    assert (out.frames, out.duration_s) == (24, 1)
    (sound,) = [stream for stream in out.streams if stream.kind == "audio"]
    whole, part = decoded_sound(ffmpeg, "whole.mov"), decoded_sound(ffmpeg, "out.mov")
    begin = round((Fraction(12, 24) + sound.start_s - out.start_s) * 48000)
    assert sound.start_s - out.start_s < Fraction(1024, 48000)
    length = min(len(part), 40000)
    assert np.array_equal(part[:length], whole[begin : begin + length])
    assert abs(len(part) - 48000) <= 2 * 1024


def test_subtitles_chapters_timecode_and_title_are_kept(
    programs, moving, frames_of, written, ffmpeg, ffprobe, tmp_path
):
    moving("plain.mov")
    (tmp_path / "words.srt").write_text("1\n00:00:00,500 --> 00:00:01,250\nWords\n\n")
    (tmp_path / "chapters.txt").write_text(
        ";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\\; and more\n"
    )
    ffmpeg(
        *("-i", "plain.mov", "-i", "words.srt", "-i", "chapters.txt"),
        *("-map", "0:v", "-map", "0:a", "-map", "1", "-map_metadata", "2", "-map_chapters", "2"),
        *("-c:v", "copy", "-c:a", "copy", "-c:s", "mov_text", "-timecode", "01:00:00:10"),
        "clip.mov",
    )
    clip = probe(tmp_path / "clip.mov", programs)
    target = target_of("out.mov", "prores", programs)
    out, notes = written(frames_of(clip), clip, target, "out.mov", counts=[48])
    assert notes == ()
    assert out.chapters == clip.chapters
    assert [chapter.title for chapter in out.chapters] == ["One", "Two; and more"]
    assert out.timecode == clip.timecode == "01:00:00:10"
    assert ffprobe("out.mov", "format_tags=title") == ffprobe("clip.mov", "format_tags=title")
    assert b"00:00:00,500 --> 00:00:01,250\nWords" in ffmpeg("-i", "out.mov", "-f", "srt", "pipe:1")

    part, _ = written(
        frames_of(clip, first=12, count=30), clip, target, "part.mov", counts=[30], first=12
    )
    assert part.timecode == "01:00:00:22"
    assert [(chapter.start_s, chapter.title) for chapter in part.chapters] == [
        (0, "One"),
        (Fraction(1, 2), "Two; and more"),
    ]
    assert part.chapters[0].end_s == Fraction(1, 2)
    assert b"00:00:00,000 --> 00:00:00,750\nWords" in ffmpeg(
        "-i", "part.mov", "-f", "srt", "pipe:1"
    )


def test_what_a_container_does_not_take_is_encoded_or_left_out_and_said(
    programs, moving, frames_of, written, ffmpeg, tmp_path
):
    moving("sound.mkv", "-c:v", "libx264", "-c:a", "flac")
    (tmp_path / "words.srt").write_text("1\n00:00:00,500 --> 00:00:01,250\nWords\n\n")
    ffmpeg("-i", "sound.mkv", "-i", "words.srt", "-map", "0", "-map", "1", "-c", "copy", "a.mkv")
    clip = probe(tmp_path / "a.mkv", programs)
    target = target_of("out.mov", "prores", programs)
    out, notes = written(frames_of(clip), clip, target, "out.mov")
    kinds = {stream.kind: stream.codec for stream in out.streams}
    assert kinds == {"audio": "pcm_s24le", "subtitle": "mov_text"}
    assert len(notes) == 2
    assert "flac" in notes[0]
    assert "pcm_s24le" in notes[0]
    assert np.array_equal(decoded_sound(ffmpeg, "out.mov"), decoded_sound(ffmpeg, "a.mkv"))


def test_a_sequence_takes_its_places_by_the_clip_s_numbers(
    programs, moving, frames_of, written, tmp_path
):
    clip = moving()
    (tmp_path / "out").mkdir()
    target = target_of("out/f_%04d.png", None, programs)
    frames = frames_of(clip, first=10, count=5)
    out, notes = written(frames, clip, target, "out/f_%04d.png", counts=[2, 3], first=10)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"f_{number:04d}.png" for number in range(10, 15)
    ]
    assert "audio" in notes[0]
    assert (out.frames, out.first_number) == (5, 10)
    assert all(map(np.array_equal, frames_of(out), frames))


def test_nothing_is_left_of_a_join_that_fails(programs, moving, frames_of, written, tmp_path):
    clip = moving()
    target = target_of("out.mov", "prores", programs)
    broken = tmp_path / "broken.mov"
    broken.write_bytes(b"no clip at all")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(VideoError, match=r"out.mov cannot be put together: .+"):
        join([broken], clip, tmp_path / "out.mov", programs, target, counts=[48])
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_there_is_replaced_only_on_request(
    programs, moving, frames_of, written, tmp_path
):
    clip = moving()
    target = target_of("out.mov", "prores", programs)
    (tmp_path / "out.mov").write_bytes(b"precious")
    with pytest.raises(ImageFileError, match="exists already"):
        written(frames_of(clip), clip, target, "out.mov")
    assert (tmp_path / "out.mov").read_bytes() == b"precious"


def test_a_join_that_lost_frames_is_refused(programs, moving, frames_of, written, tmp_path):
    clip = moving()
    target = target_of("out.mov", "prores", programs)
    written(frames_of(clip, count=40), clip, target, "whole.mov")
    segment = tmp_path / "segments-whole.mov" / "0000.mov"
    with pytest.raises(VideoError, match="48 frames went in, 40 came out"):
        join([segment], clip, tmp_path / "out.mov", programs, target, counts=[48])
    assert not (tmp_path / "out.mov").exists()


def test_sound_is_known_by_its_hash(ffmpeg, moving):
    """That the hash above can tell two sounds apart."""
    moving("one.mov")
    ffmpeg("-i", "one.mov", "-c:v", "copy", "-af", "volume=0.9", "two.mov")
    one, two = sound_hash(ffmpeg, "one.mov"), sound_hash(ffmpeg, "two.mov")
    assert one != two
    assert len(hashlib.sha256(one).digest()) == 32
