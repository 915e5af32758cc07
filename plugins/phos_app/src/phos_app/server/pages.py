"""The page: its address, its desk, and the files that it is made of."""

import shutil
from importlib.resources import files
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from phos_app.server.answers import workplace_of

__all__ = ["PAGE", "PageFiles", "desk", "start"]

PAGE = Path(str(files("phos_app").joinpath("page")))


async def start(request: Request) -> Response:
    """Make a desk, and lead to it; on the first one lie the pictures that the command named."""
    workplace, state = workplace_of(request), request.app.state
    made, state.pictures, pictures = workplace.new_desk(), [], state.pictures
    for picture in pictures:
        upload = made.new_upload(picture.name)
        await anyio.to_thread.run_sync(shutil.copyfile, picture, upload.path)
        await workplace.read(made, upload)
    return RedirectResponse(f"/desk/{made.key}", 303, {"cache-control": "no-store"})


async def desk(request: Request) -> Response:
    """Give the page; it asks for its desk itself, and says if that has gone."""
    return FileResponse(PAGE / "index.html", headers={"cache-control": "no-cache"})


class PageFiles(StaticFiles):
    """The page's modules, styles and icons; a browser asks each time whether they changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file, or that it is the same as before."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response
