"""Serving: the routes behind the gate, and the server that runs them."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import webbrowser
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from phos_app.folders import private_folder
from phos_app.gate import Gate
from phos_app.server import catalogue, desks, jobs, machine, pages, presets, renders, stamps
from phos_app.workplace import Workplace

__all__ = ["application", "leading_to", "serve"]

ADDRESS = "127.0.0.1"
DESK, JOB = "/api/desks/{desk}", "/api/jobs/{job}"
SETTINGS: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "ws": "none",
    "timeout_graceful_shutdown": 3,
}
"""Of uvicorn."""

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def application(folder: Path, token: str, pictures: Sequence[Path] = ()) -> Starlette:
    """Give the server's application.

    Parameters
    ----------
    folder : Path
        Where its files lie; nothing is written elsewhere.
    token : str
        What opens the gate.
    pictures : sequence of Path
        What lies on the first desk.

    Returns
    -------
    Starlette
        An ASGI application.
    """
    app = Starlette(
        routes=[
            Route("/", pages.start),
            Route("/desk/{desk}", pages.desk),
            Mount("/page", pages.PageFiles(directory=pages.PAGE)),
            Route("/api/catalogue", catalogue.catalogue),
            Route("/api/offered", catalogue.offers, methods=["POST"]),
            Route("/api/curve", catalogue.curve, methods=["POST"]),
            Route("/api/backends", machine.backends),
            Route("/api/status", machine.status),
            Route(DESK, desks.document, methods=["GET"]),
            Route(DESK, desks.keep, methods=["PUT", "POST"]),  # a page that goes can only post
            Route(f"{DESK}/frames", desks.add, methods=["POST"]),
            Route(f"{DESK}/example", desks.add_example, methods=["POST"]),
            Route(f"{DESK}/frames/{{frame}}", desks.remove, methods=["DELETE"]),
            Route(f"{DESK}/render", renders.render, methods=["POST"]),
            Route(f"{DESK}/stamps", stamps.stamps, methods=["POST"]),
            Route(f"{DESK}/jobs", jobs.begin, methods=["POST"]),
            Route(JOB, jobs.cancel, methods=["DELETE"]),
            Route(f"{JOB}/events", jobs.events),
            Route(f"{JOB}/file", jobs.file),
            Route(f"{JOB}/sidecar", jobs.sidecar),
            Route("/api/presets", presets.told, methods=["GET"]),
            Route("/api/presets", presets.save, methods=["POST"]),
            Route("/api/presets/{name}", presets.change, methods=["PUT"]),
            Route("/api/presets/{name}", presets.remove, methods=["DELETE"]),
            Route("/api/settings/read", presets.read, methods=["POST"]),
            Route("/api/settings/text", presets.text, methods=["POST"]),
        ],
        middleware=[Middleware(Gate, token=token)],
        lifespan=_lifespan,
    )
    app.state.workplace = Workplace(folder)
    app.state.pictures = list(pictures)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Get ready while the browser opens, and at the end stop what is under way."""
    workplace: Workplace = app.state.workplace
    tasks = [asyncio.create_task(work) for work in (workplace.warm(), workplace.tidy())]
    yield
    await workplace.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def serve(port: int, *, is_opened: bool, pictures: Sequence[Path] = ()) -> None:
    """Serve the page until Ctrl-C.

    Parameters
    ----------
    port : int
        Where, on this machine alone.
    is_opened : bool
        Whether the browser is opened.
    pictures : sequence of Path
        What lies on the first desk.
    """
    with private_folder() as folder, _listening(port) as listener:
        token = secrets.token_urlsafe(24)
        app = application(folder, token, pictures)
        address = f"http://{ADDRESS}:{port}/?token={token}"
        click.echo(f"phos app: open {address}\nCtrl-C ends it.")
        if is_opened:
            webbrowser.open(leading_to(address, folder).as_uri())
        _Server(uvicorn.Config(app, **SETTINGS)).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends in order at any signal, so that its folder is removed; uvicorn would raise it again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to signals while it serves."""
        numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listening(port: int) -> socket.socket:
    """A socket of this machine alone; the port is taken before the browser is opened."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":  # there it would let two servers share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        raise click.ClickException(
            f"port {port} cannot be used: {error.strerror or error}; --port chooses another"
        ) from error
    return listener


def leading_to(address: str, folder: Path) -> Path:
    """A file leading there; a command line, which all users see, would tell the token."""
    page = folder / "open.html"
    page.touch(mode=0o600)
    page.write_text(f'<meta http-equiv="refresh" content="0;url={address}">\n')
    return page
