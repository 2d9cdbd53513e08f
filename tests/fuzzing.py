"""Store requests made of real files and random damage: `python -m tests.fuzzing --minutes 10`.

Whatever is sent has to be answered by one of the statuses that a store request has, in time, and
without a failure of the server's own; what was stored has to be retrievable.  A case that is not
is printed with its seed, which `--seed` runs again alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import gzip
import json
import logging
import random
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import zstandard

from dicomweb.settings import Settings
from schemas.dicom_json import encode
from schemas.native_xml import document
from schemas.part10 import HEAD_LENGTH, locate
from schemas.reasons import PROCESSING_FAILURE, Refused
from tests.make import BOUNDARY, message, related_type
from tests.real_files import real_files
from tests.web.conftest import client_of

STATUSES = {200, 202, 400, 409, 413, 415}
FILE_BYTES_MAX = 300_000
SECONDS_MAX = 20
JSON, XML, DICOM = "application/dicom+json", "application/dicom+xml", "application/dicom"
TOKENS = [
    *(b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xfe\xff\x00\xe0\xff\xff\xff\xff"),
    *(b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0", b"SQ\0\0\xff\xff\xff\xff"),
    *(b"UN\0\0\xff\xff\xff\xff", b"\x08\0\x05\0CS", b"\x1b$B", b"\\", b"=", b"^", b"\r\n", b"\0"),
    *(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", b"\x28\0\x08\0IS", b"1.2.840.10008.1.2.1.99"),
    *(f"\r\n--{BOUNDARY}\r\n\r\n".encode(), f"\r\n--{BOUNDARY}--".encode(), b"-1", b"1e999"),
    *(
        b'"vr":"SQ"',
        b'"Value":[',
        b"null",
        b"{",
        b"]",
        b"NaN",
        b'"BulkDataURI":"p"',
        b"\xed\xa0\x80",
    ),
]
IMAGE_TYPES = [
    *("image/jpeg", "image/jls", "image/jp2", "image/jpx", "image/jph", "image/jxl", "image/png"),
    *("image/gif", "image/dicom-rle", "video/mp4", "video/mpeg", "application/octet-stream"),
    *("application/pdf", "application/x-deflate", "x", ""),
]


@dataclass(frozen=True, slots=True)
class Case:
    headers: dict[str, str]
    body: bytes


@cache
def sources() -> Sequence[bytes]:
    """Real files that are not too large to be changed many times a second."""
    files = (path for path in real_files() if path.stat().st_size <= FILE_BYTES_MAX)
    return [path.read_bytes() for path in files]


def damaged(chance: random.Random, data: bytes) -> bytes:
    """The bytes with something of them changed, put in, taken out, repeated or cut off."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(min(len(changed), chance.choice((400, 3_000, 1 << 30))) + 1)
        token = chance.choice(TOKENS)
        match chance.randrange(7):
            case 0 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 1:
                changed[at : at + len(token)] = token
            case 2:
                changed[at:at] = token
            case 3:
                del changed[at : at + chance.randrange(1, 40)]
            case 4:
                piece = changed[at : at + chance.randrange(1, 200)]
                changed[at:at] = piece * chance.randrange(1, 4)
            case 5 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 6 if chance.random() < 0.3:
                del changed[at:]
    return bytes(changed)


def case(seed: int) -> Case:
    """The request of a seed."""
    chance = random.Random(seed)
    kind = chance.choice((_instances, _instances, _single, _metadata, _metadata, _anything))
    made = kind(chance)
    if chance.random() < 0.15:
        made = Case(made.headers, damaged(chance, made.body))
    return _encoded(chance, made) if chance.random() < 0.15 else made


def _encoded(chance: random.Random, made: Case) -> Case:
    name, encode_ = chance.choice(
        [
            ("gzip", gzip.compress),
            ("deflate", zlib.compress),
            ("zstd", zstandard.ZstdCompressor().compress),
        ]
    )
    body = encode_(made.body)
    body = damaged(chance, body) if chance.random() < 0.3 else body
    return Case(made.headers | {"Content-Encoding": name}, body)


def _file(chance: random.Random) -> bytes:
    return damaged(chance, chance.choice(sources()))


def _instances(chance: random.Random) -> Case:
    parts = [({"Content-Type": DICOM}, _file(chance)) for _ in range(chance.randrange(1, 4))]
    return Case(related_type(), message(parts))


def _single(chance: random.Random) -> Case:
    return Case({"Content-Type": DICOM}, _file(chance))


def _anything(chance: random.Random) -> Case:
    types = [DICOM, JSON, XML, "application/octet-stream", "image/jpeg", "text/plain"]
    parts = [
        (
            {"Content-Type": chance.choice(types + IMAGE_TYPES), "Content-Location": "p"},
            chance.choice((_file, lambda chance: chance.randbytes(40), _json))(chance),
        )
        for _ in range(chance.randrange(4))
    ]
    return Case(related_type(chance.choice(types)), message(parts))


