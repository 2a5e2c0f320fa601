"""Puts the window's parts together: pages, banners, bell, footer, and who opens what."""

from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from reply_desktop.channel.messages import CheckAccounts, GetSummary
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import SummaryChanged
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import Summary
from reply_desktop.ui.accounts_page import AccountsPage
from reply_desktop.ui.banner import Banners
from reply_desktop.ui.bell import Bell
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.controls import icon_button
from reply_desktop.ui.main_window import (
    ACCOUNTS,
    DIAGNOSIS,
    NOTIFICATIONS,
    PROVIDERS,
    SEQUENCE,
    SEQUENCES,
    MainWindow,
)
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.words import Clock, ago, count, exact, utc_now

if TYPE_CHECKING:
    from reply_desktop.ui.diagnosis_page import DiagnosisPage
    from reply_desktop.ui.sequence_page import SequencePage
    from reply_desktop.ui.sequences_page import SequencesPage

FOOTER_MS: Final = 20_000
"""How often “last check 3 min ago” is said anew."""


class Front(QObject):
    """The living window. Everything that leads somewhere from outside comes in through its `open_…`."""

    quit_wanted = Signal()

    def __init__(
        self,
        window: MainWindow,
        bridge: Bridge,
        remembered: Remembered,
        *,
        clock: Clock = utc_now,
        open_in_browser: OpenPage = open_page,
    ) -> None:
        super().__init__(window)
        self.window, self.bridge = window, bridge
        self._clock, self._remembered, self._open_in_browser = clock, remembered, open_in_browser
        self._accounts = 0
        self.roster = Roster(bridge, self)
        self.banners = Banners(bridge, self.roster)
        self.bell = Bell(bridge, clock=clock)
        self.accounts = AccountsPage(bridge, clock, open_in_browser, remembered)
        window.add_banners(self.banners)
        window.add_to_header(self.bell)
        window.add_to_header(self._more())
        window.add_page(ACCOUNTS, lambda: self.accounts)
        window.add_page(SEQUENCES, lambda: self.sequences)
        window.add_page(SEQUENCE, self._sequence)
        window.add_page(DIAGNOSIS, self._diagnosis)
        self._page: SequencePage | None = None
        self._footer_timer = QTimer(self, interval=FOOTER_MS)
        self._footer_timer.timeout.connect(self._tell_footer)
        self._connect_parts()
        self._on_engine(bridge.engine)

    # Made when first needed: the window is shown sooner without them

    @cached_property
    def sequences(self) -> "SequencesPage":
        """The list of sequences."""
        from reply_desktop.ui.sequences_page import SequencesPage

        made = SequencesPage(self.bridge, self.roster, self._clock, self._remembered)
        made.opened.connect(self.open_sequence)
        made.account_wanted.connect(self.open_accounts)
        return made

    def _sequence(self) -> "SequencePage":
        from reply_desktop.ui.sequence_page import SequencePage

        made = SequencePage(self.bridge, self._clock, self._open_in_browser)
        made.back.connect(self.window.open_sequences)
        made.gone.connect(self._on_sequence_gone)
        made.open_account.connect(self.open_account)
        self._page = made
        return made

    def _diagnosis(self) -> "DiagnosisPage":
        from reply_desktop.ui.diagnosis_page import DiagnosisPage

        made = DiagnosisPage(self.bridge, self._clock, self._open_in_browser)
        made.back.connect(self.open_account)
        made.mend_wanted.connect(self.reconnect)
        made.providers_wanted.connect(self.open_providers)
        made.sequence_wanted.connect(lambda sequence_id: self.open_sequence(sequence_id, "log"))
        return made

    def unsaved(self) -> tuple[str, ...]:
        """Names of the sequences with changes that are not saved."""
        return self._page.unsaved if self._page is not None else ()

    def _more(self) -> QToolButton:
        made = icon_button("more", "More")
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(made)
        menu.addAction("Check all accounts", self.check_all)
        menu.addSeparator()
        menu.addAction("Quit Reply Desktop", self.quit_wanted.emit)
        made.setMenu(menu)
        return made

    def _connect_parts(self) -> None:
        bridge, banners, bell = self.bridge, self.banners, self.bell
        bridge.engine_changed.connect(self._on_engine)
        bridge.summary_changed.connect(self._on_summary_event)
        bridge.failed.connect(self._on_failed)
        banners.reconnect_wanted.connect(self.reconnect)
        banners.reconnect_all_wanted.connect(self.reconnect_all)
        banners.account_wanted.connect(self.open_account)
        banners.providers_wanted.connect(self.open_providers)
        bell.account_asked.connect(self.open_account)
        bell.log_asked.connect(lambda sequence_id, key: self.open_sequence(sequence_id, "log", key=key))
        bell.fault_asked.connect(self.open_fault)
        bell.notifications_asked.connect(lambda: self.open_notifications(Channel.EMAIL))
        self.accounts.providers_wanted.connect(self.open_providers)
        self.accounts.diagnosis_wanted.connect(self.open_diagnosis)
        self.accounts.gone.connect(lambda: banners.say("This account was removed."))
        self.accounts.model.dataChanged.connect(lambda *_: self._tell_footer())
        self.window.quit_wanted.connect(self.quit_wanted)
        self.window.seen.connect(lambda seen: self._on_seen())

    # Doors

    def open_page(self, name: str) -> QWidget | None:
        """Show the window with this page."""
        self.window.bring()
        return self.window.open_page(name)

    def open_first(self) -> None:
        """Open what was in view last; the accounts for a newcomer."""
        self.window.open_page(SEQUENCES if self._remembered.get("window/section") == SEQUENCES else ACCOUNTS)

    def _on_sequence_gone(self) -> None:
        if self.window.current == SEQUENCE:
            self.window.open_sequences()
        self.banners.say("This sequence was removed.")

    def open_sequences(self) -> None:
        """Show the window with the list of sequences."""
        self.open_page(SEQUENCES)

    def open_sequence(
        self, sequence_id: str, tab: str = "steps", entry: int | None = None, key: str | None = None
    ) -> None:
        """Show the window with a sequence: `entry` or `key` name an entry of its log to bring into view."""
        page = cast("SequencePage", self.open_page(SEQUENCE))
        page.open_sequence(sequence_id, tab, entry, key)

    def open_account(self, account_id: str) -> None:
        """Show the window with this account's detail."""
        self.open_page(ACCOUNTS)
        self.accounts.open_account(account_id)

    def open_diagnosis(self, account_id: str) -> None:
        """Show the window with what happened to this account, and how it is mended."""
        page = cast("DiagnosisPage", self.open_page(DIAGNOSIS))
        page.open_account(account_id)

    def open_accounts(self) -> None:
        """Show the window with the table."""
        self.open_page(ACCOUNTS)

    def open_providers(self, provider: Provider | None = None) -> None:
        """Show the window with Settings → Providers, at this provider's part where the page knows how."""
        page = self.open_page(PROVIDERS)
        show = getattr(page, "show_provider", None)
        if provider is not None and show is not None:
            show(provider)

    def open_notifications(self, part: str = "") -> None:
        """Show the window with Settings → Notifications, at what is set for this channel if one is named."""
        page = self.open_page(NOTIFICATIONS)
        show = getattr(page, "show_part", None)
        if part and show is not None:
            show(part)

    def open_fault(self, key: str) -> None:
        """Show the window where this is mended: at a channel that does not tell, or at the providers."""
        channel = key.partition(":")[0]
        if channel in (Channel.EMAIL, Channel.TEAM):
            self.open_notifications(channel)
        else:
            self.open_providers()

    def reconnect(self, ids: tuple[str, ...] | str) -> None:
        """Show the window and mend these accounts, one after the other."""
        self.open_page(ACCOUNTS)
        self.accounts.reconnect((ids,) if isinstance(ids, str) else ids)

    def reconnect_all(self) -> None:
        """Show the window and mend every red account that a sign-in mends."""
        self.open_page(ACCOUNTS)
        self.accounts.reconnect_all()

    def check_all(self) -> None:
        """Check all accounts; with the progress shown where the table is in view."""
        if self.window.isVisible() and self.window.current == ACCOUNTS:
            self.accounts.check()
        else:
            self.bridge.ask(CheckAccounts())

    # Footer

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self.bridge.ask(GetSummary(), self._on_summary, lambda error: None, owner=self)
        self._on_seen()

    def _on_seen(self) -> None:
        """Nothing ticks while nobody looks."""
        if self.window.isVisible() and self.bridge.engine is EngineState.RUNNING:
            self._footer_timer.start()
        else:
            self._footer_timer.stop()
        self._tell_footer()

    def _on_summary_event(self, event: SummaryChanged) -> None:
        self._on_summary(event.summary)

    def _on_summary(self, summary: Summary) -> None:
        self._accounts = sum(summary.counts.values())
        self._tell_footer()

    def _tell_footer(self) -> None:
        words, tone = {
            EngineState.STARTING: ("Starting the background service…", "grey"),
            EngineState.RUNNING: ("Background service running", "green"),
            EngineState.LOST: ("Background service restarting…", "orange"),
            EngineState.GONE: ("Background service stopped", "red"),
        }[self.bridge.engine]
        parts = []
        if self.bridge.engine is EngineState.RUNNING and self._accounts:
            parts.append(count(self._accounts, "account"))
        last_check_at = self.accounts.model.last_check_at
        if last_check_at is not None:
            parts.append(f"last check {ago(last_check_at, self._clock())}")
        self.window.show_engine(words, tone, " · ".join(parts), exact(last_check_at))

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self.banners.say(str(error))
