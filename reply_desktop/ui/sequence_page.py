"""The page of one sequence: name, switch and counts above the tabs; what is unsaved is kept and told."""

from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QFrame, QTabBar, QWidget

from reply_desktop.channel.messages import (
    GetAccount,
    GetSequence,
    LaunchSequence,
    PauseSequence,
    RowsChanged,
    SaveSequence,
)
from reply_desktop.domain.errors import InvalidInput, NotFound, ReplyDesktopError
from reply_desktop.domain.events import SequenceRemoved, SequencesChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence import ON, STATUS_WORDS, Sequence
from reply_desktop.domain.sequence_rows import SequenceDetail, SequenceRow
from reply_desktop.domain.states import Color
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.controls import Elided, Note, button, column, icon_button, line, wrapped
from reply_desktop.ui.page import Tall, TallStack
from reply_desktop.ui.sequence_draft import Draft, Typing, real_ids, with_ids
from reply_desktop.ui.sequence_toggle import LaunchMenu, SequenceToggle
from reply_desktop.ui.step_editor import SubjectField
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock, moment, until, utc_now

if TYPE_CHECKING:
    from reply_desktop.ui.forecast_chart import ForecastTab
    from reply_desktop.ui.log_tab import LogTab
    from reply_desktop.ui.prospects_tab import ProspectsTab
    from reply_desktop.ui.sequence_settings_tab import SequenceSettingsTab
    from reply_desktop.ui.steps_tab import StepsTab

T = TypeVar("T", "StepsTab", "ProspectsTab", "LogTab", "ForecastTab", "SequenceSettingsTab")

TABS: Final = ("steps", "prospects", "log", "forecast", "settings")
"""Names of the tabs, in order."""
_TITLES: Final = ("Steps", "Prospects", "Log", "Forecast", "Settings")
_AGAIN_MS: Final = 500
_TIMES_MS: Final = 20_000


def counts_words(row: SequenceRow) -> str:
    """The counts in a line; they add up."""
    if not row.prospects:
        return "No prospects yet"
    parts = [
        f"{number:,} {word}"
        for number, word in (
            (row.waiting, "waiting"),
            (row.active, "active"),
            (row.in_doubt, "in doubt"),
            (row.finished, "finished"),
        )
        if number
    ]
    noun = "prospect" if row.prospects == 1 else "prospects"
    return f"{row.prospects:,} {noun} = {' + '.join(parts)}"


def next_words(row: SequenceRow, now: datetime) -> str:
    """When it begins, or when the next mail leaves; empty when nothing is planned."""
    if row.start_at is not None and row.start_at > now:
        return f"Starts {until(row.start_at, now)} ({moment(row.start_at, now)})"
    if row.next_send_at is not None:
        return f"Next mail {until(row.next_send_at, now)}"
    return ""


class Tab(Protocol):
    """What the page says to each of its tabs."""

    def open_sequence(self, sequence_id: str) -> None:
        """Another sequence is opened; "" before the first."""
        ...

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read."""
        ...


class NameField(SubjectField):
    """The sequence's name, edited where it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "title")
        self.setFont(theme.theme().font(Type.TITLE, strong=True))
        self.setAccessibleName("Name of the sequence")
        self.setPlaceholderText("Name of the sequence")
        self.setMaxLength(200)


class UnsavedBar(QFrame):
    """Says that something is not saved. `reload_wanted` when another front's changes should be taken."""

    reload_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("banner", "blue")
        row = line(self, gap=Space.S)
        row.setContentsMargins(Space.L, Space.S, Space.L, Space.S)
        self.words = wrapped("You have unsaved changes.")
        self.words.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        self.save_button = button("Save", kind="primary")
        self.save_button.setToolTip("Ctrl+S")
        self.discard_button = button("Discard")
        self.reload_button = button("Reload", self.reload_wanted.emit)
        self.reload_button.setAccessibleDescription("Shows what is stored; your text is kept under Undo")
        row.addWidget(self.words, 1)
        for one in (self.reload_button, self.discard_button, self.save_button):
            row.addWidget(one)
        self.put("You have unsaved changes.", "blue")

    def put(self, text: str, tone: str, *, conflict: bool = False) -> None:
        """Say how it stands."""
        self.words.setText(text)
        theme.mark(self, "banner", tone)
        self.reload_button.setVisible(conflict)
        self.discard_button.setVisible(not conflict)


