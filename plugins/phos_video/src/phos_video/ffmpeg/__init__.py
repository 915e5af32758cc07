"""What the user's own ffmpeg does: look into clips, decode and encode frames, join them."""

from phos_video.ffmpeg.clip import Chapter, Clip, OtherStream
from phos_video.ffmpeg.colours import InputRange
from phos_video.ffmpeg.joining import join
from phos_video.ffmpeg.probing import probe
from phos_video.ffmpeg.programs import Programs, find_programs
from phos_video.ffmpeg.reading import read_frames, read_size
from phos_video.ffmpeg.tags import TAGS_OF, Tags, has_full_codes
from phos_video.ffmpeg.targets import TARGETS, Target, target_of
from phos_video.ffmpeg.writing import FrameWriter

__all__ = [
    "TAGS_OF",
    "TARGETS",
    "Chapter",
    "Clip",
    "FrameWriter",
    "InputRange",
    "OtherStream",
    "Programs",
    "Tags",
    "Target",
    "find_programs",
    "has_full_codes",
    "join",
    "probe",
    "read_frames",
    "read_size",
    "target_of",
]
