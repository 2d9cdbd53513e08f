"""What can be had of each resource: one table of offers a resource, the default first (T-4).

What the engine says an object, a frame or a value can be given in is turned into offers here; which
one answers a request is `negotiate`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dicomweb.web.negotiate import DICOM, DICOM_JSON, DICOM_XML, Offer
from schemas.syntaxes import EXPLICIT_VR_LE, NATIVE, TransferSyntax

ZIP = Offer("application/zip")
"""Our addition: the files as they are stored, and a DICOMDIR when that is asked for."""

JSON = Offer(DICOM_JSON)
SEARCH = (JSON,)

OCTETS = Offer(NATIVE, multipart=True, transfer_syntax=EXPLICIT_VR_LE.uid)
"""All bulk data of a study, series or instance (PS3.18 Table 10.4.4-1 note 2)."""

METADATA = (JSON, Offer(DICOM_XML, multipart=True), Offer(DICOM_JSON, multipart=True))
"""Of a study, series or instance (PS3.18 Table 10.4.4-1; JSON in parts is RUL-22)."""
METADATA_OF_ONE = (*METADATA, Offer(DICOM_XML))
"""Of an instance, whose document may also stand alone."""


def objects(
    syntaxes: Sequence[TransferSyntax], stored: TransferSyntax, *, alone: bool
) -> list[Offer]:
    """Part 10 files in any of `syntaxes`; `alone`: where it is just one, also without parts
    (NEG-17).
    """
    return [
        _encoded(DICOM, syntax, stored, multipart=multipart)
        for multipart in ((True, False) if alone else (True,))
        for syntax in syntaxes
    ]


def _encoded(
    media_type: str, syntax: TransferSyntax, stored: TransferSyntax, *, multipart: bool
) -> Offer:
    """What loses something, and another codec for what has lost something, has to be named."""
    is_stored = syntax.uid == stored.uid
    keeps = syntax.lossless and (stored.lossless or syntax is EXPLICIT_VR_LE)
    return Offer(
        media_type, multipart, syntax.uid, stored=is_stored, only_named=not (is_stored or keeps)
    )


def values(
    choices: Iterable[tuple[TransferSyntax, int]],
    stored: TransferSyntax,
    *,
    own: str = "",
    alone_first: bool = False,
) -> list[Offer]:
    """A value or frames, in each transfer syntax with the number of parts it then has.

    As octets or in the codec's own media type, labelled with the transfer syntax (NEG-33).  Octets
    of a compressed frame are what viewers mean by transfer-syntax=* (clients of OHIF's kind read
    the syntax from the label); by the letter they would be its pixels.  `own` is the media type of
    what an object encapsulates.  A client that asks for ranges of bytes and takes anything wants no
    multipart framing in them: `alone_first`.
    """
    ordered = sorted(choices, key=lambda choice: choice[0] is not EXPLICIT_VR_LE)
    found = []
    for multipart in (False, True) if alone_first else (True, False):
        for syntax, parts in ordered:
            if multipart or parts == 1:
                names = dict.fromkeys((syntax.media_type, NATIVE))
                found += [_encoded(name, syntax, stored, multipart=multipart) for name in names]
        if own:  # Who names it would rather have it than octets, which is the default.
            found = [replace(offer, stored=offer.media_type == own) for offer in found]
            found.append(Offer(own, multipart, stored=True))
    return found
