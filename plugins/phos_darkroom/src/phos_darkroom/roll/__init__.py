"""A roll of pictures: which they are, where each goes, and running them over any executor."""

from phos_darkroom.roll.frames import Frame, frame_seed, frames_of
from phos_darkroom.roll.gpus import over_gpus, visible_gpus
from phos_darkroom.roll.jobs import FrameResult
from phos_darkroom.roll.running import develop_frames, develop_roll

__all__ = [
    "Frame",
    "FrameResult",
    "develop_frames",
    "develop_roll",
    "frame_seed",
    "frames_of",
    "over_gpus",
    "visible_gpus",
]
