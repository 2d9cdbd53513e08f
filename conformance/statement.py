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
from textwrap import fill

from markdown_it import MarkdownIt

from conformance.claims import PROSE
from conformance.claims.claim import Claim
from conformance.rulings import RULINGS
from dicomweb import settings
from dicomweb.pixels.codecs.table import codec_of
from dicomweb.pixels.encode import FORMATS
from dicomweb.pixels.films import FILM
from dicomweb.settings import Settings
from dicomweb.web.described import ANYWHERE, KINDS, MEANINGS, kind_of
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from dicomweb.web.routing import Transaction
from dimse_bridge.limits import Limits
from schemas import paths
from schemas.attributes import ATTRIBUTES, Level
from schemas.reasons import FAILURES, MESSAGE_STATUSES, REQUEST_FAILURES, WARNINGS, Reason
from schemas.services import OTHERS, STORAGE
from schemas.syntaxes import SYNTAXES, TransferSyntax

ROOT = Path(__file__).parents[1]
WIDTH = 100
"""Columns of a line of prose."""


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
            [
                t.method,
                f"`{t.path or '/'}`",
                t.name,
                t.clause,
                ", ".join(f"`{m}`" for m in t.media_types),
            ]
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
            [s.name, s.uid, "yes" if s.lossless else "no", f"`{s.media_type}`", *able(s)]
            for s in SYNTAXES
        ),
    )


def able(syntax: TransferSyntax) -> tuple[str, str]:
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


def rulings() -> str:
    return table(
        ["what", "clause", "this server", "with `strict`"],
        ([r.question, r.clause, r.answer, r.strictly or "the same"] for r in RULINGS),
    )


def _code(reason: Reason) -> int:
    return reason.code or 0


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


def said(name: str) -> str:
    """The sentences of `PROSE` under a name, as a paragraph or as a list."""
    claims = PROSE[name]
    paragraph = [claim for claim in claims if isinstance(claim, Claim)]
    if paragraph:
        return _filled(paragraph)
    return "\n".join(_filled(bullet, "- ") for bullet in claims if isinstance(bullet, tuple))


def _filled(claims: Iterable[Claim], bullet: str = "") -> str:
    return fill(
        " ".join(claim.says for claim in claims),
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def statement() -> str:
    """The whole of STATEMENT.md, in the order of PS3.2 Annex N: headings, `PROSE` and `TABLES`."""
    levels = "\n\n".join(
        f"###### {level.name.capitalize()}\n\n{attributes(level)}" for level in Level
    )
    parameters = "\n\n".join(
        f"###### {kind}\n\n{web_parameters(kind)}" for kind in KINDS if KINDS[kind].parameters
    )
    endings = "\n\n".join(f"##### {kind}\n\n{web_statuses(kind)}" for kind in KINDS)
    return f"""# DICOM conformance statement

{said("introduction")}

## N.1 Overview

{said("overview")}

### N.1.1 Network services

{services()}

{said("storage roles")}

### N.1.2 Media services

{said("media")}

### N.1.3 Web services

{web_services()}

## N.4 Implementation model

{said("model")}

## N.5 Service and interoperability description

### N.5.1 Transfer syntaxes and character sets

#### N.5.1.1 Transfer syntaxes

{said("kept")}

{said("transcoding")}

{syntaxes()}

#### N.5.1.2 Character sets

{said("character sets")}

### N.5.2 DIMSE services

#### N.5.2.1 How

{said("associations")}

{said("one matching")}

#### N.5.2.2 Storage

{storage()}

### N.5.3 Web services

#### N.5.3.1 Resources

{said("resources")}

{routes()}

{said("beside")}

{beside()}

#### N.5.3.2 Parameters

{parameters}

#### N.5.3.3 Search

{said("patients")}

{levels}

###### Searching

{said("searching")}

#### N.5.3.4 Store

{said("storing")}

#### N.5.3.5 Rendering

{formats()}

{said("rendering")}

## N.6 Configuration

{said("configuration")}

{settings.markdown_table()}

## N.7 Network and media communication details

### N.7.1 Associations

{said("limits")}

{association_limits()}

### N.7.3 Statuses

#### N.7.3.1 Reasons of instances

{said("reasons")}

{reasons()}

#### N.7.3.2 DIMSE

{statuses()}

#### N.7.3.3 Web

{endings}

## N.8 Security

{security()}

{said("security")}

## N.9 Annexes

{said("annexes")}

### N.9.1 Where the standard leaves a choice

{said("rulings")}

{rulings()}
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
