"""After a full journey at DEBUG, no secret stands in any log, text, export or the database's plain bytes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.vault import KeyringVault
from reply_desktop.channel.launch import stop_running
from reply_desktop.domain import grant
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control
from tests.acceptance.conftest import Shell
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def loud(shell: Shell) -> Iterator[Shell]:
    """An engine that logs at DEBUG."""
    command = [
        sys.executable,
        "-m",
        "reply_desktop",
        "--sandbox",
        "--data-dir",
        str(shell.folder),
        "--verbose",
    ]
    with (
        (shell.folder.parent / "engine.out").open("wb") as out,
        subprocess.Popen([*command, "worker"], env=shell.env, stdout=out, stderr=subprocess.STDOUT) as engine,
    ):
        wait_until(lambda: shell.config.engine_file.exists() or engine.poll() is not None, "the engine")
        assert engine.poll() is None
        yield shell
        stop_running(shell.config)


def secrets_of(shell: Shell, texts: list[str]) -> set[str]:
    """Every secret that crossed the engine: tokens and passwords as stored, codes and states as sent."""
    found = {(shell.folder.parent / "passphrase").read_text().strip()}
    seen = (shell.folder.parent / "seen").read_text().splitlines()
    for url in seen:
        query = parse_qs(urlsplit(url).query)
        found |= {value for name in ("code", "state", "nonce") for value in query.get(name, [])}
    store = SqliteStore(shell.config.database, SystemClock())
    vault = KeyringVault(shell.config.vault_file, entry=str(shell.folder.resolve()), any_sealed=lambda: None)
    vault.unlock((shell.folder.parent / "passphrase").read_text().strip())
    with store.read() as unit:
        for account_id in unit.accounts.ids():
            stored = unit.grants.get(account_id)
            assert stored is not None
            credentials = grant.from_bytes(vault.open(account_id, stored[1]))
            if isinstance(credentials, TokenSet):
                found |= {credentials.refresh_token, credentials.access_token} - {""}
            else:
                found.add(credentials.password)
    store.close()
    vault.close()
    client_file = Path(shell.control_file("google_client_file")).read_text()
    found |= set(re.findall(r'"client_secret": ?"([^"]+)"', client_file))
    assert len(found) > 12
    return found


def test_no_secret_anywhere(loud: Shell) -> None:
    shell = loud
    outputs: list[str] = []

    def run(*argv: str, chooses: str = "", code: int | None = None) -> None:
        result = shell(*argv, chooses=chooses)
        outputs.append(result.out + re.sub(r"https?://\S+", "", result.err))
        assert code is None or result.code == code, result.err

    run("accounts", "list", code=0)
    for provider in (Provider.GOOGLE, Provider.MICROSOFT):
        address, *_, other = [
            one.address for one in shell.control.state().mailboxes if one.provider is provider
        ]
        shell.control.apply(Control.REMOVE_ACCESS, address)
        run("check", address, code=2)
        run("accounts", "reconnect", address, chooses=other, code=5)
        run("accounts", "reconnect", address, chooses=f"deny:{address}", code=4)
        run("accounts", "reconnect", address, chooses=address, code=0)
    for control in (Control.SERVER_TROUBLE, Control.PORTAL, Control.OFFLINE):
        shell.control.apply(control, "*")
        run("check", code=1)
        shell.control.clear(control, "*")
    run("check", code=0)
    run("doctor", "--json")
    run("export")
    stop_running(shell.config)

    secrets = secrets_of(shell, outputs)
    files = [
        file
        for file in shell.folder.rglob("*")
        if file.is_file() and shell.config.sandbox_dir not in file.parents
    ]
    files.append(shell.folder.parent / "engine.out")
    (log,) = [file for file in files if file.suffix == ".log"]
    assert "expired (grant_revoked)" in log.read_text() and " DEBUG " in log.read_text()
    for name, blob in [
        *((str(file), file.read_bytes()) for file in files),
        ("outputs", "".join(outputs).encode()),
    ]:
        leaked = [secret for secret in secrets if secret.encode() in blob]
        assert not leaked, f"{name} holds {len(leaked)} secrets, such as {leaked[0][:6]}…"
    long_words = re.findall(r"[A-Za-z0-9._~-]{43,}", re.sub(r"https?://\S+|/\S+", "", log.read_text()))
    assert not long_words, "a verifier, perhaps"
