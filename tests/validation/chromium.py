"""Headless Chromium for tests, spoken to over its debugging pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.real_parts.process import unavailable


class Page:
    """One tab. The protocol: https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out = os.fdopen(to_browser, "wb", buffering=0)
        self._in = os.fdopen(from_browser, "rb")
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and wait for its result; events that come before it are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, path: Path | str, width: int) -> None:
        """Show a file or a URL in a window of a width, in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.events.clear()
        url = path.as_uri() if isinstance(path, Path) else path
        self.send("Page.navigate", url=url)
        self.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done() "
            ": addEventListener('load', () => done()))"
        )

    def complaints(self) -> list[str]:
        """What the console got since the page was opened: errors, warnings, refused scripts."""
        self.evaluate("new Promise(done => setTimeout(done, 50))")
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in kinds]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was opened, itself among them."""
        self.evaluate("new Promise(done => setTimeout(done, 50))")
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [str(event["params"]["request"]["url"]) for event in sent]

    def press(self, key: str) -> None:
        """Press a key, as a hand does."""
        text = {"text": "\r"} if key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def evaluate(self, expression: str) -> Any:
        """The value of a script, awaited; the page's own policy does not hold it back."""
        result = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        """Click the middle of the first element, as a hand does."""
        assert self.click_found(f"document.querySelector({json.dumps(selector)})"), selector

    def click_found(self, element: str) -> bool:
        """Click the middle of an element that a script finds; whether it finds one."""
        where = self.evaluate(
            f"(() => {{ const e = {element}; if (!e) return null;"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const r = e.getBoundingClientRect();"
            "return {x: r.x + r.width / 2, y: r.y + r.height / 2} })()"
        )
        for kind in ("mousePressed", "mouseReleased") if where else ():
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)
        return where is not None

    def screenshot(self, path: Path) -> None:
        """The complete page as a PNG."""
        image = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(image["data"]))

    def _read(self) -> dict[str, Any]:
        message = b""
        while not message.endswith(b"\0"):
            part = self._in.read(1)
            assert part, "Chromium has ended"
            message += part
        return dict(json.loads(message[:-1]))


@contextmanager
def opened_browser(profile: Path) -> Iterator[Page]:
    """Start a browser with a profile folder of its own; it ends with the block."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        unavailable("no Chromium here: scripts/chromium")
    to_browser, browser_in, browser_out, from_browser = _pipes()
    command = [
        "bash",
        "-c",
        f'exec "$@" 3<&{browser_in} 4>&{browser_out}',
        "chromium",
        program,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
    ]
    browser = subprocess.Popen(
        command,
        pass_fds=(browser_in, browser_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(browser_in)
    os.close(browser_out)
    try:
        yield Page(to_browser, from_browser)
    finally:
        browser.terminate()
        browser.wait(timeout=30)


def _pipes() -> tuple[int, int, int, int]:
    browser_in, to_browser = os.pipe()
    from_browser, browser_out = os.pipe()
    return to_browser, browser_in, browser_out, from_browser
