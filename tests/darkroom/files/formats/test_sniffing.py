"""What a file is, its first bytes say."""

from pathlib import Path

import pytest

from phos_darkroom.files.formats.sniffing import format_of


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.png", b"\xff\xd8\xff\xe0", "JPEG"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n", "PNG"),
        ("a.tif", b"II*\0", "TIFF"),
        ("a", b"MM\0+", "TIFF"),
        ("a.NEF", b"MM\0*", "RAW"),
        ("a.dng", b"II*\0", "RAW"),
        ("a.orf", b"IIRO", "RAW"),
        ("a.orf", b"IIRS", "RAW"),
        ("a", b"MMOR", "RAW"),
        ("a", b"IIU\0", "RAW"),
        ("a", b"\0MRM", "RAW"),
        ("a", b"FOVb", "RAW"),
        ("CRW_0001", b"II\x1a\0\0\0HEAPCCDR\x02\0\1\0", "RAW"),
        ("CRW_0001", b"MM\0\0\0\x1aHEAPCCDR\x02\0\1\0", "RAW"),
        ("a.CRW", b"some other beginning", "RAW"),
        ("a.kdc", b"EASTMAN KODAK COMPANY", "RAW"),
        ("a.nef", b"\xff\xd8\xff\xe0", "JPEG"),
        ("a.nef", b"", None),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", "RAW"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", None),
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
        ("a.avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        ("a.avif", b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "RAW"),
        ("a.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None),
        ("a.exr", b"\x76\x2f\x31\x01", "EXR"),
        ("a.jpg", b"hello", None),
        ("a.jpg", b"", None),
    ],
)
def test_the_first_bytes_tell_the_format(name, head, expected):
    assert format_of(Path(name), head) == expected
