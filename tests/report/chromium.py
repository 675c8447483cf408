"""A headless Chromium, driven through its DevTools protocol over a pipe: no library, no port, no network."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Of patience with a busy machine; an answer usually takes milliseconds, printing 500 hosts some seconds.
SECONDS = 300.0
SETTINGS = (
    # Tests run as root in containers, where its own sandbox cannot.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


def program() -> str:
    """Return the browser's program; there is no skipping where it is missing."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no Chromium is installed here; run scripts/setup, or apt-get install chromium"
    return found


class Chromium:
    """One browser with one page. Everything that its console or its network says is kept."""

    def __init__(self) -> None:
        self.console: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._received = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> "Chromium":
        """Start it; it reads commands from descriptor 3 and answers on 4."""
        self._profile = tempfile.TemporaryDirectory(prefix="rdna1-chromium-", ignore_cleanup_errors=True)
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        # Chromium reads 3 and writes 4, which may be in use here: first out of the way, then to their places.
        theirs = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in (theirs_in, theirs_out)]
        options = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}"]
        self._pid = os.posix_spawn(
            program(),
            [program(), *options, *SETTINGS, "about:blank"],
            dict(os.environ),
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, one, os.devnull, os.O_RDWR, 0) for one in (0, 1, 2)),
                *((os.POSIX_SPAWN_DUP2, one, place) for place, one in enumerate(theirs, 3)),
            ],
            setpgroup=0,
        )
        for one in (theirs_in, theirs_out, *theirs):
            os.close(one)
        self._session = ""
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        number = self._number
        self._read(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self, until: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not until():
            ready = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))[0]
            assert ready, f"Chromium did not answer {what} within {SECONDS:g} s"
            got = os.read(self._from, 1 << 20)
            assert got, f"Chromium ended during {what}"
            *messages, self._received = (self._received + got).split(b"\0")
            for text in messages:
                self._take(json.loads(text))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        self._events.append(message)
        said = message.get("params", {})
        match message["method"]:
            case "Runtime.consoleAPICalled":
                self.console.append(" ".join(str(part.get("value")) for part in said["args"]))
            case "Runtime.exceptionThrown":
                self.console.append(str(said["exceptionDetails"]))
            case "Log.entryAdded":
                self.console.append(said["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(said["request"]["url"])

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded."""
        self._events.clear()
        self("Page.navigate", url=path.resolve().as_uri() + fragment)
        self._read(lambda: any(one["method"] == "Page.loadEventFired" for one in self._events), "loading")

    def run(self, script: str) -> Any:
        """Return what an expression is on the page."""
        answer = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def media(self, scheme: str = "light", kind: str = "screen") -> None:
        """Show the page as on a light or dark system, or as it prints."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self("Emulation.setEmulatedMedia", media=kind, features=features)

    def size(self, width: int, height: int) -> None:
        """Set the window's size."""
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def type(self, element: str, text: str) -> None:
        """Type into an element, as a person does."""
        self.run(f"document.getElementById({element!r}).focus()")
        self("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click in the middle of an element, with the mouse."""
        found = self.run(
            f"(() => {{const one = document.querySelector({selector!r});"
            "one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]})()"
        )
        where = {"x": found[0], "y": found[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, **where)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write what is to be seen as PNG."""
        answer = self("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, path: Path) -> None:
        """Print into a file."""
        answer = self("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        path.write_bytes(base64.b64decode(answer["data"]))
