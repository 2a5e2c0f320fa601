"""Banners: one line and one action each, as long as the trouble lasts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import UnlockVault, VaultState, VaultStatus
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import EngineBroken, ReplyDesktopError, StoreTooNew, VaultLocked
from reply_desktop.domain.events import SummaryChanged, VaultChanged
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color, State
from reply_desktop.ui.banner import Banners, hit_words, own_red, red_words
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.roster import Roster
from tests.fakes.engine import NOW, FakeEngine, few, few_sequences, row, sequence_row
from tests.harness.settling import activate, settle

Made = tuple[Banners, FakeEngine, Bridge]
Make = Callable[[FakeEngine], Made]


@pytest.fixture
def make(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Make:
    def made(engine: FakeEngine) -> Made:
        bridge = open_bridge(engine)
        banners = Banners(bridge, Roster(bridge, bridge))
        qtbot.addWidget(banners)
        banners.resize(900, 100)
        banners.show()
        settle(qtbot, bridge)
        return banners, engine, bridge

    return made


def locked(engine: FakeEngine, status: VaultStatus, text: str) -> None:
    engine.vault = VaultState(status, "Secret Service", text)


def test_a_red_account_is_named_with_its_cause_and_mended(qtbot: QtBot, make: Make) -> None:
    banners, engine, _ = make(FakeEngine(few()))
    said = "ben@brightfield.example cannot send. Access was removed or has expired."
    assert banners.texts() == [said]
    banner = banners.banner("red")
    assert banner is not None and banner.action is not None and banner.accessibleName() == said
    with qtbot.waitSignal(banners.reconnect_wanted) as wanted:
        banner.action.click()
    assert wanted.args == ["a2"]
    # Nothing in it closes it.
    assert [one.text() for one in banner.findChildren(QPushButton)] == ["Reconnect"]
    engine.change("a2", state=State.CONNECTED, cause=None)
    qtbot.waitUntil(lambda: banners.texts() == [])


def test_what_running_sequences_lose_is_said_and_follows_them(qtbot: QtBot, make: Make) -> None:
    said = "ben@brightfield.example cannot send. Access was removed or has expired."
    banners, engine, _ = make(FakeEngine(few(), sequences=few_sequences()))
    qtbot.waitUntil(
        lambda: banners.texts() == [f"{said} “Partners” sends nothing. “Spring outreach” goes on without it."]
    )
    engine.change_sequence("s3", status=SequenceStatus.PAUSED, indicator=Color.GREY)
    qtbot.waitUntil(lambda: banners.texts() == [f"{said} “Spring outreach” goes on without it."])
    engine.change_sequence("s2", status=SequenceStatus.PAUSED, indicator=Color.GREY)
    qtbot.waitUntil(lambda: banners.texts() == [said])


def test_many_sequences_and_accounts_stay_one_line() -> None:
    rows = [
        sequence_row(number, f"S{number}", accounts=("a@x.example", "b@x.example"), indicator=color)
        for number, color in enumerate([Color.RED] * 3 + [Color.ORANGE] * 2)
    ]
    assert hit_words({"a@x.example", "b@x.example"}, rows) == (
        "“S0”, “S1” and 1 more send nothing. “S3” and “S4” go on without them."
    )
    assert hit_words({"c@x.example"}, rows) == ""
    (long,) = [replace(one, name="<b>" + "x" * 500) for one in rows[:1]]
    assert hit_words({"a@x.example", "b@x.example"}, [long]) == f"“<b>{'x' * 54}…” sends nothing."


def test_several_red_accounts_are_mended_in_one_run(qtbot: QtBot, make: Make) -> None:
    rows = [row(n, f"n{n}@x.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED) for n in range(1, 6)]
    banners, _, _ = make(FakeEngine(rows))
    text = "5 accounts cannot send: n1@x.example, n2@x.example, n3@x.example and 2 more."
    assert banners.texts() == [text]
    banner = banners.banner("red")
    assert banner is not None and banner.action is not None
    with qtbot.waitSignal(banners.reconnect_all_wanted):
        banner.action.click()


def test_the_keyboard_stays_in_a_line_that_says_something_else(qtbot: QtBot, make: Make) -> None:
    banners, engine, _ = make(FakeEngine(few()))
    activate(qtbot, banners)
    banner = banners.banner("red")
    assert banner is not None and banner.action is not None
    banner.action.setFocus()
    qtbot.waitUntil(banner.action.hasFocus)
    engine.change("a1", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    qtbot.waitUntil(lambda: banners.texts()[0].startswith("2 accounts cannot send"))
    changed = banners.banner("red")
    assert changed is not None and changed.action is not None and changed.action.text() == "Reconnect all"
    qtbot.waitUntil(changed.action.hasFocus)


def test_what_a_sign_in_cannot_mend_is_shown_instead(qtbot: QtBot, make: Make) -> None:
    blocked = row(1, "n1@x.example", state=State.BLOCKED, cause=Cause.ADMIN_POLICY)
    banners, _, _ = make(FakeEngine([blocked]))
    banner = banners.banner("red")
    assert banner is not None and banner.action is not None and banner.action.text() == "Show"
    with qtbot.waitSignal(banners.account_wanted) as wanted:
        banner.action.click()
    assert wanted.args == ["a1"]


def test_a_dead_app_registration_is_one_line_and_not_one_per_account(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine(
        [row(n, f"n{n}@x.example", state=State.BLOCKED, cause=Cause.APP_DELETED) for n in range(1, 4)]
    )
    fault = AppFault("google:app_deleted", Provider.GOOGLE, Cause.APP_DELETED, "deleted_client", NOW, 3)
    engine.faults = (fault,)
    banners, engine, _ = make(engine)
    assert banners.texts() == ["Google: App registration was deleted. 3 accounts affected."]
    banner = banners.banner("fault:google:app_deleted")
    assert banner is not None and banner.action is not None
    with qtbot.waitSignal(banners.providers_wanted):
        banner.action.click()
    engine.faults = ()
    engine.push(SummaryChanged(replace(engine.summary(), needs_person=0, red=())))
    qtbot.waitUntil(lambda: banners.texts() == [])


def test_a_locked_keyring_is_told_once_and_tried_again(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine()
    locked(engine, VaultStatus.LOCKED, "Keyring is locked; nothing is lost.")
    engine.faults = (AppFault("vault", None, Cause.VAULT_LOCKED, None, NOW - timedelta(hours=1), 5),)
    banners, engine, _ = make(engine)
    assert banners.texts() == ["Keyring is locked; nothing is lost."]
    engine.errors[UnlockVault] = VaultLocked("The keyring is still locked.", "Unlock it and try again.")
    banner = banners.banner("vault")
    assert banner is not None and banner.action is not None
    banner.action.click()
    qtbot.waitUntil(lambda: banners.texts() == ["The keyring is still locked. Unlock it and try again."])
    del engine.errors[UnlockVault]
    locked(engine, VaultStatus.OPEN, "")
    banner.action.click()
    qtbot.waitUntil(lambda: banners.texts() == [])
    assert engine.of(UnlockVault) == [UnlockVault(), UnlockVault()]


def test_a_passphrase_is_asked_in_the_line_and_not_kept(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine()
    locked(engine, VaultStatus.NEEDS_PASSPHRASE, "Enter the passphrase of your sign-ins.")
    banners, engine, bridge = make(engine)
    banner = banners.banner("vault")
    assert banner is not None and banner.action is not None and not banner.action.isEnabled()
    (field,) = banner.findChildren(QLineEdit)
    assert field.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClicks(field, "open sesame")
    # What goes on elsewhere does not disturb the typing.
    engine.push(VaultChanged("needs_passphrase"))
    settle(qtbot, bridge)
    assert field.text() == "open sesame"
    locked(engine, VaultStatus.OPEN, "")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == ""
    qtbot.waitUntil(lambda: banners.texts() == [])
    assert engine.of(UnlockVault) == [UnlockVault("open sesame")]


def test_a_new_passphrase_is_entered_twice(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine()
    locked(engine, VaultStatus.NO_KEYRING, "This computer has no keyring.")
    banners, engine, _ = make(engine)
    banner = banners.banner("vault")
    assert banner is not None and banner.action is not None
    one, again = banner.findChildren(QLineEdit)
    QTest.keyClicks(one, "open sesame")
    QTest.keyClicks(again, "open sesam")
    assert not banner.action.isEnabled()
    QTest.keyClicks(again, "e")
    assert banner.action.isEnabled()
    banner.action.click()
    qtbot.waitUntil(lambda: engine.of(UnlockVault) == [UnlockVault("open sesame")])


def test_a_lost_engine_is_told_calmly_and_the_rest_waits(qtbot: QtBot, make: Make) -> None:
    banners, engine, bridge = make(FakeEngine(few()))
    banners._late.setInterval(20)
    engine.stop()
    qtbot.waitUntil(lambda: len(banners.texts()) == 2)
    assert banners.texts()[0] == "The background service stopped; restarting…"
    red = banners.banner("red")
    assert red is not None and red.action is not None and not red.action.isEnabled()
    engine.up = True
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING and len(banners.texts()) == 1)
    assert red.action.isEnabled()


def test_a_short_absence_is_no_news(qtbot: QtBot, make: Make) -> None:
    banners, engine, bridge = make(FakeEngine())
    engine.stop()
    engine.up = True
    qtbot.waitUntil(lambda: engine.connects >= 2 and bridge.engine is EngineState.RUNNING)
    assert banners.texts() == []


@pytest.mark.parametrize(("kind", "again_in_s"), [(StoreTooNew, None), (EngineBroken, 60.0)])
def test_lasting_trouble_is_told_in_its_own_words(
    qtbot: QtBot, kind: type[ReplyDesktopError], again_in_s: float | None
) -> None:
    def connect(*_: object) -> FakeEngine:
        raise kind("The data was written by a newer version.", "Install the newer version.")

    bridge = Bridge(connect, after_exit=lambda at: again_in_s)
    banners = Banners(bridge)
    qtbot.addWidget(banners)
    bridge.start()
    qtbot.waitUntil(lambda: bool(banners.texts()))
    assert banners.texts() == ["The data was written by a newer version. Install the newer version."]
    bridge.close()


def test_a_passing_word_can_be_closed(qtbot: QtBot, make: Make) -> None:
    banners, _, _ = make(FakeEngine())
    banners.say("That did not work.")
    banners.say("Nor did that.")
    assert banners.texts() == ["Nor did that."]
    banner = banners.banner("said")
    assert banner is not None and banner.action is not None
    banner.action.click()
    assert banners.texts() == []


def test_numbers_leave_app_level_trouble_out() -> None:
    engine = FakeEngine(
        [
            row(1, "n1@x.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED),
            row(2, "n2@x.example", state=State.BLOCKED, cause=Cause.APP_DELETED),
        ]
    )
    named, number = own_red(engine.summary())
    assert [one.id for one in named] == ["a1"] and number == 1
    assert red_words(replace(engine.summary(), needs_person=1_000)).startswith(
        "999 accounts cannot send: n1@"
    )
