"""The tables -> the DICOM conformance statement (PS3.2 Annex N), and parts of README.md.

Written by `python -m conformance.statement`, and served by the server as a page; a test fails when
what is written differs from what the tables say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from pydicom.charset import python_encoding

from dicomweb import settings
from dicomweb.pixels.codecs.table import codec_of
from dicomweb.pixels.encode import FORMATS
from dicomweb.pixels.films import FILM
from dicomweb.settings import Settings
from dicomweb.web.described import ANYWHERE, KINDS, MEANINGS, kind_of
from dicomweb.web.requests import PREFIX
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from dicomweb.web.routing import Transaction
from dimse_bridge.limits import Limits
from schemas import paths
from schemas.attributes import ATTRIBUTES, PAIRS, Level
from schemas.reasons import FAILURES, MESSAGE_STATUSES, REQUEST_FAILURES, WARNINGS, Reason
from schemas.services import OTHERS, STORAGE
from schemas.syntaxes import SYNTAXES, TransferSyntax

ROOT = Path(__file__).parents[1]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def routes() -> str:
    return _routes(TRANSACTIONS)


def beside() -> str:
    return _routes(BESIDE)


def _routes(transactions: Iterable[Transaction]) -> str:
    return table(
        ["", "resource", "what", "by", "answers with"],
        (
            [t.method, f"`{t.path}`", t.name, t.clause, ", ".join(f"`{m}`" for m in t.media_types)]
            for t in transactions
        ),
    )


def attributes(level: Level) -> str:
    return table(
        ["attribute", "tag", "VR", "matching", "in every answer", "asked for by"],
        (
            [
                paths.name(a.path),
                f"({a.tag[:4]},{a.tag[4:]})",
                a.vr,
                a.match.value,
                "yes" if a.required or a.computed else "if known",
                a.clause or "our addition",
            ]
            for a in ATTRIBUTES
            if a.level is level
        ),
    )


def syntaxes() -> str:
    return table(
        ["transfer syntax", "UID", "lossless", "a frame is", "decoded", "encoded"],
        (
            [s.name, s.uid, "yes" if s.lossless else "no", f"`{s.media_type}`", *_able(s)]
            for s in SYNTAXES
        ),
    )


def _able(syntax: TransferSyntax) -> tuple[str, str]:
    codec = codec_of(syntax)
    encoded = "no"
    if codec.encoder is not None:
        encoded = "with loss" if codec.encoder.method else "yes"
    if syntax.implicit:
        encoded = "over DIMSE only"
    return "no" if codec.decode is None else "yes", encoded


_NO_PROFILE = "no: `iccprofile` other than `no` is 400"


def formats() -> str:
    return table(
        ["media type", "heeds `quality`", "takes an ICC profile", "moves", "longest side"],
        [
            [
                f"`{f.media_type}`",
                "yes" if f.lossy else "no",
                "yes" if f.takes_profile else _NO_PROFILE,
                "yes" if f.animate else "no",
                str(f.side_max),
            ]
            for f in FORMATS
        ]
        + [[f"`{FILM.media_type}`, with ffmpeg", "yes", _NO_PROFILE, "always", str(FILM.side_max)]],
    )


def reasons() -> str:
    return table(
        ["code", "status when nothing was stored", "meaning"],
        (
            ["" if r.code is None else f"{r.code:04X}", str(r.http), r.meaning]
            for r in (*FAILURES, *WARNINGS, *REQUEST_FAILURES)
        ),
    )


SEARCHING = f"""\
- The server is native: hierarchical and relational searches are answered from its own index, and by
  both doors alike.  One answer holds `search_limit` results at most, the rest by `offset`.
- Any other attribute can be a key or be included, private ones with their creator.  One that no
  row above declares is matched in the stored metadata of the first instance of each patient,
  study or series, of at most `search_scan` of them, and a Warning says so; custom attributes are
  declared with `dicomweb index add`.
- `fuzzymatching`: a person name is matched literally, or if each word asked for begins a word of
  the name or has its key in the Cologne phonetics.  Without it, case, width and accents are not
  told apart, and a name without "=" may be any component group.
