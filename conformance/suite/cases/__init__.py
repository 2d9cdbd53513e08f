"""All cases, area by area."""

from __future__ import annotations

from conformance.suite.case import Case
from conformance.suite.cases import (
    association,
    c_find,
    c_move_get,
    c_store,
    capabilities,
    frames,
    metadata_json,
    metadata_xml,
    negotiation,
    parity,
    rendered,
    retrieve,
    search,
    search_answers,
    store,
    store_metadata,
    wado_uri,
)

AREAS: dict[str, tuple[Case, ...]] = {
    "negotiation": negotiation.CASES,
    "store": store.CASES + store_metadata.CASES,
    "search": search.CASES,
    "search answers": search_answers.CASES,
    "retrieve": retrieve.CASES,
    "metadata JSON": metadata_json.CASES,
    "metadata XML": metadata_xml.CASES,
    "frames and bulk data": frames.CASES,
    "rendered": rendered.CASES,
    "WADO-URI": wado_uri.CASES,
    "capabilities": capabilities.CASES,
    "association": association.CASES,
    "C-STORE": c_store.CASES,
    "C-FIND": c_find.CASES,
    "C-MOVE": c_move_get.MOVE,
    "C-GET": c_move_get.GET,
    "parity": parity.CASES,
    "limits": rendered.LIMITS,
}
