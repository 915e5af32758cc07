"""What the header of a DPX file says of its colours; ffmpeg says the same of all."""

from pathlib import Path

__all__ = ["tag_dpx"]

TRANSFER_AT = 801  # of the first image element: transfer characteristic, then colorimetry
# docs/sources.md, "dpx": 1 printing density, 4 unspecified video, 6 ITU-R BT.709, 0 user-defined.
CODES = {"adx10": (1, 1), "rec709": (6, 6), "srgb": (4, 6)}
USER_DEFINED = (0, 0)


def tag_dpx(path: Path, output_space: str) -> None:
    """Write the codes of an output space into the header of a file."""
    with path.open("r+b") as file:
        file.seek(TRANSFER_AT)
        file.write(bytes(CODES.get(output_space, USER_DEFINED)))
