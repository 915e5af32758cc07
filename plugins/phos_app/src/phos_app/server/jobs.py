"""Jobs: positives at full size, how far they are, and what came of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)

from phos_app.desk import Desk
from phos_app.jobs import Job
from phos_app.limits import PICTURES
from phos_app.positives import Delivery, Order
from phos_app.server.answers import (
    Refusal,
    answered,
    asked_backend,
    desk_of,
    frame_of,
    framing_in,
    json_of,
    recipe_for,
    workplace_of,
)

__all__ = ["begin", "cancel", "events", "file", "sidecar"]

PAUSE_S = 0.15
QUIET_S = 10.0  # after which a browser is told that the server is there
LONGEST_NAME = 120


@answered
async def begin(request: Request) -> Response:
    """Begin to make positives."""
    desk = desk_of(request)
    asked = await json_of(request)
    frames = asked.get("frames")
    if not isinstance(frames, list) or not 1 <= len(frames) <= PICTURES:
        raise Refusal(400, f"frames must be a list of 1 to {PICTURES}")
    orders = [_order(desk, frame) for frame in frames]
    delivery = Delivery.of(_object(asked, "export"))
    name = asked.get("name") or ""
    if not isinstance(name, str):
        raise Refusal(400, f"name must be text, got {name!r}")
    job = workplace_of(request).begin(
        desk, orders, delivery, backend=asked_backend(asked), name=name[:LONGEST_NAME]
    )
    return JSONResponse({"job": job.key}, 201)


@answered
async def events(request: Request) -> Response:
    """Tell how far a job is, whenever that changes, until it has ended."""
    job, line = _job(request), workplace_of(request).line

    async def tell() -> AsyncIterator[str]:
        last, quiet = "", 0.0
        while True:
            has_ended = job.has_ended
            told = json.dumps(job.told(line))
            if told != last:
                yield f"data: {told}\n\n"
                last, quiet = told, 0.0
            elif quiet >= QUIET_S:
                yield ": still here\n\n"
                quiet = 0.0
            if has_ended:
                return
            await asyncio.sleep(PAUSE_S)
            quiet += PAUSE_S

    return StreamingResponse(
        tell(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


@answered
async def cancel(request: Request) -> Response:
    """Stop a job."""
    _job(request).stop()
    return Response(status_code=204)


@answered
async def file(request: Request) -> Response:
    """Give what came of a job: the picture, or the roll."""
    job = _done(request)
    return FileResponse(
        job.result or job.folder,
        media_type=job.mime_type,
        filename=job.result_name,
        headers={"cache-control": "no-store"},
    )


@answered
async def sidecar(request: Request) -> Response:
    """Give the sidecar of a job of one picture; those of a roll are in it."""
    job = _done(request)
    if not job.sidecar:
        raise Refusal(404, "This job made no sidecar of its own.")
    return PlainTextResponse(
        job.sidecar,
        media_type="application/toml",
        headers=_attached(f"{job.result_name}.phos.toml"),
    )


def _order(desk: Desk, asked: Any) -> Order:
    if not isinstance(asked, dict):
        raise Refusal(400, "frames must be objects")
    frame = frame_of(desk, asked)
    return Order(
        upload=frame.upload,
        recipe=recipe_for(desk, frame, asked),
        framing=framing_in(asked),
        raw=frame.raw,
    )


def _object(asked: dict[str, Any], name: str) -> dict[str, Any]:
    value = asked.get(name) or {}
    if not isinstance(value, dict):
        raise Refusal(400, f"{name} must be an object")
    return value


def _job(request: Request) -> Job:
    try:
        return workplace_of(request).find_job(request.path_params["job"])
    except KeyError:
        raise Refusal(404, "This job is gone.") from None


def _done(request: Request) -> Job:
    job = _job(request)
    if job.state != "done":
        raise Refusal(409, "This job has no file." if job.has_ended else "It is not done yet.")
    return job


def _attached(name: str) -> dict[str, str]:
    """Headers by which a browser saves a file under a name."""
    from urllib.parse import quote

    return {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}"}
