"""Debian's Chromium, driven over a pipe: enough to open a page and look at it."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--ignore-gpu-blocklist", "--remote-debugging-pipe", "--window-size=1280,800"),
)
LOOKS_MAX = 120
PAUSE_MILLISECONDS = 500


def chromium() -> str | None:
    """Where it is; None where it is not installed."""
    return shutil.which("chromium")


class Browser:
    """A session of the DevTools protocol: messages of JSON with a NUL after each."""

    def __init__(self, out: int, into: int) -> None:
        self._out, self._into, self._held, self._last = out, into, b"", 0

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The result of a command; what happens meanwhile is passed over."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._held:
                data = os.read(self._out, 1 << 20)
                assert data, "Chromium has ended"
                self._held += data
            text, _, self._held = self._held.partition(b"\0")
            answer = json.loads(text)
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def look(self, url: str, enough: Callable[[Image.Image], bool]) -> Image.Image:
        """What the page at `url` looks like, once that is `enough` or it has had time."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.navigate", session, url=url)
        pause = f"new Promise(done => setTimeout(done, {PAUSE_MILLISECONDS}))"
        for _ in range(LOOKS_MAX):
            self.ask("Runtime.evaluate", session, expression=pause, awaitPromise=True)
            shot = self.ask("Page.captureScreenshot", session)["data"]
            seen = Image.open(io.BytesIO(base64.b64decode(shot))).convert("L")
            if enough(seen):
                break
        self.ask("Target.closeTarget", targetId=target)
        return seen


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    program = chromium()
    assert program is not None, "it is installed"
    (ours_out, theirs_in), (theirs_out, ours_in) = os.pipe(), os.pipe()
    # The protocol is spoken on the descriptors 3 and 4, whatever numbers ours have.
    command = f'exec "$@" 3<&{theirs_out} 4>&{theirs_in}'
    process = subprocess.Popen(
        ["bash", "-c", command, "bash", program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(theirs_out, theirs_in),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_out)
    os.close(theirs_in)
    try:
        yield Browser(ours_out, ours_in)
    finally:
        process.kill()
        process.wait()
        os.close(ours_out)
        os.close(ours_in)
