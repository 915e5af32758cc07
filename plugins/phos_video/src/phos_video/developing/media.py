"""What the engine needs of whoever decodes and encodes: the user's ffmpeg, or a test's frames."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from phos_video.developing.segments import Span

if TYPE_CHECKING:
    from phos_video.ffmpeg.clip import Clip
    from phos_video.ffmpeg.programs import Programs
    from phos_video.ffmpeg.targets import Target

__all__ = ["Media", "Takes", "WithFFmpeg"]


class Takes(Protocol):
    """What takes frames one by one and makes a file of them."""

    def write(self, frame: NDArray[Any]) -> None:
        """Take the next frame: codes of 16 bits, or light in floats."""
        ...


class Media(Protocol):
    """Decodes and encodes clips; it can be sent to another process."""

    def target(self, destination: Path, codec: str | None) -> "Target":
        """Say what a clip becomes: by the codec's name, or by the ending of its file."""
        ...

    def probe(self, source: Path) -> "Clip":
        """Say what is in a clip."""
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
        self, segments: Sequence[Path], clip: "Clip", whole: Span, target: "Target", place: Path
    ) -> None:
        """Make one file of segments, with all that the clip has besides its frames."""
        ...


@dataclass(frozen=True, slots=True)
class WithFFmpeg:
    """The user's ffmpeg as `Media`.

    Parameters
    ----------
    programs : Programs
        As `find_programs` finds them.
    """

    programs: "Programs"
