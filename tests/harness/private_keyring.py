"""A GNOME keyring on a bus of its own, without a screen: to be locked, killed and brought back by one test."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.harness.bus import Bus
from tests.harness.waiting import wait_until

NEEDED = ("dbus-daemon", "gnome-keyring-daemon")
SECRETS = "org.freedesktop.secrets"
PASSWORD = b"the login password"
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""


def is_installed() -> bool:
    """Whether this computer has what is needed."""
    return all(map(shutil.which, NEEDED))


class PrivateKeyring:
    """Bus and keyring of one test; nothing of the desktop's own is touched. Close it when done.

    Nothing is started by the bus itself, so that a killed keyring stays dead.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        (self.home / ".local" / "share" / "keyrings").mkdir(parents=True)
        # A socket's path has some hundred characters, which pytest's own folders may use up alone.
        runtime = Path(tempfile.mkdtemp(prefix="keyring-"))
        self._runtime = runtime
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
        self.env = {
            name: value
            for name, value in os.environ.items()
            if name not in hidden and not name.startswith("XDG_")
        } | {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(runtime)}
        config = folder / "bus.conf"
        config.write_text(BUS.format(folder=runtime))
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"],
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._bus.stdout is not None
        self.address = self._bus.stdout.readline().strip()
        self.env["DBUS_SESSION_BUS_ADDRESS"] = self.address
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self, *, unlock: bool = True) -> None:
        """The keyring's daemon comes up, with the login keyring open or locked."""
        arguments = ["--unlock"] if unlock else []
        self._daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--components=secrets", *arguments],
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert self._daemon.stdin is not None
        with self._daemon.stdin as stdin:
            stdin.write(PASSWORD if unlock else b"")
        wait_until(self._is_up, "keyring on the bus")

    def kill(self) -> None:
        """The daemon dies at once."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait(10)
            self._daemon = None
            wait_until(lambda: not self._is_up(), "end of the keyring")

    def close(self) -> None:
        """Ends both."""
        self.kill()
        self._bus.terminate()
        self._bus.wait(10)
        assert self._bus.stdout is not None
        self._bus.stdout.close()
        shutil.rmtree(self._runtime, ignore_errors=True)

    def _is_up(self) -> bool:
        bus = Bus(self.address)
        try:
            return bus.owned(SECRETS)
        finally:
            bus.close()
