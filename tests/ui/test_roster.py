"""All sequences as told last: one question, gathered changes, what is on."""

from collections.abc import Callable
from dataclasses import replace

from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain import events
from reply_desktop.domain.errors import StoreDamaged
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.roster import Roster
from tests.fakes.engine import FakeEngine, few_sequences, sequence_row

Open = Callable[[FakeEngine], Bridge]


def loaded(qtbot: QtBot, bridge: Bridge) -> Roster:
    roster = Roster(bridge, bridge)
    qtbot.waitUntil(lambda: roster.is_loaded)
    return roster


def test_it_knows_what_is_on_by_name(qtbot: QtBot, open_bridge: Open) -> None:
    roster = loaded(qtbot, open_bridge(FakeEngine(sequences=few_sequences())))
    assert [row.name for row in roster.on] == [
        "Autumn renewals",
        "Partners",
        "Spring outreach",
        "Webinar follow-up",
    ]
    assert roster.sends and len(roster.rows) == 5


def test_changes_of_one_frame_are_told_once_and_the_last_counts(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(sequences=few_sequences())
    roster = loaded(qtbot, open_bridge(engine))
    told: list[frozenset[str]] = []
    roster.changed.connect(told.append)
    for sent in range(50):
        engine.change_sequence("s1", sent=sent)
    engine.push(events.SequenceRemoved("s5", "Win back"))
    qtbot.waitUntil(lambda: bool(told) and "s5" not in roster.rows and roster.rows["s1"].sent == 49)
    assert frozenset().union(*told) == {"s1", "s5"} and len(told) < 50


def test_a_new_sequence_comes_with_its_event(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    roster = loaded(qtbot, open_bridge(engine))
    assert not roster.sends
    engine.push(events.SequencesChanged((sequence_row(7, "New one"),)))
    qtbot.waitUntil(lambda: "s7" in roster.rows)
    assert roster.sends


def test_the_pause_of_all_sending_is_read_and_followed(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.paused = True
    roster = loaded(qtbot, open_bridge(engine))
    assert roster.paused and not roster.sends and roster.on
    with qtbot.waitSignal(roster.paused_changed) as told:
        engine.push(events.SendingPaused(False))
    assert told.args == [False] and roster.sends


def test_after_a_loss_everything_is_asked_anew(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(sequences=few_sequences())
    bridge = open_bridge(engine)
    roster = loaded(qtbot, bridge)
    engine.stop()
    qtbot.waitUntil(lambda: roster.stale)
    del engine.sequences.rows["s2"]
    engine.sequences.rows["s1"] = replace(engine.sequences.rows["s1"], sent=999)
    told: list[frozenset[str]] = []
    roster.changed.connect(told.append)
    engine.up = True
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING and bool(told))
    assert told[0] == {"s1", "s2"} and not roster.stale and roster.rows["s1"].sent == 999


def test_a_question_that_fails_is_said(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.errors[m.ListSequences] = StoreDamaged("The database is damaged.")
    roster = Roster(bridge := open_bridge(engine), bridge)
    qtbot.waitUntil(lambda: roster.trouble is not None)
    assert not roster.is_loaded
    engine.errors.clear()
    roster.reload()
    qtbot.waitUntil(lambda: roster.is_loaded)
    assert roster.trouble is None
