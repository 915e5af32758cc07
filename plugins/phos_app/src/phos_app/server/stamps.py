"""Stamps: a picture on many films, or with many presets, as they are made."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from phos_app.desk import Desk, Frame
from phos_app.encoding import as_url
from phos_app.limits import PICTURES
from phos_app.line import Place, Urgency
from phos_app.looks import from_settings
from phos_app.rendering import Whole
from phos_app.server.answers import (
    REFUSALS,
    Refusal,
    answered,
    asked_backend,
    desk_of,
    frame_of,
    framing_in,
    in_words,
    json_of,
    recipe_for,
    whole,
    workplace_of,
)
from phos_app.workplace import Workplace
from phos_darkroom import load_preset

__all__ = ["stamps"]

LARGEST = 1200
NEWLINE = b"\n"


@dataclass(frozen=True, slots=True)
class _Stamp:
    """One that is asked for; its settings are looked at when it is made."""

    name: str
    asked: dict[str, Any]
    preset: str | None = None


@answered
async def stamps(request: Request) -> Response:
    """Give stamps as they are made, an object a line; whoever goes away gets no more."""
    desk, workplace = desk_of(request), workplace_of(request)
    asked = await json_of(request)
    box = Whole(whole(asked, "rows", 1, LARGEST), whole(asked, "cols", 1, LARGEST))
    wanted = _wanted(asked)
    backend, is_before = asked_backend(asked), bool(asked.get("before", False))

    async def lines() -> AsyncIterator[bytes]:
        for stamp in wanted:
            async with workplace.line.served(Place(Urgency.STAMP)):
                told = await anyio.to_thread.run_sync(
                    _made, workplace, desk, stamp, box, backend, is_before
                )
            yield json.dumps(told).encode() + NEWLINE

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _wanted(asked: dict[str, Any]) -> list[_Stamp]:
    if films := _names(asked, "films"):
        settings = asked.get("settings") or {}
        return [_Stamp(name, asked | {"settings": settings | {"film": name}}) for name in films]
    if presets := _names(asked, "presets"):
        return [_Stamp(name, asked, preset=name) for name in presets]
    frames = asked.get("frames")
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise Refusal(400, "stamps are of films, presets or frames")
    return [_Stamp(str(frame.get("frame")), frame) for frame in frames[:PICTURES]]


def _names(asked: dict[str, Any], kind: str) -> list[str]:
    names = asked.get(kind) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(400, f"{kind} must be a list of names")
    return names[:PICTURES]


def _made(
    workplace: Workplace,
    desk: Desk,
    stamp: _Stamp,
    box: Whole,
    backend: str | None,
    is_before: bool,
) -> dict[str, Any]:
    """A stamp, or why there is none: the others come nevertheless."""
    try:
        frame = frame_of(desk, stamp.asked)
        image = _image(workplace, desk, frame, stamp, box, backend, is_before)
    except (*REFUSALS, Refusal) as error:
        return {"name": stamp.name, "message": in_words(error)}
    return {"name": stamp.name, "image": image}


def _image(
    workplace: Workplace,
    desk: Desk,
    frame: Frame,
    stamp: _Stamp,
    box: Whole,
    backend: str | None,
    is_before: bool,
) -> str:
    framing = framing_in(stamp.asked)
    if is_before:
        return as_url(workplace.renderer.before(desk, frame, box, framing))
    asked = stamp.asked
    if stamp.preset is not None:
        asked = {"settings": from_settings(load_preset(stamp.preset))[0]}
    recipe = recipe_for(desk, frame, asked)
    return as_url(workplace.renderer.after(desk, frame, box, recipe, framing, backend)[0])
