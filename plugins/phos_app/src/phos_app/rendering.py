"""Rendering: what a window shows of a picture, at the pixels that it has for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import phos_core as phos
from phos_app.desk import Desk, Frame
from phos_app.details import Window, cut, detail, halved
from phos_app.scenes import Codes, Scene, as_shown, fitted, scene_of, screen_of
from phos_app.shelf import Shelf
from phos_app.uploads import open_picture
from phos_core.process import Recipe, RunReport
from phos_darkroom import Picture

__all__ = ["Part", "Renderer", "Whole", "clipped", "counts"]


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole picture, fitted into a box of so many pixels."""

    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Part:
    """A window of the picture, in its own pixels, at their size or at half of it."""

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
        self, desk: Desk, frame: Frame, view: Whole | Part, recipe: Recipe, backend: str | None
    ) -> tuple[Codes, RunReport]:
        """Give what a view shows of the positive, and what ran."""
        if isinstance(view, Whole):
            scene = self.scene(desk, frame, view)
            return developed_scene(scene, recipe, backend)
        picture = self.picture(desk, frame)
        window = view.window.inside(picture.pixels.shape[:2])
        codes, report = detail(picture, recipe, window, backend)
        return (halved(codes) if view.is_halved else codes), report

    def before(self, desk: Desk, frame: Frame, view: Whole | Part) -> Codes:
        """Give what a view shows of the picture before it is developed."""
        if isinstance(view, Whole):
            return as_shown(self.screen(desk, frame, view))
        picture = self.picture(desk, frame)
        codes = cut(picture, view.window.inside(picture.pixels.shape[:2]))
        return halved(codes) if view.is_halved else codes

    def picture(self, desk: Desk, frame: Frame) -> Picture:
        """Give a frame's picture, read again if it was put away."""
        upload = frame.upload

        def read() -> Picture:
            return open_picture(upload)

        return self._shelf.kept(desk.key, ("picture", upload.key), read, picture_bytes)

    def scene(self, desk: Desk, frame: Frame, box: Whole) -> Scene:
        """Give a frame's light as it fits into a box."""
        size = fitted((frame.rows, frame.cols), (box.rows, box.cols))

        def make() -> Scene:
            return scene_of(self.picture(desk, frame), size)

        return self._shelf.kept(desk.key, ("scene", frame.upload.key, size), make, scene_bytes)

    def screen(self, desk: Desk, frame: Frame, box: Whole) -> Scene:
        """Give a frame's light as it fits into a box, as a screen shows it."""
        if not self.picture(desk, frame).knows_beyond_white:
            return self.scene(desk, frame, box)
        size = fitted((frame.rows, frame.cols), (box.rows, box.cols))

        def make() -> Scene:
            return screen_of(self.picture(desk, frame), size)

        return self._shelf.kept(desk.key, ("screen", frame.upload.key, size), make, scene_bytes)

    def forget(self, desk: Desk) -> None:
        """Put away all that was read for a desk."""
        self._shelf.clear(desk.key)


def developed_scene(scene: Scene, recipe: Recipe, backend: str | None) -> tuple[Codes, RunReport]:
    """Develop a picture's light at fewer pixels, in sRGB codes."""
    positive, report = phos.develop_with_report(
        scene.light, recipe=scene.taken_by(recipe), backend=backend
    )
    codes: Codes = np.rint(positive * np.float32(255.0)).astype(np.uint8)
    return codes, report


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
    planes = [codes] * 3 if codes.ndim == 2 else [codes[..., i] for i in range(3)]
    return np.stack([np.bincount(plane.ravel(), minlength=256) for plane in planes]).astype(
        np.uint32
    )


def clipped(codes: Codes) -> dict[str, float]:
    """Give the shares of a picture's pixels of which a colour is at black or at white."""
    low, high = codes == 0, codes == 255
    if codes.ndim == 3:
        low, high = low.any(axis=-1), high.any(axis=-1)
    return {"black": float(low.mean()), "white": float(high.mean())}


def picture_bytes(picture: Picture) -> int:
    """What a picture weighs."""
    alpha = 0 if picture.alpha is None else picture.alpha.nbytes
    gain = 0 if picture.gain_map is None else picture.gain_map.stops.nbytes
    return int(picture.pixels.nbytes + alpha + gain)


def scene_bytes(scene: Scene) -> int:
    """What a scene weighs."""
    return int(scene.light.nbytes)
