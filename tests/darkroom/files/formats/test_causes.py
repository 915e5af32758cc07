"""What cannot be read, and why: the file's fault, the machine's, or that it is no file at all."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.picture import Picture
from phos_darkroom.large import is_large
from phos_darkroom.showing.thumbnails import read_small

SUFFIXES = [".jpg", ".png", ".tif", ".webp", ".avif"]


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("pipe", "is a pipe.* save it to a file"),
        ("link to a pipe", "is a pipe.* save it to a file"),
        ("socket", "is a socket, not a picture"),
        ("device", "is a device, not a picture"),
        ("folder", "is a folder, not a picture"),
        ("link in a circle", "links run in a circle"),
        ("nothing", "does not exist"),
        ("below a file", "does not exist"),
        ("long name", "longer than the file system allows"),
        ("zero byte", "is no name of a file"),
    ],
)
@pytest.mark.parametrize("read", [read_picture, lambda path: read_small(path, 10, 10), TiffRegions])
def test_what_is_no_file_is_refused_in_one_true_line_and_at_once(
    tmp_path, monkeypatch, kind, says, read
):
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    path = Path("a.jpg")
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link to a pipe":
            os.mkfifo("b")
            path.symlink_to("b")
        case "socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind("a.jpg")
        case "device":
            path = Path("/dev/null")
        case "folder":
            path.mkdir()
        case "link in a circle":
            path.symlink_to("a.jpg")
        case "below a file":
            Path("b").write_bytes(b"")
            path = Path("b/a.jpg")
        case "long name":
            path = Path("a" * 300 + ".jpg")
        case "zero byte":
            path = Path("a\0.jpg")
    with pytest.raises(ImageFileError, match=says):
        read(path)
    assert kind in ("long name", "zero byte") or not is_large(path)


@pytest.mark.proof
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev/stdin")
def test_a_picture_through_a_pipe_is_refused_at_the_shell(tmp_path, pixels):
    write_picture(tmp_path / "a.png", Picture(pixels=pixels))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "phos_darkroom",
            "develop",
            "/dev/stdin",
            "-o",
            str(tmp_path / "b.png"),
        ],
        input=(tmp_path / "a.png").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert b"/dev/stdin is a pipe" in done.stderr
    assert b"save it to a file first" in done.stderr
    assert not (tmp_path / "b.png").exists()


class Failing:
    """A file whose disk fails at its n-th reading."""

    def __init__(self, file, error, after):
        self._file, self._error, self._left = file, error, after

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __iter__(self):
        return iter(self._file)

    def read(self, *size):
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._file.read(*size)


CAUSES = {
    "disk": (OSError(errno.EIO, os.strerror(errno.EIO)), "input/output error, of the disk"),
    "memory of the system": (OSError(errno.ENOMEM, "no"), "there is not enough memory"),
    "memory": (MemoryError("unable to allocate"), "there is not enough memory"),
    "stale": (OSError(errno.ESTALE, "Stale file handle"), "cannot be read: Stale file handle"),
}


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".exr", ".heic"])
@pytest.mark.parametrize("cause", CAUSES)
def test_a_fault_of_the_machine_is_not_called_damage(tmp_path, pixels, monkeypatch, suffix, cause):
    path = tmp_path / f"a{suffix}"
    if suffix in (".exr", ".heic"):
        pytest.importorskip({".exr": "OpenImageIO", ".heic": "pi_heif"}[suffix])
        path = Path(__file__).parents[3] / "data/eight.heic"
    if suffix == ".exr":
        path = tmp_path / "a.exr"
        light = np.zeros((4, 4, 3), np.float32)
        write_picture(path, Picture(pixels=light, encoding="linear"))
        path.write_bytes(path.read_bytes()[:-9])  # by its name the library fails without a cause
    elif suffix in SUFFIXES:
        write_picture(path, Picture(pixels=pixels))
    error, says = CAUSES[cause]
    for after in range(2 if suffix == ".exr" else 3):
        said = what_is_said_of(path, error, after, monkeypatch)
        assert after or said is not None
        assert said is None or (says in said and "damaged" not in said)


def what_is_said_of(path, error, after, monkeypatch):
    """Read a picture whose disk fails after some readings; None: it was read before."""
    real = Path.open

    def failing(self, *arguments, **named):
        return Failing(real(self, *arguments, **named), error, after)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", failing)
        try:
            read_picture(path)
        except ImageFileError as caught:
            return str(caught)
    return None


WORDS = ("LIBDEFLATE", "returned", "list index", "boolean index", "codec can't", "imagecodecs")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_words_of_a_library_reach_the_user(tmp_path, pixels, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(pixels=pixels))
    content = path.read_bytes()
    said = []
    for place in range(0, len(content), max(1, len(content) // 60)):
        for spoilt in (content[:place], content[:place] + b"\xff\0\x7f" + content[place + 3 :]):
            path.write_bytes(spoilt)
            try:
                read_picture(path)
            except ImageFileError as error:
                said.append(str(error))
            except UserWarning:
                pass  # what stands beside the pixels is left out
    assert len(said) > 20
    assert all(line.startswith(str(path)) for line in said)
    assert not [line for line in said if any(word in line for word in WORDS)]


def test_a_librarys_words_are_the_errors_cause(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression="zlib")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        content[tiff.pages[0].dataoffsets[0]] = 0
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(
        ImageFileError, match="damaged or cut short: it cannot be decoded"
    ) as caught:
        read_picture(tmp_path / "a.tif")
    assert caught.value.__cause__ is not None
