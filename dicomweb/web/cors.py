"""CORS (WHATWG Fetch): which pages of other origins may use the server from a browser.

Pure ASGI around the whole application, so that errors are readable too (CAP-07).
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
EXPOSED = (
    *("Allow", "Content-Encoding", "Content-Length", "Content-Location", "Content-Range"),
    *("Accept-Ranges", "ETag", "Last-Modified", "Link", "Location", "Retry-After", "Warning"),
)
"""What viewers read besides the few headers that a browser always shows them."""
PREFLIGHT_SECONDS = 7200
"""How long a browser remembers an answer; no browser remembers longer than this or a day."""


class Cors:
    """Lets pages of `origins` in; "*" is any page."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._any = "*" in origins
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin is not None and (self._any or origin in self._origins)
        if allowed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(headers, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(raw=message["headers"])
                if not self._any:
                    answer.add_vary_header("Origin")
                if allowed:
                    answer.update(self._allowing(origin or ""))
                    answer["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
            await send(message)

        await self._app(scope, receive, with_headers)

    async def _preflight(self, asked: Headers, send: Send) -> None:
        """Not a question for capabilities, so no Accept header is wanted of it (CAP-07)."""
        headers = {
            **self._allowing(asked["origin"]),
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": asked.get("access-control-request-headers", "*"),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            "Vary": "Origin, Access-Control-Request-Headers",
        }
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 204, "headers": raw})
        await send({"type": "http.response.body", "body": b""})

    def _allowing(self, origin: str) -> dict[str, str]:
        """Cookies, such as those of a proxy that knows its users, only from origins named."""
        if self._any:
            return {"Access-Control-Allow-Origin": "*"}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
        }
