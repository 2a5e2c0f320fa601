"""The row above the table: search as you type, status chips with counts, provider, columns and order."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu, QPushButton, QToolButton, QWidget

from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.states import SEVERITY, STATE_WORDS, State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.accounts_table import AccountsTable
from reply_desktop.ui.columns import COLUMNS, Col
from reply_desktop.ui.controls import Flow, button, icon_button, name_box
from reply_desktop.ui.list_model import column_of
from reply_desktop.ui.theme import Space

TYPING_MS: Final = 100
"""The engine is asked once the search text has stood still this long."""

_CHIPS: Final = tuple(reversed(SEVERITY))


class SearchField(QLineEdit):
    """The search text; Esc clears it, arrow down goes on to the table."""

    left_down = Signal()

    def __init__(self, what: str, name: str) -> None:
        super().__init__()
        self.setPlaceholderText(what)
        self.setAccessibleName(name)
        self.setClearButtonEnabled(True)
        self.setFixedWidth(theme.scaled(200))
        self.setMaxLength(254)
        # The texts of its actions name the buttons that Qt puts into the field.
        for clear in self.findChildren(QAction):
            clear.setText("Clear the search")
        search = QAction("Search", self)
        icons.put_icon(search, "search", "muted")
        self.addAction(search, QLineEdit.ActionPosition.LeadingPosition)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Down:
            self.left_down.emit()
        else:
            super().keyPressEvent(event)


class FilterBar(QWidget):
    """Chooses what the table shows. `changed` carries the new AccountFilter."""

    changed = Signal(object)

    def __init__(self, table: AccountsTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = table
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._emit)
        row = Flow(self, Space.S)
        self.text = SearchField("Search address", "Search accounts by address")
        self.text.textChanged.connect(lambda: self._typing.start())
        self.text.left_down.connect(table.setFocus)
        row.addWidget(self.text)
        self.provider = QComboBox()
        name_box(self.provider, "Show accounts of provider")
        self.provider.addItem("All providers", None)
        for provider in Provider:
            self.provider.addItem(PROVIDER_NAMES[provider], provider.value)
        self.provider.currentIndexChanged.connect(self._emit)
        row.addWidget(self.provider)
        self.view = self._view_button()
        row.addWidget(self.view)
        self.chips: dict[State, QPushButton] = {}
        together = QWidget()
        chips = Flow(together, Space.XS)
        for state in _CHIPS:
            chip = button(STATE_WORDS[state], kind="chip")
            chip.setCheckable(True)
            # Assistive technology toggles such a button and does not click it.
            chip.toggled.connect(self._emit)
            chip.hide()
            self.chips[state] = chip
            chips.addWidget(chip)
        row.addWidget(together)

    # What is wanted

    def wanted(self) -> AccountFilter:
        """The filter as set, in the table's order."""
        provider = self.provider.currentData()
        return replace(
            self._table.model_.wanted,
            text=self.text.text().strip(),
            states=tuple(state for state, chip in self.chips.items() if chip.isChecked()),
            providers=(Provider(provider),) if provider else (),
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        wanted = self.wanted()
        return bool(wanted.text or wanted.states or wanted.providers)

    def reset(self) -> None:
        """Show everything."""
        for chip in self.chips.values():
            with QSignalBlocker(chip):
                chip.setChecked(False)
        self.text.clear()
        self.provider.setCurrentIndex(0)
        self._typing.stop()
        self._emit()

    def show_counts(self, counts: dict[State, int]) -> None:
        """Put the numbers on the chips; states nobody is in are left out."""
        for state, chip in self.chips.items():
            number = counts.get(state, 0)
            chip.setText(f"{STATE_WORDS[state]}  {number:,}")
            chip.setAccessibleName(f"Show {STATE_WORDS[state]}: {number:,}")
            icons.put_state(chip, state)
            chip.setVisible(number > 0 or chip.isChecked())

    def restyle(self) -> None:
        """Take over the scheme in use."""
        for state, chip in self.chips.items():
            icons.put_state(chip, state)

    def _emit(self) -> None:
        self._typing.stop()
        self.changed.emit(self.wanted())

    # Columns and order, also for the keyboard

    def _view_button(self) -> QToolButton:
        made = icon_button("columns", "Columns and order")
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(made)
        menu.aboutToShow.connect(lambda: self._fill_view(menu))
        made.setMenu(menu)
        return made

    def _fill_view(self, menu: QMenu) -> None:
        menu.clear()
        table, wanted = self._table, self._table.model_.wanted
        menu.addSection("Sort by")
        group = QActionGroup(menu)
        for column in COLUMNS:
            if column.sort is not None:
                sort, first = column.sort, column.descending
                action = menu.addAction(column.title)
                action.setCheckable(True)
                action.setChecked(sort == wanted.sort)
                action.triggered.connect(lambda _=False, s=sort, d=first: table.sort_by(s, d))
                group.addAction(action)
        turn = menu.addAction("Reverse order")
        turn.setCheckable(True)
        turn.setChecked(wanted.descending != COLUMNS[column_of(wanted.sort)].descending)
        turn.triggered.connect(lambda: table.sort_by(wanted.sort, not wanted.descending))
        menu.addSection("Columns")
        for col in Col:
            if COLUMNS[col].rank:
                action = menu.addAction(COLUMNS[col].title)
                action.setCheckable(True)
                action.setChecked(col in table.wanted_columns)
                action.triggered.connect(lambda on, c=col: table.want_column(c, on))
        menu.addAction("Usual columns").triggered.connect(lambda: table.usual_columns())
