"""Pictures in files: JPEG, PNG and TIFF at 8 bits.

The only module that knows Pillow and tifffile.
"""

import contextlib
import io
import os
import secrets
import shutil
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from phos_core.errors import ImageFileError

__all__ = ["SUFFIXES", "check_suffix", "read_image", "replacing", "write_image"]

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
"""File name endings that can be written, each with its format."""

JPEG_QUALITY = 95  # our choice: artefacts stay below the grain
PNG_COMPRESSION = 3  # our choice: grain hardly compresses, so more effort buys little
PROFILE_TOLERANCE = 2  # our choice, in 8-bit codes: rounding, not another colour space

_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EXIF_ORIENTATION = 0x0112
_DNG_VERSION = 50706
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_BIT_DEPTH = 24  # offset of the byte in the file: signature, chunk head, width, height

# What Pillow and tifffile raise for files that are not what they claim to be.
_DAMAGE = (
    tifffile.TiffFileError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    LookupError,
    TypeError,
    ArithmeticError,
)


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a JPEG, PNG or TIFF picture of 8 bits a channel.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    numpy.ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        Grey or RGB codes, upright: the EXIF orientation is applied.

    Raises
    ------
    ImageFileError
        If there is no such file, it is damaged or of another format, or it holds what would be
        lost here: more than 8 bits, transparency, several pictures, inks (CMYK).

    Warns
    -----
    UserWarning
        If the file names another colour space than sRGB: its codes are taken as sRGB.

    Notes
    -----
    Palettes and black-and-white bitmaps are converted. An alpha channel that is opaque
    everywhere is dropped. Of a camera's multi-picture JPEG the first, the main one, is read.
    """
    path = Path(path)
    with _one_clear_error(path), path.open("rb") as file:
        _refuse_what_pillow_would_cut(file, path)
        with _open(file, path) as picture:
            if picture.format == "PNG" and getattr(picture, "is_animated", False):
                raise ImageFileError(f"{path} is an animation, not one picture")
            picture.load()
            upright = _upright(_grey_or_rgb(picture, path))
            _warn_of_other_colour_space(picture, path)
            return np.array(upright)


def write_image(
    path: str | os.PathLike[str], image: NDArray[np.uint8], *, overwrite: bool = False
) -> None:
    """Write a picture as JPEG, PNG or TIFF, all of it or nothing.

    Parameters
    ----------
    path : path
        The file; its ending chooses the format (see `SUFFIXES`).
    image : numpy.ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        Grey or RGB codes, sRGB-encoded. Colour files are tagged as sRGB.
    overwrite : bool
        Whether an existing file may be replaced; it keeps its permissions.

    Raises
    ------
    ImageFileError
        If the ending is unknown, the file exists and may not be replaced, or writing fails.
    TypeError
        If `image` is not uint8.
    ValueError
        If `image` has another shape.

    Notes
    -----
    The bytes go to a new file in the same folder, which then takes the place of the old one in
    one step. JPEG is written at quality 95 without chroma subsampling, TIFF losslessly
    compressed.
    """
    path = Path(path)
    file_format = check_suffix(path)
    picture = _to_picture(image)
    if path.exists() and not overwrite:
        raise ImageFileError(f"{path} exists already; it is replaced only on request (overwrite)")
    try:
        with replacing(path) as file:
            picture.save(file, format=file_format, **_save_options(file_format, picture.mode))
    except OSError as error:
        raise ImageFileError(f"cannot write {path}: {error.strerror or error}") from error


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


@contextlib.contextmanager
def _one_clear_error(path: Path) -> Iterator[None]:
    """Turn what goes wrong while reading into one line that names the file."""
    try:
        yield
    except ImageFileError:
        raise
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ImageFileError(f"{path} claims more than {limit} megapixels, the limit") from error
    except FileNotFoundError as error:
        raise ImageFileError(f"{path} does not exist") from error
    except IsADirectoryError as error:
        raise ImageFileError(f"{path} is a folder, not a picture") from error
    except PermissionError as error:
        raise ImageFileError(f"{path} may not be read: {error.strerror}") from error
    except _DAMAGE as error:
        raise ImageFileError(f"{path} is damaged or cut short: {error}") from error


def _open(file: BinaryIO, path: Path) -> Image.Image:
    """Open a picture of a format we know, however large below Pillow's hard limit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(file, formats=("JPEG", "PNG", "TIFF"))
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{path} is not a JPEG, PNG or TIFF that can be read") from error


def _refuse_what_pillow_would_cut(file: BinaryIO, path: Path) -> None:
    """Look at the file itself: Pillow opens 16-bit colour as 8-bit without a word."""
    head = file.read(_PNG_BIT_DEPTH + 1)
    if not head:
        raise ImageFileError(f"{path} is empty")
    if head.startswith(_PNG_SIGNATURE):
        _refuse_depth(head[_PNG_BIT_DEPTH], path)
    elif head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        _refuse_other_tiffs(file, path)
    file.seek(0)


