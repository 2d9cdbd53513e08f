"""Dispatch of the DICOMweb tree: one expression finds the route, much faster than a list does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from dicomweb.engine.archive import Archive
from dicomweb.web.codings import CODED_BYTES_MIN, CODERS, coded, coding_of
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response, chunks, joined, problem
from schemas.reasons import METHOD_NOT_ALLOWED, NOT_FOUND, Refused

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Transaction:
    """One thing a client can ask for: a row of the route table."""

    name: str
    method: str
    path: str
    """Below the service root; {names} stand for one segment, {names:path} for the rest."""
    handler: Handler
    clause: str
    media_types: tuple[str, ...]
    """What it answers with, the default first."""


class Dispatcher:
    """An ASGI application of a table of transactions, to be mounted at the service root."""

    def __init__(self, archive: Archive, transactions: Sequence[Transaction]) -> None:
        self._archive = archive
        self._resources: list[dict[str, Transaction]] = []
        # The longest first: those that begin as it does would each be tried to their ends.
        every = {transaction.path for transaction in transactions}
        paths = sorted(every, key=lambda path: (-path.count("/"), path))
        for path in paths:
            at = {t.method: t for t in transactions if t.path == path}
            self._resources.append(at | ({"HEAD": at["GET"]} if "GET" in at else {}))
        self._names = [re.findall(r"{(\w+)", path) for path in paths]
        self._pattern = re.compile("|".join(f"({_expression(path)}/?)" for path in paths))
        self._groups = {}
        group = 1
        for number, names in enumerate(self._names):
            self._groups[group] = number
            group += 1 + len(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(scope, receive)
        await response(scope, receive, send)

    async def respond(self, scope: Scope, receive: Receive) -> Response:
        """The answer, not sent yet; Refused, and whatever else a handler raises."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        found = self._pattern.fullmatch(path)
        if found is None:
            raise Refused(NOT_FOUND, "There is no such resource; the README lists those there are.")
        group = found.lastindex or 0  # the group that closed last is the one around the path
        number = self._groups[group]
        methods = self._resources[number]
        transaction = methods.get(scope["method"])
        if transaction is None:
            return _other_method(scope, methods)
        scope["transaction"] = transaction.name
        variables = {
            name: found[group + position]
            for position, name in enumerate(self._names[number], start=1)
        }
        request = Request(self._archive, scope, receive, variables)
        return await _coded(request, await transaction.handler(request))


_CODED_TYPES = tuple(
    f"{before}{name}"
    for name in ("application/dicom+json", "application/dicom+xml", "application/json")
    for before in ("", 'multipart/related; type="')
)


async def _coded(request: Request, response: Response) -> Response:
    """JSON and XML compressed where the client takes that (NEG-56), off the event loop."""
    headers = response.headers
    if not headers or not headers[0][1].startswith(_CODED_TYPES):  # Content-Type is the first
        return response
    named = {name.lower() for name, _ in headers}
    if "content-encoding" in named or "content-range" in named:
        return response
    if "vary" not in named:
        response.headers.append(("Vary", "Accept, Accept-Encoding"))
    coding = coding_of(request.fields.get("accept-encoding"))
    body = response.body
    if isinstance(body, list):
        body = await joined(body)
    if coding is None or (isinstance(body, bytes) and len(body) < CODED_BYTES_MIN):
        return response
    response.headers.append(("Content-Encoding", coding))
    if isinstance(body, bytes):
        response.body = await coded(body, coding, request.archive.run)
    else:
        stream = _stream_coded(request.archive, chunks(body), coding)
        response.body, response.length = stream, None
    return response


async def _stream_coded(
    archive: Archive, chunks: AsyncIterator[bytes], coding: str
) -> AsyncIterator[bytes]:
    coder = CODERS[coding]()
    async for chunk in chunks:
        if data := await archive.run(partial(coder.compress, chunk)):
            yield data
    yield coder.flush()


def _expression(path: str) -> str:
    """A trailing slash is let pass (RUL-06)."""
    return re.sub(r"{\w+}", "([^/]+)", re.sub(r"{\w+:path}", "(.+?)", path))


def _other_method(scope: Scope, methods: dict[str, Transaction]) -> Response:
    """204 or 405, with the methods there are (NEG-67, CAP-06)."""
    allow = ("Allow", ", ".join(sorted({*methods, "OPTIONS"})))
    method = scope["method"]
    if method == "OPTIONS":
        return Response(204, [allow])
    detail = f"{method} is not a method of this resource; it has {allow[1]}."
    accept = Headers(scope=scope).get("accept")
    return problem(Refused(METHOD_NOT_ALLOWED, detail), [allow], accept=accept)
