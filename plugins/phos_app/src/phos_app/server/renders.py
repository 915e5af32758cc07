"""Renders: what a window shows of a picture."""

import asyncio
import json
import time
from base64 import b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from phos_app.details import Window
from phos_app.encoding import MIME_TYPE, as_image
from phos_app.limits import VIEW_PIXELS
from phos_app.line import Place, Urgency
from phos_app.rendering import Part, Whole, clipped, counts
from phos_app.server.answers import (
    Refusal,
    answered,
    asked_backend,
    desk_of,
    frame_of,
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
    frame = frame_of(desk, asked.get("frame"))
    view, backend = view_of(asked.get("view")), asked_backend(asked)
    is_before = bool(asked.get("before", False))
    recipe = recipe_for(desk, frame, asked)
    kind = (desk.key, type(view).__name__, is_before)
    place = Place(Urgency.VIEW, kind, whole({"turn": 0} | asked, "turn", 0, 2**53))
    ahead = workplace.line.ahead_of(place)

    def make() -> tuple[bytes, dict[str, str]]:
        start = time.perf_counter()
        if is_before:
            codes, report = workplace.renderer.before(desk, frame, view), None
        else:
            codes, report = workplace.renderer.after(desk, frame, view, recipe, backend)
        developed = time.perf_counter()
        image = as_image(codes)
        told: dict[str, Any] = {
            "rows": codes.shape[0],
            "cols": codes.shape[1],
            "clipped": clipped(codes),
            "milliseconds": {
                "develop": round(1000 * (developed - start), 1),
                "encode": round(1000 * (time.perf_counter() - developed), 1),
            },
        }
        if report is not None:
            steps = {name: round(1000 * s, 1) for name, s in report.step_seconds.items()}
            told |= {
                "ran": ran(report),
                "backend": report.backend,
                "device": report.device,
                "compiling": compiles(report),
                "warning": fallback(report),
                "steps_ms": steps,
            }
        histogram = b64encode(counts(codes).astype("<u4").tobytes()).decode()
        headers = {"X-Report": json.dumps(told), "X-Histogram": histogram, "X-Queue": str(ahead)}
        return image, headers

    async with workplace.line.served(place):
        image, headers = await asyncio.to_thread(make)
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
