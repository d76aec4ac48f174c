"""Chromium without a window, driven over a pipe: the few things that tests and pictures need of a browser.

It speaks Chromium's own protocol, --remote-debugging-pipe: JSON ended by a zero byte, on descriptors 3 and 4.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
HOW_TO_INSTALL = "no Chromium; apt-get install chromium, or set CHROMIUM to the program"


def find() -> str | None:
    """The browser's program; None where there is none."""
    named = os.environ.get("CHROMIUM")
    return next((path for path in map(shutil.which, (named,) if named else NAMES) if path), None)


class Tab:
    """One page; `console` and `requests` are what was met since it was opened."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        self.console: list[str] = []
        self.requests: list[str] = []

    def send(self, method: str, **params: Any) -> Any:
        """One command of the protocol."""
        return self._browser.send(method, self._session, **params)

    def note(self, method: str, params: Any) -> None:
        """Take in what happened."""
        if method == "Runtime.consoleAPICalled":
            self.console.append(str(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.console.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.console.append(str(params["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(str(params["request"]["url"]))

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.send("Page.navigate", url=url)
        self._browser.wait_for("Page.loadEventFired", self._session)

    def close(self) -> None:
        """Close it."""
        self._browser.send("Target.closeTarget", targetId=self._target)

    def size(self, width: int, height: int = 900, scale: float = 1) -> None:
        """The window's size, in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 500,
        )

    def scheme(self, name: str) -> None:
        """`light` or `dark`."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def picture(self, path: Path, *, most: float = 16000) -> None:
        """A PNG of the whole page, of at most so many pixels of height."""
        height = min(self.run("document.documentElement.scrollHeight"), most)
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it is printed."""
        made = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(made["data"]))


class Browser:
    """A running Chromium."""

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self._to, self._back, self._last = to, back, 0
        self._tabs: dict[str, Tab] = {}
        self._met: list[tuple[str, str]] = []

    def tab(self, *, scripts: bool = True) -> Tab:
        """A new tab, with or without JavaScript."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self._tabs[session] = Tab(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            tab.send(f"{domain}.enable")
        if not scripts:
            tab.send("Emulation.setScriptExecutionDisabled", value=True)
        return tab

    def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        """One command and its answer."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._next()).get("id") != self._last:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_for(self, method: str, session: str) -> None:
        """Until an event was met."""
        while (method, session) not in self._met:
            self._next()
        self._met.remove((method, session))

    def _next(self) -> dict[str, Any]:
        raw = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("Chromium has ended")
            raw += byte
        message: dict[str, Any] = json.loads(raw)
        if "method" in message:
            session = message.get("sessionId", "")
            if message["method"] == "Page.loadEventFired":
                self._met.append((message["method"], session))
            if session in self._tabs:
                self._tabs[session].note(message["method"], message["params"])
        return message


def _moved(descriptor: int) -> int:
    """The same file on a descriptor that is not one of the protocol's."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Chromium, ended at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (their_in, to), (back, their_out) = os.pipe(), os.pipe()
        their_in, their_out = _moved(their_in), _moved(their_out)
        words = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        # Descriptors 3 and 4 are the protocol's; a small program puts ours there.
        move = f"import os, sys; os.dup2({their_in}, 3); os.dup2({their_out}, 4); os.execv(sys.argv[1], sys.argv[1:])"
        process = subprocess.Popen(
            [sys.executable, "-c", move, *words], pass_fds=(their_in, their_out),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(their_in)
        os.close(their_out)
        with open(to, "wb") as write, open(back, "rb") as read:
            running = Browser(write, read)
            try:
                yield running
            finally:
                with suppress(RuntimeError, OSError):
                    running.send("Browser.close")
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
