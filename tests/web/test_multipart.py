"""multipart/related without I/O: bodies whole, in pieces, byte by byte, cut, and hostile."""

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.web.multipart import (
    PADDING_BYTES_MAX,
    PREAMBLE_BYTES_MAX,
    PartBegin,
    PartData,
    PartEnd,
    Reader,
    Writer,
    boundary_of,
)
from dicomweb.web.negotiate import parse_media_type
from schemas.reasons import BAD_REQUEST, Refused

DICOM = {"content-type": "application/dicom"}
TWO_PARTS = (
    b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    b"DICM\r\n-- not it\r\n--bX nor this\r\n--b- nor that\r\n"
    b"\r\n--b\r\n\r\n\r\n--b--\r\n"
)


def events(body, *, step=None, boundary=b"b", **limits):
    reader = Reader(boundary, **limits)
    step = step or max(len(body), 1)
    found = [e for at in range(0, len(body), step) for e in reader.feed(body[at : at + step])]
    reader.close()
    return found


def parts(body, **options):
    """Headers and data of each part; asserts that events come in order."""
    found, data = [], None
    for event in events(body, **options):
        match event:
            case PartBegin(headers):
                assert data is None
                data = []
            case PartData(piece):
                assert piece
                data.append(piece)
            case PartEnd():
                found.append((headers, b"".join(data)))
                data = None
    assert data is None
    return found


def refusal(body, **options):
    with pytest.raises(Refused) as caught:
        events(body, **options)
    assert caught.value.reason is BAD_REQUEST
    return caught.value.detail


def written(bodies, boundary="b"):
    writer = Writer("application/dicom", boundary)
    heads = [writer.head([("Content-Type", "application/dicom")]) + data for data in bodies]
    return b"".join(heads) + writer.tail()


@pytest.mark.parametrize("step", [len(TWO_PARTS), 7, 1], ids=["whole", "pieces", "byte by byte"])
def test_parts_are_the_same_however_they_arrive(step):
    assert parts(TWO_PARTS, step=step) == [
        (DICOM, b"DICM\r\n-- not it\r\n--bX nor this\r\n--b- nor that\r\n"),
        ({}, b""),
    ]


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    "body, expected",
    [
        pytest.param(b"--b--", [], id="zero parts"),  # NEG-52
        pytest.param(b"\r\n--b--\r\n", [], id="zero parts after CRLF"),
        pytest.param(b"\r\n--b\r\n\r\nx\r\n--b--", [({}, b"x")], id="CRLF before, none after"),
        pytest.param(b"hello\r\n\r\n--b\r\n\r\nx\r\n--b--", [({}, b"x")], id="preamble text"),
        pytest.param(b"--bX\r\n--b\r\n\r\nx\r\n--b--", [({}, b"x")], id="look-alike before"),
        pytest.param(b"--b\r\n\r\nx\r\n--b--\r\nbye\r\n--b\r\n", [({}, b"x")], id="epilogue"),
        pytest.param(b"--b \t \r\n\r\nx\r\n--b-- \r\n", [({}, b"x")], id="padding"),
        pytest.param(b"--b\r\n\r\n--b--", [({}, b"")], id="empty line is the delimiter's CRLF"),
        pytest.param(b"--b\r\nA: b\r\n\r\n--b--", [({"a": "b"}, b"")], id="headers without body"),
        pytest.param(b"--b\r\n\r\n--bX\r\n--b--", [({}, b"--bX")], id="data like a delimiter"),
        pytest.param(b"--b\nA: b\n\nx\r\n--b--", [({"a": "b"}, b"x")], id="LF in headers"),
        pytest.param(b"--b\r\nA:b\r\n \tc\r\n\r\nx\r\n--b--", [({"a": "b c"}, b"x")], id="folded"),
        pytest.param(
            b"--b\r\nCONTENT-Type :  a/b; c=d:e \r\n\r\nx\r\n--b--",
            [({"content-type": "a/b; c=d:e"}, b"x")],
            id="names in lower case, values stripped",
        ),
        pytest.param(b"--b\r\nA: \xe4\r\n\r\n\r\n--b--", [({"a": "ä"}, b"")], id="latin-1"),
    ],
)
def test_every_framing_is_read(body, expected, step):
    """STOW-12."""
    assert parts(body, step=step) == expected


