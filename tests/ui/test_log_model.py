"""The Log tab's model: pages as they come into view, new entries at the top, nothing moved by them."""

from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.events import LogAdded
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence_rows import LogFilter
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.log_model import KEPT, KIND, PAGE, TEXT, TIME, LogModel, entry_matches
from tests.fakes.engine import NOW, FakeEngine, few_log, few_sequences, log_entry
from tests.harness.settling import settle

Made = tuple[LogModel, FakeEngine, Bridge]
Make = Callable[..., Made]


def entries(number: int) -> list[LogEntry]:
    return [
        log_entry(at, LogKind.SENT, f"Entry {at}", minutes_ago=number - at, account="ana@x.example")
        for at in range(1, number + 1)
    ]


@pytest.fixture
def make(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Make:
    def made(number: int = 300) -> Made:
        engine = FakeEngine(sequences=few_sequences())
        engine.sequences.log = entries(number)
        bridge = open_bridge(engine)
        model = LogModel(bridge, lambda: NOW, bridge)
        model.want(LogFilter("s2"))
        qtbot.waitUntil(lambda: model.is_loaded)
        settle(qtbot, bridge)
        return model, engine, bridge

    return made


def told(model: LogModel, row: int) -> str:
    return str(model.index(row, TEXT).data())


def says(model: LogModel, row: int, text: str) -> bool:
    return told(model, row) == text


def is_there(model: LogModel, row: int) -> bool:
    return model.entry(row) is not None


def test_newest_first_and_only_what_is_near_the_view(make: Make) -> None:
    model, engine, _ = make(3_000)
    assert model.rowCount() == 3_000 and told(model, 0) == "Entry 3000"
    assert told(model, 2_000) == ""
    assert len(engine.of(m.ListLog)) <= 3


def test_a_page_comes_when_it_is_looked_at(qtbot: QtBot, make: Make) -> None:
    model, engine, bridge = make(3_000)
    before = len(engine.of(m.ListLog))
    model.show_window(2_000, 2_012)
    qtbot.waitUntil(lambda: told(model, 2_005) == "Entry 995")
    settle(qtbot, bridge)
    assert len(engine.of(m.ListLog)) - before <= 3
    model.show_window(2_001, 2_013)
    settle(qtbot, bridge)
    assert len(engine.of(m.ListLog)) - before <= 3


def test_every_entry_stands_where_it_should(qtbot: QtBot, make: Make) -> None:
    model, _, _ = make(1_234)
    for row in range(0, 1_234, 97):
        model.show_window(row, row + 10)
        qtbot.waitUntil(partial(says, model, row, f"Entry {1_234 - row}"))


def test_new_entries_come_in_at_the_top(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(300)
    grown: list[int] = []
    model.grown.connect(grown.append)
    news = [log_entry(301, LogKind.REPLIED, "A reply"), log_entry(302, LogKind.SENT, "Entry 302")]
    other = log_entry(303, LogKind.SENT, "Elsewhere", sequence_id="s1")
    engine.sequences.log += [*news, other]
    engine.push(LogAdded((*news, other)))
    qtbot.waitUntil(lambda: grown == [2])
    assert model.rowCount() == 302
    assert [told(model, row) for row in range(3)] == ["Entry 302", "A reply", "Entry 300"]
    # Told once more, as after a reconnect, they are there already.
    engine.push(LogAdded(tuple(news)))
    qtbot.wait(150)
    assert model.rowCount() == 302


def test_a_page_asked_for_while_entries_come_in_lands_where_it_belongs(qtbot: QtBot, make: Make) -> None:
    model, engine, bridge = make(600)
    engine.mute = {m.ListLog}
    model.show_window(300, 310)
    qtbot.waitUntil(lambda: bool(engine.held))
    news = [log_entry(at, LogKind.SENT, f"Entry {at}") for at in range(601, 606)]
    engine.sequences.log += news
    engine.mute = set()
    engine.answer_held()
    engine.push(LogAdded(tuple(news)))
    qtbot.waitUntil(lambda: model.rowCount() == 605)
    settle(qtbot, bridge)
    assert [told(model, row) for row in (304, 305, 306)] == ["Entry 301", "Entry 300", "Entry 299"]


def test_fewer_entries_than_known_are_asked_for_anew(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(600)
    engine.sequences.log = entries(200)
    model.show_window(500, 510)
    qtbot.waitUntil(lambda: model.rowCount() == 200)
    assert told(model, 0) == "Entry 200"


def test_a_filter_is_asked_for_and_judges_news(qtbot: QtBot, make: Make) -> None:
    model, engine, bridge = make(50)
    model.want(LogFilter("s2", kinds=(LogKind.REPLIED,)))
    qtbot.waitUntil(lambda: model.rowCount() == 0)
    engine.push(LogAdded((log_entry(51, LogKind.SENT, "x"), log_entry(52, LogKind.REPLIED, "y"))))
    qtbot.waitUntil(lambda: model.rowCount() == 1)
    settle(qtbot, bridge)
    assert told(model, 0) == "y"


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (LogFilter("s2"), True),
        (LogFilter("s1"), False),
        (LogFilter("s2", kinds=(LogKind.ACCOUNT_OUT,)), True),
        (LogFilter("s2", kinds=(LogKind.SENT,)), False),
        (LogFilter("s2", text="RECONNECT"), True),
        (LogFilter("s2", text="ben@"), True),
        (LogFilter("s2", text="nowhere"), False),
        (LogFilter("s2", account="ben@brightfield.example"), True),
        (LogFilter("s2", account="ana@brightfield.example"), False),
    ],
)
def test_what_matches(wanted: LogFilter, matches: bool) -> None:
    assert entry_matches(wanted, few_log()[4]) is matches


def test_cells_say_everything_to_a_screen_reader(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(1)
    engine.sequences.log = few_log()
    model.reload()
    qtbot.waitUntil(lambda: model.rowCount() == 7)
    role = Qt.ItemDataRole.AccessibleTextRole
    for row in range(7):
        assert all(model.index(row, col).data(role) for col in range(model.columnCount()))
    assert model.index(2, KIND).data(role) == "Account cannot send, critical"
    assert "UTC" in model.index(2, TIME).data(Qt.ItemDataRole.ToolTipRole)
    entry = model.entry(2)
    assert entry is not None and model.row_of(entry.id) == 2 and model.row_of(999) is None


def test_what_is_kept_stays_bounded(qtbot: QtBot, make: Make) -> None:
    model, _, _ = make(KEPT + 2_000)
    for row in range(0, KEPT + 2_000, PAGE):
        model.show_window(row, row + 10)
        qtbot.waitUntil(partial(is_there, model, min(row + 5, model.total - 1)))
    assert len(model._known) <= KEPT + PAGE


def test_a_lost_engine_is_asked_anew_when_it_is_back(qtbot: QtBot, make: Make) -> None:
    model, engine, bridge = make(10)
    engine.stop()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.LOST)
    assert model.rowCount() == 10
    engine.sequences.log = entries(12)
    engine.up = True
    qtbot.waitUntil(lambda: model.rowCount() == 12)
