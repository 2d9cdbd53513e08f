"""Kinds: what rendering can make of an instance, by its SOP class (PS3.18 8.7.2)."""

from __future__ import annotations

from enum import Enum

_P = "1.2.840.10008.5.1.4.1.1."


class Kind(Enum):
    """The resource categories of PS3.18 8.7.2, and those that are ours to add."""

    IMAGE = "image"
    VIDEO = "video"
    REPORT = "structured report"
    DOCUMENT = "encapsulated document"
    PRESENTATION = "presentation state"
    WAVEFORM = "waveform"
    STRUCTURE_SET = "structure set"
    OTHER = "other"


# fmt: off
_FAMILIES = (
    (_P + "88.",  Kind.REPORT),
    (_P + "104.", Kind.DOCUMENT),
    (_P + "9.",   Kind.WAVEFORM),
)
_CLASSES = {
    _P + "11.1":  Kind.PRESENTATION,   # Grayscale Softcopy
    _P + "11.2":  Kind.PRESENTATION,   # Color Softcopy
    _P + "11.3":  Kind.PRESENTATION,   # Pseudo-Color Softcopy
    _P + "11.4":  Kind.PRESENTATION,   # Blending Softcopy
    _P + "11.5":  Kind.PRESENTATION,   # XA/XRF Grayscale Softcopy
    _P + "481.3": Kind.STRUCTURE_SET,
}
# fmt: on

WHOLE_SLIDE = _P + "77.1.6"
SEGMENTATION = _P + "66.4"
LABEL_MAP = _P + "66.7"
DOSE = _P + "481.2"


def kind_of(sop_class: str, *, frame_count: int | None, video: bool = False) -> Kind:
    """The kind of an instance; `frame_count` is None where it has no pixel data."""
    if frame_count is not None:
        return Kind.VIDEO if video else Kind.IMAGE
    if sop_class in _CLASSES:
        return _CLASSES[sop_class]
    return next((kind for prefix, kind in _FAMILIES if sop_class.startswith(prefix)), Kind.OTHER)
