"""Rendering: what a window shows of a picture, at the pixels that it has for it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import phos_core as phos
from phos_app.desk import Desk, Frame
from phos_app.details import Window, cut, detail, halved
from phos_app.previews import Layout, light_of, uncropped
from phos_app.scenes import Codes, Scene, as_shown, scene_of
from phos_app.shelf import Shelf
from phos_app.uploads import open_picture
from phos_core.process import Recipe, RunReport, Tile, WholePicture, WindowDeveloper
from phos_darkroom import Framed, Framing, Picture, framed

__all__ = ["Part", "Renderer", "Whole", "clipped", "counts"]

AS_IT_IS = Framing()


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole framed picture, fitted into a box of so many pixels."""

    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Part:
    """A window of the framed picture, in its own pixels, at their size or at half of it."""

    window: Window
    is_halved: bool = False


class Renderer:
    """Renders frames; what it has read of them lies on a shelf.

    Parameters
    ----------
    shelf : Shelf
        Its owners are desks.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def after(
        self,
        desk: Desk,
        frame: Frame,
        view: Whole | Part,
        recipe: Recipe,
        framing: Framing = AS_IT_IS,
        backend: str | None = None,
    ) -> tuple[Codes, RunReport]:
        """Give what a view shows of the positive, and what ran."""
        if isinstance(view, Part):
            framed_picture = self.framed(desk, frame, framing)
            window = _within_crop(view.window, framed_picture)
            placed = recipe if framing.is_whole else framed_picture.recipe(recipe)
            codes, report = detail(framed_picture.picture, placed, window, backend)
            return (halved(codes) if view.is_halved else codes), report
        layout = Layout.of((frame.rows, frame.cols), framing, (view.rows, view.cols))
        placed = layout.placed(recipe)
        whole = WholePicture.of(layout.shape, placed)
        tile = whole.tile(layout.window)
        scene = self._light(desk, frame, layout, tile)
        if not recipe.auto_balance and layout.is_uncropped:
            return _developed(scene, placed, backend)
        whole = replace(whole, recipe=scene.taken_by(whole.recipe))
        if recipe.auto_balance:
            whole = whole.balanced(self._measured(desk, frame))
        developer = WindowDeveloper(whole, backend=backend)
        positive = developer.develop(layout.window, scene.light)
        return _codes(positive), developer.report()

    def before(
        self, desk: Desk, frame: Frame, view: Whole | Part, framing: Framing = AS_IT_IS
    ) -> Codes:
        """Give what a view shows of the picture before it is developed."""
        if isinstance(view, Part):
            framed_picture = self.framed(desk, frame, framing)
            codes = cut(framed_picture.picture, _within_crop(view.window, framed_picture))
            return halved(codes) if view.is_halved else codes
        layout = Layout.of((frame.rows, frame.cols), framing, (view.rows, view.cols))
        tile = Tile.reading(layout.window, 0, layout.shape)
        return as_shown(self._light(desk, frame, layout, tile, on_screen=True))

    def picture(self, desk: Desk, frame: Frame) -> Picture:
        """Give a frame's picture, read again if it was put away."""
        upload = frame.upload

        def read() -> Picture:
            return open_picture(upload, frame.raw)

        return self._shelf.kept(desk.key, ("picture", upload.key, frame.raw), read, _picture_bytes)

    def framed(self, desk: Desk, frame: Frame, framing: Framing) -> Framed:
        """Give a frame's picture, turned and straightened, and where its crop lies."""
        picture = self.picture(desk, frame)
        if framing == replace(AS_IT_IS, crop=framing.crop):
            return framed(picture, framing)
        turned = uncropped(framing)

        def turn() -> Framed:
            return framed(picture, turned)

        key = ("framed", frame.upload.key, frame.raw, turned)
        straight = self._shelf.kept(desk.key, key, turn, lambda made: _picture_bytes(made.picture))
        rows, cols = straight.picture.pixels.shape[:2]
        return replace(straight, window=framing.window(rows, cols))

    def forget(self, desk: Desk) -> None:
        """Put away all that was read for a desk."""
        self._shelf.clear(desk.key)

    def _light(
        self, desk: Desk, frame: Frame, layout: Layout, tile: Tile, *, on_screen: bool = False
    ) -> Scene:
        """The light of what a tile of a preview reads."""

        def make() -> Scene:
            picture = self.picture(desk, frame)
            return light_of(picture, layout, tile, on_screen=on_screen)

        read = (
            tile.read_rows.start,
            tile.read_rows.stop,
            tile.read_cols.start,
            tile.read_cols.stop,
        )
        is_screen = on_screen and self.picture(desk, frame).knows_beyond_white
        key = ("light", frame.upload.key, frame.raw, layout.framing, layout.size, read, is_screen)
        return self._shelf.kept(desk.key, key, make, _scene_bytes)

    def _measured(self, desk: Desk, frame: Frame) -> NDArray[np.float32]:
        """The light on which a picture's balance is measured, whatever its crop."""

        def make() -> Scene:
            picture = self.picture(desk, frame)
            rows, cols = picture.pixels.shape[:2]
            places = WholePicture.of((rows, cols), Recipe()).measured
            part = picture.part(places)
            return scene_of(part, part.pixels.shape[:2])

        key = ("measured", frame.upload.key, frame.raw)
        return self._shelf.kept(desk.key, key, make, _scene_bytes).light


