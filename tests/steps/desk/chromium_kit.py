"""A real browser without a screen, spoken to through two pipes."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium")
# The browser reads descriptor 3 and answers on 4.
HAND_OVER = """
import os, sys
for number, word in enumerate(sys.argv[1:3], start=3):
    os.dup2(int(word), number)
os.execv(sys.argv[3], sys.argv[3:])
"""
LIMIT_SECONDS = 60.0


def need_chromium() -> None:
    if PROGRAM is None:
        pytest.skip("looking at a page needs the Debian package chromium")


class Browser:
    """One page of a browser under way."""

    def __init__(self, ask: int, answer: int) -> None:
        self._ask, self._answer = ask, answer
        self._rest = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._ask, json.dumps(message).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result
            self._events.append(told)

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + LIMIT_SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answer], [], [], deadline - time.monotonic())
            assert ready, "the browser said nothing"
            data = os.read(self._answer, 1 << 20)
            assert data, "the browser is gone"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def open(self, path: Path, width: int, *, dark: bool = False, media: str = "screen") -> None:
        """Show a file ``width`` pixels wide, and wait until it is there."""
        self._events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 700,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._read())

    def complaints(self) -> list[dict[str, Any]]:
        """Give whatever the console was told, and every request that left the page."""
        kinds = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
        return [event for event in self._events if event.get("method") in kinds]

    def ask(self, expression: str) -> Any:
        """Give the value of a JavaScript expression."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def take_picture(self, path: Path) -> None:
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def print_page(self) -> bytes:
        """Give the page as it comes out of a printer, as PDF."""
        return base64.b64decode(self.call("Page.printToPDF")["data"])


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Start a browser that lives in ``folder`` alone."""
    need_chromium()
    assert PROGRAM is not None
    theirs_in, ask = os.pipe()
    answer, theirs_out = os.pipe()
    command = [
        PROGRAM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--remote-debugging-pipe",
        f"--user-data-dir={folder / 'profile'}",
    ]

    process = subprocess.Popen(
        [sys.executable, "-c", HAND_OVER, str(theirs_in), str(theirs_out), *command],
        env={**os.environ, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(theirs_in, theirs_out),
        start_new_session=True,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(ask, answer)
    finally:
        os.close(ask)
        os.close(answer)
        process.kill()
        process.wait()
