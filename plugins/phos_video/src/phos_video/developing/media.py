"""What the engine needs of whoever decodes and encodes: the user's ffmpeg, or a test's frames."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from phos_video import ffmpeg
from phos_video.developing.segments import Span

if TYPE_CHECKING:
    from phos_video.ffmpeg import Clip, InputRange, Programs, Target

__all__ = ["Media", "Takes", "WithFFmpeg"]


class Takes(Protocol):
    """What takes frames one by one and makes a file of them."""

    def write(self, frame: NDArray[Any]) -> None:
        """Take the next frame: codes of 16 bits, or light in floats."""
        ...

    def end_early(self) -> None:
        """Say that no more frames come, though more were announced."""
        ...


class Media(Protocol):
    """Decodes and encodes clips; it can be sent to another process."""

    def target(
        self, destination: Path, codec: str | None, clip: "Clip", *, halved: bool
    ) -> "Target":
        """Say what a clip becomes: by the codec's name, or by the ending of its file."""
        ...

    def probe(self, source: Path, rate: Fraction | None) -> "Clip":
        """Say what is in a clip; a sequence of pictures is shown at a rate, by default 24."""
        ...

    def frames(
        self, clip: "Clip", span: Span, *, input_space: str, halved: bool
    ) -> AbstractContextManager[Iterator[NDArray[Any]]]:
        """Give frames of a clip, each an array of its own."""
        ...

    def writer(
        self,
        place: Path,
        target: "Target",
        clip: "Clip",
        span: Span,
        *,
        shape: tuple[int, int],
        output_space: str,
    ) -> AbstractContextManager[Takes]:
        """Give what writes a segment to a place; it is whole once the block is left."""
        ...

    def join(
        self,
        segments: Mapping[Span, Path],
        clip: "Clip",
        target: "Target",
        place: Path,
        *,
        overwrite: bool,
    ) -> tuple[str, ...]:
        """Make one file of segments in their order, with what the clip has besides its frames.

        A sequence of pictures goes to its places at once. What people should be told comes back.
        """
        ...


@dataclass(frozen=True, slots=True)
class WithFFmpeg:
    """The user's ffmpeg as `Media`.

    Parameters
    ----------
    programs : Programs
        As `find_programs` finds them.
    input_range : {"auto", "full", "limited"}
        Whether a clip's codes take the full range.
    """

    programs: "Programs"
    input_range: "InputRange" = "auto"

    def target(
        self, destination: Path, codec: str | None, clip: "Clip", *, halved: bool
    ) -> "Target":
        """Choose by the codec's name, or by the ending; not every encoder takes odd sizes."""
        rows, cols = ffmpeg.read_size(clip, halved=halved)
        return ffmpeg.target_of(destination, codec, self.programs, rows=rows, cols=cols)

    def probe(self, source: Path, rate: Fraction | None) -> "Clip":
        """Ask ffprobe."""
        return ffmpeg.probe(source, self.programs, **({} if rate is None else {"rate": rate}))

    def frames(
        self, clip: "Clip", span: Span, *, input_space: str, halved: bool
    ) -> AbstractContextManager[Iterator[NDArray[Any]]]:
        """Decode by a pipe."""
        return ffmpeg.read_frames(
            clip,
            self.programs,
            first=span.first,
            count=span.count,
            input_space=input_space,
            input_range=self.input_range,
            halved=halved,
        )

    def writer(
        self,
        place: Path,
        target: "Target",
        clip: "Clip",
        span: Span,
        *,
        shape: tuple[int, int],
        output_space: str,
    ) -> AbstractContextManager[Takes]:
        """Encode by a pipe."""
        rows, cols = shape
        return ffmpeg.FrameWriter(
            place,
            self.programs,
            target,
            rows=rows,
            cols=cols,
            times=clip.times[span.first : span.end],
            time_base=clip.time_base,
            end=clip.times[-1] + clip.durations[-1]
            if span.end == clip.frames
            else clip.times[span.end],
            pixel_aspect=clip.pixel_aspect,
            output_space=output_space,
        )

    def join(
        self,
        segments: Mapping[Span, Path],
        clip: "Clip",
        target: "Target",
        place: Path,
        *,
        overwrite: bool,
    ) -> tuple[str, ...]:
        """Copy packets, and map the clip's other streams."""
        return ffmpeg.join(
            list(segments.values()),
            clip,
            place,
            self.programs,
            target,
            counts=[span.count for span in segments],
            first=min(span.first for span in segments),
            overwrite=overwrite,
        )
