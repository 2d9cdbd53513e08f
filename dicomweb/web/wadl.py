"""The transactions -> WADL, as PS3.18 Annex H has it: a tree of resources with their methods."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from dicomweb.web import described
from dicomweb.web.routing import Transaction

_WADL = "http://wadl.dev.java.net/2009/02"
register_namespace("", _WADL)


def wadl(transactions: Sequence[Transaction], base_url: str) -> bytes:
    """One application element with one resources element, its base the service root."""
    application = Element(f"{{{_WADL}}}application")
    resources = _add(application, "resources", base=f"{base_url}/")
    known: dict[tuple[str, ...], Element] = {}
    for transaction in transactions:
        steps = tuple(step for step in _plain(transaction.path).split("/") if step) or ("",)
        _add_method(_resource(resources, known, steps), transaction)
    indent(application)
    written: bytes = tostring(application, encoding="utf-8", xml_declaration=True)
    return written


def _add(parent: Element, element: str, /, **attributes: str) -> Element:
    return SubElement(parent, f"{{{_WADL}}}{element}", attributes)


def _plain(path: str) -> str:
    """{bulk:path} is {bulk}."""
    return path.replace(":path}", "}")


def _resource(
    root: Element, known: dict[tuple[str, ...], Element], steps: tuple[str, ...]
) -> Element:
    """The element of a path, and those above it."""
    if steps not in known:
        parent = root if len(steps) == 1 else _resource(root, known, steps[:-1])
        element = _add(parent, "resource", path=steps[-1] or "/")
        for name in described.variables(steps[-1]):
            _add(element, "param", name=name, style="template", required="true")
        known[steps] = element
    return known[steps]


def _add_method(resource: Element, transaction: Transaction) -> None:
    method = _add(resource, "method", name=transaction.method, id=described.identifier(transaction))
    request = _add(method, "request")
    _add(request, "param", name="Accept", style="header")
    for parameter in described.parameters(transaction):
        _add(
            request,
            "param",
            name=parameter.name,
            style="query",
            required="true" if parameter.required else "false",
        )
    for media_type in described.KINDS[described.kind_of(transaction)].takes:
        _add(request, "representation", mediaType=media_type)
    types = described.media_types(transaction)
    for status in described.statuses(transaction):
        response = _add(method, "response", status=str(status))
        for media_type in types if status in (200, 202, 206) else ():
            _add(response, "representation", mediaType=media_type)
