"""All cases, area by area."""

from __future__ import annotations

from conformance.suite.case import Case
from conformance.suite.cases import (
    capabilities,
    frames,
    metadata_json,
    metadata_xml,
    negotiation,
    rendered,
    retrieve,
    search,
    search_answers,
    store,
    wado_uri,
)

AREAS: dict[str, tuple[Case, ...]] = {
    "negotiation": negotiation.CASES,
    "store": store.CASES,
    "search": search.CASES,
    "search answers": search_answers.CASES,
    "retrieve": retrieve.CASES,
    "metadata JSON": metadata_json.CASES,
    "metadata XML": metadata_xml.CASES,
    "frames and bulk data": frames.CASES,
    "rendered": rendered.CASES,
    "WADO-URI": wado_uri.CASES,
    "capabilities": capabilities.CASES,
    "limits": rendered.LIMITS,
}
