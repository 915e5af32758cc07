"""Clips as arrays in .npy files: what decodes and encodes where there is no ffmpeg.

>>> develop_clip("in.npy", "out.npy", recipe, media=FramesOnDisk())
"""

import contextlib
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from phos_video import Clip, Target
from phos_video.ffmpeg import Tags

SPACE = "srgb"


@dataclass(frozen=True)
class FramesOnDisk:
    """Reads and writes frames of 16 bits; it says what it does where it is told to.

    Parameters
    ----------
    reads : Path or None
        A file that takes the number of each frame that is read, a line each.
    waits_at : int or None
        Before this frame is written it says so on stdout, and waits for ever.
    """

    reads: Path | None = None
    waits_at: int | None = None

    def target(self, destination, codec, clip, *, halved):
        return FramesTarget(name="frames", title="frames", suffixes=(".npy",))

    def probe(self, source, rate=None):
        frames = np.load(source, mmap_mode="r")
        count, rows, cols, _ = frames.shape
        return Clip(
            path=Path(source),
            stream=0,
            rows=rows,
            cols=cols,
            time_base=Fraction(1, 25),
            times=tuple(range(count)),
            durations=(1,) * count,
            rate=Fraction(25),
            is_constant=True,
            depth_bits=16,
            pixel_format="rgb48le",
            codec="frames",
            container="npy",
            tags=Tags(),
            input_space=SPACE,
        )

    @contextlib.contextmanager
    def frames(self, clip, span, *, input_space, halved):
        yield self._frames(clip, span, halved)

    def _frames(self, clip, span, halved):
        source = clip if clip.source is None else clip.source
        held = np.load(source.path, mmap_mode="r")
        for number in range(span.first, span.end):
            if self.reads is not None:
                with self.reads.open("a") as file:
                    file.write(f"{number}\n")
            frame = np.array(held[clip.picks[number] if clip.picks else number])
            yield halved_frame(frame) if halved else frame

    def writer(self, place, target, clip, span, *, shape, output_space):
        return Writer(place, span, self.waits_at)

    def join(self, segments, clip, target, place, *, overwrite):
        np.save(place, np.concatenate([np.load(path) for path in segments.values()]))
        return ()


class FramesTarget(Target):
    """Frames of 16 bits in a .npy file."""

    __slots__ = ()

    @property
    def segment_suffix(self):
        return ".npy"


class Writer:
    """Takes the frames of a segment, and saves them once all are there."""

    def __init__(self, place, span, waits_at):
        self.place, self.span, self.waits_at = place, span, waits_at
        self.frames, self.expected = [], span.count

    def __enter__(self):
        self.place.write_bytes(b"half a segment")
        return self

    def write(self, frame):
        if self.span.first + len(self.frames) == self.waits_at:
            sys.stdout.write("waiting\n")
            sys.stdout.flush()
            sys.stdin.read()
        self.frames.append(frame.copy())

    def end_early(self):
        self.expected = len(self.frames)

    def __exit__(self, kind, error, trace):
        if kind is None:
            assert len(self.frames) == self.expected
            np.save(self.place, np.stack(self.frames))


def halved_frame(frame):
    """The mean of each four pixels."""
    rows, cols = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
    fours = frame[:rows, :cols].reshape(rows // 2, 2, cols // 2, 2, 3)
    return np.floor(fours.mean(axis=(1, 3)) + 0.5).astype(np.uint16)
