"""Layout: where the values that retrieval reads lie in a stored object; made once, at ingest."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import orjson

from dicomweb.pixels.frames import FrameIndex
from schemas.dicom_json import Bulk

_JSON_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets count from the beginning of the stored object; of a deflated one, from the
    beginning of the inflated data set.
    """

    bulk: dict[str, Bulk]
    """By the path its BulkDataURI ends with."""
    frames: FrameIndex | None
    """None where there is no pixel data."""
    pixels: str
    """The bulk path of the pixel data; "" where there is none."""

    def to_bytes(self) -> bytes:
        """A compact form for the index, read back by `from_bytes`."""
        bulk = {path: [v.vr, v.ranges, v.word] for path, v in self.bulk.items()}
        facts = orjson.dumps([bulk, self.pixels])
        frames = self.frames.to_bytes() if self.frames is not None else b""
        return _JSON_LENGTH.pack(len(facts)) + facts + frames

    @classmethod
    def from_bytes(cls, data: bytes) -> Layout:
        """What `to_bytes` wrote."""
        begin = _JSON_LENGTH.size
        end = begin + _JSON_LENGTH.unpack_from(data)[0]
        bulk, pixels = orjson.loads(data[begin:end])
        return cls(
            bulk={
                path: Bulk(vr, tuple((offset, length) for offset, length in ranges), word)
                for path, (vr, ranges, word) in bulk.items()
            },
            frames=FrameIndex.from_bytes(data[end:]) if len(data) > end else None,
            pixels=pixels,
        )