def _json(chance: random.Random) -> bytes:
    """Metadata of a real file, with its bulk values behind a few names."""
    while True:
        data = chance.choice(sources())
        try:
            location = locate(data[:HEAD_LENGTH])
            if location.syntax.deflated:
                continue
            header = encode(data, location.offset, len(data), location.syntax)
        except Refused:
            continue
        text = header.json.replace(b"\x02", b"p")
        return text if len(text) < FILE_BYTES_MAX else b"{}"


def _metadata(chance: random.Random) -> Case:
    text = _json(chance)
    by_xml = chance.random() < 0.3
    data_set = json.loads(text)
    for name in chance.sample([*data_set], min(len(data_set), 3)):
        if chance.random() < 0.5:
            data_set[name] = chance.choice(
                [
                    {"vr": chance.choice(("OB", "SQ", "PN", "US", "FD", "LO")), "BulkDataURI": "p"},
                    {"vr": "SQ", "Value": [data_set]} if len(text) < 20_000 else {"vr": "SQ"},
                    {"vr": "UN", "InlineBinary": "AAA="},
                    {"vr": chance.choice(("OB", "IS", "AT")), "Value": ["1", None, 2.5, {}]},
                ]
            )
    if chance.random() < 0.8:
        data_set["7FE00010"] = {"vr": "OW", "BulkDataURI": "p"}
    with contextlib.suppress(ValueError):  # where it holds itself
        text = json.dumps(data_set).encode()
    text = document(text) if by_xml else text
    text = damaged(chance, text) if chance.random() < 0.7 else text
    type = XML if by_xml else JSON
    bulk = [
        (
            {"Content-Type": chance.choice(IMAGE_TYPES), "Content-Location": name},
            _picture(chance),
        )
        for name in chance.choices(["p", "p/frames/1", "p/frames/2", "q"], k=chance.randrange(4))
    ]
    return Case(related_type(type), message([({"Content-Type": type}, text), *bulk]))


def _picture(chance: random.Random) -> bytes:
    """The end of a real file, where its pixel data and often a codestream lies, damaged or not."""
    data = chance.choice(sources())
    starts = [at for mark in (b"\xff\xd8\xff", b"\xff\x4f\xff\x51") if (at := data.find(mark)) > 0]
    piece = data[min(starts, default=len(data) // 2) :][:100_000]
    return damaged(chance, piece) if chance.random() < 0.7 else piece


async def run(server: httpx.AsyncClient, seed: int) -> str:
    """Sends the request of a seed; what is wrong with the answer, empty for nothing."""
    made = case(seed)
    method = random.Random(seed).choice(("POST", "POST", "PUT"))
    try:
        async with asyncio.timeout(SECONDS_MAX):
            answer = await server.request(
                method, "/studies", content=made.body, headers=made.headers
            )
            wrong = _judged(answer)
            return wrong or await _retrieved(server, answer)
    except TimeoutError:
        return f"no answer in {SECONDS_MAX} seconds"


def _judged(answer: httpx.Response) -> str:
    if answer.status_code not in STATUSES:
        return f"{answer.status_code}: {answer.text[:200]}"
    if answer.headers["content-type"] != JSON:
        return ""
    module = answer.json()
    for tag in ("00081198", "0008119A"):
        for item in module.get(tag, {}).get("Value", ()):
            if item["00081197"]["Value"] == [PROCESSING_FAILURE.code]:
                return "a processing failure of our own"
    return ""


async def _retrieved(server: httpx.AsyncClient, answer: httpx.Response) -> str:
    """Metadata and file of what was stored can be had."""
    items = answer.json().get("00081199", {}).get("Value", ()) if answer.is_success else ()
    for item in items:
        url = item["00081190"]["Value"][0]
        told = await server.get(url + "/metadata")
        file = await server.get(url, headers={"Accept": f"{DICOM}; transfer-syntax=*"})
        if (told.status_code, file.status_code) != (200, 200):
            return f"stored, and then {told.status_code} and {file.status_code}: {url}"
        json.loads(told.content)
    return ""


async def _run_for(minutes: float, first: int, only: bool) -> int:
    statuses: Counter[str] = Counter()
    until = time.monotonic() + minutes * 60
    seed = first
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        async with client_of(Settings(data=Path(folder))) as server:
            while time.monotonic() < until or only:
                faulthandler.dump_traceback_later(3 * SECONDS_MAX, exit=True)
                found = await run(server, seed)
                statuses["wrong" if found else "right"] += 1
                if found:
                    wrong += 1
                    print(f"seed {seed}: {found}", flush=True)
                seed += 1
                if only:
                    break
    print(f"{seed - first} requests, {dict(statuses)}; the next seed is {seed}")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed to begin with")
    parser.add_argument("--seed", type=int, help="the only seed to run")
    arguments = parser.parse_args()
    logging.getLogger("dicomweb.requests").setLevel(logging.WARNING)
    warnings.simplefilter("ignore")
    only = arguments.seed is not None
    first = arguments.seed if only else arguments.first
    return asyncio.run(_run_for(arguments.minutes, first, only))


if __name__ == "__main__":
    sys.exit(main())
