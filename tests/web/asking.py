"""What tests of the HTTP door share: an instance's place, storing it, taking answers apart."""

from __future__ import annotations

import re

from tests.make import related, related_type

ROOT = "http://archive.test/dicom-web"
STUDY, SERIES, INSTANCE = "1.2.5", "1.2.5.1", "1.2.5.1.1"
IDS = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": INSTANCE}
STUDY_PATH = f"/studies/{STUDY}"
SERIES_PATH = f"{STUDY_PATH}/series/{SERIES}"
PATH = f"{SERIES_PATH}/instances/{INSTANCE}"
LEVELS = {"study": STUDY_PATH, "series": SERIES_PATH, "instance": PATH}
ANY = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
OHIF_FRAME = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
OCTETS = {"Accept": "application/octet-stream"}
ELE = "1.2.840.10008.1.2.1"


def ids(number: int, series: int = 1) -> dict[str, str]:
    """Of instance `number` of a series of the study."""
    at = f"{STUDY}.{series}"
    return IDS | {"SeriesInstanceUID": at, "SOPInstanceUID": f"{at}.{number}"}


def parts(answer):
    """Headers and body of each part, split as simply as a client of the simple kind does."""
    boundary = re.search(r"boundary=([^;]+)", answer.headers["content-type"])[1].strip('"')
    pieces = (b"\r\n" + answer.content).split(f"\r\n--{boundary}".encode())
    assert pieces[-1].startswith(b"--")
    split = (piece[2:].split(b"\r\n\r\n", 1) for piece in pieces[1:-1])
    return [
        (dict(line.split(": ", 1) for line in head.decode().split("\r\n")), body)
        for head, body in split
    ]


async def put(server, *sent):
    answer = await server.post("/studies", content=related(sent), headers=related_type())
    assert answer.status_code in (200, 202), answer.text
    return answer
