"""A person at a shell with a sandbox of their own: real processes, a real engine, real stand-ins."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reply_desktop.channel.client import Client
from reply_desktop.channel.launch import stop_running
from reply_desktop.config import Config
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import SandboxControl
from tests.acceptance.town import Town
from tests.harness.mail_servers import Authority

_BROWSER = """#!{python}
import os, sys
from reply_desktop.sandbox.person import Person
choice = os.environ["CHOOSES"]
seen = open(os.environ["SEEN"], "a")
print(sys.argv[1], file=seen, flush=True)
end = Person().consent(sys.argv[1], choice.removeprefix("deny:"), allow=not choice.startswith("deny:"))
print(end.location, file=seen, flush=True)
"""


@dataclass
class Result:
    """What one command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs `reply-desktop …`, with the sandbox or without, in a data folder of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    sandbox: bool = True

    def __call__(self, *argv: str, chooses: str = "", stdin: str = "", timeout_s: float = 90) -> Result:
        where = [*(["--sandbox"] if self.sandbox else []), "--data-dir", str(self.folder)]
        done = subprocess.run(
            [sys.executable, "-m", "reply_desktop", *where, *argv],
            env={**self.env, "CHOOSES": chooses},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def config(self) -> Config:
        return Config(self.folder, sandbox=self.sandbox)

    @property
    def control(self) -> SandboxControl:
        found = process.running(self.config.sandbox_dir)
        assert found is not None
        return found.control()

    def control_file(self, name: str) -> str:
        found = process.running(self.config.sandbox_dir)
        assert found is not None
        return str(getattr(found, name))

    def client(self, **options: Any) -> Client:
        return Client(self.config, **options)

    def account(self, address: str) -> Any:
        found = [
            one for one in self("accounts", "list", "--json").json["accounts"] if one["address"] == address
        ]
        assert len(found) == 1
        return found[0]

    def close(self) -> None:
        stop_running(self.config)
        process.stop(self.config.sandbox_dir)


def open_shell(folder: Path) -> Shell:
    """A fresh data folder, a browser that is a script, and a passphrase file in place of a keyring."""
    browser = folder / "browser"
    browser.write_text(_BROWSER.format(python=sys.executable))
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    passphrase = folder / "passphrase"
    passphrase.write_text("a passphrase of some length")
    passphrase.chmod(0o600)
    env = {
        **os.environ,
        "BROWSER": str(browser),
        "REPLY_DESKTOP_PASSPHRASE_FILE": str(passphrase),
        "SEEN": str(folder / "seen"),
    }
    return Shell(folder / "data", env)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell of this test alone."""
    shell = open_shell(tmp_path)
    yield shell
    shell.close()


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Signs the certificate of the mail server that is a relay."""
    return Authority()


@pytest.fixture
def town(tmp_path: Path, authority: Authority) -> Iterator[Town]:
    """A sandbox and an engine by a clock of their own, where nobody is connected yet."""
    passphrase, trusted = tmp_path / "passphrase", tmp_path / "trusted.pem"
    passphrase.write_text("a passphrase of some length")
    authority.ca.cert_pem.write_to_path(str(trusted))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLY_DESKTOP_PASSPHRASE_FILE", str(passphrase))
        patch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        town = Town(tmp_path / "data")
        yield town
        town.close()
