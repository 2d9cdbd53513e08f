"""TRANSACTIONS: everything the HTTP door does, one row each; dispatch and the README read them."""

from __future__ import annotations

from dicomweb.engine import reading
from dicomweb.pixels.films import FILM
from dicomweb.web import offers
from dicomweb.web.capabilities import OPENAPI, OPENAPI_NAMED, WADL, describe
from dicomweb.web.deletion import delete
from dicomweb.web.metadata import retrieve_metadata
from dicomweb.web.negotiate import DICOM, DICOM_JSON, DICOM_XML
from dicomweb.web.query import SearchResource
from dicomweb.web.rendered import (
    retrieve_rendered,
    retrieve_rendered_all,
    retrieve_thumbnail,
)
from dicomweb.web.renditions import SINGLE
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response
from dicomweb.web.retrieve import retrieve_instance, retrieve_instances
from dicomweb.web.routing import Transaction
from dicomweb.web.search import search_for
from dicomweb.web.status import retrieve_status
from dicomweb.web.store import store_with
from dicomweb.web.values import retrieve_bulk_data, retrieve_frames, retrieve_values
from dicomweb.web.wado_uri import retrieve_object
from schemas.attributes import Level
from schemas.syntaxes import NATIVE, SYNTAXES

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

_STORE, _PUT = store_with(None), store_with("replace")

_JSON = (DICOM_JSON,)
_RESULTS = (DICOM_JSON, f'multipart/related; type="{DICOM_XML}"', "text/csv")
_CODEC = "the media type of the stored codec"
_FILES = (f'multipart/related; type="{DICOM}"', "application/zip", str(offers.OCTETS), _CODEC)
_FILE = (_FILES[0], DICOM, *_FILES[1:])
_METADATA = tuple(map(str, offers.METADATA))
_METADATA_OF_ONE = tuple(map(str, offers.METADATA_OF_ONE))
_MANY = (f'multipart/related; type="{NATIVE}"', _CODEC)
_VALUES = (_MANY[0], NATIVE, _CODEC)
_NOTHING = ("nothing",)
_STORED = (DICOM_JSON, DICOM_XML, f'multipart/related; type="{DICOM_XML}"')

_BULK = retrieve_values(pixels_only=False)
_PIXELS = retrieve_values(pixels_only=True)
_PICTURES = tuple(offer.media_type for offer in SINGLE)
_RENDERED_FRAMES = ('multipart/related; type="image/jpeg"', *_PICTURES, FILM.media_type)
_VIDEOS = {syntax.media_type: None for syntax in SYNTAXES if syntax.video}
_RENDERED = (
    *dict.fromkeys((*_RENDERED_FRAMES, *_VIDEOS)),
    *reading.TEXTS,
    reading.PDF,
)

_CAPABILITIES = tuple(map(str, (WADL, OPENAPI, OPENAPI_NAMED)))


async def _describe(request: Request) -> Response:
    return describe(request, TRANSACTIONS, WADL, OPENAPI, OPENAPI_NAMED)


async def _describe_as_openapi(request: Request) -> Response:
    return describe(request, TRANSACTIONS, OPENAPI, OPENAPI_NAMED)


