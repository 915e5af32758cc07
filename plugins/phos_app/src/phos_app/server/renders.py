"""Renders: what a window shows of a picture."""

import json
import time
from base64 import b64encode
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from phos_app.details import Window
from phos_app.encoding import MIME_TYPE, as_image
from phos_app.limits import VIEW_PIXELS
from phos_app.line import Place, Urgency
from phos_app.previews import Layout
from phos_app.rendering import Part, Whole, clipped, counts
from phos_app.server.answers import (
    Refusal,
    answered,
    asked_backend,
    desk_of,
    frame_of,
    framing_in,
    json_of,
    recipe_for,
    whole,
    workplace_of,
)
from phos_app.words import compiles, fallback, ran

__all__ = ["render"]

FARTHEST = 1_000_000
SCALES = (0.5, 1, 2)


@answered
async def render(request: Request) -> Response:
    """Render a view of a picture, before or after, as soon as it is its turn."""
    desk, workplace = desk_of(request), workplace_of(request)
    asked = await json_of(request)
    frame = frame_of(desk, asked)
    view, backend = view_of(asked.get("view")), asked_backend(asked)
    is_before, framing = bool(asked.get("before", False)), framing_in(asked)
    recipe = recipe_for(desk, frame, asked)
    lane = (desk.key, _lane(asked) or f"{type(view).__name__} {is_before}")
    place = Place(Urgency.VIEW, lane, whole({"turn": 0} | asked, "turn", 0, 2**53))
    ahead, came = workplace.line.ahead_of(place.rank), time.perf_counter()

    def make() -> tuple[bytes, dict[str, str]]:
        start = time.perf_counter()
        report = None
        if is_before:
            codes = workplace.renderer.before(desk, frame, view, framing)
        else:
            codes, report = workplace.renderer.after(desk, frame, view, recipe, framing, backend)
        developed = time.perf_counter()
        image = as_image(codes)
        counted = counts(codes)
        rows, cols = Layout.of((frame.rows, frame.cols), framing, (1, 1)).cropped
        told: dict[str, Any] = {
            "rows": rows,
            "cols": cols,
            "clipped": clipped(counted),
            "milliseconds": _ms(time.perf_counter() - start),
            "encode_ms": _ms(time.perf_counter() - developed),
            "waited_ms": _ms(start - came),
        }
        if report is not None:
            told |= {
                "ran": ran(report),
                "backend": report.backend,
                "device": report.device,
                "compiling": compiles(report),
                "warning": fallback(report),
                "steps_ms": {name: _ms(s) for name, s in report.step_seconds.items()},
            }
        histogram = b64encode(counted.astype("<u4").tobytes()).decode()
        headers = {"X-Report": json.dumps(told), "X-Histogram": histogram, "X-Queue": str(ahead)}
        return image, headers

    async with workplace.line.served(place):
        image, headers = await anyio.to_thread.run_sync(make)
    return Response(image, headers=headers | {"cache-control": "no-store"}, media_type=MIME_TYPE)


def view_of(asked: object) -> Whole | Part:
    """Read a view, or refuse with 400."""
    if not isinstance(asked, dict) or asked.get("kind") not in ("fit", "window"):
        raise Refusal(400, 'view must have the kind "fit" or "window"')
    rows, cols = (whole(asked, name, 1, FARTHEST) for name in ("rows", "cols"))
    if rows * cols > VIEW_PIXELS:
        raise Refusal(400, f"a view has {VIEW_PIXELS} pixels at most, got {rows * cols}")
    if asked["kind"] == "fit":
        return Whole(rows, cols)
    top, left = (whole(asked, name, -FARTHEST, FARTHEST) for name in ("top", "left"))
    scale = asked.get("scale", 1)
    if scale not in SCALES:
        raise Refusal(400, f"scale must be one of {SCALES}, got {scale!r}")
    return Part(Window(top, left, rows, cols), is_halved=scale == 0.5)


def _lane(asked: dict[str, Any]) -> str:
    lane = asked.get("lane") or ""
    if not isinstance(lane, str):
        raise Refusal(400, f"lane must be text, got {lane!r}")
    return lane


def _ms(seconds: float) -> float:
    return round(1000.0 * seconds, 1)
