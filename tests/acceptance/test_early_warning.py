"""An end that can be foreseen is told before it breaks anything, and a new sign-in in time ends the matter."""

from datetime import datetime, timedelta

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import Color, State
from reply_desktop.sandbox.control import Control
from tests.acceptance.town import Town
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ANA, DANA = "ana@harbor.example", "dana@fjord.example"
DAY = timedelta(days=1)
K = NotificationKind


def checked(town: Town, address: str, color: Color) -> AccountRow:
    """The account, once a check shows it in this colour."""
    asked_at = town.clock.now()
    town.ask(m.CheckAccounts((address,)))

    def shown() -> AccountRow | None:
        row: AccountRow = town.ask(m.GetAccount(address)).row
        is_new = row.checked_at is not None and row.checked_at >= asked_at
        return row if is_new and row.color is color else None

    return wait_until(shown, f"{color.value} {address}")


def told(town: Town) -> list[tuple[NotificationKind, bool]]:
    """What the bell holds, oldest first: (kind, whether it is over)."""
    return [(row.kind, row.withdrawn) for row in reversed(town.ask(m.ListNotifications(50)).rows)]


def days_from_now(town: Town, at: datetime | None) -> float:
    assert at is not None
    return (at - town.clock.now()) / DAY


def test_an_announced_end_turns_orange_with_its_date_and_green_by_a_new_sign_in(town: Town) -> None:
    town.control.apply(Control.TESTING_MODE, Provider.GOOGLE, seconds=7 * DAY.total_seconds())
    town.sign_in(ANA)
    town.pass_time(5.0 * DAY.total_seconds())
    assert checked(town, ANA, Color.GREEN).state is State.CONNECTED
    town.pass_time(0.5 * DAY.total_seconds())
    warned = checked(town, ANA, Color.ORANGE)
    assert (warned.cause, warned.state) == (Cause.TESTING_MODE_ENDS, State.AT_RISK)
    assert days_from_now(town, warned.deadline_at) == pytest.approx(1.5, abs=0.1)
    assert told(town) == [(K.DEADLINE_NEAR, False)]
    town.control.clear(Control.TESTING_MODE, Provider.GOOGLE)
    town.sign_in(ANA)
    mended = checked(town, ANA, Color.GREEN)
    assert (mended.cause, mended.deadline_at) == (None, None)
    assert told(town) == [(K.DEADLINE_NEAR, True)]


def test_a_sign_in_frequency_is_learnt_from_its_first_strike(town: Town) -> None:
    town.sign_in(DANA, provider=Provider.MICROSOFT)
    town.pass_time(30 * DAY.total_seconds())
    checked(town, DANA, Color.GREEN)
    town.pass_time(60)
    town.control.apply(Control.SIGN_IN_FREQUENCY, DANA)
    lost = checked(town, DANA, Color.RED)
    assert (lost.cause, lost.deadline_at) == (Cause.SIGN_IN_FREQUENCY, None)
    town.sign_in(DANA, provider=Provider.MICROSOFT)
    mended = checked(town, DANA, Color.GREEN)
    assert days_from_now(town, mended.deadline_at) == pytest.approx(30, abs=0.1)
    town.pass_time(28.5 * DAY.total_seconds())
    warned = checked(town, DANA, Color.ORANGE)
    assert (warned.cause, warned.state) == (Cause.SIGN_IN_ENDS, State.AT_RISK)
    town.sign_in(DANA, provider=Provider.MICROSOFT)
    checked(town, DANA, Color.GREEN)
    assert told(town)[-1] == (K.DEADLINE_NEAR, True)
    assert (K.ACCOUNT_LOST, True) in told(town)