class SequencePage(Tall):
    """One sequence. `back` when the person goes to the list, `open_account` carries an account id.

    `gone`: the sequence that was to be opened is not there any more.
    """

    back = Signal()
    gone = Signal()
    open_account = Signal(str)

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock = utc_now,
        open_in_browser: OpenPage = open_page,
    ) -> None:
        super().__init__()
        self._bridge, self._clock = bridge, clock
        self.detail: SequenceDetail | None = None
        self._sequence_id = ""
        self._to_show: tuple[int | None, str | None] | None = None
        self._launch: tuple[datetime | None, bool] | None = None
        self._saving = self._conflict = self._retry = False
        self._kept: dict[str, tuple[int, Sequence]] = {}
        self._typing = Typing()
        self.draft = Draft(self)
        self._open_in_browser = open_in_browser
        self._build()
        self._connect_parts()
        self._shortcuts()
        self._on_tab(0)
        self._show_draft()

    # Building

    def _build(self) -> None:
        head = QFrame()
        head.setProperty("bar", "top")
        rows = column(head, gap=Space.XS)
        rows.setContentsMargins(Space.L, Space.M, Space.L, 0)
        top = line(gap=Space.S)
        self.back_button = icon_button("chevron-left", "Back to all sequences", self._on_back)
        self.name = NameField()
        self.toggle = SequenceToggle(self._clock)
        self.status = theme.label("", strong=True)
        self.launch_button = button("Launch…", self._on_launch_button, kind="primary", icon="play")
        self.pause_button = button("Pause", self.pause, icon="pause")
        top.addWidget(self.back_button)
        top.addWidget(self.name, 1)
        for part in (self.toggle, self.status, self.launch_button, self.pause_button):
            top.addWidget(part)
        rows.addLayout(top)
        facts = line(gap=Space.L)
        facts.setContentsMargins(47, 0, 0, 0)
        self.counts = Elided("", muted=True)
        self.counts.setMinimumHeight(theme.scaled(24))
        self.sent = theme.label("", muted=True)
        self.next = theme.label("", muted=True)
        self.doubt_button = button("In doubt", self._on_doubt, kind="link", icon="warning")
        facts.addWidget(self.counts, 1)
        for fact in (self.doubt_button, self.sent, self.next):
            facts.addWidget(fact)
        rows.addLayout(facts)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Parts of the sequence")
        for title in _TITLES:
            self.tabs.addTab(title)
        rows.addWidget(self.tabs)
        self.bar = UnsavedBar()
        self.bar.hide()
        self.note = Note()
        self._note_box = QWidget()
        column(self._note_box, margin=Space.M).addWidget(self.note)
        self._note_box.hide()
        self.stack = TallStack()
        page = column(self, gap=0)
        page.addWidget(head)
        page.addWidget(self.bar)
        page.addWidget(self._note_box)
        page.addWidget(self.stack, 1)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._read)
        self._times = QTimer(self, interval=_TIMES_MS)
        self._times.timeout.connect(self._show_row)

    def _connect_parts(self) -> None:
        bridge = self._bridge
        bridge.sequences_changed.connect(self._on_sequences)
        bridge.sequence_removed.connect(self._on_removed)
        bridge.engine_changed.connect(self._on_engine)
        bridge.rows_changed.connect(self._on_accounts)
        self.draft.changed.connect(self._show_draft)
        self.draft.dirty_changed.connect(lambda dirty: self._show_bar())
        self.name.textEdited.connect(self._on_name)
        self.name.left.connect(self._typing.stop)
        self.toggle.launch_wanted.connect(self.launch)
        self.toggle.pause_wanted.connect(self.pause)
        self.tabs.currentChanged.connect(self._on_tab)
        self.bar.save_button.clicked.connect(lambda: self.save())
        self.bar.discard_button.clicked.connect(lambda: self._on_discard())
        self.bar.reload_wanted.connect(self._on_reload)

    def _shortcuts(self) -> None:
        redo_keys = [QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")]
        for keys, slot in (
            ([QKeySequence("Ctrl+S")], lambda: self.save()),
            ([QKeySequence(QKeySequence.StandardKey.Undo)], self.draft.stack.undo),
            (redo_keys, self.draft.stack.redo),
            ([QKeySequence(QKeySequence.StandardKey.Find)], self._on_find),
            ([QKeySequence("Alt+Left")], self._on_back),
        ):
            shortcut = QShortcut(self)
            shortcut.setKeys(keys)
            shortcut.activated.connect(slot)
        for at in range(len(TABS)):
            shortcut = QShortcut(QKeySequence(f"Alt+{at + 1}"), self)
            shortcut.activated.connect(partial(self.tabs.setCurrentIndex, at))
            self.tabs.setTabToolTip(at, f"Alt+{at + 1}")

    # Made when first needed: the page is shown sooner without them

    @cached_property
    def steps(self) -> "StepsTab":
        """The Steps tab."""
        from reply_desktop.ui.steps_tab import StepsTab

        return self._add(StepsTab(self._bridge, self.draft))

    @cached_property
    def prospects(self) -> "ProspectsTab":
        """The Prospects tab."""
        from reply_desktop.ui.prospects_tab import ProspectsTab

        made = ProspectsTab(self._bridge, self._clock)
        made.log_wanted.connect(self._on_prospect_log)
        return self._add(made)

    @cached_property
    def log(self) -> "LogTab":
        """The Log tab."""
        from reply_desktop.ui.log_tab import LogTab

        made = LogTab(self._bridge, self._clock)
        made.account_wanted.connect(self._on_address)
        return self._add(made)

    @cached_property
    def forecast(self) -> "ForecastTab":
        """The Forecast tab."""
        from reply_desktop.ui.forecast_chart import ForecastTab

        return self._add(ForecastTab(self._bridge, self._clock))

    @cached_property
    def settings(self) -> "SequenceSettingsTab":
        """The Settings tab."""
        from reply_desktop.ui.sequence_settings_tab import SequenceSettingsTab

        made = SequenceSettingsTab(self._bridge, self.draft, self._clock, self._open_in_browser)
        made.account_wanted.connect(self.open_account)
        made.reading_allowed.connect(self._read)
        return self._add(made)

    def _add(self, made: T) -> T:
        self.stack.addWidget(made)
        made.open_sequence(self._sequence_id)
        if self.detail is not None:
            made.put(self.detail)
        return made

    @property
    def _tabs(self) -> "list[Tab]":
        """Those that were needed so far."""
        return [self.__dict__[name] for name in TABS if name in self.__dict__]

    # What others may ask

    def open_sequence(
        self, sequence_id: str, tab: str = "steps", entry: int | None = None, key: str | None = None
    ) -> None:
        """Show a sequence at a tab; with `entry` or `key` the Log tab at that entry, highlighted.

        What is unsaved of another sequence is kept until that one is opened again.
        """
        self._to_show = (entry, key) if entry is not None or key is not None else None
        self.tabs.setCurrentIndex(TABS.index("log" if self._to_show else tab))
        if sequence_id == self._sequence_id and self.detail is not None:
            self._show_entry()
            self._again.start()
            return
        self._begin(sequence_id)
        self.tabs.setFocus()
        self._read()

    @property
    def sequence_id(self) -> str:
        """The sequence shown; "" before the first."""
        return self._sequence_id

    @property
    def has_unsaved(self) -> bool:
        """Whether leaving the page would lose something the person wrote."""
        return self.draft.is_dirty

    @property
    def unsaved(self) -> tuple[str, ...]:
        """Names of the sequences in which the person wrote something that is not saved."""
        kept = [now.name for sequence_id, (_, now) in self._kept.items() if sequence_id != self._sequence_id]
        return (*([self.draft.now.name] if self.has_unsaved else []), *kept)

    def _begin(self, sequence_id: str) -> None:
        if self.has_unsaved:
            self._kept[self._sequence_id] = (self.draft.revision, self.draft.now)
        self.draft.close()
        self._sequence_id, self.detail = sequence_id, None
        self._launch = None
        self._saving = self._conflict = self._retry = False
        self.tell("")
        for tab in self._tabs:
            tab.open_sequence(sequence_id)
        self._show_row()
        self._show_entry()

    def _take_up(self) -> None:
        """Go on with what was left unsaved of this sequence."""
        kept = self._kept.pop(self._sequence_id, None)
        if kept is None:
            return
        revision, sequence = kept
        same = revision == self.draft.revision
        self.draft.change(sequence, "Take up unsaved changes")
        if same:
            self.tell("Your unsaved changes are still here. Undo shows what is stored.", "blue")
        else:
            self.tell(
                "Your unsaved changes are still here, but the sequence was changed elsewhere meanwhile. Undo "
                "shows how it is stored now; saving replaces that.",
                "orange",
            )

    def _show_entry(self) -> None:
        to_show, self._to_show = self._to_show, None
        if to_show is not None:
            self.log.show_entry(*to_show)

    # Reading

    def _read(self) -> None:
        if self._sequence_id and self._bridge.engine is EngineState.RUNNING:
            asked = self._sequence_id
            self._bridge.ask(
                GetSequence(asked),
                lambda detail: self._on_detail(asked, detail),
                lambda error: self._on_unread(asked, error),
                owner=self,
            )

    def _on_detail(self, asked: str, detail: SequenceDetail) -> None:
        if asked != self._sequence_id:
            return
        first = self.detail is None
        self.detail = detail
        retry, self._retry = self._retry, False
        before = self.draft.revision
        if first:
            self.draft.begin(detail.sequence)
            self._take_up()
        elif not self._saving and not self.draft.refreshed(detail.sequence):
            self._conflict = True
            self._show_bar()
        self._put(detail)
        if retry and not self._conflict and self.draft.revision != before:
            self.save()

    def _put(self, detail: SequenceDetail) -> None:
        for tab in self._tabs:
            tab.put(detail)
        self._show_row()

    def _on_unread(self, asked: str, error: ReplyDesktopError) -> None:
        if asked == self._sequence_id:
            if isinstance(error, NotFound) and self.detail is None:
                self.gone.emit()
            elif isinstance(error, NotFound):
                self.tell("This sequence was removed.", "orange")
                self._gone()
            else:
                self.tell(plain(str(error), 600), "red")

    def _on_sequences(self, event: SequencesChanged) -> None:
        row = next((row for row in event.rows if row.id == self._sequence_id), None)
        if row is not None and self.detail is not None:
            self.detail = replace(self.detail, row=row)
            self._show_row()
            self._again.start()

    def _on_accounts(self, event: RowsChanged) -> None:
        mine = self.draft.now.accounts if self.draft.is_open else ()
        if self._sequence_id and any(row.id in mine for row in event.rows) and not self._again.isActive():
            self._again.start()

    def _on_removed(self, event: SequenceRemoved) -> None:
        if event.sequence_id == self._sequence_id:
            self.tell(f"“{plain(event.name, 120)}” was removed.", "orange")
            self._gone()

    def _gone(self) -> None:
        self.detail = None
        self._show_row()

    # Header

    def _on_name(self, text: str) -> None:
        run = self._typing.run(self.draft.now.name, text)
        self.draft.change(replace(self.draft.now, name=text), "Change the name", f"name {run}")

    def _show_draft(self) -> None:
        is_open = self.draft.is_open
        self.name.setEnabled(is_open)
        if is_open and self.name.text() != self.draft.now.name:
            self.name.setText(self.draft.now.name)
        self._show_bar()

    def _show_row(self) -> None:
        row = self.detail.row if self.detail else None
        running = self._bridge.engine is EngineState.RUNNING
        on = row is not None and row.status in ON
        for part in (self.toggle, self.status, self.counts, self.sent, self.next):
            part.setVisible(row is not None)
        self.launch_button.setVisible(row is not None and not on)
        self.pause_button.setVisible(on)
        self.launch_button.setEnabled(running)
        self.pause_button.setEnabled(running)
        self.doubt_button.setVisible(row is not None and row.in_doubt > 0)
        self.toggle.setEnabled(running and row is not None)
        if row is None:
            return
        now = self._clock()
        self.toggle.put(row)
        self.toggle.setEnabled(running)
        self.status.setText(STATUS_WORDS[row.status])
        tone = {Color.GREEN: "green", Color.ORANGE: "orange", Color.RED: "red", Color.GREY: "grey"}
        theme.mark(self.status, "tone", tone[row.indicator])
        self.status.setToolTip(self.toggle.toolTip())
        self.counts.setText(counts_words(row))
        self.sent.setText(f"{row.sent:,} sent")
        self.sent.setToolTip(f"{row.sent_24h:,} in the last 24 hours")
        self.doubt_button.setText(f"{row.in_doubt:,} in doubt")
        self.doubt_button.setAccessibleDescription("Shows them; you say whether the mail was sent")
        self.next.setText(next_words(row, now))
        self.next.setVisible(bool(self.next.text()))

    def _show_bar(self) -> None:
        running = self._bridge.engine is EngineState.RUNNING
        dirty = self.draft.is_open and self.draft.is_dirty
        if not dirty:
            self._conflict = False
        self.bar.setVisible(dirty)
        self.bar.save_button.setEnabled(running and not self._saving and not self._conflict)
        self.bar.discard_button.setEnabled(not self._saving)
        if self._conflict:
            self.bar.put(
                "This sequence was changed elsewhere meanwhile. Reload shows it as it is stored now; what "
                "you wrote stays at hand: Undo brings it back.",
                "orange",
                conflict=True,
            )
        elif not running:
            self.bar.put(
                "You have unsaved changes. They can be saved once the background service is back.", "orange"
            )
        else:
            self.bar.put("You have unsaved changes.", "blue")

    # Saving

    def save(self) -> None:
        """Store what was changed."""
        if not self.draft.is_open or not self.draft.is_dirty or self._saving or self._conflict:
            return
        if self._bridge.engine is not EngineState.RUNNING:
            return
        self._saving = True
        self._show_bar()
        asked, sent = self._sequence_id, self.draft.now
        self._bridge.ask(
            SaveSequence(self.draft.request()),
            lambda detail: self._on_saved(asked, sent, detail),
            lambda error: self._on_not_saved(asked, error),
            owner=self,
        )

    def _on_saved(self, asked: str, sent: Sequence, detail: SequenceDetail) -> None:
        if asked != self._sequence_id:
            self._on_saved_behind(asked, sent, detail.sequence)
            return
        self._saving = self._conflict = False
        self._sequence_id = detail.row.id
        self.detail = detail
        self.tell("")
        self.draft.stored(detail.sequence, sent)
        self._put(detail)
        self._show_bar()
        launch, self._launch = self._launch, None
        if launch is not None:
            self.launch(*launch)

    def _on_saved_behind(self, asked: str, sent: Sequence, stored: Sequence) -> None:
        """It was stored after the person had left it; what was typed in between is still unsaved."""
        _, now = self._kept.pop(asked, (0, sent))
        if now != sent:
            self._kept[asked] = (stored.revision, with_ids(now, real_ids(sent, stored)))

    def _on_not_saved(self, asked: str, error: ReplyDesktopError) -> None:
        if asked != self._sequence_id:
            return
        self._saving = False
        self._launch = None
        self.tell(plain(str(error), 600), "red")
        self._show_bar()
        if isinstance(error, InvalidInput):
            # Perhaps another front was faster, or only a launch: what is stored now tells.
            self._retry = True
            self._read()

    def _on_discard(self) -> None:
        self.tell("")
        self.draft.discard()

    def _on_reload(self) -> None:
        """Take what is stored; the person's own version stays one Undo away."""
        if self.detail is not None:
            self._conflict = False
            self.tell("")
            self.draft.rebase(self.detail.sequence)
            self._show_bar()

    # Launching

    def _on_launch_button(self) -> None:
        if self.detail is not None:
            menu = LaunchMenu(self.detail.row, self._clock, self.launch_button)
            menu.chosen.connect(self.launch)
            menu.popup(self.launch_button.mapToGlobal(self.launch_button.rect().bottomLeft()))

    def launch(self, start_at: datetime | None, now: bool) -> None:
        """Let it send: at a time, at once, or by itself in a while. What is unsaved is stored first."""
        if self.draft.is_open and self.draft.is_dirty:
            self._launch = (start_at, now)
            self.save()
            return
        self.tell("")
        request = LaunchSequence(self._sequence_id, start_at, now)
        self._bridge.ask(request, self._on_moved, self._on_refused, owner=self)

    def pause(self) -> None:
        """Stop it where it is."""
        self.tell("")
        self._bridge.ask(PauseSequence(self._sequence_id), self._on_moved, self._on_refused, owner=self)

    def _on_moved(self, row: SequenceRow) -> None:
        if self.detail is not None and row.id == self._sequence_id:
            self.detail = replace(self.detail, row=row)
            self._show_row()

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self.tell(plain(str(error), 600), "red")

    # Ways from here

    def _on_tab(self, at: int) -> None:
        self.stack.setCurrentWidget(getattr(self, TABS[at]))

    @property
    def tab(self) -> str:
        """Name of the tab in view."""
        return TABS[self.tabs.currentIndex()]

    def _on_doubt(self) -> None:
        self.tabs.setCurrentIndex(TABS.index("prospects"))
        self.prospects.show_in_doubt()

    def _on_prospect_log(self, email: str) -> None:
        self.tabs.setCurrentIndex(TABS.index("log"))
        self.log.show_prospect(email)

    def _on_address(self, address: str) -> None:
        self._bridge.ask(
            GetAccount(address),
            lambda detail: self.open_account.emit(detail.row.id),
            self._on_refused,
            owner=self,
        )

    def _on_find(self) -> None:
        if self.tab == "prospects":
            self.prospects.focus_search()
        elif self.tab == "log":
            self.log.focus_search()
        elif self.tab == "settings":
            self.settings.senders.text.setFocus()

    def _on_back(self) -> None:
        self.back.emit()

    # Coming and going

    def _on_engine(self, state: EngineState) -> None:
        running = state is EngineState.RUNNING
        if not running and self._saving:
            self._saving = False
            self._launch = None
        self._show_row()
        self._show_bar()
        if running:
            self._read()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._times.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._times.stop()

    def tell(self, text: str, tone: str = "grey") -> None:
        """Say something above the tab."""
        self.note.put(text, tone)
        self._note_box.setVisible(bool(text))
