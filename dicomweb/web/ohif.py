"""OHIF: a built viewer (npm `@ohif/app`) served from a folder, told where the archive is.

A published build asks for its files at the root of the server, one made for a path below that path:
its files are found at both.  Its study list and its studies have addresses below /ohif/.
"""

from __future__ import annotations

from pathlib import Path

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

ROOT = "/ohif"
INDEX, CONFIG = "index.html", "app-config.js"

_POLICY = "; ".join(
    (
        "default-src 'self'",
        # The build has inline scripts, and its decoders are WebAssembly in workers.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "frame-src 'self' blob:",
        "object-src 'self' blob:",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # Without both, browsers give it no memory that its workers share.
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
)


class Ohif:
    """An ASGI application of one folder; a path that is no file of it is a view of the viewer."""

    def __init__(self, folder: Path, prefix: str) -> None:
        if not (folder / INDEX).is_file():
            raise NotADirectoryError(f"The folder of OHIF, {folder}, holds no {INDEX}")
        self._files = StaticFiles(directory=folder)
        self._config = configuration(prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(scope, below=True)
        assert response is not None, "below its root there is always the viewer"
        await response(scope, receive, _with_headers(send))

    async def beside(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answers for a file that the build asks for at the root of the server, if it has it."""
        response = await self.respond(scope, below=False)
        if response is None:
            return False
        await response(scope, receive, _with_headers(send))
        return True

    async def respond(self, scope: Scope, *, below: bool) -> Response | None:
        """The answer; None where there is no such file and the path is no view."""
        if scope["method"] not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"Allow": "GET, HEAD"}) if below else None
        path = scope["path"].removeprefix(ROOT).lstrip("/")
        if path == CONFIG:
            return Response(self._config, media_type="text/javascript")
        found = await self._file(path, scope) if path else None
        if found is None and below:
            found = await self._file(INDEX, scope)
        return found

    async def _file(self, path: str, scope: Scope) -> Response | None:
        try:
            found = await self._files.get_response(path, scope)
        except HTTPException:
            return None
        # Its bundles have names of their content; the page that names them is asked for again.
        lasting = ".bundle." in path or path.endswith((".wasm", ".woff2"))
        found.headers["Cache-Control"] = "max-age=31536000, immutable" if lasting else "no-cache"
        return found


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = Headers(raw=message["headers"])
            added = [(name, value) for name, value in _HEADERS if name.decode() not in known]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending


_LENIENCY = """
// OHIF 3.12 shows no list at all when one study has an empty ModalitiesInStudy, which DICOM JSON
// writes without a Value (PS3.18 F.2.5).
{
  const response = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "response");
  Object.defineProperty(XMLHttpRequest.prototype, "response", {
    ...response,
    get() {
      const value = response.get.call(this);
      for (const study of Array.isArray(value) ? value : []) {
        if (study?.["00080061"]) study["00080061"].Value ??= [];
      }
      return value;
    },
  });
}
"""


def configuration(prefix: str) -> str:
    """What OHIF reads as app-config.js: this archive as its one source, whatever host it is on."""
    source = {
        "friendlyName": "This archive",
        "name": "archive",
        "qidoSupportsIncludeField": True,
        "supportsFuzzyMatching": True,
        "supportsWildcard": True,
        "imageRendering": "wadors",
        "thumbnailRendering": "wadors",
        "enableStudyLazyLoad": True,
        "staticWado": False,
        "singlepart": "bulkdata,video,pdf",
        "bulkDataURI": {"enabled": True},
        "omitQuotationForMultipartRequest": True,
        "dicomUploadEnabled": True,
    }
    config = {
        "routerBasename": ROOT,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": True,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "groupEnabledModesFirst": True,
        "maxNumRequests": {"interaction": 100, "thumbnail": 20, "prefetch": 25},
        "investigationalUseDialog": {"option": "never"},
        "defaultDataSourceName": "dicomweb",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "dicomweb",
                "configuration": source,
            }
        ],
    }
    return (
        f"window.config = {orjson.dumps(config).decode()};\n"
        "{\n"
        "  const source = window.config.dataSources[0].configuration;\n"
        f'  source.qidoRoot = source.wadoRoot = window.location.origin + "{prefix}";\n'
        '  source.wadoUriRoot = window.location.origin + "/wado";\n'
        "}\n" + _LENIENCY
    )
