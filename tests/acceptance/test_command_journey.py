"""The main job by command line only: connect, lose, be told, reconnect; no window anywhere."""

import pytest

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control
from tests.acceptance.conftest import Shell

pytestmark = pytest.mark.slow


def first(shell: Shell, provider: Provider) -> str:
    return next(one.address for one in shell.control.state().mailboxes if one.provider is provider)


def other_of(shell: Shell, provider: Provider) -> str:
    return [one.address for one in shell.control.state().mailboxes if one.provider is provider][-1]


def test_a_new_sandbox_is_all_green(shell: Shell) -> None:
    listed = shell("accounts", "list", "--json")
    assert listed.code == 0, listed.err
    accounts = listed.json["accounts"]
    assert sorted(one["provider"] for one in accounts) == [
        "google",
        "google",
        "microsoft",
        "microsoft",
        "other",
    ]
    assert {one["color"] for one in accounts} == {"green"} and listed.json["worst"] == "connected"
    assert all(one["proven_at"] for one in accounts)
    assert shell("check").code == 0


@pytest.mark.parametrize("provider", [Provider.GOOGLE, Provider.MICROSOFT])
def test_remove_access_then_reconnect(shell: Shell, provider: Provider) -> None:
    assert shell("check").code == 0
    address = first(shell, provider)
    before = shell.account(address)
    shell.control.apply(Control.REMOVE_ACCESS, address)
    checked = shell("check", address, "--json")
    assert checked.code == 2
    (lost,) = checked.json["accounts"]
    assert (lost["state"], lost["who_fixes"]) == ("expired", "you")
    assert address in lost["explanation"] and lost["provider_error"]

    wrong = shell("accounts", "reconnect", address, chooses=other_of(shell, provider))
    assert wrong.code == 5
    assert address in wrong.err and other_of(shell, provider) in wrong.err
    assert shell.account(address)["state"] == "expired"

    denied = shell("accounts", "reconnect", address, chooses=f"deny:{address}")
    assert denied.code == 4

    mended = shell("accounts", "reconnect", address, "--json", chooses=address)
    assert mended.code == 0, mended.err
    (now,) = mended.json["accounts"]
    assert (now["state"], now["color"], now["id"]) == ("connected", "green", before["id"])
    assert shell("check").code == 0


def test_offline_is_orange_never_red_and_heals_by_itself(shell: Shell) -> None:
    assert shell("check").code == 0
    shell.control.apply(Control.OFFLINE, "*")
    checked = shell("check", "--json")
    assert checked.code == 1
    assert {one["color"] for one in checked.json["accounts"]} == {"orange"}
    shell.control.clear(Control.OFFLINE, "*")
    assert shell("check").code == 0


def test_add_another_mailbox(shell: Shell) -> None:
    assert shell("accounts", "list").code == 0
    address = other_of(shell, Provider.MICROSOFT)
    added = shell("accounts", "add", "microsoft", "--login-hint", address, "--json", chooses=address)
    assert added.code == 0, added.err
    assert added.json["accounts"][0]["address"] == address


def test_dead_client_id_is_the_app_owners_and_asks_nobody_to_sign_in(shell: Shell) -> None:
    assert shell("check").code == 0
    shell.control.apply(Control.INVALID_CLIENT, Provider.GOOGLE)
    checked = shell("check", "--json")
    google = [one for one in checked.json["accounts"] if one["provider"] == "google"]
    assert {(one["state"], one["cause"]) for one in google} == {("blocked", "app_rejected")}
    others = [one for one in checked.json["accounts"] if one["provider"] != "google"]
    assert {one["color"] for one in others} == {"green"}
    shell.control.clear(Control.INVALID_CLIENT, Provider.GOOGLE)
    assert shell("check").code == 0


def test_pause_resume_remove(shell: Shell) -> None:
    assert shell("accounts", "list").code == 0
    address = first(shell, Provider.OTHER)
    assert shell("accounts", "pause", address).code == 0
    assert shell.account(address)["state"] == "paused"
    assert shell("accounts", "resume", address).code == 0
    assert shell("check", address).code == 0
    assert shell("accounts", "remove", address).code == 0
    gone = shell("accounts", "pause", address)
    assert gone.code == 2 and address in gone.err


def test_without_a_keyring_a_passphrase_opens_the_way(shell: Shell) -> None:
    for name in ("REPLY_DESKTOP_PASSPHRASE_FILE", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY"):
        shell.env.pop(name, None)
    shell.env["XDG_RUNTIME_DIR"] = str(shell.folder.parent)
    refused = shell("accounts", "list")
    assert refused.code == 2 and "unlock" in refused.err
    assert shell("unlock", "--passphrase-stdin", stdin="short\n").code == 2
    assert shell("unlock", "--passphrase-stdin", stdin="long enough to keep\n").code == 0
    assert shell("check").code == 0
    assert shell("stop").code == 0
    locked = shell("check")
    assert locked.code == 1 and "Passphrase is needed → reply-desktop unlock --help" in locked.out
    assert shell("unlock", "--passphrase-stdin", stdin="a wrong passphrase\n").code == 2
    assert shell("unlock", "--passphrase-stdin", stdin="long enough to keep\n").code == 0
    assert shell("check").code == 0
