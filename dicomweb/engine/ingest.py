"""Ingest: bytes -> parsed -> checked -> blob durable -> row committed -> Stored | NotStored.

An instance is walked once.  Nothing is acknowledged before its row is committed, and the row is
written after its blob is durable.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from dicomweb.engine import parsing
from dicomweb.engine.agreement import disagreements
from dicomweb.engine.archive import Archive
from dicomweb.engine.compression import compress
from dicomweb.engine.entries import Identity, identify, overlong, rows, sides
from dicomweb.engine.firsts import read as read_header
from dicomweb.engine.instances import forget
from dicomweb.engine.intake import Prepared
from dicomweb.engine.parsing import Read, Source
from dicomweb.store.blobs import Staged
from dicomweb.store.recording import Entry, Policy
from dicomweb.store.recording import Outcome as Recorded
from schemas.identifiers import Selection
from schemas.reasons import (
    BREAKS_RULES,
    DUPLICATE,
    NOT_AN_INSTANCE,
    NOT_AS_COMMAND,
    NOT_DICOM,
    OTHER_INSTANCE,
    OTHER_STUDY,
    PROCESSING_FAILURE,
    TOO_LARGE,
    TRANSFER_SYNTAX,
    Problem,
    Reason,
    Refused,
)
from schemas.services import Service, sop_class_of
from schemas.syntaxes import EXPLICIT_VR_BE, IMPLICIT_VR_LE

MEMORY_BYTES_MAX = 1024 * 1024
"""An object up to this stays in memory until it is whole; a larger one goes to disk as it comes."""

ANYWHERE = Selection()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """On record and durable."""

    identity: Identity
    size_bytes: int
    new: bool
    """False when the same instance was on record before."""
    problems: tuple[Problem, ...] = ()
    """What could not be understood of it, or had to be done to it."""


@dataclass(frozen=True, slots=True)
class NotStored:
    """Refused: nothing of it is in the archive."""

    reason: Reason
    detail: str
    SOPClassUID: str = ""
    SOPInstanceUID: str = ""
    """Both empty where the object did not say them."""
    keyword: str = ""
    """The attribute that is to blame, where it is one."""


Outcome = Stored | NotStored


class Upload:
    """One instance on its way in: written piece by piece, then finished or discarded.

    Memory holds at most `MEMORY_BYTES_MAX` and one piece of it.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        within: Selection = ANYWHERE,
        duplicates: Policy | None = None,
        said: Mapping[str, str] | None = None,
        on_web: bool = False,
    ) -> None:
        """`within` is where the instance has to belong; `duplicates` is in place of the setting;
        `said` is what a message says of the object, by keyword, which has to be true (A900);
        `on_web` tells what only STOW-RS has words for, and holds it to PS3.18 8.7.3 if strict.
        """
        self._archive = archive
        self._within = within
        self._duplicates = duplicates or archive.settings.duplicates
        self._said = said or {}
        self._on_web = on_web
        self._noted: tuple[Problem, ...] = ()
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._staged: Staged | None = None
        self._refused: Refused | None = None
        self._in_line = asyncio.Event()
        self.size_bytes = 0

    def refuse(self, refused: Refused | None) -> None:
        """What is still to come of it is passed over; `finish` says why."""
        self._refused = refused

    def note(self, problems: tuple[Problem, ...]) -> None:
        """What was found before it came here; it is told with what is found here."""
        self._noted = problems

    async def write(self, data: bytes) -> None:
        """Takes the next piece."""
        self.size_bytes += len(data)
        if self._refused is not None:
            return
        bytes_max = self._archive.settings.max_instance_bytes
        if self.size_bytes > bytes_max:
            await self._give_up(
                Refused(TOO_LARGE, f"The instance is larger than {bytes_max} bytes.")
            )
            return
        self._pieces.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > MEMORY_BYTES_MAX:
            try:
                await self._archive.run(self._spill)
            except Refused as refused:
                await self._give_up(refused)

    def _spill(self) -> None:
        if self._staged is None:
            self._staged = self._archive.blobs.stage()
        self._staged.write(self._pieces)
        self._pieces, self._held_bytes = [], 0

    async def _give_up(self, refused: Refused) -> None:
        self._refused = refused
        await self.discard()

    async def discard(self) -> None:
        """Throws away what was written and not finished; harmless at any time."""
        self._pieces, self._held_bytes = [], 0
        staged, self._staged = self._staged, None
        if staged is not None:
            await self._archive.run(staged.discard)

    async def finish(self, after: Upload | None = None) -> Outcome:
        """Stores what was written; whatever goes wrong with this instance is told, never raised.

        `after` is the one whose row goes first: the first instance of a study decides its
        attributes, and that is to be the first one sent.
        """
        whole: _Whole | None = None
        try:
            if self._refused is not None:
                return self._not_stored(self._refused, {})
            whole = _Whole(
                *(self._archive, self._pieces, self._staged, self._held_bytes, self._within),
                *(self._duplicates, self._said, self._on_web),
            )
            self._pieces, self._held_bytes, self._staged = [], 0, None
            return await self._store(whole, after)
        except Refused as refused:
            return self._not_stored(refused, whole.values if whole is not None else {})
        except Exception:  # noqa: BLE001 - one instance's bad luck is not another's
            _log.exception("An instance could not be stored")
            values = whole.values if whole is not None else {}
            return self._not_stored(Refused(PROCESSING_FAILURE), values)
        finally:
            self._in_line.set()

    async def _store(self, whole: _Whole, after: Upload | None) -> Outcome:
        archive = self._archive
        if whole.is_large:
            await archive.run(whole.prepare)  # its sync is long, and others do not wait for it
        if after is not None:
            await after._in_line.wait()
        await archive.intake.room()
        told = archive.intake.put(whole)
        self._in_line.set()
        receipt = await asyncio.shield(told)
        assert whole.identity is not None, "what is on record was parsed"
        if receipt.outcome is Recorded.CONFLICT:
            raise Refused(DUPLICATE)
        if receipt.outcome is Recorded.REPLACED:
            one = whole.identity
            at = Selection(one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
            forget(archive, at)
        new = receipt.outcome is not Recorded.SAME
        entry, problems = whole.prepare().entry, (*self._noted, *whole.problems)
        if new and self._on_web and not receipt.began:  # C-STORE has no status that says so
            problems += await disagreements(archive, entry)
        return Stored(whole.identity, entry.instance["size_bytes"], new, problems)

    def _not_stored(self, refused: Refused, values: Mapping[str, str]) -> NotStored:
        code = refused.reason.code or PROCESSING_FAILURE.code or 0
        uid = values.get("SOPInstanceUID", "")
        self._archive.index.refused(code, refused.detail, uid)
        return NotStored(
            refused.reason, refused.detail, values.get("SOPClassUID", ""), uid, refused.keyword
        )


class _Whole:
    """An instance that came in whole: an Arrival."""

    def __init__(
        self,
        archive: Archive,
        pieces: Sequence[bytes],
        staged: Staged | None,
        held_bytes: int,
        within: Selection,
        policy: Policy,
        said: Mapping[str, str],
        on_web: bool,
    ) -> None:
        self._archive = archive
        self._pieces = pieces
        self._staged = staged
        self._within = within
        self._said = said
        self._on_web = on_web
        self._prepared: Prepared | None = None
        self.is_large = staged is not None
        self.held_bytes = 0 if self.is_large else held_bytes
        self.policy = policy
        self.values: Mapping[str, str] = {}
        self.identity: Identity | None = None
        self.problems: tuple[Problem, ...] = ()

    def prepare(self) -> Prepared:
        """Parses and checks it, once; in a thread.  The blob of a large one is durable then."""
        if self._prepared is None:
            try:
                self._prepared = self._prepare()
            finally:
                if self._staged is not None:
                    self._staged.discard()
        return self._prepared

    def _prepare(self) -> Prepared:
        if self._staged is not None and self._pieces:
            self._staged.write(self._pieces)
            self._pieces = ()
        with self._source() as source:
            read, identity = self._check(source)
            head = parsing.missing_head(source, read, identity)
            if head is None:
                return self._prepared_of(source, read, identity)
        self._put_in_front(*head)
        with self._source() as source:
            read, identity = self._check(source)
            return self._prepared_of(source, read, identity)

    @contextmanager
    def _source(self) -> Iterator[Source]:
        if self._staged is None:
            if len(self._pieces) != 1:
                self._pieces = [b"".join(self._pieces)]
            yield Source(self._pieces[0])
        else:
            yield parsing.source_of(self._staged.fileno())

    def _check(self, source: Source) -> tuple[Read, Identity]:
        read = parsing.read(source)
        self.values = read.values
        identity = identify(read.values, strict=self._archive.settings.strict)
        _check_place(identity, self._within)
        if self._archive.settings.strict:
            _check_strictly(source, read, on_web=self._on_web)
        for keyword, uid in self._said.items():
            if getattr(identity, keyword) != uid:
                raise Refused(
                    NOT_AS_COMMAND, f"{keyword} is not the one that the message says.", keyword
                )
        return read, identity

    def _put_in_front(self, head: bytes, left_out: int) -> None:
        if self._staged is None:
            self._pieces = [head, self._pieces[0][left_out:]]
            return
        without, self._staged = self._staged, self._archive.blobs.stage()
        try:
            self._staged.write([head])
            for offset in range(left_out, without.size_bytes, parsing.BLOCK_BYTES):
                self._staged.write([os.pread(without.fileno(), parsing.BLOCK_BYTES, offset)])
        finally:
            without.discard()

    def _prepared_of(self, source: Source, read: Read, identity: Identity) -> Prepared:
        patient, study, series, instance = rows(identity, read.values, read.header.pieces)
        instance |= {
            "TransferSyntaxUID": read.location.syntax.uid,
            "size_bytes": source.size_bytes,
            "data_set_offset": read.location.offset,
            "pixels": read.pixels.to_text() if read.pixels is not None else "",
            "digest": parsing.digest(source, read.location.offset),
            "blob": "",
        }
        header, layout = compress(read.header.json), read.layout.to_bytes()
        buffers: Sequence[bytes] = self._pieces
        if self._staged is not None:
            staged, self._staged, buffers = self._staged, None, ()
            instance["blob"] = staged.keep()
        self.identity = identity
        self.problems = (*read.header.problems, *overlong(identity))
        entry = Entry(
            *(patient, study, series, instance, header, layout),
            sides=partial(sides, values=read.values, pieces=read.header.pieces),
            data_set=partial(read_header, header),
        )
        return Prepared(entry, buffers)


def _check_strictly(source: Source, read: Read, *, on_web: bool) -> None:
    """Raises Refused for what only leniency lets pass (RUL-38)."""
    location = read.location
    if on_web and (source.read(128, 4) != b"DICM" or location.meta.TransferSyntaxUID is None):
        raise Refused(NOT_DICOM, "It is no Part 10 file: it has no preamble or no File Meta.")
    if on_web and location.syntax in (IMPLICIT_VR_LE, EXPLICIT_VR_BE):
        raise Refused(TRANSFER_SYNTAX, f"{location.syntax.name} is not used on the web.")
    sop_class = sop_class_of(read.values.get("SOPClassUID", ""))
    if on_web and (sop_class is None or sop_class.service is not Service.STORE):
        raise Refused(NOT_AN_INSTANCE, "Its SOP Class is none of storage.", "SOPClassUID")
    if read.header.problems:
        raise Refused(BREAKS_RULES, read.header.problems[0])


def _check_place(identity: Identity, within: Selection) -> None:
    """Raises Refused for an instance of another study, or another one, than the URL names."""
    if within.study not in (None, identity.StudyInstanceUID):
        raise Refused(OTHER_STUDY, f"It belongs to study {identity.StudyInstanceUID}.")
    if within.series not in (None, identity.SeriesInstanceUID):
        raise Refused(OTHER_INSTANCE, f"It belongs to series {identity.SeriesInstanceUID}.")
    if within.instance not in (None, identity.SOPInstanceUID):
        raise Refused(OTHER_INSTANCE, f"It is instance {identity.SOPInstanceUID}.")
