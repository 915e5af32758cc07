"""Levels: each code of a stream is kept, and white is white."""

import numpy as np
import PyOpenColorIO
import pytest

from phos_video.ffmpeg import has_full_codes, target_of

ROWS = 16
SIZE = f"1024x{ROWS}"
CODES = np.arange(1024)
BT709 = "range=tv:colorspace=bt709"
LOSSLESS = ("-c:v", "ffv1", "-level", "3")


def plane(codes, dtype="<u2", rows=ROWS):
    return np.tile(np.asarray(codes).astype(dtype), (rows, 1))


def of_ten_bits(*, code=512, across=2, down=2):
    """A plane of colour for 4:2:0, or for less subsampling."""
    return np.full((ROWS // down, 1024 // across), code, "<u2")


@pytest.mark.parametrize("name", ["ffv1-10", "ffv1"])
def test_every_level_of_a_limited_ten_bit_ramp_is_kept_when_nothing_is_applied(
    name, programs, clip_of, frames_of, written, ffmpeg, tmp_path
):
    codes = np.clip(CODES, 64, 940)
    planes = (plane(codes), of_ten_bits(), of_ten_bits())
    clip = clip_of("ramp.mkv", "yuv420p10le", planes, *LOSSLESS, size=SIZE, tags=BT709)
    frames = frames_of(clip)
    target = target_of("out.mkv", name, programs)
    out, _ = written(frames, clip, target, "out.mkv")
    if name == "ffv1":
        (again,) = frames_of(out)
        assert np.array_equal(again, frames[0])
        luma = np.rint(again[0, :, 1] / 65535 * 876 + 64)
    else:
        raw = ffmpeg("-i", "out.mkv", "-f", "rawvideo", "pipe:1")
        luma, *colour = np.frombuffer(raw, "<u2").reshape(3, ROWS, 1024)[:, 0]
        assert set(np.unique(colour)) == {512}
    assert np.array_equal(luma, codes)


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("pixel_format", "bits"),
    [
        ("yuv420p", 8), ("yuv422p", 8), ("yuv444p", 8), ("yuv420p10le", 10), ("yuv422p10le", 10),
        ("yuv444p10le", 10), ("yuv422p12le", 12), ("yuv444p16le", 16), ("gray", 8),
        ("gray10le", 10),
    ],
)  # fmt: skip
def test_codes_become_light_as_their_standard_says(pixel_format, bits, full, clip_of, frames_of):
    dtype = "u1" if bits == 8 else "<u2"
    codes = CODES // 4 if bits == 8 else CODES << (bits - 10)
    down = 2 if "420" in pixel_format else 1
    across = 1 if "444" in pixel_format else 2
    neutral = np.full((ROWS // down, 1024 // across), 1 << (bits - 1), dtype)
    colour = () if pixel_format.startswith("gray") else (neutral, neutral)
    tags = f"range={'pc' if full else 'tv'}:colorspace=bt709"
    planes = (plane(codes, dtype), *colour)
    clip = clip_of("ramp.mkv", pixel_format, planes, *LOSSLESS, size=SIZE, tags=tags)
    (frame,) = frames_of(clip)
    unit = 1 << (bits - 8)  # BT.709: black at 16, white at 235, of 8 bits
    share = codes / (2**bits - 1) if full else (codes - 16 * unit) / (219 * unit)
    expected = 65535 * np.clip(share, 0.0, 1.0)
    assert np.abs(frame - expected[:, None]).max() < 2.0


@pytest.mark.parametrize(
    ("pixel_format", "bits", "planes"),
    [("gbrp10le", 10, 3), ("gbrp12le", 12, 3), ("gbrp16le", 16, 3), ("gbrap10le", 10, 4)],
)
def test_rgb_is_spread_over_sixteen_bits(pixel_format, bits, planes, clip_of, frames_of):
    codes = CODES << (bits - 10)
    clip = clip_of("ramp.mkv", pixel_format, (plane(codes),) * planes, *LOSSLESS, size=SIZE)
    (frame,) = frames_of(clip)
    assert (clip.depth_bits, clip.has_alpha) == (bits, planes == 4)
    assert np.abs(frame - (codes * 65535 / (2**bits - 1))[:, None]).max() < 1.0


@pytest.mark.parametrize(("pixel_format", "channels"), [("rgb24", 3), ("rgba", 4)])
def test_bytes_of_rgb_become_257_times_themselves(pixel_format, channels, clip_of, frames_of):
    pixels = np.repeat(plane(CODES // 4, "u1")[..., None], channels, axis=2)
    clip = clip_of("ramp.mkv", pixel_format, (pixels,), "-c:v", "png", size=SIZE)
    (frame,) = frames_of(clip)
    assert np.array_equal(frame, 257 * pixels[..., :3].astype(np.uint16))


def test_saturated_colours_are_those_of_the_matrix(clip_of, frames_of):
    colour = np.array((0.1, 0.7, 0.4))
    luma = colour @ (0.2627, 0.678, 0.0593)  # BT.2020
    blue, red = (colour[2] - luma) / 1.8814, (colour[0] - luma) / 1.4746
    codes = np.rint((64 + 876 * luma, 512 + 896 * blue, 512 + 896 * red))
    planes = [np.full((ROWS, 1024), code, "<u2") for code in codes]
    tags = "range=tv:colorspace=bt2020nc:color_primaries=bt2020"
    clip = clip_of("flat.mkv", "yuv444p10le", planes, *LOSSLESS, size=SIZE, tags=tags)
    (frame,) = frames_of(clip)
    assert np.abs(frame[8, 500] / 65535 - colour).max() < 1.5 / 876


@pytest.mark.parametrize(
    ("pixel_format", "down"), [("yuv420p10le", 2), ("yuv422p10le", 1)], ids=["420", "422"]
)
def test_subsampled_colour_stays_where_it_is(pixel_format, down, clip_of, frames_of):
    """H.264 and its like have the sample of colour on every second pixel, not between two."""
    red = np.tile((256 + np.arange(512)).astype("<u2"), (ROWS // down, 1))
    planes = (plane(np.full(1024, 502)), of_ten_bits(down=down), red)
    clip = clip_of("ramp.mkv", pixel_format, planes, *LOSSLESS, size=SIZE, tags=BT709)
    (frame,) = frames_of(clip)
    code = 256 + np.arange(1024) / 2  # of a pixel
    expected = (502 - 64) / 876 + 1.5748 * (code - 512) / 896
    inside = slice(200, 800)
    wrong = frame[8, inside, 0] / 65535 - expected[inside]
    assert np.abs(wrong).max() < 0.1 * 1.5748 / 896 / 2  # a tenth of a pixel's step


# docs/sources.md, "log-greys" and "log-ranges": of 18 % grey the 10-bit code, and the waveform
# monitor's per cent, which makers' tables have side by side.
GREYS = {
    "S-Log3 S-Gamut3.Cine": (420, 41),
    "V-Log V-Gamut": (433, 42),
    "CanonLog2 CinemaGamut D55": (407, 39.2),
    "CanonLog3 CinemaGamut D55": (351, 32.8),
}


@pytest.mark.parametrize("space", GREYS)
def test_a_log_over_all_codes_has_its_grey_where_the_maker_says(space, clip_of, frames_of):
    code, per_cent = GREYS[space]
    assert (code - 64) / 8.76 == pytest.approx(per_cent, abs=0.5)  # so the code is the stream's
    assert has_full_codes(space)
    planes = (plane(np.full(1024, code)), of_ten_bits(), of_ten_bits())
    clip = clip_of("grey.mkv", "yuv420p10le", planes, *LOSSLESS, size=SIZE)
    (frame,) = frames_of(clip, input_space=space)
    config = PyOpenColorIO.Config.CreateFromFile("ocio://studio-config-latest")
    to_light = config.getProcessor(space, "Linear Rec.709 (sRGB)").getDefaultCPUProcessor()
    light = to_light.applyRGB((frame[8, 500] / 65535).tolist())
    assert light == pytest.approx([0.18] * 3, rel=0.01)  # a code is about 1.3 %


def test_a_log_over_all_codes_is_not_clipped_where_limited_codes_end(clip_of, frames_of):
    planes = (plane(CODES), of_ten_bits(), of_ten_bits())
    clip = clip_of("ramp.mkv", "yuv420p10le", planes, *LOSSLESS, size=SIZE)
    (frame,) = frames_of(clip, input_space="S-Log3 S-Gamut3.Cine")
    assert np.abs(frame[8] - (CODES * 65535 / 1023)[:, None]).max() < 2.0
    (limited,) = frames_of(clip, input_space="S-Log3 S-Gamut3.Cine", input_range="limited")
    assert limited[8, 940:].min() >= 65534


def test_colours_of_a_log_over_all_codes_follow_its_greys(clip_of, frames_of):
    """R'G'B' over all codes, coded as a camera does: Y'CbCr of E' = (1023 R' - 64) / 876."""
    colour = np.array((0.2, 0.45, 0.8))
    coded = (1023 * colour - 64) / 876
    luma = coded @ (0.2126, 0.7152, 0.0722)
    blue, red = (coded[2] - luma) / 1.8556, (coded[0] - luma) / 1.5748
    codes = np.rint((64 + 876 * luma, 512 + 896 * blue, 512 + 896 * red))
    planes = [np.full((ROWS, 1024), code, "<u2") for code in codes]
    clip = clip_of("flat.mkv", "yuv444p10le", planes, *LOSSLESS, size=SIZE, tags=BT709)
    (frame,) = frames_of(clip, input_space="S-Log3 S-Gamut3")
    assert np.abs(frame[8, 500] / 65535 - colour).max() < 1.5 / 876


@pytest.mark.parametrize(
    "space", ["ARRI LogC3 (EI800)", "ARRI LogC4", "Apple Log", "rec709", "Log3G10 REDWideGamutRGB"]
)
def test_other_logs_are_read_as_their_streams_are_tagged(space):
    assert not has_full_codes(space)
