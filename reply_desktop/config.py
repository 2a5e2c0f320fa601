"""Plain values the doors decide: where data lives, which endpoints are spoken to, how often things run."""

import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

APP_NAME = "Reply Desktop"
APP_ID = "reply-desktop"
PROTOCOL_VERSION = 1
"""Version of the channel's messages; fronts and engine must agree."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Hosts of the providers. The defaults are the real ones; the sandbox gives its own.

    `google_*`: those that `client_secret.json` does not name. `microsoft_authority` and `graph_url` are
    the defaults for accounts; Settings → Providers may set others (national clouds). `autoconfig_url`: base
    of Mozilla's autoconfig database. `ca_file`: one more certificate authority to trust (the sandbox's).
    Sources: developers.google.com native-app guide; learn.microsoft.com national clouds.
    """

    google_auth_uri: str = "https://accounts.google.com/o/oauth2/v2/auth"
    google_token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    google_revoke_uri: str = "https://oauth2.googleapis.com/revoke"
    google_userinfo_uri: str = "https://openidconnect.googleapis.com/v1/userinfo"
    gmail_url: str = "https://gmail.googleapis.com"
    microsoft_authority: str = "https://login.microsoftonline.com/common"
    graph_url: str = "https://graph.microsoft.com"
    autoconfig_url: str = "https://autoconfig.thunderbird.net/v1.1"
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """What one engine or front is started with. All paths lie in `data_dir`, a 0700 folder."""

    data_dir: Path
    sandbox: bool = False
    endpoints: Endpoints = Endpoints()
    workers: int = 128

    @property
    def pace(self) -> float:
        """Factor on the intervals between regular checks: a sandbox is there to be watched."""
        return 1 / 90 if self.sandbox else 1.0

    @property
    def database(self) -> Path:
        """The SQLite file, 0600."""
        return self.data_dir / "reply.db"

    @property
    def lock_file(self) -> Path:
        """Held by the engine for its whole life: one owner per data folder."""
        return self.data_dir / "engine.lock"

    @property
    def engine_file(self) -> Path:
        """What the running engine says of itself: pid, version, protocol, address."""
        return self.data_dir / "engine.json"

    @property
    def key_file(self) -> Path:
        """The channel's shared key, 0600."""
        return self.data_dir / "engine.key"

    @property
    def vault_file(self) -> Path:
        """The passphrase-sealed vault key, where no keyring is to be had."""
        return self.data_dir / "vault.key"

    @property
    def logs_dir(self) -> Path:
        """Folder of the rotating logs."""
        return self.data_dir / "logs"

    @property
    def sandbox_dir(self) -> Path:
        """Folder of the sandbox's own state."""
        return self.data_dir / "providers"

    @property
    def channel_address(self) -> str:
        """Where the engine listens: a Unix socket, or a Windows pipe named after the folder.

        Unix limits the path to about 100 bytes, so a deep data folder gets a socket in the user's private
        runtime folder, named by the data folder's hash.
        """
        digest = hashlib.sha256(str(self.data_dir.resolve()).encode()).hexdigest()[:16]
        if sys.platform == "win32":
            return rf"\\.\pipe\reply-desktop-{digest}"
        path = str(self.data_dir / "engine.sock")
        if len(os.fsencode(path)) <= 96:
            return path
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return str(Path(base) / f"reply-desktop-{os.getuid()}-{digest}" / "engine.sock")


def default_data_dir(*, sandbox: bool = False) -> Path:
    """The data folder where none is named: the platform's place for this user's app data."""
    import platformdirs

    base = Path(platformdirs.user_data_dir(APP_ID, appauthor=False, roaming=False))
    return base.with_name(base.name + "-sandbox") if sandbox else base
