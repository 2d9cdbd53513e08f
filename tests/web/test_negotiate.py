"""Accept -> offer: the headers real clients send, the letter of PS3.18 8.7, and nonsense."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.web.negotiate import (
    ACCEPT_CHARACTERS_MAX,
    RANGES_MAX,
    MediaType,
    Offer,
    negotiate,
    parse_accept,
    parse_media_type,
)
from schemas.reasons import BAD_REQUEST, NOT_ACCEPTABLE, Refused
from schemas.syntaxes import SYNTAXES

P = "1.2.840.10008.1.2"
ELE, BASELINE, JLS, J2K, RLE = (P + s for s in (".1", ".4.50", ".4.80", ".4.90", ".5"))
DICOM, NATIVE = "application/dicom", "application/octet-stream"

JSON = Offer("application/dicom+json")
JSON_PARTS = Offer("application/dicom+json", multipart=True)
XML_PARTS = Offer("application/dicom+xml", multipart=True)
METADATA = (JSON, XML_PARTS, JSON_PARTS)

JPEG, PNG, GIF = Offer("image/jpeg"), Offer("image/png"), Offer("image/gif")
RENDERED = (JPEG, GIF, PNG)
SR = (Offer("text/html"), Offer("text/plain"), Offer("text/xml"))


def both(media_type, syntax, **options):
    """The offer in parts, then the same on its own."""
    return tuple(Offer(media_type, m, syntax, **options) for m in (True, False))


DICOM_ELE, DICOM_ELE_ALONE = both(DICOM, ELE)
DICOM_JLS, DICOM_JLS_ALONE = both(DICOM, JLS, stored=True)
FRAME_ELE, FRAME_ELE_ALONE = both(NATIVE, ELE)
FRAME_RAW, FRAME_RAW_ALONE = both(NATIVE, JLS, stored=True)
FRAME_JLS, FRAME_JLS_ALONE = both("image/jls", JLS, stored=True)

STUDY = (DICOM_ELE, DICOM_JLS)
INSTANCE = (DICOM_ELE, DICOM_JLS, DICOM_ELE_ALONE, DICOM_JLS_ALONE)
FRAMES = (FRAME_ELE, FRAME_RAW, FRAME_JLS)
FRAME = (*FRAMES, FRAME_ELE_ALONE, FRAME_RAW_ALONE, FRAME_JLS_ALONE)

SLIDE_BASELINE = Offer(NATIVE, True, BASELINE, stored=True)
SLIDE_JPEG = Offer("image/jpeg", True, BASELINE, stored=True)
SLIDE = (FRAME_ELE, SLIDE_JPEG, SLIDE_BASELINE)

FRAME_RLE = Offer("image/dicom-rle", False, RLE, stored=True)

BULK, BULK_ALONE = both(NATIVE, None)
PDF_PARTS, PDF = both("application/pdf", None)

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
JDK = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
MICROSCOPY = ", ".join(
    f'multipart/related; type="{t}"; transfer-syntax={s}'
    for t, s in [
        ("image/jls", JLS),
        ("image/jls", P + ".4.81"),
        ("image/jp2", J2K),
        ("image/jp2", P + ".4.91"),
        ("image/jpx", P + ".4.92"),
        ("image/jpx", P + ".4.93"),
        (NATIVE, "*"),
        ("image/jpeg", BASELINE),
    ]
)


def refusal(accept, offers, parameter=(), *, strict=False):
    with pytest.raises(Refused) as caught:
        negotiate(accept, parameter, offers, strict=strict)
    return caught.value


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize(
    "accept, offers, expected",
    [
        # What the clients of clients.md 1 and 1b send.
        pytest.param("application/dicom+json", METADATA, JSON, id="OHIF list"),
        pytest.param(
            "application/dicom+json, multipart/related; type=application/octet-stream",
            METADATA,
            JSON,
            id="OHIF series, mixed",
        ),
        pytest.param("application/dicom+json, application/json", METADATA, JSON, id="Python list"),
        pytest.param(
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            FRAME,
            FRAME_RAW,
            id="OHIF frame",
        ),
        pytest.param(
            'multipart/related; type="application/octet-stream"; transfer-syntax=*',
            FRAMES,
            FRAME_RAW,
            id="SLIM frame",
        ),
        pytest.param('multipart/related; type="*/*"', FRAME, FRAME_ELE, id="Python frame"),
        pytest.param(
            f'multipart/related; type="image/jls"; transfer-syntax={JLS}',
            FRAME,
            FRAME_JLS,
            id="Python frame as stored",
        ),
        pytest.param(MICROSCOPY, SLIDE, SLIDE_JPEG, id="microscopy, JPEG"),
        pytest.param(MICROSCOPY, FRAMES, FRAME_RAW, id="microscopy, JPEG-LS"),
        pytest.param(
            'multipart/related; type="application/dicom"', INSTANCE, DICOM_ELE, id="OHIF SEG"
        ),
        pytest.param(
            'multipart/related;type="application/dicom";transfer-syntax=*',
            STUDY,
            DICOM_JLS,
            id="Weasis",
        ),
        pytest.param(
            'multipart/related; type="application/octet-stream"',
            (BULK, BULK_ALONE),
            BULK,
            id="ICC profile",
        ),
        pytest.param("application/octet-stream", (BULK, BULK_ALONE), BULK_ALONE, id="ECG"),
        pytest.param(
            "application/octet-stream; transfer-syntax=*",
            (BULK, BULK_ALONE),
            BULK_ALONE,
            id="EZ-WSI bulk data",
        ),
        pytest.param("application/pdf", (BULK, BULK_ALONE, PDF_PARTS, PDF), PDF, id="Python PDF"),
        pytest.param("*/*", (BULK, BULK_ALONE), BULK, id="OHIF single part"),
        pytest.param("*/*", METADATA, JSON, id="answer to STOW"),
        pytest.param("image/jpeg", RENDERED, JPEG, id="thumbnail"),
        pytest.param(CHROME, METADATA, JSON, id="browser"),
        pytest.param(JDK, METADATA, JSON, id="Java"),
        # The letter.
        pytest.param("*/*", INSTANCE, DICOM_ELE, id="NEG-03 default"),
        pytest.param("*/*;q=0.1", FRAME, FRAME_ELE, id="NEG-03 default frame"),
        pytest.param("image/*", RENDERED, JPEG, id="NEG-04 image/*"),
        pytest.param("text/*", SR, SR[0], id="NEG-04 text/*"),
        pytest.param(
            'application/dicom+json;q=0.2, multipart/related;type="application/dicom+xml";q=0.9',
            METADATA,
            XML_PARTS,
            id="NEG-05 XML",
        ),
        pytest.param(
            'application/dicom+json;q=0.9, multipart/related;type="application/dicom+xml";q=0.2',
            METADATA,
            JSON,
            id="NEG-05 JSON",
        ),
        pytest.param("image/*;q=1, image/png;q=0.1, image/jpeg;q=0.2", RENDERED, GIF, id="NEG-05"),
        pytest.param("application/dicom+json;q=0, */*", METADATA, XML_PARTS, id="NEG-06 q=0"),
        pytest.param(
            'application/dicom+json;q=banana, multipart/related;type="application/dicom+xml"',
            METADATA,
            XML_PARTS,
            id="NEG-06 malformed q",
        ),
        pytest.param(
            "foo/bar, application/dicom+json;x=1, application/dicom+json",
            METADATA,
            JSON,
            id="NEG-07",
        ),
        pytest.param("application/dicom", INSTANCE, DICOM_ELE_ALONE, id="NEG-17 WADO-03 alone"),
        pytest.param(
            "Multipart/Related; Type=Application/DICOM; Transfer-Syntax=*",
            INSTANCE,
            DICOM_JLS,
            id="NEG-18",
        ),
        pytest.param("multipart/related; type=application/dicom", STUDY, DICOM_ELE, id="NEG-19"),
        pytest.param(
            'multipart/related; type="application/dicom"; boundary=**',
            STUDY,
            DICOM_ELE,
            id="NEG-20",
        ),
        pytest.param(
            'multipart/related; type="image/*";transfer-syntax=*', FRAME, FRAME_JLS, id="NEG-21"
        ),
        pytest.param("multipart/related", INSTANCE, DICOM_ELE, id="NEG-22 RUL-04"),
        pytest.param("multipart/*", FRAME, FRAME_ELE, id="any parts"),
        pytest.param(
            f'multipart/related;type="application/dicom";transfer-syntax={ELE}',
            STUDY,
            DICOM_ELE,
            id="NEG-24",
        ),
        pytest.param("application/dicom;transfer-syntax=*", INSTANCE, DICOM_JLS_ALONE, id="NEG-25"),
        pytest.param(
            'multipart/related;type="application/dicom";transfer-syntax=1.2.3.4, */*;q=0.1',
            STUDY,
            DICOM_ELE,
            id="NEG-29",
        ),
        pytest.param(
            f'multipart/related;type="application/dicom";transfer-syntax={JLS};q=1,'
            f'multipart/related;type="application/dicom";transfer-syntax={ELE};q=0.5',
            STUDY,
            DICOM_JLS,
            id="NEG-30 stored",
        ),
        pytest.param(
            f'multipart/related;type="application/dicom";transfer-syntax={J2K};q=1,'
            f'multipart/related;type="application/dicom";transfer-syntax={ELE};q=0.5',
            STUDY,
            DICOM_ELE,
            id="NEG-30 second best",
        ),
        pytest.param('multipart/related;type="image/jls"', FRAME, FRAME_JLS, id="NEG-35"),
        pytest.param('multipart/related;type="image/x-jls"', FRAME, FRAME_JLS, id="NEG-36"),
        pytest.param("image/x-dicom-rle", (FRAME_RLE,), FRAME_RLE, id="NEG-36 RLE"),
        pytest.param("application/dicom+json;transfer-syntax=*", METADATA, JSON, id="NEG-38 any"),
        pytest.param(
            f"application/dicom+json;transfer-syntax={ELE}", METADATA, JSON, id="NEG-38 default"
        ),
        pytest.param("application/dicom+json;charset=UTF-8", METADATA, JSON, id="NEG-40"),
        pytest.param("application/octet-stream", FRAME, FRAME_ELE_ALONE, id="WADO-40"),
        pytest.param("image/jls", FRAME, FRAME_JLS_ALONE, id="WADO-41"),
        pytest.param(
            'multipart/related;type="application/dicom+json"', METADATA, JSON_PARTS, id="RUL-22"
        ),
        # Which of several.
        pytest.param(
            "application/octet-stream, application/octet-stream;transfer-syntax=*;q=0.5",
            FRAME,
            FRAME_ELE_ALONE,
            id="rather uncompressed",
        ),
        pytest.param(
            "application/octet-stream;q=0.5, application/octet-stream;transfer-syntax=*",
            FRAME,
            FRAME_RAW_ALONE,
            id="rather as stored",
        ),
        pytest.param(
            "image/jls, application/octet-stream", FRAME, FRAME_JLS_ALONE, id="stored of equals"
        ),
        pytest.param("image/jpeg;q=0, */*", RENDERED, GIF, id="anything but"),
        pytest.param(
            'multipart/related;type="image/jls";q=0, multipart/related;type="image/*", */*;q=0.1',
            FRAME,
            FRAME_ELE,
            id="specific refusal",
        ),
    ],
)
def test_the_offer_that_is_wanted_is_given(accept, offers, expected, strict):
    assert negotiate(accept, (), offers, strict=strict) == expected


@pytest.mark.parametrize(
    "accept, offers, expected",
    [
        pytest.param(None, METADATA, JSON, id="no Accept, RUL-01"),
        pytest.param(" ", INSTANCE, DICOM_ELE, id="empty Accept"),
        pytest.param("application/json", METADATA, JSON, id="application/json, RUL-33"),
        pytest.param(
            'multipart/related; type="application/json"', METADATA, JSON_PARTS, id="JSON in parts"
        ),
        pytest.param(
            "multipart/related; type=image/jls; transfer-syntax=*; transfer-syntax=*",
            FRAMES,
            FRAME_JLS,
            id="transfer-syntax twice",
        ),
        pytest.param(
            f"application/dicom; transfer-syntax={J2K}; transfer-syntax={JLS}",
            INSTANCE,
            DICOM_JLS_ALONE,
            id="two transfer syntaxes",
        ),
        pytest.param(
            f'application/dicom; transfer-syntax="{J2K}, {ELE}"',
            INSTANCE,
            DICOM_ELE_ALONE,
            id="list of transfer syntaxes",
        ),
        pytest.param(
            f'multipart/related; type="application/dicom; transfer-syntax={JLS}"',
            INSTANCE,
            DICOM_JLS,
            id="transfer-syntax within the type",
        ),
        pytest.param(
            'multipart/related; type="image/jpeg"', SLIDE, SLIDE_JPEG, id="another JPEG, NEG-35"
        ),
        pytest.param(
            'multipart/related; type="application/dicom"',
            (DICOM_JLS,),
            DICOM_JLS,
            id="cannot be decoded, NEG-27",
        ),
        pytest.param(
            f"application/dicom+json;transfer-syntax={JLS}", METADATA, JSON, id="JSON, NEG-38"
        ),
        pytest.param("application/dicom, image/png", INSTANCE, DICOM_ELE_ALONE, id="mix, NEG-09"),
        pytest.param(
            'multipart/related; type="application/pdf",'
            ' multipart/related; type="application/octet-stream"',
            (PDF_PARTS, PDF, BULK, BULK_ALONE),
            PDF_PARTS,
            id="OHIF PDF",
        ),
    ],
)
def test_a_lenient_server_understands_more(accept, offers, expected):
    assert negotiate(accept, (), offers, strict=False) == expected


@pytest.mark.parametrize(
    "accept, offers",
    [
        pytest.param(None, METADATA, id="no Accept, NEG-01"),
        pytest.param("application/json", METADATA, id="application/json, NEG-79"),
        pytest.param('multipart/related; type="image/jpeg"', SLIDE, id="another JPEG, NEG-35"),
        pytest.param(
            "application/dicom; transfer-syntax=*; transfer-syntax=*", INSTANCE, id="NEG-30"
        ),
    ],
)
def test_a_strict_server_keeps_to_the_letter(accept, offers):
    assert refusal(accept, offers, strict=True).reason is NOT_ACCEPTABLE


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize(
    "accept, offers",
    [
        pytest.param("image/png", METADATA, id="NEG-08"),
        pytest.param("application/dicom", STUDY, id="NEG-17 WADO-03 single of many"),
        pytest.param("application/octet-stream", FRAMES, id="WADO-40 single of many"),
        pytest.param("image/jpeg", FRAMES, id="not stored so"),
        pytest.param('multipart/related;type="image/jpeg"', RENDERED, id="parts of one"),
        pytest.param("application/dicom;transfer-syntax=1.2.3.4", INSTANCE, id="NEG-29"),
        pytest.param(f"application/dicom;transfer-syntax={P}", INSTANCE, id="NEG-28"),
        pytest.param(f"image/jpeg;transfer-syntax={BASELINE}", RENDERED, id="NEG-32"),
        pytest.param("*/*;q=0", METADATA, id="NEG-06 nothing at all"),
        pytest.param("multipart/related;type=image/jls;q=0", FRAMES, id="NEG-06 all but"),
        pytest.param("application/dicom+json;q=1.5", METADATA, id="NEG-06 q above 1"),
        pytest.param("application/dicom+json;q=0.1234", METADATA, id="NEG-06 four decimals"),
        pytest.param("application/zip", STUDY, id="CAP-10"),
        pytest.param("multipart/form-data; type=application/dicom", STUDY, id="other multipart"),
        pytest.param("*/dicom", STUDY, id="half a wildcard"),
        pytest.param("nonsense", METADATA, id="no media type"),
        pytest.param("*/*", (), id="nothing to offer"),
    ],
)
def test_what_cannot_be_given_is_not_acceptable(accept, offers, strict):
    assert refusal(accept, offers, strict=strict).reason is NOT_ACCEPTABLE


def test_a_refusal_lists_what_there_is():
    """NEG-08, NEG-69."""
    detail = refusal("image/png", (*METADATA, DICOM_JLS)).detail
    assert "application/dicom+json, multipart/related; type=" in detail
    assert f'multipart/related; type="application/dicom"; transfer-syntax={JLS}' in detail


@pytest.mark.parametrize(
    "accept, parameter, offers, expected",
    [
        pytest.param("*/*", "image/png", RENDERED, PNG, id="a thumbnail in a page"),
        pytest.param("image/jpeg, image/*;q=0.1", "image/png", RENDERED, PNG, id="NEG-11"),
        pytest.param(
            "*/*", "multipart/related;type=application/dicom+xml", METADATA, XML_PARTS, id="NEG-10"
        ),
        pytest.param("*/*", "image/gif;q=0.2,image/png", RENDERED, PNG, id="NEG-10 list"),
        pytest.param("image/png, */*;q=0.1", "image/x-foo", RENDERED, PNG, id="NEG-11 the header"),
        pytest.param(
            "*/*", f"{DICOM};transfer-syntax=*", INSTANCE, DICOM_JLS_ALONE, id="any syntax"
        ),
    ],
)
@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_the_parameter_is_looked_at_first(accept, parameter, offers, expected, strict):
    assert negotiate(accept, [parameter], offers, strict=strict) == expected


@pytest.mark.parametrize(
    "accept, parameter",
    [
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", "image/jpeg"),
        ("image/png", "image/jpeg"),
        (None, "image/jpeg"),
    ],
    ids=["OHIF thumbnail", "another picture", "no header"],
)
def test_only_a_strict_server_minds_a_parameter_beyond_the_header(accept, parameter):
    """RUL-03, NEG-02, NEG-15, clients.md 1b."""
    assert negotiate(accept, [parameter], RENDERED, strict=False) == JPEG
    reason = refusal(accept, RENDERED, [parameter], strict=True).reason
    assert reason is (BAD_REQUEST if accept else NOT_ACCEPTABLE)


def test_values_of_a_repeated_parameter_are_one_list():
    assert negotiate("*/*", ["image/gif;q=0.1", "image/png"], RENDERED, strict=False) == PNG


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize(
    "parameter", ["*/*", "image/*", 'multipart/related;type="image/*"', "image/png,*/*;q=0.1"]
)
def test_wildcards_are_not_for_the_parameter(parameter, strict):
    """NEG-13."""
    assert refusal("*/*", RENDERED, [parameter], strict=strict).reason is BAD_REQUEST


def test_a_plus_between_parameters_was_a_space():
    """NEG-14, clients.md: as URLSearchParams writes it; within a name it is a plus."""
    parameter = ['multipart/related;+type="application/dicom+xml"']
    assert negotiate("*/*", parameter, METADATA, strict=False) == XML_PARTS
    assert refusal("*/*", METADATA, parameter, strict=True).reason is BAD_REQUEST


@pytest.mark.parametrize(
    "accept, parameter",
    [("application/dicom, image/png", []), ("*/*", ["application/dicom,image/png"])],
    ids=["header", "parameter"],
)
def test_a_strict_server_refuses_a_mix_of_dicom_and_rendered_types(accept, parameter):
    """NEG-09."""
    assert refusal(accept, INSTANCE, parameter, strict=True).reason is BAD_REQUEST


def test_image_jpeg_beside_octet_stream_is_no_mix():
    """NEG-09."""
    accept = "image/jpeg, application/octet-stream"
    assert negotiate(accept, [], FRAME, strict=True) == FRAME_ELE_ALONE


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("Text/HTML", MediaType("text", "html"), id="case"),
        pytest.param(" a / b ;C=d", MediaType("a", "b", (("c", "d"),)), id="spaces"),
        pytest.param('a/b; c="d;,\\"\\\\"', MediaType("a", "b", (("c", 'd;,"\\'),)), id="quotes"),
        pytest.param("a/b; t=c/*", MediaType("a", "b", (("t", "c/*"),)), id="bare slash"),
        pytest.param("a/b; t==c=", MediaType("a", "b", (("t", "=c="),)), id="bare equals signs"),
        pytest.param("a/b;; c ;d=1;", MediaType("a", "b", (("d", "1"),)), id="empty parameters"),
        pytest.param('a/b; c="d', MediaType("a", "b", (("c", "d"),)), id="quote left open"),
        pytest.param("image/x-jls; q=1", MediaType("image", "jls", (("q", "1"),)), id="old name"),
        pytest.param("", None, id="empty"),
        pytest.param("text", None, id="no subtype"),
        pytest.param("text/html plain", None, id="two words"),
        pytest.param("text/", None, id="half"),
    ],
)
def test_a_media_type_is_parsed(text, expected):
    """NEG-18, NEG-19."""
    assert parse_media_type(text) == expected


def test_parameters_are_looked_up():
    media_type = parse_media_type("a/b; x=1; X=2")
    assert media_type.name == "a/b"
    assert media_type.values("x") == ("1", "2")
    assert (media_type.value("x"), media_type.value("y")) == ("1", None)


def test_commas_in_quotes_do_not_separate():
    [found, other] = parse_accept('a/b; x="1, \\", c/d"; q=0.5, e/f')
    assert (found.subtype, found.q, other.subtype) == ("b", 0.5, "f")


def test_lists_are_bounded():
    assert len(parse_accept(",".join(["a/b"] * RANGES_MAX))) == RANGES_MAX
    for text in (",".join(["a/b"] * (RANGES_MAX + 1)), "a" * (ACCEPT_CHARACTERS_MAX + 1)):
        with pytest.raises(Refused) as caught:
            parse_accept(text)
        assert caught.value.reason is BAD_REQUEST
    assert parse_media_type("a/b;" + " " * ACCEPT_CHARACTERS_MAX) is None


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_every_compressed_media_type_gives_some_syntax_when_none_is_named(syntax):
    """NEG-35, leniently."""
    offers = both(syntax.media_type, syntax.uid, stored=True)
    accept = f"multipart/related; type={syntax.media_type}"
    assert negotiate(accept, (), offers, strict=False) == offers[0]


@pytest.mark.parametrize(
    "media_type, suffix",
    [
        ("image/jpeg", ".4.70"),
        ("image/dicom-rle", ".5"),
        ("image/jls", ".4.80"),
        ("image/jp2", ".4.90"),
        ("image/jpx", ".4.92"),
        ("image/jphc", ".4.201"),
        ("image/jxl", ".4.110"),
        ("video/mpeg", ".4.101"),
        ("video/mp4", ".4.102"),
        ("video/h265", ".4.107"),
        (NATIVE, ".1"),
        (DICOM, ".1"),
    ],
)
def test_a_type_alone_means_its_default_syntax(media_type, suffix):
    """NEG-26, NEG-35."""
    others = tuple(
        Offer(s.media_type, False, s.uid) for s in SYNTAXES if s.media_type.lower() == media_type
    )
    offers = (*others[::-1], *(Offer(DICOM, False, s.uid) for s in SYNTAXES[::-1]))
    assert negotiate(media_type, (), offers, strict=True).transfer_syntax == P + suffix


@pytest.mark.parametrize(
    "offer, content_type, asked",
    [
        (JSON, "application/dicom+json", "application/dicom+json"),
        (DICOM_ELE_ALONE, f"{DICOM}; transfer-syntax={ELE}", f"{DICOM}; transfer-syntax={ELE}"),
        (
            DICOM_JLS,
            f"{DICOM}; transfer-syntax={JLS}",
            f'multipart/related; type="{DICOM}"; transfer-syntax={JLS}',
        ),
        (XML_PARTS, "application/dicom+xml", 'multipart/related; type="application/dicom+xml"'),
    ],
    ids=["JSON", "single", "in parts", "XML"],
)
def test_an_offer_is_labelled(offer, content_type, asked):
    """NEG-33."""
    assert (offer.content_type, str(offer)) == (content_type, asked)


EVERY_OFFER = (*METADATA, *RENDERED, *SR, *INSTANCE, *FRAME, *SLIDE, FRAME_RLE, PDF_PARTS, PDF)


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("offer", EVERY_OFFER, ids=str)
def test_what_a_refusal_lists_can_be_asked_for(offer, strict):
    found = negotiate(str(offer), (), EVERY_OFFER, strict=strict)
    assert str(found) == str(offer)


entries = st.sampled_from(
    [
        *map(str, EVERY_OFFER),
        "*/*",
        "image/*",
        "multipart/related",
        "text/*;q=0",
        "x",
        '"',
        "*;q=.5",
    ]
)


@given(st.lists(entries, max_size=6), st.permutations(EVERY_OFFER), st.booleans())
def test_any_header_gives_an_offer_or_a_refusal(accept, offers, strict):
    with suppress(Refused):
        assert negotiate(",".join(accept), (), offers, strict=strict) in offers


@given(st.text(alphabet=' "\\,;=*/abq.01\r\n\tä', max_size=200))
def test_any_text_is_parsed_without_failing(text):
    assert all(0 <= found.q <= 1 for found in parse_accept(text))


tokens = st.text(alphabet="abcdefgh.+-", min_size=1, max_size=8).filter(lambda t: t != "q")


@given(tokens, st.lists(st.tuples(tokens, st.text(max_size=10))))
def test_quoted_values_are_read_back(subtype, parameters):
    quoted = "".join(
        '; {}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"'))
        for name, value in parameters
    )
    assert parse_media_type(f"a/{subtype}{quoted}") == MediaType("a", subtype, tuple(parameters))
