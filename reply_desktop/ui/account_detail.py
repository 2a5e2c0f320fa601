"""All about one account: what is wrong, who can fix it and how, what it was granted, and its history."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from reply_desktop.channel.messages import (
    AccountRows,
    Done,
    GetAccount,
    GetAccounts,
    PauseAccounts,
    RemoveAccounts,
    ResumeAccounts,
    SendTest,
    SetDailyLimit,
    TestSent,
)
from reply_desktop.domain.causes import CAUSES, Cause, Link, words
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.help_links import Site, cause_link, connected_apps_page
from reply_desktop.domain.notification import plain, plain_sentence
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountDetail, AccountRow
from reply_desktop.domain.states import COLORS, Color, State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, Pending
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.controls import (
    Disclosure,
    Elided,
    Note,
    Quote,
    StateMark,
    button,
    clear,
    column,
    hairline,
    line,
    numbered,
    wrapped,
)
from reply_desktop.ui.daily_limit import DailyLimit
from reply_desktop.ui.side_pane import SidePane, section
from reply_desktop.ui.strip import StripView
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import (
    Clock,
    ago,
    cause_words,
    count,
    date,
    end_words,
    episode_words,
    exact,
    few,
    granted_words,
    mend_words,
    provider_words,
    quoted,
    strip_words,
    until,
    utc_now,
)

LOOKED_AT: Final = 500
"""Accounts looked at most for the sequences that lose them."""
EPISODES: Final = 25
"""Stretches of trouble listed at most."""

_ELSEWHERE: Final[dict[Link | None, str]] = {
    Link.PROVIDERS_SETTINGS: "Open Settings → Providers",
    # Whose tenant and client ID it is, is known there.
    Link.ADMIN_CONSENT: "Get the approval link",
}
"""Help that is found within the app."""

_REVOKE_WORDS: Final = {
    Provider.GOOGLE: "Also end the access at Google. There this ends it for everything that uses the same "
    "project, on all devices.",
    Provider.MICROSOFT: "Also end the access at Microsoft, as far as it lets the app.",
}


class AccountPane(SidePane):
    """The detail pane. Signals carry account ids (`check_wanted`: a tuple of them).

    Everything is built once and then filled, so that a change in the background moves nothing under the
    person's hands.
    """

    mend_wanted = Signal(str)
    check_wanted = Signal(object)
    providers_wanted = Signal()
    diagnosis_wanted = Signal(str)

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock = utc_now,
        open_in_browser: OpenPage = open_page,
    ) -> None:
        super().__init__("Account")
        self._bridge, self._clock, self._open = bridge, clock, open_in_browser
        self.row: AccountRow | None = None
        self.detail: AccountDetail | None = None
        self._many: tuple[str, ...] = ()
        self._is_testing = False
        self._asked: Pending | None = None
        self._build()
        bridge.rows_changed.connect(self._on_rows)

    # Building

    def _build(self) -> None:
        self.one, self.several = QWidget(), QWidget()
        self.content.addWidget(self.one)
        self.content.addWidget(self.several)
        self.content.addStretch(1)
        self.several.hide()
        page = column(self.one, gap=Space.M)
        self._build_head(page)
        self._build_trouble(page)
        self._build_actions(page)
        self._build_facts(page)
        self._build_several(column(self.several, gap=Space.M))

    def _build_head(self, page: QVBoxLayout) -> None:
        self.state = StateMark(Type.TITLE, side=22)
        self._mark = QLabel()
        self._provider = Elided("", muted=True)
        row = line(gap=Space.S)
        row.addWidget(self._mark)
        row.addWidget(self._provider, 1)
        page.addLayout(row)
        page.addWidget(self.state)
        self._proven = wrapped("", muted=True)
        page.addWidget(self._proven)

    def _build_trouble(self, page: QVBoxLayout) -> None:
        self.cause = Note()
        page.addWidget(self.cause)
        self._who = wrapped("", strong=True)
        page.addWidget(self._who)
        self._steps_box = QWidget()
        self._steps = column(self._steps_box, gap=Space.XS)
        page.addWidget(self._steps_box)
        self.provider_text = Quote("The provider's own text")
        self.details = Disclosure("Details", self.provider_text)
        self.details.toggle.setAccessibleName("Details: the provider's own text")
        self.mend = button("Reconnect", self._on_mend, kind="primary", icon="reconnect")
        self.check = button("Check now", self._on_check, icon="refresh")
        row = line()
        row.addWidget(self.mend, 1)
        row.addWidget(self.check, 1)
        page.addLayout(row)
        self.diagnose = button("How this account stands", self._on_diagnose, kind="row", icon="info")
        page.addWidget(self.diagnose)
        page.addWidget(self.details)
        self.help = button("", self._on_help, kind="link", icon="external")
        page.addWidget(self.help, 0, Qt.AlignmentFlag.AlignLeading)

    def _build_actions(self, page: QVBoxLayout) -> None:
        page.addWidget(hairline())
        self.apps = button("Open the connected-apps page", self._on_apps, kind="row", icon="external")
        self.test = button("Send test e-mail", self._on_test, kind="row", icon="send")
        self.edit = button("Edit credentials", self._on_mend, kind="row", icon="key")
        self.pause = button("Pause", self._on_pause, kind="row", icon="pause")
        self.remove = button("Remove…", self._on_remove, kind="row", icon="trash")
        listed = column(gap=Space.XXS)
        for one in (self.apps, self.test, self.edit, self.pause, self.remove):
            listed.addWidget(one)
        page.addLayout(listed)
        self.result = Note()
        self.result.hide()
        page.addWidget(self.result)
        self.confirm = _Removal(self._on_confirmed)
        self.confirm.hide()
        page.addWidget(self.confirm)

    def _build_facts(self, page: QVBoxLayout) -> None:
        page.addWidget(hairline())
        self.strip = StripView()
        self._strip_words = wrapped("", Type.CAPTION, muted=True)
        self._use = wrapped("")
        self._granted = wrapped("")
        self._history_box = QWidget()
        self._history = column(self._history_box, gap=Space.M)
        page.addWidget(_part("Last 30 days", self.strip, self._strip_words))
        self.limit = DailyLimit()
        self.limit.wanted.connect(self._on_limit)
        page.addWidget(_part("Use", self._use, self.limit))
        self._granted_part = _part("What you granted", self._granted)
        page.addWidget(self._granted_part)
        page.addWidget(_part("History", self._history_box))

    def _build_several(self, page: QVBoxLayout) -> None:
        self._several_words = wrapped("", Type.TITLE, strong=True)
        page.addWidget(self._several_words)
        page.addWidget(button("Check now", self._on_check, icon="refresh"))
        page.addWidget(button("Pause", partial(self._pause_many, True), icon="pause"))
        page.addWidget(button("Resume", partial(self._pause_many, False), icon="play"))
        self.limit_many = DailyLimit()
        self.limit_many.wanted.connect(self._on_limit)
        page.addWidget(self.limit_many)
        page.addWidget(button("Remove…", self._on_remove_many, icon="trash"))
        self._several_result = Note()
        self._several_result.hide()
        page.addWidget(self._several_result)
        self.confirm_many = _Removal(self._on_confirmed_many)
        self.confirm_many.hide()
        page.addWidget(self.confirm_many)

    # Showing

    def show_account(self, row: AccountRow) -> None:
        """Show an account: at once what its row tells, then its history."""
        other = self.row is None or self.row.id != row.id
        self._many = ()
        self.several.hide()
        self.one.show()
        if other:
            self.detail = None
            self.limit.put(row.daily_limit, anew=True)
            self.result.hide()
            self.confirm.hide()
            self.details.toggle.setChecked(False)
            self.area.verticalScrollBar().setValue(0)
            clear(self._history)
        self._fill(row)
        self._ask()

    def show_several(self, ids: tuple[str, ...]) -> None:
        """Offer what can be done with several accounts at once."""
        if ids != self._many:
            self.limit_many.put(None, anew=True)
            self.confirm_many.hide()
            self._several_result.hide()
        self._many, self.row, self.detail = ids, None, None
        self.title.setText("Several accounts")
        self._several_words.setText(f"{count(len(ids), 'account')} chosen")
        self.one.hide()
        self.several.show()

    def leave(self) -> None:
        """Show nothing any more."""
        self.row = self.detail = None
        self._many = ()
        if self._asked is not None:
            self._asked.cancel()

    def refresh_times(self) -> None:
        """Say “3 min ago” anew."""
        if self.row is not None:
            self._fill_times(self.row)

    def _ask(self) -> None:
        if self.row is None:
            return
        if self._asked is not None:
            self._asked.cancel()
        self._asked = self._bridge.ask(
            GetAccount(self.row.id), self._on_detail, lambda error: None, owner=self
        )

    def _on_detail(self, detail: AccountDetail) -> None:
        if self.row is not None and detail.row.id == self.row.id:
            self.detail = detail
            self._fill(detail.row)
            self._fill_history(detail)

    def _on_rows(self, event: object) -> None:
        if self.row is None:
            return
        mine = [row for row in getattr(event, "rows", ()) if row.id == self.row.id]
        if not mine:
            return
        before, now = self.row, mine[-1]
        self._fill(now)
        if (before.state, before.cause) != (now.state, now.cause):
            self._ask()

    def _fill(self, row: AccountRow) -> None:
        self.row = row
        servers = self.detail.servers if self.detail else None
        self.title.setText(row.address)
        self.state.put(row.state)
        icons.put_icon(self._mark, icons.PROVIDER_ICONS[row.provider], "muted")
        name = PROVIDER_NAMES[row.provider]
        self._provider.setText(f"{name} · {servers.smtp.host}" if servers else name)
        self._fill_times(row)
        self._fill_trouble(row)
        self._fill_actions(row)
        self.strip.put(row.strip)
        told = strip_words(row.strip)
        self._strip_words.setText(told.partition(": ")[2] or told)
        used = f"Used by {_named(row.used_by)}." if row.used_by else "No sequence uses this account."
        self._use.setText(f"{used} {count(row.sent_today, 'mail')} sent in the last 24 hours.")
        self.limit.put(row.daily_limit)
        granted = granted_words(row)
        self._granted_part.setVisible(bool(granted))
        self._granted.setText("\n".join(f"•  {text}" for text in granted))

    def _fill_times(self, row: AccountRow) -> None:
        now = self._clock()
        proven = "Never proven" if row.proven_at is None else f"Last proven {ago(row.proven_at, now)}"
        following = "checking now…" if row.checking else f"next check {until(row.next_check_at, now)}"
        parts = [proven] + ([following] if row.checking or row.next_check_at else [])
        if (ends := end_words(row, now)) is not None:
            parts.append(ends[:1].lower() + ends[1:])
        self._proven.setText(", ".join(parts))
        self._proven.setToolTip(exact(row.proven_at))

    def _fill_trouble(self, row: AccountRow) -> None:
        told = cause_words(row, self.detail.servers if self.detail else None)
        for part in (self.cause, self._who, self._steps_box):
            part.setVisible(told is not None)
        if told is not None:
            tone = {Color.RED: "red", Color.ORANGE: "orange"}.get(COLORS[row.state], "grey")
            self.cause.put(f"{told.short}. {told.explanation}", tone)
            self._who.setText(told.who_fixes)
            if self._steps_box.property("told") != told.steps:
                self._steps_box.setProperty("told", told.steps)
                clear(self._steps)
                for number, step in enumerate(told.steps, 1):
                    self._steps.addWidget(numbered(number, step))
        self.details.setVisible(bool(row.provider_error))
        if row.provider_error and self.provider_text.toPlainText() != row.provider_error:
            self.provider_text.put(row.provider_error)
        mend = mend_words(row)
        self.mend.setVisible(mend is not None)
        if mend is not None:
            self.mend.setText(mend)
            icons.put_icon(self.mend, "reconnect" if row.can_reconnect else "key", "on_accent")
        ill = row.cause is not None or row.needs_person
        self.diagnose.setText("What happened, and how to mend it" if ill else "How this account stands")
        link = cause_link(row.cause, self._site(row))
        label = link.label if link else _ELSEWHERE.get(CAUSES[row.cause].link) if row.cause else None
        if link is not None and link.url == connected_apps_page(row.provider, row.address):
            label = None
        self.help.setVisible(label is not None)
        if label is not None:
            self.help.setText(label)
            icons.put_icon(self.help, "external" if link else "chevron-right", "accent")

    def _site(self, row: AccountRow) -> Site:
        servers = self.detail.servers if self.detail else None
        return Site(row.provider, row.address, row.provider_error, servers=servers)

    def _fill_actions(self, row: AccountRow) -> None:
        self.check.setEnabled(row.state not in (State.PAUSED, State.NEW) and not row.checking)
        self.check.setText("Checking…" if row.checking else "Check now")
        self.apps.setVisible(connected_apps_page(row.provider, row.address) is not None)
        self.edit.setVisible(not row.can_reconnect and mend_words(row) is None)
        self.test.setEnabled(row.state not in (State.PAUSED, State.NEW) and not self._is_testing)
        paused = row.state is State.PAUSED
        self.pause.setText("Resume" if paused else "Pause")
        icons.put_icon(self.pause, "play" if paused else "pause")

    def _fill_history(self, detail: AccountDetail) -> None:
        clear(self._history)
        now = self._clock()
        name = provider_words(detail.row, detail.servers)
        for episode in detail.episodes[:EPISODES]:
            short, when = episode_words(episode, detail.row.address, name, now)
            tip = plain(episode.provider_error or "")
            self._history.addWidget(_Event(short, when, episode.color, tip, exact(episode.started_at)))
        left = len(detail.episodes) - EPISODES
        if left > 0:
            self._history.addWidget(wrapped(f"… and {count(left, 'earlier one')}", muted=True))
        if not detail.episodes:
            self._history.addWidget(wrapped("No trouble so far.", muted=True))
        since = detail.granted_at or detail.created_at
        what = "Connected" if detail.granted_at else "Added"
        self._history.addWidget(_Event(what, date(since, now), Color.GREY, "", exact(since)))

    # Doing

    def _on_mend(self) -> None:
        if self.row is not None:
            self.mend_wanted.emit(self.row.id)

    def _on_check(self) -> None:
        ids = (self.row.id,) if self.row else self._many
        if ids:
            self.check_wanted.emit(ids)

    def _on_help(self) -> None:
        if self.row is None:
            return
        link = cause_link(self.row.cause, self._site(self.row))
        if link is not None:
            if not self._open(link.url):
                self._say(f"The browser did not open. The page is {link.url}", "orange")
        elif self.row.cause is not None and CAUSES[self.row.cause].link is Link.PROVIDERS_SETTINGS:
            self.providers_wanted.emit()
        else:
            self._on_diagnose()

    def _on_diagnose(self) -> None:
        if self.row is not None:
            self.diagnosis_wanted.emit(self.row.id)

    def _on_apps(self) -> None:
        page = connected_apps_page(self.row.provider, self.row.address) if self.row else None
        if page and not self._open(page):
            self._say(f"The browser did not open. The page is {page}", "orange")

    def _on_test(self) -> None:
        if self.row is None:
            return
        self._is_testing = True
        self._fill_actions(self.row)
        self._say(f"Sending a test message from {self.row.address} to itself…", "grey")
        self._bridge.ask(
            SendTest(self.row.id), partial(self._on_tested, self.row), self._on_test_failed, owner=self
        )

    def _on_test_end(self) -> None:
        self._is_testing = False
        if self.row is not None:
            self._fill_actions(self.row)

    def _on_test_failed(self, error: ReplyDesktopError) -> None:
        self._on_test_end()
        self._on_failed(error)

    def _on_tested(self, row: AccountRow, sent: TestSent) -> None:
        self._on_test_end()
        address = row.address
        if sent.in_doubt:
            text = f"It is not known whether the test message went out. Look into the mailbox of {address}."
            self._say(text, "orange")
        elif sent.cause is None:
            self._say(f"The test message was accepted. Look into the mailbox of {address}.", "green")
        else:
            told = words(Cause(sent.cause), address, provider_words(row))
            said = f" The provider said: {plain_sentence(sent.provider_error)}" if sent.provider_error else ""
            self._say(f"The test message was not sent. {told.short}.{said}", "red")

    def _on_pause(self) -> None:
        if self.row is None:
            return
        ids = (self.row.id,)
        if self.row.state is State.PAUSED:
            self._bridge.ask(ResumeAccounts(ids), self._on_done, self._on_failed)
        else:
            self._bridge.ask(PauseAccounts(ids), self._on_done, self._on_failed)

    def _pause_many(self, pause: bool) -> None:
        request = PauseAccounts(self._many) if pause else ResumeAccounts(self._many)
        self._bridge.ask(request, self._on_done, self._on_failed, owner=self)

    def _on_limit(self, limit: int) -> None:
        ids = self._many or ((self.row.id,) if self.row else ())
        if ids:
            self._bridge.ask(
                SetDailyLimit(ids, limit), partial(self._on_limited, limit), self._on_failed, owner=self
            )

    def _on_limited(self, limit: int, answer: Done) -> None:
        (self.limit_many if self._many else self.limit).put(limit)
        self._say(f"At most {count(limit, 'mail')} in 24 hours from now on.", "green")

    def _on_done(self, answer: Done) -> None:
        self.result.hide()

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self._say(plain(str(error), 400), "red")

    def _say(self, text: str, tone: str) -> None:
        note = self._several_result if self._many else self.result
        note.put(text, tone)
        note.show()

    # Removing

    def ask_to_remove(self) -> None:
        """Ask whether what is shown should be removed."""
        if self.row is not None:
            self._on_remove()
        elif self._many:
            self._on_remove_many()

    def _on_remove(self) -> None:
        if self.row is None:
            return
        used = self.row.used_by
        lost = f" {_named(used)} {'loses' if len(used) == 1 else 'lose'} it as a sender." if used else ""
        self.confirm.ask(
            f"Remove {self.row.address}? Its history goes too.{lost}", _REVOKE_WORDS.get(self.row.provider)
        )
        self.area.ensureWidgetVisible(self.confirm)

    def _on_confirmed(self, revoke: bool) -> None:
        if self.row is not None:
            self._bridge.ask(RemoveAccounts((self.row.id,), revoke), self._on_removed, self._on_failed)

    def _on_remove_many(self) -> None:
        text = f"Remove {count(len(self._many), 'account')}? Their history goes too."
        self.confirm_many.ask(text, "Also end the access at the providers, as far as they let the app.")
        asked = self._many
        self._bridge.ask(
            GetAccounts(asked[:LOOKED_AT]),
            partial(self._on_used, asked, text),
            lambda error: None,
            owner=self,
        )

    def _on_used(self, asked: tuple[str, ...], text: str, answer: AccountRows) -> None:
        used = sorted({name for row in answer.rows for name in row.used_by}, key=str.casefold)
        if used and asked == self._many:
            lose = "loses senders" if len(used) == 1 else "lose senders"
            self.confirm_many.say(f"{text} {_named(used)} {lose}.")

    def _on_confirmed_many(self, revoke: bool) -> None:
        self._bridge.ask(RemoveAccounts(self._many, revoke), self._on_removed, self._on_failed)

    def _on_removed(self, answer: Done) -> None:
        self.closed.emit()


def _named(sequences: Sequence[str]) -> str:
    return few([quoted(name) for name in sequences], shown=3)


def _part(title: str, *widgets: QWidget) -> QWidget:
    """A titled part of the pane."""
    made = QWidget()
    box = column(made, gap=Space.XS)
    box.addWidget(section(title))
    for one in widgets:
        box.addWidget(one)
    return made


class _Removal(QWidget):
    """The question before a removal, in its place in the pane."""

    confirmed = Signal(bool)

    def __init__(self, on_confirmed: Callable[[bool], None]) -> None:
        super().__init__()
        self._text = Note("", "red")
        self._revoke = QCheckBox()
        self._revoke.setAccessibleName("Also end the access at the provider")
        self._revoke.setProperty("bare", True)
        self._revoke_words = wrapped("", Type.CAPTION)
        self._revoke_words.setContentsMargins(0, 5, 0, 5)
        row = line(gap=Space.XS)
        row.addWidget(self._revoke, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._revoke_words, 1)
        self.go = button("Remove", self._on_go, kind="danger")
        self.keep = button("Keep", self.hide)
        buttons = line()
        buttons.addWidget(self.go, 1)
        buttons.addWidget(self.keep, 1)
        page = column(self, gap=Space.S)
        page.addWidget(self._text)
        page.addLayout(row)
        page.addLayout(buttons)
        self.confirmed.connect(on_confirmed)

    def ask(self, text: str, revoke: str | None) -> None:
        """Ask; `revoke` are the words of ending the access too, None where there is none to end."""
        self._text.put(text, "red")
        self._revoke.setChecked(False)
        self._revoke.setVisible(revoke is not None)
        self._revoke_words.setVisible(revoke is not None)
        self._revoke_words.setText(revoke or "")
        self.show()
        self.keep.setFocus()

    def say(self, text: str) -> None:
        """Put the question in other words."""
        self._text.put(text, "red")

    def text(self) -> str:
        """The question."""
        return self._text.text()

    def _on_go(self) -> None:
        self.hide()
        self.confirmed.emit(self._revoke.isChecked())


class _Event(QWidget):
    """One line of the history."""

    def __init__(self, what: str, when: str, color: Color, tip: str, at: str) -> None:
        super().__init__()
        self._color = color
        self._mark = QLabel()
        box = column(gap=0)
        box.addWidget(wrapped(what))
        box.addWidget(wrapped(when, Type.CAPTION, muted=True))
        row = line(self, gap=Space.S)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(box, 1)
        self.setToolTip("\n".join(filter(None, (at, tip))))
        self._restyle()
        theme.theme().changed.connect(self._restyle)

    def _restyle(self) -> None:
        states = {Color.RED: State.EXPIRED, Color.ORANGE: State.AT_RISK, Color.GREEN: State.CONNECTED}
        self._mark.setPixmap(icons.state_pixmap(states.get(self._color, State.NEW), 14))
