"""The table of docs/clips.md: kinds of clips, and what comes out when nothing is applied."""

from pathlib import Path

import numpy as np
import pytest

from phos_video.ffmpeg import TAGS_OF, probe, target_of

PAGE = Path(__file__).parents[3] / "docs" / "clips.md"
TEN_BITS = ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")
ODD = ("-c:v", "ffv1", "-vf", "format=yuv444p10le,scale=97:65,setsar=1")
SLOW_AND_FAST = "select='not(mod(n\\,5)-1)+lt(n\\,20)'"
PQ = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv"
S_LOG3 = (
    '<Group name="CameraUnitMetadataSet"><Item name="CaptureGammaEquation" value="s-log3-cine"/>'
    '<Item name="CaptureColorPrimaries" value="s-gamut3-cine"/></Group>'
)

KINDS = {
    "ProRes, 10 bits": TEN_BITS,
    "H.264 with B-frames": ("-c:v", "libx264", "-bf", "3", "-g", "250"),
    "PQ of BT.2020, 10 bits": (*TEN_BITS, "-vf", PQ),
    "S-Log3, as its camera says": TEN_BITS,
    "variable frame times": (*TEN_BITS, "-vf", SLOW_AND_FAST),
    "turned by a quarter": TEN_BITS,
    "pixels of 4:3": (*TEN_BITS, "-vf", "setsar=4/3"),
    "odd size": ODD,
    "one frame": TEN_BITS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_comes_out_as_the_page_says(
    kind, moving, turn, programs, ffmpeg, frames_of, written, times_of, tmp_path
):
    arguments = (*KINDS[kind], *(programs.passthrough if "variable" in kind else ()))
    rate = "24000/1001" if "H.264" in kind else "24"
    moving("C0001.mov", *arguments, rate=rate, seconds=0.04 if "one" in kind else 2)
    if kind == "turned by a quarter":
        turn("C0001.mov", 0, 1, -1, 0)
    if kind.startswith("S-Log3"):
        (tmp_path / "C0001M01.XML").write_text(S_LOG3)
    clip = probe(tmp_path / "C0001.mov", programs)
    frames = frames_of(clip)
    space = clip.input_space if clip.input_space in TAGS_OF else "rec709"
    target = target_of("out.mov", "ffv1", programs)
    counts = [clip.frames] if clip.frames == 1 else [7, clip.frames - 7]
    out, _ = written(frames, clip, target, "out.mov", counts=counts, output_space=space)

    assert all(map(np.array_equal, frames_of(out), frames))
    assert times_of(out) == times_of(clip)
    assert (out.duration_s, out.input_space) == (clip.duration_s, space)
    sound = [
        ffmpeg("-i", name, "-map", "0:a", "-c", "copy", "-f", "hash", "pipe:1")
        for name in ("C0001.mov", "out.mov")
    ]
    assert sound[0] == sound[1]
    assert row_of(kind, clip, out) in PAGE.read_text(encoding="utf-8").splitlines()


def row_of(kind, clip, out):
    """A row of the page's table."""
    rate = f"{float(out.rate):.6g} a second" if out.is_constant else "each its own"
    shape = f"{out.cols} × {out.rows}, {out.pixel_aspect.numerator}:{out.pixel_aspect.denominator}"
    tags = f"{out.tags.primaries}, {out.tags.transfer}"
    return f"| {kind} | {clip.input_space} | {out.frames} | {rate} | {shape} | {tags} | the same |"
