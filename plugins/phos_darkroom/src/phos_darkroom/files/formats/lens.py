"""Faults of a lens taken back in the light, by lensfun: vignetting, distortion, lateral colour."""

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from phos_darkroom.files.formats.optional import library
from phos_darkroom.files.metadata.exif_block import open_block
from phos_darkroom.files.metadata.tiff_tags import numbers

__all__ = ["Shot", "corrected", "shot_of"]

MAKE, MODEL, LENS_MODEL = 0x010F, 0x0110, 0xA434
F_NUMBER, FOCAL_LENGTH, DISTANCE = 0x829D, 0x920A, 0x9206
FAR_M = 1000.0
STRIP_PIXELS = 1 << 20
SPLINE = 3  # of the resampling: a line would soften the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What lensfun has to know of a picture.

    Parameters
    ----------
    make, model, lens : str
        Of the camera, and of its lens; empty where it is not known.
    focal_mm, f_number : float
        As the picture was taken; 0 where it is not known.
    distance_m : float
        To what it is focused on.
    """

    make: str
    model: str
    lens: str
    focal_mm: float
    f_number: float
    distance_m: float = FAR_M


def shot_of(file: Any, exif: bytes | None) -> Shot:
    """Give what a raw file and its EXIF say of camera and lens.

    Parameters
    ----------
    file : rawpy.RawPy
        The open file: LibRaw also reads makers' notes.
    exif : bytes or None
        Its EXIF block.

    Returns
    -------
    Shot
    """
    opened = open_block(exif)

    def value(tag: int) -> Any:
        if opened is None:
            return None
        return opened.find(opened.first, tag) or opened.find(opened.exif, tag)

    def text(tag: int) -> str:
        found = value(tag)
        return "" if found is None else found.value.decode("latin-1").strip("\0 ")

    def number(tag: int) -> float:
        found = value(tag)
        read = () if opened is None or found is None else numbers(opened.layout, found)
        return float(read[0]) if read and 0.0 < read[0] < 1e5 else 0.0

    return Shot(
        make=text(MAKE),
        model=text(MODEL),
        lens=file.lens.model or text(LENS_MODEL),
        focal_mm=float(file.other.focal_length) or number(FOCAL_LENGTH),
        f_number=float(file.other.aperture) or number(F_NUMBER),
        distance_m=number(DISTANCE) or FAR_M,
    )


def corrected(light: NDArray[np.float32], shot: Shot, path: Path) -> NDArray[np.float32]:
    """Correct a lens's faults as far as lensfun's database has figures of them.

    Parameters
    ----------
    light : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
        As the sensor saw it, before it is turned. It is overwritten.
    shot : Shot
        Camera and lens.
    path : Path
        The file, for errors and warnings.

    Returns
    -------
    ndarray of float32, same shape
        Light beyond white is kept.

    Raises
    ------
    ImageFileError
        If lensfunpy is missing.

    Warns
    -----
    UserWarning
        If the database does not know camera or lens: then the light is as it was.

    Notes
    -----
    The database is the one that comes with lensfunpy. The picture is enlarged until it fills the
    frame again.
    """
    lensfun = library("lensfunpy", "lens", path)
    found = _found(lensfun, shot)
    if isinstance(found, str):
        warnings.warn(f"{path.name}: the lens is not corrected: {found}", stacklevel=2)
        return light
    camera, lens = found
    rows, cols = light.shape[:2]
    modifier = lensfun.Modifier(lens, camera.crop_factor, cols, rows)
    modifier.initialize(
        shot.focal_mm or lens.min_focal,
        shot.f_number or lens.min_aperture,
        shot.distance_m,
        pixel_format=np.float32,
    )
    colours = light if light.ndim == 3 else np.stack([light] * 3, axis=-1)
    colours = np.ascontiguousarray(colours)
    modifier.apply_color_modification(colours)
    colours = _straightened(colours, modifier)
    return colours if light.ndim == 3 else np.ascontiguousarray(colours[..., 1])


@cache
def _database(lensfun: Any) -> Any:
    return lensfun.Database()


def _found(lensfun: Any, shot: Shot) -> tuple[Any, Any] | str:
    """Find camera and lens, or say why not."""
    database = _database(lensfun)
    cameras = database.find_cameras(shot.make or None, shot.model) if shot.model else []
    if not cameras:
        name = f"{shot.make} {shot.model}".strip() or "of a file that names none"
        return f"lensfun's database has no camera {name}"
    camera = cameras[0]
    lenses = []
    if shot.lens:
        lenses = database.find_lenses(camera, None, shot.lens)
    elif camera.mount[:1].islower():  # so lensfun names the mounts of lenses that do not come off
        lenses = database.find_lenses(camera)
    if not lenses:
        return f"lensfun's database has no lens {shot.lens or '(the file names none)'}"
    return camera, lenses[0]


def _straightened(light: NDArray[np.float32], modifier: Any) -> NDArray[np.float32]:
    """Resample each colour where distortion and lateral colour have put it."""
    rows, cols = light.shape[:2]
    if modifier.apply_subpixel_geometry_distortion(0, 0, cols, 1) is None:
        return light  # there are no figures of either
    planes = [
        ndimage.spline_filter(light[..., channel], SPLINE, output=np.float32, mode="mirror")
        for channel in range(3)
    ]
    straight = np.empty_like(light)
    height = max(1, STRIP_PIXELS // cols)
    for top in range(0, rows, height):
        count = min(height, rows - top)
        places = modifier.apply_subpixel_geometry_distortion(0, top, cols, count)
        for channel, plane in enumerate(planes):
            straight[top : top + count, :, channel] = ndimage.map_coordinates(
                plane,
                (places[..., channel, 1], places[..., channel, 0]),
                output=np.float32,
                order=SPLINE,
                mode="mirror",
                prefilter=False,
            )
    return straight
