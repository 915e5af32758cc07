"""A stock's colours as a three-dimensional lookup table, for programs that know no film."""

import dataclasses
import operator
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import ConvolutionBackend
from phos_core.errors import ImageFileError, shown
from phos_core.process import Recipe, checked_recipe, develop
from phos_darkroom.files.paths import exists
from phos_darkroom.files.whole_files import cannot_write, new_files

__all__ = ["apply_lut", "hald_image", "make_lut", "notes_of", "write_cube"]

SMALLEST, LARGEST = 2, 129
TITLE_LENGTH = 100
DTYPES = ("uint8", "uint16", "float32", "float64")
PIXELS_AT_ONCE = 1 << 17  # what a step on them needs stays in the cache
TOLD_APART = ("film", "primaries")
NOT_COLOUR = ("seed", "frame", "film_format", "pixel_pitch_um", "offset_px", "encoding", "mode")
LEFT_OUT = ("auto_balance", "highlights_stops", "scatter", "halation", "grain")

WHAT_IT_LACKS = (
    "A lookup table changes each pixel by its own colour alone. It cannot hold grain, halation,",
    "scatter, the sharpness of the film, the edge effects of its couplers (their colour is in it),",
    "lengths in micrometres, highlights above white, or a balance measured on the picture.",
    "`phos develop` has all of them.",
)
"""What a lookup table cannot hold, in lines for a file's comments."""


def make_lut(
    recipe: Recipe,
    size: int = 33,
    backend: str | ConvolutionBackend | None = None,
) -> NDArray[np.float32]:
    """Bake a recipe's colours into a lookup table.

    Parameters
    ----------
    recipe : Recipe
        The film and its settings. What is no colour, such as the grain, is left out, as in mode
        "colour".
    size : int
        Entries along each axis, 2 to 129; most programs take 17, 33 and 65.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `develop`.

    Returns
    -------
    ndarray of float32, shape (size, size, size, 3)
        sRGB-coded positives, 0 to 1. Entry (i, j, k) is that of red i / (size - 1),
        green j / (size - 1) and blue k / (size - 1), sRGB-coded, or in the recipe's primaries.

    Raises
    ------
    TypeError
        If the size is no whole number.
    ValueError
        If the size is out of range, or the recipe asks for what no table can hold: a balance
        on the picture, texture alone, or light without an upper end.

    Notes
    -----
    The grid is developed as a picture is, so that at the entries the table is exact.
    """
    checked_recipe(recipe)
    colours = _grid(_size(size))
    rows = colours.reshape(size * size, size, 3)
    positive = develop(rows, recipe=_colour_alone(recipe), backend=backend)
    lut: NDArray[np.float32] = positive.reshape(colours.shape)
    return lut


def apply_lut(image: NDArray[Any], lut: NDArray[Any]) -> NDArray[Any]:
    """Change a picture's colours by a lookup table, by tetrahedral interpolation.

    Parameters
    ----------
    image : ndarray of uint8, uint16, float32 or float64, shape (..., 3)
        Coded red, green and blue; floats beyond 0 to 1 are held there.
    lut : ndarray, shape (n, n, n, 3)
        As `make_lut` makes it.

    Returns
    -------
    ndarray
        Of the image's shape and dtype; whole codes are rounded.

    Raises
    ------
    TypeError
        If the image is of another dtype.
    ValueError
        If a shape is wrong, or a pixel is NaN or infinite.

    Notes
    -----
    Each cell of the grid is cut into six tetrahedra along its diagonal from dark to light. The
    way to a colour leads from the cell's darkest corner along the axis of the largest fraction
    first; with fractions f1 >= f2 >= f3 and corners c0 to c3 on that way,

        (1 - f1) c0 + (f1 - f2) c1 + (f2 - f3) c2 + f3 c3

    so that greys are mixed of greys alone.
    """
    if not isinstance(image, np.ndarray) or image.dtype.name not in DTYPES:
        came = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image must be an array of {', '.join(DTYPES)}, got {came}")
    if image.ndim < 1 or image.shape[-1] != 3:
        raise ValueError(f"image must be (..., 3), red, green and blue, got {image.shape}")
    entries = _checked(lut)
    out = np.empty(image.shape, image.dtype.newbyteorder("="))
    coded, done = image.reshape(-1, 3), out.reshape(-1, 3)
    for start in range(0, len(coded), PIXELS_AT_ONCE):
        block = slice(start, start + PIXELS_AT_ONCE)
        done[block] = _decoded_and_mixed(coded[block], entries)
    return out


