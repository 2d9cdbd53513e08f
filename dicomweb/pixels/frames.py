"""Where each frame lies in a stored object: the frame index, made at ingest, read for every frame.

Native frames follow from a few numbers (PS3.5 8.1.1, 8.2); those of encapsulated pixel data from
the items it is made of (PS3.5 A.4).  The items are what counts: an offset table that disagrees with
them is not believed.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import zstandard

from dicomweb.pixels.description import PixelDescription
from schemas.reasons import TOO_LARGE, TRUNCATED, Refused

Read = Callable[[int, int], bytes]
"""Gives so many bytes at an offset; fewer where the object ends."""
Ranges = tuple[tuple[int, int], ...]

FRAGMENTS_MAX = 10_000_000
WINDOW_BYTES = 64 * 1024
"""What one read brings while the items are small enough for several to be in it."""
TABLE_BYTES_MAX = 8 * FRAGMENTS_MAX

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ", b"\xff\x0a")
"""How codestreams begin: JPEG and JPEG-LS, JPEG 2000 and HTJ2K, a JP2 file, JPEG XL."""


class Fragments(Sequence[tuple[int, int]]):
    """Offsets and lengths side by side, without an object for each of a slide's million tiles."""

    def __init__(self, offsets: Sequence[int], lengths: Sequence[int]) -> None:
        self._offsets, self._lengths = offsets, lengths

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...

    @overload
    def __getitem__(self, index: slice) -> Fragments: ...

    def __getitem__(self, index: int | slice) -> tuple[int, int] | Fragments:
        if isinstance(index, slice):
            return Fragments(self._offsets[index], self._lengths[index])
        return self._offsets[index], self._lengths[index]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._offsets, self._lengths, strict=True)


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Offsets and lengths of all frames."""

    frame_count: int
    begin: int = 0
    frame_bits: int = 0
    """Of each native frame; 0 for encapsulated ones."""
    offsets: Sequence[int] = ()
    lengths: Sequence[int] = ()
    """Of the fragments of encapsulated frames."""
    firsts: Sequence[int] = ()
    """The first fragment of each frame; empty where each frame is one fragment."""

    def ranges(self, number: int) -> Ranges | None:
        """Where frame `number`, counted from one, lies: offsets and lengths to be joined."""
        if not 1 <= number <= self.frame_count:
            return None
        if self.frame_bits:
            first_bit = (number - 1) * self.frame_bits
            end = (first_bit + self.frame_bits + 7) // 8
            return ((self.begin + first_bit // 8, end - first_bit // 8),)
        if not self.firsts:
            return ((self.offsets[number - 1], self.lengths[number - 1]),)
        end = self.firsts[number] if number < self.frame_count else len(self.offsets)
        fragments = range(self.firsts[number - 1], end)
        return tuple((self.offsets[f], self.lengths[f]) for f in fragments)

    def bit_shift(self, number: int) -> int:
        """The bit of its first byte at which a native frame begins; 0 to 7."""
        return (number - 1) * self.frame_bits % 8

    @property
    def fragments(self) -> Fragments:
        """All of them, of encapsulated frames, in the order of the frames."""
        return Fragments(self.offsets, self.lengths)

    @property
    def memory_bytes(self) -> int:
        """What its offsets take, as `from_bytes` gives them."""
        return _NUMBER_BYTES * (len(self.offsets) + len(self.lengths) + len(self.firsts))

    def to_bytes(self) -> bytes:
        """A compact form, read back by `from_bytes`."""
        head = _HEAD.pack(
            _VERSION,
            self.frame_count,
            self.begin,
            self.frame_bits,
            len(self.offsets),
            len(self.firsts),
        )
        if not self.offsets:
            return head
        columns = (array("Q", c).tobytes() for c in (self.offsets, self.lengths, self.firsts))
        return head + zstandard.ZstdCompressor(level=3).compress(b"".join(columns))

    @classmethod
    def from_bytes(cls, data: bytes) -> FrameIndex:
        """What `to_bytes` wrote."""
        version, count, begin, frame_bits, fragments, firsts = _HEAD.unpack_from(data)
        assert version == _VERSION, f"a frame index of version {version}"
        if not fragments:
            return cls(count, begin, frame_bits)
        raw = zstandard.ZstdDecompressor().decompress(data[_HEAD.size :])
        numbers = memoryview(raw).cast("Q")
        split = numbers[:fragments], numbers[fragments : 2 * fragments], numbers[2 * fragments :]
        assert len(split[2]) == firsts, "a whole frame index"
        return cls(count, begin, frame_bits, *split)


_VERSION = 1
_NUMBER_BYTES = 8
_HEAD = struct.Struct("<BQQQQQ")


def native(description: PixelDescription, offset: int, length: int) -> FrameIndex:
    """The frames of `length` bytes of native pixel data; those that do not fit are not there."""
    bits = description.frame_bits
    if bits <= 0:
        return FrameIndex(0)
    return FrameIndex(max(0, min(description.NumberOfFrames, length * 8 // bits)), offset, bits)


def encapsulated(
    description: PixelDescription,
    read: Read,
    offset: int,
    end: int,
    *,
    video: bool = False,
    extended_offsets: bytes = b"",
) -> FrameIndex:
    """The frames of encapsulated pixel data whose items begin at `offset` (PS3.5 A.4).

    Raises Refused (TRUNCATED) where an item is cut.
    """
    table, offsets, lengths = _items(read, offset, end)
    fragments, frames = len(offsets), max(1, description.NumberOfFrames)
    if not fragments:
        return FrameIndex(0)
    if video or frames == 1:
        return FrameIndex(1, offsets=offsets, lengths=lengths, firsts=[0])
    if frames == fragments:
        return FrameIndex(frames, offsets=offsets, lengths=lengths)
    for given in (table, extended_offsets):
        firsts = _by_table(given, offsets, 4 if given is table else 8)
        if len(firsts) == frames:
            return FrameIndex(frames, offsets=offsets, lengths=lengths, firsts=firsts)
    firsts = _by_codestream(read, offsets)
    if len(firsts) == frames:
        return FrameIndex(frames, offsets=offsets, lengths=lengths, firsts=firsts)
    if fragments < frames:
        return FrameIndex(fragments, offsets=offsets, lengths=lengths)
    return FrameIndex(0, offsets=offsets, lengths=lengths)


def _items(read: Read, offset: int, end: int) -> tuple[bytes, array[int], array[int]]:
    """The offset table, and where the fragments lie (PS3.5 A.4)."""
    table, offsets, lengths = None, array("Q"), array("Q")
    window, window_at = b"", offset
    while offset + 8 <= end:
        at = offset - window_at
        if at + 8 > len(window):
            window, window_at, at = read(offset, min(WINDOW_BYTES, end - offset)), offset, 0
        tag, length = window[at : at + 4], int.from_bytes(window[at + 4 : at + 8], "little")
        if tag == _END:
            return table or b"", offsets, lengths
        if tag != _ITEM or offset + 8 + length > end:
            break
        if table is None:
            table = read(offset + 8, min(length, TABLE_BYTES_MAX))
        else:
            offsets.append(offset + 8)
            lengths.append(length)
        if len(offsets) > FRAGMENTS_MAX:
            raise Refused(TOO_LARGE, f"The pixel data has over {FRAGMENTS_MAX} fragments.")
        offset += 8 + length
    if offset == end and table is not None:
        return table, offsets, lengths
    raise Refused(TRUNCATED, f"The pixel data is cut or broken in its item {len(offsets) + 1}.")


def _by_table(table: bytes, offsets: array[int], width: int) -> list[int]:
    """First fragments by an offset table; empty if one of its entries is no fragment."""
    if not table or len(table) % width:
        return []
    code = f"<{len(table) // width}{'I' if width == 4 else 'Q'}"
    base = offsets[0] - 8
    firsts = []
    for entry in struct.unpack(code, table):
        first = bisect_left(offsets, base + entry + 8)
        if first == len(offsets) or offsets[first] != base + entry + 8:
            return []
        firsts.append(first)
    return firsts if firsts == sorted(set(firsts)) and firsts[0] == 0 else []


def _by_codestream(read: Read, offsets: array[int]) -> list[int]:
    """First fragments by what codestreams begin with (WADO-49)."""
    length = max(map(len, _STARTS))
    return [n for n, offset in enumerate(offsets) if read(offset, length).startswith(_STARTS)]


def whole_words(index: FrameIndex, number: int, word: int) -> tuple[Ranges, int]:
    """Where the words lie that hold native frame `number`, and the bytes in them before it.

    Big endian cells of one byte are in practice in words of two (PS3.5 7.3), and a frame of an odd
    length ends, and the next begins, in the middle of one.
    """
    ((offset, length),) = index.ranges(number) or ((index.begin, 0),)
    skipped = (offset - index.begin) % word
    return ((offset - skipped, -(-(skipped + length) // word) * word),), skipped


def align(data: bytes, shift: int, bit_count: int) -> bytes:
    """`bit_count` bits from bit `shift` on, moved to begin at bit 0 of the first byte.

    The first pixel is the least significant bit (PS3.5 8.1.1); bits that are left over are zero.
    """
    number = int.from_bytes(data, "little") >> shift & ((1 << bit_count) - 1)
    return number.to_bytes((bit_count + 7) // 8, "little")
