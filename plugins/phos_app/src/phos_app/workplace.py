"""The workplace: what all windows of one server share."""

import asyncio
from pathlib import Path

from phos_app.desk import Desk, Desks, Frame, facts_of
from phos_app.limits import SHELF_MIB
from phos_app.line import Line
from phos_app.rendering import Renderer
from phos_app.shelf import Shelf
from phos_app.uploads import Upload, UploadError

__all__ = ["Workplace"]


class Workplace:
    """What all windows of one server share.

    Parameters
    ----------
    folder : Path
        The temporary folder: nothing is written elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desks = Desks(folder)
        self.shelf = Shelf(SHELF_MIB << 20)
        self.renderer = Renderer(self.shelf)
        self.line = Line()
        self._reading = asyncio.Lock()

    def new_desk(self) -> Desk:
        """Make a desk, and clear away those that nobody uses."""
        for desk in self.desks.outdated():
            self.renderer.forget(desk)
            self.desks.remove(desk)
        return self.desks.new()

    def remove_frame(self, desk: Desk, key: str) -> None:
        """Take a picture off a desk."""
        self.shelf.clear(desk.key)
        desk.remove(key)

    async def read(self, desk: Desk, upload: Upload) -> Frame:
        """Read an upload that has come, one at a time, and lay it on its desk, readable or not."""
        async with self._reading:
            frame = await asyncio.to_thread(self._frame_of, desk, upload)
        desk.frames[upload.key] = frame
        if frame.status == "failed":
            upload.path.unlink(missing_ok=True)
        return frame

    def _frame_of(self, desk: Desk, upload: Upload) -> Frame:
        blank = Frame(upload=upload, status="ready")
        try:
            picture = self.renderer.picture(desk, blank)
        except UploadError as error:
            return Frame(upload=upload, status="failed", error=str(error))
        rows, cols = picture.pixels.shape[:2]
        return Frame(
            upload=upload,
            status="ready",
            rows=rows,
            cols=cols,
            bits=8 * picture.pixels.itemsize,
            facts=facts_of(picture),
        )
