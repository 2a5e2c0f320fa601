"""kill -9 around the storing of a rotated refresh token never costs an account the token it had."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reply_desktop.channel.launch import stop_running
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control
from tests.acceptance.conftest import Shell

pytestmark = pytest.mark.slow


def dies(shell: Shell, address: str, moment: str, deed: str) -> None:
    stop_running(shell.config)
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("killed_engine.py")),
            str(shell.folder),
            address,
            moment,
            deed,
        ],
        env={**shell.env, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("moment", ["before", "uncommitted", "committed"])
def test_killed_while_a_rotated_token_is_stored(shell: Shell, moment: str) -> None:
    assert shell("check").code == 0
    address = next(
        one.address for one in shell.control.state().mailboxes if one.provider is Provider.MICROSOFT
    )
    for _ in range(2):
        dies(shell, address, moment, "check")
    checked = shell("check", "--json")
    assert checked.code == 0, checked.out
    assert shell.account(address)["state"] == "connected"


@pytest.mark.parametrize("moment", ["uncommitted", "committed"])
def test_killed_while_a_living_account_is_signed_in_anew(shell: Shell, moment: str) -> None:
    assert shell("check").code == 0
    boxes = shell.control.state().mailboxes
    for provider in (Provider.GOOGLE, Provider.MICROSOFT):
        address = next(one.address for one in boxes if one.provider is provider)
        dies(shell, address, moment, "reconnect")
    checked = shell("check", "--json")
    assert checked.code == 0, checked.out
    assert {one["state"] for one in checked.json["accounts"]} == {"connected"}


def test_answer_lost_after_the_provider_rotated(shell: Shell) -> None:
    assert shell("check").code == 0
    address = next(
        one.address for one in shell.control.state().mailboxes if one.provider is Provider.MICROSOFT
    )
    shell.control.apply(Control.LOSE_ANSWER, address)
    assert shell("check", address).code == 1
    shell.control.clear(Control.LOSE_ANSWER, address)
    assert shell("check", address).code == 0
