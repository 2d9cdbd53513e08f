"""What each kind of transaction takes and how it can end: parameters, request types, statuses.

Read by the capabilities (WADL and OpenAPI) and by the conformance statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dicomweb.web.negotiate import DICOM, DICOM_JSON, DICOM_XML
from dicomweb.web.routing import Transaction
from schemas.attributes import ATTRIBUTES, Level, Match


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    meaning: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})
    """As JSON Schema has it."""
    clause: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """What transactions of one kind have in common."""

    statuses: tuple[int, ...]
    """Beside those that any request can end with."""
    parameters: tuple[Parameter, ...] = ()
    takes: tuple[str, ...] = ()
    """Media types of the request's payload."""
    clause: str = ""


_NUMBER = {"type": "integer", "minimum": 0}
_FLAG = {"type": "string", "enum": ["true", "false"]}
_COMMON = (
    Parameter("accept", "Media types, looked at before the Accept header.", clause="8.3.3.1"),
    Parameter("charset", "A character set for texts.", clause="8.3.3.2"),
)
_RETRIEVE = (
    _COMMON[0],
    Parameter("charset", "Passed over: all text that is retrieved is UTF-8.", clause="8.3.3.2"),
)
_SEARCH = (
    Parameter("limit", "How many results at most.", _NUMBER, "8.3.4.4"),
    Parameter("offset", "How many results to leave out.", _NUMBER, "8.3.4.4"),
    Parameter("includefield", "Attributes to return too, or all.", clause="8.3.4.3"),
    Parameter("fuzzymatching", "Names match by their sound.", _FLAG, "8.3.4.2"),
    Parameter("emptyvaluematching", "Two quotation marks match what is empty.", _FLAG, "8.3.4.5"),
    Parameter("multiplevaluematching", "All of several values have to match.", _FLAG, "8.3.4.6"),
    Parameter("orderby", "Attributes to sort by, each with a minus to descend.", clause="ours"),
)
_RENDERED = (
    Parameter("annotation", "What to burn in: patient, technique.", clause="8.3.5.1.1"),
    Parameter(
        "quality",
        "Of lossy pictures.",
        {"type": "integer", "minimum": 1, "maximum": 100},
        "8.3.5.1.2",
    ),
    Parameter("viewport", "Width, height and the region of the picture.", clause="8.3.5.1.3"),
    Parameter("window", "Center, width and function.", clause="8.3.5.1.4"),
    Parameter("iccprofile", "The colour space to convert to.", clause="8.3.5.1.5"),
)
_UIDS = tuple(
    Parameter(name, f"The {what}.", clause="9.4.2.2", required=True)
    for name, what in (("studyUID", "study"), ("seriesUID", "series"), ("objectUID", "instance"))
)
_WADO = (
    Parameter("requestType", "WADO.", {"type": "string", "enum": ["WADO"]}, "9.4.2.1", True),
    *_UIDS,
    Parameter("contentType", "Media types, the first that can be given.", clause="9.1.2.2.1"),
    Parameter("transferSyntax", "The transfer syntax of a file.", clause="9.4.2.4"),
    Parameter("anonymize", "Refused: this server does not de-identify.", clause="9.4.2.3"),
    Parameter("frameNumber", "Of several frames, which.", clause="9.5.2.1"),
    Parameter("rows", "The most rows of the picture.", clause="9.5.1.2.4"),
    Parameter("columns", "The most columns of the picture.", clause="9.5.1.2.4"),
    Parameter("region", "Left, top, right and bottom, each from 0 to 1.", clause="9.5.1.2.5"),
    Parameter("windowCenter", "Of the window.", clause="9.5.1.2.6"),
    Parameter("windowWidth", "Of the window.", clause="9.5.1.2.6"),
    Parameter("imageAnnotation", "What to burn in.", clause="9.5.1.2.2"),
    Parameter("imageQuality", "Of lossy pictures.", clause="9.5.1.2.3"),
)
_PAYLOADS = (
    "multipart/related",
    DICOM,
    DICOM_JSON,
    DICOM_XML,
)

ANYWHERE = (400, 404, 405, 406)
"""Statuses that any request can end with."""

