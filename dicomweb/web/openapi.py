"""The transactions -> an OpenAPI 3.1 description."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from dicomweb.web import described
from dicomweb.web.described import Parameter
from dicomweb.web.routing import Transaction

_ANYTHING: dict[str, Any] = {}
_UID = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "maxLength": 64}
_VARIABLES: dict[str, dict[str, Any]] = {
    "study": _UID,
    "series": _UID,
    "instance": _UID,
    "frames": {"type": "string", "pattern": r"^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*$"},
}
"""Schemas of what paths leave open; others are any text."""
_PROBLEMS = ("text/plain", "application/json", "text/html")


def openapi(transactions: Sequence[Transaction], base_url: str) -> dict[str, Any]:
    """What a client generator or a test tool reads (OpenAPI 3.1.0)."""
    paths: dict[str, dict[str, Any]] = {}
    for transaction in transactions:
        path = transaction.path.replace(":path}", "}") or "/"
        item = paths.setdefault(path, {})
        item[transaction.method.lower()] = _operation(transaction)
    for path, item in paths.items():
        if names := described.variables(path):
            item["parameters"] = [_variable(name) for name in names]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DICOMweb archive",
            "version": version("dicomweb-archive"),
            "summary": "The DICOMweb services of this server, by PS3.18.",
        },
        "servers": [{"url": base_url}],
        "paths": paths,
    }


def _variable(name: str) -> dict[str, Any]:
    schema = _VARIABLES.get(name, {"type": "string", "minLength": 1})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _operation(transaction: Transaction) -> dict[str, Any]:
    kind = described.KINDS[described.kind_of(transaction)]
    operation: dict[str, Any] = {
        "operationId": described.identifier(transaction),
        "summary": transaction.name,
        "description": f"Clause: {transaction.clause}.",
        "tags": [transaction.name.partition(" ")[0]],
        "parameters": [_parameter(one) for one in described.parameters(transaction)],
        "responses": {
            str(status): _response(transaction, status)
            for status in described.statuses(transaction)
        },
    }
    if kind.takes:
        content = {media_type: {"schema": _ANYTHING} for media_type in kind.takes}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }


def _response(transaction: Transaction, status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": described.MEANINGS[status]}
    types = [_bare(media_type) for media_type in described.media_types(transaction)]
    if status in (200, 202, 206):
        response["content"] = {media_type: {} for media_type in types}
    elif status >= 400:
        # What Store refuses it answers for in the Store Instances Response Module too.
        both = _PROBLEMS if described.kind_of(transaction) != "Store" else (*_PROBLEMS, *types)
        response["content"] = {media_type: {} for media_type in both}
    return response


def _bare(media_type: str) -> str:
    """Without parameters: a key of OpenAPI is compared as a media range."""
    return media_type.partition(";")[0]
