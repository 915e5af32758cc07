"""Writing: each target holds the frames, says what they are, and is whole or not there."""

import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from phos_core.process import OUTPUT_SPACES
from phos_darkroom import read_picture
from phos_video.errors import VideoError
from phos_video.ffmpeg import TAGS_OF, TARGETS, FrameWriter, probe, target_of

CLIPS = [name for name, (target, *_) in TARGETS.items() if not target.is_sequence]
HOLDS = {"yuv422p10le", "yuv444p10le", "yuv420p10le", "yuv444p12le", "gbrp16le", "yuv420p"}


def bars(rows=64, cols=96):
    """Flat colours, which every codec keeps."""
    colours = [(0.75, 0.1, 0.1), (0.1, 0.6, 0.2), (0.2, 0.2, 0.7), (0.5, 0.5, 0.5)]
    codes = (np.array(colours) * 65535).astype(np.uint16)
    return np.repeat(np.tile(codes, (rows, 1, 1)), -(-cols // 4), axis=1)[:, :cols]


@pytest.fixture
def write(programs, tmp_path):
    """Write frames into one segment."""

    def run(name, codec, frames, *, rate=24, output_space="rec709", count=None, suffix=None):
        rows, cols = frames[0].shape[:2]
        pattern = TARGETS[codec][0].is_sequence
        target = target_of(
            f"a_%d{suffix}" if pattern else f"a{suffix or TARGETS[codec][0].suffixes[0]}",
            codec, programs, rows=rows, cols=cols,
        )  # fmt: skip
        path = tmp_path / f"{name}{target.segment_suffix}"
        times = range(len(frames) if count is None else count)
        with FrameWriter(
            path, programs, target, rows=rows, cols=cols, times=times,
            time_base=Fraction(1, rate), output_space=output_space,
        ) as writer:  # fmt: skip
            for frame in frames:
                writer.write(frame)
        return path

    return run


@pytest.mark.parametrize("space", sorted(TAGS_OF.keys() & OUTPUT_SPACES.keys()))
@pytest.mark.parametrize("codec", CLIPS)
def test_each_clip_is_tagged_in_its_stream_and_in_its_container(
    codec, space, write, programs, ffprobe, tmp_path, ffmpeg
):
    path = write("out", codec, [bars()] * 2, output_space=space)
    clip = probe(path, programs)
    is_rgb = codec == "ffv1"
    tags = TAGS_OF[space]
    assert (clip.tags.primaries, clip.tags.transfer) == (tags.primaries, tags.transfer)
    assert clip.tags.matrix == ("gbr" if is_rgb else tags.matrix)
    assert clip.tags.range in ("", "pc" if is_rgb else "tv")  # QuickTime has no place for it
    assert clip.pixel_format in HOLDS
    assert clip.input_space == space
    content = path.read_bytes()
    assert b"colr" in content  # QuickTime's and MP4's box
    if codec in ("hevc", "h264", "av1"):  # and in the stream itself, without the container
        raw = {"hevc": "hevc", "h264": "h264", "av1": "ivf"}[codec]
        ffmpeg("-i", path.name, "-c", "copy", "-f", raw, f"bare.{raw}")
        entries = "stream=color_range,color_space,color_transfer,color_primaries"
        said = ffprobe(f"bare.{raw}", entries)
        assert said == [f"tv,{tags.matrix},{tags.transfer},{tags.primaries}"]


@pytest.mark.parametrize("codec", CLIPS)
def test_flat_colours_come_back(codec, write, programs, frames_of):
    frame = bars()
    clip = probe(write("out", codec, [frame] * 3), programs)
    inside = np.s_[8:-8, 4::24]  # away from the edges
    is_lossy = codec in ("hevc", "h264", "av1")  # of another matrix they would be 3000 off
    for mine in frames_of(clip):
        wrong = np.abs(mine[inside].astype(int) - frame[inside]).max()
        assert wrong < (1024 if is_lossy else 3 * 65535 / 876)


@pytest.mark.parametrize("codec", CLIPS)
def test_an_odd_size_is_kept(codec, write, programs):
    clip = probe(write("out", codec, [bars(65, 97)] * 2), programs)
    assert (clip.rows, clip.cols, clip.frames) == (65, 97, 2)


def test_an_encoder_that_would_change_an_odd_size_is_not_taken(programs):
    without_libaom = replace(programs, encoders=frozenset({"libsvtav1"}), version=(6, 0))
    assert target_of("a.mp4", "av1", without_libaom).encoder == "libsvtav1"
    with pytest.raises(VideoError, match="takes no frame of 97 × 64"):
        target_of("a.mp4", "av1", without_libaom, rows=64, cols=97)


@pytest.mark.parametrize(
    ("path", "codec", "match"),
    [
        ("a.mov", "av1", r"AV1, 10 bits goes into .mp4 or .mkv or .webm; .mov holds prores"),
        ("a.avi", None, r"must be one of .mov, .mp4, .+, not .avi"),
        ("a", None, "not none"),
        ("a.mov", "xvid", "must be one of prores, .+, not 'xvid'"),
        ("a.png", None, "name them by a pattern, as in a_%06d.png"),
        ("a_%d.mov", None, "must have no pattern"),
    ],
)
def test_what_does_not_go_together_is_said_with_what_does(path, codec, match, programs):
    with pytest.raises(VideoError, match=match):
        target_of(path, codec, programs)


def test_a_missing_encoder_is_named(programs):
    bare = replace(programs, encoders=frozenset({"ffv1"}))
    with pytest.raises(VideoError, match=r"codec hevc: .* has no encoder libx265"):
        target_of("a.mp4", None, bare)
    with pytest.raises(VideoError, match=r"libsvtav1 of ffmpeg 5.1 or libaom-av1"):
        target_of("a.mp4", "av1", bare)


@pytest.mark.parametrize(("suffix", "codec"), [(".png", "png"), (".tif", "tiff")])
@pytest.mark.parametrize("space", ["srgb", "display-p3", "rec709"])
def test_pictures_of_a_sequence_are_the_darkroom_s_with_its_profiles(
    suffix, codec, space, write, rng
):
    frames = [rng.integers(0, 65536, (8, 6, 3)).astype(np.uint16) for _ in range(12)]
    folder = write("out", codec, frames, output_space=space, suffix=suffix)
    pictures = [read_picture(path) for path in sorted(folder.iterdir())]
    assert all(
        np.array_equal(picture.pixels, frame)
        for picture, frame in zip(pictures, frames, strict=True)
    )
    assert pictures[0].encoding == ("srgb" if space == "srgb" else "profile")


def test_light_of_an_exr_sequence_says_its_primaries(write, rng):
    pytest.importorskip("OpenImageIO", reason="EXR files are written by OpenImageIO")
    frames = [rng.uniform(-1, 30, (8, 6, 3)).astype(np.float32) for _ in range(2)]
    folder = write("out", "exr", frames, output_space="acescg", suffix=".exr")
    picture = read_picture(sorted(folder.iterdir())[0])
    assert (picture.encoding, picture.primaries) == ("linear", "acescg")
    assert picture.pixels == pytest.approx(frames[0], rel=1e-3)


@pytest.mark.parametrize(
    ("space", "transfer", "colorimetry"), [("rec709", 6, 6), ("adx10", 1, 1), ("srgb", 4, 6)]
)
def test_dpx_holds_ten_bits_rounded_and_says_what_they_are(
    space, transfer, colorimetry, write, rng
):
    frame = rng.integers(0, 65536, (8, 6, 3)).astype(np.uint16)
    folder = write("out", "dpx", [frame], output_space=space, suffix=".dpx")
    (path,) = folder.iterdir()
    content = path.read_bytes()
    assert (content[:4], content[801], content[802]) == (b"SDPX", transfer, colorimetry)
    (offset,) = struct.unpack(">I", content[4:8])
    words = np.frombuffer(content[offset:], ">u4").reshape(8, 6)  # SMPTE 268M, method A
    codes = np.stack([words >> 22, words >> 12 & 1023, words >> 2 & 1023], axis=-1)
    assert np.array_equal(codes, np.rint(frame / 65535 * 1023))


@pytest.mark.parametrize(
    ("codec", "space", "match"),
    [
        ("prores", "acescg", "an EXR sequence does"),
        ("exr", "srgb", "holds linear light: acescg, aces2065-1"),
        ("prores", "adx10", "no video tag stands"),
        ("prores", "nonsense", "must be one of srgb"),
    ],
)
def test_a_space_that_a_target_does_not_hold_is_refused(codec, space, match, write, tmp_path):
    with pytest.raises(VideoError, match=match):
        write("out", codec, [bars()], output_space=space, suffix=TARGETS[codec][0].suffixes[0])
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("frames", "count", "match"),
    [
        ([bars()], 2, "2 frames were announced, 1 came"),
        ([bars()] * 3, 2, "2 frames were announced, one more came"),
        ([bars(), bars(32)], 2, "must be uint16 of shape"),
        ([bars(), bars() / np.float32(65535)], 2, "must be uint16 of shape"),
    ],
)
@pytest.mark.parametrize("codec", ["prores", "png", "dpx"])
def test_frames_that_were_not_announced_leave_nothing(codec, frames, count, match, write, tmp_path):
    with pytest.raises(VideoError, match=match):
        write("out", codec, frames, count=count, suffix=TARGETS[codec][0].suffixes[0])
    assert not list(tmp_path.glob("out*"))


def test_an_encoder_that_fails_has_the_last_word(programs, tmp_path):
    target = replace(target_of("a.mov", "prores", programs), arguments=("-profile:v", "no such"))

    def write_fifty():
        large = {"rows": 640, "cols": 960, "times": range(50), "time_base": Fraction(1, 24)}
        with FrameWriter(tmp_path / "out.mov", programs, target, **large) as writer:
            for _ in range(50):
                writer.write(bars(640, 960))

    with pytest.raises(VideoError, match=r"out.mov cannot be written: .*no such"):
        write_fifty()
    assert not (tmp_path / "out.mov").exists()


def test_two_segments_of_the_same_frames_are_the_same_bytes(write):
    for codec in ("prores", "ffv1"):
        one, two = (write(f"{codec}{n}", codec, [bars()] * 2).read_bytes() for n in (1, 2))
        assert one == two
