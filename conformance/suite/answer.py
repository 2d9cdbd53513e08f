"""Answer: what came back, read by the letter; a body that cannot be read is `Wrong`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import httpx
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError

from conformance.suite import multipart
from conformance.suite.case import Wrong
from conformance.suite.multipart import MediaType, Part

if TYPE_CHECKING:
    from conformance.suite.session import Session

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


@dataclass
class Answer:
    session: Session
    status: int
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    url: str = ""
    """What was asked, after redirects."""
    responses: list[Dataset] = field(default_factory=list)
    """DIMSE: the command sets that came, the last one final."""
    identifiers: list[Dataset] = field(default_factory=list)
    """DIMSE: the data sets that came with pending responses."""
    received: list[Dataset] = field(default_factory=list)
    """DIMSE: objects that sub-operations brought, with their file meta."""
    sub_operations: list[Any] = field(default_factory=list)
    """DIMSE: the C-STORE requests that brought them."""
    contexts: dict[str, str | None] = field(default_factory=dict)
    """DIMSE: abstract syntax -> the transfer syntax accepted; None: the context was refused."""
    association: Any = None

    @cached_property
    def media_type(self) -> MediaType:
        return multipart.media_type(self.headers.get("content-type", ""))

    @cached_property
    def json(self) -> Any:
        """The body as JSON, by the letter: no NaN, no duplicate keys."""
        try:
            return json.loads(
                self.body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_object
            )
        except UnicodeDecodeError as error:
            raise Wrong(f"The JSON is not UTF-8: {error}.") from None
        except json.JSONDecodeError as error:
            raise Wrong(f"The body is not JSON: {error}.") from None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The data sets of a DICOM JSON body; none when there is no content."""
        if self.status == 204:
            return []
        if not isinstance(self.json, list) or not all(isinstance(row, dict) for row in self.json):
            raise Wrong("The body is not a top-level array of objects.")
        return self.json

    @property
    def row(self) -> dict[str, Any]:
        """The one data set of a DICOM JSON body, be it bare or in an array."""
        rows = [self.json] if isinstance(self.json, dict) else self.rows
        if len(rows) != 1:
            raise Wrong(f"There are {len(rows)} data sets, not one.")
        return rows[0]

    @cached_property
    def parts(self) -> list[Part]:
        return multipart.read(self.body, self.headers.get("content-type", ""))

    @cached_property
    def files(self) -> list[FileDataset]:
        """The Part 10 files of the answer, be it multipart or single."""
        whole = self.media_type.name == "multipart/related"
        return [part10(part.content) for part in self.parts] if whole else [part10(self.body)]

    @cached_property
    def native_models(self) -> list[ElementTree.Element]:
        """The Native DICOM Model documents of the answer, one each part."""
        return [_native_model(part.content) for part in self.parts]

    @cached_property
    def warnings(self) -> list[str]:
        """The texts of Warning headers, without code, agent, colon and quotes (RUL-09)."""
        values = self.headers.get_list("warning")
        texts = [text for value in values for text in value.split(", 299 ")]
        return [_warning_text(text) for text in texts]

    @property
    def final(self) -> Dataset:
        if not self.responses:
            raise Wrong("There was no DIMSE response.")
        return self.responses[-1]


def value(row: dict[str, Any], tag: str, default: Any = None) -> Any:
    """The first value of an attribute in DICOM JSON."""
    return next(iter(row.get(tag, {}).get("Value", [])), default)


def part10(content: bytes) -> FileDataset:
    if content[128:132] != b"DICM":
        raise Wrong(f"It is no Part 10 file; it begins with {content[:16]!r}.")
    try:
        return dcmread(BytesIO(content))
    except (InvalidDicomError, ValueError, EOFError, AttributeError) as error:
        raise Wrong(f"The Part 10 file cannot be read: {error}.") from None


def _native_model(content: bytes) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - of the server that the user named
    except ElementTree.ParseError as error:
        raise Wrong(f"The XML cannot be read: {error}.") from None
    if root.tag != NATIVE + "NativeDicomModel":
        raise Wrong(f"The root element is {root.tag}.")
    return root


def _warning_text(text: str) -> str:
    text = text.removeprefix("299 ")
    _, _, after = text.partition(" ")
    return after.lstrip(": ").strip().strip('"')


def _no_constant(text: str) -> None:
    raise Wrong(f"{text} is not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Wrong("A JSON object names a member twice.")
    return found
