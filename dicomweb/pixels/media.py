"""What a compressed image says of itself: the transfer syntax it belongs in, and its description.

For images that come without a DICOM header around them (PS3.18 Table 10.5.2-1).  Nothing is
decoded; a few bytes of header are read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dicomweb.pixels.codecs.jpegxl import Bits
from schemas.reasons import NOT_AS_STATED, TRANSFER_SYNTAX, Refused
from schemas.syntaxes import BY_UID, syntax_of

Read = Callable[[int, int], bytes]
"""Gives so many bytes at an offset of the image; fewer where it ends."""

HEADER_BYTES_MAX = 1024 * 1024
"""How far into an image its header is looked for; profiles and thumbnails may come before it."""
SEGMENTS_MAX = 10_000
BOXES_MAX = 10_000

_P = "1.2.840.10008.1.2"


@dataclass(frozen=True, slots=True)
class Media:
    """One image, or one video."""

    syntax: str
    """Transfer Syntax UID that it can be encapsulated in as it is."""
    Rows: int = 0
    """This and what follows: 0 or "" where it does not say."""
    Columns: int = 0
    SamplesPerPixel: int = 0
    PhotometricInterpretation: str = ""
    BitsAllocated: int = 0
    BitsStored: int = 0
    PixelRepresentation: int = 0
    NumberOfFrames: int = 1
    FrameTime: float = 0.0
    """Milliseconds."""
    begin: int = 0
    """Where the codestream begins and how long it is, without the file format around it."""
    length: int | None = None


_ALSO = {
    ".4.51": (".4.50",),
    ".4.53": (".4.55",),
    ".4.57": (".4.70",),
    ".4.81": (".4.80",),
    ".4.91": (".4.90",),
    ".4.92": (".4.90",),
    ".4.93": (".4.90", ".4.91", ".4.92"),
    ".4.111": (".4.110", ".4.112"),
    ".4.112": (".4.110",),
    ".4.110": (".4.112",),
    ".4.202": (".4.201",),
    ".4.203": (".4.201",),
}
"""What else a transfer syntax may hold: one for lossy images takes lossless ones, and the like."""


def read(media_type: str, source: Read, length: int, stated: str | None) -> Media:
    """What an image of this media type is.

    `stated` is a Transfer Syntax UID that its sender gave; it is believed as far as the image bears
    it out.  Raises Refused: NOT_AS_STATED for what is no such image, TRANSFER_SYNTAX for one that
    no transfer syntax has.
    """
    reader = _READERS.get(media_type)
    if reader is None:
        if stated is None or syntax_of(stated).media_type != media_type:
            raise Refused(TRANSFER_SYNTAX, f"{media_type[:80]} is in no transfer syntax.")
        return Media(stated)
    found = reader(source, length)
    if stated is not None and stated != found.syntax and fits(stated, found.syntax):
        return replace(found, syntax=stated)
    return found


def fits(stated: str, found: str) -> bool:
    """Whether an image that is of syntax `found` may be in an object of syntax `stated`."""
    also = (_P + suffix for suffix in _ALSO.get(stated.removeprefix(_P), ()))
    both = BY_UID.get(stated), BY_UID.get(found)
    video = all(syntax and syntax.video for syntax in both)
    return stated == found or found in also or video


def broken(media_type: str, why: str) -> Refused:
    """It is not what it is said to be."""
    return Refused(NOT_AS_STATED, f"A part is said to be {media_type}: {why}.")


def boxes(source: Read, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Of each box (ISO/IEC 14496-12 4.2, 15444-1 I.4): its kind, begin and end of what is in it."""
    for _ in range(BOXES_MAX):
        head = source(at, 16)
        if at + 8 > end or len(head) < 8:
            return
        size, kind, head_size = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, head_size = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head_size or at + size > end:
            return
        yield kind, at + head_size, at + size
        at += size


# JPEG and JPEG-LS --------------------------------------------------------------------