@pytest.mark.parametrize("step", [1, 5, 100_000])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\r\n--bX\r\n--b", id="another boundary that begins alike"),
        pytest.param(b"\r\n--b\rx", id="CR without LF"),
        pytest.param(b"\r\n--b x\r\n", id="text after padding"),
        pytest.param(b"\n--b\r\n", id="no CR before"),
        pytest.param(b"--\r\n-\r\n--\r\n\r\n\r", id="pieces of a delimiter"),
        pytest.param(b"\r\n--b" + b" " * (PADDING_BYTES_MAX + 1) + b"\r\n", id="padding too long"),
        pytest.param(b"\r\n--bX" * 2000, id="a thousand near misses"),
        pytest.param(b"\r\r\n\r\n-\r\n--\r\n\n--b", id="CRs before CRLF"),
    ],
)
def test_what_only_looks_like_a_boundary_is_data(data, step):
    """NEG-51."""
    body = b"--b\r\n\r\nD" + data + b"x\r\n--b--"
    assert parts(body, step=step) == [({}, b"D" + data + b"x")]


# Bytes of delimiters, so that look-alikes turn up often.
near_misses = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"-", b"b", b"--b", b"\r\n--b", b" ", b"x"])
).map(b"".join)


@given(st.lists(near_misses.map(lambda data: data.replace(b"--b", b"--bX")) | st.just(b"D")))
def test_near_misses_written_are_read_back(bodies):
    assert [data for _, data in parts(written(bodies))] == bodies


@given(
    st.lists(st.binary().filter(lambda b: b"--b" not in b)),
    st.integers(1, 50),
)
def test_what_is_written_is_read_back(bodies, step):
    assert parts(written(bodies), step=step) == [(DICOM, data) for data in bodies]


@given(near_misses, st.integers(1, 20))
def test_any_bytes_mean_the_same_however_they_arrive(body, step):
    def outcome(step):
        try:
            return parts(b"--b\r\n\r\nD" + body + b"\r\n--b--", step=step)
        except Refused as refused:
            return refused.detail

    assert outcome(step) == outcome(None)


@pytest.mark.parametrize("length", range(TWO_PARTS.rindex(b"--b--") + 5))
def test_a_cut_body_is_malformed(length):
    assert "ends before" in refusal(TWO_PARTS[:length], step=4)


def test_a_body_without_its_last_line_end_is_whole():
    assert len(parts(TWO_PARTS.removesuffix(b"\r\n"))) == 2


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    "headers, sentence",
    [
        pytest.param(b"no colon\r\n", "'no colon' is malformed", id="no colon"),
        pytest.param(b": value\r\n", "': value' is malformed", id="no name"),
        pytest.param(b"a\rb: value\r\n", "malformed", id="CR in the name"),
        pytest.param(b" folded\r\n", "malformed", id="continues nothing"),
        pytest.param(b"A: " + b"x" * 100, "longer than 64 bytes", id="one long line"),
        pytest.param(b"A: x\r\n" * 11, "longer than 64 bytes", id="many lines"),
    ],
)
def test_bad_headers_are_refused(headers, sentence, step):
    body = b"--b\r\n" + headers + b"\r\n\r\n--b--"
    assert sentence in refusal(body, step=step, headers_bytes_max=64)


@pytest.mark.parametrize("step", [1, 1000])
def test_the_headers_limit_counts_the_empty_line(step):
    body = b"--b\r\nA: b\r\n\r\n\r\n--b--"
    assert parts(body, step=step, headers_bytes_max=8) == [({"a": "b"}, b"")]
    assert "longer than 7 bytes" in refusal(body, step=step, headers_bytes_max=7)


def test_parts_are_bounded():
    body = written([b"x"] * 3)
    assert len(parts(body, parts_max=3)) == 3
    assert "more than 2 parts" in refusal(body, parts_max=2)


