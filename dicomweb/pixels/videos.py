"""What a video says of itself: its transfer syntax, size and length (PS3.5 8.2.5 to 8.2.9).

MP4 files and MPEG-2 streams; of others the sender has to say what they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from dicomweb.pixels.media import Media, Read, boxes, broken
from schemas.syntaxes import BY_UID

MPEG2_HEADER_BYTES_MAX = 1024 * 1024

_P = "1.2.840.10008.1.2"
_TYPES = ("video/mpeg", "video/mp4", "video/h265")
_DEFAULTS = {"video/mpeg": ".4.101", "video/mp4": ".4.102", "video/h265": ".4.107"}
"""PS3.18 Table 8.7.3-5."""
_DESCRIBED = Media("", SamplesPerPixel=3, BitsAllocated=8, BitsStored=8)


def is_video(media_type: str) -> bool:
    return media_type in _TYPES


def read(media_type: str, source: Read, length: int, stated: str | None) -> Media:
    """What a video of this media type (in lower case) is; `stated` is what its sender says.

    Raises Refused (NOT_AS_STATED) for what is no such video.
    """
    found = _mpeg2(source) if media_type == "video/mpeg" else _mp4(media_type, source, length)
    if stated is not None and stated in BY_UID and BY_UID[stated].video:
        return replace(found, syntax=stated)
    return found


# MP4 (ISO/IEC 14496-12, 14496-15) ------------------------------------------------------

_AVC_LEVEL_MAX, _AVC_STEREO = 41, (118, 128)
"""Of .102, level 4.1; profiles of .106."""
_HEVC_MAIN_10 = 2


def _mp4(media_type: str, source: Read, length: int) -> Media:
    bare = replace(_DESCRIBED, syntax=_P + _DEFAULTS[media_type], PhotometricInterpretation="")
    if source(4, 4) not in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        start = source(0, 4)
        if not start.startswith((b"\0\0\1", b"\0\0\0\1")) and start[:1] != b"\x47":
            raise broken(media_type, "it does not begin as one")
        return bare
    for track in _within(source, 0, length, b"moov", b"trak", b"mdia"):
        media = _track(source, *track, bare)
        if media is not None:
            return media
    raise broken(media_type, "it has no track of video")


def _within(source: Read, at: int, end: int, *path: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of every box of this path."""
    for kind, begin, stop in boxes(source, at, end):
        if kind == path[0]:
            if len(path) == 1:
                yield begin, stop
            else:
                yield from _within(source, begin, stop, *path[1:])


def _track(source: Read, at: int, end: int, bare: Media) -> Media | None:
    """The description of a track of video; None for one of something else."""
    described = next(_within(source, at, end, b"minf", b"stbl", b"stsd"), None)
    if described is None:
        return None
    entry = next(boxes(source, described[0] + 8, described[1]), None)
    if entry is None or entry[0] not in (b"avc1", b"avc3", b"hvc1", b"hev1", b"mp4v"):
        return None
    kind, begin, stop = entry
    columns, rows = struct.unpack(">HH", source(begin + 24, 4).ljust(4, b"\0"))
    frames, time = _duration(source, at, end)
    return replace(
        bare,
        syntax=_P + _profile(source, kind, begin + 78, stop, bare.syntax.removeprefix(_P)),
        Rows=rows,
        Columns=columns,
        PhotometricInterpretation="YBR_PARTIAL_420",
        NumberOfFrames=frames,
        FrameTime=time,
    )


def _profile(source: Read, kind: bytes, at: int, end: int, default: str) -> str:
    """By the decoder configuration in a sample entry (14496-15 5.3.3, 8.3.3)."""
    for name, begin, _ in boxes(source, at, end):
        data = source(begin, 16)
        if name == b"avcC" and len(data) >= 4:
            profile, level = data[1], data[3]
            if profile in _AVC_STEREO:
                return ".4.106"
            return ".4.102" if level <= _AVC_LEVEL_MAX else ".4.104"
        if name == b"hvcC" and len(data) >= 2:
            return ".4.108" if data[1] & 0x1F == _HEVC_MAIN_10 else ".4.107"
    return default if kind.startswith((b"avc", b"mp4")) else ".4.107"


def _duration(source: Read, at: int, end: int) -> tuple[int, float]:
    """How many samples a track has, and the milliseconds of each; 1 and 0 where it is not said."""
    size = next(_within(source, at, end, b"minf", b"stbl", b"stsz"), None)
    header = next(_within(source, at, end, b"mdhd"), None)
    count = int.from_bytes(source(size[0] + 8, 4), "big") if size else 0
    if not count or header is None:
        return max(count, 1), 0.0
    data = source(header[0], 36)
    if data[:1] == b"\1":
        scale, duration = struct.unpack_from(">IQ", data.ljust(36, b"\0"), 20)
    else:
        scale, duration = struct.unpack_from(">II", data.ljust(36, b"\0"), 12)
    return count, duration * 1000 / scale / count if scale else 0.0


# MPEG-2 (ISO/IEC 13818-2 6.2.2.1) -----------------------------------------------------

_SEQUENCE = b"\x00\x00\x01\xb3"
_RATES = (0, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 60)
_MAIN_LEVEL_ROWS_MAX, _MAIN_LEVEL_COLUMNS_MAX = 576, 720


def _mpeg2(source: Read) -> Media:
    data = source(0, MPEG2_HEADER_BYTES_MAX)
    at = data.find(_SEQUENCE)
    if at < 0 or len(data) < at + 8:
        raise broken("video/mpeg", "it has no sequence header")
    size = int.from_bytes(data[at + 4 : at + 7], "big")
    columns, rows, rate = size >> 12, size & 0xFFF, data[at + 7] & 0x0F
    main = rows <= _MAIN_LEVEL_ROWS_MAX and columns <= _MAIN_LEVEL_COLUMNS_MAX
    per_second = _RATES[rate] if rate < len(_RATES) else 0
    return replace(
        _DESCRIBED,
        syntax=_P + (".4.100" if main else ".4.101"),
        Rows=rows,
        Columns=columns,
        PhotometricInterpretation="YBR_PARTIAL_420",
        FrameTime=1000 / per_second if per_second else 0.0,
    )
