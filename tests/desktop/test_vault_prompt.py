"""The vault before a keyring that really asks the person."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from reply_desktop.adapters.vault import KeyringVault
from reply_desktop.domain.errors import VaultLocked
from tests.harness.keyring import SessionKeyring
from tests.harness.waiting import wait_until

pytestmark = [
    pytest.mark.desktop,
    # keyring leaves its connection to the garbage collector when the collection is locked.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

SECRET = b"1//0-refresh-token"


def prompt() -> str:
    """The window of the keyring's question, once it is there."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--class", "gcr-prompter"],
        capture_output=True,
        text=True,
        timeout=10,
    )
    return found.stdout.split()[-1] if found.stdout.split() else ""


def press(*keys: str) -> None:
    subprocess.run(["xdotool", *keys], check=True, timeout=20)


def test_a_locked_keyring_with_a_screen_blocks_nobody_and_opens_when_answered(
    keyring: SessionKeyring, tmp_path: Path
) -> None:
    changes: list[str] = []
    opened = threading.Event()

    def on_change(status: str) -> None:
        changes.append(status)
        if status == "open":
            opened.set()

    def vault() -> KeyringVault:
        return KeyringVault(
            tmp_path / "vault.key",
            entry=str(tmp_path),
            any_sealed=lambda: sealed,
            on_change=on_change,
            wait_s=0.5,
        )

    sealed: bytes | None = None
    sealed = vault().seal("a", SECRET)
    assert opened.wait(10)
    opened.clear()
    keyring.lock()

    waiting = vault()
    with pytest.raises(VaultLocked, match="waits to be unlocked"):
        waiting.open("a", sealed)
    wait_until(prompt, "question of the keyring")
    press("key", "Escape")
    wait_until(lambda: "Try again" in waiting.text, "word of the dismissed question")
    assert waiting.status == "locked"
    wait_until(lambda: not prompt(), "end of the question")

    assert waiting.try_again() == "locked"
    wait_until(prompt, "second question")
    press("type", "--delay", "20", os.environ["REPLY_DESKTOP_SESSION_KEYRING"])
    press("key", "Return")
    assert opened.wait(20)
    assert waiting.open("a", sealed) == SECRET
    assert changes[-1] == "open"
    assert len(keyring.items) == 1