- `emptyvaluematching` and `multiplevaluematching` are supported.  Ranges of a date and its time
  ({", ".join(f"{date} and {time}" for date, time in PAIRS)}) are combined.
- `TimezoneOffsetFromUTC` says the zone of dates and date-times of a query, for objects that tell
  theirs; a time alone is not shifted, a date-time without any offset is taken for UTC.
- An entity without a value for a required key is not matched by one, but in strict mode.
- A key of a level that a resource is not searched by is 400.  A list by backslash means any of its
  values, with `multiplevaluematching` all; in attributes of VR CS a comma parts values, too.
- The paging Warning counts up to a bound, and says "at least" beyond it.  A search that takes
  longer than `search_seconds` is 413.
- Additions: `orderby=[-]Attribute,...`, `text/csv`, `/patients`, `/patients/{{PatientID}}/studies`.
"""


def services() -> str:
    """What is done over associations, but for the storage SOP classes."""
    return table(
        ["SOP class", "UID", "by", "as", "clause"],
        ([c.name, c.uid, c.service.value, c.part.value, c.clause] for c in OTHERS),
    )


def storage() -> str:
    return table(["storage SOP class", "UID"], ([c.name, c.uid] for c in STORAGE))


def statuses() -> str:
    return table(
        ["status", "meaning"],
        ([f"{r.code or 0:04X}", r.meaning] for r in sorted(MESSAGE_STATUSES, key=_code)),
    )


def _code(reason: Reason) -> int:
    return reason.code or 0


ASSOCIATIONS = """\
- Up to 128 presentation contexts; of the transfer syntaxes of a storage context the first is chosen
  that is known, Explicit VR Big Endian and Implicit VR Little Endian last; of the others Explicit
  VR Little Endian before Implicit.  A private SOP class, and one of the standard's range that is
  newer than this table, is taken for storage; in strict mode only with SOP Class Common Extended
  Negotiation.
- Roles are granted as proposed: that of SCP for storage SOP classes, which C-GET needs.
- The asynchronous operations window is answered with 1/1.  Maximum Length is 131072.
- User identity: user name, user name and passcode; other kinds are passed over.
- Extended negotiation: of C-FIND relational queries, combined date-time matching, fuzzy matching of
  names, timezone adjustment, empty and multiple value matching; of C-MOVE and C-GET relational
  retrieval; of storage level 2, no coercion, signatures kept bit for bit.
- C-STORE coerces nothing and gives B000 never.  Lossy Image Compression stays as it was sent.
- C-FIND without a level that the SOP class has, without a unique key above, or with a value that a
  VR does not allow is A900.  A key that is not supported makes the pending status FF01.  Answers
  are in ASCII where they can be, else in the character set of the question, ISO_IR 100 or ISO_IR
  192.
- C-MOVE and C-GET send a pending response after each sub-operation, and the list of what failed
  with the last.  All failed is A702; an unknown destination A801.
- Storage commitment is reported on the association of the request while that is open, else on a new
  one, on which we propose the role of SCP.
"""
"""What PS3.2 has us document of associations and services."""

RENDERING = f"""\
- One picture is a JPEG unless something else is asked for.  Several frames are a part each, or
  one GIF that moves.  An instance of several frames asked for as one still picture gives its
  middle frame; in strict mode that is 406.
- Without a window in the request, the first of the object is used (of the frame's functional
  groups before the top level), else its first VOI LUT; without either, values of up to eight
  bits are shown as they are, others from the least to the largest of the frame.  Pixel padding
  is left out of that and drawn black.
- Windows of objects with floating-point pixels are taken for LINEAR_EXACT where they say LINEAR.
- Overlays of the object are drawn in white, in thumbnails they are not.
- `viewport` may have a region that lies partly outside of the image, which is clipped; one that
  lies outside altogether is 400.  A side has at most 16384 pixels.
- `iccprofile` also takes `displayp3`; without it there is no profile.  Colours without a
  profile of their own are taken for sRGB.
- A whole slide image is one picture, of its total pixel matrix: `viewport` counts in that
  matrix, and only the tiles in view are read.
- In a study or series what cannot be rendered is left out, and the answer is 206.
- The thumbnail of a study or series is the middle frame of the instance in the middle, by
  Instance Number, of the first series that holds images; what has no picture is shown as a
  placard with its modality.
