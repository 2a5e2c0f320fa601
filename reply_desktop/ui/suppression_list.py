"""The suppression list: addresses that no sequence writes to, looked for, added and taken off."""

import re
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QPlainTextEdit, QTableWidget, QTableWidgetItem

from reply_desktop.channel.messages import (
    AddSuppressions,
    ListSuppressions,
    RemoveSuppressions,
    SuppressionList,
)
from reply_desktop.domain.notification import plain
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import button, line
from reply_desktop.ui.filter_bar import TYPING_MS, SearchField
from reply_desktop.ui.page import Card
from reply_desktop.ui.table_style import style_small
from reply_desktop.ui.theme import Space
from reply_desktop.ui.words import Clock, count, date, exact

SHOWN: Final = 500
"""Addresses shown at most; the search finds the others."""

REASONS: Final = {
    SuppressionReason.UNSUBSCRIBED: "Asked to get no more mail",
    SuppressionReason.BOUNCED: "The address does not exist",
    SuppressionReason.COMPLAINED: "Complained",
    SuppressionReason.ADDED: "Added by you",
}


class SuppressionCard(Card):
    """The list as a card. It holds for all sequences."""

    def __init__(self, bridge: Bridge, clock: Clock) -> None:
        super().__init__(
            "Never write to",
            "No sequence writes to these addresses, whoever imports them. Who unsubscribes, and addresses "
            "that do not exist, come here by themselves.",
        )
        self._bridge, self._clock = bridge, clock
        self.text = SearchField("Search address", "Search the suppression list")
        self.total = theme.label("", muted=True)
        head = line(gap=Space.M)
        head.addWidget(self.text)
        head.addWidget(self.total)
        head.addStretch(1)
        self.body.addLayout(head)
        self.table = self._table()
        self.body.addWidget(self.table)
        self.remove_button = button("Allow mail again", self._on_remove)
        self.remove_button.setAccessibleDescription("Takes the chosen addresses off the list")
        self.body.addWidget(self.remove_button, 0, Qt.AlignmentFlag.AlignLeading)
        self.new = QPlainTextEdit()
        self.new.setAccessibleName("Addresses to put on the list")
        self.new.setPlaceholderText("Addresses to add, one a line or separated by commas")
        self.new.setTabChangesFocus(True)
        self.new.setFixedHeight(theme.scaled(64))
        self.body.addWidget(self.new)
        self.add_button = button("Add to the list", self._on_add, icon="plus")
        self.body.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeading)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self.refresh)
        self.text.textChanged.connect(lambda: self._typing.start())
        self.text.left_down.connect(self.table.setFocus)
        self.new.textChanged.connect(self._tools)
        bridge.engine_changed.connect(self._on_engine)
        self._tools()

    def _table(self) -> QTableWidget:
        made = QTableWidget(0, 4)
        made.setAccessibleName("Suppression list")
        made.setHorizontalHeaderLabels(["Address", "Why", "Since", "Note"])
        style_small(made)
        made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        made.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for at, width in ((1, 190), (2, 92), (3, 150)):
            made.setColumnWidth(at, theme.scaled(width))
        made.setFixedHeight(theme.scaled(200))
        made.itemSelectionChanged.connect(self._tools)
        return made

    # Asking

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Ask for the list."""
        self._typing.stop()
        if self._bridge.engine is EngineState.RUNNING:
            request = ListSuppressions(self.text.text().strip(), SHOWN)
            self._bridge.ask(request, self._on_list, self.refused, owner=self)

    def _on_list(self, answer: SuppressionList) -> None:
        now = self._clock()
        self.table.setRowCount(len(answer.rows))
        for row, one in enumerate(answer.rows):
            texts = (plain(one.email), REASONS[one.reason], date(one.at, now), plain(one.note))
            for at, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(exact(one.at) if at == 2 else text)
                self.table.setItem(row, at, item)
            first = self.table.item(row, 0)
            if first is not None:
                first.setData(Qt.ItemDataRole.UserRole, one.email)
        more = answer.total > len(answer.rows)
        words = count(answer.total, "address", "addresses")
        self.total.setText(f"the newest {len(answer.rows):,} of {words}" if more else words)
        self._tools()

    def _on_engine(self, state: EngineState) -> None:
        self._tools()
        if self.isVisible():
            self.refresh()

    # Changing

    def chosen(self) -> tuple[str, ...]:
        """The chosen addresses."""
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        items = (self.table.item(row, 0) for row in rows)
        return tuple(item.data(Qt.ItemDataRole.UserRole) for item in items if item is not None)

    def typed(self) -> tuple[str, ...]:
        """The addresses written into the field, each once."""
        words = (word.strip() for word in re.split(r"[\s,;]+", self.new.toPlainText()))
        return tuple(dict.fromkeys(word for word in words if word))

    def _tools(self) -> None:
        on = self._bridge.engine is EngineState.RUNNING
        self.remove_button.setEnabled(on and bool(self.table.selectedIndexes()))
        self.add_button.setEnabled(on and bool(self.typed()))

    def _on_add(self) -> None:
        emails = self.typed()
        self._bridge.ask(
            AddSuppressions(emails), lambda _: self._on_added(len(emails)), self.refused, owner=self
        )

    def _on_added(self, number: int) -> None:
        self.new.clear()
        self.tell(f"{count(number, 'address is', 'addresses are')} written to no more.", "green")
        self.refresh()

    def _on_remove(self) -> None:
        emails = self.chosen()
        words = count(len(emails), "address", "addresses")
        self._bridge.ask(
            RemoveSuppressions(emails), lambda _: self._on_removed(words), self.refused, owner=self
        )

    def _on_removed(self, words: str) -> None:
        self.tell(f"{words} can be written to again. What has ended stays ended.", "green")
        self.refresh()
