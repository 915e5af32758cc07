"""What a file may ask for before it is taken for damaged or hostile.

A picture's header is a claim. Memory is given for it only if the bytes that follow could hold what
is claimed; so a small file never takes much, and what does not fit is refused before the work.
"""

from pathlib import Path

from phos_core.errors import ImageFileError

__all__ = [
    "BLOCKS_PER_ARITHMETIC_BYTE",
    "BLOCKS_PER_JPEG_BYTE",
    "CHUNKS",
    "FILE_BYTES",
    "METADATA_BYTES",
    "PIXELS",
    "SCANS",
    "TAG_VALUES",
    "UNPROVEN_BYTES",
    "UNPROVEN_EXPANSION",
    "check_length",
    "check_size",
    "expansion",
    "read_whole",
]

PIXELS = 178_956_970
"""Of a picture that is read as a whole: Pillow's limit against decompression bombs, 2/3 GiB of
8-bit RGB with its padding. Larger ones are developed by tiles."""

FILE_BYTES = 512 * 2**20
"""Of a file that is held in memory as it is, before it is decoded: JPEG, WebP, AVIF, HEIF. So much
would the largest picture have without any compression."""

METADATA_BYTES = 64 * 2**20
"""Of one profile, EXIF block or XMP packet. Real profiles end at about 4 MiB; XMP that lists each
ancestor of a much edited picture has been seen at tens of MiB."""

CHUNKS = 1_000_000
"""Of a PNG, and segments of a JPEG: 179 megapixels in chunks of 8 KiB have a tenth of it."""

SCANS = 128
"""Of a progressive JPEG. Encoders write about 10, and each costs a pass over the whole picture."""

BLOCKS_PER_JPEG_BYTE = 8
"""A block of 8 x 8 samples costs a JPEG at least one bit, that of its mean."""

BLOCKS_PER_ARITHMETIC_BYTE = 128
"""The same with arithmetic coding, which may spend less than a bit."""

UNPROVEN_BYTES = 512 * 2**20
"""Of pixels that are unpacked at more than `UNPROVEN_EXPANSION` times: beyond that a PNG's data are
first unpacked without being kept, to see that they are whole. Flat pictures only get here."""

UNPROVEN_EXPANSION = 100

TAG_VALUES = 4_000_000
"""Of one tag of a TIFF that lists numbers: offsets of the tiles of a terapixel."""

_EXPANSIONS = {
    1: 1.0,  # stored
    5: 2_560.0,  # LZW: a code of 12 bits stands for at most 3,840 bytes
    8: 1_032.0,  # deflate: two bits stand for at most 258 bytes
    32946: 1_032.0,
    32773: 64.0,  # PackBits: two bytes stand for at most 128
    50000: 32_768.0,  # Zstandard: four bytes stand for at most 128 KiB
}


def expansion(compression: int) -> float:
    """Return how many bytes one byte can at most become.

    Parameters
    ----------
    compression : int
        A code of TIFF's tag Compression; PNG's is 8.

    Returns
    -------
    float
        Bytes out per byte in.

    Raises
    ------
    KeyError
        If no limit is known.
    """
    return _EXPANSIONS[compression]


def check_size(path: Path, rows: int, cols: int) -> None:
    """Refuse a picture of no pixels, or of more than are read as a whole.

    Parameters
    ----------
    path : Path
        The file, for the error.
    rows, cols : int
        What it claims.

    Raises
    ------
    ImageFileError
        If it claims none, or more than `PIXELS`.
    """
    if rows < 1 or cols < 1:
        raise ImageFileError(f"{path} is damaged: it claims {cols} by {rows} pixels")
    if rows * cols > PIXELS:
        raise ImageFileError(
            f"{path} claims {cols} by {rows} pixels, more than the {PIXELS // 10**6} megapixels "
            "that are read as a whole; as a TIFF it is developed by tiles"
        )


def check_length(path: Path, length: int) -> None:
    """Refuse a file that is longer than any picture before it is held in memory.

    Parameters
    ----------
    path : Path
        The file, for the error.
    length : int
        Its bytes, those of them that would be held.

    Raises
    ------
    ImageFileError
        If there are more than `FILE_BYTES`.
    """
    if length > FILE_BYTES:
        raise ImageFileError(
            f"{path} is longer than {FILE_BYTES >> 20} MiB, more than its format needs"
        )


def read_whole(path: Path) -> bytes:
    """Read a file, if it is no longer than any picture.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    ImageFileError
        If it has more than `FILE_BYTES`.
    """
    with path.open("rb") as file:
        content = file.read(FILE_BYTES + 1)
    check_length(path, len(content))
    return content
