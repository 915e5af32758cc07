"""Pictures in files: the door to `formats`, which alone know the image libraries."""

import contextlib
import importlib
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_codes
from phos_core.errors import ImageFileError
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.damage import check_is_file, one_clear_error
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.formats.sniffing import HEAD_BYTES, RAW_SUFFIXES, format_of
from phos_darkroom.files.paths import exists
from phos_darkroom.files.picture import HDR_CODES, Metadata, Picture
from phos_darkroom.files.whole_files import cannot_write, new_files, replacing

__all__ = [
    "READABLE",
    "SUFFIXES",
    "check_suffix",
    "check_writable",
    "encode_picture",
    "holds_alpha",
    "is_raw",
    "read_image",
    "read_picture",
    "replacing",
    "warn_of_left_out",
    "write_image",
    "write_picture",
]

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WebP",
    ".avif": "AVIF",
    ".exr": "EXR",
}
"""File name endings that can be written, each with its format."""

READABLE = frozenset({*SUFFIXES, *RAW_SUFFIXES, ".heic", ".heif", ".hif"})
"""File name endings of pictures that can be read; what is looked for in a folder."""


@dataclass(frozen=True, slots=True)
class _Format:
    """A format's module, and what it can hold."""

    module: str
    extra: str | None = None
    holds_alpha: bool = True
    has_quality: bool = False
    lacks: tuple[str, ...] = ()  # of what metadata has


_FORMATS = {
    "JPEG": _Format("jpeg", holds_alpha=False, has_quality=True),
    "PNG": _Format("png", lacks=("photoshop",)),
    "TIFF": _Format("tiff"),
    "WebP": _Format("webp", has_quality=True, lacks=("photoshop",)),
    "AVIF": _Format("avif", has_quality=True, lacks=("photoshop",)),
    "EXR": _Format("exr", extra="exr", lacks=("exif", "photoshop", "resolution")),
    "HEIF": _Format("heif", extra="heif"),
    "RAW": _Format("raw", extra="raw"),
}
_HOLD_DENSITIES = ("TIFF", "PNG")
_HOLD_HDR = ("PNG", "AVIF")
MORE_BYTES = 1 << 16  # more than the rest of a block on a full disk
_BLOCKS = {"exif": "EXIF", "photoshop": "IPTC", "resolution": "resolution"}


def read_picture(
    path: str | os.PathLike[str], *, raw: RawSettings | None = None, half_size: bool = False
) -> Picture:
    """Read a picture with all that its file says of it.

    Parameters
    ----------
    path : path
        A JPEG, PNG, TIFF, WebP or AVIF; with their extras an EXR, HEIF or camera's raw file. What
        it is, its first bytes say.
    raw : RawSettings, optional
        How a camera's raw file becomes light; other files do not ask.
    half_size : bool
        Whether a raw file may come at half its rows and columns: quicker, for previews.

    Returns
    -------
    Picture
        As deep as the file, in the file's own codes, upright.

    Raises
    ------
    ImageFileError
        If there is no such file, it is damaged or of another format, or it is no single picture
        in grey or RGB.
    """
    path = Path(path)
    with one_clear_error(path):
        check_is_file(path)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not head:
            raise ImageFileError(f"{path} is empty")
        name = format_of(path, head)
        if name is None:
            raise ImageFileError(
                f"{path} is not a picture that can be read: a JPEG, PNG, TIFF, WebP or AVIF, or "
                "with their extras an EXR, HEIF or raw file"
            )
        module = _module(name, path)
        picture: Picture = (
            module.read(path, raw, half_size=half_size) if name == "RAW" else module.read(path)
        )
        return picture


