"""Request: what a handler is given: the archive, the request's words, the URL we are known by."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from dicomweb.engine import answers
from dicomweb.engine.archive import Archive
from dicomweb.engine.encodings import Encoding, refusal
from dicomweb.engine.instances import Instance
from dicomweb.engine.recent import Recent
from dicomweb.web import params
from dicomweb.web.conditions import Validators, Verdict, range_applies, verdict
from dicomweb.web.contents import Content
from dicomweb.web.forwarded import Origin, Trusted, origin
from dicomweb.web.negotiate import Offer, negotiate, parse_accept
from dicomweb.web.ranges import spans
from dicomweb.web.responses import Header, Response, Still, problem
from schemas.attributes import Level
from schemas.reasons import NOT_ACCEPTABLE, PRECONDITION, UNSATISFIABLE, Refused

REASONS_MAX = 5
"""Sentences that say why something cannot be had; a study may have more."""

PREFIX = "/dicom-web"
"""Where the service root is, below whatever the application is mounted at."""

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
    def fields(self) -> dict[str, str]:
        """The headers by name in lower case; of one that was sent several times, one list."""
        found: dict[str, str] = {}
        for raw_name, raw_value in self.scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    @cached_property
    def parameters(self) -> params.Parameters:
        return params.parameters(self.scope["query_string"])

    @property
    def strict(self) -> bool:
        return self.archive.settings.strict

    @cached_property
    def base_url(self) -> str:
        """The service root as this client can reach it (PS3.18 8.2), without a slash at its end."""
        settings = self.archive.settings
        if settings.public_url:
            return settings.public_url.rstrip("/")
        return _base_url(self.scope, self.fields, _trusted(settings.trusted_proxies))

    @property
    def accept(self) -> str | None:
        """The Accept header; of several, one list."""
        return self.fields.get("accept")

    @property
    def takes_anything(self) -> bool:
        """Whether the client names nothing that it would rather have."""
        return not self._accept_parameters and (self.accept or "*/*").strip() == "*/*"

    def url_of(self, instance: Instance) -> str:
        """The URL of an instance as this client can reach it."""
        series = self.url_in(instance.StudyInstanceUID, instance.SeriesInstanceUID)
        return series + instance.SOPInstanceUID

    def url_in(self, StudyInstanceUID: str, SeriesInstanceUID: str) -> str:
        """What the URLs of instances of a series begin with; the SOP Instance UID is the rest."""
        uids = {
            "StudyInstanceUID": StudyInstanceUID,
            "SeriesInstanceUID": SeriesInstanceUID,
            "SOPInstanceUID": "",
        }
        return self.base_url + answers.resource(Level.INSTANCE, uids)

    def negotiate(
        self, *offers: Offer, strict: bool | None = None, encodings: Iterable[Encoding] = ()
    ) -> Offer:
        """The offer this client prefers; Refused (406) when it accepts none (PS3.18 8.7.8).

        `encodings` are of what is stored: why it cannot be had as asked follows from them.
        """
        asked = self._accept_parameters
        strict = self.strict if strict is None else strict
        try:
            return negotiate(self.accept, asked, offers, strict=strict)
        except Refused as refused:
            if refused.reason is not NOT_ACCEPTABLE:
                raise
            why = self._why_not(asked, encodings)
            raise Refused(NOT_ACCEPTABLE, "  ".join([*why, refused.detail])) from None

    def negotiate_once(
        self,
        key: Hashable,
        offers: Callable[[], Sequence[Offer]],
        encodings: Iterable[Encoding],
        strict: bool | None = None,
    ) -> Offer:
        """As `negotiate`, of offers that `key` stands for: what a client was given for such things
        before it is given again, since viewers ask for the frames of a series one by one.
        """
        strict = self.strict if strict is None else strict
        known = (key, self.accept, self._accept_parameters, strict)
        offer = _given_before.get(known)
        if offer is None:
            offer = self.negotiate(*offers(), strict=strict, encodings=encodings)
            _given_before.put(known, offer)
        return offer

    @cached_property
    def _accept_parameters(self) -> tuple[str, ...]:
        return tuple(value for name, value in self.parameters if name == "accept")

    def _why_not(self, asked: Iterable[str], encodings: Iterable[Encoding]) -> Iterable[str]:
        """A sentence for each transfer syntax that is asked for by name, and cannot be had."""
        ranges = [found for text in (*asked, self.accept or "") for found in parse_accept(text)]
        named = [uid for found in ranges for uid in found.syntaxes]
        told = (refusal(encoding, uid) for encoding in encodings for uid in named)
        return islice(dict.fromkeys(sentence for sentence in told if sentence), REASONS_MAX)

    def unchanged(self, validators: Validators, still: Still | None = None) -> Response | None:
        """304 where the client has this already (RFC 9110 13); Refused (412) where it demands
        something else.
        """
        match verdict(self.fields, validators):
            case Verdict.NOT_MODIFIED:
                return Response(304, [*validators.headers(), VARY], still=still)
            case Verdict.FAILED:
                raise Refused(PRECONDITION)
        return None

    def until_a_commit(self) -> Still | None:
        """Whether nothing was committed since this was called: what is made of the index alone is
        then still the same.
        """
        index = self.archive.index
        before = index.version()
        return None if before is None else lambda: index.version() == before

    def give(
        self, content: Content, validators: Validators, still: Still | None = None
    ) -> Response:
        """All of `content`, or the ranges of it that are asked for (RFC 9110 14.2, NEG-74)."""
        response = self._given(content, validators)
        if response.status == 200:
            response.still = still
        return response

    def _given(self, content: Content, validators: Validators) -> Response:
        headers = [*validators.headers(), VARY]
        length = content.length
        if length is None:
            return content.whole(headers)
        headers.append(("Accept-Ranges", "bytes"))
        asked = self.fields.get("range")
        if asked is None or self.scope["method"] != "GET":
            return content.whole(headers)
        found = spans(asked, length)
        if found is None or not range_applies(self.fields, validators):
            return content.whole(headers)
        if not found:
            there = ("Content-Range", f"bytes */{length}")
            return problem(Refused(UNSATISFIABLE), [there], accept=self.accept)
        return content.some(found, headers)


NEGOTIATIONS_REMEMBERED = 1_024
_given_before: Recent[Hashable, Offer] = Recent(NEGOTIATIONS_REMEMBERED)

VARY: Header = ("Vary", "Accept")


@lru_cache
def _trusted(names: str) -> Trusted:
    return Trusted.parse(names)


def _base_url(scope: Scope, fields: Mapping[str, str], trusted: Trusted) -> str:
    """The root that Starlette keeps of an application that is mounted is the one of the whole."""
    client = scope.get("client")
    said = Origin()
    if trusted.everybody or trusted.networks:
        said = origin(fields, client[0] if client else None, trusted)
    scheme = said.scheme or scope["scheme"]
    root: str = said.prefix + scope.get("app_root_path", scope.get("root_path", ""))
    authority = said.authority or _authority(scope, fields, scheme)
    return f"{scheme}://{authority}{root}{PREFIX}"


def _authority(scope: Scope, fields: Mapping[str, str], scheme: str) -> str:
    """Host and port.

    The Python dicomweb-client drops the port from its Host header.  Unless a proxy stands between,
    a Host without a port on a socket with an unusual one means that port.
    """
    host, port = scope.get("server") or ("localhost", None)
    named = fields.get("host")
    if named is None:
        return host if port is None else f"{host}:{port}"
    bare = not named.rpartition("]")[2].count(":")
    direct = not any(name in fields for name in ("forwarded", "x-forwarded-for", "via"))
    if bare and direct and port not in (None, _DEFAULT_PORTS.get(scheme)):
        return f"{named}:{port}"
    return named
