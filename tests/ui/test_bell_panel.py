"""The bell's panel: order, reading, marking, paging, keyboard, words for screen readers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import Done, ListNotifications, MarkRead, NotificationList
from reply_desktop.domain import events
from reply_desktop.domain.errors import StoreDamaged
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.ui.bell import Bell
from reply_desktop.ui.bell_entries import Entry, Together
from reply_desktop.ui.bell_panel import PAGE, SHOWN, BellPanel
from reply_desktop.ui.bridge import Bridge
from tests.fakes.engine import NOW, FakeEngine, few
from tests.harness.settling import settle

Open = Callable[[FakeEngine], Bridge]


def entry(
    number: int, *, read: bool = False, account: str | None = "a2", **fields: object
) -> NotificationRow:
    row = NotificationRow(
        f"n{number}",
        f"k{number}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"account{number}@acme.example cannot send",
        "Access was removed or has expired.",
        NOW - timedelta(minutes=number),
        account,
        read=read,
        withdrawn=False,
    )
    return replace(row, **fields)  # type: ignore[arg-type]


class PagedEngine(FakeEngine):
    """Pages the bell's entries as the engine does, and marks them read."""

    def __init__(self, entries: list[NotificationRow]) -> None:
        super().__init__(few())
        self.notifications = entries
        self.answers = {ListNotifications: self._page, MarkRead: self._mark}

    def _page(self, asked: ListNotifications) -> NotificationList:
        newest = sorted(self.notifications, key=lambda row: row.at, reverse=True)
        older = [row for row in newest if asked.before is None or row.at < asked.before]
        return NotificationList(tuple(older[: asked.limit]))

    def _mark(self, asked: MarkRead) -> Done:
        self.notifications = [
            replace(row, read=True) if not asked.ids or row.id in asked.ids else row
            for row in self.notifications
        ]
        self.push(events.SummaryChanged(self.summary()))
        return Done()


@pytest.fixture
def open_bell(qtbot: QtBot, open_bridge: Open) -> Callable[[FakeEngine], Bell]:
    held: list[QWidget] = []

    def opened(engine: FakeEngine) -> Bell:
        window = QWidget()
        window.resize(900, 640)
        bell = Bell(open_bridge(engine), window, clock=lambda: NOW)
        bell.move(840, 8)
        held.append(window)
        qtbot.addWidget(window)
        window.show()
        return bell

    return opened


def panel_of(bell: Bell) -> BellPanel:
    assert bell.panel is not None
    return bell.panel


def single(bell: Bell, key: str) -> Entry:
    found = panel_of(bell)._entries[key]
    assert isinstance(found, Entry)
    return found


def titles(bell: Bell) -> list[str]:
    panel = panel_of(bell)
    items = (panel._list.itemAt(number) for number in range(panel._list.count()))
    entries = [item.widget() for item in items if item is not None]
    return [entry.details.accessibleName() for entry in entries if isinstance(entry, Entry)]


def test_the_panel_shows_all_and_its_words(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    engine = PagedEngine([entry(1), entry(2, read=True, withdrawn=True), entry(3, title="<b>bold</b>")])
    bell = open_bell(engine)
    qtbot.mouseClick(bell, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(panel_of(bell)._entries))
    assert titles(bell) == [
        "Details: account1@acme.example cannot send",
        "Details: <b>bold</b>",
        "Details: account2@acme.example cannot send",
    ]
    told = panel_of(bell)._entries["n2"].accessibleName()
    assert told.endswith("Access was removed or has expired. 2 min ago. It is over.")
    assert panel_of(bell)._entries["n1"].accessibleName().startswith("Unread. ")
    labels = panel_of(bell)._entries["n3"].findChildren(QLabel)
    assert "<b>bold</b>" in [label.text() for label in labels]
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels if label.text())


def test_empty_says_so(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    bell = open_bell(PagedEngine([]))
    bell.open_panel()
    qtbot.waitUntil(lambda: panel_of(bell)._empty.isVisible())
    assert not panel_of(bell)._mark_all.isEnabled()


def test_details_opens_the_account_and_marks_read(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(1), entry(2)])
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: bool(panel_of(bell)._entries))
    with qtbot.waitSignal(bell.account_asked) as asked:
        single(bell, "n1").details.click()
    assert asked.args == ["a2"]
    assert not panel_of(bell).isVisible()
    qtbot.waitUntil(lambda: engine.of(MarkRead) == [MarkRead(("n1",))])
    qtbot.waitUntil(lambda: bell.unread == 1)


