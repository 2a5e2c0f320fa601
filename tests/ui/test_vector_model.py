"""The model behind every long table, with a table of its own: order, rows in view, age and loss."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.sequence_rows import ProspectFilter, ProspectRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.columns import Column
from reply_desktop.ui.vector_model import VectorModel
from tests.fakes.engine import NOW, FakeEngine, few_sequences, prospects

COLUMNS = (Column("email", "E-mail", 100, sort="email"), Column("mark", "", 20))


@dataclass
class Ready:
    row: ProspectRow
    texts: tuple[str, ...]

    def accessible(self, col: int) -> str:
        return f"cell {col}"

    def tip(self, col: int) -> str | None:
        return None


class People(VectorModel[ProspectFilter, Ready]):
    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge, lambda: NOW, COLUMNS, ProspectFilter("s2"), bridge)

    def index_request(self) -> m.ListProspects | None:
        return m.ListProspects(self.wanted) if self.wanted.sequence_id else None

    def rows_request(self, ids: tuple[str, ...]) -> m.GetProspects:
        return m.GetProspects(ids)

    def prepare(self, row: Any) -> Ready:
        return Ready(row, (row.email, ""))


class Backwards(People):
    def arrange(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        return ids[::-1]


Made = tuple[People, FakeEngine]


@pytest.fixture
def make(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Callable[..., Made]:
    def made(kind: type[People] = People, number: int = 200) -> Made:
        engine = FakeEngine(sequences=few_sequences())
        engine.sequences.enroll("s2", prospects(number))
        model = kind(open_bridge(engine))
        model.reload()
        qtbot.waitUntil(lambda: model.prepared(0) is not None)
        return model, engine

    return made


def test_cells_titles_and_what_is_not_there_yet(make: Callable[..., Made]) -> None:
    model, _ = make()
    assert model.columnCount() == 2 and model.rowCount() == 200
    assert model.index(0, 0).data() == "p00001@company1.example"
    assert model.index(199, 0).data() == "" and model.seen("e200") is None
    assert model.headerData(1, Qt.Orientation.Horizontal, int(Qt.ItemDataRole.AccessibleTextRole)) == "Action"
    found = model.seen("e1")
    assert found is not None and found.row.id == "e1"


def test_a_table_may_have_an_order_of_its_own(make: Callable[..., Made]) -> None:
    model, _ = make(Backwards)
    assert model.ids[0] == "e200" and model.ids[-1] == "e1"


def test_old_rows_stay_in_sight_until_they_are_fresh(qtbot: QtBot, make: Callable[..., Made]) -> None:
    model, engine = make()
    people = engine.sequences.people["s2"]
    people["e1"] = replace(people["e1"], email="new@x.example")
    engine.mute = {m.GetProspects}
    model.age({"e1", "e150"})
    qtbot.waitUntil(lambda: bool(engine.held))
    assert model.index(0, 0).data() == "p00001@company1.example"
    engine.mute = set()
    engine.answer_held()
    qtbot.waitUntil(lambda: model.index(0, 0).data() == "new@x.example")


def test_age_of_everything_asks_only_for_what_is_in_view(qtbot: QtBot, make: Callable[..., Made]) -> None:
    model, engine = make()
    model.show_window(0, 10)
    before = len(engine.of(m.GetProspects))
    model.age()
    qtbot.waitUntil(lambda: len(engine.of(m.GetProspects)) > before)
    asked = {one for request in engine.of(m.GetProspects)[before:] for one in request.ids}
    assert "e1" in asked and "e100" not in asked


def test_with_nothing_to_ask_nothing_is_asked(make: Callable[..., Made]) -> None:
    model, engine = make()
    before = len(engine.asked)
    model.want(ProspectFilter(""))
    assert len(engine.asked) == before


def test_a_lost_engine_is_told_and_forgotten(qtbot: QtBot, make: Callable[..., Made]) -> None:
    model, engine = make()
    engine.stop()
    qtbot.waitUntil(lambda: model.stale)
    engine.up = True
    qtbot.waitUntil(lambda: not model.stale)
