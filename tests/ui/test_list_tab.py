"""What the tabs that list something share, seen at both of them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence_rows import SequenceDetail
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.list_tab import ListTab
from reply_desktop.ui.log_tab import LogTab
from reply_desktop.ui.prospects_tab import ProspectsTab
from tests.fakes.engine import NOW, FakeEngine, few_log, few_sequences, prospects, sequence
from tests.harness.settling import activate, settle


@pytest.fixture(params=[LogTab, ProspectsTab])
def tab(
    request: pytest.FixtureRequest, qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]
) -> LogTab | ProspectsTab:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.log = few_log()
    engine.sequences.enroll("s2", prospects(20))
    bridge = open_bridge(engine)
    made: LogTab | ProspectsTab = request.param(bridge, lambda: NOW)
    qtbot.addWidget(made)
    made.resize(1000, 500)
    made.show()
    made.put(
        SequenceDetail(
            engine.sequences.rows["s2"], sequence(2, "Spring outreach"), engine.sequences.senders, ()
        )
    )
    qtbot.waitUntil(lambda: made.stack.currentWidget() is made.table)
    settle(qtbot, bridge)
    return made


def again(tab: ListTab, accounts: int | None = None) -> None:
    """The sequence is read again, with so many of its accounts."""
    engine = tab._bridge._connect.__self__  # type: ignore[attr-defined]
    row, senders = engine.sequences.rows["s2"], engine.sequences.senders[:accounts]
    addresses = tuple(one.address for one in senders)
    tab.put(SequenceDetail(replace(row, accounts=addresses), sequence(2, row.name), senders, ()))  # type: ignore[attr-defined]


def test_the_chosen_account_stays_as_long_as_it_is_there(tab: ListTab) -> None:
    tab.account.setCurrentIndex(2)
    chosen = tab.account.currentText()
    again(tab)
    assert tab.account.currentText() == chosen
    again(tab, 0)
    assert tab.account.currentText() == "All accounts"


def test_what_the_filter_hides_one_click_brings_back(qtbot: QtBot, tab: ListTab) -> None:
    tab.text.setText("nowhere to be found")
    qtbot.waitUntil(lambda: tab.stack.currentWidget() is tab.nothing_found)
    tab.nothing_found.cleared.emit()
    qtbot.waitUntil(lambda: tab.stack.currentWidget() is tab._list)
    assert tab.text.text() == "" and tab.choice.currentIndex() == 0


def test_find_goes_to_the_search_field(qtbot: QtBot, tab: ListTab) -> None:
    activate(qtbot, tab)
    tab.text.setText("ana")
    tab.focus_search()
    assert tab.text.hasFocus() and tab.text.selectedText() == "ana"


def test_an_export_is_named_after_the_sequence_and_the_day(tab: ListTab) -> None:
    title, stem = tab._export_name()
    assert title.startswith("Export ") and stem.startswith("Spring outreach")


def test_what_went_wrong_is_plain_text_on_one_line(tab: ListTab) -> None:
    tab.refused(InvalidInput("<b>No</b>\n\u202esuch", "Try again."))
    assert tab.note.isVisible() and tab.note.text() == "<b>No</b> such Try again."
    tab.tell("")
    assert not tab.note.isVisible()