- A presentation state (Grayscale, Color, Pseudo-Color, XA/XRF) is a picture of each frame it is
  for.  Without a window of its own it shows the whole range of the modality LUT.  Mask
  subtraction and compound graphics are not done.
- Structured reports, key object selections, encapsulated PDF, CDA and models, RT structure sets
  and waveforms are HTML, plain text, XML, PDF and pictures: the last two, and all of structure
  sets and waveforms, are our addition.  Text is UTF-8, or in the character set asked for where
  it can be.  What is in it may refer to nothing and run nothing in a browser.
- A segmentation or dose is shown as it is; with `underlay=yes`, which is our addition, over the
  image it was made of: the one it names, or the nearest parallel one of its frame of reference.
- WADO-URI gives one picture or text: of an instance of several frames the middle one.
  `anonymize` is refused with 501.
- A stored video is given as it is, MPEG-4 where it is an MP4 file.  It is not encoded anew.
- The program ffmpeg, where it is installed (setting `ffmpeg`), makes MP4 of frames of images, up
  to {FILM.frames_max} of them, and pictures of frames of stored videos.  A video asked for as one
  still picture, or as a thumbnail, is what is seen after a second; in strict mode only thumbnails
  and frames are.  Without the program films of images are 406, and so are pictures of videos, whose
  thumbnail is a placard.
- Volume rendering is not offered.
"""
"""What the standard has us document (PS3.18 10.4.5)."""

SECTIONS = {"settings": settings.markdown_table, "routes": routes, "beside": beside}
"""The generated parts of README.md, between a pair of comments each."""


def web_services() -> str:
    counted = Counter((kind_of(t), KINDS[kind_of(t)].clause) for t in (*TRANSACTIONS, *BESIDE))
    return table(
        ["service", "resources", "role", "statuses by"],
        ([kind, str(count), "origin server", clause] for (kind, clause), count in counted.items()),
    )


def web_parameters(kind: str) -> str:
    return table(
        ["parameter", "what", "by"],
        (
            [f"`{p.name}`", p.meaning, p.clause if p.clause == "ours" else f"PS3.18 {p.clause}"]
            for p in KINDS[kind].parameters
        ),
    )


def web_statuses(kind: str) -> str:
    statuses = sorted({*KINDS[kind].statuses, *ANYWHERE})
    return table(["status", "when"], ([str(one), MEANINGS[one]] for one in statuses))


def character_sets() -> str:
    return ", ".join(f"`{term}`" for term in sorted(filter(None, python_encoding)))


def association_limits() -> str:
    limits = Limits()
    rows = ((name, str(getattr(limits, name))) for name in limits.__dataclass_fields__)
    return table(["limit", "unless set otherwise"], ([f"`{name}`", value] for name, value in rows))


def security() -> str:
    """What the settings say of it: nothing else is claimed."""
    words = ("tls", "credential", "user", "open_to", "cors", "trusted", "accept_unknown")
    named = {n: f for n, f in Settings.model_fields.items() if any(word in n for word in words)}
    return table(
        ["setting", "what"], ([f"`{name}`", f.description or ""] for name, f in named.items())
    )


def statement() -> str:
    """The whole of STATEMENT.md, in the order of PS3.2 Annex N."""
    levels = "\n\n".join(
        f"###### {level.name.capitalize()}\n\n{attributes(level)}" for level in Level
    )
    parameters = "\n\n".join(
        f"###### {kind}\n\n{web_parameters(kind)}" for kind in KINDS if KINDS[kind].parameters
    )
    endings = "\n\n".join(f"##### {kind}\n\n{web_statuses(kind)}" for kind in KINDS)
    return f"""# DICOM conformance statement

Written by `python -m conformance.statement` from the tables that the code runs on, in the order of
PS3.2 Annex N; the server gives it as a page at `/conformance`.  A section of the
template that is missing here claims nothing.

## N.1 Overview

An archive: it keeps composite instances, finds them and gives them back, over the web and over
associations alike.  Both doors have one index, one matching and one retrieval behind them.

### N.1.1 Network services

