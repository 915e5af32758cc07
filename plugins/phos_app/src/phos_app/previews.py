"""Previews: where the pixels of a preview lie in a framed picture, and the light that they get.

The preview of a crop is a window of a smaller picture, developed with the light that comes from
around it, as the crop itself is a window of the whole one.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from phos_app.scenes import Box, Scene, fitted, scene_of, screen_of
from phos_core.process import Recipe, Tile, Window
from phos_darkroom import Framing, Picture, framed, largest_within

__all__ = ["Layout", "light_of", "uncropped"]

Size = tuple[int, int]
FINER = 1.5
MOST_PIXELS = 16_000_000  # of a smaller picture that is straightened; else the whole one is


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a preview's pixels lie.

    Parameters
    ----------
    picture : tuple of (int, int)
        Rows and columns of the picture as it was read.
    frame : tuple of (int, int)
        Those of the film's frame: of the picture, turned.
    framing : Framing
        How it is framed.
    straight : tuple of (int, int)
        Rows and columns of the picture, turned and straightened, before it is cropped.
    crop : tuple of slice
        What is wanted of it.
    size : tuple of (int, int)
        Rows and columns that this has in the preview.
    """

    picture: Size
    frame: Size
    framing: Framing
    straight: Size
    crop: Window
    size: Size

    @classmethod
    def of(cls, picture: Size, framing: Framing, box: Size) -> "Layout":
        """Lay out a picture of so many rows and columns in a box."""
        frame = picture[::-1] if framing.turns % 2 else picture
        straight = frame
        if framing.straighten_degrees:
            straight = largest_within(frame, framing.straighten_degrees)
        crop = framing.window(*straight)
        return cls(
            picture=picture,
            frame=frame,
            framing=framing,
            straight=straight,
            crop=crop,
            size=fitted(_size(crop), box),
        )

    @property
    def cropped(self) -> Size:
        """Rows and columns of the picture, framed."""
        return _size(self.crop)

    @property
    def scale(self) -> tuple[float, float]:
        """Rows of the preview for a row of the picture, and columns for a column."""
        rows, cols = self.cropped
        return self.size[0] / rows, self.size[1] / cols

    @property
    def shape(self) -> Size:
        """Rows and columns of the whole preview, of which the crop is a window."""
        return _beyond(self, 0)[2], _beyond(self, 1)[2]

    @property
    def window(self) -> Window:
        """Rows and columns that are wanted of the whole preview."""
        (top, bottom, _), (left, right, _) = _beyond(self, 0), _beyond(self, 1)
        return slice(top, bottom), slice(left, right)

    @property
    def is_uncropped(self) -> bool:
        """Whether all of the preview is wanted."""
        return self.window == tuple(slice(0, side) for side in self.shape)

    def placed(self, recipe: Recipe) -> Recipe:
        """Give the settings with which the preview lies in the frame as the picture does."""
        long = 0 if self.size[0] > self.size[1] else 1
        offsets = [
            math.floor((frame - straight) / 2 * scale)
            for frame, straight, scale in zip(self.frame, self.straight, self.scale, strict=True)
        ]
        return replace(
            recipe,
            pixel_pitch_um=recipe.pitch_um(*self.frame) / self.scale[long],
            offset_px=(offsets[0], offsets[1]),
        )

    def part(self, rows: slice, cols: slice) -> Box:
        """Give where rows and columns of the whole preview lie in the straightened picture."""
        sides = []
        for i, wanted in enumerate((rows, cols)):
            first = self.crop[i].start - self.window[i].start / self.scale[i]
            low, high = (first + place / self.scale[i] for place in (wanted.start, wanted.stop))
            sides.append((max(low, 0.0), min(high, float(self.straight[i]))))
        (top, bottom), (left, right) = sides
        return top, left, bottom, right


def uncropped(framing: Framing) -> Framing:
    """Give a framing that turns and straightens as another one does, and leaves all of it."""
    return replace(framing, crop=Framing().crop)


def light_of(picture: Picture, layout: Layout, tile: Tile, *, on_screen: bool = False) -> Scene:
    """Give the light of what a tile of a preview reads.

    Parameters
    ----------
    picture : Picture
        As it was read.
    layout : Layout
        Where the preview lies in it.
    tile : Tile
        Of the whole preview.
    on_screen : bool
        Whether an HDR picture is taken as a screen shows it.

    Returns
    -------
    Scene
        Of the rows and columns that the tile reads.
    """
    take = screen_of if on_screen else scene_of
    rows, cols = tile.read_rows, tile.read_cols
    size = rows.stop - rows.start, cols.stop - cols.start
    part = layout.part(rows, cols)
    framing = layout.framing
    if framing.straighten_degrees:
        scale = min(1.0, FINER * min(layout.scale))  # it is turned, and then made smaller
        smaller = [math.ceil(side * scale) for side in layout.picture]
        if math.prod(smaller) <= MOST_PIXELS:
            picture = _as_picture(take(picture, (smaller[0], smaller[1])))
            take = screen_of  # what it is now is light already
        turned = framed(picture, uncropped(framing)).picture
        return take(turned, size, _about_centre(part, layout, picture, turned))
    is_on_its_side = framing.turns % 2 == 1
    scene = take(
        picture, size[::-1] if is_on_its_side else size, _unturned(part, layout.picture, framing)
    )
    light = np.rot90(scene.light, -framing.turns)
    return replace(scene, light=np.ascontiguousarray(light[:, ::-1] if framing.flipped else light))


def _as_picture(scene: Scene) -> Picture:
    return Picture(pixels=scene.light, encoding=scene.encoding, primaries=scene.primaries)


def _about_centre(part: Box, layout: Layout, smaller: Picture, turned: Picture) -> Box:
    """Where a part lies in a smaller picture that was turned: about the same centre."""
    scales = [have / had for have, had in zip(_shape(smaller), layout.picture, strict=True)]
    if layout.framing.turns % 2:
        scales.reverse()
    sides = []
    for i, have in enumerate(_shape(turned)):
        middle, wanted = layout.straight[i] / 2, (part[i], part[i + 2])
        low, high = (have / 2 + (place - middle) * scales[i] for place in wanted)
        sides.append((max(low, 0.0), min(high, float(have))))
    (top, bottom), (left, right) = sides
    return top, left, bottom, right


def _shape(picture: Picture) -> Size:
    rows, cols = picture.pixels.shape[:2]
    return rows, cols


def _unturned(part: Box, picture: Size, framing: Framing) -> Box:
    """Where a part of a picture that is turned and flipped lies in the picture as it was read."""
    top, left, bottom, right = part
    rows, cols = picture[::-1] if framing.turns % 2 else picture
    if framing.flipped:
        left, right = cols - right, cols - left
    for _ in range(framing.turns):  # a quarter turn back: what was at the right is at the top
        top, left, bottom, right = cols - right, top, cols - left, bottom
        rows, cols = cols, rows
    return top, left, bottom, right


def _beyond(layout: Layout, axis: int) -> tuple[int, int, int]:
    """Where the crop begins and ends in the whole preview, and how long that is."""
    scale, crop = layout.scale[axis], layout.crop[axis]
    before = math.floor(crop.start * scale + 1e-9)
    after = math.floor((layout.straight[axis] - crop.stop) * scale + 1e-9)
    return before, before + layout.size[axis], before + layout.size[axis] + after


def _size(window: Window) -> Size:
    rows, cols = (part.stop - part.start for part in window)
    return rows, cols
