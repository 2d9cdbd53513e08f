"""A bare file server: the limit that reading is held against."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK_BYTES = 256 * 1024
START_SECONDS_MAX = 10

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


@contextmanager
def serving_files(root: Path) -> Iterator[tuple[str, str]]:
    """URL and name of a server of the files in `root`."""
    port = _free_port()
    name = "nginx" if shutil.which("nginx") else "bare uvicorn"
    command = _nginx(root, port) if name == "nginx" else _uvicorn(root, port)
    process = subprocess.Popen(command)
    try:
        _wait(port)
        print(f"limit of reading: {name}")
        yield f"http://127.0.0.1:{port}", name
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


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
