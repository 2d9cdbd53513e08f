"""What the values of some VRs have to look like (PS3.5 Table 6.2-1), to tell of those that do not.

Only of VRs whose values mean something to a machine, and only as strictly as meaning needs: spaces,
the dots and colons of ACR-NEMA, and numbers that are too long are understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_MONTH, _DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_HOUR, _MINUTE, _SECOND = (
    "(?:[01][0-9]|2[0-3])",
    "[0-5][0-9]",
    r"(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?",
)
_TIME = rf"{_HOUR}(?::?{_MINUTE}(?::?{_SECOND})?)?"
_ZONE = "[+-][0-9]{4}"

_VALUES = {
    "AS": "[0-9]{3}[DWMY]",
    "DA": rf"[0-9]{{4}}([.-]?){_MONTH}[.-]?{_DAY}",
    "DS": r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "DT": rf"[0-9]{{4}}(?:{_MONTH}(?:{_DAY}(?:{_TIME})?)?)?(?:{_ZONE})?",
    "IS": "[+-]?[0-9]+",
    "TM": _TIME,
}


def _matcher(value: str) -> Callable[[bytes], object]:
    """Of all the values of an element, any of which may be empty, with their padding.

    What has matched is never given back, so that a long value takes no longer than it is long.
    """
    one = rf"[ ]*+(?:{value})?+[ \0]*+"
    return re.compile(rf"{one}(?:\\{one})*+".encode()).fullmatch


VALUE_RULES = {vr: _matcher(value) for vr, value in _VALUES.items()}
"""By VR: something true for the bytes of an element whose values are as they have to be."""
