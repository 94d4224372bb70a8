"""Chromium without a window, driven by its DevTools protocol over a pipe, so that no driver has to be installed.

Messages are JSON ended by NUL: ours on the browser's descriptor 3, its own on 4 (--remote-debugging-pipe).
Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


# Seconds: far more than a loaded machine needs, so that only what never happens fails.
PATIENCE = 60.0


class Failed(Exception):
    """The browser has ended or did not answer in time, or something did not come true."""


class Refused(Failed):
    """The browser refused a command, as it does while a page gives way to the next, or the page's script threw."""


class Browser:
    """One running browser; ``events`` keeps everything it reported, per tab, until the tab is cleared."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out, self._in = to_browser, from_browser
        self._buffer = b""
        self._last = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while self._last not in self._answers:
            self.listen(deadline - time.monotonic())
        answer = self._answers.pop(self._last)
        if "error" in answer:
            raise Refused(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def listen(self, seconds: float) -> None:
        """Take in what the browser says, waiting at most this long for the first of it."""
        if seconds <= 0 or not select.select([self._in], [], [], seconds)[0]:
            raise Failed("the browser did not answer in time")
        said = os.read(self._in, 2**20)
        if not said:
            raise Failed("the browser has ended")
        self._buffer += said
        *messages, self._buffer = self._buffer.split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.setdefault(message.get("sessionId", ""), []).append(message)

    def open_tab(self) -> "Tab":
        """A new empty tab that shares nothing with the others."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Tab(self, session, context)


class Tab:
    """One page and what happened in it."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser, self._session, self._context = browser, session, context
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this tab."""
        return self._browser.send(method, self._session, **parameters)

    def close(self) -> None:
        """Close it with all that it keeps: a page that asks again and again would go on beside the next test."""
        self._browser.send("Target.disposeBrowserContext", browserContextId=self._context)
        self._browser.events.pop(self._session, None)

    def resize(self, width: int, height: int, *, phone: bool = False, dark: bool = False) -> None:
        """The viewport in CSS pixels; a phone has two device pixels each and its own viewport rules."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def visit(self, url: str) -> None:
        """Go to a page and wait until it and everything in it is loaded."""
        self._browser.events[self._session] = []
        answer = self.send("Page.navigate", url=url)
        if "errorText" in answer:
            raise Failed(f"{url}: {answer['errorText']}")
        # The page that is left may still report that it is loaded, so only this navigation's own loader counts.
        self.wait_for_event("Page.lifecycleEvent", loaderId=answer["loaderId"], name="load")

    def events(self, method: str) -> list[dict[str, Any]]:
        """What was reported since the last visit."""
        # An answer comes after everything that happened before it.
        self.evaluate("0")
        found = self._browser.events.get(self._session, [])
        return [event["params"] for event in found if event["method"] == method]

    def wait_for_event(self, method: str, seconds: float = PATIENCE, **having: Any) -> None:
        """Wait until something was reported, with these parameters, since the last visit."""
        deadline = time.monotonic() + seconds
        while not any(
            event["method"] == method and having.items() <= event["params"].items()
            for event in self._browser.events[self._session]
        ):
            self._browser.listen(deadline - time.monotonic())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited; it must fit into JSON."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Refused(answer["exceptionDetails"]["exception"].get("description", expression))
        return answer["result"].get("value")

    def wait_until(self, expression: str, seconds: float = PATIENCE) -> Any:
        """Wait until a JavaScript expression is true, on this page or the one that it leads to; returns its value."""
        deadline = time.monotonic() + seconds
        while True:
            refusal = None
            try:
                if value := self.evaluate(expression):
                    return value
            except Refused as error:
                refusal = error
            if time.monotonic() > deadline:
                raise Failed(f"did not become true in {seconds} s: {expression}") from refusal
            time.sleep(0.03)

    def press(self, key: str, code: int) -> None:
        """Press a key on whatever has the focus; ``code`` is its Windows virtual key code."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def problems(self) -> list[str]:
        """Console errors, uncaught exceptions and violations of the content security policy since the last visit."""
        logged = [e["entry"]["text"] for e in self.events("Log.entryAdded") if e["entry"]["level"] == "error"]
        thrown = [e["exceptionDetails"]["text"] for e in self.events("Runtime.exceptionThrown")]
        said = [str(e["args"]) for e in self.events("Runtime.consoleAPICalled") if e["type"] in ("error", "assert")]
        return logged + thrown + said

    def requested(self) -> list[str]:
        """Every address asked for since the last visit."""
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of the viewport, or of the whole page."""
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def running(executable: str, profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile in the folder ``profile``; killed at the end, since nothing of it is kept."""
    browser_reads, we_write = os.pipe()
    we_read, browser_writes = os.pipe()

    def connect() -> None:
        # Through high numbers, so that neither pipe is overwritten while the other moves to its place.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (browser_reads, browser_writes)]
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    process = subprocess.Popen(
        [executable, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=connect,
        start_new_session=True,
    )
    os.close(browser_reads)
    os.close(browser_writes)
    browser = Browser(we_write, we_read)
    try:
        browser.send("Browser.getVersion")
        yield browser
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(we_write)
        os.close(we_read)
