"""Random data sets, built and written by pydicom; and real files with random damage."""

from __future__ import annotations

import io
import random
from collections import defaultdict
from copy import deepcopy

from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import DicomDictionary
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.valuerep import AMBIGUOUS_VR

from schemas.elements import BY_VR
from schemas.json_values import swapped
from schemas.syntaxes import TransferSyntax

TAGS: dict[str, list[int]] = defaultdict(list)
for _tag, (_vr, _, _, _retired, _) in DicomDictionary.items():
    if 0x00080008 < _tag < 0x7FE00000 and _tag & 0xFFFF and _vr not in AMBIGUOUS_VR | {"NONE"}:
        TAGS[_vr].append(_tag)

_LATIN = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\\=^\x7f").filter(
    lambda character: not 127 <= ord(character) < 160
)
_UNICODE = st.characters(
    min_codepoint=32, exclude_categories=["Cs", "Cc"], exclude_characters="\\=^"
)
_ASCII = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\=^")


def _several(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(values, st.lists(values, min_size=2, max_size=3))


def _integers(bits: int, signed: bool) -> st.SearchStrategy:
    low = -(2 ** (bits - 1)) if signed else 0
    return _several(st.integers(low, low + 2**bits - 1))


def _blobs(word: int) -> st.SearchStrategy:
    return st.integers(0, 6).flatmap(
        lambda n: st.binary(min_size=2 * n * word, max_size=2 * n * word)
    )


def values(vr: str, characters: st.SearchStrategy) -> st.SearchStrategy:
    """Values that the VR may have."""
    short = st.text(characters, max_size=10)
    texts = {
        **dict.fromkeys(("LO", "SH", "UC"), _several(short)),
        **dict.fromkeys(("LT", "ST", "UT"), st.text(characters, max_size=40)),
        "PN": _several(st.lists(short, min_size=1, max_size=3).map("=".join)),
    }
    plain = {
        "AE": st.text(_ASCII, max_size=16),
        "AS": st.integers(0, 999).map("{:03d}Y".format),
        "AT": _several(st.integers(0x00080000, 0x7FDFFFFF)),
        "CS": _several(st.text("ABCXYZ019 _", max_size=16)),
        "DA": st.dates().map(lambda date: f"{date.year:04d}{date.month:02d}{date.day:02d}"),
        "DS": _several(
            st.integers(-(10**11), 10**11).map(str)
            | st.decimals(-9999, 9999, places=3, allow_nan=False).map(str)
        ),
        "DT": st.datetimes().map(lambda moment: f"{moment.year:04d}{moment:%m%d%H%M%S}"),
        "FD": _several(st.floats()),
        "FL": _several(st.floats(width=32)),
        "IS": _several(st.integers(-(2**31), 2**31 - 1).map(str)),
        "OB": _blobs(1),
        "OD": _blobs(8),
        "OF": _blobs(4),
        "OL": _blobs(4),
        "OV": _blobs(8),
        "OW": _blobs(2),
        "SL": _integers(32, True),
        "SS": _integers(16, True),
        "SV": _integers(64, True),
        "TM": st.times().map(lambda time: f"{time:%H%M%S.%f}"),
        "UI": _several(st.sampled_from(["1.2", "1.2.840.10008.1.2", "2.25.1"])),
        "UL": _integers(32, False),
        "UN": _blobs(1),
        "UR": st.sampled_from(["", "http://a/b", "urn:x"]),
        "US": _integers(16, False),
        "UV": _integers(64, False),
    }
    return {**plain, **texts}[vr]


VRS = sorted(vr for vr in TAGS if vr != "SQ")


@st.composite
def elements(draw: st.DrawFn, characters: st.SearchStrategy, depth: int) -> tuple[int, str, object]:
    vr = draw(st.sampled_from([*VRS, "SQ"] if depth else VRS))
    tag = draw(st.sampled_from(TAGS[vr][:40]))
    if vr == "SQ":
        return tag, vr, draw(st.lists(items(characters, depth - 1), max_size=3))
    return tag, vr, draw(values(vr, characters))


@st.composite
def items(draw: st.DrawFn, characters: st.SearchStrategy, depth: int = 2) -> Dataset:
    ds = Dataset()
    for tag, vr, value in draw(st.lists(elements(characters, depth), max_size=8)):
        ds.add_new(tag, vr, value)
        if vr == "SQ":
            ds[tag].is_undefined_length = draw(st.booleans())
            for item in ds[tag].value:
                item.is_undefined_length_sequence_item = draw(st.booleans())
    return ds


@st.composite
def data_sets(draw: st.DrawFn) -> Dataset:
    """A data set of attributes of every VR, with sequences, in one of three character sets."""
    term, characters = draw(
        st.sampled_from([("ISO_IR 192", _UNICODE), ("ISO_IR 100", _LATIN), (None, _ASCII)])
    )
    ds = draw(items(characters))
    if term:
        ds.SpecificCharacterSet = term
    return ds


def written(ds: Dataset, syntax: TransferSyntax) -> bytes:
    """The data set as pydicom writes it, without preamble and meta; binary values turned around."""
    if syntax.big_endian:
        ds = _turned(ds)
    file = DicomBytesIO()
    file.is_implicit_VR = syntax.implicit
    file.is_little_endian = not syntax.big_endian
    write_dataset(file, ds)
    return file.getvalue()


def _turned(ds: Dataset) -> Dataset:
    """The data set with its binary values in big endian, which pydicom leaves to its caller."""
    turned = deepcopy(ds)
    for element in turned.iterall():
        if isinstance(element.value, bytes):
            element.value = swapped(element.value, BY_VR[element.VR].word)
    return turned


DAMAGES = [
    b"\xff\xff\xff\xff",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x0d\xe0",
    b"\xfe\xff\xdd\xe0",
    b"\0\0\0\0",
    b"SQ\0\0",
    b"UN\0\0",
    b"\x1b$B",
    b"\x1b)I",
    b"\\",
    b"\x08\0\x05\0",
    b"\xff\x7f",
]


def damaged(data: bytes, seed: int) -> bytes:
    """The bytes with a few bytes changed, put in, taken out or written over."""
    chance = random.Random(seed)
    bytes_ = bytearray(data)
    for _ in range(chance.choice((1, 2, 4))):
        at = chance.randrange(min(len(bytes_), chance.choice((2_000, len(bytes_)))))
        damage = chance.choice(DAMAGES)
        match chance.randrange(4):
            case 0:
                bytes_[at] = chance.randrange(256)
            case 1:
                bytes_[at : at + len(damage)] = damage
            case 2:
                bytes_[at:at] = damage
            case 3:
                del bytes_[at : at + chance.randrange(1, 30)]
    return bytes(bytes_)


def read_back(data: bytes, syntax: TransferSyntax) -> Dataset:
    """What pydicom reads of a data set without preamble and meta."""
    return read_dataset(io.BytesIO(data), syntax.implicit, not syntax.big_endian)
