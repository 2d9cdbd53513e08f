"""Character sets of texts that are rendered: which one a client gets (PS3.18 8.8.5, Annex D)."""

from __future__ import annotations

from collections.abc import Iterator

from dicomweb.web.negotiate import parse_media_type
from dicomweb.web.requests import Request

DEFAULT = "utf-8"

_ISO = {101: 2, 109: 3, 110: 4, 144: 5, 127: 6, 126: 7, 138: 8, 148: 9, 203: 15}
CHARSETS = (
    {DEFAULT: DEFAULT, "utf8": DEFAULT, "iso_ir 192": DEFAULT, "us-ascii": "us-ascii"}
    | {"iso_ir 6": "us-ascii", "iso_ir 100": "iso-8859-1", "iso-8859-1": "iso-8859-1"}
    | {f"iso_ir {term}": f"iso-8859-{part}" for term, part in _ISO.items()}
    | {f"iso-8859-{part}": f"iso-8859-{part}" for part in _ISO.values()}
    | {"shift_jis": "shift_jis", "euc-kr": "euc-kr", "gb18030": "gb18030", "gbk": "gbk"}
)
"""Names in lower case, IANA's and DICOM's, and what we call them (PS3.18 Table D-1)."""


def chosen(request: Request, media_type: str) -> str:
    """Of the media type first, then the charset parameter, then Accept-Charset, else UTF-8.

    What is not known is passed over (NEG-41).
    """
    for name in _asked(request, media_type):
        found = CHARSETS.get(name.strip().strip('"').lower())
        if found is not None:
            return found
    return DEFAULT


def _asked(request: Request, media_type: str) -> Iterator[str]:
    for value in (*_parameters(request, "accept"), *request.headers.getlist("accept")):
        for entry in value.split(","):
            wanted = parse_media_type(entry)
            if wanted is not None and wanted.name == media_type:
                yield from wanted.values("charset")
    yield from _parameters(request, "charset")
    for value in request.headers.getlist("accept-charset"):
        yield from (entry.partition(";")[0] for entry in value.split(","))


def _parameters(request: Request, wanted: str) -> Iterator[str]:
    yield from (value for name, value in request.parameters if name == wanted)
