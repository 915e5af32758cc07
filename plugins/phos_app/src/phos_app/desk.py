"""Desk: what one visitor has before them; nobody else sees it, and nothing of it is on disk."""

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from phos_app.details import Window, detail
from phos_app.developing import developed
from phos_app.scenes import Codes, Scene, as_shown, scene_of, screen_of, smaller
from phos_app.uploads import Upload, open_picture
from phos_core.process import Recipe, RunReport
from phos_darkroom import Picture

__all__ = ["Desk", "Opened", "Print", "as_url"]

PRINTS = 24  # kept: as many as somebody goes back and forth between
THUMBNAIL_PIXELS = 160 * 120
THUMBNAILS = 400
JPEG_QUALITY = 92

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """An upload that has been read.

    Parameters
    ----------
    upload : Upload
        What came.
    picture : Picture
        What is in it.
    scene : Scene
        Its light at the preview's size.
    before : str
        What a screen shows of it there, as a data URL.
    """

    upload: Upload
    picture: Picture
    scene: Scene
    before: str


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What the page shows of a picture, before and after.

    Parameters
    ----------
    before, after : str
        As data URLs.
    codes : ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        sRGB codes of what is after.
    report : RunReport
        What ran.
    """

    before: str
    after: str
    codes: Codes
    report: RunReport


class Desk:
    """What one visitor has before them: a picture that is open, and prints of it."""

    def __init__(self) -> None:
        self._opened: Opened | None = None
        self._prints: OrderedDict[Hashable, Print] = OrderedDict()
        self._thumbnails: OrderedDict[Hashable, str] = OrderedDict()

    def open(self, upload: Upload) -> Opened:
        """Give an upload's picture, read once; another one takes its place.

        Raises
        ------
        UploadError
            If it cannot be read.
        """
        if self._opened is None or self._opened.upload.key != upload.key:
            self.clear()
            picture = open_picture(upload)
            scene = scene_of(picture)
            before = screen_of(picture) if picture.knows_beyond_white else scene
            self._opened = Opened(upload, picture, scene, as_url(as_shown(before), "JPEG"))
        return self._opened

    def clear(self) -> None:
        """Put everything away."""
        self._opened = None
        self._prints.clear()
        self._thumbnails.clear()

    def preview(self, opened: Opened, recipe: Recipe, backend: str | None) -> Print:
        """Give the whole picture at the preview's size, before and after."""

        def make() -> Print:
            codes, report = _developed_scene(opened.scene, recipe, backend)
            return Print(opened.before, as_url(codes, "JPEG"), codes, report)

        return _kept(self._prints, (opened.upload.key, recipe, backend), make, PRINTS)

    def detail(self, opened: Opened, recipe: Recipe, window: Window, backend: str | None) -> Print:
        """Give a window of the picture at full size, before and after."""

        def make() -> Print:
            codes, report = detail(opened.picture, recipe, window, backend)
            before = as_shown(_cut(opened.picture, window))
            return Print(as_url(before, "PNG"), as_url(codes, "PNG"), codes, report)

        return _kept(self._prints, (opened.upload.key, recipe, window, backend), make, PRINTS)

    def thumbnail(self, opened: Opened, recipe: Recipe, backend: str | None) -> str:
        """Give the picture as a stamp, as a data URL."""

        def make() -> str:
            scene = smaller(opened.scene, THUMBNAIL_PIXELS)
            return as_url(_developed_scene(scene, recipe, backend)[0], "JPEG")

        return _kept(self._thumbnails, (opened.upload.key, recipe, backend), make, THUMBNAILS)


def as_url(codes: NDArray[np.uint8], form: Literal["JPEG", "PNG"]) -> str:
    """Give a picture as a data URL: a JPEG with all its colours, or a PNG of the codes."""
    from PIL import Image

    how: dict[str, Any] = (
        {"quality": JPEG_QUALITY, "subsampling": 0} if form == "JPEG" else {"compress_level": 1}
    )
    stream = BytesIO()
    Image.fromarray(codes).save(stream, form, **how)
    return f"data:image/{form.lower()};base64,{b64encode(stream.getvalue()).decode()}"


def _developed_scene(scene: Scene, recipe: Recipe, backend: str | None) -> tuple[Codes, RunReport]:
    positive, report = developed(scene.light, scene.taken_by(recipe), backend)
    codes: Codes = np.rint(positive * np.float32(255.0)).astype(np.uint8)
    return codes, report


def _cut(picture: Picture, window: Window) -> Picture:
    return replace(picture.part(window.slices), alpha=None)


def _kept(
    shelf: "OrderedDict[Hashable, Made]", key: Hashable, make: Callable[[], Made], room: int
) -> Made:
    """What lies on a shelf, or is made and put there; what was not asked for longest goes."""
    if key not in shelf:
        shelf[key] = make()
        while len(shelf) > room:
            shelf.popitem(last=False)
    shelf.move_to_end(key)
    return shelf[key]