def test_details_opens_the_log_of_a_sequence_that_tells_of_it(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    bell = open_bell(PagedEngine([entry(1, sequence_id="s2")]))
    bell.open_panel()
    qtbot.waitUntil(lambda: bool(panel_of(bell)._entries))
    with qtbot.assertNotEmitted(bell.account_asked), qtbot.waitSignal(bell.log_asked) as asked:
        single(bell, "n1").details.click()
    assert asked.args == ["s2", "k1"]


def test_details_of_an_app_fault_opens_its_settings(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    bell = open_bell(PagedEngine([entry(1, account=None, kind=NotificationKind.APP_FAULT, key="google:x")]))
    bell.open_panel()
    qtbot.waitUntil(lambda: bool(panel_of(bell)._entries))
    with qtbot.waitSignal(bell.fault_asked) as asked:
        single(bell, "n1").details.click()
    assert asked.args == ["google:x"]


def test_mark_all_read(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    engine = PagedEngine([entry(1), entry(2)])
    bell = open_bell(engine)
    bell.open_panel()
    panel = panel_of(bell)
    qtbot.waitUntil(panel._mark_all.isEnabled)
    panel._mark_all.click()
    qtbot.waitUntil(lambda: bell.unread == 0)
    qtbot.waitUntil(lambda: not panel._mark_all.isEnabled())
    assert engine.of(MarkRead) == [MarkRead()]
    assert not panel._entries["n1"].accessibleName().startswith("Unread")


def test_news_appears_in_the_open_panel_and_is_over_when_withdrawn(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(5, read=True)])
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: len(panel_of(bell)._entries) == 1)
    engine.push(events.NotificationRaised(entry(1)))
    qtbot.waitUntil(lambda: titles(bell)[0] == "Details: account1@acme.example cannot send")
    engine.push(events.NotificationWithdrawn("n1", "k1"))
    qtbot.waitUntil(lambda: "It is over" in panel_of(bell)._entries["n1"].accessibleName())


def test_history_is_shown_and_read_bit_by_bit(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    total = 2 * SHOWN + 7
    engine = PagedEngine([entry(number, read=True) for number in range(total)])
    bell = open_bell(engine)
    bell.open_panel()
    panel = panel_of(bell)
    qtbot.waitUntil(lambda: len(panel._entries) == SHOWN)
    for shown in (2 * SHOWN, total):
        assert panel._older.isVisible()
        panel._older.click()
        qtbot.waitUntil(lambda shown=shown: len(panel._entries) == shown)  # type: ignore[misc]
    assert not panel._older.isVisible()
    assert len(engine.of(ListNotifications)) == 2


def test_many_unread_ones_are_all_read_and_few_laid_out(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(number) for number in range(4 * PAGE)])
    bell = open_bell(engine)
    qtbot.waitUntil(lambda: bell.unread == 4 * PAGE)
    bell.open_panel()
    panel = panel_of(bell)
    qtbot.waitUntil(lambda: len(panel._rows) == 4 * PAGE)
    assert len(panel._entries) == SHOWN and panel._older.isVisible()


def test_old_unread_entries_are_fetched_to_the_top(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([*(entry(number, read=True) for number in range(PAGE + 3)), entry(900)])
    bell = open_bell(engine)
    qtbot.waitUntil(lambda: bell.unread == 1)
    bell.open_panel()
    qtbot.waitUntil(lambda: "n900" in panel_of(bell)._entries)
    assert titles(bell)[0] == "Details: account900@acme.example cannot send"


def test_opened_again_before_it_was_read_all_can_be_read(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(number, read=True) for number in range(PAGE + SHOWN)])
    engine.mute = {ListNotifications}
    bell = open_bell(engine)
    for _ in range(3):
        bell.open_panel()
    qtbot.waitUntil(lambda: len(engine.held) == 2)
    engine.mute = set()
    engine.answer_held()
    panel = panel_of(bell)
    qtbot.waitUntil(lambda: len(panel._entries) == SHOWN)
    settle(qtbot, bell._bridge)
    panel._older.click()
    qtbot.waitUntil(lambda: len(panel._rows) == PAGE + SHOWN)


def test_a_failed_reading_is_told_in_the_panel(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    engine = PagedEngine([])
    engine.errors[ListNotifications] = StoreDamaged("The database cannot be read.", "Restore a backup.")
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: panel_of(bell)._trouble.isVisible())
    assert panel_of(bell)._trouble.text() == "The database cannot be read. Restore a backup."


def test_the_keyboard_reaches_every_entry_and_closes(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    bell = open_bell(PagedEngine([entry(1), entry(2), entry(3)]))
    bell.open_panel()
    panel = panel_of(bell)
    qtbot.waitUntil(lambda: len(panel._entries) == 3)

    def focused() -> str:
        widget = panel.focusWidget()
        return widget.accessibleName() if isinstance(widget, QPushButton) else ""

    for key, wanted in (
        (Qt.Key.Key_Down, "Details: account1@acme.example cannot send"),
        (Qt.Key.Key_Down, "Details: account2@acme.example cannot send"),
        (Qt.Key.Key_Down, "Details: account3@acme.example cannot send"),
        (Qt.Key.Key_Down, "Details: account3@acme.example cannot send"),
        (Qt.Key.Key_Up, "Details: account2@acme.example cannot send"),
    ):
        QTest.keyClick(panel.focusWidget() or panel, key)
        assert focused() == wanted
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.isVisible()


# Raised together


def together(number: int, *, read: bool = False) -> list[NotificationRow]:
    """So many entries of one group, one of them over."""
    return [entry(one, group="n1", withdrawn=one == 1, read=read) for one in range(1, number + 1)]


def group_of(bell: Bell) -> Together:
    return next(one for one in panel_of(bell)._entries.values() if isinstance(one, Together))


def open_group(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell], engine: FakeEngine) -> Bell:
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: any(isinstance(one, Together) for one in panel_of(bell)._entries.values()))
    return bell


