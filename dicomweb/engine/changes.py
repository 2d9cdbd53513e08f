"""Changes: what the header of an object says anew once its pixels are encoded otherwise.

PS3.5 8.2 ties a few attributes to the codestream; where something is lost, PS3.3 C.7.6.1.1 makes it
a derived image with a SOP Instance UID of its own.
"""

from __future__ import annotations

import struct

from blake3 import blake3
from pydicom.tag import Tag

from dicomweb.pixels.transcoding import Transcoding
from schemas.elements import ITEM, PIXEL_DATA
from schemas.reencoding import Change, Element, Gap, delimiter, element_head, padding_of

OFFSET_TABLES = (0x7FE00001, 0x7FE00002, 0x7FE00003)
"""Extended Offset Table, its lengths, and the total length of what is encapsulated."""
RATIO_DIGITS = 4

_UID_BYTES = 16


def derived_uid(uid: str, way: Transcoding) -> str:
    """The SOP Instance UID of what an instance becomes with loss: the same one every time."""
    digest = blake3(f"{uid} {way.wanted.uid}".encode()).digest(_UID_BYTES)
    return f"2.25.{int.from_bytes(digest)}"


def changes(way: Transcoding) -> dict[int, Change]:
    """Of an object whose frames go `way`, by tag; Pixel Data becomes a gap."""
    source, result = way.source, way.result
    made: dict[int, Change] = {PIXEL_DATA: lambda _: Gap(PIXEL_DATA)}
    made |= dict.fromkeys(OFFSET_TABLES, _left_out)
    if result.PhotometricInterpretation != source.PhotometricInterpretation:
        made[Tag("PhotometricInterpretation")] = _text("CS", result.PhotometricInterpretation)
    if result.SamplesPerPixel > 1 and not way.is_copy:
        made[Tag("PlanarConfiguration")] = _number(result.PlanarConfiguration)
    if result.BitsAllocated != source.BitsAllocated:
        made[Tag("BitsAllocated")] = _number(result.BitsAllocated)
    if way.stored.media_type == "image/jpeg" and not way.stored.lossless:
        made[Tag("LossyImageCompression")] = _text("CS", "01")
    return made


def changes_of_derived(
    way: Transcoding, ratio: float, *, SOPClassUID: str, SOPInstanceUID: str
) -> dict[int, Change]:
    """What is added to them when something is lost (PS3.3 C.7.6.1.1.3 to .5, C.12.4)."""
    assert way.method, "something is lost"
    said = f"{ratio:.{RATIO_DIGITS}g}"
    description = f"Lossy compression with {way.wanted.name}, {said} : 1"
    source = _sequence(
        ("ReferencedSOPClassUID", "UI", SOPClassUID),
        ("ReferencedSOPInstanceUID", "UI", SOPInstanceUID),
    )
    code = _sequence(
        ("CodeValue", "SH", "113040"),
        ("CodingSchemeDesignator", "SH", "DCM"),
        ("CodeMeaning", "LO", "Lossy Compression"),
    )
    return {
        Tag("ImageType"): _derived,
        Tag("SOPInstanceUID"): _text("UI", derived_uid(SOPInstanceUID, way)),
        Tag("DerivationDescription"): _text("ST", description),
        Tag("SourceImageSequence"): source,
        Tag("DerivationCodeSequence"): code,
        Tag("LossyImageCompression"): _text("CS", "01"),
        Tag("LossyImageCompressionRatio"): _appended("DS", said),
        Tag("LossyImageCompressionMethod"): _appended("CS", way.method),
    }


def _left_out(_: bytes) -> None:
    return None


def _text(vr: str, text: str) -> Change:
    return lambda _: Element(vr, text.encode("ascii"))


def _number(number: int) -> Change:
    return lambda _: Element("US", struct.pack("<H", number))


def _appended(vr: str, text: str) -> Change:
    """The history of what was lost stays, the latest last."""

    def change(value: bytes) -> Element:
        before = [value.strip(b" \0")] if value.strip(b" \0") else []
        return Element(vr, b"\\".join([*before, text.encode("ascii")]))

    return change


def _derived(value: bytes) -> Element:
    """Image Type with its first value changed (PS3.3 C.7.6.1.1.2)."""
    _, *rest = value.strip(b" \0").split(b"\\")
    return Element("CS", b"\\".join([b"DERIVED", *(rest or [b"PRIMARY"])]))


def _sequence(*attributes: tuple[str, str, str]) -> Change:
    """A sequence of one item in explicit VR: keyword, VR and value of each of its attributes."""
    pieces = []
    for keyword, vr, text in attributes:
        value = text.encode("ascii") + padding_of(vr)[: len(text) % 2]
        pieces.append(element_head(Tag(keyword), vr, len(value)) + value)
    item = b"".join(pieces)
    return lambda _: Element("SQ", delimiter(ITEM, len(item)) + item)


def pixel_vr(way: Transcoding) -> str:
    """The VR of Pixel Data (PS3.5 A.2, A.4)."""
    return "OB" if way.wanted.encapsulated or way.result.bits <= 8 else "OW"
