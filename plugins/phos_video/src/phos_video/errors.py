"""What is wrong with a clip, or with the ffmpeg that reads and writes it."""

from phos_core.errors import PhosError

__all__ = ["VideoError"]


class VideoError(PhosError):
    """A clip cannot be read or written: the file, or the user's own ffmpeg, says why."""