def write_cube(
    path: str | os.PathLike[str],
    lut: NDArray[Any],
    title: str = "",
    comments: Sequence[str] = (),
    overwrite: bool = False,
) -> None:
    """Write a lookup table as a .cube file, all of it or nothing.

    Parameters
    ----------
    path : path
        The file.
    lut : ndarray, shape (n, n, n, 3)
        As `make_lut` makes it.
    title : str
        What a program shows. Kept in ASCII, without quotation marks.
    comments : sequence of str
        Lines for those who open the file, such as `notes_of` a recipe.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ImageFileError
        If the file exists and may not be replaced, or writing fails.
    ValueError
        If the table's shape is wrong.

    Notes
    -----
    The form that Adobe's and Blackmagic's programs read: red changes fastest, then green, then
    blue; six decimals; plain ASCII.
    """
    path = Path(path)
    entries = _checked(lut)
    if exists(path) and not overwrite:
        raise ImageFileError(f"{path} exists already; it is replaced only on request (overwrite)")
    text = "\n".join(_cube_lines(entries, title, comments)) + "\n"
    with new_files(overwrite=overwrite) as files, cannot_write(path):
        files.open(path).write(text.encode("ascii", "replace"))


def hald_image(lut: NDArray[Any]) -> NDArray[np.uint16]:
    """Lay a lookup table out as a Hald CLUT, a square picture of all its entries.

    Parameters
    ----------
    lut : ndarray, shape (n, n, n, 3)
        As `make_lut` makes it, n a square: 64, a picture of 512 x 512, is level 8.

    Returns
    -------
    ndarray of uint16, shape (rows, rows, 3)
        Codes in reading order: red changes fastest, then green, then blue.

    Raises
    ------
    ValueError
        If n is no square of a whole number.
    """
    entries = _checked(lut)
    size = len(entries)
    level = round(size**0.5)
    if level**2 != size:
        raise ValueError(
            "a Hald CLUT needs a size that is the square of a whole number, such as 64 (level 8), "
            f"got {size}"
        )
    codes = np.floor(65535.0 * np.clip(_red_fastest(entries), 0.0, 1.0) + 0.5)
    picture: NDArray[np.uint16] = codes.astype(np.uint16).reshape(level**3, level**3, 3)
    return picture


def notes_of(recipe: Recipe) -> tuple[str, ...]:
    """Say in a few lines what a recipe's table holds, and what it cannot.

    Parameters
    ----------
    recipe : Recipe
        What was given to `make_lut`.

    Returns
    -------
    tuple of str
        Lines for a file's comments.
    """
    film = recipe.load_film()
    settings = ", ".join(f"{name} {value}" for name, value in _asked_for(recipe).items())
    return (
        f"{film.label} ({film.name}), phos {version('phos-core')}",
        f"Settings: {settings or 'none but the film'}",
        f"Input: sRGB-coded, primaries {recipe.primaries}. Output: sRGB.",
        "",
        *WHAT_IT_LACKS,
    )


def _asked_for(recipe: Recipe) -> dict[str, Any]:
    """The settings that act on colour and are not as they stand when nothing is said."""
    silent = (*TOLD_APART, *NOT_COLOUR, *LEFT_OUT)
    return {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(recipe)
        if field.name not in silent and getattr(recipe, field.name) != field.default
    }


