"""The workplace: what all windows of one server share."""

import asyncio
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread
import numpy as np

import phos_core as phos
from phos_app.desk import Desk, Desks, Frame, facts_of
from phos_app.jobs import Job
from phos_app.limits import JOBS, SHELF_MIB
from phos_app.line import Line, Place, Urgency
from phos_app.positives import Delivery, Order
from phos_app.rendering import Renderer
from phos_app.shelf import Shelf
from phos_app.uploads import Upload, UploadError
from phos_darkroom import is_raw

__all__ = ["Workplace"]


TIDY_S = 600.0


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
        """Make a desk; if there are many, the one used longest ago goes."""
        for desk in self.desks.in_the_way():
            self.remove_desk(desk)
        return self.desks.new()

    async def tidy(self) -> None:
        """Now and then clear away the desks that nobody has looked at for hours."""
        while True:
            await asyncio.sleep(TIDY_S)
            for desk in self.desks.idle():
                self.remove_desk(desk)

    def remove_desk(self, desk: Desk) -> None:
        """Clear a desk away, with its pictures, and what is made of them."""
        for job in desk.jobs:
            job.stop()
        self.renderer.forget(desk)
        self.desks.remove(desk)

    def remove_frame(self, desk: Desk, key: str) -> None:
        """Take a picture off a desk."""
        self.shelf.clear(desk.key)
        desk.remove(key)

    def new_path(self, suffix: str) -> Path:
        """Give a place for a file that is removed at once."""
        return self.folder / f"{secrets.token_urlsafe(9)}{suffix}"

    async def read(self, desk: Desk, upload: Upload) -> Frame:
        """Read an upload that has come, one at a time, and lay it on its desk, readable or not."""
        async with self._reading:
            frame = await anyio.to_thread.run_sync(self._frame_of, desk, upload)
        desk.frames[upload.key] = frame
        if frame.status == "failed":
            upload.path.unlink(missing_ok=True)
        return frame

    def begin(
        self,
        desk: Desk,
        orders: Sequence[Order],
        delivery: Delivery,
        *,
        backend: str | None,
        name: str,
    ) -> Job:
        """Begin to make positives; the oldest result of the desk goes."""
        key = secrets.token_urlsafe(9)
        job = Job(
            orders=orders,
            delivery=delivery,
            backend=backend,
            name=name,
            folder=desk.folder / f"job-{key}",
        )
        for old in [old for old in desk.jobs if old.has_ended][: max(0, len(desk.jobs) - JOBS + 1)]:
            desk.jobs.remove(old)
            shutil.rmtree(old.folder, ignore_errors=True)
        desk.jobs.append(job)
        job.task = asyncio.create_task(job.run(self.line))
        return job

    def find_job(self, key: str) -> Job:
        """Give a job that is there, or raise `KeyError`."""
        for desk in self.desks:
            for job in desk.jobs:
                if job.key == key:
                    desk.touch()
                    return job
        raise KeyError(key)

    async def warm(self) -> None:
        """Load and choose what develops, before anybody waits for a picture."""
        async with self.line.served(Place(Urgency.STAMP)):
            await anyio.to_thread.run_sync(_develop_blank)

    async def close(self) -> None:
        """Stop all that is under way."""
        jobs = [job for desk in self.desks for job in desk.jobs if not job.has_ended]
        for job in jobs:
            job.stop()
        await asyncio.gather(*(job.task for job in jobs if job.task), return_exceptions=True)

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
            size_bytes=upload.path.stat().st_size,
            facts=facts_of(picture),
            is_raw=is_raw(upload.path),
        )


def _develop_blank() -> None:
    """Develop a picture in the dtype of previews."""
    phos.develop(np.zeros((48, 64, 3), np.float32), recipe=phos.Recipe(encoding="display"))
