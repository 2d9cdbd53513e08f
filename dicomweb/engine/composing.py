"""Composing: metadata and the parts its BulkDataURIs lead to -> a Part 10 file (PS3.18 10.5.1.4).

What is made goes the way of every other instance: it is written to an Upload, parsed and checked.
Compressed images stay as they are; only PNG and GIF become native (PS3.18 Table 10.5.2-1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from dicomweb.pixels import media, pictures, videos
from dicomweb.pixels.media import Media
from schemas import data_set as data_sets
from schemas.elements import ITEM, PIXEL_DATA, UNDEFINED, name_of
from schemas.json_forms import JsonDataSet
from schemas.part10 import file_meta
from schemas.reasons import (
    BULK_MISSING,
    COERCED,
    LEFT_OUT,
    NOT_AS_DESCRIBED,
    NOT_AS_STATED,
    NOT_DICOM,
    TRANSFER_SYNTAX,
    Problem,
    Refused,
)
from schemas.reencoding import SEQUENCE_END_MARK, Piece, Span, delimiter, element_head
from schemas.syntaxes import BY_UID, EXPLICIT_VR_LE, IMPLICIT_VR_LE, NATIVE, syntax_of

FRAGMENT_BYTES_MAX = 0xFFFF_FFFE
TABLE_OFFSET_MAX = 0xFFFF_FFFF

_DOCUMENT, _DOCUMENT_TYPE, _DOCUMENT_LENGTH = "00420011", "00420012", "00420015"
_PIXELS = f"{PIXEL_DATA:08X}"

_EIGHT_BITS = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{suffix}"
    for suffix in (
        *("3.1", "6.1", "7.2", "7.4", "77.1.1", "77.1.1.1", "77.1.2", "77.1.2.1"),
        *("77.1.3", "77.1.4", "77.1.4.1"),
    )
)
"""SOP classes whose pixels have no more than 8 bits (PS3.3 A.6 to A.8, A.32)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the request that holds a bulk value, or a frame."""

    media_type: str
    """In lower case, without parameters."""
    transfer_syntax: str | None
    """As its sender states it."""
    offset: int
    """In the spool that holds all of them."""
    length: int


Find = Callable[[str], Sequence[Part]]
"""The parts that a BulkDataURI leads to, frames in their order; none if it leads nowhere."""
Spooled = Callable[[int, int], bytes]
"""Gives so many bytes of the spool at an offset."""
Append = Callable[[bytes], int]
"""Puts bytes at the end of the spool and tells where they begin."""


@dataclass(frozen=True, slots=True)
class Composed:
    pieces: list[Piece]
    """Of the file; spans are of the spool."""
    problems: tuple[Problem, ...]


def compose(metadata: Any, find: Find, spooled: Spooled, append: Append) -> Composed:
    """The file of one instance.

    Raises Refused: NOT_DICOM for metadata that is none, BULK_MISSING, NOT_AS_STATED,
    NOT_AS_DESCRIBED, TRANSFER_SYNTAX, TOO_LARGE, OUT_OF_RESOURCES.
    """
    return _Composer(metadata, find, spooled, append).composed()


@dataclass(slots=True)
class _Pixels:
    """The pixel data as it is to be written, and what is known of it."""

    syntax: str
    element: list[Piece] | None = None
    """None: as any other bulk value."""
    description: dict[str, Any] = field(default_factory=dict)
    """By keyword, what the image says of itself."""
    transformed: bool = False
    """The description has to be true, since the pixels were made here."""


class _Composer:
    def __init__(self, metadata: Any, find: Find, spooled: Spooled, append: Append) -> None:
        if not isinstance(metadata, dict):
            raise Refused(NOT_DICOM, "A data set in the metadata is no JSON object.")
        self._data_set: JsonDataSet = {key.upper(): value for key, value in metadata.items()}
        self._find = find
        self._spooled = spooled
        self._append = append
        self._problems: list[Problem] = []

    def composed(self) -> Composed:
        pixels = self._pixels()
        self._describe(pixels)
        self._document()
        ready = {PIXEL_DATA: pixels.element} if pixels.element is not None else {}
        if ready:
            self._data_set.pop(_PIXELS)
        written = data_sets.write(self._data_set, self._bulk, ready=ready)
        if written.left_out:
            sentence = f"{', '.join(map(name_of, written.left_out[:3]))} does not belong into it."
            self._problems.append(Problem(sentence, *written.left_out, reason=LEFT_OUT))
        meta = file_meta(
            SOPClassUID=self._text("SOPClassUID"),
            SOPInstanceUID=self._text("SOPInstanceUID"),
            TransferSyntaxUID=pixels.syntax,
        )
        return Composed([meta, *written.pieces], tuple(self._problems))

    def _parts(self, tag: int, uri: str) -> Sequence[Part]:
        parts = self._find(uri)
        if not parts:
            shown = uri if len(uri) <= 80 else f"{uri[:80]}..."
            raise Refused(BULK_MISSING, f"{name_of(tag)}: no part is called {shown!r}.")
        return parts

    def _bulk(self, tag: int, uri: str) -> list[Piece]:
        """A value that is given as it is, little endian (STOW-20)."""
        parts = self._parts(tag, uri)
        for part in parts:
            if part.media_type.startswith(("image/", "video/")):
                raise Refused(
                    NOT_AS_STATED,
                    f"{name_of(tag)} is given as {part.media_type[:80]}; only the pixel data of "
                    "the instance itself may be.",
                )
        return [Span(part.offset, part.length) for part in parts]

    # Pixel data -----------------------------------------------------------------------

    def _pixels(self) -> _Pixels:
        attribute = self._data_set.get(_PIXELS)
        uri = attribute.get("BulkDataURI") if isinstance(attribute, dict) else None
        if not isinstance(uri, str):
            return _Pixels(EXPLICIT_VR_LE.uid)
        parts = self._parts(PIXEL_DATA, uri)
        if len({part.media_type for part in parts}) > 1:
            raise Refused(NOT_AS_STATED, "The frames are of different media types.")
        first = parts[0]
        if first.media_type in pictures.TYPES:
            return self._transformed(parts)
        if videos.is_video(first.media_type):
            return self._video(parts)
        stated = None if first.transfer_syntax in (None, "*") else first.transfer_syntax
        if first.media_type == NATIVE and not _is_encapsulated(stated):
            return _Pixels(EXPLICIT_VR_LE.uid)
        return self._encapsulated(parts, stated)

    def _encapsulated(self, parts: Sequence[Part], stated: str | None) -> _Pixels:
        images = [self._image(part, stated) for part in parts]
        first = images[0]
        _check_alike((i.syntax, i.Rows, i.Columns, i.SamplesPerPixel) for i in images)
        if stated is not None and first.syntax != stated:
            self._problems.append(
                Problem(f"The pixel data is of transfer syntax {first.syntax}, not as stated.")
            )
        spans = [
            Span(part.offset + image.begin, part.length if image.length is None else image.length)
            for part, image in zip(parts, images, strict=True)
        ]
        described = _described(first) if first.Rows else {}
        described["NumberOfFrames"] = len(parts)
        return _Pixels(first.syntax, _fragments(spans), described)

    def _image(self, part: Part, stated: str | None) -> Media:
        if part.media_type == NATIVE:
            assert stated is not None, "octets are images only where a syntax says so"
            media_type = syntax_of(stated).media_type.lower()
            if media_type == NATIVE:
                return Media(stated)
            return media.read(media_type, self._reader(part), part.length, stated)
        return media.read(part.media_type, self._reader(part), part.length, stated)

    def _reader(self, part: Part) -> Callable[[int, int], bytes]:
        def read(offset: int, length: int) -> bytes:
            length = min(length, part.length - offset)
            return self._spooled(part.offset + offset, length) if length > 0 else b""

        return read

    def _video(self, parts: Sequence[Part]) -> _Pixels:
        if len(parts) > 1:
            raise Refused(NOT_AS_DESCRIBED, "A video is one part (PS3.18 10.5.1.4).")
        (part,) = parts
        video = videos.read(part.media_type, self._reader(part), part.length, part.transfer_syntax)
        described = _described(video) if video.Rows else {}
        if video.NumberOfFrames > 1:
            described["NumberOfFrames"] = video.NumberOfFrames
        if video.FrameTime:
            described["FrameTime"] = round(video.FrameTime, 6)
        syntax, spans = video.syntax, [Span(part.offset, part.length)]
        if part.length > FRAGMENT_BYTES_MAX:
            syntax = syntax if syntax.endswith(".1") else f"{syntax}.1"
            if syntax not in BY_UID:
                raise Refused(TRANSFER_SYNTAX, "Such a video may not be larger than 4 GiB.")
            ends = range(part.offset, part.offset + part.length, FRAGMENT_BYTES_MAX)
            end = part.offset + part.length
            spans = [Span(at, min(FRAGMENT_BYTES_MAX, end - at)) for at in ends]
        return _Pixels(syntax, _items(b"", spans), described)

    def _transformed(self, parts: Sequence[Part]) -> _Pixels:
        spans: list[Span] = []
        first: pictures.Picture | None = None
        for picture in self._pictures(parts):
            first = first or picture
            _check_alike(
                (p.Rows, p.Columns, p.SamplesPerPixel, p.BitsAllocated) for p in (first, picture)
            )
            spans.append(Span(self._append(picture.pixels), len(picture.pixels)))
        if first is None:
            raise Refused(NOT_AS_STATED, "A picture has no frame.")
        if first.BitsAllocated > 8 and self._text("SOPClassUID") in _EIGHT_BITS:
            raise Refused(
                NOT_AS_DESCRIBED, "The picture has 16 bits a sample; its SOP class allows 8."
            )
        grey = first.SamplesPerPixel == 1
        described = {
            "Rows": first.Rows,
            "Columns": first.Columns,
            "SamplesPerPixel": first.SamplesPerPixel,
            "PhotometricInterpretation": "MONOCHROME2" if grey else "RGB",
            "BitsAllocated": first.BitsAllocated,
            "BitsStored": first.BitsAllocated,
            "HighBit": first.BitsAllocated - 1,
            "PixelRepresentation": 0,
            **({} if grey else {"PlanarConfiguration": 0}),
            "NumberOfFrames": len(spans),
        }
        vr = "OB" if first.BitsAllocated == 8 else "OW"
        element = data_sets.element(PIXEL_DATA, vr, spans)
        return _Pixels(EXPLICIT_VR_LE.uid, element, described, transformed=True)

    def _pictures(self, parts: Sequence[Part]) -> Iterator[pictures.Picture]:
        for part in parts:
            yield from pictures.frames(part.media_type, self._reader(part), part.length)

    # Attributes -----------------------------------------------------------------------

    def _describe(self, pixels: _Pixels) -> None:
        """Puts in what the metadata leaves out of the Image Pixel Description (PS3.18 10.5.2).

        What it says otherwise stays, with a warning, unless the pixels were made here.
        """
        frames = pixels.description.pop("NumberOfFrames", None)
        if frames is not None:
            self._count(frames)
        original: JsonDataSet = {}
        for keyword, value in pixels.description.items():
            tag, stated = _tag_of(keyword), self._value(keyword)
            if stated is None:
                self._data_set[f"{tag:08X}"] = _attribute(keyword, value)
            elif _same(keyword, stated, value):
                continue
            elif not pixels.transformed:
                sentence = f"{keyword} is not what the pixel data itself says."
                self._problems.append(Problem(sentence, tag))
            elif keyword in _SAID_OF_THE_ENCODING:
                original[f"{tag:08X}"] = self._data_set[f"{tag:08X}"]
                self._data_set[f"{tag:08X}"] = _attribute(keyword, value)
            else:
                raise Refused(
                    NOT_AS_DESCRIBED,
                    f"{keyword} is {str(stated)[:40]} in the metadata, {value} in the picture.",
                )
        if original:
            self._coerce(original)
        if pixels.element is not None and self._value("Rows") is None:
            raise Refused(
                NOT_AS_DESCRIBED, "Rows is missing, and the pixel data itself does not say it."
            )

    def _count(self, frames: int) -> None:
        """Number of Frames, which has to be that of the parts (RUL-12)."""
        stated = self._value("NumberOfFrames")
        if stated is None:
            if frames > 1:
                self._data_set[f"{_tag_of('NumberOfFrames'):08X}"] = _attribute(
                    "NumberOfFrames", frames
                )
        elif str(stated).strip() != str(frames):
            raise Refused(
                NOT_AS_DESCRIBED,
                f"NumberOfFrames is {str(stated)[:40]}, and the pixel data has {frames}.",
            )

    def _coerce(self, original: JsonDataSet) -> None:
        """Original Attributes Sequence tells what was changed (PS3.3 C.12.1, STOW-31)."""
        tag = f"{_tag_of('OriginalAttributesSequence'):08X}"
        before = self._data_set.get(tag, {"vr": "SQ"})
        now = datetime.now(UTC).strftime("%Y%m%d%H%M%S.%f+0000")
        item: JsonDataSet = {
            f"{_tag_of(keyword):08X}": _attribute(keyword, value)
            for keyword, value in {
                "AttributeModificationDateTime": now,
                "ModifyingSystem": "DICOMWEB",
                "SourceOfPreviousValues": "",
                "ReasonForTheAttributeModification": "COERCE",
            }.items()
        }
        item[f"{_tag_of('ModifiedAttributesSequence'):08X}"] = {"vr": "SQ", "Value": [original]}
        items = [*before.get("Value", []), item]
        self._data_set[tag] = {"vr": "SQ", "Value": items}
        tags = [int(name, 16) for name in original]
        names = ", ".join(map(name_of, tags))
        sentence = f"{names} had to be changed to fit the pixels of the picture."
        self._problems.append(Problem(sentence, *tags, reason=COERCED))

    def _document(self) -> None:
        """The media type and the length of an encapsulated document (PS3.3 C.24.2, STOW-23)."""
        attribute = self._data_set.get(_DOCUMENT)
        uri = attribute.get("BulkDataURI") if isinstance(attribute, dict) else None
        if not isinstance(uri, str):
            return
        parts = self._parts(int(_DOCUMENT, 16), uri)
        sent, length = parts[0].media_type, sum(part.length for part in parts)
        stated = self._value("MIMETypeOfEncapsulatedDocument")
        if stated is None and sent != NATIVE:
            self._data_set[_DOCUMENT_TYPE] = {"vr": "LO", "Value": [sent]}
        elif sent != NATIVE and str(stated).lower() != sent:
            sentence = "The document is sent as another media type than it is said to be."
            self._problems.append(Problem(sentence, int(_DOCUMENT_TYPE, 16)))
        said = self._value("EncapsulatedDocumentLength")
        if said is None:
            self._data_set[_DOCUMENT_LENGTH] = {"vr": "UL", "Value": [length]}
        elif str(said) != str(length):
            sentence = "EncapsulatedDocumentLength is not the length of the document."
            self._problems.append(Problem(sentence, int(_DOCUMENT_LENGTH, 16)))

    def _value(self, keyword: str) -> Any:
        """The first value of an attribute of the metadata; None where it has none."""
        attribute = self._data_set.get(f"{_tag_of(keyword):08X}")
        values = attribute.get("Value") if isinstance(attribute, dict) else None
        return values[0] if isinstance(values, list) and values else None

    def _text(self, keyword: str) -> str:
        value = self._value(keyword)
        return value if isinstance(value, str) else ""


_SAID_OF_THE_ENCODING = frozenset(
    {"PhotometricInterpretation", "PlanarConfiguration", "BitsStored", "HighBit"}
)
"""What may be changed when a picture is made native; all else would change what it shows."""


def _check_alike(kinds: Iterable[tuple[object, ...]]) -> None:
    if len(set(kinds)) > 1:
        raise Refused(NOT_AS_DESCRIBED, "The frames are not all of the same kind.")


def _is_encapsulated(stated: str | None) -> bool:
    if stated is None or stated == EXPLICIT_VR_LE.uid:
        return False
    syntax = BY_UID.get(stated)
    if syntax is None or not (syntax.encapsulated or syntax is IMPLICIT_VR_LE):
        raise Refused(TRANSFER_SYNTAX, f"Bulk data cannot be in {stated[:80]}.")
    return syntax.encapsulated


def _described(image: Media) -> dict[str, Any]:
    colour = image.PhotometricInterpretation
    described = {
        "Rows": image.Rows,
        "Columns": image.Columns,
        "SamplesPerPixel": image.SamplesPerPixel,
        "PhotometricInterpretation": colour,
        "BitsAllocated": image.BitsAllocated,
        "BitsStored": image.BitsStored,
        "HighBit": image.BitsStored - 1 if image.BitsStored else 0,
        "PixelRepresentation": image.PixelRepresentation,
        "PlanarConfiguration": 0,
    }
    if not colour:
        return {"Rows": image.Rows, "Columns": image.Columns}
    if image.SamplesPerPixel < 2:
        del described["PlanarConfiguration"]
    return described


def _same(keyword: str, stated: Any, found: Any) -> bool:
    if keyword == "FrameTime":
        return True  # what the sender knows of time is more than what a container says
    if keyword == "PhotometricInterpretation":
        pair = {str(stated).strip().upper(), found}
        return len(pair) == 1 or pair == {"MONOCHROME1", "MONOCHROME2"}
    return str(stated).strip() == str(found)


def _tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not in the data dictionary"
    return tag


def _attribute(keyword: str, value: Any) -> dict[str, Any]:
    vr = dictionary_VR(_tag_of(keyword))
    assert keyword_for_tag(_tag_of(keyword)) == keyword
    return {"vr": vr} if value == "" else {"vr": vr, "Value": [value]}


# Encapsulation (PS3.5 A.4) -----------------------------------------------------------


def _fragments(frames: Sequence[Span]) -> list[Piece]:
    """Each frame one fragment; the Basic Offset Table is left empty where it would overflow."""
    offsets, at = [], 0
    for frame in frames:
        offsets.append(at)
        at += 8 + frame.length + frame.length % 2
    if offsets[-1] > TABLE_OFFSET_MAX or len(frames) == 1:
        return _items(b"", frames)
    return _items(b"".join(offset.to_bytes(4, "little") for offset in offsets), frames)


def _items(table: bytes, spans: Sequence[Span]) -> list[Piece]:
    pieces: list[Piece] = [
        element_head(PIXEL_DATA, "OB", UNDEFINED) + delimiter(ITEM, len(table)) + table
    ]
    for span in spans:
        padding = span.length % 2
        if span.length + padding > FRAGMENT_BYTES_MAX:
            raise Refused(NOT_AS_DESCRIBED, "A frame is larger than 4 GiB.")
        pieces += [delimiter(ITEM, span.length + padding), span, bytes(padding)]
    return [*pieces, SEQUENCE_END_MARK]
