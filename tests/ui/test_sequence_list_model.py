"""The sequences table's model: order and filter here, changes that touch only their rows, a thousand rows."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from reply_desktop.domain import events
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.sequence_list_model import SORTS, SequenceFilter, SequencesModel
from reply_desktop.ui.sequences_columns import SEQUENCE_COLUMNS, SequenceCol
from tests.fakes.engine import NOW, FakeEngine, few_sequences, sequence_row

Show = Callable[..., SequencesModel]
CHECK, TIP = Qt.ItemDataRole.CheckStateRole, Qt.ItemDataRole.ToolTipRole


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine) -> SequencesModel:
        bridge = open_bridge(engine)
        roster = Roster(bridge, bridge)
        model = SequencesModel(bridge, roster, lambda: engine.now, bridge)
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
        qtbot.waitUntil(lambda: model.is_loaded)
        model.show_window(0, 20)
        return model

    return shown


def names(model: SequencesModel) -> list[str]:
    return [row.name for one in model.ids if (row := model.sequence(one))]


def test_it_is_by_name_at_first_and_can_be_sorted_by_every_titled_order(show: Show) -> None:
    model = show(FakeEngine(sequences=few_sequences()))
    assert names(model) == ["Autumn renewals", "Partners", "Spring outreach", "Webinar follow-up", "Win back"]
    assert {one.sort for one in SEQUENCE_COLUMNS if one.sort} == set(SORTS)
    for sort in SORTS:
        for descending in (False, True):
            model.want(SequenceFilter(sort=sort, descending=descending))
            keys = [SORTS[sort](model.sequence(one)) for one in model.ids]  # type: ignore[arg-type]
            assert keys == sorted(keys, reverse=descending)


def test_the_filter_looks_into_names_and_addresses(show: Show) -> None:
    model = show(FakeEngine(sequences=few_sequences()))
    model.want(SequenceFilter(text=" SPRING "))
    assert names(model) == ["Spring outreach"]
    model.want(SequenceFilter(text="ben@"))
    assert names(model) == ["Partners", "Spring outreach"] and model.total == 5
    model.want(SequenceFilter(text="nobody"))
    assert model.ids == () and model.total == 5


def test_a_change_paints_its_row_and_moves_nothing(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    model = show(engine)
    painted: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda top, bottom: painted.append((top.row(), bottom.row())))
    with qtbot.assertNotEmitted(model.reordered):
        engine.change_sequence("s2", sent=5)
        qtbot.waitUntil(lambda: bool(painted))
    assert painted == [(2, 2)] and model.data(model.index(2, SequenceCol.SENT)) == "5"


def test_rows_come_go_and_change_places(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    model = show(engine)
    engine.change_sequence("s1", name="Zebra")
    qtbot.waitUntil(lambda: names(model)[-1] == "Zebra")
    engine.push(events.SequenceRemoved("s2", "Spring outreach"))
    qtbot.waitUntil(lambda: "Spring outreach" not in names(model))
    engine.push(events.SequencesChanged((sequence_row(9, "Alpha"),)))
    qtbot.waitUntil(lambda: names(model)[0] == "Alpha")
    assert model.sequence("s2") is None and model.total == 5


def test_doubt_is_known(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    model = show(engine)
    assert model.has_doubt
    engine.change_sequence("s2", in_doubt=0)
    qtbot.waitUntil(lambda: not model.has_doubt)


def test_the_switch_is_a_checkbox_and_tooltips_are_plain(show: Show) -> None:
    hostile = sequence_row(6, "<b>Bold</b> & <img src=x>", tooltip="<b>x</b> " + "word " * 60)
    model = show(FakeEngine(sequences=[*few_sequences(), hostile]))
    row = model.ids.index("s6")
    assert model.data(model.index(row, SequenceCol.TOGGLE), CHECK) is Qt.CheckState.Checked
    draft = model.ids.index("s5")
    assert model.data(model.index(draft, SequenceCol.TOGGLE), CHECK) is Qt.CheckState.Unchecked
    assert model.data(model.index(row, SequenceCol.NAME), CHECK) is None
    tip = model.data(model.index(row, SequenceCol.NAME), TIP)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; &lt;img src=x&gt;<br>" in tip and tip.count("<br>") >= 3
    assert model.data(QModelIndex(), TIP) is None


def test_what_was_asked_is_marked_until_it_is_answered(show: Show) -> None:
    model = show(FakeEngine(sequences=few_sequences()))
    model.mark_busy(frozenset({"s1", "s2"}), True)
    model.mark_busy(frozenset({"s1"}), False)
    assert model.busy == {"s2"}


def test_it_is_stale_without_the_engine(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    model = show(engine)
    engine.stop()
    qtbot.waitUntil(lambda: model.stale)
    engine.up = True
    qtbot.waitUntil(lambda: not model.stale)


def test_times_are_said_anew(show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    model = show(engine)
    index = model.index(0, SequenceCol.NEXT)
    assert model.data(index) == "in 4 min"
    engine.now = NOW.replace(minute=3)
    model.refresh_times()
    assert model.data(index) == "in 1 min"


def test_a_thousand_sequences_ask_once_and_change_one_by_one(qtbot: QtBot, show: Show) -> None:
    rows: list[SequenceRow] = [sequence_row(number, f"Sequence {number:04d}") for number in range(1000)]
    engine = FakeEngine(sequences=rows)
    model = show(engine)
    assert len(model.ids) == 1000
    asked = len(engine.asked)
    model.show_window(500, 520)
    painted: list[int] = []
    model.dataChanged.connect(lambda top, bottom: painted.append(bottom.row() - top.row() + 1))
    engine.push(events.SequencesChanged(tuple(rows[:600])))
    engine.change_sequence("s510", sent=1)
    qtbot.waitUntil(lambda: bool(painted) and model.data(model.index(510, SequenceCol.SENT)) == "1")
    assert max(painted) <= 21 and len(engine.asked) == asked
