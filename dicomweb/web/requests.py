"""Request: what a handler is given: the archive, the request's words, the URL we are known by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from dicomweb.engine import answers
from dicomweb.engine.archive import Archive
from dicomweb.engine.instances import Instance
from dicomweb.web import params
from dicomweb.web.negotiate import Offer, negotiate
from schemas.attributes import Level

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Request:
    archive: Archive
    scope: Scope
    receive: Receive
    path: dict[str, str]
    """The path's variables, as the route names them."""

    @cached_property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)

    @cached_property
    def parameters(self) -> params.Parameters:
        return params.parameters(self.scope["query_string"])

    @property
    def strict(self) -> bool:
        return self.archive.settings.strict

    @cached_property
    def base_url(self) -> str:
        """The service root as this client can reach it (PS3.18 8.2), without a slash at its end."""
        return self.archive.settings.public_url.rstrip("/") or _base_url(self.scope, self.headers)

    def url_of(self, instance: Instance) -> str:
        """The URL of an instance as this client can reach it."""
        uids = {
            keyword: getattr(instance, keyword)
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        }
        return self.base_url + answers.resource(Level.INSTANCE, uids)

    def negotiate(self, *offers: Offer, strict: bool | None = None) -> Offer:
        """The offer this client prefers; Refused (406) when it accepts none (PS3.18 8.7.8)."""
        asked = [value for name, value in self.parameters if name == "accept"]
        accept = ", ".join(self.headers.getlist("accept")) or None
        return negotiate(accept, asked, offers, strict=self.strict if strict is None else strict)


def _base_url(scope: Scope, headers: Headers) -> str:
    scheme = scope["scheme"]
    root: str = scope.get("root_path", "")
    return f"{scheme}://{_authority(scope, headers, scheme)}{root}"


def _authority(scope: Scope, headers: Headers, scheme: str) -> str:
    """Host and port.

    The Python dicomweb-client drops the port from its Host header.  Unless a proxy stands between,
    a Host without a port on a socket with an unusual one means that port.
    """
    host, port = scope.get("server") or ("localhost", None)
    named = headers.get("host")
    if named is None:
        return host if port is None else f"{host}:{port}"
    bare = not named.rpartition("]")[2].count(":")
    direct = not any(name in headers for name in ("forwarded", "x-forwarded-for", "via"))
    if bare and direct and port not in (None, _DEFAULT_PORTS.get(scheme)):
        return f"{named}:{port}"
    return named
