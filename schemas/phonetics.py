"""A key for how a name sounds: the Cologne phonetics (H. J. Postel, IBM-Nachrichten 19, 1969).

Made for German names, its classes of consonants serve most names in Latin letters: Meyer and Maier,
Smith and Schmidt, Catherine and Kathryn, Stephen and Steven have one key each.  A word in another
script has none; it is found by its beginning instead.
"""

from __future__ import annotations

import re

_ALONE = {
    **dict.fromkeys("AEIJOUY", "0"),
    "B": "1",
    **dict.fromkeys("FVW", "3"),
    **dict.fromkeys("GKQ", "4"),
    "L": "5",
    **dict.fromkeys("MN", "6"),
    "R": "7",
    **dict.fromkeys("SZ", "8"),
    "H": "",
}
_HARD_AFTER_INITIAL_C = frozenset("AHKLOQRUX")
_HARD_AFTER_C = frozenset("AHKOQUX")
_latin = re.compile(r"[A-Z]+").fullmatch
_repeated = re.compile(r"(.)\1+")


def key(word: str) -> str:
    """The key of a folded word; "" for one with other letters than A to Z, or no consonant."""
    if not _latin(word):
        return ""
    around = f" {word} "
    codes = "".join(
        _code(around[at - 1], around[at], around[at + 1]) for at in range(1, len(around) - 1)
    )
    collapsed = _repeated.sub(r"\1", codes)
    found = collapsed[:1] + collapsed[1:].replace("0", "")
    return found if found.strip("0") else ""


def _code(before: str, letter: str, after: str) -> str:
    match letter:
        case "P":
            return "3" if after == "H" else "1"
        case "D" | "T":
            return "8" if after in "CSZ" else "2"
        case "X":
            return "8" if before in "CKQ" else "48"
        case "C" if before == " ":
            return "4" if after in _HARD_AFTER_INITIAL_C else "8"
        case "C":
            return "4" if after in _HARD_AFTER_C and before not in "SZ" else "8"
        case _:
            return _ALONE[letter]
