"""The gate before the server: who may ask, and what the page may ask for."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

__all__ = ["HEADERS", "HOSTS", "Gate"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS = ("127.0.0.1", "localhost")
"""The names under which the page is reached."""

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
HEADERS = {
    "content-security-policy": "; ".join(_POLICY),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What every answer tells the browser: ask this server alone, and show the page in no frame."""

STRANGER = "This page is for this machine alone."
NO_TOKEN = (
    "This page opens with the address that phos app printed, which has its token: "
    "copy it from the terminal."
)
OURSELVES = ("same-origin", "none")  # "none": typed, or opened by another program


class Gate:
    """Lets in who has the token of this start, under the page's own name, and from no other page.

    Parameters
    ----------
    app : ASGI application
        What lies behind the gate.
    token : str
        Whoever brings it in the address gets the cookie that all else asks for.
    """

    def __init__(self, app: Application, token: str) -> None:
        self._app = app
        self._token = token
        self._cookie = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it with 403."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers_of(scope)
        if scope["type"] != "http" or not _is_ours(headers):
            await _turn_away(scope, receive, send, STRANGER)
        elif self._brings_token(scope):
            await self._welcome(headers, receive, send)
        elif not self._has_cookie(headers) or not _asks_for_itself(scope, headers):
            await _turn_away(scope, receive, send, NO_TOKEN)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _brings_token(self, scope: Scope) -> bool:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = query.get("token", [""])[0]
        return scope["path"] == "/" and hmac.compare_digest(given.encode(), self._token.encode())

    def _has_cookie(self, headers: dict[bytes, str]) -> bool:
        try:
            cookies = SimpleCookie(headers.get(b"cookie", ""))
        except CookieError:
            return False
        given = cookies.get(_cookie_name(headers))
        return given is not None and hmac.compare_digest(
            given.value.encode(), self._cookie.encode()
        )

    async def _welcome(self, headers: dict[bytes, str], receive: Receive, send: Send) -> None:
        """Set the cookie and lead to the page.

        A browser that came from elsewhere, as from a file, would be led there without the cookie:
        it is strict. From a page of our own it brings it.
        """
        await receive()
        name = _cookie_name(headers)
        cookie = f"{name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"
        led = [(b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
        if headers.get(b"sec-fetch-site", "none") in OURSELVES:
            await _answer(_with_headers(send), 303, "", [*led, (b"location", b"/")])
        else:
            await _answer(_with_headers(send), 200, "", [*led, (b"refresh", b"0; url=/")])


def _headers_of(scope: Scope) -> dict[bytes, str]:
    return {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}


def _is_ours(headers: dict[bytes, str]) -> bool:
    """Whether a request is for this page under its own name, and from no other page."""
    host, origin = headers.get(b"host", ""), headers.get(b"origin")
    if _name(f"//{host}") not in HOSTS:
        return False
    return origin is None or origin == f"http://{host}"


def _asks_for_itself(scope: Scope, headers: dict[bytes, str]) -> bool:
    """Whether no other page asks: one of another port of this machine would bring the cookie."""
    site = headers.get(b"sec-fetch-site", "none")
    is_page = scope["path"] == "/" or scope["path"].startswith("/desk/")
    is_visit = is_page and headers.get(b"sec-fetch-mode") == "navigate"
    return site in OURSELVES or is_visit


def _cookie_name(headers: dict[bytes, str]) -> str:
    """One for each port: to a browser, all servers of this machine are one."""
    port = urlsplit("//" + headers[b"host"]).port
    return f"phos-{port or 80}"


def _name(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises if it is none
    except ValueError:  # brackets that hold no address, a port that is no number
        return None
    return parts.hostname


async def _turn_away(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
        return
    await _answer(_with_headers(send), 403, why + "\n", [])


async def _answer(send: Send, status: int, text: str, more: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def _with_headers(send: Send) -> Send:
    async def add(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return add
