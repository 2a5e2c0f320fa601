"""The index-vector model: what it asks, what it emits, and what it leaves alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from PySide6.QtCore import QModelIndex
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetAccounts, ListAccounts, RowsChanged
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.events import AccountRemoved, SummaryChanged
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.columns import Col
from reply_desktop.ui.list_model import CACHE, PREFETCH, IndexModel, column_of
from tests.fakes.engine import NOW, FakeEngine, few, many, row

Made = tuple[IndexModel, FakeEngine, Bridge]
Make = Callable[[FakeEngine], Made]


@pytest.fixture
def make(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Make:
    def made(engine: FakeEngine) -> Made:
        bridge = open_bridge(engine)
        model = IndexModel(bridge, lambda: NOW, bridge)
        qtbot.waitUntil(lambda: model.is_loaded)
        model.show_window(0, 20)
        qtbot.waitUntil(lambda: not model.ids or model.prepared(0) is not None)
        return model, engine, bridge

    return made


class Watch:
    """Records what a model tells its views."""

    def __init__(self, model: IndexModel) -> None:
        self.resets = 0
        self.spans: list[tuple[int, int]] = []
        self.reorders = 0
        model.modelReset.connect(self._on_reset)
        model.dataChanged.connect(self._on_data)
        model.reordered.connect(self._on_reordered)

    def _on_reset(self) -> None:
        self.resets += 1

    def _on_reordered(self) -> None:
        self.reorders += 1

    def _on_data(self, first: QModelIndex, last: QModelIndex) -> None:
        self.spans.append((first.row(), last.row()))


def addresses(model: IndexModel) -> list[str]:
    return [model.index(at, Col.ADDRESS).data() for at in range(model.rowCount())]


def test_worst_first_in_the_engines_order(make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    assert model.ids == engine.index(AccountFilter())
    assert addresses(model)[:2] == ["ben@brightfield.example", "dmitri@northwind.example"]


def test_sort_and_filter_are_asked_of_the_engine(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    model.want(AccountFilter(sort="address", descending=False))
    qtbot.waitUntil(lambda: addresses(model)[0] == "ana@brightfield.example")
    model.want(replace(model.wanted, providers=(Provider.MICROSOFT,), text="nor"))
    qtbot.waitUntil(lambda: model.rowCount() == 2)
    assert engine.of(ListAccounts)[-1].wanted == model.wanted
    count = len(engine.of(ListAccounts))
    model.want(model.wanted)
    assert len(engine.of(ListAccounts)) == count


def test_an_older_question_is_forgotten(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    engine.mute = {ListAccounts}
    model.want(AccountFilter(text="ana"))
    model.want(AccountFilter(text="ben"))
    qtbot.waitUntil(lambda: len(engine.held) == 2)
    engine.mute = set()
    held, engine.held = engine.held, []
    held[1]()
    qtbot.waitUntil(lambda: model.ids == ("a2",))
    held[0]()
    qtbot.wait(30)
    assert model.ids == ("a2",)


def test_a_change_in_view_is_one_data_change_and_no_reset(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    watch = Watch(model)
    at = model.ids.index("a5")
    engine.push(RowsChanged((replace(engine.rows["a5"], sent_today=7),)))
    qtbot.waitUntil(lambda: bool(watch.spans))
    assert watch.spans == [(at, at)] and watch.resets == watch.reorders == 0
    assert model.index(at, Col.SENT).data() == "7 / 50"


def test_changes_out_of_view_emit_nothing(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(many(10_000)))
    watch = Watch(model)
    hidden = [engine.rows[one] for one in model.ids[5_000:5_500]]
    engine.push(RowsChanged(tuple(replace(one, sent_today=1) for one in hidden)))
    qtbot.wait(60)
    assert watch.spans == [] and watch.resets == 0


def test_many_changes_are_gathered_into_one_frame(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(many(1_000)))
    watch = Watch(model)
    for one in model.ids[:20]:
        engine.push(RowsChanged((replace(engine.rows[one], sent_today=9),)))
    qtbot.waitUntil(lambda: model.index(19, Col.SENT).data() == "9 / 50")
    assert len(watch.spans) <= 2


def test_a_change_of_order_is_asked_at_most_every_quarter_second(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    before = len(engine.of(ListAccounts))
    for turn in range(12):
        state = State.EXPIRED if turn % 2 == 0 else State.CONNECTED
        engine.change("a1", state=state, cause=Cause.GRANT_REVOKED if turn % 2 == 0 else None)
        qtbot.wait(25)
    asked = len(engine.of(ListAccounts)) - before
    assert 1 <= asked <= 3
    qtbot.waitUntil(lambda: model.ids == engine.index(model.wanted), timeout=2000)


def test_a_new_order_is_no_reset(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    watch = Watch(model)
    engine.change("a1", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    qtbot.waitUntil(lambda: model.ids[0] == "a1" or model.ids[1] == "a1")
    assert watch.resets == 0 and watch.reorders == 1


def test_a_new_account_appears_whatever_the_order(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    model.want(AccountFilter(sort="address", descending=False))
    engine.push(SummaryChanged(engine.summary()))
    new = row(6, "zoe@brightfield.example")
    engine.rows[new.id] = new
    engine.push(RowsChanged((new,)))
    engine.push(SummaryChanged(engine.summary()))
    qtbot.waitUntil(lambda: "a6" in model.ids)


def test_removed_accounts_go_without_asking(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(few()))
    asked = len(engine.of(ListAccounts))
    engine.push(AccountRemoved("a3", "carla"))
    engine.push(AccountRemoved("a1", "ana"))
    qtbot.waitUntil(lambda: model.rowCount() == 3)
    assert len(engine.of(ListAccounts)) == asked


def test_only_rows_near_the_view_are_fetched(qtbot: QtBot, make: Make) -> None:
    model, engine, _ = make(FakeEngine(many(10_000)))
    fetched = {one for request in engine.of(GetAccounts) for one in request.ids}
    assert set(model.ids[:21]) <= fetched <= set(model.ids[: 31 + PREFETCH])
    model.show_window(6_000, 6_020)
    qtbot.waitUntil(lambda: model.prepared(6_010) is not None)
    assert model.prepared(3_000) is None


def is_prepared(model: IndexModel, row: int) -> bool:
    return model.prepared(row) is not None


def test_the_cache_stays_bounded(qtbot: QtBot, make: Make) -> None:
    model, _, _ = make(FakeEngine(many(8_000)))
    for first in range(0, 8_000, 60):
        model.show_window(first, first + 20)
        qtbot.waitUntil(partial(is_prepared, model, first))
    assert len(model._cache) <= CACHE + 200


def test_accounts_that_are_gone_are_not_asked_for_again(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine(many(200))
    model, engine, _ = make(engine)
    gone = model.ids[100]
    del engine.rows[gone]
    model.show_window(95, 115)
    qtbot.waitUntil(lambda: model.prepared(99) is not None)
    qtbot.wait(30)
    assert sum(gone in request.ids for request in engine.of(GetAccounts)) == 1


def test_a_lost_engine_leaves_the_rows_stale_and_then_fresh(qtbot: QtBot, make: Make) -> None:
    model, engine, bridge = make(FakeEngine(few()))
    engine.stop()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.LOST)
    assert model.stale and addresses(model)[0] == "ben@brightfield.example"
    engine.rows["a2"] = replace(engine.rows["a2"], sent_today=33)
    engine.up = True
    qtbot.waitUntil(lambda: model.index(0, Col.SENT).data() == "33 / 50")
    assert not model.stale


def test_times_are_said_anew(make: Make) -> None:
    model, _, _ = make(FakeEngine(few()))
    before = model.index(0, Col.PROVEN).data()
    model._clock = lambda: NOW + timedelta(hours=3)
    model.refresh_times()
    assert (before, model.index(0, Col.PROVEN).data()) == ("2 h ago", "5 h ago")


def test_what_is_not_there_yet_is_empty(make: Make) -> None:
    model, _, _ = make(FakeEngine(many(500)))
    assert model.index(400, Col.ADDRESS).data() == ""
    assert model.account("nobody") is None and model.prepared(-1) is None
    assert model.rowCount(model.index(0, 0)) == 0


def test_columns_by_their_sort_name() -> None:
    assert column_of("severity") is Col.STATUS
    assert column_of("sent_today") is Col.SENT