# fmt: off
TRANSACTIONS = (
    Transaction("Retrieve capabilities", "OPTIONS", "",                _describe,            "PS3.18 8.9",  _CAPABILITIES),
    Transaction("Retrieve capabilities", "GET", "",                    _describe,            "PS3.18 8.9",  _CAPABILITIES),
    Transaction("Retrieve capabilities", "GET", "/openapi.json",       _describe_as_openapi, "ours",        _CAPABILITIES[1:]),
    Transaction("Search patients",  "GET",  "/patients",               _PATIENTS,            "ours",        _RESULTS),
    Transaction("Search studies",   "GET",  "/patients/{patient:path}/studies", _STUDIES,         "ours",        _RESULTS),
    Transaction("Search studies",   "GET",  "/studies",                _STUDIES,             "PS3.18 10.6", _RESULTS),
    Transaction("Search series",    "GET",  "/series",                 _ALL_SERIES,          "PS3.18 10.6", _RESULTS),
    Transaction("Search instances", "GET",  "/instances",              _ALL_INSTANCES,       "PS3.18 10.6", _RESULTS),
    Transaction("Search series",    "GET",  _STUDY + "/series",        _SERIES_OF_STUDY,     "PS3.18 10.6", _RESULTS),
    Transaction("Search instances", "GET",  _STUDY + "/instances",     _INSTANCES_OF_STUDY,  "PS3.18 10.6", _RESULTS),
    Transaction("Search instances", "GET",  _SERIES + "/instances",    _INSTANCES_OF_SERIES, "PS3.18 10.6", _RESULTS),
    Transaction("Store",            "POST", "/studies",                _STORE,               "PS3.18 10.5", _STORED),
    Transaction("Store",            "POST", _STUDY,                    _STORE,               "PS3.18 10.5", _STORED),
    Transaction("Store or replace", "PUT",  "/studies",                _PUT,                 "ours",        _STORED),
    Transaction("Store or replace", "PUT",  _STUDY,                    _PUT,                 "ours",        _STORED),
    Transaction("Store or replace", "PUT",  _INSTANCE,                 _PUT,                 "ours",        _STORED),
    Transaction("Retrieve study",   "GET",  _STUDY,                    retrieve_instances,   "PS3.18 10.4.1.1.1", _FILES),
    Transaction("Retrieve series",  "GET",  _SERIES,                   retrieve_instances,   "PS3.18 10.4.1.1.1", _FILES),
    Transaction("Retrieve instance", "GET", _INSTANCE,                 retrieve_instance,    "PS3.18 10.4.1.1.1", _FILE),
    Transaction("Retrieve metadata", "GET", _STUDY + "/metadata",      retrieve_metadata,    "PS3.18 10.4.1.1.2", _METADATA),
    Transaction("Retrieve metadata", "GET", _SERIES + "/metadata",     retrieve_metadata,    "PS3.18 10.4.1.1.2", _METADATA),
    Transaction("Retrieve metadata", "GET", _INSTANCE + "/metadata",   retrieve_metadata,    "PS3.18 10.4.1.1.2", _METADATA_OF_ONE),
    Transaction("Retrieve frames",  "GET",  _INSTANCE + "/frames/{frames}", retrieve_frames, "PS3.18 10.4.1.1.6", _VALUES),
    Transaction("Retrieve pixel data", "GET", _STUDY + "/pixeldata",   _PIXELS,              "PS3.18 10.4.1.1.6", _MANY),
    Transaction("Retrieve pixel data", "GET", _SERIES + "/pixeldata",  _PIXELS,              "PS3.18 10.4.1.1.6", _MANY),
    Transaction("Retrieve pixel data", "GET", _INSTANCE + "/pixeldata", _PIXELS,             "PS3.18 10.4.1.1.6", _VALUES),
    Transaction("Retrieve bulk data", "GET", _STUDY + "/bulkdata",     _BULK,                "PS3.18 10.4.1.1.5", _MANY),
    Transaction("Retrieve bulk data", "GET", _SERIES + "/bulkdata",    _BULK,                "PS3.18 10.4.1.1.5", _MANY),
    Transaction("Retrieve bulk data", "GET", _INSTANCE + "/bulkdata",  _BULK,                "PS3.18 10.4.1.1.5", _MANY),
    Transaction("Retrieve bulk data", "GET", _INSTANCE + "/bulkdata/{bulk:path}", retrieve_bulk_data, "PS3.18 10.4.1.1.5", _VALUES),
    Transaction("Retrieve rendered study",    "GET", _STUDY + "/rendered",    retrieve_rendered_all, "PS3.18 10.4.1.1.3", _RENDERED[:1]),
    Transaction("Retrieve rendered series",   "GET", _SERIES + "/rendered",   retrieve_rendered_all, "PS3.18 10.4.1.1.3", _RENDERED[:1]),
    Transaction("Retrieve rendered instance", "GET", _INSTANCE + "/rendered", retrieve_rendered, "PS3.18 10.4.1.1.3", _RENDERED),
    Transaction("Retrieve rendered frames",   "GET", _INSTANCE + "/frames/{frames}/rendered", retrieve_rendered, "PS3.18 10.4.1.1.3", _RENDERED_FRAMES),
    Transaction("Retrieve study thumbnail",    "GET", _STUDY + "/thumbnail",    retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve series thumbnail",   "GET", _SERIES + "/thumbnail",   retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve instance thumbnail", "GET", _INSTANCE + "/thumbnail", retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve frame thumbnail",    "GET", _INSTANCE + "/frames/{frames}/thumbnail", retrieve_thumbnail, "PS3.18 10.4.1.1.4", _PICTURES),
    Transaction("Retrieve status",  "GET",  "/status",                 retrieve_status,      "ours",        ("application/json",)),
    Transaction("Delete study",     "DELETE", _STUDY,                  delete,               "ours",        _NOTHING),
    Transaction("Delete series",    "DELETE", _SERIES,                 delete,               "ours",        _NOTHING),
    Transaction("Delete instance",  "DELETE", _INSTANCE,               delete,               "ours",        _NOTHING),
)

BESIDE = (
    Transaction("Retrieve object (WADO-URI)", "GET", "/wado",          retrieve_object,      "PS3.18 9.1.2",  (DICOM, *_PICTURES, *reading.TEXTS, reading.PDF)),
)
# fmt: on
"""What is not below the service root."""