def _refuse_other_tiffs(file: BinaryIO, path: Path) -> None:
    file.seek(0)
    with tifffile.TiffFile(file, name=path.name) as tiff:
        pages = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
        first = pages[0]
        named_tiff = path.suffix.lower() in (".tif", ".tiff")
        if first.is_reduced or _DNG_VERSION in first.tags or not named_tiff:
            raise ImageFileError(
                f"{path} looks like a camera's raw file, which is not read yet: "
                "develop it to an 8-bit JPEG, PNG or TIFF first"
            )
        full_size = [page for page in pages if not page.is_reduced]
        if len(full_size) > 1:
            raise ImageFileError(f"{path} holds {len(full_size)} pictures, not one")
        _refuse_depth(int(np.max(first.bitspersample)), path)
        if first.sampleformat != tifffile.SAMPLEFORMAT.UINT:
            raise ImageFileError(f"{path} holds signed or floating-point numbers, not 8-bit codes")


def _refuse_depth(bits: int, path: Path) -> None:
    if bits > 8:
        raise ImageFileError(
            f"{path} has {bits} bits a channel; only 8 are read so far, and nothing is cut "
            "silently: convert it to 8 bits first"
        )


def _grey_or_rgb(picture: Image.Image, path: Path) -> Image.Image:
    """Return the picture in mode L or RGB, or say why that would lose something."""
    if picture.has_transparency_data:
        with_alpha = picture.convert("LA" if picture.mode in ("L", "LA", "La") else "RGBA")
        if np.asarray(with_alpha.getchannel("A")).min() < 255:
            raise ImageFileError(
                f"{path} has transparent parts, and film has none: flatten the picture first"
            )
        return with_alpha.convert(with_alpha.mode[:-1])
    match picture.mode:
        case "L" | "RGB":
            return picture
        case "1":
            return picture.convert("L")
        case "P" | "YCbCr":
            return picture.convert("RGB")
        case "CMYK":
            raise ImageFileError(f"{path} holds inks (CMYK), not light: convert it to sRGB first")
        case mode:
            raise ImageFileError(f"{path} holds pixels of mode {mode!r}, not 8-bit grey or RGB")


def _upright(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; one that cannot be read counts as upright."""
    try:
        orientation = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except _DAMAGE:
        return picture
    if orientation not in _ORIENTATIONS:
        return picture
    return picture.transpose(_ORIENTATIONS[orientation])


def _warn_of_other_colour_space(picture: Image.Image, path: Path) -> None:
    profile = picture.info.get("icc_profile")
    if profile and not _is_srgb(profile):
        warnings.warn(
            f"{path.name} carries a colour profile that is not sRGB; its codes are taken as sRGB, "
            "so its colours may shift",
            stacklevel=3,
        )


def _is_srgb(profile: bytes) -> bool:
    """Judge a profile by what it does: whether it maps a few colours to themselves."""
    steps = np.array([0, 32, 96, 160, 224, 255], dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        is_grey = source.profile.xcolor_space.strip() == "GRAY"
        probe = Image.fromarray(colours[..., 0] if is_grey else colours)
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), probe.mode, "RGB"
        )
        mapped = np.asarray(ImageCms.applyTransform(probe, transform), dtype=np.int16)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False
    expected = np.asarray(probe.convert("RGB"), dtype=np.int16)
    return bool(np.abs(mapped - expected).max() <= PROFILE_TOLERANCE)


def _to_picture(image: NDArray[np.uint8]) -> Image.Image:
    if image.dtype != np.uint8:
        raise TypeError(f"image must be uint8 to be written at 8 bits, got {image.dtype}")
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"image must be (rows, cols) or (rows, cols, 3), got {image.shape}")
    return Image.fromarray(np.ascontiguousarray(image))


def _save_options(file_format: str, mode: str) -> dict[str, Any]:
    """Return Pillow's options: quality, and the tag that says sRGB.

    Grey JPEG and TIFF stay untagged: a colour profile is not allowed in them, and readers take
    what is untagged as sRGB.
    """
    match file_format:
        case "PNG":
            chunks = PngImagePlugin.PngInfo()
            chunks.add(b"sRGB", b"\0")
            return {"pnginfo": chunks, "compress_level": PNG_COMPRESSION}
        case "JPEG":
            options: dict[str, Any] = {"quality": JPEG_QUALITY, "subsampling": "4:4:4"}
        case _:
            options = {"compression": "tiff_adobe_deflate"}
    if mode == "RGB":
        options["icc_profile"] = _srgb_profile()
    return options


def _srgb_profile() -> bytes:
    """Return an sRGB profile, without the time of its making: equal pictures, equal bytes."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    created = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return profile[:24] + created + profile[36:]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a new file that takes the place of `path` if all goes well, and else vanishes."""
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
