"""Which format a file is of, by its first bytes; its name only tells which are a camera's own."""

from pathlib import Path

__all__ = ["HEAD_BYTES", "RAW_SUFFIXES", "format_of"]

HEAD_BYTES = 64
"""How many of a file's first bytes `format_of` needs."""

RAW_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25"),
        *(
            "kdc",
            "mef",
            "mos",
            "mrw",
            "nef",
            "nrw",
            "orf",
            "pef",
            "raf",
            "raw",
            "rw2",
            "rwl",
            "sr2",
        ),
        *("srf", "srw", "x3f"),
    )
)
"""Endings of cameras' raw files; many of them are TIFFs inside."""

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\x76\x2f\x31\x01", "EXR"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\0", "RAW"),
    (b"\0MRM", "RAW"),
    (b"FOVb", "RAW"),
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CANONS_HEAP = b"HEAPCCDR"  # a CRW's, behind its byte order and its header's length
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def format_of(path: Path, head: bytes) -> str | None:
    """Return the format that a file is of.

    Parameters
    ----------
    path : Path
        The file's name.
    head : bytes
        Its first `HEAD_BYTES` bytes, or as many as it has.

    Returns
    -------
    str or None
        ``"JPEG"``, ``"PNG"``, ``"TIFF"``, ``"WebP"``, ``"AVIF"``, ``"EXR"``, ``"HEIF"``,
        ``"RAW"``; None: none of them.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] in _TIFF:
        return "RAW" if path.suffix.lower() in RAW_SUFFIXES else "TIFF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head[6:14] == _CANONS_HEAP or (head and path.suffix.lower() in RAW_SUFFIXES):
        return "RAW"  # some have no mark: LibRaw looks further into the file
    return None


def _iso_media(head: bytes) -> str | None:
    """Tell the members of the MPEG-4 family apart by their brands."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[place : place + 4] for place in range(16, end - 3, 4)}
    if b"crx " in brands:
        return "RAW"
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None