def counts(codes: Codes) -> NDArray[np.uint32]:
    """Count how many pixels have each code: of red, green and blue, three times the same for grey.

    Parameters
    ----------
    codes : ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        sRGB codes.

    Returns
    -------
    ndarray of uint32, shape (3, 256)
        The counts.
    """
    from PIL import Image  # counts in a third of NumPy's time

    counted = np.array(Image.fromarray(codes).histogram(), np.uint32).reshape(-1, 256)
    return np.repeat(counted, 3 // len(counted), axis=0)


def clipped(counted: NDArray[np.uint32]) -> dict[str, list[float]]:
    """Give the shares of a picture's pixels that are at black and at white.

    Parameters
    ----------
    counted : ndarray of uint32, shape (3, 256)
        As `counts` gives it.

    Returns
    -------
    dict of str to list of float
        Under "low" and "high", of red, green and blue.
    """
    pixels = max(int(counted[0].sum()), 1)
    ends = {"low": counted[:, 0], "high": counted[:, -1]}
    return {name: [round(int(n) / pixels, 6) for n in end] for name, end in ends.items()}


def _developed(scene: Scene, recipe: Recipe, backend: str | None) -> tuple[Codes, RunReport]:
    positive, report = phos.develop_with_report(
        scene.light, recipe=scene.taken_by(recipe), backend=backend
    )
    return _codes(positive), report


def _codes(positive: NDArray[np.float32]) -> Codes:
    """A positive's codes, rounded: it lies from 0 to 1."""
    scaled = positive * np.float32(255.0)
    scaled += np.float32(0.5)
    codes: Codes = scaled.astype(np.uint8)
    return codes


def _within_crop(window: Window, picture: Framed) -> Window:
    """Where a window of the crop lies in the picture around it, moved into the crop."""
    rows, cols = picture.window
    inside = window.inside((rows.stop - rows.start, cols.stop - cols.start))
    return replace(inside, top=inside.top + rows.start, left=inside.left + cols.start)


def _picture_bytes(picture: Picture) -> int:
    alpha = 0 if picture.alpha is None else picture.alpha.nbytes
    gain = 0 if picture.gain_map is None else picture.gain_map.stops.nbytes
    return int(picture.pixels.nbytes + alpha + gain)


def _scene_bytes(scene: Scene) -> int:
    return int(scene.light.nbytes)