def test_fifty_raised_together_are_one_entry(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    bell = open_group(qtbot, open_bell, PagedEngine([*together(50), entry(60, read=True)]))
    panel = panel_of(bell)
    # The group is there with the first page already.
    qtbot.waitUntil(lambda: len(panel._entries) == 2)
    assert len(panel.findChildren(QWidget)) < 60
    assert group_of(bell).accessibleName() == (
        "50 unread. 49 accounts cannot send: account2@acme.example, account3@acme.example, "
        "account4@acme.example and 46 more. 1 min ago. 1 over."
    )
    assert group_of(bell).toggle.accessibleName() == "Show all 50: 49 accounts cannot send"


def test_the_group_is_marked_read_as_one(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    engine = PagedEngine([*together(4), entry(9)])
    bell = open_group(qtbot, open_bell, engine)
    group = group_of(bell)
    assert group.read.accessibleName() == "Mark read: 3 accounts cannot send"
    group.read.setFocus()
    group.read.click()
    qtbot.waitUntil(lambda: bell.unread == 1)
    qtbot.waitUntil(lambda: not group.read.isVisible())
    (asked,) = engine.of(MarkRead)
    assert set(asked.ids) == {"n1", "n2", "n3", "n4"}
    assert not group.accessibleName().startswith("4 unread")
    assert panel_of(bell).isVisible()
    assert panel_of(bell)._mark_all.isEnabled()


def test_details_of_one_in_a_group_mark_that_one(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(one, group="n1", account=f"a{one}") for one in (1, 2, 3)])
    bell = open_group(qtbot, open_bell, engine)
    group_of(bell).toggle.click()
    with qtbot.waitSignal(bell.account_asked) as asked:
        group_of(bell).entries["n2"].details.click()
    assert asked.args == ["a2"]
    qtbot.waitUntil(lambda: engine.of(MarkRead) == [MarkRead(("n2",))])
    qtbot.waitUntil(lambda: group_of(bell).accessibleName().startswith("2 unread. "))


def test_a_group_that_grows_past_two_takes_their_place(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(2, group="n3"), entry(3, group="n3")])
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: len(panel_of(bell)._entries) == 2)
    single(bell, "n2").details.setFocus()
    engine.push(events.NotificationRaised(entry(1, group="n3")))
    qtbot.waitUntil(lambda: list(map(type, panel_of(bell)._entries.values())) == [Together])
    assert panel_of(bell).isVisible()