@pytest.mark.parametrize("step", [4096, 1_000_000])
def test_the_preamble_is_bounded(step):
    assert parts(b"x" * (PREAMBLE_BYTES_MAX - 2) + b"\r\n--b--", step=step) == []
    assert "no boundary" in refusal(b"x" * PREAMBLE_BYTES_MAX + b"\r\n--b--", step=step)


def test_data_without_a_line_end_passes_through_uncopied():
    reader = Reader(b"b")
    list(reader.feed(b"--b\r\n\r\nD"))
    chunk = bytes(65536)
    [event] = reader.feed(chunk)
    assert event.data is chunk


def test_only_the_beginning_of_a_delimiter_is_held_back():
    reader = Reader(b"b")
    list(reader.feed(b"--b\r\n\r\nD"))
    assert list(reader.feed(b"x\r\n--")) == [PartData(b"x")]
    assert list(reader.feed(b"y")) == [PartData(b"\r\n--y")]


@pytest.mark.parametrize(
    "content_type, boundary",
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('Multipart/Related; BOUNDARY="a b:c=?"', b"a b:c=?"),
        ("multipart/related; boundary===a==; type=application/dicom", b"==a=="),
        ("multipart/related; boundary=" + "x" * 70, b"x" * 70),
    ],
    ids=["plain", "quoted", "with equals signs", "70 characters"],
)
def test_the_boundary_is_a_parameter(content_type, boundary):
    """NEG-51, STOW-12."""
    assert boundary_of(parse_media_type(content_type)) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related; type=application/dicom",
        "multipart/related; boundary=",
        "multipart/related; boundary=" + "x" * 71,
        'multipart/related; boundary="a "',
        'multipart/related; boundary="a\r\nb"',
        "multipart/related; boundary=ä",
        "multipart/related; boundary=**",
    ],
    ids=["missing", "empty", "too long", "space at the end", "line end", "not ASCII", "asterisks"],
)
def test_a_boundary_that_is_not_legal_is_refused(content_type):
    """STOW-09."""
    with pytest.raises(Refused) as caught:
        boundary_of(parse_media_type(content_type))
    assert caught.value.reason is BAD_REQUEST


def test_the_content_type_written_is_read_back():
    """NEG-49, NEG-50."""
    writer = Writer("application/dicom")
    assert writer.content_type.startswith('multipart/related; type="application/dicom"; boundary=')
    media_type = parse_media_type(writer.content_type)
    assert boundary_of(media_type) == writer.boundary.encode()
    assert media_type.value("type") == "application/dicom"


def test_an_unusual_boundary_is_quoted():
    assert Writer("image/jls", "a b").content_type.endswith('; boundary="a b"')


def test_every_answer_has_its_own_boundary():
    assert Writer("a/b").boundary != Writer("a/b").boundary


def test_header_names_are_written_as_given():
    writer = Writer("application/octet-stream", "b")
    head = writer.head(
        [("Content-Type", "image/jls; transfer-syntax=1.2"), ("Content-Length", "3")]
    )
    assert head == (
        b"--b\r\nContent-Type: image/jls; transfer-syntax=1.2\r\nContent-Length: 3\r\n\r\n"
    )
    assert writer.head([]) == b"\r\n--b\r\n\r\n"
    assert writer.tail() == b"\r\n--b--\r\n"


def test_a_header_cannot_be_split():
    with pytest.raises(AssertionError):
        Writer("a/b").head([("Content-Location", "/studies/1\r\nSet-Cookie: x")])


def test_the_standard_library_reads_what_is_written():
    writer = Writer("application/dicom")
    body = b"".join(
        writer.head([("Content-Type", "application/dicom")]) + data for data in (b"one", b"two\r\n")
    )
    message = message_from_bytes(
        f"Content-Type: {writer.content_type}\r\n\r\n".encode() + body + writer.tail()
    )
    assert [part.get_payload(decode=True) for part in message.get_payload()] == [b"one", b"two\r\n"]
    assert not message.defects


def test_a_body_as_the_python_client_writes_it_is_read():
    """It puts CRLF before the first delimiter and none after the last (clients.md 1)."""
    body = b"\r\n--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--b--"
    assert parts(body) == [(DICOM, b"DICM")]
