"""Session: one run against one server: its material, its connections, the answers so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urljoin

import httpx

from conformance.suite import material, multipart
from conformance.suite.answer import Answer
from conformance.suite.case import Body, Http, NotSetUp, Request, Wrong
from conformance.suite.material import Thing

if TYPE_CHECKING:
    from conformance.suite.dimse import Dimse

TIMEOUT_SECONDS = 30.0
SHOWN_BYTES_MAX = 4096
"""Of a body that is printed."""


@dataclass
class Session:
    url: str
    """Of the service root, without a slash at its end; empty: no web half."""
    wado_uri: str = ""
    dimse: Dimse | None = None
    strict: bool = False
    shown: TextIO | None = None
    """Where every exchange is printed, if anywhere."""
    token: str = field(default_factory=material.new_token)
    answers: list[Answer] = field(default_factory=list)
    """Of the case that is running."""
    exchanges: list[str] = field(default_factory=list)
    """Of the case that is running, a line each."""
    sent: list[Thing] = field(default_factory=list)
    """Objects of the last request that stored some of its own making."""

    def __post_init__(self) -> None:
        self._things, self._groups = material.make(self.token)
        self._stored: dict[str, str] = {}
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=True)

    def close(self) -> None:
        self._client.close()
        if self.dimse is not None:
            self.dimse.close()

    # Material ----------------------------------------------------------------------

    def __getitem__(self, name: str) -> Thing:
        """A thing of the material, stored by now; NotSetUp if the server does not take it."""
        if name not in self._things:
            raise KeyError(f"The material has no {name!r}.")
        self.ensure(self._groups[name])
        return self._things[name]

    def thing(self, name: str) -> Thing:
        """A thing of the material, stored or not."""
        return self._things[name]

    def ensure(self, group: str) -> None:
        """Have a whole group stored, once."""
        if group not in self._stored:
            self._stored[group] = self._store_group(group)
        if self._stored[group]:
            raise NotSetUp(self._stored[group])

    def _store_group(self, group: str) -> str:
        things = [self._things[name] for name in material.names(group, self._groups)]
        if self.url and group not in material.BY_DIMSE:
            why = self._stow(group, things)
        elif self.dimse is not None:
            why = self.dimse.fill(self, things)
        else:
            return f"The objects of {group!r} can only be stored over DIMSE."
        return why

    def _stow(self, group: str, things: Sequence[Thing]) -> str:
        parts = [({"Content-Type": "application/dicom"}, thing.file) for thing in things]
        body, content_type = multipart.write(parts, "application/dicom")
        headers = {"Content-Type": content_type}
        request = Http("POST /studies", "application/dicom+json", headers, body)
        answer = self.send(request)
        if answer.status != 200 or answer.row.get("00081198", {}).get("Value"):
            said = answer.body[:300].decode("utf-8", "replace")
            return f"Storing the objects of {group!r} was answered {answer.status}: {said}"
        return ""

    def fresh(self) -> str:
        return material.fresh_uid()

    # Exchanges ---------------------------------------------------------------------

    @property
    def answer(self) -> Answer:
        """The last answer of the case that is running."""
        return self.answers[-1]

    def send(self, request: Request) -> Answer:
        if isinstance(request, str):
            request = Http(request)
        method, _, path = self.filled(request.line).partition(" ")
        url = path if "://" in path else self.url + path
        body = self._body(request)
        headers = {"Accept-Encoding": "identity", **request.headers}
        if body.content_type is not None:
            headers.setdefault("Content-Type", body.content_type)
        content: Any = body.content if not request.chunked else iter(_pieces(body.content))
        built = self._client.build_request(
            method, url, headers=headers, content=content if request.body is not None else None
        )
        built.headers.pop("accept", None)
        if request.accept is not None:
            built.headers["Accept"] = request.accept
        try:
            response = self._client.send(built)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise Wrong(f"The server broke HTTP or the connection: {error}.") from None
        except httpx.ReadTimeout:
            raise Wrong(f"There was no answer in {TIMEOUT_SECONDS:.0f} seconds.") from None
        except httpx.TransportError as error:
            raise NotSetUp(f"The server cannot be reached: {error}.") from None
        self._show(built, body.content, response)
        url = str(response.request.url)
        return Answer(self, response.status_code, response.headers, response.content, url)

    def _body(self, request: Http) -> Body:
        if request.body is None or isinstance(request.body, bytes):
            return Body(request.body or b"", None)
        return request.body(self)

    def filled(self, text: str) -> str:
        """`text` with {ct1.study}, {token}, {fresh} and {wado} replaced; things get stored."""
        made = []
        for literal, name, _, _ in Formatter().parse(text):
            made.append(literal)
            if name is not None:
                made.append(self._word(name))
        return "".join(made)

    def _word(self, name: str) -> str:
        if name == "fresh":
            return self.fresh()
        if name == "token":
            return self.token
        if name == "wado":
            return self.wado_uri
        thing, _, attribute = name.partition(".")
        return str(getattr(self[thing], attribute))

    def absolute(self, reference: str) -> str:
        """A URL that the last answer held, resolved against where it came from (RUL-35)."""
        return urljoin(self.answer.url, reference)

    def _show(self, request: httpx.Request, sent: bytes, response: httpx.Response) -> None:
        if self.shown is None:
            return
        lines = [f"> {request.method} {request.url}"]
        lines += [f"> {name}: {value}" for name, value in request.headers.multi_items()]
        lines += [">", _shown(sent)] if sent else []
        lines += [f"< {response.status_code} {response.reason_phrase}"]
        lines += [f"< {name}: {value}" for name, value in response.headers.multi_items()]
        lines += ["<", _shown(response.content), ""]
        print("\n".join(lines), file=self.shown)


def _pieces(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), 500):
        yield content[at : at + 500]


def _shown(content: bytes) -> str:
    cut = content[:SHOWN_BYTES_MAX].decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() or c in "\r\n\t" else "." for c in cut)
    more = len(content) - SHOWN_BYTES_MAX
    return text + (f"\n... and {more} bytes more" if more > 0 else "")
