"""Debian's Firefox over Marionette, the protocol it speaks itself: JSON messages on a socket.

Playwright drives a Firefox of its own making only, and geckodriver is in no Debian of today.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
LIMIT_SECONDS = 60
"""Of one command: long, for a machine that has other things to do."""
STARTED_SECONDS_MAX = 120

PREFERENCES = {
    "marionette.port": 0,
    "remote.prefs.recommended": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.newtabpage.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "app.update.disabledForTesting": True,
    "layout.css.prefers-color-scheme.content-override": 1,
}
KEYS = {"ArrowDown": "\ue015", "End": "\ue010", "Home": "\ue011", "Enter": "\ue007"}
"""As WebDriver writes keys that are no letters (17.4.2)."""


class FirefoxError(Exception):
    """What Firefox says went wrong."""


@dataclass
class Firefox:
    """A window, its commands one after another."""

    connection: socket.socket
    stream: BinaryIO = field(init=False)
    commands: int = 0

    def __post_init__(self) -> None:
        self.stream = self.connection.makefile("rb")
        self._message()
        self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
        self.ask(
            "WebDriver:SetTimeouts", script=LIMIT_SECONDS * 1000, pageLoad=LIMIT_SECONDS * 1000
        )

    def _message(self) -> object:
        """A length in decimal, a colon, JSON."""
        length = b""
        while (byte := self.stream.read(1)) != b":":
            if not byte:
                raise FirefoxError("Firefox is gone.")
            length += byte
        return json.loads(self.stream.read(int(length)))

    def ask(self, name: str, **parameters: object) -> object:
        """The result of a command."""
        self.commands += 1
        sent = json.dumps([0, self.commands, name, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(sent), sent))
        _, _, error, result = self._message()  # type: ignore[misc]
        if error:
            raise FirefoxError(f"{name}: {error['message']}")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def goto(self, url: str) -> None:
        self.ask("WebDriver:Navigate", url=url)

    def run(self, expression: str) -> object:
        """The value of an expression in the page."""
        return self.ask("WebDriver:ExecuteScript", script=f"return ({expression});", args=[])

    def until(self, expression: str) -> object:
        """The value of an expression in the page, once it is true."""
        script = f"""
          const done = arguments[arguments.length - 1];
          const look = () => {{
            let found = null;
            try {{ found = ({expression}); }} catch (error) {{ found = null; }}
            if (found) done(found); else setTimeout(look, 20);
          }};
          look();"""
        try:
            return self.ask("WebDriver:ExecuteAsyncScript", script=script, args=[])
        except FirefoxError as failed:
            raise FirefoxError(f"Never true: {expression}; {failed}") from None

    def size(self, width: int, height: int) -> None:
        """Makes the page so large, not the window around it."""
        edge = self.run("[outerWidth - innerWidth, outerHeight - innerHeight]")
        assert isinstance(edge, list)
        self.ask("WebDriver:SetWindowRect", width=width + edge[0], height=height + edge[1])

    def type(self, *keys: str) -> None:
        """Keys by name, other texts letter by letter."""
        signs = [sign for key in keys for sign in ([KEYS[key]] if key in KEYS else key)]
        strokes = [{"type": way, "value": sign} for sign in signs for way in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def click(self, selector: str) -> None:
        x, y = self.middle(selector)
        self._mouse(_moved(x, y), {"type": "pointerDown", "button": 0}, _UP)

    def drag(self, selector: str, across: int, down: int) -> None:
        x, y = self.middle(selector)
        on_the_way = [_moved(x + across * part // 4, y + down * part // 4) for part in range(1, 5)]
        self._mouse(_moved(x, y), {"type": "pointerDown", "button": 0}, *on_the_way, _UP)

    def wheel(self, selector: str, down: int) -> None:
        x, y = self.middle(selector)
        turn = {"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": down}
        self._act({"type": "wheel", "id": "wheel", "actions": [turn]})

    def middle(self, selector: str) -> tuple[int, int]:
        """Of an element that is there, or comes."""
        self.until(f"document.querySelector({json.dumps(selector)})")
        box = self.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()")
        assert isinstance(box, dict)
        return int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)

    def _mouse(self, *actions: dict[str, object]) -> None:
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self._act({**pointer, "actions": list(actions)})

    def _act(self, source: dict[str, object]) -> None:
        self.ask("WebDriver:PerformActions", actions=[source])

    def picture(self, path: Path) -> None:
        taken = self.ask("WebDriver:TakeScreenshot", full=False)
        assert isinstance(taken, str)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(taken))


_UP: dict[str, object] = {"type": "pointerUp", "button": 0}


def _moved(x: int, y: int) -> dict[str, object]:
    return {"type": "pointerMove", "duration": 0, "x": x, "y": y, "origin": "viewport"}


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """A Firefox without a screen, with a profile of its own in an empty folder."""
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [str(FIREFOX), "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = ("127.0.0.1", _port(process, profile / "MarionetteActivePort"))
        with socket.create_connection(address) as connection:
            connection.settimeout(2 * LIMIT_SECONDS)
            window = Firefox(connection)
            with window.stream:
                yield window
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], told: Path) -> int:
    """Where Firefox listens: it writes that down in its profile."""
    until = time.monotonic() + STARTED_SECONDS_MAX
    while process.poll() is None and time.monotonic() < until:
        if told.exists() and (text := told.read_text().strip()):
            return int(text)
        time.sleep(0.05)
    raise AssertionError("Firefox did not start.")
