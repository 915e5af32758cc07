"""From decoded samples and a file's blocks of metadata to an upright `Picture`."""

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import adobe_rgb_profile, colours_of, is_srgb
from phos_darkroom.files.formats.gain_facts import StoredGain
from phos_darkroom.files.metadata import exif as exif_block
from phos_darkroom.files.metadata import exif_facts
from phos_darkroom.files.metadata import photoshop as image_resources
from phos_darkroom.files.metadata import xmp as xmp_packet
from phos_darkroom.files.metadata.xmp_extended import extended_name, merged
from phos_darkroom.files.picture import FileEncoding, Metadata, Picture, Resolution

__all__ = ["EXIF_MARK", "Blocks", "assemble", "described", "is_spread", "turn"]

EXIF_MARK = b"Exif\0\0"
"""What JPEG puts before an EXIF block, and some writers elsewhere too."""

LEVELLED_PIXELS = 1 << 16  # our choice: a median of more is the same

SIDEWAYS = (5, 6, 7, 8)
"""Orientations by which rows become columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """What a file holds besides its pixels, as it stands there.

    Parameters
    ----------
    exif, xmp, icc_profile, photoshop : bytes or None
        The blocks.
    resolution : Resolution or None
        Of the stored picture, as the file says it outside of EXIF.
    orientation : int or None
        As the file itself has it, 1 to 8; None: EXIF says, or XMP where EXIF does not.
    names_colours : bool
        Whether the file says without a profile which colours its codes are, so that EXIF is not
        asked.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    icc_profile: bytes | None = None
    photoshop: bytes | None = None
    resolution: Resolution | None = None
    orientation: int | None = None
    names_colours: bool = False


def assemble(
    samples: NDArray[Any],
    *,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    icc_profile: bytes | None = None,
    photoshop: bytes | None = None,
    resolution: Resolution | None = None,
    orientation: int | None = None,
    names_colours: bool = False,
    untagged: FileEncoding = "srgb",
    primaries: str = "srgb",
    gain: StoredGain | None = None,
    name: str = "the picture",
) -> Picture:
    """Make a picture: colours and alpha apart, turned upright, its coding named.

    Parameters
    ----------
    samples : ndarray, shape (rows, cols) or (rows, cols, 1 to 4)
        Grey, grey and alpha, RGB, or RGB and alpha, as stored.
    exif, xmp, icc_profile, photoshop, resolution, orientation, names_colours
        As `Blocks` has them.
    untagged : {"srgb", "linear", "display"}
        What the pixels are if there is no profile.
    primaries : str
        Of light.
    gain : StoredGain, optional
        The file's gain map, turned as the samples are.
    name : str
        The file's, for the warning.

    Returns
    -------
    Picture
        Upright, and its metadata say so.

    Warns
    -----
    UserWarning
        If the profile cannot be used: then it is left out.
    """
    is_grey = samples.ndim == 2 or samples.shape[2] <= 2
    blocks = Blocks(
        exif=exif,
        xmp=xmp,
        icc_profile=icc_profile,
        photoshop=photoshop,
        resolution=resolution,
        orientation=orientation,
        names_colours=names_colours,
    )
    metadata, orientation = described(
        blocks, samples.shape[:2], is_grey=is_grey, untagged=untagged, name=name
    )
    pixels, alpha = _apart(turn(samples, orientation))
    if is_spread(metadata.icc_profile, is_grey=is_grey):
        pixels = np.stack([pixels] * 3, axis=-1)  # its curves are for three channels
    picture = Picture(
        pixels=pixels,
        alpha=alpha,
        encoding=encoding_by(metadata.icc_profile, untagged),
        primaries=primaries,
        metadata=metadata,
    )
    return picture if gain is None else _with_gain(picture, gain, orientation)


