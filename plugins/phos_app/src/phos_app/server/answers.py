"""What the routes have in common: the workplace, bodies that are checked, and words for errors."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from phos_app.desk import Desk, Frame
from phos_app.limits import STATE_MIB
from phos_app.line import Superseded
from phos_app.looks import recipe_of_page
from phos_app.workplace import Workplace
from phos_core.errors import PhosError
from phos_core.process import Recipe
from phos_darkroom import Framing, RawSettings

__all__ = [
    "REFUSALS",
    "Refusal",
    "answered",
    "asked_backend",
    "desk_of",
    "frame_of",
    "framing_in",
    "in_words",
    "json_of",
    "recipe_for",
    "save_body",
    "whole",
    "workplace_of",
]

Route: TypeAlias = Callable[[Request], Awaitable[Response]]
REFUSALS = (PhosError, ValueError, TypeError, KeyError, MemoryError, OSError)
"""What is said in words; anything else is a bug, and the terminal has it."""

logger = logging.getLogger(__name__)


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is no success.

    Parameters
    ----------
    status : int
        HTTP's number for it.
    message : str
        One sentence for the person at the page.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


BROKEN = "Something broke that should not: the terminal has the details."


def answered(route: Route) -> Route:
    """Let a route answer in words where it refuses."""

    @wraps(route)
    async def answer(request: Request) -> Response:
        try:
            return await route(request)
        except Refusal as refusal:
            return JSONResponse({"message": str(refusal)}, refusal.status)
        except Superseded:
            return JSONResponse({"message": "a newer one was asked for"}, 409)
        except ClientDisconnect:
            return Response(status_code=499)
        except REFUSALS as error:
            return JSONResponse({"message": in_words(error)}, 400)
        except Exception:  # here, so that the answer passes the gate as all others do
            logger.exception("%s %s broke", request.method, request.url.path)
            return JSONResponse({"message": BROKEN}, 500)

    return answer


def in_words(error: BaseException) -> str:
    """Say what went wrong in a sentence."""
    if isinstance(error, MemoryError):
        return "There is not enough memory for this."
    if isinstance(error, OSError) and error.strerror:
        return f"The temporary folder cannot be used: {error.strerror}."
    return str(error)


def workplace_of(request: Request) -> Workplace:
    """Give what all windows share."""
    workplace: Workplace = request.app.state.workplace
    return workplace


def desk_of(request: Request) -> Desk:
    """Give the desk in the address, or refuse with 404."""
    try:
        return workplace_of(request).desks.find(request.path_params["desk"])
    except KeyError:
        raise Refusal(404, "This desk was cleared away: begin with a new one.") from None


def frame_of(desk: Desk, asked: dict[str, Any]) -> Frame:
    """Give the picture of a desk that is asked for, as raw as it is to be, or refuse with 404."""
    key, raw = asked.get("frame"), asked.get("raw")
    frame = desk.frames.get(key) if isinstance(key, str) else None
    if frame is None:
        raise Refusal(404, "This picture is not on the desk.")
    if frame.status == "failed":
        raise Refusal(400, frame.error)
    if not raw or not frame.is_raw:
        return frame
    if not isinstance(raw, dict):
        raise Refusal(400, "raw must be an object")
    return replace(frame, raw=RawSettings.from_values(raw))


async def json_of(request: Request) -> dict[str, Any]:
    """Give the object in a body, or refuse with 400 or 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > STATE_MIB << 20:
            raise Refusal(413, f"a body is larger than {STATE_MIB} MiB")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON: {error}") from None
    if not isinstance(asked, dict):
        raise Refusal(400, "the body must be a JSON object")
    return asked


async def save_body(request: Request, path: Path, most_bytes: int, name: str) -> None:
    """Write a body to a file, or refuse with 413 and leave nothing."""
    refusal = Refusal(413, f"{name} is larger than {most_bytes / 2**20:.0f} MiB")
    if int(request.headers.get("content-length") or 0) > most_bytes:
        raise refusal
    came = 0
    try:
        with path.open("xb") as file:
            async for chunk in request.stream():
                came += len(chunk)
                if came > most_bytes:
                    raise refusal
                await anyio.to_thread.run_sync(file.write, chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def recipe_for(desk: Desk, frame: Frame, asked: dict[str, Any]) -> Recipe:
    """Make the recipe of a picture of what the page asks for."""
    return recipe_of_page(asked.get("settings") or {}, frame.upload.name, desk.pictures)


def framing_in(asked: dict[str, Any]) -> Framing:
    """Read how a picture is framed; nothing said: not at all."""
    framing = asked.get("framing")
    if not framing:
        return Framing()
    if not isinstance(framing, dict):
        raise Refusal(400, "framing must be an object")
    return Framing.from_values(framing)


def asked_backend(asked: dict[str, Any]) -> str | None:
    """Give the backend that is asked for by name; None: the best one."""
    name = asked.get("backend") or None
    if name is not None and not isinstance(name, str):
        raise Refusal(400, f"backend must be a name, got {name!r}")
    return name


def whole(asked: dict[str, Any], name: str, low: int, high: int) -> int:
    """Give a whole number that is asked for, or refuse with 400."""
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refusal(400, f"{name} must be a whole number from {low} to {high}, got {value!r}")
    return value
