"""An HTTP/1.1 client that costs next to nothing, so that a measurement is of the server."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

RECEIVE_BYTES = 1024 * 1024


class Client:
    """One kept-alive connection; a request is bytes out, an answer is bytes in."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._host = split.netloc
        self._prefix = split.path.rstrip("/")
        self._socket = socket.create_connection((split.hostname or "", split.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(RECEIVE_BYTES)

    def close(self) -> None:
        self._socket.close()

    def get(self, path: str, accept: str = "*/*") -> tuple[int, int]:
        """Status and length of the body."""
        return self._exchange(f"GET {self._prefix}{path}", f"Accept: {accept}\r\n", ())

    def post(self, path: str, content_type: str, pieces: tuple[bytes, ...]) -> tuple[int, int]:
        """Status and length of the answer's body."""
        length = sum(map(len, pieces))
        headers = f"Content-Type: {content_type}\r\nContent-Length: {length}\r\n"
        return self._exchange(f"POST {self._prefix}{path}", headers, pieces)

    def _exchange(self, line: str, headers: str, pieces: tuple[bytes, ...]) -> tuple[int, int]:
        head = f"{line} HTTP/1.1\r\nHost: {self._host}\r\n{headers}\r\n".encode()
        self._socket.sendall(head)
        for piece in pieces:
            self._socket.sendall(piece)
        return self._answer()

    def _answer(self) -> tuple[int, int]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head, body = received[:end].lower(), received[end + 4 :]
        status = int(head.split(b" ", 2)[1])
        if b"transfer-encoding: chunked" in head:
            return status, self._chunked(body)
        length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        held = len(body)
        while held < length:
            held += self._socket.recv_into(self._buffer)
        return status, length

    def _receive(self) -> bytes:
        count = self._socket.recv_into(self._buffer)
        if not count:
            raise ConnectionError("The server closed the connection.")
        return bytes(self._buffer[:count])

    def _chunked(self, received: bytes) -> int:
        """Only the end is looked for: what uvicorn sends ends with an empty chunk."""
        length, tail = len(received), received[-5:]
        while tail != b"0\r\n\r\n":
            piece = self._receive()
            length += len(piece)
            tail = (tail + piece)[-5:]
        return length
