"""Moving pictures on film, frame by frame: installing this adds ``phos video``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phos_core.backend import hookimpl

if TYPE_CHECKING:
    import click

    from phos_video.developing.clip import ClipResult, Progress, develop_clip
    from phos_video.developing.media import Media, Takes
    from phos_video.developing.order import Order
    from phos_video.developing.segments import Span
    from phos_video.developing.stream import develop_stream
    from phos_video.errors import VideoError
    from phos_video.ffmpeg import (
        TARGETS,
        Clip,
        FrameWriter,
        Programs,
        Target,
        find_programs,
        probe,
        read_frames,
        target_of,
    )

__all__ = [
    "TARGETS",
    "Clip",
    "ClipResult",
    "FrameWriter",
    "Media",
    "Order",
    "Programs",
    "Progress",
    "Span",
    "Takes",
    "Target",
    "VideoError",
    "develop_clip",
    "develop_stream",
    "find_programs",
    "probe",
    "read_frames",
    "target_of",
]

PHOS_HOOK_API = 1
HOMES = {
    "developing.clip": ("ClipResult", "Progress", "develop_clip"),
    "developing.media": ("Media", "Takes"),
    "developing.order": ("Order",),
    "developing.segments": ("Span",),
    "developing.stream": ("develop_stream",),
    "errors": ("VideoError",),
    "ffmpeg": (
        *("TARGETS", "Clip", "FrameWriter", "Programs", "Target", "find_programs", "probe"),
        *("read_frames", "target_of"),
    ),
}
HOME_OF = {name: home for home, names in HOMES.items() for name in names}


@hookimpl
def phos_commands() -> list[click.Command]:
    """Add ``phos video``."""
    from phos_video.command import video

    return [video]


def __getattr__(name: str) -> Any:
    """Import the module that a name is of when it is first asked for."""
    from importlib import import_module

    if name not in HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOME_OF[name]}"), name)