def test_a_group_cut_by_a_page_is_read_whole(qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]) -> None:
    engine = PagedEngine(together(PAGE + 30, read=True))
    bell = open_group(qtbot, open_bell, engine)
    qtbot.waitUntil(lambda: group_of(bell).toggle.text() == f"Show all {PAGE + 30}")


def test_the_keyboard_unfolds_and_walks_through_a_group(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    bell = open_group(qtbot, open_bell, PagedEngine([entry(0), *together(3), entry(9)]))
    panel = panel_of(bell)

    def walked(key: Qt.Key) -> str:
        QTest.keyClick(panel.focusWidget() or panel, key)
        widget = panel.focusWidget()
        return widget.accessibleName() if isinstance(widget, QPushButton) else ""

    assert walked(Qt.Key.Key_Down) == "Details: account0@acme.example cannot send"
    assert walked(Qt.Key.Key_Down) == "Show all 3: 2 accounts cannot send"
    assert walked(Qt.Key.Key_Space) == "Fold: 2 accounts cannot send"
    assert walked(Qt.Key.Key_Tab) == "Mark read: 2 accounts cannot send"
    assert walked(Qt.Key.Key_Tab) == "Details: account2@acme.example cannot send"
    assert walked(Qt.Key.Key_Down) == "Details: account3@acme.example cannot send"
    assert walked(Qt.Key.Key_Down) == "Details: account1@acme.example cannot send"
    assert walked(Qt.Key.Key_Tab) == "Details: account9@acme.example cannot send"
    assert panel.isVisible()


# Reminders, alerts that did not get out, e-mail


def test_a_reminder_makes_it_unread_and_first_again(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell]
) -> None:
    engine = PagedEngine([entry(1, read=True), entry(2, read=True)])
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: len(panel_of(bell)._entries) == 2)
    engine.push(events.NotificationRaised(entry(2, reminded=2)))
    qtbot.waitUntil(lambda: titles(bell)[0] == "Details: account2@acme.example cannot send")
    told = panel_of(bell)._entries["n2"].accessibleName()
    assert told.startswith("Unread. ")
    assert told.endswith("2 min ago. Reminded 2 times.")
    assert len(panel_of(bell)._entries) == 2


@pytest.mark.parametrize("key", ["email:ana@acme.example", "team:t1"])
def test_details_of_an_alert_that_did_not_get_out_name_its_channel(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell], key: str
) -> None:
    unsent = NotificationKind.ALERT_UNSENT
    row = entry(1, account=None, kind=unsent, severity=Severity.WARNING, key=key)
    bell = open_bell(PagedEngine([row]))
    bell.open_panel()
    qtbot.waitUntil(lambda: bool(panel_of(bell)._entries))
    with qtbot.waitSignal(bell.fault_asked) as asked:
        single(bell, "n1").details.click()
    assert asked.args == [key]


@pytest.mark.parametrize(("address", "asks"), [('""', True), ('"ana@acme.example"', False), (None, True)])
def test_who_gets_no_e_mail_is_asked_for_an_address(
    qtbot: QtBot, open_bell: Callable[[FakeEngine], Bell], address: str | None, asks: bool
) -> None:
    engine = PagedEngine([entry(1)])
    engine.settings = {} if address is None else {EMAIL_TO: address}
    bell = open_bell(engine)
    bell.open_panel()
    qtbot.waitUntil(lambda: bool(panel_of(bell)._entries))
    settle(qtbot, panel_of(bell)._bridge)
    assert panel_of(bell).mail.isVisible() is asks
    if asks:
        with qtbot.waitSignal(bell.notifications_asked):
            panel_of(bell).mail.click()
        assert not panel_of(bell).isVisible()
