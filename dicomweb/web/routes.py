"""TRANSACTIONS: everything the HTTP door does, one row each; dispatch and the README read them."""

from __future__ import annotations

from dicomweb.web.negotiate import DICOM, DICOM_JSON
from dicomweb.web.params import SearchResource
from dicomweb.web.rendered import (
    SINGLE,
    retrieve_rendered,
    retrieve_rendered_all,
    retrieve_thumbnail,
)
from dicomweb.web.retrieve import (
    retrieve_bulk_data,
    retrieve_frames,
    retrieve_instance,
    retrieve_instances,
    retrieve_metadata,
)
from dicomweb.web.routing import Transaction
from dicomweb.web.search import search_for
from dicomweb.web.store import store
from schemas.attributes import Level
from schemas.syntaxes import NATIVE

PREFIX = "/dicom-web"

PATIENT, STUDY, SERIES, INSTANCE = Level

_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"

_PATIENTS = search_for(SearchResource(PATIENT))
_STUDIES = search_for(SearchResource(STUDY))
_SERIES_OF_STUDY = search_for(SearchResource(SERIES))
_INSTANCES_OF_SERIES = search_for(SearchResource(INSTANCE))
_INSTANCES_OF_STUDY = search_for(SearchResource(INSTANCE, frozenset({SERIES})))
_ALL_SERIES = search_for(SearchResource(SERIES, frozenset({STUDY})))
_ALL_INSTANCES = search_for(SearchResource(INSTANCE, frozenset({STUDY, SERIES})))

_JSON = (DICOM_JSON,)
_PARTS = (f'multipart/related; type="{DICOM}"',)
_VALUES = (
    f'multipart/related; type="{NATIVE}"',
    NATIVE,
    "the media type of the stored codec",
)
_PICTURES = tuple(offer.media_type for offer in SINGLE)
_RENDERED = tuple(f'multipart/related; type="{name}"' for name in _PICTURES[:1]) + _PICTURES

# fmt: off
TRANSACTIONS = (
    Transaction("Search patients",  "GET",  "/patients",               _PATIENTS,            "ours",        _JSON),
    Transaction("Search studies",   "GET",  "/studies",                _STUDIES,             "PS3.18 10.6", _JSON),
    Transaction("Search series",    "GET",  "/series",                 _ALL_SERIES,          "PS3.18 10.6", _JSON),
    Transaction("Search instances", "GET",  "/instances",              _ALL_INSTANCES,       "PS3.18 10.6", _JSON),
    Transaction("Search series",    "GET",  _STUDY + "/series",        _SERIES_OF_STUDY,     "PS3.18 10.6", _JSON),
    Transaction("Search instances", "GET",  _STUDY + "/instances",     _INSTANCES_OF_STUDY,  "PS3.18 10.6", _JSON),
    Transaction("Search instances", "GET",  _SERIES + "/instances",    _INSTANCES_OF_SERIES, "PS3.18 10.6", _JSON),
    Transaction("Store",            "POST", "/studies",                store,                "PS3.18 10.5", _JSON),
    Transaction("Store",            "POST", _STUDY,                    store,                "PS3.18 10.5", _JSON),
    Transaction("Retrieve study",   "GET",  _STUDY,                    retrieve_instances,   "PS3.18 10.4.1.1.1", _PARTS),
    Transaction("Retrieve series",  "GET",  _SERIES,                   retrieve_instances,   "PS3.18 10.4.1.1.1", _PARTS),
    Transaction("Retrieve instance", "GET", _INSTANCE,                 retrieve_instance,    "PS3.18 10.4.1.1.1", (*_PARTS, DICOM)),
    Transaction("Retrieve metadata", "GET", _STUDY + "/metadata",      retrieve_metadata,    "PS3.18 10.4.1.1.2", _JSON),
    Transaction("Retrieve metadata", "GET", _SERIES + "/metadata",     retrieve_metadata,    "PS3.18 10.4.1.1.2", _JSON),
    Transaction("Retrieve metadata", "GET", _INSTANCE + "/metadata",   retrieve_metadata,    "PS3.18 10.4.1.1.2", _JSON),
    Transaction("Retrieve frames",  "GET",  _INSTANCE + "/frames/{frames}", retrieve_frames, "PS3.18 10.4.1.1.6", _VALUES),
    Transaction("Retrieve bulk data", "GET", _INSTANCE + "/bulkdata/{bulk:path}", retrieve_bulk_data, "PS3.18 10.4.1.1.5", _VALUES),
    Transaction("Retrieve rendered study",    "GET", _STUDY + "/rendered",    retrieve_rendered_all, "PS3.18 10.4.1.1.3", _RENDERED[:1]),
    Transaction("Retrieve rendered series",   "GET", _SERIES + "/rendered",   retrieve_rendered_all, "PS3.18 10.4.1.1.3", _RENDERED[:1]),
    Transaction("Retrieve rendered instance", "GET", _INSTANCE + "/rendered", retrieve_rendered, "PS3.18 10.4.1.1.3", _RENDERED),
    Transaction("Retrieve rendered frames",   "GET", _INSTANCE + "/frames/{frames}/rendered", retrieve_rendered, "PS3.18 10.4.1.1.3", _RENDERED),
    Transaction("Retrieve study thumbnail",    "GET", _STUDY + "/thumbnail",    retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve series thumbnail",   "GET", _SERIES + "/thumbnail",   retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve instance thumbnail", "GET", _INSTANCE + "/thumbnail", retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve frame thumbnail",    "GET", _INSTANCE + "/frames/{frames}/thumbnail", retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
)
# fmt: on
