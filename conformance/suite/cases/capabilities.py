"""Retrieve Capabilities, and what browsers ask before they ask (PS3.18 8.9, Annex H)."""

from __future__ import annotations

from functools import partial
from xml.etree import ElementTree

from conformance.suite.answer import Answer
from conformance.suite.case import Case, Http, Kind, Step, Wrong
from conformance.suite.checks import WADL, header, holds, media_type, no_body

_NAMESPACE = "{http://wadl.dev.java.net/2009/02}"


def _application(answer: Answer) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(answer.body)  # noqa: S314 - of the server the user named
    except ElementTree.ParseError as error:
        raise Wrong(f"The WADL cannot be read: {error}.") from None
    if root.tag != _NAMESPACE + "application":
        raise Wrong(f"The root element is {root.tag}.")
    return root


def _paths(answer: Answer) -> set[tuple[str, str]]:
    """Method and path of everything that the description names."""
    found: set[tuple[str, str]] = set()

    def walk(element: ElementTree.Element, path: str) -> None:
        for child in element:
            if child.tag == _NAMESPACE + "resource":
                walk(child, f"{path}/{child.get('path', '').strip('/')}")
            elif child.tag == _NAMESPACE + "method":
                found.add((child.get("name", ""), path.rstrip("/") or "/"))

    for resources in _application(answer).findall(_NAMESPACE + "resources"):
        walk(resources, "")
    return found


def _names(answer: Answer, method: str, depth: int) -> bool:
    return any(
        m == method and path.count("/") == depth and path.startswith("/studies")
        for m, path in _paths(answer)
    )


_DESCRIBE = Http("OPTIONS /", WADL)

CASES = (
    Case(
        id="capabilities",
        says="The service root describes itself in WADL.",
        item="CAP-01, CAP-04",
        clause="PS3.18 8.9",
        request=_DESCRIBE,
        checks=(
            media_type(WADL),
            holds("it is an application", lambda a: _application(a) is not None),
        ),
    ),
    Case(
        id="capabilities-json",
        says="The service root describes itself in JSON.",
        item="CAP-02",
        clause="PS3.18 8.9.4",
        kind=Kind.MAY,
        request=Http("OPTIONS /", "application/json"),
        checks=(media_type("application/json"), holds("it is an object", lambda a: a.json)),
        tolerated=(406,),
    ),
    Case(
        id="capabilities-not-acceptable",
        says="The description cannot be given as a picture.",
        item="CAP-02",
        clause="PS3.18 8.9.1.3",
        needs=("capabilities",),
        request=Http("OPTIONS /", "image/png"),
        status=406,
    ),
    Case(
        id="capabilities-base",
        says="There is one resources element, its base the service root.",
        item="CAP-04",
        clause="PS3.18 Annex H",
        needs=("capabilities",),
        request=_DESCRIBE,
        checks=(
            holds(
                "base is the URL that was asked",
                lambda a: (
                    [
                        str(r.get("base")).rstrip("/")
                        for r in _application(a).findall(_NAMESPACE + "resources")
                    ]
                    == [a.session.url]
                ),
            ),
        ),
    ),
    *(
        Case(
            id=f"capabilities-{name}",
            says=f"{what} is described.",
            item="CAP-04",
            clause="PS3.18 Table H-1",
            needs=("capabilities",),
            request=_DESCRIBE,
            checks=(holds(f"{method} is there", partial(_names, method=method, depth=depth)),),
        )
        for name, what, method, depth in (
            ("search", "Search for studies", "GET", 1),
            ("store", "Store", "POST", 1),
            ("retrieve", "Retrieve of a study", "GET", 2),
            ("metadata", "Metadata of a study", "GET", 3),
            ("instance", "Retrieve of an instance", "GET", 6),
        )
    ),
    Case(
        id="capabilities-true",
        says="A method that is described works.",
        item="CAP-04",
        clause="PS3.18 Annex H",
        needs=("capabilities-search",),
        request=_DESCRIBE,
        then=(Step("GET /studies?StudyInstanceUID={fresh}", 204),),
    ),
    Case(
        id="capabilities-etag",
        says="A description with an ETag need not be sent again.",
        item="CAP-03",
        clause="PS3.18 8.9.3.1",
        kind=Kind.MAY,
        needs=("capabilities",),
        request=_DESCRIBE,
        checks=(header("etag"),),
        then=(
            Step(
                lambda s: Http("OPTIONS /", WADL, {"If-None-Match": s.answer.headers["etag"]}),
                304,
                (no_body,),
            ),
        ),
    ),
    Case(
        id="options-of-resource",
        says="OPTIONS of a resource says which methods it has.",
        item="CAP-06",
        clause="PS3.18 8.9.1.1",
        kind=Kind.SHOULD,
        request=Http("OPTIONS /studies"),
        status=(200, 204),
        checks=(header("allow", "GET"),),
    ),
    Case(
        id="preflight",
        says="A browser's preflight is no Retrieve Capabilities, and is answered.",
        item="CAP-07",
        clause="WHATWG Fetch",
        kind=Kind.MAY,
        request=Http(
            "OPTIONS /studies",
            None,
            {"Origin": "https://viewer.example", "Access-Control-Request-Method": "GET"},
        ),
        status=(200, 204),
    ),
)