KINDS: Mapping[str, Kind] = {
    "Search": Kind((200, 204, 413), (*_COMMON[:1], *_SEARCH), clause="PS3.18 10.6.3.1"),
    "Store": Kind(
        (200, 202, 408, 409, 410, 412, 413, 415, 500, 507),
        _COMMON[:1],
        _PAYLOADS,
        "PS3.18 10.5.3.1",
    ),
    "Retrieve": Kind((200, 206, 304, 410, 412, 416, 500, 503), _RETRIEVE, clause="PS3.18 10.4.3.1"),
    "Render": Kind(
        (200, 206, 304, 410, 412, 413, 416, 500, 501, 503),
        (*_COMMON, *_RENDERED),
        clause="PS3.18 10.4.3.1",
    ),
    "Delete": Kind((204, 410, 412), clause="ours"),
    "Capabilities": Kind((200, 204, 304, 412), _COMMON[:1], clause="PS3.18 8.9.3.1"),
    "WADO-URI": Kind(
        (200, 206, 304, 410, 412, 413, 416, 500, 501, 503), _WADO, clause="PS3.18 9.4.3.1"
    ),
}
"""By the name that `kind_of` finds."""

MEANINGS: Mapping[int, str] = {
    200: "It is done, and here is what came of it; of Store, everything was stored.",
    202: "Some instances were stored; the answer says what is wrong with the others.",
    204: "It is done, and there is nothing to be said: of a search, nothing matches.",
    206: "What could be given of several, or the range of bytes that was asked for.",
    304: "The client has it already.",
    400: "The request is malformed, or a parameter has no legal value.",
    404: "There is no such resource.",
    405: "The resource does not have that method; Allow lists those it has.",
    406: "None of the acceptable media types can be given; the answer lists those that can.",
    408: "The request stopped coming.",
    409: "Nothing was stored; the answer gives the reason for each instance.",
    410: "It was deleted.",
    412: "It is not in the state that the request demands.",
    413: "The request, or what it asks for, is larger than this server takes or gives.",
    415: "The media type of the request is not supported.",
    416: "None of the ranges of bytes is in it.",
    500: "An error of this server's own, or stored pixels that cannot be decoded.",
    501: "This server cannot do that.",
    503: "Too much is being done at once; ask again.",
    507: "The archive has no room.",
}


def kind_of(transaction: Transaction) -> str:
    """The name of its row in `KINDS`."""
    first = transaction.name.partition(" ")[0]
    if "WADO-URI" in transaction.name:
        return "WADO-URI"
    if "capabilities" in transaction.name:
        return "Capabilities"
    if "rendered" in transaction.name or "thumbnail" in transaction.name:
        return "Render"
    return first


def statuses(transaction: Transaction) -> list[int]:
    return sorted({*KINDS[kind_of(transaction)].statuses, *ANYWHERE})


def variables(path: str) -> list[str]:
    """Names of what the path leaves open."""
    return re.findall(r"{(\w+)", path)


def parameters(transaction: Transaction) -> Iterable[Parameter]:
    """Those of its kind; of a search, the attributes it matches too (PS3.18 Table 10.6.1-5)."""
    kind = kind_of(transaction)
    yield from KINDS[kind].parameters
    if kind == "Search":
        levels = searched(transaction)
        named = [a for a in ATTRIBUTES if a.level in levels and a.match is not Match.NONE]
        for attribute in named:
            meaning = f"{attribute.match.value[:1].upper()}{attribute.match.value[1:]}."
            yield Parameter(attribute.keyword, meaning, clause="8.3.4.1")


def searched(transaction: Transaction) -> set[Level]:
    """Levels whose attributes a search matches: those that its path does not pin down."""
    last = transaction.path.rpartition("/")[2]
    level = {
        "patients": Level.PATIENT,
        "studies": Level.STUDY,
        "series": Level.SERIES,
        "instances": Level.INSTANCE,
    }[last]
    pinned = set(variables(transaction.path))
    between = {of for of in Level if Level.STUDY <= of < level and of.name.lower() not in pinned}
    return {Level.PATIENT, level, *between}


def identifier(transaction: Transaction) -> str:
    """A name of its own, such as getStudiesStudySeries."""
    steps = re.findall(r"\w+", transaction.path.replace(":path}", "}"))
    return transaction.method.lower() + "".join(step.capitalize() for step in steps or ["root"])


def media_types(transaction: Transaction) -> list[str]:
    """Those that it answers with which have a name of their own."""
    return [named for named in transaction.media_types if re.match(r"[\w-]+/[\w.+-]+", named)]
