"""Several accounts mended one after the other."""

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import BeginConsent, CancelConsent
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.connect_dialog import ConnectPane, Stage
from reply_desktop.ui.guided_run import GuidedRun
from tests.fakes.engine import FakeEngine, row


class Desk:
    def __init__(self, qtbot: QtBot, bridge: Bridge, engine: FakeEngine) -> None:
        self.qtbot, self.engine = qtbot, engine
        self.pane = ConnectPane(bridge, lambda: engine.now, lambda url: True)
        qtbot.addWidget(self.pane)
        self.run = GuidedRun(bridge, self.pane)
        self.run._next.setInterval(0)
        self.over: list[tuple[int, int]] = []
        self.run.finished.connect(lambda mended, total: self.over.append((mended, total)))
        self.run.start(list(engine.rows.values()))

    def begun(self, count: int) -> list[str | None]:
        self.qtbot.waitUntil(lambda: len(self.engine.of(BeginConsent)) == count)
        self.qtbot.waitUntil(lambda: self.pane.stage is Stage.WAITING)
        return [request.account for request in self.engine.of(BeginConsent)]

    def mend(self, account_id: str) -> None:
        self.engine.end_consent("connected", "…", account_id=account_id)


@pytest.fixture
def desk(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Desk:
    rows = [row(n, f"n{n}@x.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED) for n in (1, 2, 3)]
    engine = FakeEngine(rows)
    return Desk(qtbot, open_bridge(engine), engine)


def test_the_next_begins_by_itself_after_a_success(desk: Desk) -> None:
    assert desk.begun(1) == ["a1"]
    desk.mend("a1")
    assert desk.begun(2) == ["a1", "a2"]
    desk.mend("a2")
    desk.begun(3)
    desk.mend("a3")
    desk.qtbot.waitUntil(lambda: desk.over == [(3, 3)])
    assert not desk.run.is_running


def test_a_failure_waits_for_the_person(desk: Desk) -> None:
    desk.begun(1)
    desk.engine.end_consent("denied", "…")
    desk.qtbot.waitUntil(lambda: desk.pane.stage is Stage.ENDED)
    desk.qtbot.wait(20)
    assert len(desk.engine.of(BeginConsent)) == 1
    desk.pane.skipped.emit()
    assert desk.begun(2) == ["a1", "a2"]


def test_skipping_gives_the_sign_in_up(desk: Desk) -> None:
    desk.begun(1)
    desk.pane.skipped.emit()
    desk.begun(2)
    assert desk.engine.of(CancelConsent) == [CancelConsent("c1")]


def test_accounts_mended_or_removed_meanwhile_are_passed_over(desk: Desk) -> None:
    desk.begun(1)
    desk.engine.change("a2", state=State.CONNECTED, cause=None)
    desk.engine.push_removed("a3")
    desk.qtbot.wait(20)
    desk.mend("a1")
    desk.qtbot.waitUntil(lambda: desk.over == [(1, 3)])
    assert len(desk.engine.of(BeginConsent)) == 1


def test_stop_ends_it(desk: Desk) -> None:
    desk.begun(1)
    desk.pane.stopped.emit()
    assert desk.over == [(0, 3)]
    desk.qtbot.waitUntil(lambda: desk.engine.of(CancelConsent) == [CancelConsent("c1")])
    desk.run.stop()
    assert desk.over == [(0, 3)]