def is_raw(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a camera's raw file, by its first bytes and its name.

    Parameters
    ----------
    path : path
        A file.

    Returns
    -------
    bool
        False also where it cannot be read: that is for `read_picture` to say.
    """
    try:
        with Path(path).open("rb") as file:
            return format_of(Path(path), file.read(HEAD_BYTES)) == "RAW"
    except OSError:
        return False


def write_picture(
    path: str | os.PathLike[str],
    picture: Picture,
    *,
    overwrite: bool = False,
    quality: int | None = None,
) -> None:
    """Write a picture with its metadata, all of it or nothing.

    Parameters
    ----------
    path : path
        The file; its ending chooses the format (see `SUFFIXES`).
    picture : Picture
        What to write. PNG has 8 or 16 bits, TIFF 8, 16 or floats, as the pixels have; JPEG, WebP
        and AVIF have 8, to which deeper pixels are rounded.
    overwrite : bool
        Whether an existing file may be replaced; it keeps its permissions.
    quality : int, optional
        Of JPEG, WebP and AVIF, as for an `Export`.

    Raises
    ------
    TypeError, ValueError
        If the quality is none.
    ImageFileError
        If `check_writable` refuses, the file exists and may not be replaced, or writing fails.

    Notes
    -----
    The bytes go to a new file in the same folder, which then takes the place of the old one in
    one step. sRGB pixels without a profile are tagged as sRGB where the format allows.
    """
    path = Path(path)
    quality = Export(quality=quality).quality
    check_writable(path, picture)
    warn_of_left_out(path, picture.metadata)
    if exists(path) and not overwrite:
        raise ImageFileError(f"{path} exists already; it is replaced only on request (overwrite)")
    with new_files(overwrite=overwrite) as files:
        encode_picture(files.open(path), path, picture, quality)


def encode_picture(
    file: BinaryIO, path: str | os.PathLike[str], picture: Picture, quality: int | None = None
) -> None:
    """Write a picture's bytes into a file that is open, as `replacing` gives one.

    Parameters
    ----------
    file : binary file
        Takes the bytes; it lies in a folder, under whatever name.
    path : path
        Its ending chooses the format.
    picture : Picture
        What to write; `check_writable` has let it pass.
    quality : int, optional
        Of a format that has one, 1 to 100; by default the format's own.

    Raises
    ------
    ImageFileError
        If the system refuses to write.
    """
    path = Path(path)
    name = check_suffix(path)
    if picture.alpha is not None and not _FORMATS[name].holds_alpha:
        picture = replace(picture, alpha=None)  # opaque, or it would have been refused
    options = {"quality": quality} if quality is not None and _FORMATS[name].has_quality else {}
    with cannot_write(path):
        if name == "EXR":
            with _by_name(file, path) as place:
                _module(name, path).write(place, picture)
        else:
            _module(name, path).write(file, picture, **options)


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a picture as sRGB codes.

    Parameters
    ----------
    path : path
        The file, as for `read_picture`.

    Returns
    -------
    numpy.ndarray of uint8 or uint16, shape (rows, cols) or (rows, cols, 3)
        Grey or RGB codes, upright, as deep as the file; another colour space is converted.

    Raises
    ------
    ImageFileError
        If `read_picture` refuses, the file has transparent parts, or holds floats.
    """
    path = Path(path)
    picture = read_picture(path)
    if picture.pixels.dtype == np.float32 or picture.encoding == "linear":
        raise ImageFileError(f"{path} holds light or floats, not codes: read it by read_picture")
    if not _is_opaque(picture):
        raise ImageFileError(
            f"{path} has transparent parts, and film has none: flatten the picture first, or keep "
            "them by read_picture"
        )
    if picture.encoding == "profile":
        codes: NDArray[Any] = encode_codes(picture.light(), picture.pixels.dtype)
        return codes
    return picture.pixels


def write_image(
    path: str | os.PathLike[str],
    image: NDArray[np.uint8] | NDArray[np.uint16],
    *,
    overwrite: bool = False,
) -> None:
    """Write sRGB codes as a picture, all of it or nothing.

    Parameters
    ----------
    path : path
        The file; its ending chooses the format (see `SUFFIXES`).
    image : numpy.ndarray of uint8 or uint16, shape (rows, cols) or (rows, cols, 3)
        Grey or RGB codes.
    overwrite : bool
        Whether an existing file may be replaced; it keeps its permissions.

    Raises
    ------
    ImageFileError
        If the ending is unknown, the file exists and may not be replaced, or writing fails.
    TypeError
        If `image` is neither uint8 nor uint16.
    ValueError
        If `image` has another shape.
    """
    check_suffix(path)
    if image.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"image must be uint8 or uint16 to be written, got {image.dtype}")
    write_picture(path, Picture(pixels=image), overwrite=overwrite)


