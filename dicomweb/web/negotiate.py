"""Media types, and content negotiation: Accept (header and ?accept=) -> one of the offers, or 406.

Pure: what can be offered is the caller's knowledge.  Parsing is apart from matching, so that a
study's instances can be negotiated one by one (PS3.18 8.7.8.1) at the cost of the matching alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from schemas.reasons import BAD_REQUEST, NOT_ACCEPTABLE, Refused
from schemas.syntaxes import BY_UID, EXPLICIT_VR_LE, NATIVE

ACCEPT_CHARACTERS_MAX = 8192
RANGES_MAX = 100
HEADERS_CACHED_MAX = 256

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"

_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"?'
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_ENTRY = re.compile(rf'(?:[^,"]|{_QUOTED})+', re.DOTALL)
_NAME = re.compile(rf"\s*({_WORD})\s*/\s*({_WORD})\s*(?=;|\Z)")
_PARAMETER = re.compile(rf';\s*([^\s=;"]+)\s*=\s*({_QUOTED}|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_QUALITY = re.compile(r"0?\.[0-9]{1,3}|0\.?|1(?:\.0{0,3})?")
"""RFC 9110 12.4.2; the JDK's own Accept header leaves out the zero before the point."""

_ALIASES = {("image", "x-dicom-rle"): "dicom-rle", ("image", "x-jls"): "jls"}
"""Names of former editions for the registered ones (PS3.18 8.7.3.3.2 note 3)."""

_P = "1.2.840.10008.1.2"
_COMPRESSED = (".4.70", ".5", ".4.80", ".4.90", ".4.92", ".4.201", ".4.110")
_VIDEO = (".4.101", ".4.102", ".4.107")
_DEFAULTS = {DICOM: EXPLICIT_VR_LE.uid, NATIVE: EXPLICIT_VR_LE.uid} | {
    BY_UID[_P + suffix].media_type.lower(): _P + suffix for suffix in (*_COMPRESSED, *_VIDEO)
}
"""The transfer syntax that a media type without the parameter means (PS3.18 Table 8.7.3-5)."""

_DICOM_TYPES = frozenset({DICOM, DICOM_JSON, DICOM_XML, NATIVE})
_RENDERED_TYPES = frozenset(
    {
        "application/pdf",
        "image/gif",
        "image/jph",
        "image/png",
        "text/html",
        "text/plain",
        "text/rtf",
        "text/xml",
    }
)
"""Rendered and nothing else; image/jpeg, image/jp2, image/jxl and videos are bulk data too."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """One media type; names in lower case, values of parameters as sent, without their quotes."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Type and subtype, such as application/dicom."""
        return f"{self.type}/{self.subtype}"

    def values(self, parameter: str) -> tuple[str, ...]:
        """Every value of the parameter of this (lower case) name, in the order sent."""
        return tuple(value for name, value in self.parameters if name == parameter)

    def value(self, parameter: str) -> str | None:
        """The first value of the parameter of this (lower case) name; None if it is absent."""
        return next(iter(self.values(parameter)), None)


@dataclass(frozen=True, slots=True)
class Range:
    """One entry of an Accept list: what is wanted, and how much."""

    type: str
    """Of the part when it is multipart; "*" is any."""
    subtype: str
    multipart: bool | None
    """Whether the answer has to be multipart/related; None: either will do."""
    syntaxes: tuple[str, ...]
    """The values of transfer-syntax as sent, "*" among them; none: the default of the type."""
    q: float

    @property
    def name(self) -> str:
        """Type and subtype, such as application/dicom."""
        return f"{self.type}/{self.subtype}"

    @property
    def is_wild(self) -> bool:
        return "*" in (self.type, self.subtype)


@dataclass(frozen=True, slots=True)
class Offer:
    """One representation that the server can make of a resource."""

    media_type: str
    """Of the part when it is multipart; as registered, such as video/H265."""
    multipart: bool = False
    """Whether it goes out as multipart/related; type="media_type"."""
    transfer_syntax: str | None = None
    """None: the notion does not apply, as for JSON and for rendered images."""
    stored: bool = False
    """As it lies in the archive, so that nothing has to be transcoded."""
    only_named: bool = False
    """Only for who asks for its transfer syntax by name, as what loses something is."""

    @property
    def content_type(self) -> str:
        """The Content-Type of the part, or of the answer if it is single (PS3.18 8.7.9)."""
        if self.transfer_syntax is None:
            return self.media_type
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax}"

    def __str__(self) -> str:
        """The offer as an Accept header would ask for it."""
        if not self.multipart:
            return self.content_type
        syntax = f"; transfer-syntax={self.transfer_syntax}" if self.transfer_syntax else ""
        return f'multipart/related; type="{self.media_type}"{syntax}'


