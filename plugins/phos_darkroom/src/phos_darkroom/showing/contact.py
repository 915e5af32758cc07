"""Contact sheets: a roll's frames on black, in strips, numbered and named."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from phos_core.errors import PhosError
from phos_core.stocks import FILM_FORMATS_UM, films
from phos_darkroom.settings.sidecar import has_one, path_for, read
from phos_darkroom.showing.thumbnails import read_small, scaled, to_codes

__all__ = ["contact_sheets", "frames_on_sheet", "heading_of"]

# Frames in a strip and strips on a sheet, as rolls are cut to be filed; others as 135.
STRIPS = {"135": (6, 6), "120-645": (4, 4), "120-66": (3, 4), "120-67": (3, 4), "120-69": (2, 4)}
LARGEST_ASPECT = 2.0  # a frame that is wider still is shown lower
LEAST_ASPECT = 2 / 3  # one that is narrower still gets as much room
SMALLEST_WIDTH_PX = 200

# Our choices, as shares of the sheet's width, or of the type's size.
MARGIN, GAP, TYPE, LEAST_TYPE_PX = 0.02, 0.008, 0.0085, 11
HEADING_TYPE, HEADING_ROWS, LABEL_GAP, LABEL_ROWS = 1.5, 3.0, 0.4, 2.2

BLACK = (0, 0, 0)
NUMBER = (255, 176, 64)  # the amber of a negative's edge print
NAME = (190, 190, 190)
HEADING = (235, 235, 235)
ELLIPSIS = "…"

Item = TypeVar("Item")
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFrame:
    """A frame on a sheet: its number on the roll, its name, its light.

    The light is kept in half precision, whose steps are finer than those of codes.
    """

    number: int
    name: str
    light: NDArray[np.float16]

    @property
    def aspect(self) -> float:
        """Width over height of its place on the strip."""
        rows, cols = self.light.shape[:2]
        aspect: float = min(max(cols / rows, LEAST_ASPECT), LARGEST_ASPECT)
        return aspect


def contact_sheets(
    pictures: Sequence[str | os.PathLike[str]],
    *,
    width_px: int = 2400,
    heading: str = "",
    film_format: str = "135",
    passed_over: Callable[[PhosError], None] | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Make the contact sheets of a roll.

    Parameters
    ----------
    pictures : sequence of path
        The frames in the order of the roll.
    width_px : int
        Of a sheet, at least 200.
    heading : str
        Stands over the frames, such as `heading_of` the pictures.
    film_format : str
        A key of `FILM_FORMATS_UM`. Of 135 six strips of six frames go on a sheet, of 120 four
        strips of as many as are filed together.
    passed_over : callable, optional
        Is given the error of a frame that cannot be read, which is then left out; its number
        stays free. By default the error is raised.

    Yields
    ------
    ndarray of uint8, shape (rows, cols, 3)
        A sheet as sRGB codes. A sheet without frames is none.

    Raises
    ------
    ImageFileError
        If a frame cannot be read and `passed_over` is not given.
    ValueError
        If the width or the format is wrong.

    Notes
    -----
    All frames are upright and, up to twice as wide as high, of one height: the largest at which
    the longest strip fits. They are made small by averaging light.
    """
    if width_px < SMALLEST_WIDTH_PX:
        raise ValueError(f"width_px must be at least {SMALLEST_WIDTH_PX}, got {width_px}")
    in_strip, _ = _strips(film_format)
    numbered = list(enumerate(map(Path, pictures), 1))
    pages = _in_runs(numbered, frames_on_sheet(film_format))
    for page, some in enumerate(pages, 1):
        frames = list(_frames(some, _largest_place(width_px, in_strip), passed_over))
        if frames:
            told = f"{page} / {len(pages)}" if len(pages) > 1 else ""
            yield _sheet(frames, width_px, in_strip, heading, told)


def frames_on_sheet(film_format: str) -> int:
    """Give the most frames that a sheet of a film format takes.

    Parameters
    ----------
    film_format : str
        A key of `FILM_FORMATS_UM`.

    Returns
    -------
    int
        36 of 135.

    Raises
    ------
    ValueError
        If there is no such format.
    """
    in_strip, strips = _strips(film_format)
    return in_strip * strips


def heading_of(pictures: Sequence[str | os.PathLike[str]]) -> tuple[str, str]:
    """Say from their sidecars which film pictures were developed on.

    Parameters
    ----------
    pictures : sequence of path
        The pictures; what has no sidecar that can be read does not count.

    Returns
    -------
    heading : str
        The films' labels; empty where no sidecar says any.
    film_format : str
        That of the first sidecar; "135" without.
    """
    labels = {film.name: film.label for film in films()}
    found, film_format = [], ""
    for picture in map(Path, pictures):
        if not has_one(picture):
            continue
        try:
            sidecar = read(path_for(picture))
        except PhosError:
            continue
        found.append(labels.get(sidecar.film_name, sidecar.film_name))
        film_format = film_format or sidecar.recipe.film_format
    return ", ".join(dict.fromkeys(found)), film_format or "135"


def _strips(film_format: str) -> tuple[int, int]:
    """Frames in a strip, and strips on a sheet."""
    if film_format not in FILM_FORMATS_UM:
        known = ", ".join(FILM_FORMATS_UM)
        raise ValueError(f"film_format must be one of {known}, got {film_format!r}")
    return STRIPS.get(film_format, STRIPS["135"])