def _with_gain(picture: Picture, gain: StoredGain, orientation: int) -> Picture:
    """Add a gain map to a picture, levelled by one pixel of some."""
    rows, cols = picture.pixels.shape[:2]
    upright = replace(gain, samples=turn(gain.samples, orientation))
    gain_map = upright.fitted(rows, cols, is_grey=picture.pixels.ndim == 2)
    every = slice(None, None, max(1, math.isqrt(rows * cols // LEVELLED_PIXELS)))
    light = picture.part((every, every)).light()
    level = gain_map.part((every, every)).levelled(light).level_stops
    return replace(picture, gain_map=replace(gain_map, level_stops=level))


def encoding_by(profile: bytes | None, untagged: FileEncoding) -> FileEncoding:
    """Say what pixels are.

    Parameters
    ----------
    profile : bytes or None
        The file's colour profile, one of such pixels.
    untagged : {"srgb", "linear", "display"}
        What they are if there is none.

    Returns
    -------
    {"srgb", "linear", "profile", "display"}
        As `Picture` has it.
    """
    if profile is None:
        return untagged
    return "srgb" if is_srgb(profile) else "profile"


def described(
    blocks: Blocks,
    stored_shape: tuple[int, ...],
    *,
    is_grey: bool,
    untagged: FileEncoding = "srgb",
    name: str = "the picture",
) -> tuple[Metadata, int]:
    """Make the metadata of the upright picture.

    Parameters
    ----------
    blocks : Blocks
        The file's.
    stored_shape : tuple of (int, int)
        Rows and columns, as stored.
    is_grey : bool
        Whether the samples are grey.
    untagged : {"srgb", "linear", "display"}
        What the pixels are if there is no profile.
    name : str
        The file's, for the warning.

    Returns
    -------
    metadata : Metadata
        They say that the picture is upright. A profile is one of such a picture.
    orientation : int
        By which the stored samples are turned.

    Warns
    -----
    UserWarning
        If the profile cannot be used, IPTC is damaged, or paths are lost by turning.
    """
    exif = blocks.exif.removeprefix(EXIF_MARK) if blocks.exif else None
    xmp = xmp_packet.as_utf8(blocks.xmp) if blocks.xmp is not None else None
    if xmp is not None and extended_name(xmp) is not None:
        xmp = merged(xmp, None)  # JPEG's reader has joined the two where both were there
    by_exif = exif_block.orientation(exif)
    orientation = blocks.orientation or by_exif or xmp_packet.orientation(xmp) or 1
    said = blocks.resolution or exif_facts.resolution(exif)
    is_adobe = not blocks.names_colours and untagged == "srgb" and exif_facts.is_adobe_rgb(exif)
    if exif is not None:
        exif, _ = exif_block.upright(exif)
    if xmp is not None:
        xmp = xmp_packet.upright(xmp)
    if orientation != 1 or by_exif not in (None, 1):
        exif = exif_facts.without_thumbnail(exif)  # it lies
    if orientation != 1 and image_resources.has_paths(blocks.photoshop):
        warnings.warn(f"{name}: its paths are left out, as it is turned", stacklevel=3)
    if image_resources.has_damaged_iptc(blocks.photoshop):
        warnings.warn(f"{name}: its IPTC is damaged, and is left out", stacklevel=3)
    if orientation in SIDEWAYS or by_exif in SIDEWAYS:
        rows, cols = _upright_shape(stored_shape, orientation)
        exif = exif_facts.with_size(exif, rows, cols)
        xmp = None if xmp is None else xmp_packet.with_size(xmp, rows, cols)
    if orientation in SIDEWAYS and said is not None and said.across != said.down:
        said = said.turned
        exif = exif and exif_facts.with_resolution(exif, said)
    profile = _usable(blocks.icc_profile, is_grey, name)
    if profile is None and is_adobe:
        profile = adobe_rgb_profile()
    return Metadata(
        exif=exif,
        xmp=xmp,
        icc_profile=profile,
        photoshop=image_resources.kept(blocks.photoshop, is_turned=orientation != 1),
        resolution=said,
    ), orientation


def is_spread(profile: bytes | None, *, is_grey: bool) -> bool:
    """Whether a grey picture becomes RGB, so that the curves of its profile apply."""
    return is_grey and profile is not None and colours_of(profile) == "RGB" and not is_srgb(profile)


def turn(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn stored samples upright.

    Parameters
    ----------
    samples : ndarray, shape (rows, cols, ...)
        As stored.
    orientation : int
        EXIF's, 1 to 8: where the first stored row and column belong.

    Returns
    -------
    ndarray
        Upright, in memory as it is seen.
    """
    if orientation in SIDEWAYS:
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def _upright_shape(stored_shape: tuple[int, ...], orientation: int) -> tuple[int, int]:
    rows, cols = stored_shape[:2]
    return (cols, rows) if orientation in SIDEWAYS else (rows, cols)


def _apart(samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if samples.ndim == 2:
        return samples, None
    match samples.shape[2]:
        case 1:
            return samples[..., 0], None
        case 2:
            return np.ascontiguousarray(samples[..., 0]), np.ascontiguousarray(samples[..., 1])
        case 3:
            return samples, None
        case _:
            return np.ascontiguousarray(samples[..., :3]), np.ascontiguousarray(samples[..., 3])


def _usable(profile: bytes | None, is_grey: bool, name: str) -> bytes | None:
    """Return a profile that is of such pixels, or none."""
    if profile is None:
        return None
    try:
        if colours_of(profile) == "GRAY" and not is_grey:
            raise ImageFileError("it is one of grey, and the picture has colours")
    except ImageFileError as error:
        warnings.warn(
            f"{name} carries a colour profile that cannot be used and is left out: {error}",
            stacklevel=4,
        )
        return None
    return profile
