import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app import limits, uploads
from phos_app.uploads import Upload, UploadError, check_all, on_disk, open_picture, positive_name

HOSTILE_NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system.ini",
    "/etc/cron.d/x.jpg",
    "a/b.jpg",
    "con\x00.jpg",
    "x.jpg/../../y",
    "~/.ssh/id.png",
    "....",
    "",
    "é" * 300 + ".jpg",
    "new\nline.png",
    "$(touch x).tif",
]


def upload(content, name="photo.jpg"):
    return Upload("1", name, content)


def png_that_claims(rows, cols):
    """A PNG whose header promises more than follows."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_an_upload_is_read_as_deep_as_it_is(photo, deep):
    assert open_picture(upload(photo)).pixels.shape == (236, 420, 3)
    assert open_picture(upload(deep, "ramp.tif")).pixels.dtype == np.uint16


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_never_becomes_a_path(name):
    with on_disk(upload(b"bytes", name)) as path:
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        assert path.stem == "upload"
        assert path.read_bytes() == b"bytes"
    made = positive_name(upload(b"", name), "portra-400")
    assert Path(made).name == made
    assert not set(made) & set('/\\\x00\n$"')
    assert not made.startswith(".")
    assert len(made) < 120


def test_nothing_is_left_on_the_disk(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    open_picture(upload(photo))
    with pytest.raises(UploadError):
        open_picture(upload(b"no picture"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"this is no picture at all, but some text", "not a picture"),
        (png_that_claims(10_000, 20_000), "megapixels|damaged"),
        (png_that_claims(1_000, 1_000), "damaged"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_the_uploads_name(content, reason):
    with pytest.raises(UploadError, match=reason) as caught:
        open_picture(upload(content, "my *holiday*.png"))
    assert "my *holiday*.png" in str(caught.value)
    assert "phos-app-" not in str(caught.value)


def test_a_jpeg_that_was_cut_short_is_refused(photo):
    with pytest.raises(UploadError, match=r"photo\.jpg is damaged"):
        open_picture(upload(photo[: len(photo) // 2]))


def test_uploads_are_bounded_each_and_together(monkeypatch):
    check_all([upload(b"x")] * limits.PICTURES)
    with pytest.raises(UploadError, match="100 pictures at most"):
        check_all([upload(b"x")] * (limits.PICTURES + 1))
    monkeypatch.setattr(uploads, "UPLOAD_MIB", 1)
    with pytest.raises(UploadError, match="larger than 1 MiB"):
        check_all([upload(bytes(2**20 + 1))])
    monkeypatch.setattr(uploads, "TOTAL_MIB", 1)
    with pytest.raises(UploadError, match="together"):
        check_all([upload(bytes(2**20)), upload(b"x")])


def test_settings_come_from_a_preset_but_never_from_a_films_file():
    text = b'phos_preset = 2\n[settings]\nfilm = "gold-200"\nexposure_stops = 0.5\n'
    settings = uploads.settings_in(upload(text, "mine.toml"))
    assert settings == {"film": "gold-200", "exposure_stops": 0.5}
    with pytest.raises(UploadError, match=r"mine\.toml: unknown setting 'grains'"):
        uploads.settings_in(upload(b"[settings]\ngrains = 1\n", "mine.toml"))
