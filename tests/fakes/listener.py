"""A consent listener without a socket: the test plays the browser."""

import threading
from collections.abc import Mapping


class FakeListener:
    """ports.ConsentListener; `answer` is what the browser brings, `pages` what it was shown."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.pages: list[tuple[str, str, bool]] = []
        self.closed = False
        self._given: Mapping[str, str] | None = None
        self._come = threading.Event()

    def answer(self, **params: str) -> None:
        self._given = params
        self._come.set()

    def time_out(self) -> None:
        self._come.set()

    def wait(self, expected_state: str, timeout_s: float) -> Mapping[str, str] | None:
        assert self._come.wait(30)
        return None if self.closed else self._given

    def show(self, title: str, text: str, *, good: bool) -> None:
        self.pages.append((title, text, good))

    def close(self) -> None:
        self.closed = True
        self._come.set()
