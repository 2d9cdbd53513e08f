"""A bare file server: the limit that reading is held against."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.peers import free_ports, listens, running

CHUNK_BYTES = 256 * 1024

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Files:
    """A file server that runs."""

    name: str
    url: str
    pid: int


@contextmanager
def serving_files(root: Path) -> Iterator[Files]:
    """A server of the files in `root`."""
    (port,) = free_ports(1)
    name = "nginx" if shutil.which("nginx") else "bare uvicorn"
    command = _nginx(root, port) if name == "nginx" else _uvicorn(root, port)
    with running(command, lambda: listens(port)) as pid:
        print(f"limit of reading: {name}")
        yield Files(name, f"http://127.0.0.1:{port}", pid)


def _nginx(root: Path, port: int) -> list[str]:
    configuration = root.parent / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=root.parent, root=root, port=port))
    return ["nginx", "-c", str(configuration)]


def _uvicorn(root: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.files", str(root), str(port)]


def _main() -> None:
    import uvicorn

    root, port = Path(sys.argv[1]), int(sys.argv[2])

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        file = os.open(root / scope["path"].strip("/"), os.O_RDONLY)
        try:
            length = os.fstat(file).st_size
            headers = [(b"content-length", b"%d" % length)]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            for offset in range(0, length, CHUNK_BYTES):
                piece = os.pread(file, CHUNK_BYTES, offset)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            os.close(file)

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    _main()
