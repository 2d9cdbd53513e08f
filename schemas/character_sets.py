"""Specific Character Set (0008,0005): from its defined terms to text (PS3.5 6.1, PS3.3 C.12.1.1.2).

Decoding never fails: what the character set does not have becomes U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from pydicom.charset import python_encoding

DEFAULT_CODEC = "latin_1"
"""ISO IR 6 has no upper half; what is found there in practice is Latin-1."""

TERMS_MAX = 32
"""Character sets of one data set; the standard defines fewer."""

_STAND_ALONE = frozenset({"utf-8", "gb18030", "gbk"})
"""Codecs of sets without code extensions (PS3.3 Table C.12-5)."""

# fmt: off
# Escape sequences and the code element each fills (PS3.3 Tables C.12-3 and C.12-4).
_G0 = {
    b"\x1b(B":  ("ascii", b""),
    b"\x1b(J":  ("shift_jis", b""),
    b"\x1b$B":  ("iso2022_jp", b"\x1b$B"),
    b"\x1b$@":  ("iso2022_jp", b"\x1b$@"),
    b"\x1b$(D": ("iso2022_jp_2", b"\x1b$(D"),
}
_G1 = {
    b"\x1b)I":  "shift_jis",
    b"\x1b-A":  "latin_1",
    b"\x1b-B":  "iso8859_2",
    b"\x1b-C":  "iso8859_3",
    b"\x1b-D":  "iso8859_4",
    b"\x1b-F":  "iso8859_7",
    b"\x1b-G":  "iso8859_6",
    b"\x1b-H":  "iso8859_8",
    b"\x1b-L":  "iso8859_5",
    b"\x1b-M":  "iso8859_9",
    b"\x1b-T":  "tis_620",
    b"\x1b-b":  "iso8859_15",
    b"\x1b$)C": "euc_kr",
    b"\x1b$)A": "gb2312",
}
# fmt: on

_ASCII_G0 = ("ascii", b"")
_SEVEN_BIT = frozenset({"iso2022_jp", "iso2022_jp_2"})
_RUNS = re.compile(
    rb"\x1b(?:\$?[()\-][A-Za-z]|\$[A-Za-z@]|)"
    rb"|[\x80-\xff]+|[\t\n\f\r]|[^\x1b\x80-\xff\t\n\f\r]+"
)
_LINE_ENDS = frozenset({b"\t", b"\n", b"\f", b"\r"})


@dataclass(frozen=True, slots=True)
class CharacterSet:
    terms: tuple[str, ...]
    """As sent, without padding."""
    codec: str = DEFAULT_CODEC
    """Python's name of the first character set."""
    extended: bool = False
    """Escape sequences mean something (ISO 2022 code extensions)."""
    known: bool = True
    """False: a term is none of the standard's and was guessed at."""

    def decode(self, value: bytes, delimiters: bytes = b"\\") -> str:
        """The text of `value`; at `delimiters` code extensions end (PS3.5 6.1.2.5.3)."""
        if self.extended and b"\x1b" in value:
            return "".join(self._runs(value, delimiters))
        return value.decode(self.codec, "replace")

    def _runs(self, value: bytes, delimiters: bytes) -> list[str]:
        g0, g1 = _ASCII_G0, self.codec
        text = []
        for run in _RUNS.findall(value):
            if run in _G0:
                g0 = _G0[run]
            elif run in _G1:
                g1 = _G1[run]
            elif run in _LINE_ENDS:
                g0, g1 = _ASCII_G0, self.codec
                text.append(run.decode("ascii"))
            elif run[0] >= 0x80:
                text.append(run.decode("latin_1" if g1 in _SEVEN_BIT else g1, "replace"))
            else:
                codec, escape = g0
                text.append((escape + run).decode(codec, "replace"))
                # In a set of two bytes a character the delimiter's byte may be half of one.
                if not escape and any(delimiter in run for delimiter in delimiters):
                    g1 = self.codec
        return text


DEFAULT = CharacterSet(())
UNICODE_TERM = b'"00080005":{"vr":"CS","Value":["ISO_IR 192"]}'
"""What the element says in JSON, which is always UTF-8 (PS3.18 F.2)."""

_KNOWN_MAX = 1_000
_known: dict[bytes, CharacterSet] = {}


def character_set(value: bytes) -> CharacterSet:
    """The character set that a value of (0008,0005) names."""
    found = _known.get(value)
    if found is None:
        if len(_known) >= _KNOWN_MAX:
            _known.clear()
        found = _known[value] = _character_set(value)
    return found


def _character_set(value: bytes) -> CharacterSet:
    texts = value.decode("latin_1").split("\\")[:TERMS_MAX]
    terms = tuple(text.strip(" \0") for text in texts)
    named = [_CODECS.get(_letters(term)) for term in terms]
    codec = named[0] or DEFAULT_CODEC
    extended = codec not in _STAND_ALONE and (len(terms) > 1 or terms[0].startswith("ISO 2022"))
    return CharacterSet(terms, codec, extended, known=all(named))


def _letters(term: str) -> str:
    """The term without its punctuation, which writers get wrong in many ways."""
    return re.sub(r"[^A-Z0-9]", "", term.upper())


_CODECS = {_letters(term): codecs.lookup(codec).name for term, codec in python_encoding.items()}
_CODECS |= {
    "ASCII": DEFAULT_CODEC,
    "ISO8859": DEFAULT_CODEC,
    "LATIN1": DEFAULT_CODEC,
    "UTF8": "utf-8",
    "SHIFTJIS": "shift_jis",
    "EUCKR": "euc_kr",
    "CP1252": "cp1252",
    "WINDOWS1252": "cp1252",
}
"""Also terms that are none of the standard's; no further codec is within a sender's reach."""