@lru_cache(maxsize=HEADERS_CACHED_MAX)
def parse_media_type(text: str) -> MediaType | None:
    """The media type in `text`, a Content-Type or an entry of Accept; None if it is not one.

    Values may be quoted or not, whatever they hold; what a former edition called otherwise gets
    its registered name.  A parameter without a value is left out.
    """
    if len(text) > ACCEPT_CHARACTERS_MAX or not (name := _NAME.match(text)):
        return None
    kind, subtype = name[1].lower(), name[2].lower()
    parameters = tuple(
        (found[1].lower(), _unquoted(found[2].strip()))
        for found in _PARAMETER.finditer(text, name.end())
    )
    return MediaType(kind, _ALIASES.get((kind, subtype), subtype), parameters)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return _ESCAPED.sub(r"\1", value[1:].removesuffix('"'))


@lru_cache(maxsize=HEADERS_CACHED_MAX)
def parse_accept(text: str) -> tuple[Range, ...]:
    """The media ranges of an Accept header or `accept` parameter, in the order sent (PS3.18 8.7.5).

    Entries that are no media range, or whose q is no quality, are left out (8.7.7).  Parameters
    that say nothing about the choice are not looked at.  Refused if the list is out of bounds.
    """
    if len(text) > ACCEPT_CHARACTERS_MAX:
        raise Refused(
            BAD_REQUEST,
            f"The list of media types is longer than {ACCEPT_CHARACTERS_MAX} characters.",
        )
    entries = [entry for entry in _ENTRY.findall(text) if entry.strip()]
    if len(entries) > RANGES_MAX:
        raise Refused(BAD_REQUEST, f"The list holds more than {RANGES_MAX} media types.")
    return tuple(found for entry in entries if (found := _range(entry)) is not None)


def parse_quality(text: str) -> float | None:
    """The quality in `text`, 0 to 1; None if it is none (RFC 9110 12.4.2)."""
    return float(text) if _QUALITY.fullmatch(text) else None


def _range(entry: str) -> Range | None:
    media_type = parse_media_type(_spelled_out(entry))
    quality = parse_quality((media_type and media_type.value("q")) or "1")
    if media_type is None or quality is None:
        return None
    inner, multipart = _inside(media_type)
    if inner is None or (inner.type == "*" and inner.subtype != "*"):
        return None
    syntaxes = media_type.values("transfer-syntax") or inner.values("transfer-syntax")
    named = tuple(uid.strip() for value in syntaxes for uid in value.split(",") if uid.strip())
    return Range(inner.type, inner.subtype, multipart, named, quality)


def _spelled_out(entry: str) -> str:
    """The JDK's own Accept header has a lone "*" for "*/*"."""
    first, semicolon, rest = entry.partition(";")
    return f"*/*{semicolon}{rest}" if first.strip() == "*" else entry


def _inside(media_type: MediaType) -> tuple[MediaType | None, bool | None]:
    """What the parts have to be, and whether there have to be parts.

    multipart/related without a type is anything in parts: the text calls it invalid (PS3.18 8.7.1),
    RFC 9110 a wider range.
    """
    if media_type.type != "multipart":
        return media_type, None if media_type.type == "*" else False
    if media_type.subtype not in ("related", "*"):
        return None, True
    wanted = media_type.value("type")
    if not wanted:
        return MediaType("*", "*", media_type.parameters), True
    return parse_media_type(wanted), True


def negotiate(
    accept: str | None, accept_parameter: Sequence[str], offers: Sequence[Offer], *, strict: bool
) -> Offer:
    """The offer that answers this Accept header and these `accept` parameters (PS3.18 8.7.8.1).

    `offers` stand in the server's order of preference, the default of the resource first.  The
    parameter is looked at before the header, and the letter of the standard before any leniency,
    so that being lenient only changes what would have been 406.  Refused with NOT_ACCEPTABLE when
    nothing fits, with BAD_REQUEST for a wildcard in the parameter (8.3.3.1).  `strict` also refuses
    a request without the header, which WADO-URI and requests with a payload may do without.
    """
    header = _header_ranges(accept, offers, strict=strict)
    for ranges in (_parameter_ranges(accept_parameter, header, strict=strict), header):
        found = _best(ranges, offers, by_letter=True)
        if found is None and not strict:
            found = _best(ranges, offers, by_letter=False)
        if found is not None:
            return found
    raise Refused(
        NOT_ACCEPTABLE, f"None of the acceptable media types can be given.  {_listed(offers)}"
    )


def _listed(offers: Sequence[Offer]) -> str:
    return f"There is: {', '.join(dict.fromkeys(map(str, offers))) or 'nothing'}."


def _header_ranges(
    accept: str | None, offers: Sequence[Offer], *, strict: bool
) -> tuple[Range, ...]:
    if accept is None or not accept.strip():
        if strict:
            raise Refused(NOT_ACCEPTABLE, f"There is no Accept header.  {_listed(offers)}")
        return parse_accept("*/*")
    return _unmixed(parse_accept(accept)) if strict else parse_accept(accept)