def _colour_alone(recipe: Recipe) -> Recipe:
    """The recipe without what no table can hold; an error where that is all it asks for."""
    if recipe.auto_balance:
        raise ValueError(
            "auto_balance has no part in a lookup table: one table serves every picture, and the "
            "balance is measured on one; leave it out, or correct by balance_cc"
        )
    if recipe.mode == "texture":
        raise ValueError(
            'mode "texture" keeps the colours and adds what acts from point to point: there is '
            "nothing of it that a lookup table could hold"
        )
    if recipe.encoding != "srgb":
        raise ValueError(
            "a lookup table reads codes from 0 to 1, and linear light has no upper end: "
            f'encoding must be "srgb", got {recipe.encoding!r}'
        )
    return dataclasses.replace(
        recipe,
        mode="colour",
        scatter=1.0,
        halation=1.0,
        grain=1.0,
        offset_px=(0, 0),
        pixel_pitch_um=None,
    )


def _size(size: int) -> int:
    try:
        size = operator.index(size)
    except TypeError as error:
        raise TypeError(f"size must be a whole number, got {shown(size)}") from error
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size must lie between {SMALLEST} and {LARGEST}, got {size}")
    return size


def _grid(size: int) -> NDArray[np.float32]:
    """The colours of the entries, shape (size, size, size, 3)."""
    steps = np.linspace(0.0, 1.0, size, dtype=np.float32)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)


def _checked(lut: Any) -> NDArray[Any]:
    entries = np.asarray(lut)
    size = entries.shape[0] if entries.ndim == 4 else 0
    if size < SMALLEST or entries.shape != (size, size, size, 3):
        raise ValueError(f"lut must be (n, n, n, 3), n at least {SMALLEST}, got {entries.shape}")
    if not np.isfinite(entries).all():
        raise ValueError("lut must be finite, got NaN or infinity")
    return entries


def _red_fastest(entries: NDArray[Any]) -> NDArray[Any]:
    """Entries in the order of files, shape (n^3, 3)."""
    return entries.transpose(2, 1, 0, 3).reshape(-1, 3)


def _cube_lines(entries: NDArray[Any], title: str, comments: Sequence[str]) -> Iterator[str]:
    if title:
        plain = " ".join(title.replace('"', "'").split())
        yield f'TITLE "{plain[:TITLE_LENGTH]}"'
    for comment in comments:
        for line in comment.splitlines() or [""]:
            yield f"# {line}".rstrip()
    yield f"LUT_3D_SIZE {len(entries)}"
    yield "DOMAIN_MIN 0.0 0.0 0.0"
    yield "DOMAIN_MAX 1.0 1.0 1.0"
    for entry in _red_fastest(entries).tolist():
        yield "{:.6f} {:.6f} {:.6f}".format(*entry)


def _decoded_and_mixed(coded: NDArray[Any], entries: NDArray[Any]) -> NDArray[Any]:
    """Look pixels up, shape (pixels, 3), in their own dtype's codes."""
    if coded.dtype.kind == "f":
        if not np.isfinite(coded).all():
            raise ValueError("image must be finite, got NaN or infinity")
        return _mixed(np.clip(coded, 0.0, 1.0), entries)
    white = np.iinfo(coded.dtype).max
    mixed = np.clip(_mixed(coded * np.float32(1.0 / white), entries), 0.0, 1.0)
    codes: NDArray[Any] = np.floor(white * mixed + 0.5)
    return codes


def _mixed(colours: NDArray[Any], entries: NDArray[Any]) -> NDArray[Any]:
    """Interpolate at colours from 0 to 1, shape (pixels, 3)."""
    size = len(entries)
    flat = entries.reshape(-1, 3)
    strides = np.array([size * size, size, 1])
    places = colours * (size - 1)
    corners = np.minimum(places.astype(np.intp), size - 2)
    fractions = places - corners
    order = np.argsort(-fractions, axis=1, kind="stable")
    steepest = np.take_along_axis(fractions, order, axis=1)
    corner = corners @ strides
    mixed: NDArray[Any] = flat[corner] * (1.0 - steepest[:, :1])
    for step in range(3):
        corner = corner + strides[order[:, step]]
        following = steepest[:, step + 1 : step + 2] if step < 2 else 0.0
        mixed += flat[corner] * (steepest[:, step : step + 1] - following)
    return mixed
