"""Every reason that the statement lists is what a running server gives, once it is provoked.

CONF-07, STOW-52 (PS3.2 N.7.3, PS3.18 8.5, I.2): over a socket, from a server in its own process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, generate_uid

from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import Role
from schemas import reasons
from schemas.reasons import FAILURES, MESSAGE_STATUSES, REQUEST_FAILURES, WARNINGS, Reason
from tests import postgresql
from tests.dimse_bridge.peer import (
    COMMITMENT,
    CT,
    ECHO,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    associated,
    encoded,
    read,
    store_of,
)
from tests.make import bulk, dataset, instance, message, metadata, part10, related, related_type
from tests.process import Running, free_port, serving

MR = "1.2.840.10008.5.1.4.1.1.4"
DIRECTORY = "1.2.840.10008.1.3.10"
WELL_KNOWN_COMMITMENT = "1.2.840.10008.1.20.1.1"
ANSWERED_SECONDS = 60
INSTANCE_BYTES_MAX = 1_000_000
FILE_BYTES_MAX = 300_000
"""Of any file that the server whose disk is full may write; its index is smaller."""
IDLE_SECONDS = 2
CROWD = 400
JSON = "application/dicom+json"


@dataclass
class Server:
    """A running server, and how it is asked."""

    running: Running
    dimse_port: int
    data: Path
    web: httpx.Client
    stored: dict[str, str] = field(default_factory=dict)

    def stow(self, *parts: bytes, path: str = "/studies", method: str = "POST") -> httpx.Response:
        return self.web.request(method, path, content=related(parts), headers=related_type())

    def tell(self, *parts: Any) -> httpx.Response:
        """Metadata and bulk data."""
        return self.web.post("/studies", content=message(parts), headers=related_type(JSON))

    def keep(self, ds: Dataset | bytes) -> str:
        """The path of an instance that it now has."""
        data = ds if isinstance(ds, bytes) else part10(ds)
        answer = self.stow(data)
        assert answer.status_code in (200, 202), answer.text
        return urlsplit(
            answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
        ).path.removeprefix("/dicom-web")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.web.get(path, headers={n.replace("_", "-"): v for n, v in headers.items()})


@contextlib.contextmanager
def started(data: Path, *flags: str) -> Iterator[Server]:
    port = free_port()
    peers = json.dumps({"GONE": {"host": "127.0.0.1", "port": free_port()}})
    more = ("--dimse-port", str(port), "--peers", peers, "--allow-delete")
    with (
        serving(data, *more, *flags) as running,
        httpx.Client(base_url=running.url, timeout=ANSWERED_SECONDS) as web,
    ):
        yield Server(running, port, data, web)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = ("--max-instance-bytes", str(INSTANCE_BYTES_MAX))
    idle = ("--idle-timeout-seconds", str(IDLE_SECONDS))
    with started(tmp_path_factory.mktemp("lenient"), *limits, *idle) as one:
        yield one


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with started(tmp_path_factory.mktemp("strict"), "--strict") as one:
        yield one


# Store: the code is in the answer (PS3.18 I.2) ------------------------------------------


def nested() -> bytes:
    whole = instance()
    opened = b"\x08\x00\x32\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 10_000
    return whole[: whole.index(b"\x08\x00\x05\x00CS")] + opened


def bare(**more: Any) -> Dataset:
    """Without a description of pixels, which a picture has of its own."""
    described = (
        *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
        *("SamplesPerPixel", "PhotometricInterpretation", "PixelData"),
    )
    return dataset(**(dict.fromkeys(described) | more))


def spoiled(before: bytes, after: bytes, **attributes: Any) -> bytes:
    """An instance with other bytes in it than pydicom would write."""
    whole = instance(**attributes)
    assert whole.count(before) == 1
    return whole.replace(before, after)


GREY = np.arange(16, dtype=np.uint8).reshape(4, 4)
COLOUR = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def duplicate(server: Server) -> httpx.Response:
    uids = {"SOPInstanceUID": generate_uid()}
    server.keep(instance(**uids, PatientID="one"))
    return server.stow(instance(**uids, PatientID="another"))


def cut(server: Server) -> httpx.Response:
    """A request whose end is not there, after an instance that is."""
    body = related([instance(), b""])
    body = body[: body.rindex(b"\r\n--")]
    return server.web.post("/studies", content=body, headers=related_type())


def with_file_meta(server: Server) -> httpx.Response:
    ds = dataset()
    headers, text = metadata(ds, PixelData="p")
    told = b'[{"00020010":{"vr":"UI","Value":["1.2.840.10008.1.2.4.70"]},' + text[2:]
    return server.tell((headers, told), bulk("p", bytes(32)))


def lost(server: Server) -> httpx.Response:
    return server.tell(metadata(dataset(), PixelData="http://127.0.0.1:1/elsewhere"))


def unreferenced(server: Server) -> httpx.Response:
    parts = metadata(dataset(), PixelData="p"), bulk("p", bytes(32)), bulk("q", b"12")
    return server.tell(*parts)


def picture(server: Server, ds: Dataset, data: bytes, type: str = "image/png") -> httpx.Response:
    return server.tell(metadata(ds, PixelData="p"), bulk("p", data, type))


def png(pixels: Any) -> bytes:
    return bytes(imagecodecs.png_encode(pixels))


STORING: dict[Reason, Callable[[Server], httpx.Response]] = {
    reasons.DUPLICATE: duplicate,
    reasons.NOT_AN_INSTANCE: lambda s: s.stow(instance(SOPClassUID=DIRECTORY)),
    reasons.TOO_LARGE: lambda s: s.stow(instance(PixelData=bytes(INSTANCE_BYTES_MAX))),
    reasons.OTHER_STUDY: lambda s: s.stow(instance(), path="/studies/1.2.9"),
    reasons.UID_MISSING: lambda s: s.stow(instance(StudyInstanceUID=None)),
    reasons.UID_INVALID: lambda s: s.stow(
        spoiled(b"1.2.3.444", b"1.2.3/444", StudyInstanceUID="1.2.3.444")
    ),
    reasons.OTHER_INSTANCE: lambda s: s.stow(
        instance(StudyInstanceUID="1.2.8"),
        path="/studies/1.2.8/series/1.2.9/instances/1.2.10",
        method="PUT",
    ),
    reasons.NOT_AS_DESCRIBED: lambda s: picture(s, bare(Rows=12), png(GREY)),
    reasons.NOT_DICOM: lambda s: s.stow(b"garbage" * 30),
    reasons.TRUNCATED: lambda s: s.stow(instance()[:-4]),
    reasons.NESTED_TOO_DEEPLY: lambda s: s.stow(nested()),
    reasons.NOT_AS_STATED: lambda s: picture(s, bare(), b"no picture"),
    reasons.BULK_MISSING: lost,
    reasons.INCOMPLETE: cut,
    reasons.UNREFERENCED: unreferenced,
    reasons.TRANSFER_SYNTAX: lambda s: picture(s, bare(), b"RIFF", "image/webp"),
    reasons.COERCED: lambda s: picture(
        s, bare(PhotometricInterpretation="PALETTE COLOR"), png(COLOUR)
    ),
    reasons.LEFT_OUT: with_file_meta,
    reasons.NOT_AS_SOP_CLASS: lambda s: s.stow(spoiled(b"20240102", b"2024XX02")),
}


def codes(answer: httpx.Response) -> set[int]:
    """The failure and warning reasons in it."""
    module = answer.json()
    items = [item for name in ("00081198", "0008119A", "00081199") for item in value(module, name)]
    return {code for item in items for code in value(item, "00081197") + value(item, "00081196")}


def value(item: dict[str, Any], tag: str) -> list[Any]:
    found: list[Any] = item.get(tag, {}).get("Value", [])
    return found


def named(reason: Reason) -> str:
    """Its name in the table."""
    return next(name for name, value in vars(reasons).items() if value is reason)


@pytest.mark.parametrize("reason", STORING, ids=named)
def test_a_store_fails_or_warns_for_the_reason(server, reason):
    answer = STORING[reason](server)
    assert reason.code in codes(answer), answer.text
    if not value(answer.json(), "00081199"):
        assert answer.status_code == reason.http
    elif reason in WARNINGS:
        assert answer.status_code == 202


def test_a_store_that_breaks_rules_is_refused_by_the_letter(strict):
    answer = strict.stow(spoiled(b"20240102", b"2024XX02"))
    assert (answer.status_code, codes(answer)) == (409, {reasons.BREAKS_RULES.code})


def test_a_store_without_room_is_out_of_resources(tmp_path):
    """No file of the processes may be longer, as on a disk that is full."""
    with started(tmp_path) as server:
        pid = server.running.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            resource.prlimit(int(child), resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))
        answer = server.stow(instance(PixelData=bytes(2 * FILE_BYTES_MAX)))
    assert (answer.status_code, codes(answer)) == (507, {reasons.OUT_OF_RESOURCES.code})


def test_a_store_that_fails_for_our_own_fault_says_so(tmp_path):
    """Somebody took a table away."""
    with started(tmp_path) as server:
        _without_table(server.data, "instance")
        answer = server.stow(instance())
    assert (answer.status_code, codes(answer)) == (500, {reasons.PROCESSING_FAILURE.code})


def _without_table(data: Path, name: str) -> None:
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as connection:
        connection.execute(f"ALTER TABLE {name} RENAME TO taken_away")


STORED_ELSEWHERE = {
    reasons.BREAKS_RULES,
    reasons.OUT_OF_RESOURCES,
    reasons.PROCESSING_FAILURE,
}
"""By servers of their own."""


# Requests as a whole (PS3.18 8.5) ---------------------------------------------------------


def gone(server: Server) -> httpx.Response:
    path = server.keep(dataset())
    assert server.web.delete(path).status_code in (200, 204)
    return server.get(path)


def stopped(server: Server) -> httpx.Response:
    """A body that is announced and does not come."""
    host, port = urlsplit(server.running.url).netloc.split(":")
    head = (
        "POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        'Content-Type: multipart/related; type="application/dicom"; boundary=x\r\n\r\n'
    )
    with socket.create_connection((host, int(port)), timeout=ANSWERED_SECONDS) as client:
        client.sendall(head.encode())
        answer = client.makefile("rb").read()
    return httpx.Response(int(answer.split()[1]), content=answer.partition(b"\r\n\r\n")[2])


def undecodable(server: Server) -> httpx.Response:
    stream = b"\xff\x4f\xff\x51" + bytes(40)
    ds = dataset(PixelData=b"\xfe\xff\x00\xe0\0\0\0\0" + item(stream) + b"\xfe\xff\xdd\xe0\0\0\0\0")
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    path = server.keep(part10(ds, JPEG2000Lossless))
    return server.get(f"{path}/frames/1", accept="application/octet-stream")


def item(stream: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + len(stream).to_bytes(4, "little") + stream


def ranged(server: Server) -> httpx.Response:
    path = server.keep(dataset())
    return server.get(f"{path}/frames/1", accept="application/octet-stream", range="bytes=999-")


def rendered(server: Server, query: str = "", **attributes: Any) -> httpx.Response:
    path = server.keep(dataset(**attributes))
    return server.get(f"{path}/rendered{query}", accept="image/png")


REQUESTS: dict[Reason, Callable[[Server], httpx.Response]] = {
    reasons.BAD_REQUEST: lambda s: s.stow(),
    reasons.BAD_QUERY: lambda s: s.get("/studies?StudyDate=2020-13-45"),
    reasons.NOT_FOUND: lambda s: s.get("/studies/1.2.3.4.5/metadata"),
    reasons.METHOD_NOT_ALLOWED: lambda s: s.web.patch("/studies"),
    reasons.TIMEOUT: stopped,
    reasons.GONE: gone,
    reasons.NOT_ACCEPTABLE: lambda s: s.get("/studies", accept="image/png"),
    reasons.PRECONDITION: lambda s: s.get(s.keep(dataset()), if_match='"another"'),
    reasons.UNDECODABLE: undecodable,
    reasons.UNSUPPORTED_MEDIA: lambda s: s.web.post(
        "/studies", content=b"x", headers={"Content-Type": "text/plain"}
    ),
    reasons.UNSATISFIABLE: ranged,
    reasons.PICTURE_TOO_LARGE: lambda s: rendered(s, "?viewport=16384,16384", Rows=4, Columns=4),
    reasons.UNRENDERABLE: lambda s: rendered(s, SamplesPerPixel=1, Rows=40, Columns=40),
    reasons.NOT_IMPLEMENTED: lambda s: s.web.get(
        f"http://{urlsplit(s.running.url).netloc}/wado?requestType=WADO&studyUID=1.2&seriesUID=1.2"
        "&objectUID=1.2&anonymize=yes"
    ),
}


@pytest.mark.parametrize("reason", REQUESTS, ids=named)
def test_a_request_fails_for_the_reason(server, reason):
    answer = REQUESTS[reason](server)
    assert answer.status_code == reason.http, answer.text
    assert answer.text.strip(), "in a sentence"


def test_of_more_pictures_than_may_wait_some_are_refused(tmp_path):
    """Each another, and large enough that no machine makes them as fast as they are asked for."""
    with started(tmp_path) as server:
        path = server.keep(dataset(Rows=600, Columns=600, PixelData=os.urandom(720_000)))
        parts = urlsplit(server.running.url)

        async def status_of(number: int) -> int:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            asked = f"{parts.path}{path}/rendered?window={number},{number},linear"
            lines = (
                f"GET {asked}&viewport=3000,3000 HTTP/1.1\r\nHost: x\r\nAccept: image/png\r\n\r\n"
            )
            try:
                writer.write(lines.encode())
                return int((await reader.readline()).split()[1])
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        async def first_refused() -> int:
            """The rest ends with the server."""
            asked = [asyncio.ensure_future(status_of(number + 1)) for number in range(CROWD)]
            for one in asyncio.as_completed(asked):
                if (status := await one) != 200:
                    break
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            return status

        assert asyncio.run(first_refused()) == reasons.BUSY.http


def test_a_search_that_takes_too_long_is_given_up(tmp_path, postgresql_server):
    """It waits for a table that somebody else has locked."""

    async def asked(server: Server, url: str) -> httpx.Response:
        other = await asyncpg.connect(url)
        try:
            async with other.transaction():
                await other.execute("LOCK TABLE study IN ACCESS EXCLUSIVE MODE")
                return await asyncio.to_thread(server.get, "/studies")
        finally:
            await other.close()

    with (
        postgresql.database(postgresql_server) as url,
        started(tmp_path, "--index", url, "--search-seconds", "1") as server,
    ):
        answer = asyncio.run(asked(server, url))
    assert answer.status_code == reasons.TOO_BROAD.http, answer.text


# Associations (PS3.7 C, PS3.4 B.2, C.4, J.3) ----------------------------------------------


Asking = Callable[[Server], Awaitable[set[int | None]]]


async def answers(server: Server, command: Command, data: bytes | None, *wanted: Any, **user: Any):
    async with associated(server.dimse_port, *wanted, **user) as peer:
        return {one.Status for one, _ in await peer.all(command, data)}


def storing(**changed: Any) -> Asking:
    async def asked(server: Server) -> set[int | None]:
        ds = dataset()
        return await answers(server, replace(store_of(ds), **changed), encoded(ds), CT)

    return asked


async def not_authorised(server: Server) -> set[int | None]:
    ds = dataset()
    roles = (Role(CT, scu=False, scp=True),)
    return await answers(server, store_of(ds), encoded(ds), CT, roles=roles)


async def twice(server: Server) -> set[int | None]:
    ds = dataset()
    async with associated(server.dimse_port, CT) as peer:
        for _ in range(2):
            peer.send(store_of(ds, 5), encoded(ds))
        return {(await peer.message())[0].Status for _ in range(2)}


def echoing(**changed: Any) -> Asking:
    async def asked(server: Server) -> set[int | None]:
        return await answers(server, replace(ECHO, **changed), None, VERIFICATION)

    return asked


def action(**changed: Any) -> Command:
    values = {
        "CommandField": Message.N_ACTION,
        "RequestedSOPClassUID": COMMITMENT,
        "RequestedSOPInstanceUID": WELL_KNOWN_COMMITMENT,
        "MessageID": 3,
        "CommandDataSetType": 1,
        "ActionTypeID": 1,
    }
    return Command(**(values | changed))


def references(sop_class: str, uid: str, transaction: str = "1.2.3.4.5") -> bytes:
    ds, one = Dataset(), Dataset()
    ds.TransactionUID = transaction
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = sop_class, uid
    ds.ReferencedSOPSequence = [one]
    return encoded(ds)


def reported(report: Command, status: int | None) -> Command:
    """The answer to a report."""
    return Command(
        Message.N_EVENT_REPORT | 0x8000,
        AffectedSOPClassUID=COMMITMENT,
        AffectedSOPInstanceUID=WELL_KNOWN_COMMITMENT,
        MessageIDBeingRespondedTo=report.MessageID,
        EventTypeID=report.EventTypeID,
        Status=status,
    )


def committing(data: Callable[[], bytes], **changed: Any) -> Asking:
    async def asked(server: Server) -> set[int | None]:
        async with associated(server.dimse_port, COMMITMENT) as peer:
            response, _ = await peer.ask(action(**changed), data())
            if response.Status:
                return {response.Status}
            report, information = await peer.message()
            peer.send(reported(report, 0))
            assert information is not None
            return {one.FailureReason for one in read(information).FailedSOPSequence}

    return asked


async def another_class(server: Server) -> set[int | None]:
    ds = dataset()
    server.keep(ds)
    asked = committing(lambda: references(VERIFICATION, ds.SOPInstanceUID, generate_uid()))
    return await asked(server)


async def same_transaction(server: Server) -> set[int | None]:
    """Once more, of another instance, while the first is not reported: its report is refused."""
    transaction = generate_uid()
    async with associated(server.dimse_port, COMMITMENT, calling="REFUSING") as peer:
        first, _ = await peer.ask(action(), references(CT, "1.2.3", transaction))
        assert first.Status == 0
        peer.send(action(MessageID=4), references(CT, "1.2.4", transaction))
        while True:
            command, _ = await peer.message()
            if command.CommandField != Message.N_EVENT_REPORT:
                return {command.Status}
            peer.send(reported(command, reasons.PROCESSING_FAILURE.code))


def identifier(level: str, **keys: str) -> bytes:
    ds = Dataset()
    if level:
        ds.QueryRetrieveLevel = level
    for keyword, text in keys.items():
        setattr(ds, keyword, text)
    return encoded(ds)


def request(kind: Message, sop_class: str, **more: Any) -> Command:
    values = {"MessageID": 7, "Priority": 0, "CommandDataSetType": 1}
    return Command(kind, AffectedSOPClassUID=sop_class, **(values | more))


def finding(level: str, **keys: str) -> Asking:
    async def asked(server: Server) -> set[int | None]:
        server.keep(dataset())
        command = request(Message.C_FIND, STUDY_FIND)
        return await answers(server, command, identifier(level, **keys), STUDY_FIND)

    return asked


def moving(destination: str) -> Asking:
    async def asked(server: Server) -> set[int | None]:
        ds = dataset()
        server.keep(ds)
        chosen = identifier("STUDY", StudyInstanceUID=ds.StudyInstanceUID)
        command = request(Message.C_MOVE, STUDY_MOVE, MoveDestination=destination)
        return await answers(server, command, chosen, STUDY_MOVE)

    return asked


def getting(*, cancels: bool) -> Asking:
    """Two instances, of which the requester takes the class of one only, or stops at the first."""

    async def asked(server: Server) -> set[int | None]:
        study = generate_uid()
        for sop_class in (CT, CT if cancels else MR):
            server.keep(dataset(StudyInstanceUID=study, SOPClassUID=sop_class))
        roles = (Role(CT, scu=False, scp=True),)
        async with associated(server.dimse_port, STUDY_GET, CT, roles=roles) as peer:
            chosen = identifier("STUDY", StudyInstanceUID=study)
            peer.send(request(Message.C_GET, STUDY_GET), chosen)
            found: set[int | None] = set()
            while True:
                command, _ = await peer.message()
                if command.CommandField != Message.C_STORE:
                    found.add(command.Status)
                    if command.Status != reasons.PENDING.code:
                        return found
                    continue
                if cancels:
                    peer.send(Command(Message.C_CANCEL, MessageIDBeingRespondedTo=7))
                response = Command(
                    Message.C_STORE | 0x8000,
                    AffectedSOPClassUID=CT,
                    MessageIDBeingRespondedTo=command.MessageID,
                    Status=0,
                )
                peer.send(response, context=3)

    return asked


ASSOCIATED: dict[Reason, Asking] = {
    reasons.NO_SUCH_INSTANCE: committing(lambda: references(CT, "1.2.3", generate_uid())),
    reasons.INVALID_ARGUMENT: committing(lambda: references(CT, "1.2.3", "")),
    reasons.INVALID_INSTANCE: storing(AffectedSOPInstanceUID="one"),
    reasons.CLASS_CONFLICT: another_class,
    reasons.NO_SUCH_ACTION: committing(lambda: references(CT, "1.2.3"), ActionTypeID=2),
    reasons.NOT_AUTHORISED: not_authorised,
    reasons.DUPLICATE_TRANSACTION: same_transaction,
    reasons.DUPLICATE_MESSAGE: twice,
    reasons.UNRECOGNIZED_OPERATION: echoing(CommandField=Message.C_FIND),
    reasons.MISTYPED_ARGUMENT: echoing(MessageID=None),
    reasons.NO_SUB_OPERATIONS: moving("GONE"),
    reasons.DESTINATION_UNKNOWN: moving("NOBODY"),
    reasons.NOT_AS_COMMAND: storing(AffectedSOPInstanceUID="1.2.3"),
    reasons.BAD_IDENTIFIER: finding("", StudyInstanceUID=""),
    reasons.SOME_FAILED: getting(cancels=False),
    reasons.CANCELLED: getting(cancels=True),
    reasons.PENDING: finding("STUDY", StudyInstanceUID=""),
    reasons.PENDING_UNSUPPORTED: finding("STUDY", StudyInstanceUID="", PixelSpacing=""),
}


@pytest.mark.parametrize("reason", ASSOCIATED, ids=named)
async def test_a_message_is_answered_with_the_status(server, reason):
    assert reason.code in await ASSOCIATED[reason](server)


def test_what_cannot_be_counted_is_not_sent(tmp_path):
    """Somebody took a table away."""
    with started(tmp_path) as server:
        _without_table(server.data, "series")
        chosen = identifier("STUDY", StudyInstanceUID="1.2.3")
        command = request(Message.C_MOVE, STUDY_MOVE, MoveDestination="GONE")
        found = asyncio.run(answers(server, command, chosen, STUDY_MOVE))
    assert found == {reasons.CANNOT_COUNT.code}


# All of them ------------------------------------------------------------------------------


def test_every_reason_that_is_stated_is_provoked_here():
    """CONF-07: the tables of the statement are made of these."""
    assert {*STORING} | STORED_ELSEWHERE == {*FAILURES, *WARNINGS}
    assert {*REQUESTS, reasons.BUSY, reasons.TOO_BROAD} == {*REQUEST_FAILURES}
    assert {*ASSOCIATED, reasons.CANNOT_COUNT} == {*MESSAGE_STATUSES}