_PLUS_FOR_SPACE = re.compile(r"([;,])\++")


def _parameter_ranges(
    values: Sequence[str], header: tuple[Range, ...], *, strict: bool
) -> tuple[Range, ...]:
    text = ",".join(values)
    if not strict:
        # Forms and URLSearchParams write a space as a plus, which no parameter's name begins with.
        text = _PLUS_FOR_SPACE.sub(r"\1 ", text)
    ranges = parse_accept(text) if text else ()
    if any(found.is_wild for found in ranges):
        raise Refused(
            BAD_REQUEST,
            "The accept parameter may hold neither wildcards nor multipart without a type.",
        )
    if not strict:
        return ranges
    if not all(any(_covers(wide, narrow) for wide in header) for narrow in ranges):
        raise Refused(BAD_REQUEST, "The accept parameter asks for what the Accept header does not.")
    return _unmixed(ranges)


def _covers(wide: Range, narrow: Range) -> bool:
    return (
        wide.q > 0
        and wide.multipart in (None, narrow.multipart)
        and wide.type in ("*", narrow.type)
        and wide.subtype in ("*", narrow.subtype)
    )


def _unmixed(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """By the letter: one transfer syntax a range (PS3.18 8.7.3.5.2), no mix (8.7.5)."""
    names = {found.name for found in ranges if found.q > 0}
    if names & _DICOM_TYPES and names & _RENDERED_TYPES:
        raise Refused(BAD_REQUEST, "The list mixes DICOM and rendered media types.")
    return tuple(found for found in ranges if len(found.syntaxes) <= 1)


def _best(ranges: tuple[Range, ...], offers: Sequence[Offer], *, by_letter: bool) -> Offer | None:
    """The first of the offers that rank highest."""
    best, highest = None, (0.0, False)
    for offer in offers:
        rank = _rank(ranges, offer, by_letter=by_letter)
        if rank > highest:
            best, highest = offer, rank
    return best


def _rank(ranges: tuple[Range, ...], offer: Offer, *, by_letter: bool) -> tuple[float, bool]:
    """The q of the most specific range that matches (PS3.18 8.7.5), then whether it is stored.

    Only a range that is open to everything leaves the choice to the order of the offers.
    """
    closest, rank = 0, (0.0, False)
    for found in ranges:
        level = _specificity(found, offer, by_letter=by_letter)
        if level and (level, found.q) > (closest, rank[0]):
            chosen = found.type != "*" or bool(found.syntaxes)
            closest, rank = level, (found.q, offer.stored and chosen and found.q > 0)
    return rank


def _specificity(found: Range, offer: Offer, *, by_letter: bool) -> int:
    """How closely a range describes an offer; 0: it does not match it."""
    media = _media_level(found, offer, by_letter=by_letter)
    syntax = _syntax_level(found, offer, by_letter=by_letter)
    return media * 5 + syntax if media and syntax else 0


def _media_level(found: Range, offer: Offer, *, by_letter: bool) -> int:
    if found.multipart is not None and found.multipart is not offer.multipart:
        return 0
    if found.type == "*":
        return 1 if found.multipart is None else 2
    kind, _, subtype = offer.media_type.lower().partition("/")
    if found.type == kind and found.subtype in ("*", subtype):
        return 3 if found.subtype == "*" else 4
    json = not by_letter and (found.type, found.subtype) == ("application", "json")
    return 4 if json and offer.media_type == DICOM_JSON else 0


def _syntax_level(found: Range, offer: Offer, *, by_letter: bool) -> int:
    """1: leniently, 2: any will do, 3: the one implied, 4: the one named; 0: no match."""
    if offer.only_named:
        return 4 if offer.transfer_syntax in found.syntaxes else 0
    loosely = 0 if by_letter else 1
    if not found.syntaxes:
        implied = _DEFAULTS.get(offer.media_type.lower(), offer.transfer_syntax)
        if found.type == "*" or offer.transfer_syntax in (None, implied):
            return 3
        return 1 if found.q == 0 else loosely  # a type refused is refused in any syntax
    if offer.transfer_syntax is None:
        return max(loosely, _level_of_none(found)) if _may_have_syntax(offer) else 0
    if offer.transfer_syntax in found.syntaxes:
        return 4
    return 2 if "*" in found.syntaxes else 0


def _level_of_none(found: Range) -> int:
    """Where nothing is encoded, "*" and the default say nothing (PS3.18 8.7.3.5 note)."""
    return 3 if {"*", EXPLICIT_VR_LE.uid} & set(found.syntaxes) else 0


def _may_have_syntax(offer: Offer) -> bool:
    """Not so for rendered pictures and texts: a range with the parameter is invalid (8.7.4)."""
    return offer.media_type.startswith("application/")