def _in_runs(items: Sequence[Item], length: int) -> list[Sequence[Item]]:
    return [items[start : start + length] for start in range(0, len(items), length)]


def _largest_place(width_px: int, in_strip: int) -> tuple[int, int]:
    """Rows and columns of the largest place that any frame can get: among upright ones."""
    others = (in_strip - 1) * LEAST_ASPECT
    rows = width_px / (LEAST_ASPECT + others)
    cols = width_px * LARGEST_ASPECT / (LARGEST_ASPECT + others)
    return math.ceil(rows), math.ceil(cols)


def _frames(
    numbered: Sequence[tuple[int, Path]],
    place: tuple[int, int],
    passed_over: Callable[[PhosError], None] | None,
) -> Iterator[SheetFrame]:
    for number, path in numbered:
        try:
            light = read_small(path, *place)
        except PhosError as error:
            if passed_over is None:
                raise
            passed_over(error)
        else:
            name = _printable(path.name)
            yield SheetFrame(number=number, name=name, light=light.astype(np.float16))


def _printable(name: str) -> str:
    """A file's name as text, whatever its bytes."""
    return "".join(
        sign if sign.isprintable() else "?" for sign in os.fsencode(name).decode("utf-8", "replace")
    )


def _sheet(
    frames: Sequence[SheetFrame], width_px: int, in_strip: int, heading: str, page: str
) -> NDArray[np.uint8]:
    """Lay frames out and draw them."""
    margin, gap = round(MARGIN * width_px), round(GAP * width_px)
    strips = _in_runs(frames, in_strip)
    room = width_px - 2 * margin - (in_strip - 1) * gap
    frame_rows = math.floor(room / _longest(strips, in_strip))
    type_px = max(LEAST_TYPE_PX, round(TYPE * width_px))
    top = margin + (round(HEADING_ROWS * type_px) if heading or page else 0)
    step = frame_rows + round(LABEL_ROWS * type_px) + gap
    sheet = Image.new("RGB", (width_px, top + len(strips) * step - gap + margin), BLACK)
    draw = ImageDraw.Draw(sheet)
    _draw_heading(draw, heading, page, margin, width_px, round(HEADING_TYPE * type_px))
    font = ImageFont.load_default(type_px)
    for row, strip in enumerate(strips):
        left, upper = margin, top + row * step
        for frame in strip:
            cols = math.floor(frame_rows * frame.aspect)
            _paste(sheet, frame, left, upper, frame_rows, cols)
            below = upper + frame_rows + round(LABEL_GAP * type_px)
            _draw_label(draw, frame, left, below, cols, font)
            left += cols + gap
    return np.asarray(sheet)


def _longest(strips: Sequence[Sequence[SheetFrame]], in_strip: int) -> float:
    """Length of the longest strip of frames as high as 1; a lone one counts as if it went on so."""
    lengths = [sum(frame.aspect for frame in strip) for strip in strips]
    if len(strips) == 1:
        return lengths[0] * in_strip / len(strips[0])
    return max(lengths)


def _paste(
    sheet: Image.Image, frame: SheetFrame, left: int, upper: int, place_rows: int, place_cols: int
) -> None:
    """Fill a frame's place; one of an extreme shape goes into the middle, as large as fits."""
    rows, cols = frame.light.shape[:2]
    if LEAST_ASPECT <= cols / rows <= LARGEST_ASPECT:
        rows, cols = place_rows, place_cols
    else:
        scale = min(place_rows / rows, place_cols / cols)
        rows, cols = (max(1, round(side * scale)) for side in (rows, cols))
    small = to_codes(scaled(frame.light.astype(np.float32), rows, cols))
    middle = (left + (place_cols - cols) // 2, upper + (place_rows - rows) // 2)
    sheet.paste(Image.fromarray(small), middle)


def _draw_label(
    draw: ImageDraw.ImageDraw, frame: SheetFrame, left: int, upper: int, cols: int, font: Font
) -> None:
    """Write a frame's number and name under it."""
    number = f"{frame.number}  "
    number_cols = draw.textlength(number, font)
    name = _shortened(draw, frame.name, cols - number_cols, font)
    draw.text((left, upper), number, NUMBER, font)
    draw.text((left + number_cols, upper), name, NAME, font)


def _draw_heading(
    draw: ImageDraw.ImageDraw, heading: str, page: str, margin: int, width_px: int, type_px: int
) -> None:
    """Write the heading on the left and the page on the right."""
    font = ImageFont.load_default(type_px)
    page_cols = draw.textlength(page, font)
    draw.text((width_px - margin - page_cols, margin), page, NAME, font)
    room = width_px - 2 * margin - page_cols - type_px
    draw.text((margin, margin), _shortened(draw, heading, room, font), HEADING, font)


def _shortened(draw: ImageDraw.ImageDraw, text: str, room: float, font: Font) -> str:
    """Text that fits, cut in its middle: names of a roll differ at their ends."""
    if draw.textlength(text, font) <= room:
        return text
    for kept in range(len(text) - 1, 0, -1):
        short = text[: (kept + 1) // 2] + ELLIPSIS + text[len(text) - kept // 2 :]
        if draw.textlength(short, font) <= room:
            return short
    return ELLIPSIS
