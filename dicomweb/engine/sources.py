"""Sources: an instance with all that is needed to make pictures of it, read from the index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from dicomweb.engine import instances, retrieve
from dicomweb.engine.absence import missing
from dicomweb.engine.archive import Archive
from dicomweb.engine.compression import decompress
from dicomweb.engine.instances import Laid
from dicomweb.pixels import tiles
from dicomweb.pixels.description import FLOATING, PixelDescription
from dicomweb.pixels.looks import bulks_needed
from dicomweb.pixels.tiles import Matrix
from schemas.identifiers import Selection, Uid
from schemas.keywords import DataSet, tag_of
from schemas.kinds import WHOLE_SLIDE, Kind, kind_of

BULK_BYTES_MAX = 32 * 1024 * 1024
"""Of lookup tables, overlays and profiles of one instance; those beyond it are as if not there."""
HEADER_BYTES_AT_ONCE = 256 * 1024
"""Compressed headers up to this are read on the event loop: a CT's takes less than a hop would."""
MEMORY_BYTES_OF_JSON_BYTE = 9
"""What a header takes once it is read: 8 to 9 times its JSON (of a CT: 96 KB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    laid: Laid
    ds: DataSet
    kind: Kind
    description: PixelDescription
    """What the header says of its pixels; empty where there are none."""
    matrix: Matrix | None
    """Where its frames are the tiles of one picture."""
    memory_bytes: int
    """What it takes to be remembered, about."""

    @property
    def frame_count(self) -> int:
        frames = self.laid.layout.frames
        return 0 if frames is None else frames.frame_count

    @property
    def is_moving(self) -> bool:
        """Whether it is a Multi-frame Image by PS3.18 8.7.2: one of one frame is not."""
        return self.kind is Kind.IMAGE and self.frame_count > 1 and self.matrix is None


async def source(archive: Archive, selection: Selection) -> Source:
    """The one instance that `selection` points at; Refused (404, 410) where there is none.

    What is remembered of an instance is as good as its blob: that goes when the instance is deleted
    or replaced, by whichever process.
    """
    known = instances.recall(archive, selection)
    if known is not None:
        remembered: Source | None = archive.pictures.sources.get(known.instance.blob)
        if remembered is not None and await archive.blobs.is_there(known.instance.blob):
            return remembered
    async for laid, header in instances.described(archive, selection):
        return await current(archive, laid, header)
    raise await missing(archive, selection)


async def current(archive: Archive, laid: Laid, header: bytes) -> Source:
    """The Source of an instance that the index just gave, with its compressed header; made unless
    it is remembered.
    """
    blob = laid.instance.blob
    found: Source | None = archive.pictures.sources.get(blob)
    if found is None:
        found = await _described(archive, laid, header)
        archive.pictures.sources.put(blob, found, found.memory_bytes)
    instances.remember(archive, selection_of(laid), found.laid)
    return found


async def sources(archive: Archive, selection: Selection) -> AsyncIterator[Source]:
    """Each instance that `selection` points at."""
    async for laid, header in instances.described(archive, selection):
        yield await _described(archive, laid, header)


async def _described(archive: Archive, laid: Laid, header: bytes) -> Source:
    if len(header) <= HEADER_BYTES_AT_ONCE:
        ds, json_bytes = _read(header)
    else:
        ds, json_bytes = await archive.pictures.run(lambda: _read(header))
    return await _source(archive, laid, ds, json_bytes * MEMORY_BYTES_OF_JSON_BYTE)


def _read(header: bytes) -> tuple[DataSet, int]:
    """A compressed header as a data set, and the length of its JSON."""
    json = decompress(header)
    return DataSet.of(json), len(json)


def selection_of(laid: Laid) -> Selection:
    """What points at an instance."""
    instance = laid.instance
    return Selection(
        Uid(instance.StudyInstanceUID),
        Uid(instance.SeriesInstanceUID),
        Uid(instance.SOPInstanceUID),
    )


async def _source(archive: Archive, laid: Laid, ds: DataSet, ds_bytes: int) -> Source:
    instance, frames = laid.instance, laid.layout.frames
    count = None if frames is None else frames.frame_count
    kind = kind_of(instance.SOPClassUID, frame_count=count, video=instance.syntax.video)
    bulks, room = {}, BULK_BYTES_MAX
    for path, value in laid.layout.bulk.items():
        if not _is_needed(kind, path):
            continue
        length = sum(length for _, length in value.ranges)
        if length <= room:
            room -= length
            syntax = retrieve.bulk_offers(laid, path)[0]
            pieces = [
                await retrieve.joined_body(part)
                async for part in retrieve.bulk(archive, laid, path, syntax)
            ]
            bulks[path] = b"".join(pieces)
    ds = DataSet(ds.members, bulks)
    tiled = instance.SOPClassUID == WHOLE_SLIDE and frames is not None
    return Source(
        laid=laid,
        ds=ds,
        kind=kind,
        description=_description(laid, ds),
        matrix=tiles.matrix(ds, count or 0) if tiled else None,
        memory_bytes=ds_bytes + (BULK_BYTES_MAX - room),
    )


_NEEDED = {
    Kind.DOCUMENT: frozenset({tag_of("EncapsulatedDocument")}),
    Kind.WAVEFORM: frozenset({tag_of("WaveformData")}),
    Kind.STRUCTURE_SET: frozenset({tag_of("ContourData")}),
}


def _is_needed(kind: Kind, path: str) -> bool:
    """Whether rendering reads the bulk value at `path`."""
    return bulks_needed(path) or path.rpartition("/")[2] in _NEEDED.get(kind, ())


def _description(laid: Laid, ds: DataSet) -> PixelDescription:
    elements = {"7FE00008": "FloatPixelData", "7FE00009": "DoubleFloatPixelData"}
    element = elements.get(laid.layout.pixels, "PixelData")
    allocated = FLOATING.get(element) or ds.whole("BitsAllocated")
    return PixelDescription(
        Rows=ds.whole("Rows"),
        Columns=ds.whole("Columns"),
        SamplesPerPixel=ds.whole("SamplesPerPixel", 1),
        BitsAllocated=allocated,
        NumberOfFrames=ds.whole("NumberOfFrames", 1),
        PhotometricInterpretation=ds.text("PhotometricInterpretation"),
        BitsStored=ds.whole("BitsStored"),
        HighBit=ds.whole("HighBit"),
        PixelRepresentation=ds.whole("PixelRepresentation"),
        PlanarConfiguration=ds.whole("PlanarConfiguration"),
        element=element,
    )