def check_suffix(path: str | os.PathLike[str]) -> str:
    """Return the format that a file name's ending asks for.

    Parameters
    ----------
    path : path
        The file's name.

    Returns
    -------
    str
        A format of `SUFFIXES`.

    Raises
    ------
    ImageFileError
        If no format has this ending.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in SUFFIXES:
        known = " ".join(SUFFIXES)
        raise ImageFileError(f"cannot write {path}: the ending {suffix!r} is none of {known}")
    return SUFFIXES[suffix.lower()]


def holds_alpha(path: str | os.PathLike[str]) -> bool:
    """Whether a file of this name can have transparent parts."""
    return _FORMATS[check_suffix(path)].holds_alpha


def check_writable(path: str | os.PathLike[str], picture: Picture) -> None:
    """Say before the work whether a file of this name can hold a picture.

    Parameters
    ----------
    path : path
        The file's name.
    picture : Picture
        The picture, or one of its size and kind.

    Raises
    ------
    ImageFileError
        If the ending is unknown, its extra is missing, or something of the picture would be lost:
        transparency, or light beyond white.
    """
    path = Path(path)
    name = check_suffix(path)
    module = _module(name, path)
    if not _FORMATS[name].holds_alpha and not _is_opaque(picture):
        raise ImageFileError(
            f"cannot write {path}: {name} holds no transparency; PNG, TIFF, WebP and AVIF do, or "
            "a background (--background COLOUR) flattens it"
        )
    if picture.encoding in ("linear", "display"):
        _check_light(path, name, picture)
    if picture.encoding == "density" and name not in _HOLD_DENSITIES:
        raise ImageFileError(
            f"cannot write {path}: the densities of a negative (output space adx10 or adx16) need "
            "16 bits and no colours, as in a TIFF or PNG"
        )
    if picture.encoding in HDR_CODES and name not in _HOLD_HDR:
        raise ImageFileError(
            f"cannot write {path}: PQ and HLG (output space rec2100-pq or rec2100-hlg) go into PNG "
            "and AVIF, which can say so; their light goes into EXR"
        )
    longest = getattr(module, "LONGEST_SIDE", None)
    if longest is not None and max(picture.pixels.shape[:2]) > longest:
        raise ImageFileError(f"cannot write {path}: no side of a {name} is longer than {longest}")
    unwritable = getattr(module, "unwritable", None)
    reason = unwritable(picture) if unwritable else None
    if reason is not None:
        raise ImageFileError(f"cannot write {path}: {reason}")
    too_long_for = getattr(module, "too_long_for", None)
    block = too_long_for(picture) if too_long_for else None
    if block is not None:
        raise ImageFileError(f"cannot write {path}: its {block} is longer than a {name} can hold")


def warn_of_left_out(path: str | os.PathLike[str], metadata: Metadata) -> None:
    """Name what a file of this name has no place for.

    Parameters
    ----------
    path : path
        The file's name; its ending chooses the format.
    metadata : Metadata
        What is to be written.

    Warns
    -----
    UserWarning
        If there is something: it is left out.
    """
    name = check_suffix(path)
    lost = [_BLOCKS[b] for b in _FORMATS[name].lacks if getattr(metadata, b) is not None]
    if lost:
        warnings.warn(
            f"{path}: {name} has no place for {' or '.join(lost)}: left out", stacklevel=3
        )


@contextlib.contextmanager
def _by_name(file: BinaryIO, path: Path) -> Iterator[Path]:
    """Let a library open a file again, as OpenEXR's does, even one that is to be read alone."""
    place = Path(file.name)
    mode = stat.S_IMODE(place.stat().st_mode)
    if not mode & stat.S_IWUSR:
        place.chmod(mode | stat.S_IWUSR)
    try:
        yield place
    except ImageFileError as error:
        _raise_what_the_system_says(file)
        raise ImageFileError(str(error).replace(str(place), str(path))) from error
    if not mode & stat.S_IWUSR:
        place.chmod(mode)


def _raise_what_the_system_says(file: BinaryIO) -> None:
    """Write a little more where a library could not write: it keeps the reason to itself."""
    file.seek(0, os.SEEK_END)
    file.write(bytes(MORE_BYTES))
    file.flush()


def _module(name: str, path: Path) -> ModuleType:
    """Import a format's module; say which extra is missing."""
    extra = _FORMATS[name].extra
    try:
        return importlib.import_module(f"phos_darkroom.files.formats.{_FORMATS[name].module}")
    except ModuleNotFoundError as error:
        if extra is None:
            raise
        raise ImageFileError(
            f"{path} is {_with_article(name)} file, which needs the extra [{extra}]: from a "
            f"checkout, pip install ./phos_core './plugins/phos_darkroom[{extra}]'"
        ) from error


def _check_light(path: Path, name: str, picture: Picture) -> None:
    """Refuse formats and depths that would be read again as sRGB codes."""
    as_floats = picture.pixels.dtype == np.float32
    if name != "EXR" and not (name == "TIFF" and as_floats):
        raise ImageFileError(
            f"cannot write {path}: scene-linear light, and that of an output space such as acescg, "
            "goes into EXR, or as floats into TIFF"
        )


def _with_article(name: str) -> str:
    return {"RAW": "a camera's raw", "EXR": "an EXR", "HEIF": "a HEIF"}.get(name, f"a {name}")


def _is_opaque(picture: Picture) -> bool:
    if picture.alpha is None:
        return True
    top = 1.0 if picture.alpha.dtype == np.float32 else np.iinfo(picture.alpha.dtype).max
    return bool(picture.alpha.min() >= top)
