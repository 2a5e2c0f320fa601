"""The page of email accounts: toolbar, filter, table, and beside it the detail, a sign-in or a form."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QFrame, QMenu, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from reply_desktop.channel.messages import (
    AccountIndex,
    AccountRows,
    GetAccount,
    GetAccounts,
    GetSummary,
    ListAccounts,
    ListProviders,
    PauseAccounts,
    ProviderList,
    ResumeAccounts,
)
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import NotFound, ReplyDesktopError
from reply_desktop.domain.events import AccountRemoved, SummaryChanged
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountDetail, AccountFilter, AccountRow, Summary
from reply_desktop.domain.states import State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.accounts_table import AccountsTable
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.check_progress import CheckLine
from reply_desktop.ui.controls import Elided, button, column, line
from reply_desktop.ui.filter_bar import FilterBar
from reply_desktop.ui.first_steps import FirstSteps, NothingFound, NotYet
from reply_desktop.ui.list_model import IndexModel
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock, count, mend_words, utc_now

if TYPE_CHECKING:
    from reply_desktop.ui.account_detail import AccountPane
    from reply_desktop.ui.add_other_dialog import OtherPane
    from reply_desktop.ui.connect_dialog import ConnectPane
    from reply_desktop.ui.guided_run import GuidedRun
    from reply_desktop.ui.side_pane import SidePane

TIMES_MS: Final = 20_000
"""How often “3 min ago” is said anew while the page is in view."""
RUN: Final = 500
"""Accounts one guided run takes on at most."""

_RED: Final = AccountFilter(states=(State.EXPIRED, State.BLOCKED), sort="severity", descending=True)


class AccountsPage(QWidget):
    """Everything about sending accounts. `providers_wanted` carries a Provider or None.

    `diagnosis_wanted` carries an account id. `gone`: an account that was to be shown or mended is not there
    any more.
    """

    providers_wanted = Signal(object)
    diagnosis_wanted = Signal(str)
    gone = Signal()

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock = utc_now,
        open_in_browser: OpenPage = open_page,
        remembered: Remembered | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._clock, self._open = bridge, clock, open_in_browser
        self._remembered = remembered or Remembered(None)
        self._configured: dict[Provider, bool] = {}
        self._counts: dict[State, int] = {}
        self._mendable = 0
        self._mend_text = ""
        self._is_narrow = self._was_loaded = False
        self._to_show: str | None = None
        self._to_flash: str | None = None
        self._mended: str | None = None
        self.model = IndexModel(bridge, clock, self)
        self.table = AccountsTable(self.model)
        self.filter = FilterBar(self.table)
        self.check_line = CheckLine(bridge)
        self.not_yet = NotYet()
        self._build()
        self._connect_parts()
        self._shortcuts()
        self._times = QTimer(self, interval=TIMES_MS)
        self._times.timeout.connect(self._on_times)
        self.table.take_look(self._remembered.get("accounts/table") or {})
        if bridge.engine is EngineState.RUNNING:
            self._on_engine(bridge.engine)

    # Building

    def _build(self) -> None:
        self.add_button = button("Add account", kind="primary", icon="plus")
        self.add_button.setProperty("menuButton", True)
        menu = QMenu(self.add_button)
        for provider in Provider:
            action = menu.addAction(PROVIDER_NAMES[provider])
            icons.put_icon(action, icons.PROVIDER_ICONS[provider])
            action.triggered.connect(partial(self.add, provider))
        self.add_button.setMenu(menu)
        self.check_button = button("Check all", self._on_check, icon="refresh")
        self.mend_button = button("Reconnect all", self.reconnect_all, icon="reconnect")
        self.mend_button.hide()
        head = line()
        head.addWidget(Elided("Email accounts", Type.TITLE, strong=True), 1)
        for one in (self.mend_button, self.check_button, self.add_button):
            head.addWidget(one)
        self._left = left = QWidget()
        left.setMinimumWidth(theme.scaled(340))
        box = column(left, gap=0)
        top = QWidget()
        rows = column(top, gap=Space.M)
        rows.setContentsMargins(Space.L, Space.L, Space.L, Space.M)
        rows.addLayout(head)
        rows.addWidget(self.filter)
        rows.addWidget(self.check_line)
        box.addWidget(top)
        card = QFrame()
        card.setProperty("surface", True)
        inner: QVBoxLayout = column(card, gap=0)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.not_yet)
        self.stack.addWidget(self.table)
        inner.addWidget(self.stack)
        box.addWidget(card, 1)
        self.panes = QStackedWidget()
        self.panes.setMinimumWidth(theme.scaled(340))
        self.panes.hide()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.panes)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([10_000, self._remembered.get("accounts/pane") or theme.scaled(400)])
        column(self, gap=0).addWidget(self.splitter)
        self._tools(False)

    def _connect_parts(self) -> None:
        bridge, table = self._bridge, self.table
        bridge.engine_changed.connect(self._on_engine)
        bridge.summary_changed.connect(self._on_summary_event)
        bridge.provider_changed.connect(self._ask_providers)
        bridge.account_removed.connect(self._on_removed)
        self.model.loaded.connect(self._on_loaded)
        self.filter.changed.connect(self.model.want)
        table.selection_changed.connect(self._on_selection)
        table.clicked.connect(lambda index: self._on_clicked())
        table.opened.connect(self._on_opened)
        table.action_wanted.connect(self.mend)
        table.customContextMenuRequested.connect(self._on_menu)
        table.columns_changed.connect(self._keep_look)
        theme.theme().changed.connect(self.filter.restyle)
        self.check_line.running_changed.connect(lambda on: self._tools(True))
        self.splitter.splitterMoved.connect(self._on_splitter)

    # Made when first needed: the table is shown sooner without them

    @cached_property
    def detail(self) -> "AccountPane":
        """All about the chosen account."""
        from reply_desktop.ui.account_detail import AccountPane

        made = AccountPane(self._bridge, self._clock, self._open)
        made.mend_wanted.connect(self.mend)
        made.check_wanted.connect(self.check_line.start)
        made.providers_wanted.connect(lambda: self.providers_wanted.emit(None))
        made.diagnosis_wanted.connect(self.diagnosis_wanted)
        made.closed.connect(self._on_detail_closed)
        self.panes.addWidget(made)
        return made

    @cached_property
    def connect_pane(self) -> "ConnectPane":
        """The sign-in."""
        from reply_desktop.ui.connect_dialog import ConnectPane

        made = ConnectPane(self._bridge, self._clock, self._open)
        made.closed.connect(self._on_connect_closed)
        made.ended.connect(self._on_sign_in_ended)
        made.providers_wanted.connect(self._on_providers_wanted)
        self.panes.addWidget(made)
        return made

    @cached_property
    def run(self) -> "GuidedRun":
        """Several sign-ins, one after the other."""
        from reply_desktop.ui.guided_run import GuidedRun

        made = GuidedRun(self._bridge, self.connect_pane, self)
        made.finished.connect(self._on_run_finished)
        return made

    @cached_property
    def other(self) -> "OtherPane":
        """The form of a password account."""
        from reply_desktop.ui.add_other_dialog import OtherPane

        made = OtherPane(self._bridge)
        made.closed.connect(self._on_other_closed)
        made.saved.connect(self._on_saved)
        made.better_wanted.connect(self._on_better)
        self.panes.addWidget(made)
        return made

    @cached_property
    def first_steps(self) -> FirstSteps:
        """What stands in place of the table while there is no account."""
        made = FirstSteps()
        made.show_configured(self._configured)
        made.chosen.connect(self.add)
        self.stack.addWidget(made)
        return made

    @cached_property
    def nothing_found(self) -> NothingFound:
        """What stands in place of the table when nothing passes the filter."""
        made = NothingFound()
        made.cleared.connect(self.filter.reset)
        self.stack.addWidget(made)
        return made

    def _made(self, name: str) -> bool:
        """Whether one of these was needed so far."""
        return name in self.__dict__

    def _shows(self, name: str) -> bool:
        """Whether this pane is the one beside the table."""
        return (
            self._made(name)
            and not self.panes.isHidden()
            and self.panes.currentWidget() is getattr(self, name)
        )

    def _shortcuts(self) -> None:
        # Of the window, so that they also work before the keyboard has gone into the page; hidden, they rest.
        everywhere, inside = Qt.ShortcutContext.WindowShortcut, Qt.ShortcutContext.WidgetWithChildrenShortcut
        for keys, slot, where, context in (
            ("F5", self._on_check, self, everywhere),
            (QKeySequence(QKeySequence.StandardKey.Find), self.focus_search, self, everywhere),
            (QKeySequence(QKeySequence.StandardKey.Delete), self.ask_to_remove, self.table, inside),
        ):
            shortcut = QShortcut(QKeySequence(keys), where)
            shortcut.setContext(context)
            shortcut.activated.connect(slot)

    def _on_splitter(self) -> None:
        self._remembered.put("accounts/pane", self.panes.width())
        self._on_room()

    # What others may ask

    def open_account(self, account_id: str) -> None:
        """Show an account's detail; when the filter hides it, the filter goes."""
        if self.table.show_account(account_id):
            self._show_detail()
            self.table.setFocus()
            return
        self._to_show = account_id
        if self.filter.is_narrowed:
            self.filter.reset()
        elif self.model.is_loaded:
            self.model.reload()

    def add(self, provider: Provider, *_: object) -> None:
        """Begin to add an account of this provider, or to set the provider up where that comes first."""
        if provider is Provider.OTHER:
            self._stop_sign_in()
            self._show_pane(self.other)
            self.other.begin()
        elif not self._configured.get(provider, True):
            self.providers_wanted.emit(provider)
        else:
            self._stop_sign_in()
            self._show_pane(self.connect_pane)
            self.connect_pane.begin(provider)

    def mend(self, account_id: str) -> None:
        """Mend an account: sign in again, or edit its credentials."""
        self._bridge.ask(GetAccount(account_id), self._mend, self._on_unmendable, owner=self)

    def _mend(self, detail: AccountDetail) -> None:
        self._stop_sign_in()
        self.table.show_account(detail.row.id)
        if detail.row.can_reconnect:
            self._show_pane(self.connect_pane)
            self.connect_pane.begin(detail.row.provider, detail.row)
        else:
            self._show_pane(self.other)
            self.other.begin(detail.row, detail.servers)

    def _on_unmendable(self, error: ReplyDesktopError) -> None:
        if isinstance(error, NotFound):
            self.gone.emit()
        else:
            self._bridge.failed.emit(error)

    def reconnect(self, ids: Sequence[str]) -> None:
        """Mend these accounts, one after the other."""
        if len(ids) == 1:
            self.mend(ids[0])
        elif ids:
            self._bridge.ask(GetAccounts(tuple(ids)), self._on_run_rows, owner=self)

    def reconnect_all(self) -> None:
        """Mend every red account that a sign-in mends, one after the other."""
        self._bridge.ask(ListAccounts(_RED), self._on_red, owner=self)

    def check(self, ids: tuple[str, ...] = ()) -> None:
        """Check these accounts now; all when none are named."""
        self.check_line.start(ids)

    def focus_search(self) -> None:
        """Put the keyboard into the search field."""
        self.filter.text.setFocus()
        self.filter.text.selectAll()

    def ask_to_remove(self) -> None:
        """Ask whether the chosen accounts should be removed."""
        if self.table.selected_ids() and not self._pane_is_busy():
            self._show_detail()
            self.detail.ask_to_remove()

    # Panes

    def _pane_is_busy(self) -> bool:
        if self._shows("connect_pane"):
            return self.connect_pane.is_open or (self._made("run") and self.run.is_running)
        return self._shows("other")

    def _show_pane(self, pane: "SidePane") -> None:
        self.panes.setCurrentWidget(pane)
        self.panes.show()
        QTimer.singleShot(0, self, self._on_room)

    def _pane_has_keyboard(self) -> bool:
        focused = self.window().focusWidget()
        return focused is not None and self.panes.isAncestorOf(focused)

    def _close_pane(self) -> None:
        had_keyboard = self._pane_has_keyboard()
        self.panes.hide()
        QTimer.singleShot(0, self, self._on_room)
        if had_keyboard:
            self.table.setFocus()

    def _show_detail(self) -> None:
        ids = self.table.selected_ids()
        if len(ids) > 1:
            self.detail.show_several(ids)
        elif ids and (row := self.model.account(ids[0])) is not None:
            self.detail.show_account(row)
        elif ids:
            self._bridge.ask(
                GetAccount(ids[0]), lambda detail: self._show_row(detail.row), lambda error: None, owner=self
            )
        self._show_pane(self.detail)

    def _show_row(self, row: AccountRow) -> None:
        if self.table.selected_ids() == (row.id,):
            self.detail.show_account(row)

    def _on_detail_closed(self) -> None:
        self.detail.leave()
        self._close_pane()

    def _on_connect_closed(self) -> None:
        self.connect_pane.leave()
        mended, self._mended = self._mended, None
        if mended is not None and self.table.show_account(mended):
            had_keyboard = self._pane_has_keyboard()
            self._show_detail()
            if had_keyboard:
                self.table.setFocus()
        else:
            self._close_pane()

    def _on_other_closed(self) -> None:
        self.other.leave()
        self._close_pane()

    def _stop_sign_in(self) -> None:
        if self._made("run"):
            self.run.stop()
        if self._made("connect_pane"):
            self.connect_pane.leave()

    # The table

    def _on_clicked(self) -> None:
        if not self._pane_is_busy():
            self._show_detail()

    def _on_opened(self, account_id: str) -> None:
        if not self._pane_is_busy():
            self._show_detail()
            first = self.detail.mend if self.detail.mend.isVisible() else self.detail.check
            first.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_selection(self) -> None:
        ids = self.table.selected_ids()
        self._tools(True)
        if self._shows("detail"):
            if ids:
                self._show_detail()
            else:
                self._on_detail_closed()

    def _on_menu(self, where: QPoint) -> None:
        ids = self.table.selected_ids()
        if not ids:
            return
        menu = self.context_menu(ids)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.table.viewport().mapToGlobal(where))

    def context_menu(self, ids: tuple[str, ...]) -> QMenu:
        """What can be done with these accounts."""
        menu = QMenu(self)
        row = self.model.account(ids[0]) if len(ids) == 1 else None
        if row is not None and (mend := mend_words(row)):
            menu.addAction(mend, lambda: self.mend(row.id))
            menu.addSeparator()
        menu.addAction("Details", self._show_detail)
        menu.addAction("Check now", lambda: self.check_line.start(ids))
        menu.addSeparator()
        rows = [found for one in ids if (found := self.model.account(one))]
        if any(found.state is not State.PAUSED for found in rows):
            menu.addAction("Pause", lambda: self._bridge.ask(PauseAccounts(ids)))
        if any(found.state is State.PAUSED for found in rows):
            menu.addAction("Resume", lambda: self._bridge.ask(ResumeAccounts(ids)))
        addresses = "\n".join(found.address for found in rows)
        copy = "Copy address" if len(ids) == 1 else "Copy addresses"
        menu.addAction(copy, lambda: QGuiApplication.clipboard().setText(addresses))
        menu.addSeparator()
        menu.addAction("Remove…", self.ask_to_remove)
        return menu

    def _keep_look(self) -> None:
        self._remembered.put("accounts/table", self.table.look())

    # Checking and mending

    def _on_check(self) -> None:
        self.check_line.start(self.table.selected_ids())

    def _on_red(self, index: AccountIndex) -> None:
        if index.ids:
            self._bridge.ask(GetAccounts(index.ids[:RUN]), self._on_run_rows, owner=self)

    def _on_run_rows(self, answer: AccountRows) -> None:
        rows = [row for row in answer.rows if row.offers_reconnect]
        if rows:
            self._stop_sign_in()
            self._show_pane(self.connect_pane)
            self.run.start(rows)

    def _on_run_finished(self, mended: int, total: int) -> None:
        self._mended = None
        if self._shows("connect_pane"):
            self._close_pane()

    def _on_sign_in_ended(self, end: ConsentEnd, account_id: str | None) -> None:
        if end is ConsentEnd.CONNECTED and account_id is not None:
            self._mended = account_id
            self._to_flash = account_id
            if self.model.rows_of({account_id}):
                self._flash()

    def _on_providers_wanted(self, provider: Provider) -> None:
        self._on_connect_closed()
        self.providers_wanted.emit(provider)

    def _on_saved(self, row: AccountRow) -> None:
        self._on_other_closed()
        self._to_show = self._to_flash = row.id
        self.model.reload()

    def _on_better(self, provider: Provider) -> None:
        self.other.leave()
        self.add(provider)

    def _flash(self) -> None:
        account_id, self._to_flash = self._to_flash, None
        if account_id is not None:
            self.table.flash(account_id)

    # What the engine tells

    def _on_engine(self, state: EngineState) -> None:
        running = state is EngineState.RUNNING
        self._tools(running)
        if running:
            self._bridge.ask(GetSummary(), self._on_summary, lambda error: None, owner=self)
            self._ask_providers()

    def _ask_providers(self, *_: object) -> None:
        self._bridge.ask(ListProviders(), self._on_providers, lambda error: None, owner=self)

    def _on_providers(self, answer: ProviderList) -> None:
        self._configured = {row.provider: row.configured for row in answer.rows}
        if self._made("first_steps"):
            self.first_steps.show_configured(self._configured)

    def _on_summary_event(self, event: SummaryChanged) -> None:
        self._on_summary(event.summary)

    def _on_summary(self, summary: Summary) -> None:
        self._counts = summary.counts
        self._mendable = sum(row.offers_reconnect for row in summary.red)
        self.filter.show_counts(summary.counts)
        whole = summary.needs_person <= len(summary.red)
        self._mend_text = f"Reconnect all ({self._mendable})" if whole else "Reconnect all"
        self._on_room()
        self._tools(True)
        self._choose_page()

    def _on_loaded(self) -> None:
        self._choose_page()
        if not self._was_loaded:
            self._was_loaded = True
            shown = self.stack.currentWidget()
            if self.window().focusWidget() is None and shown is not None:
                shown.setFocus()
        to_show = self._to_show
        if to_show is not None and self.table.show_account(to_show):
            self._to_show = None
            self._show_detail()
        elif to_show is not None:
            self._bridge.ask(GetAccount(to_show), failed=partial(self._on_not_there, to_show), owner=self)
        if self._to_flash is not None and self.model.rows_of({self._to_flash}):
            self._flash()

    def _on_not_there(self, account_id: str, error: ReplyDesktopError) -> None:
        if isinstance(error, NotFound) and self._to_show == account_id:
            self._to_show = None
            self.gone.emit()

    def _on_removed(self, event: AccountRemoved) -> None:
        if self._shows("detail") and self.detail.row is not None and self.detail.row.id == event.account_id:
            self._on_detail_closed()

    def _choose_page(self) -> None:
        if not self.model.is_loaded:
            shown: QWidget = self.not_yet
        elif self.model.ids:
            shown = self.table
        elif self.filter.is_narrowed:
            shown = self.nothing_found
        else:
            shown = self.first_steps
        none_at_all = self._made("first_steps") and shown is self.first_steps
        self.filter.setVisible(not none_at_all)
        self.check_button.setVisible(not none_at_all)
        self.stack.setCurrentWidget(shown)

    def _tools(self, on: bool) -> None:
        on = on and self._bridge.engine is EngineState.RUNNING
        chosen = len(self.table.selected_ids())
        check = f"Check {count(chosen, 'account')}" if chosen else "Check all"
        for one, text, icon in (
            (self.check_button, check, "refresh"),
            (self.mend_button, self._mend_text, "reconnect"),
        ):
            shown = "" if self._is_narrow and one is self.check_button else text
            if (one.text(), one.accessibleName()) != (shown, text):
                one.setText(shown)
                one.setAccessibleName(text)
                one.setToolTip(f"{text} (F5)" if one is self.check_button else text)
                icons.put_icon(one, icon)
        self.check_button.setEnabled(on and not self.check_line.is_running)
        self.mend_button.setEnabled(on)
        self.add_button.setEnabled(on)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_room()

    def _on_room(self) -> None:
        """With little room beside the pane the toolbar leaves to the banner what it offers, then words."""
        room = self._left.width()
        self.mend_button.setVisible(self._mendable > 1 and room >= theme.scaled(720))
        narrow = room < theme.scaled(530)
        if narrow != self._is_narrow:
            self._is_narrow = narrow
            self._tools(True)

    def _on_times(self) -> None:
        self.model.refresh_times()
        if self._shows("detail"):
            self.detail.refresh_times()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_times()
        self._times.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._times.stop()

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """The toolbar, in order."""
        return self.mend_button, self.check_button, self.add_button
