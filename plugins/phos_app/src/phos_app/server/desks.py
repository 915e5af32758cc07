"""Desks and their pictures."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phos_app.desk import Desk
from phos_app.limits import UPLOAD_MIB
from phos_app.server.answers import (
    Refusal,
    answered,
    desk_of,
    json_of,
    save_body,
    workplace_of,
)
from phos_app.uploads import UploadError

__all__ = ["add", "add_example", "document", "keep", "remove"]

EXAMPLE = Path(__file__).parent.parent / "example.jpg"
LONGEST_NAME = 255


@answered
async def document(request: Request) -> Response:
    """Give a desk's document."""
    return JSONResponse(desk_of(request).told())


@answered
async def keep(request: Request) -> Response:
    """Keep what the page wants to find again."""
    desk = desk_of(request)
    state = (await json_of(request)).get("state")
    if not isinstance(state, dict):
        raise Refusal(400, "state must be an object")
    desk.state = state
    return Response(status_code=204)


@answered
async def add(request: Request) -> Response:
    """Take a file, read it, and lay it on the desk."""
    told = unquote(request.headers.get("x-name", ""))
    name = "".join(letter for letter in told if letter.isprintable())[-LONGEST_NAME:]
    return JSONResponse(await _laid(request, desk_of(request), name or "picture"))


@answered
async def add_example(request: Request) -> Response:
    """Lay the example photograph on the desk."""
    desk, workplace = desk_of(request), workplace_of(request)
    upload = desk.new_upload(EXAMPLE.name)
    upload.path.write_bytes(EXAMPLE.read_bytes())
    return JSONResponse((await workplace.read(desk, upload)).told())


@answered
async def remove(request: Request) -> Response:
    """Take a picture off the desk."""
    desk, key = desk_of(request), request.path_params["frame"]
    if key not in desk.frames:
        raise Refusal(404, "This picture is not on the desk.")
    workplace_of(request).remove_frame(desk, key)
    return Response(status_code=204)


async def _laid(request: Request, desk: Desk, name: str) -> dict[str, Any]:
    workplace = workplace_of(request)
    try:
        upload = desk.new_upload(name)
    except UploadError as error:
        raise Refusal(413, str(error)) from None
    room = workplace.desks.room_bytes()
    desk.coming += 1
    try:
        await save_body(request, upload.path, min(UPLOAD_MIB << 20, max(room, 0)), name)
        frame = await workplace.read(desk, upload)
    finally:
        desk.coming -= 1
    return frame.told()
