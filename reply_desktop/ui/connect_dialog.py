"""The sign-in beside the table: opens the browser, waits, and tells the truth about how it ended."""

from enum import Enum, auto
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from reply_desktop.channel.messages import BeginConsent, CancelConsent, ConsentStarted
from reply_desktop.domain.causes import Cause, words
from reply_desktop.domain.consent import CONSENT_TIMEOUT_S, ConsentEnd
from reply_desktop.domain.errors import NotConfigured, ReplyDesktopError
from reply_desktop.domain.events import ConsentEnded
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState, Pending
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.controls import (
    Choice,
    Elided,
    Note,
    button,
    clear,
    column,
    hairline,
    line,
    numbered,
    wrapped,
)
from reply_desktop.ui.side_pane import SidePane
from reply_desktop.ui.theme import Space, Type, label
from reply_desktop.ui.words import PAGE_SAID, Clock, countdown, utc_now


class Stage(Enum):
    """What the pane shows."""

    IDLE = auto()
    STARTING = auto()
    WAITING = auto()
    ASKING = auto()
    ENDED = auto()


_TITLES: Final = {
    ConsentEnd.CONNECTED: "Connected",
    ConsentEnd.CANCELLED: "Sign-in cancelled",
    ConsentEnd.DENIED: "Access was not given",
    ConsentEnd.WRONG_ACCOUNT: "That was another account",
    ConsentEnd.TIMED_OUT: "The sign-in took too long",
    ConsentEnd.SCOPE_MISSING: "A permission is missing",
    ConsentEnd.FAILED: "The sign-in did not work",
}


