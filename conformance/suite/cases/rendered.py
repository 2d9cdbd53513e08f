"""Rendered resources and thumbnails (PS3.18 8.3.5, 8.7.4, 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

from conformance.suite.answer import Answer
from conformance.suite.case import Case, Check, Http, Kind, Step
from conformance.suite.checks import (
    a_body,
    baseline_jpeg,
    each_part,
    grey,
    header,
    holds,
    media_type,
    no_warning,
    parts,
    payload,
    size,
    warns,
)

PNG, JPEG, GIF = "image/png", "image/jpeg", "image/gif"
_RGB = "GET {rgb.instance}/rendered"
_RAMP = "GET {ramp.instance}/rendered"
_ROW = "GET {inverse.instance}/rendered"
_TEXT = "GET {sr.instance}/rendered"


def _values(what: str, expected: dict[int, int], within: int = 1) -> Check:
    """The first channel of a PNG of 16 x 16 has these values at these positions, or nearly so."""

    def test(answer: Answer) -> bool:
        pixels = [one for row in grey(answer) for one in row]
        return all(abs(pixels[at] - wanted) <= within for at, wanted in expected.items())

    return holds(what, test)


RESOURCES = (
    *(
        Case(
            id=f"rendered-{kind}",
            says=f"An image is rendered as {kind}, of its own size.",
            item="REND-01, REND-02, REND-27",
            clause="PS3.18 Table 8.7.4-1",
            request=Http(_RGB, kind),
            checks=(media_type(kind), size(8, 6)),
        )
        for kind in (JPEG, PNG, GIF)
    ),
    Case(
        id="rendered-baseline",
        says="A rendered JPEG is baseline.",
        item="REND-03",
        clause="PS3.18 8.7.4",
        needs=("rendered-image/jpeg",),
        request=Http(_RGB, JPEG),
        checks=(baseline_jpeg,),
    ),
    Case(
        id="rendered-frame",
        says="A frame is rendered.",
        item="REND-01",
        clause="PS3.18 10.4.1.1.3",
        request=Http("GET {mf.instance}/frames/2/rendered", JPEG),
        checks=(media_type(JPEG), size(8, 6)),
    ),
    Case(
        id="rendered-frames",
        says="Several frames are rendered in parts.",
        item="REND-01, REND-09",
        clause="PS3.18 10.4.4",
        request=Http("GET {mf.instance}/frames/1,3/rendered", f'multipart/related; type="{JPEG}"'),
        checks=(media_type(f"multipart {JPEG}"), parts(2)),
    ),
    Case(
        id="rendered-series",
        says="A series is rendered, one part an image.",
        item="REND-01, REND-09",
        clause="PS3.18 10.4.1.1.3",
        request=Http("GET {ct1.series}/rendered", f'multipart/related; type="{JPEG}"'),
        checks=(media_type(f"multipart {JPEG}"), parts(3)),
    ),
    Case(
        id="rendered-study",
        says="A study is rendered, a part for each image; what cannot be is left out.",
        item="REND-01, REND-11, NEG-16",
        clause="PS3.18 10.4.1.1.3",
        request=Http("GET {ct1.study}/rendered", f'multipart/related; type="{JPEG}"'),
        status=(200, 206),
        checks=(
            media_type(f"multipart {JPEG}"),
            holds("the three images are there", lambda a: len(a.parts) in (3, 4)),
        ),
    ),
    Case(
        id="rendered-series-single",
        says="A series cannot be rendered as a single part.",
        item="NEG-17, REND-09",
        clause="PS3.18 10.4.4",
        needs=("rendered-series",),
        request=Http("GET {ct1.series}/rendered", JPEG),
        status=406,
        tolerated=(200,),
    ),
    Case(
        id="rendered-location",
        says="A rendered part names what was rendered.",
        item="REND-10, NEG-47",
        clause="PS3.18 8.6.1.2",
        needs=("rendered-series",),
        request=Http("GET {ct1.series}/rendered", f'multipart/related; type="{JPEG}"'),
        checks=(
            each_part("Content-Location is an instance", lambda a, p: "/instances/" in p.location),
        ),
    ),
    Case(
        id="rendered-multi-frame",
        says="A multi-frame image is rendered, one part a frame.",
        item="REND-05, RUL-20",
        clause="PS3.18 8.7.4",
        kind=Kind.SHOULD,
        request=Http("GET {mf.instance}/rendered", f'multipart/related; type="{JPEG}"'),
        checks=(parts(4),),
        tolerated=(406,),
    ),
    Case(
        id="rendered-range",
        says="image/* is any of them.",
        item="NEG-04",
        clause="PS3.18 8.7.7",
        needs=("rendered-image/jpeg",),
        request=Http(_RGB, "image/*"),
        checks=(media_type(JPEG, PNG, GIF, "image/jp2", "image/jph", "image/jxl"),),
    ),
    Case(
        id="rendered-q",
        says="What ranks highest is given: GIF, when the others are ranked below.",
        item="NEG-05",
        clause="PS3.18 8.7.5",
        needs=("rendered-image/gif",),
        request=Http(_RGB, "image/*;q=1, image/png;q=0.1, image/jpeg;q=0.2"),
        checks=(media_type(GIF, "image/jp2", "image/jph", "image/jxl"),),
    ),
    Case(
        id="rendered-not-acceptable",
        says="A picture cannot be given as a spreadsheet.",
        item="NEG-08",
        clause="PS3.18 8.7.8.1",
        needs=("rendered-image/jpeg",),
        request=Http(_RGB, "application/vnd.ms-excel"),
        status=406,
    ),
    *(
        Case(
            id=f"rendered-text-{kind.rpartition('/')[2]}",
            says=f"A report is rendered as {kind}.",
            item="REND-06, OBJ-05",
            clause="PS3.18 Table 8.7.4-1",
            request=Http(_TEXT, kind),
            checks=(media_type(kind), a_body),
        )
        for kind in ("text/html", "text/plain", "text/xml")
    ),
    Case(
        id="rendered-text-escaped",
        says="Markup in a report is no markup of the page.",
        item="SEC-11",
        clause="PS3.18 8.7.4",
        kind=Kind.SHOULD,
        needs=("rendered-text-html",),
        request=Http(_TEXT, "text/html"),
        checks=(
            holds("the text is there", lambda a: b"no finding" in a.body),
            holds("<b> is escaped", lambda a: b"finding <b>" not in a.body),
        ),
    ),
    Case(
        id="rendered-text-range",
        says="text/* of a report is HTML.",
        item="NEG-04",
        clause="PS3.18 8.7.7",
        needs=("rendered-text-html",),
        request=Http(_TEXT, "text/*"),
        checks=(media_type("text/html"),),
    ),
    Case(
        id="rendered-pdf",
        says="A document is rendered as what it is.",
        item="REND-07, OBJ-06",
        clause="PS3.18 8.7.4",
        kind=Kind.MAY,
        request=Http("GET {pdf.instance}/rendered", "application/pdf"),
        checks=(holds("it is the PDF", lambda a: a.body.startswith(b"%PDF-")),),
    ),
    Case(
        id="rendered-raw-data",
        says="Raw data cannot be rendered.",
        item="REND-11, RUL-20",
        clause="PS3.18 10.4.3.1",
        kind=Kind.SHOULD,
        needs=("rendered-image/jpeg",),
        request=Http("GET {raw.instance}/rendered", JPEG),
        status=406,
        tolerated=(404, 400, 415),
    ),
    Case(
        id="rendered-waveform",
        says="A waveform has no rendered type: it is not acceptable, or an extension.",
        item="OBJ-07",
        clause="PS3.18 8.7.2",
        kind=Kind.SHOULD,
        needs=("rendered-image/jpeg",),
        request=Http("GET {ecg.instance}/rendered", JPEG),
        status=(200, 406),
        tolerated=(404, 400, 415),
    ),
    *(
        Case(
            id=f"rendered-of-{name}",
            says=f"{what} is rendered.",
            item="REND-08",
            clause="PS3.18 10.4.3.3.3",
            request=Http(f"GET {{{name}.instance}}/rendered", PNG),
            checks=(size(columns, rows),),
        )
        for name, what, columns, rows in (
            ("ct1", "MONOCHROME2 of 16 bits", 8, 6),
            ("inverse", "MONOCHROME1", 16, 16),
            ("palette", "PALETTE COLOR", 8, 6),
            ("jpeg", "YBR_FULL_422 in JPEG", 16, 16),
            ("j2k", "JPEG 2000", 16, 16),
        )
    ),
    Case(
        id="rendered-of-rle",
        says="RLE of several frames is rendered frame by frame.",
        item="REND-08",
        clause="PS3.18 10.4.3.3.3",
        request=Http("GET {rle.instance}/frames/2/rendered", PNG),
        checks=(size(8, 6),),
    ),
)

PIPELINE = (
    Case(
        id="pixels-rgb",
        says="Colours are rendered as they are.",
        item="REND-13",
        clause="PS3.18 8.3.5.1",
        needs=("rendered-image/png",),
        request=Http(_RGB, PNG),
        checks=(
            holds(
                "red goes by 16 from column to column",
                lambda a: grey(a)[0] == [16 * at for at in range(8)],
            ),
        ),
    ),
    Case(
        id="pixels-monochrome1",
        says="MONOCHROME1 is rendered inverted.",
        item="REND-13",
        clause="PS3.4 N.2",
        needs=("rendered-of-inverse",),
        request=Http(_ROW, PNG),
        checks=(
            holds(
                "the smallest value is white, the largest black",
                lambda a: grey(a)[0][0] >= 250 and grey(a)[15][15] <= 5,
            ),
        ),
    ),
    Case(
        id="pixels-window-linear",
        says="A linear window maps as PS3.3 says, after the rescaling.",
        item="REND-13, REND-15, REND-28",
        clause="PS3.3 C.11.2.1.2",
        needs=("rendered-image/png",),
        # Values 2x - 100 of x = 0..255; center 100, width 201: 0 at -0.5, 255 at 199.5.
        request=Http(_RAMP + "?window=100,201,linear", PNG),
        checks=(_values("black, middle and white", {0: 0, 49: 0, 100: 128, 150: 255, 255: 255}),),
    ),
    Case(
        id="pixels-window-linear-exact",
        says="A linear exact window maps as PS3.3 says.",
        item="REND-15, REND-28",
        clause="PS3.3 C.11.2.1.3.2",
        needs=("pixels-window-linear",),
        request=Http(_RAMP + "?window=100,200,linear-exact", PNG),
        checks=(_values("black, quarter, middle, white", {50: 0, 75: 64, 100: 128, 150: 255}),),
    ),
    Case(
        id="pixels-window-sigmoid",
        says="A sigmoid window maps as PS3.3 says.",
        item="REND-15, REND-28",
        clause="PS3.3 C.11.2.1.3.1",
        needs=("pixels-window-linear",),
        request=Http(_RAMP + "?window=100,200,sigmoid", PNG),
        # 255 / (1 + exp(-4 (v - 100) / 200)): at v = 0 it is 30.4, at v = 200 it is 224.6.
        checks=(_values("an S through the middle", {50: 30, 100: 128, 150: 225}, within=2),),
    ),
    Case(
        id="pixels-window-narrow",
        says="A window of width 1 is a threshold.",
        item="REND-15",
        clause="PS3.3 C.11.2.1.2",
        needs=("pixels-window-linear",),
        request=Http(_RAMP + "?window=100,1,linear", PNG),
        checks=(_values("black below, white above", {99: 0, 101: 255}),),
    ),
    Case(
        id="pixels-default-window",
        says="Without any window the range of the values is used.",
        item="REND-14",
        clause="PS3.3 C.11.2",
        kind=Kind.SHOULD,
        needs=("rendered-image/png",),
        request=Http(_RAMP, PNG),
        checks=(_values("from black to white", {0: 0, 128: 128, 255: 255}, within=2),),
    ),
    Case(
        id="pixels-object-window",
        says="The object's own window is used when none is asked for.",
        item="REND-14",
        clause="PS3.3 C.11.2",
        kind=Kind.SHOULD,
        needs=("rendered-image/png",),
        # Values 1 + 16 at; center 376, width 752: 375.5 is the middle.
        request=Http("GET {ct1.instance}/rendered", PNG),
        checks=(
            holds(
                "the values rise from black to white",
                lambda a: (
                    [round(one / 255 * 47) for row in grey(a) for one in row] == list(range(48))
                ),
            ),
        ),
    ),
    Case(
        id="pixels-window-on-colour",
        says="A window does nothing to colours.",
        item="REND-30",
        clause="PS3.18 8.3.5.1.4",
        kind=Kind.SHOULD,
        needs=("rendered-image/png",),
        request=Http(_RGB + "?window=10,20,linear", PNG),
        checks=(
            holds(
                "red goes by 16 from column to column",
                lambda a: grey(a)[0] == [16 * at for at in range(8)],
            ),
        ),
    ),
)


def _shorter(answer: Answer) -> bool:
    first, second = answer.session.answers[-2:]
    return len(payload(second)) < len(payload(first))


def _mirrored(answer: Answer) -> bool:
    first, second = answer.session.answers[-2:]
    return grey(second) == [list(reversed(row)) for row in grey(first)]


def _upside_down(answer: Answer) -> bool:
    first, second = answer.session.answers[-2:]
    return grey(second) == list(reversed(grey(first)))


def _viewport(id: str, says: str, value: str, columns: int, rows: int, item: str) -> Case:
    return Case(
        id=f"viewport-{id}",
        says=says,
        item=item,
        clause="PS3.18 8.3.5.1.3",
        needs=("rendered-image/png",),
        request=Http(f"{_RGB}?viewport={value}", PNG),
        checks=(size(columns, rows),),
    )


def _refused(id: str, says: str, query: str, item: str, clause: str, line: str = _RGB) -> Case:
    return Case(
        id=id,
        says=says,
        item=item,
        clause=clause,
        needs=("rendered-image/jpeg",),
        request=Http(f"{line}?{query}", JPEG),
        status=400,
    )


_VIEWPORT, _WINDOW = "PS3.18 8.3.5.1.3", "PS3.18 8.3.5.1.4"
_QUALITY, _ANNOTATION = "PS3.18 8.3.5.1.2", "PS3.18 8.3.5.1.1"

PARAMETERS = (
    _viewport("enlarged", "A picture is enlarged to fit.", "80,80", 80, 60, "REND-22"),
    _viewport("reduced", "A picture is reduced to fit.", "4,4", 4, 3, "REND-22"),
    _viewport("kept", "The aspect ratio is kept.", "16,100", 16, 12, "REND-22"),
    _viewport(
        "region", "A region of the picture fills the viewport.", "4,4,0,0,4,4", 4, 4, "REND-23"
    ),
    _viewport("elided", "Values in the middle may be left out.", "4,4,,,4,4", 4, 4, "REND-23"),
    _viewport("to-the-edge", "The region goes to the edge.", "6,6,2,0", 6, 6, "REND-23"),
    _viewport("decimals", "A region is given in decimals.", "4,4,0.5,0.5,4.0,4.0", 4, 4, "REND-25"),
    Case(
        id="viewport-mirrored",
        says="A negative width turns the picture left to right.",
        item="REND-24",
        clause=_VIEWPORT,
        needs=("rendered-image/png",),
        request=Http(_RGB + "?viewport=8,6", PNG),
        then=(
            Step(
                Http(_RGB + "?viewport=8,6,0,0,-8,6", PNG),
                200,
                (holds("it is mirrored", _mirrored),),
            ),
        ),
    ),
    Case(
        id="viewport-upside-down",
        says="A negative height turns the picture upside down.",
        item="REND-24",
        clause=_VIEWPORT,
        needs=("rendered-image/png",),
        request=Http(_ROW + "?viewport=16,16", PNG),
        then=(
            Step(
                Http(_ROW + "?viewport=16,16,0,0,16,-16", PNG),
                200,
                (holds("it is upside down", _upside_down),),
            ),
        ),
    ),
    *(
        _refused(f"viewport-bad-{id}", says, f"viewport={value}", "REND-25", _VIEWPORT)
        for id, says, value in (
            ("zero", "A viewport has a width.", "0,10"),
            ("negative", "A viewport's size is positive.", "-5,5"),
            ("one", "A viewport has two sizes.", "10"),
            ("letters", "A viewport is of numbers.", "a,b"),
            ("seven", "A viewport has six values at most.", "10,10,1,2,3,4,5"),
            ("empty", "A viewport has a value.", ""),
        )
    ),
    _refused(
        "viewport-outside",
        "A region outside of the picture is refused.",
        "viewport=4,4,100,100,4,4",
        "REND-26",
        _VIEWPORT,
    ),
    *(
        _refused(f"window-bad-{id}", says, f"window={value}", "REND-28", _WINDOW, _RAMP)
        for id, says, value in (
            ("two", "A window has three values.", "40,400"),
            ("case", "The function of a window is in lower case.", "40,400,LINEAR"),
            ("function", "The function of a window is one of three.", "40,400,cubic"),
            ("letters", "A window is of numbers.", "a,1,linear"),
            ("zero", "A window has a width.", "40,0,linear"),
            ("negative", "A window's width is positive.", "40,-1,linear"),
            ("empty", "A window has a value.", ""),
        )
    ),
    *(
        _refused(f"quality-bad-{id}", says, f"quality={value}", "REND-21", _QUALITY)
        for id, says, value in (
            ("zero", "Quality begins at 1.", "0"),
            ("beyond", "Quality ends at 100.", "101"),
            ("decimal", "Quality is a whole number.", "5.5"),
            ("letters", "Quality is a number.", "abc"),
            ("empty", "Quality has a value.", ""),
        )
    ),
    Case(
        id="quality",
        says="A lower quality is a smaller JPEG.",
        item="REND-21",
        clause=_QUALITY,
        needs=("rendered-image/jpeg",),
        request=Http("GET {inverse.instance}/rendered?quality=100", JPEG),
        then=(
            Step(
                Http("GET {inverse.instance}/rendered?quality=1", JPEG),
                200,
                (holds("it is smaller", _shorter),),
            ),
        ),
    ),
    Case(
        id="quality-of-png",
        says="Quality does nothing to a PNG.",
        item="REND-21",
        clause=_QUALITY,
        needs=("rendered-image/png",),
        request=Http(_RGB + "?quality=10", PNG),
        checks=(size(8, 6),),
    ),
    Case(
        id="annotation",
        says="An annotation is burned in.",
        item="REND-19",
        clause=_ANNOTATION,
        needs=("rendered-image/png",),
        request=Http(_RAMP + "?viewport=256,256", PNG),
        then=(
            Step(
                Http(_RAMP + "?viewport=256,256&annotation=patient,technique", PNG),
                200,
                (
                    holds(
                        "the picture is another",
                        lambda a: grey(a) != grey(a.session.answers[-2]),
                    ),
                    no_warning("annotation"),
                ),
            ),
        ),
    ),
    Case(
        id="annotation-unknown",
        says="An annotation that nobody knows is left out, with a warning in the standard's words.",
        item="REND-20, RUL-24",
        clause=_ANNOTATION,
        needs=("rendered-image/jpeg",),
        request=Http(_RGB + "?annotation=foo", JPEG),
        checks=(warns("The following annotation values are not supported: .*foo.*"),),
    ),
    _refused(
        "annotation-empty", "An annotation has a value.", "annotation=", "REND-20", _ANNOTATION
    ),
    _refused(
        "annotation-no-keyword",
        "An annotation is a keyword.",
        "annotation=123!",
        "REND-20",
        _ANNOTATION,
    ),
    Case(
        id="iccprofile-no",
        says="iccprofile=no gives no profile.",
        item="REND-31",
        clause="PS3.18 8.3.5.1.5",
        kind=Kind.MAY,
        needs=("rendered-image/png",),
        request=Http(_RGB + "?iccprofile=no", PNG),
        checks=(holds("there is no iCCP", lambda a: b"iCCP" not in payload(a)),),
    ),
    Case(
        id="iccprofile-srgb",
        says="iccprofile=srgb gives a profile.",
        item="REND-31",
        clause="PS3.18 8.3.5.1.5",
        kind=Kind.MAY,
        needs=("rendered-image/png",),
        request=Http(_RGB + "?iccprofile=srgb", PNG),
        checks=(holds("there is an iCCP", lambda a: b"iCCP" in payload(a)),),
    ),
    Case(
        id="iccprofile-gif",
        says="A GIF cannot hold a profile: asking for one is refused.",
        item="REND-32",
        clause="PS3.18 8.3.5.1.5",
        needs=("iccprofile-srgb",),
        request=Http(_RGB + "?iccprofile=srgb", GIF),
        status=400,
    ),
    Case(
        id="rendered-parameter-unknown",
        says="A parameter that nobody knows is ignored.",
        item="REND-34, NEG-58",
        clause="PS3.18 8.3",
        needs=("rendered-image/jpeg",),
        request=Http(_RGB + "?foo=bar", JPEG),
        checks=(media_type(JPEG),),
    ),
)

THUMBNAILS = (
    *(
        Case(
            id=f"thumbnail-{name}",
            says=f"There is one picture for {what}.",
            item="REND-43, REND-44",
            clause="PS3.18 10.4.1.1.4",
            kind=Kind.MAY,
            request=Http(line, JPEG),
            checks=(media_type(JPEG), baseline_jpeg),
        )
        for name, what, line in (
            ("study", "a study", "GET {ct1.study}/thumbnail"),
            ("series", "a series", "GET {ct1.series}/thumbnail"),
            ("instance", "an instance", "GET {ct1.instance}/thumbnail"),
            ("frame", "a frame", "GET {mf.instance}/frames/1/thumbnail"),
        )
    ),
    Case(
        id="thumbnail-all-or-none",
        says="If there is a thumbnail of a study, there is one of an instance too.",
        item="REND-43",
        clause="PS3.18 10.4.1.1.4",
        needs=("thumbnail-study",),
        request=Http("GET {ct1.instance}/thumbnail", JPEG),
        then=(Step(Http("GET {mf.instance}/frames/1/thumbnail", JPEG), 200),),
    ),
    Case(
        id="thumbnail-viewport",
        says="A thumbnail fits the viewport.",
        item="REND-46",
        clause="PS3.18 Table 8.3.5-2",
        kind=Kind.MAY,
        needs=("thumbnail-instance",),
        request=Http("GET {ct1.instance}/thumbnail?viewport=64,64", JPEG),
        checks=(size(64, 48),),
    ),
    Case(
        id="thumbnail-viewport-region",
        says="A thumbnail's viewport is a size alone.",
        item="REND-40",
        clause="PS3.18 8.3.5.1.3",
        needs=("thumbnail-viewport",),
        request=Http("GET {ct1.instance}/thumbnail?viewport=64,64,0,0", JPEG),
        status=400,
    ),
    Case(
        id="thumbnail-of-report",
        says="What is no image has a thumbnail too.",
        item="REND-47",
        clause="PS3.18 10.4.3.3.4",
        kind=Kind.MAY,
        needs=("thumbnail-instance",),
        request=Http("GET {sr.instance}/thumbnail", JPEG),
        checks=(media_type(JPEG),),
    ),
    Case(
        id="thumbnail-by-parameter",
        says="Viewers ask for a JPEG by parameter under a multipart Accept, and get it.",
        item="NEG-11",
        clause="PS3.18 8.7.8.1",
        kind=Kind.SHOULD,
        needs=("thumbnail-instance",),
        request=Http(
            "GET {ct1.instance}/thumbnail?accept=image%2Fjpeg",
            "multipart/related; type=image/jpeg, */*",
        ),
        checks=(header("content-type", "image/jpeg"),),
    ),
)

LIMITS = (
    _refused(
        "viewport-bad-huge",
        "A viewport out of all bounds is refused.",
        "viewport=1000000000,1000000000",
        "REND-25",
        _VIEWPORT,
    ),
)
"""What some servers do not survive: asked last."""

CASES = (*RESOURCES, *PIPELINE, *PARAMETERS, *THUMBNAILS)
