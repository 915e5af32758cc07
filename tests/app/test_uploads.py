import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app.desk import Desk
from phos_app.uploads import (
    Upload,
    UploadError,
    ending_of,
    open_picture,
    positive_name,
    safe_stem,
    settings_in,
)

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


@pytest.fixture
def upload(tmp_path):
    """Makes an upload of bytes, as it lies in the server's folder."""

    def make(content, name="photo.jpg"):
        path = tmp_path / f"key{ending_of(name)}"
        path.write_bytes(content)
        return Upload("1", name, path)

    return make


def png_that_claims(rows, cols):
    """A PNG whose header promises more than follows."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_an_upload_is_read_as_deep_as_it_is(upload, photo, deep):
    assert open_picture(upload(photo)).pixels.shape == (236, 420, 3)
    assert open_picture(upload(deep, "ramp.tif")).pixels.dtype == np.uint16


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_never_becomes_a_path(name, tmp_path):
    desk = Desk(tmp_path)
    path = desk.new_upload(name).path
    assert path.parent == desk.folder
    assert path.stem.replace("-", "").replace("_", "").isalnum()
    for made in (positive_name(name, "portra-400"), safe_stem(name)):
        assert Path(made).name == made
        assert not set(made) & set('/\\\x00\n$"')
        assert not made.startswith(".")
        assert len(made) < 120


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"this is no picture at all, but some text", "not a picture"),
        (png_that_claims(10_000, 20_000), "megapixels|damaged"),
        (png_that_claims(1_000, 1_000), "damaged"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_the_uploads_name(
    upload, tmp_path, content, reason
):
    with pytest.raises(UploadError, match=reason) as caught:
        open_picture(upload(content, "my *holiday*.png"))
    assert "my *holiday*.png" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_jpeg_that_was_cut_short_is_refused(upload, photo):
    with pytest.raises(UploadError, match=r"photo\.jpg is damaged"):
        open_picture(upload(photo[: len(photo) // 2]))


def test_settings_come_from_a_preset_and_errors_name_it_as_its_owner_does(tmp_path):
    path = tmp_path / "key.toml"
    path.write_text('phos_preset = 2\n[settings]\nfilm = "gold-200"\nexposure_stops = 0.5\n')
    assert settings_in(path, "mine.toml") == {"film": "gold-200", "exposure_stops": 0.5}
    path.write_text("[settings]\ngrains = 1\n")
    with pytest.raises(UploadError, match=r"mine\.toml: unknown setting 'grains'"):
        settings_in(path, "mine.toml")
