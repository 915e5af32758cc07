"""The machine: what can compute, and how full the server is."""

from dataclasses import asdict

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phos_app.backends_panel import backend_rows
from phos_app.server.answers import answered, workplace_of

__all__ = ["backends", "status"]


@answered
async def backends(request: Request) -> Response:
    """Report on every backend."""
    rows = await anyio.to_thread.run_sync(backend_rows)
    return JSONResponse([asdict(row) for row in rows])


@answered
async def status(request: Request) -> Response:
    """Say how many desks and pictures there are, what is in memory, and how many wait."""
    workplace = workplace_of(request)
    return JSONResponse(
        {
            "desks": len(workplace.desks),
            "pictures": sum(len(desk.frames) for desk in workplace.desks),
            "held_mib": round(workplace.shelf.held_bytes / 2**20, 1),
            "queue": len(workplace.line),
        }
    )