{services()}

And storage, as SCP, and as SCU of C-MOVE and C-GET, of the SOP classes of N.5.2.2.

### N.1.2 Media services

None.

### N.1.3 Web services

{web_services()}

## N.4 Implementation model

One application entity, with the AE title of the setting `ae_title`, and one origin server of the
web services.  What either takes in is durable, and found by both, before it is acknowledged.

## N.5 Service and interoperability description

### N.5.1 Transfer syntaxes and character sets

#### N.5.1.1 Transfer syntaxes

Every object is kept byte for byte as it was sent.  A private transfer syntax is stored and given
as it is.

What is decoded can be had in whatever is encoded, if its pixels fit it: an instance, a frame, a
study with each instance in the best of what is acceptable; where they do not fit, 406 says why.
Without a transfer syntax in the request that is Explicit VR Little Endian, except of what cannot
be decoded or is too long for it (PS3.18 8.7.3.4).  What is stored comes first where any syntax
will do.  What loses something has to be named, is never made of what has lost something already,
and is a derived object: a SOP Instance UID of its own (the same every time), Image Type DERIVED,
Lossy Image Compression with ratio and method, the source and the derivation.  Colours of JPEG
become RGB, those of JPEG 2000 and HTJ2K go through its transform and back; all else keeps its
Photometric Interpretation, and unused bits of pixel cells are kept.  Lossy JPEG 2000 and HTJ2K
are made for 50 dB of the range of values, JPEG has quality 90.

{syntaxes()}

#### N.5.1.2 Character sets

Read, and converted to UTF-8 for the web: {character_sets()}, with code extensions where the term
says so.  What a character set does not have becomes U+FFFD in answers, and stays as it is in what
is stored.

### N.5.2 DIMSE services

#### N.5.2.1 How

{ASSOCIATIONS}
C-FIND matches what the search of N.5.3.3 matches, by the same index.

#### N.5.2.2 Storage

{storage()}

### N.5.3 Web services

#### N.5.3.1 Resources

All below `{PREFIX}`; HEAD wherever there is GET, OPTIONS everywhere.  `DELETE` is there with the
setting `allow_delete`.

{routes()}

Beside it:

{beside()}

#### N.5.3.2 Parameters

{parameters}

#### N.5.3.3 Search

Patient attributes are matching keys at every level; a study's answer describes its patient too.

{levels}

###### Searching

{SEARCHING}
#### N.5.3.4 Rendering

{formats()}

{RENDERING}
## N.6 Configuration

The base URI of the web services is `http://host:port{PREFIX}`, that of WADO-URI
`http://host:port/wado`, unless `public_url` or a trusted proxy says otherwise.

{settings.markdown_table()}

## N.7 Network and media communication details

### N.7.1 Associations

What an association may take:

{association_limits()}

### N.7.3 Statuses

#### N.7.3.1 Reasons of instances

Failure Reason (0008,1197) and Warning Reason (0008,1196) of Store, and the status of the whole
request when nothing was stored.

{reasons()}

#### N.7.3.2 DIMSE

{statuses()}

#### N.7.3.3 Web

{endings}

## N.8 Security

{security()}

No audit trail, de-identification or digital signature profile is claimed; signatures that objects
have are kept as they are.

## N.9 Annexes

No private attributes, SOP classes or transfer syntaxes are defined by this server.
"""


@cache
def page() -> str:
    """The statement as a page that needs nothing else."""
    body = MarkdownIt("commonmark").enable("table").render(statement())
    return (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Conformance statement</title>"
        f"<style>{_STYLE}</style>{body}</html>\n"
    )


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { text-align: left; vertical-align: top; padding: .25rem .6rem; border: 1px solid #ccc }
"""


def readme(text: str) -> str:
    """`text` with its generated parts as the tables have them now."""
    for name, section in SECTIONS.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        made = begin + section() + end
        text = pattern.sub(lambda _, made=made: made, text)  # type: ignore[misc]
    return text


def main() -> None:
    (ROOT / "conformance" / "STATEMENT.md").write_text(statement())
    described = ROOT / "README.md"
    described.write_text(readme(described.read_text()))


if __name__ == "__main__":
    main()