_SOI, _SOS, _APP14 = b"\xff\xd8", 0xDA, 0xEE
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_FRAMES = {0xC0: ".4.50", 0xC1: ".4.51", 0xC2: ".4.55", 0xC3: ".4.57", 0xF7: ".4.81"}
"""Frame headers, and the syntax of each (ISO/IEC 10918-1 B.1.1.3, 14495-1 C.1.1)."""
_OTHER_FRAMES = frozenset(range(0xC4, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(source: Read, length: int) -> Media:
    return _of_jpeg("image/jpeg", source)


def _jls(source: Read, length: int) -> Media:
    return _of_jpeg("image/jls", source)


def _of_jpeg(media_type: str, source: Read) -> Media:
    frame: tuple[str, bytes] | None = None
    adobe = None
    for marker, segment in _segments(media_type, source):
        if marker in _FRAMES:
            frame = _FRAMES[marker], segment
        elif marker in _OTHER_FRAMES:
            raise Refused(TRANSFER_SYNTAX, "Its JPEG process is in no transfer syntax.")
        elif marker == _APP14 and segment[:5] == b"Adobe" and len(segment) >= 12:
            adobe = segment[11]
        elif marker == _SOS:
            if frame is None:
                break
            return _jpeg_frame(media_type, *frame, segment, adobe)
    raise broken(media_type, "it has no frame and scan header")


def _segments(media_type: str, source: Read) -> Iterator[tuple[int, bytes]]:
    data = source(0, HEADER_BYTES_MAX)
    if data[:2] != _SOI:
        raise broken(media_type, "it does not begin as one")
    at = 2
    for _ in range(SEGMENTS_MAX):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if data[at : at + 1] != b"\xff" or at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker in _STANDALONE:
            at += 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + size


def _jpeg_frame(
    media_type: str, suffix: str, segment: bytes, scan: bytes, adobe: int | None
) -> Media:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5] or not scan:
        raise broken(media_type, "its frame header is cut")
    precision, rows, columns, samples = struct.unpack_from(">BHHB", segment)
    ids, factors = segment[6 : 6 + 3 * samples : 3], segment[7 : 6 + 3 * samples : 3]
    parameters = scan[1 + 2 * scan[0] :]
    if suffix == ".4.57" and parameters[:1] == b"\x01":
        suffix = ".4.70"
    elif suffix == ".4.81" and parameters[:1] == b"\0":
        suffix = ".4.80"
    lossless = suffix in (".4.57", ".4.70", ".4.80", ".4.81")
    rgb = lossless or adobe == 0 or (adobe is None and ids == b"RGB")
    colour = "RGB" if rgb else "YBR_FULL_422" if len(set(factors)) > 1 else "YBR_FULL"
    return _described(_P + suffix, rows, columns, samples, precision, colour)


def _described(
    syntax: str,
    rows: int,
    columns: int,
    samples: int,
    precision: int,
    colour: str,
    *,
    signed: bool = False,
) -> Media:
    if samples not in (1, 3):
        raise Refused(NOT_AS_STATED, f"An image has {samples} samples per pixel, not 1 or 3.")
    if not rows or not columns or precision > 32:
        raise Refused(NOT_AS_STATED, "An image does not say how large it is.")
    allocated = 8 if precision <= 8 else 16 if precision <= 16 else 32
    return Media(
        syntax,
        rows,
        columns,
        samples,
        "MONOCHROME2" if samples == 1 else colour,
        allocated,
        precision,
        int(signed),
    )


# JPEG 2000 and High-Throughput JPEG 2000 ---------------------------------------------

_SIZ, _CAP, _COD = 0x51, 0x50, 0x52
_SIZE = struct.Struct(">HIIIIIIIIH")
_PART_2, _PART_15 = 0x8000, 0x00020000
"""Bits of Rsiz (15444-1 A.5.1, 15444-2) and Pcap (15444-15 A.3)."""


def _j2k(source: Read, length: int) -> Media:
    return _of_j2k("image/jp2", source, length)


def _jpx(source: Read, length: int) -> Media:
    found = _of_j2k("image/jpx", source, length)
    reversible = found.syntax in (_P + ".4.90", _P + ".4.92")
    return replace(found, syntax=_P + (".4.92" if reversible else ".4.93"))


def _jph(source: Read, length: int) -> Media:
    return _of_j2k("image/jphc", source, length)


def _of_j2k(media_type: str, source: Read, length: int) -> Media:
    begin, size = _codestream_box(media_type, source, length)
    data = source(begin, HEADER_BYTES_MAX)
    if data[:4] != b"\xff\x4f\xff\x51":
        raise broken(media_type, "it does not begin as one")
    at, found = 2, dict[int, bytes]()
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data) and len(found) < SEGMENTS_MAX:
        marker = data[at + 1]
        if marker in (0x90, 0x93, 0xD9):  # the first tile-part begins, the data, the end
            break
        segment_size = int.from_bytes(data[at + 2 : at + 4], "big")
        found.setdefault(marker, data[at + 4 : at + 2 + segment_size])
        at += 2 + segment_size
    siz, cod = found.get(_SIZ, b""), found.get(_COD, b"")
    if len(siz) < _SIZE.size + 3 or len(cod) < 10:
        raise broken(media_type, "its main header is cut")
    return replace(_j2k_header(siz, cod, found.get(_CAP, b"")), begin=begin, length=size)


