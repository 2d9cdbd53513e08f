"""The study browser's files: one page, its scripts and styles, and the names of all attributes.

What the page does is in `dicomweb/ui`; it knows nothing of this server but DICOMweb.  Everything
but the page itself lies under a name made of the files' content, so that it is asked for once;
what is needed together travels together.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

import orjson
from pydicom.datadict import DicomDictionary  # type: ignore[attr-defined]
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from dicomweb.web.joined import joined
from dicomweb.web.ohif import Ohif
from dicomweb.web.responses import Header, Response, problem
from schemas.reasons import METHOD_NOT_ALLOWED, NOT_FOUND, Refused

PAGES = ("/", "/study", "/view", "/add", "/status")
"""Paths of the browser's views; all are the same document, which reads its own address."""

FILES = "/ui/"

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
"""By the ending of a name; what ends otherwise is not served."""

FIRST_STYLES = ("style/page.css", "style/search.css")
"""What the start page needs, in the order of the cascade; they travel as `style/first.css`."""

ALONE = "first.js"
"""The one script that is no module."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "frame-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
"""No script but ours, none inline, no text that becomes markup: a patient's name is a name."""

SECURITY: tuple[Header, ...] = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    # Searches hold names, and the address holds the search.
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
COMPRESSED_BYTES_MIN = 1024


@dataclass(frozen=True)
class _File:
    """A file as it is sent."""

    media_type: str
    content: bytes
    lasting: bool
    """Whether its name changes with its content."""

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @cached_property
    def compressed(self) -> bytes | None:
        if len(self.content) < COMPRESSED_BYTES_MIN:
            return None
        return gzip.compress(self.content, mtime=0)

    def response(self, headers: Headers) -> Response:
        kept = "public, max-age=31536000, immutable" if self.lasting else "no-cache"
        told = [("ETag", self.etag), ("Cache-Control", kept), *SECURITY]
        told.append(("Vary", "Accept-Encoding"))
        if self.etag in headers.get("if-none-match", ""):
            return Response(304, told)
        told.append(("Content-Type", self.media_type))
        if self.compressed is not None and "gzip" in headers.get("accept-encoding", ""):
            return Response(200, [*told, ("Content-Encoding", "gzip")], self.compressed)
        return Response(200, told, self.content)


class Browser:
    """An ASGI application that serves the study browser, to be mounted at the root."""

    def __init__(self, prefix: str, ohif: Ohif | None = None) -> None:
        self._ohif = ohif
        folder, page, sources = _files_once()
        for mark, text in (
            ("{files}", folder.removeprefix("/")),
            ("{service}", prefix.removeprefix("/")),
            ("{ohif}", "ohif/viewer" if ohif else ""),
        ):
            page = page.replace(mark, text)
        index = _File(MEDIA_TYPES["html"], page.encode(), lasting=False)
        self._files = dict.fromkeys(PAGES, index)
        for name, content in sources.items():
            media_type = MEDIA_TYPES[name.rpartition(".")[2]]
            self._files[folder + name] = _File(media_type, content, lasting=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        if self._ohif and path not in self._files and await self._ohif.beside(scope, receive, send):
            return
        response = self._respond(scope["method"], path, Headers(scope=scope))
        await response(scope, receive, send)

    def _respond(self, method: str, path: str, headers: Headers) -> Response:
        file = self._files.get(path)
        if file is None:
            raise Refused(NOT_FOUND, "There is nothing here; the study browser begins at /.")
        if method not in ("GET", "HEAD"):
            detail = f"{method} is not a method of this resource; it has GET, HEAD."
            return problem(Refused(METHOD_NOT_ALLOWED, detail), [("Allow", "GET, HEAD")])
        return file.response(headers)


def dictionary() -> bytes:
    """By tag: VR, keyword and name of every attribute of the standard (PS3.6), as JSON."""
    listed = {
        f"{tag:08X}": [vr, keyword, name]
        for tag, (vr, _, name, _, keyword) in DicomDictionary.items()
        if keyword
    }
    return orjson.dumps(listed)


@cache
def _files_once() -> tuple[str, str, Mapping[str, bytes]]:
    """The folder that the files are served from, the page, and the files as they travel."""
    sources = {name: file.read_bytes() for name, file in _walk(files("dicomweb") / "ui")}
    sources["dictionary.json"] = dictionary()
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + sources[name])
    page = sources.pop("index.html").decode()
    return f"{FILES}{digest.hexdigest()[:16]}/", page, _together(sources)


def _together(sources: dict[str, bytes]) -> dict[str, bytes]:
    """The files as they travel."""
    scripts = [name for name in sources if name.endswith(".js") and name != ALONE]
    modules = {name.removesuffix(".js"): sources[name].decode() for name in scripts}
    others = {name: content for name, content in sources.items() if name not in scripts}
    styles = b"".join(others.pop(name) for name in FIRST_STYLES)
    made = {f"{name}.js": text.encode() for name, text in joined(modules).items()}
    return {**others, **made, "style/first.css": styles}


def _walk(folder: Traversable, below: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{below}{entry.name}/")
        elif entry.name.rpartition(".")[2] in MEDIA_TYPES:
            yield below + entry.name, entry
