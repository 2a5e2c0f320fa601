"""The session's default browser, seen and worked through its debugging port (Chrome DevTools Protocol)."""

import contextlib
import json
import os
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import websocket

from tests.harness.waiting import wait_until

ANSWER_S = 15.0


@dataclass(frozen=True)
class Page:
    """An open tab."""

    id: str
    url: str
    title: str
    socket: str

    def evaluate(self, script: str) -> Any:
        """What the script's last expression gives in the page; a promise is waited for."""
        connection = websocket.create_connection(self.socket, timeout=ANSWER_S, suppress_origin=True)
        try:
            answer = _ask(
                connection,
                1,
                "Runtime.evaluate",
                expression=script,
                returnByValue=True,
                awaitPromise=True,
                userGesture=True,
            )
            assert "exceptionDetails" not in answer, answer["exceptionDetails"]
            return answer["result"].get("value")
        finally:
            connection.close()

    @property
    def text(self) -> str:
        """What the page says."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def click(self, selector: str) -> None:
        """Clicks what the CSS selector finds, once it is there."""
        found = f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
        wait_until(
            lambda: self.evaluate(f"{found} if (!it) return false; it.click(); return true; }})()"),
            f"{selector} on {self.url}",
        )

    def fill(self, selector: str, text: str) -> None:
        """Types into the field that the CSS selector finds, once it is there."""
        found = f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
        wait_until(
            lambda: self.evaluate(
                f"{found} if (!it) return false; it.value = {json.dumps(text)};"
                " it.dispatchEvent(new Event('input', {bubbles: true})); return true; })()"
            ),
            f"{selector} on {self.url}",
        )


class Browser:
    """It is started by whoever opens an address; until then there is no page."""

    def __init__(self) -> None:
        self.profile = Path(os.environ["REPLY_DESKTOP_SESSION_BROWSER"])

    @property
    def pages(self) -> list[Page]:
        """The open tabs; none while the browser does not run."""
        return [
            Page(each["id"], each["url"], each["title"], each["webSocketDebuggerUrl"])
            for each in self._get("/json/list") or []
            if each["type"] == "page" and "webSocketDebuggerUrl" in each
        ]

    def wait_for_page(self, predicate: Callable[[Page], bool], deadline_s: float = 30.0) -> Page:
        """The first tab for which the predicate holds, such as `lambda page: "consent" in page.url`."""
        try:
            return wait_until(
                lambda: next((page for page in self.pages if predicate(page)), None), "such page", deadline_s
            )
        except AssertionError as late:
            raise AssertionError(f"{late}; open: {[page.url for page in self.pages]}") from None

    def consent_page(self) -> Page:
        """The sandbox's page that asks for consent, once the app has opened it."""
        return self.wait_for_page(lambda page: page.title.startswith("Give Reply Desktop access"))

    def place(self, page: Page, left: int, top: int, width: int, height: int) -> None:
        """Puts the page's window there on the screen."""
        connection = self._connection(self._get("/json/version"))
        window = _ask(connection, 1, "Browser.getWindowForTarget", targetId=page.id)["windowId"]
        bounds = {"left": left, "top": top, "width": width, "height": height}
        _ask(connection, 2, "Browser.setWindowBounds", windowId=window, bounds=bounds)
        connection.close()

    def close_pages(self) -> None:
        """Ends the browser, when it runs, so that the next test meets none."""
        if not (version := self._get("/json/version")):
            return
        connection = self._connection(version)
        with contextlib.suppress(websocket.WebSocketConnectionClosedException, ConnectionError):
            _ask(connection, 1, "Browser.close")
        connection.close()
        wait_until(lambda: self._get("/json/version") is None, "end of the browser")

    def _connection(self, version: dict[str, str]) -> Any:
        return websocket.create_connection(
            version["webSocketDebuggerUrl"], timeout=ANSWER_S, suppress_origin=True
        )

    def _get(self, path: str) -> Any:
        try:
            port = int((self.profile / "DevToolsActivePort").read_text().split()[0])
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://127.0.0.1:{port}{path}", timeout=ANSWER_S) as answer:
                return json.load(answer)
        except (OSError, IndexError):
            return None


def _ask(connection: Any, number: int, method: str, **parameters: Any) -> dict[str, Any]:
    connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
    while True:
        answer = json.loads(connection.recv())
        if answer.get("id") == number:
            assert "error" not in answer, answer["error"]
            result: dict[str, Any] = answer["result"]
            return result
