"""Layout: where the values that retrieval reads lie in a stored object; made once, at ingest."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq

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
        bulk = {
            path: [value.vr, None if self._is_frames(path) else list(value.ranges), value.word]
            for path, value in self.bulk.items()
        }
        facts = orjson.dumps([bulk, self.pixels])
        frames = self.frames.to_bytes() if self.frames is not None else b""
        return _JSON_LENGTH.pack(len(facts)) + facts + frames

    @classmethod
    def from_bytes(cls, data: bytes) -> Layout:
        """What `to_bytes` wrote."""
        begin = _JSON_LENGTH.size
        end = begin + _JSON_LENGTH.unpack_from(data)[0]
        bulk, pixels = orjson.loads(data[begin:end])
        frames = FrameIndex.from_bytes(data[end:]) if len(data) > end else None

        def ranges_of(told: list[tuple[int, int]] | None) -> Sequence[tuple[int, int]]:
            if told is None:
                return () if frames is None else frames.fragments
            return tuple((offset, length) for offset, length in told)

        return cls(
            bulk={path: Bulk(vr, ranges_of(told), word) for path, (vr, told, word) in bulk.items()},
            frames=frames,
            pixels=pixels,
        )

    def _is_frames(self, path: str) -> bool:
        """Whether the value is the fragments of the frames: to say where each lies once is enough,
        and what is said as JSON takes 200 ms to read of a slide of 300,000 tiles.
        """
        if path != self.pixels or self.frames is None or not self.frames.offsets:
            return False
        fragments, ranges = self.frames.fragments, self.bulk[path].ranges
        return len(fragments) == len(ranges) and all(map(eq, fragments, ranges))