class ConnectPane(SidePane):
    """One sign-in at a time. `ended` carries (ConsentEnd, account id or None); `providers_wanted` a Provider.

    Hiding the window leaves the sign-in open; whoever closes the pane calls `leave`. `skipped` and `stopped`
    come from the buttons of a guided run.
    """

    ended = Signal(object, object)
    providers_wanted = Signal(object)
    skipped = Signal()
    stopped = Signal()

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock = utc_now,
        open_in_browser: OpenPage = open_page,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Sign in", parent)
        self._bridge, self._clock, self._open = bridge, clock, open_in_browser
        self.stage = Stage.IDLE
        self._provider = Provider.GOOGLE
        self._account: AccountRow | None = None
        self._run: tuple[int, int] | None = None
        self._reading = False
        self._consent: ConsentStarted | None = None
        self._pending: Pending | None = None
        self._early: dict[str, ConsentEnded] = {}
        self._opened = True
        self._timed_out = False
        self._tick = QTimer(self, interval=1000)
        self._tick.timeout.connect(self._on_tick)
        self._left: QLabel | None = None
        self._bar: QProgressBar | None = None
        self._copied: QLabel | None = None
        bridge.consent_ended.connect(self._on_ended)
        bridge.engine_changed.connect(self._on_engine)

    # Beginning

    def begin(
        self,
        provider: Provider,
        account: AccountRow | None = None,
        *,
        run: tuple[int, int] | None = None,
        reading: bool = False,
    ) -> None:
        """Sign in a new account of a provider, or this account again; `run` is (number, of how many).

        `reading`: to ask also for the permission to read its mail.
        """
        self.leave()
        self._provider, self._account, self._run, self._reading = provider, account, run, reading
        self._start()

    @property
    def is_open(self) -> bool:
        """Whether a sign-in is under way."""
        return self.stage in (Stage.STARTING, Stage.WAITING, Stage.ASKING) and not self._timed_out

    def _start(self) -> None:
        self._consent, self._timed_out = None, False
        self._early.clear()
        self.stage = Stage.STARTING
        name = PROVIDER_NAMES[self._provider]
        again = "Allow reading" if self._reading else "Reconnect"
        self.title.setText(again if self._account else f"Add a {name} account")
        page = self._page()
        page.addWidget(wrapped(f"Preparing the sign-in with {name}…", muted=True))
        self._run_buttons(page)
        page.addStretch(1)
        request = BeginConsent(
            None if self._account else self._provider,
            self._account.id if self._account else None,
            reading=self._reading,
        )
        self._pending = self._bridge.ask(request, self._on_started, self._on_refused, owner=self)

    def _on_started(self, started: ConsentStarted) -> None:
        self._pending = None
        self._consent = started
        if early := self._early.pop(started.consent_id, None):
            self._on_ended(early)
            return
        self.stage = Stage.WAITING
        self._opened = self._open(started.url)
        self._show_waiting()
        self._tick.start()

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self._pending = None
        self._finish(
            ConsentEnd.FAILED, error.what, error.todo, None, not_configured=isinstance(error, NotConfigured)
        )

    # Waiting

    def _show_waiting(self) -> None:
        name = PROVIDER_NAMES[self._provider]
        page = self._page()
        self._heading(page, "browser", "blue", "Finish in your browser")
        if self._account:
            page.addWidget(wrapped(f"Choose this account on the {name} page and allow access:"))
            page.addWidget(self._card(self._account.address))
        else:
            page.addWidget(wrapped(f"Choose the account to connect on the {name} page and allow access."))
        if not self._opened:
            page.addWidget(
                Note("The browser did not open. Copy the link and open it in a browser yourself.", "orange")
            )
        self._left = label("", Type.CAPTION, muted=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, int(CONSENT_TIMEOUT_S))
        self._bar.setAccessibleName("Time left to finish the sign-in")
        page.addWidget(self._left)
        page.addWidget(self._bar)
        again = button("Open again", self._on_open_again, icon="external")
        copy = button("Copy link", self._on_copy, icon="copy")
        row = line()
        row.addWidget(again, 1)
        row.addWidget(copy, 1)
        page.addLayout(row)
        self._copied = wrapped("", Type.CAPTION, muted=True)
        page.addWidget(self._copied)
        page.addWidget(hairline())
        page.addWidget(wrapped("This goes on by itself as soon as you are done.", Type.CAPTION, muted=True))
        page.addWidget(button("Cancel sign-in…", self._on_cancel))
        self._run_buttons(page)
        page.addStretch(1)
        self._on_tick()
        _take_keyboard(again)

    def _on_tick(self) -> None:
        if (
            self._consent is None
            or self.stage is not Stage.WAITING
            or self._left is None
            or self._bar is None
        ):
            return
        left = (self._consent.expires_at - self._clock()).total_seconds()
        self._left.setText(f"Time left {countdown(left)}")
        self._bar.setValue(int(min(max(left, 0), CONSENT_TIMEOUT_S)))

    def _on_open_again(self) -> None:
        if self._consent is not None:
            self._opened = self._open(self._consent.url)
            if not self._opened:
                self._show_waiting()

    def _on_copy(self) -> None:
        if self._consent is not None and self._copied is not None:
            QGuiApplication.clipboard().setText(self._consent.url)
            self._copied.setText("Link copied. Open it in a browser on this computer.")

    # Giving up

    def _on_cancel(self) -> None:
        self._show_question()

    def _show_question(self) -> None:
        """Some errors stay on the provider's page, and only the person has seen them."""
        self.stage = Stage.ASKING
        page = self._page()
        name = PROVIDER_NAMES[self._provider]
        if self._timed_out:
            self._heading(page, "clock", "orange", _TITLES[ConsentEnd.TIMED_OUT])
            page.addWidget(wrapped("Nothing was changed."))
        page.addWidget(wrapped(f"Did the {name} page show an error?", strong=True))
        page.addWidget(
            wrapped(
                "It never reaches this app, so pick it here to learn what helps.", Type.CAPTION, muted=True
            )
        )
        choices = QWidget()
        group = QButtonGroup(choices)
        listed = column(choices)
        causes: list[Cause | None] = []
        for text, cause in (("No error, I stopped it myself", None), *PAGE_SAID.get(self._provider, ())):
            listed.addWidget(Choice(text, group, len(causes)))
            causes.append(cause)
        page.addWidget(choices)
        first = group.buttons()[0]
        first.setChecked(True)

        def picked() -> Cause | None:
            return causes[group.checkedId()]

        go = "Show what helps" if self._timed_out else "Cancel sign-in"
        buttons = line()
        buttons.addWidget(button(go, lambda: self._on_picked(picked()), kind="primary"), 1)
        if self._timed_out:
            buttons.addWidget(button("Try again", self._start), 1)
        else:
            buttons.addWidget(button("Go on waiting", self._on_go_on), 1)
        page.addLayout(buttons)
        self._run_buttons(page)
        page.addStretch(1)
        _take_keyboard(first)

    def _on_go_on(self) -> None:
        self.stage = Stage.WAITING
        self._show_waiting()

    def _on_picked(self, cause: Cause | None) -> None:
        if self._timed_out and cause is None:
            self._finish(ConsentEnd.TIMED_OUT, "The sign-in was not finished within 10 minutes.", "", None)
            return
        self._cancel(cause)
        if cause is None:
            self._finish(ConsentEnd.CANCELLED, "Nothing was changed.", "", None)
            return
        who = self._account.address if self._account else "the account"
        told = words(cause, who, PROVIDER_NAMES[self._provider])
        end = ConsentEnd.TIMED_OUT if self._timed_out else ConsentEnd.CANCELLED
        self._finish(end, told.explanation, told.who_fixes, None, title=told.short, steps=told.steps)

    def _cancel(self, cause: Cause | None = None) -> None:
        consent, self._consent = self._consent, None
        self._tick.stop()
        if consent is not None and not self._timed_out:
            # That it ended meanwhile is no news worth telling.
            request = CancelConsent(consent.consent_id, cause.value if cause else None)
            self._bridge.ask(request, failed=lambda error: None)

    def leave(self) -> None:
        """Give up whatever is under way, without a word."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        if self.is_open:
            self._cancel()
        self.stage = Stage.IDLE

    # Ending

    def _on_ended(self, event: ConsentEnded) -> None:
        if self._consent is None:
            if self.stage is Stage.STARTING:
                self._early[event.consent_id] = event
            return
        if event.consent_id != self._consent.consent_id:
            return
        self._tick.stop()
        end = ConsentEnd(event.end)
        if end is ConsentEnd.TIMED_OUT:
            self._timed_out = True
            self._show_question()
            return
        self._consent = None
        text = event.text
        if end is ConsentEnd.WRONG_ACCOUNT and event.got and event.expected:
            text = f"You chose {event.got}, but {event.expected} was expected. Nothing was stored."
        self._finish(end, text, "", event.account_id)

    def _on_engine(self, state: EngineState) -> None:
        if state is not EngineState.RUNNING and self.is_open:
            self._consent = None
            self._finish(
                ConsentEnd.FAILED, "The background service stopped during the sign-in.", "Try again.", None
            )

    def _finish(
        self,
        end: ConsentEnd,
        text: str,
        todo: str,
        account_id: str | None,
        *,
        title: str | None = None,
        steps: tuple[str, ...] = (),
        not_configured: bool = False,
    ) -> None:
        self._tick.stop()
        self.stage = Stage.ENDED
        self._consent = None
        page = self._page()
        good = end is ConsentEnd.CONNECTED
        icon, tone = ("check", "green") if good else ("warning", "orange")
        if end is ConsentEnd.CANCELLED and not steps:
            icon, tone = "info", "grey"
        self._heading(page, icon, tone, title or _TITLES[end])
        page.addWidget(wrapped(plain(text, 600)))
        if todo:
            page.addWidget(wrapped(todo, strong=bool(steps)))
        for number, step in enumerate(steps, 1):
            page.addWidget(numbered(number, step))
        first = self._end_buttons(page, good, not_configured)
        self._run_buttons(page)
        page.addStretch(1)
        _take_keyboard(first)
        self.ended.emit(end, account_id)

    def _end_buttons(self, page: QVBoxLayout, good: bool, not_configured: bool) -> QWidget:
        row = line()
        close = button("Close", self.closed.emit)
        if not_configured:
            first = button(
                "Open Providers", lambda: self.providers_wanted.emit(self._provider), kind="primary"
            )
        elif good:
            first = button("Done", self.closed.emit, kind="primary")
        else:
            first = button("Try again", self._start, kind="primary")
        row.addWidget(first, 1)
        if not good:
            row.addWidget(close, 1)
        if self._run is None or not_configured or not good:
            page.addLayout(row)
        return first

    # Parts

    def _page(self) -> QVBoxLayout:
        clear(self.content)
        self._left = self._bar = self._copied = None
        if self._run is not None:
            number, total = self._run
            self.content.addWidget(Note(f"Reconnecting accounts: {number} of {total}", "blue"))
        return self.content

    def _heading(self, page: QVBoxLayout, icon: str, tone: str, text: str) -> None:
        mark = QLabel()
        icons.put_icon(mark, icon, f"{tone}.ink", 28)
        page.addWidget(mark)
        title = wrapped(text, Type.TITLE, strong=True)
        title.setObjectName("heading")
        page.addWidget(title)

    def _card(self, address: str) -> QWidget:
        card = Note(address, "grey")
        card.setObjectName("expected")
        row = card.layout()
        assert isinstance(row, QHBoxLayout)
        clear(row)
        mark = QLabel()
        mark.setPixmap(icons.pixmap(icons.PROVIDER_ICONS[self._provider], theme.colors().muted))
        row.addWidget(mark)
        row.addWidget(Elided(address, strong=True, mode=Qt.TextElideMode.ElideMiddle), 1)
        return card

    def _run_buttons(self, page: QVBoxLayout) -> None:
        if self._run is None:
            return
        row = line()
        row.addWidget(button("Skip this one", self.skipped.emit, icon="skip"), 1)
        row.addWidget(button("Stop", self.stopped.emit, icon="stop"), 1)
        page.addSpacing(Space.S)
        page.addWidget(hairline())
        page.addLayout(row)


def _take_keyboard(widget: QWidget) -> None:
    """Put the keyboard there; also when another window, the browser, has it just now."""
    # What is not shown yet would be forgotten by the time the window comes back to the front.
    widget.show()
    widget.setFocus()
