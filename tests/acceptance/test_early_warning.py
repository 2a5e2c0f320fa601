"""An end that can be foreseen is told before it breaks anything, and a new sign-in in time ends the matter."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control
from tests.acceptance.conftest import Shell
from tests.acceptance.test_command_journey import first
from tests.acceptance.watching import Watch

pytestmark = pytest.mark.slow


def reconnect(shell: Shell, address: str) -> Any:
    mended = shell("accounts", "reconnect", address, "--json", chooses=address)
    assert mended.code == 0, mended.err
    return mended.json["accounts"][0]


def check(shell: Shell, address: str) -> Any:
    return shell("check", address, "--json").json["accounts"][0]


def turns_orange(shell: Shell, address: str) -> Any:
    """The account once a check shows it orange; it is asked again and again, as time alone brings it."""
    with Watch(shell.config) as watch:
        return watch.wait(
            lambda: (row := check(shell, address))["color"] == "orange" and row, "orange account", 60
        )


def told(shell: Shell) -> list[tuple[NotificationKind, bool]]:
    """What the bell holds, oldest first: (kind, whether it is over)."""
    with closing(shell.client()) as client:
        rows = client.ask(m.ListNotifications(50)).rows
    return [(row.kind, row.withdrawn) for row in reversed(rows)]


def test_an_announced_end_turns_orange_with_its_date_and_green_by_a_new_sign_in(shell: Shell) -> None:
    assert shell("check").code == 0
    address = first(shell, Provider.GOOGLE)
    shell.control.apply(Control.TESTING_MODE, Provider.GOOGLE, seconds=60)
    assert reconnect(shell, address)["color"] == "green"
    warned = turns_orange(shell, address)
    assert (warned["cause"], warned["state"]) == ("testing_mode_ends", "at_risk")
    ends_at = datetime.fromisoformat(warned["deadline_at"])
    assert 0 < (ends_at - datetime.now(UTC)).total_seconds() <= 16
    assert told(shell) == [(NotificationKind.DEADLINE_NEAR, False)]
    shell.control.clear(Control.TESTING_MODE, Provider.GOOGLE)
    mended = reconnect(shell, address)
    assert (mended["color"], mended["cause"], mended["deadline_at"]) == ("green", None, None)
    assert told(shell) == [(NotificationKind.DEADLINE_NEAR, True)]


def test_a_sign_in_frequency_is_learnt_from_its_first_strike(shell: Shell) -> None:
    assert shell("check").code == 0
    address = first(shell, Provider.MICROSOFT)
    shell.control.apply(Control.SIGN_IN_FREQUENCY, address, every_s=40)
    assert reconnect(shell, address)["deadline_at"] is None
    with Watch(shell.config) as watch:
        watch.wait(lambda: check(shell, address)["cause"] == "sign_in_frequency", "end of the grant", 60)
    mended = reconnect(shell, address)
    assert mended["color"] == "green"
    ends_at = datetime.fromisoformat(mended["deadline_at"])
    assert 15 < (ends_at - datetime.now(UTC)).total_seconds() < 43
    warned = turns_orange(shell, address)
    assert (warned["cause"], warned["state"]) == ("sign_in_ends", "at_risk")
    assert reconnect(shell, address)["color"] == "green"
    assert told(shell)[-1] == (NotificationKind.DEADLINE_NEAR, True)
    assert (NotificationKind.ACCOUNT_LOST, True) in told(shell)
