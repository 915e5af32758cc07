"""What a PNG's text chunks hold of a picture: ImageMagick's profiles in hexadecimal digits.

Before PNG had a chunk for EXIF, ImageMagick and exiv2 wrote it as text, under "Raw profile type
exif" (or APP1, as the bytes came from a JPEG's segment of this name); XMP, IPTC and colour profiles
too.
"""

import zlib
from dataclasses import dataclass, field

from phos_darkroom.files.formats.assembling import EXIF_MARK
from phos_darkroom.files.formats.damage import DamageError

__all__ = ["OldProfiles", "text", "unpacked"]

_KEYWORD = b"raw profile type "
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_TIFF_HEADS = (b"II*\0", b"MM\0*")
_KINDS = (b"exif", b"app1", b"xmp", b"icc", b"icm", b"iptc", b"8bim")


@dataclass(slots=True)
class OldProfiles:
    """What was found under such keywords; of several of a kind the first counts."""

    exif: bytes | None = None
    xmp: bytes | None = None
    icc_profile: bytes | None = None
    photoshop: bytes | None = None
    seen: set[bytes] = field(default_factory=set)

    def wants(self, keyword: bytes) -> bool:
        """Tell whether a text of this keyword is such a profile, and the first of its kind.

        Parameters
        ----------
        keyword : bytes
            The chunk's.

        Returns
        -------
        bool
        """
        name = keyword.lower()
        return name.removeprefix(_KEYWORD) in _KINDS and name not in self.seen

    def take(self, keyword: bytes, digits: bytes) -> None:
        """Keep a profile.

        Parameters
        ----------
        keyword : bytes
            One that it `wants`.
        digits : bytes
            The chunk's text.

        Raises
        ------
        DamageError
            If the text is no such profile.
        """
        name = keyword.lower()
        self.seen.add(name)
        kind, data = name.removeprefix(_KEYWORD), _raw_profile(digits)
        if kind in (b"icc", b"icm"):
            self.icc_profile = self.icc_profile or data
        elif kind in (b"iptc", b"8bim"):
            self.photoshop = self.photoshop or data
        elif kind == b"xmp" or data.startswith(_XMP_MARK):
            self.xmp = self.xmp or data.removeprefix(_XMP_MARK)
        elif data.removeprefix(EXIF_MARK).startswith(_TIFF_HEADS):
            self.exif = self.exif or data
        else:
            raise DamageError("a raw profile is neither EXIF nor XMP")


def text(kind: bytes, rest: bytes, limit: int) -> bytes:
    """Return the text of a chunk.

    Parameters
    ----------
    kind : bytes
        ``tEXt``, ``zTXt`` or ``iTXt``.
    rest : bytes
        The chunk's body after its keyword and the zero behind it.
    limit : int
        The most bytes that it may unpack to.

    Returns
    -------
    bytes

    Raises
    ------
    DamageError, ValueError, LookupError, zlib.error
        If it is cut short or cannot be unpacked.
    """
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return unpacked(rest[1:], limit)
    is_packed = rest[0] == 1
    _language, _translated, last = rest[2:].split(b"\0", 2)
    return unpacked(last, limit) if is_packed else last


def unpacked(packed: bytes, limit: int) -> bytes:
    """Inflate, but never beyond a limit.

    Parameters
    ----------
    packed : bytes
        A zlib stream.
    limit : int
        The most bytes.

    Returns
    -------
    bytes

    Raises
    ------
    DamageError, zlib.error
        If it is longer, cut short, or no zlib stream.
    """
    inflate = zlib.decompressobj()
    whole = inflate.decompress(packed, limit + 1)
    if len(whole) > limit:
        raise DamageError("a packed chunk unpacks beyond any use")
    if not inflate.eof:
        raise DamageError("a packed chunk is cut short")
    return whole


def _raw_profile(digits: bytes) -> bytes:
    """Return the bytes of a name, their count, and so many pairs of hexadecimal digits in lines."""
    lines = digits.strip().splitlines()
    if len(lines) < 3 or not lines[1].strip().isdigit():
        raise DamageError("a raw profile does not say how long it is")
    length = int(lines[1])
    try:
        data = bytes.fromhex(b"".join(lines[2:]).decode("ascii"))
    except ValueError as error:
        raise DamageError("a raw profile holds other things than digits") from error
    if len(data) < length:
        raise DamageError("a raw profile is cut short")
    return data[:length]
