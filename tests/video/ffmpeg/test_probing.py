"""Probing: what is a clip, and what is none."""

import pytest

from phos_video.errors import VideoError
from phos_video.ffmpeg import probe


@pytest.mark.parametrize(
    ("tags", "space"),
    [
        ("range=tv", "rec709"),
        ("color_primaries=bt709:color_trc=bt709:colorspace=bt709", "rec709"),
        ("color_primaries=bt470bg:color_trc=bt470bg", "rec709"),
        ("color_primaries=bt709:color_trc=iec61966-2-1", "srgb"),
        ("color_primaries=smpte432:color_trc=bt709", "display-p3"),
        ("color_primaries=bt2020:color_trc=bt2020-10", "rec2020"),
        ("color_primaries=bt2020:color_trc=smpte2084", "rec2100-pq"),
        ("color_primaries=bt2020:color_trc=arib-std-b67", "rec2100-hlg"),
    ],
)
def test_tags_name_the_space(tags, space, moving):
    clip = moving(
        "a.mkv", "-c:v", "libx264", "-vf", f"format=yuv420p10le,setparams={tags}", sound=False
    )
    assert clip.input_space == space


def test_what_a_camera_says_goes_before_the_tags(moving, programs, ffmpeg, tmp_path):
    moving("C0001.MP4", sound=False)
    (tmp_path / "C0001M01.XML").write_text(
        '<Group name="CameraUnitMetadataSet">'
        '<Item name="CaptureGammaEquation" value="s-log3-cine"/>'
        '<Item name="CaptureColorPrimaries" value="s-gamut3-cine"/></Group>'
    )
    assert probe(tmp_path / "C0001.MP4", programs).input_space == "S-Log3 S-Gamut3.Cine"
    xml = "<Gamma><CaptureGamma>V-Log</CaptureGamma></Gamma>"
    keys = ("-movflags", "use_metadata_tags")
    said = ("-metadata", f"com.panasonic.Semi-Pro.metadata.xml={xml}")
    ffmpeg("-i", "C0001.MP4", "-c", "copy", *keys, *said, "lumix.mov")
    assert probe(tmp_path / "lumix.mov", programs).input_space == "V-Log V-Gamut"
    said = ("-metadata", "com.arri.camera.ColorGammaSxS=LOG-C")
    ffmpeg("-i", "C0001.MP4", "-c", "copy", *keys, *said, "alexa.mov")
    assert probe(tmp_path / "alexa.mov", programs).input_space == "ARRI LogC3 (EI800)"


def make_text(name, content):
    return lambda ffmpeg, moving, path: (path / name).write_text(content)


def make_sound(ffmpeg, moving, path):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "bad.wav")
    (path / "bad.wav").rename(path / "bad")


def make_cover(ffmpeg, moving, path):
    ffmpeg("-f", "lavfi", "-i", "color=size=32x32", "-frames:v", "1", "cover.png")
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", "a.m4a")
    disposition = ("-disposition:v:0", "attached_pic")
    ffmpeg("-i", "a.m4a", "-i", "cover.png", "-map", "0", "-map", "1", "-c", "copy", *disposition,
           "-f", "mp4", "bad")  # fmt: skip


def make_empty_clip(ffmpeg, moving, path):
    ffmpeg("-f", "lavfi", "-i", "color=size=32x32:duration=1", "-frames:v", "0", "-f", "matroska",
           "bad")  # fmt: skip


def make_cut_off(ffmpeg, moving, path):
    moving("a.mov", "-c:v", "prores_ks", "-movflags", "faststart", sound=False)
    whole = (path / "a.mov").read_bytes()
    (path / "bad").write_bytes(whole[: len(whole) * 2 // 3])


def make_headless(ffmpeg, moving, path):
    moving("a.mov", "-c:v", "prores_ks", sound=False)  # its index is at the end
    whole = (path / "a.mov").read_bytes()
    (path / "bad").write_bytes(whole[: len(whole) * 2 // 3])


def make_cut_off_matroska(ffmpeg, moving, path):
    moving("a.mkv", "-c:v", "libx264", "-g", "1", sound=False)
    whole = (path / "a.mkv").read_bytes()
    (path / "bad").write_bytes(whole[: len(whole) * 2 // 3])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (make_text("bad", "This is a text, which is no clip.\n" * 40), "bad"),
        (make_text("bad.txt", "This is a text, which is no clip.\n" * 40), "is no clip but text"),
        (make_text("bad", ""), "cannot be read as a clip"),
        (make_text("bad", "ffconcat version 1.0\nfile 'a.mov'\n"), "a list of files"),
        (make_text("bad.m3u8", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"), "bad.m3u8"),
        (make_sound, "has no pictures; it has audio"),
        (make_cover, "a cover picture, but no moving ones"),
        (make_empty_clip, "bad"),
        (make_cut_off, "is cut off: .* of its 48 frames are there"),
        (make_headless, "cannot be read as a clip: .*moov atom not found"),
        (make_cut_off_matroska, "is cut off"),
        (lambda ffmpeg, moving, path: (path / "bad").mkdir(), "is a folder"),
        (lambda ffmpeg, moving, path: None, "there is no such file"),
    ],
)
def test_what_is_no_clip_is_one_clear_error(make, match, ffmpeg, moving, programs, tmp_path):
    moving("a.mov", sound=False)
    make(ffmpeg, moving, tmp_path)
    (path,) = list(tmp_path.glob("bad*")) or [tmp_path / "bad"]
    with pytest.raises(VideoError, match=match) as caught:
        probe(path, programs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "-i.mov", "100%d.mov", "a:b.mov", "it's.mov", 'say "so".mov', "two\nlines.mov", "a|b.mov",
        "concat:a.mov", "фильм.mov", "[0:v].mov", "$HOME;ls.mov", "a,b\\c.mov",
    ],
)  # fmt: skip
def test_a_name_is_a_name_whatever_is_in_it(name, moving, programs, frames_of, written, tmp_path):
    from phos_video.ffmpeg import target_of

    moving("a.mov")
    (tmp_path / "a.mov").rename(tmp_path / name)
    clip = probe(tmp_path / name, programs)
    frames = frames_of(clip, first=3, count=4)
    assert len(frames) == 4
    if "%d" in name:  # of a new clip that is the pattern of a sequence
        return
    (tmp_path / "out").mkdir()
    target = target_of(tmp_path / "out" / name, "prores", programs)
    folder = tmp_path / "out" / f"in {name}"
    folder.mkdir()
    from phos_video.ffmpeg import FrameWriter, join

    segment = folder / "0.mov"
    with FrameWriter(
        segment, programs, target, rows=64, cols=96, times=range(4), time_base=clip.time_base
    ) as writer:
        for frame in frames:
            writer.write(frame)
    join([segment], clip, tmp_path / "out" / name, programs, target, counts=[4], first=3)
    assert probe(tmp_path / "out" / name, programs).frames == 4


def test_a_playlist_opens_no_other_file(programs, moving, tmp_path):
    """A script of ffmpeg's that names a file elsewhere is refused."""
    moving("a.mov", sound=False)
    (tmp_path / "script.mov").write_text(f"ffconcat version 1.0\nfile '{tmp_path}/a.mov'\n")
    with pytest.raises(VideoError, match=r"list of files|cannot be read"):
        probe(tmp_path / "script.mov", programs)