def _j2k_header(siz: bytes, cod: bytes, cap: bytes) -> Media:
    profile, width, height, left, top, *_, samples = _SIZE.unpack_from(siz)
    depths = siz[_SIZE.size : _SIZE.size + 3 * samples : 3]
    transformed, reversible = bool(cod[4]), cod[9] == 1
    if int.from_bytes(cap[:4], "big") & _PART_15:
        suffix = ".4.201" if reversible else ".4.203"
    elif profile & _PART_2:
        suffix = ".4.92" if reversible else ".4.93"
    else:
        suffix = ".4.90" if reversible else ".4.91"
    colour = ("YBR_RCT" if reversible else "YBR_ICT") if transformed else "RGB"
    precision = max((depth & 0x7F for depth in depths), default=0) + 1
    rows, columns = height - top, width - left
    signed = bool(depths) and depths[0] > 0x7F
    return _described(_P + suffix, rows, columns, samples, precision, colour, signed=signed)


def _codestream_box(media_type: str, source: Read, length: int) -> tuple[int, int]:
    """Where the codestream lies in a JP2, JPX or JPH file; all of it is one where there are no
    boxes (15444-1 I.5.4, PS3.5 A.4.4).
    """
    if source(4, 4) != b"jP  ":
        return 0, length
    for kind, begin, end in boxes(source, 0, length):
        if kind == b"jp2c":
            return begin, end - begin
    raise broken(media_type, "its boxes hold no codestream")


# JPEG XL ------------------------------------------------------------------------------

_JXL_FILE = b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_GREY = 1


def _choose(bits: Bits, *choices: tuple[int, int]) -> int:
    """U32: one of four pairs, a number and how many bits are added to it (18181-1 B.2)."""
    number, count = choices[bits.take(2)]
    return number + bits.take(count)


_SIZES = ((1, 9), (1, 13), (1, 18), (1, 30))
_DEPTHS = ((8, 0), (10, 0), (12, 0), (1, 6))
_COUNTS = ((0, 0), (1, 0), (2, 4), (1, 12))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))


def _jxl(source: Read, length: int) -> Media:
    data, recompressed = _jxl_codestream(source, length)
    if data[:2] != b"\xff\x0a":
        raise broken("image/jxl", "it does not begin as one")
    bits = Bits(data[2:])
    rows, columns = _jxl_size(bits)
    if bits.take(1):  # all default: 8 bits, sRGB, transformed
        return _described(_P + ".4.112", rows, columns, 3, 8, "XYB")
    if bits.take(1):  # orientation, previews, animations: nothing that DICOM has
        return Media(_P + (".4.111" if recompressed else ".4.112"), rows, columns)
    floating = bits.take(1)
    precision = (
        _choose(bits, (32, 0), (16, 0), (24, 0), (1, 6)) if floating else _choose(bits, *_DEPTHS)
    )
    bits.take(5 if floating else 1)
    if not floating and _choose(bits, *_COUNTS) == 0:
        transformed = bits.take(1)
        grey = not bits.take(1) and not bits.take(1) and _choose(bits, *_ENUM) == _GREY
        suffix = ".4.111" if recompressed else ".4.112" if transformed else ".4.110"
        colour = "XYB" if transformed else "RGB"
        samples = 1 if grey else 3
        return _described(_P + suffix, rows, columns, samples, precision, colour)
    return Media(_P + ".4.112", rows, columns)


def _jxl_size(bits: Bits) -> tuple[int, int]:
    small = bits.take(1)
    rows = (bits.take(5) + 1) * 8 if small else _choose(bits, *_SIZES)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        return rows, rows * numerator // denominator
    return rows, (bits.take(5) + 1) * 8 if small else _choose(bits, *_SIZES)


def _jxl_codestream(source: Read, length: int) -> tuple[bytes, bool]:
    """The beginning of the codestream, and whether a JPEG can be made of it again (18181-2)."""
    if source(0, 12) != _JXL_FILE:
        return source(0, 64), False
    recompressed = False
    for kind, begin, _ in boxes(source, len(_JXL_FILE), length):
        recompressed = recompressed or kind == b"jbrd"
        if kind in (b"jxlc", b"jxlp"):
            return source(begin + (4 if kind == b"jxlp" else 0), 64), recompressed
    raise broken("image/jxl", "its boxes hold no codestream")


def _undescribed(suffix: str) -> Callable[[Read, int], Media]:
    return lambda source, length: Media(_P + suffix)


_READERS: dict[str, Callable[[Read, int], Media]] = {
    "image/jpeg": _jpeg,
    "image/jls": _jls,
    "image/jp2": _j2k,
    "image/j2c": _j2k,
    "image/jpx": _jpx,
    "image/jph": _jph,
    "image/jphc": _jph,
    "image/jxl": _jxl,
    "image/dicom-rle": _undescribed(".5"),
    "application/x-deflate": _undescribed(".8.1"),
}
"""By media type, in lower case."""
