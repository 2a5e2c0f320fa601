"""Start the sandbox in a process of its own, find the running one, stop it. Light: the fronts import it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Final

from reply_desktop.config import Endpoints
from reply_desktop.sandbox.control import ControlRefused, SandboxControl
from reply_desktop.sandbox.folder import LOCK_FILE, FolderLock, FolderTaken, make_private

START_TIMEOUT_S: Final = 30.0
"""How long a start may take, in seconds; it usually takes under one."""


TAKEN: Final = 3
"""Exit code of a sandbox whose folder is taken by another one."""


_LOG_BYTES: Final = 1024 * 1024


class SandboxFailed(Exception):
    """The sandbox did not start; the text says why, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a running sandbox says of itself: the contents of `sandbox.json`.

    Google is plain http on 127.0.0.1. Microsoft's authority and Graph are https on localhost, signed by
    `ca_file`; its pages are plain http. `smtp_port` and `imap_port` begin in the clear (STARTTLS), the
    `…_tls_port` ones are inside TLS. `google_client_file` is a client_secret.json as the console gives it.
    """

    pid: int
    data_dir: str
    control_url: str
    key_file: str
    ca_file: str
    google_issuer: str
    google_auth_uri: str
    google_token_uri: str
    google_revoke_uri: str
    google_userinfo_uri: str
    google_tokeninfo_uri: str
    google_connections_url: str
    google_client_file: str
    gmail_url: str
    microsoft_authority: str
    microsoft_client_id: str
    microsoft_redirect_uri: str
    microsoft_connections_url: str
    graph_url: str
    smtp_host: str
    smtp_port: int
    smtp_tls_port: int
    imap_host: str
    imap_port: int
    imap_tls_port: int
    autoconfig_url: str

    def endpoints(self) -> Endpoints:
        """The endpoints for `Config`, so that the product speaks to the stand-ins."""
        return Endpoints(
            google_auth_uri=self.google_auth_uri,
            google_token_uri=self.google_token_uri,
            google_revoke_uri=self.google_revoke_uri,
            google_userinfo_uri=self.google_userinfo_uri,
            gmail_url=self.gmail_url,
            microsoft_authority=self.microsoft_authority,
            graph_url=self.graph_url,
            autoconfig_url=self.autoconfig_url,
            ca_file=self.ca_file,
        )

    def control(self) -> SandboxControl:
        """A client of its control API. Raises OSError when the key cannot be read."""
        return SandboxControl(self.control_url, Path(self.key_file).read_text(encoding="ascii").strip())


def read(data_dir: Path) -> Sandbox | None:
    """What the folder says of its sandbox, running or not; None when it says nothing usable."""
    try:
        return _parse((data_dir / "sandbox.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None


def running(data_dir: Path) -> Sandbox | None:
    """The sandbox of this folder, if one answers."""
    found = read(data_dir)
    if found is None:
        return None
    try:
        found.control().ping()
    except (OSError, ValueError, ControlRefused):
        return None
    return found


def start(
    data_dir: Path,
    *,
    parent_pid: int | None = None,
    timeout_s: float = START_TIMEOUT_S,
    command: Sequence[str] | None = None,
) -> Sandbox:
    """The sandbox of this folder: the running one, or a new detached process, ready to serve.

    `parent_pid`: it ends when that process does. `command` starts it where `python -m` cannot (frozen
    apps). Raises SandboxFailed.
    """
    deadline = time.monotonic() + timeout_s
    if found := running(data_dir):
        return found
    make_private(data_dir)
    data_dir = data_dir.absolute()
    words = [*(command or _command()), "--data-dir", str(data_dir), "--ready-fd", "1"]
    if parent_pid is not None:
        words += ["--parent-pid", str(parent_pid)]
    log = data_dir / "sandbox.log"
    too_long = log.exists() and log.stat().st_size > _LOG_BYTES
    with log.open("wb" if too_long else "ab") as errors:
        started = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=data_dir,
            env=_environment(),
            **_detached(),
        )
    # Reaps it whenever it ends, so that no dead child stays behind while this process lives.
    threading.Thread(target=started.wait, name="sandbox-reaper", daemon=True).start()
    assert started.stdout is not None
    line = _first_line(started.stdout, started, max(0.1, deadline - time.monotonic()))
    with contextlib.suppress(ValueError, TypeError):
        return _parse(line)
    # Another starter may have been quicker: then ours ends because the folder is taken.
    taken = _exit_code(started) == TAKEN
    while taken and time.monotonic() < deadline:
        if found := running(data_dir):
            return found
        time.sleep(0.02)
    raise SandboxFailed(f"The sandbox did not start; {log} says why.")


def stop(data_dir: Path, *, timeout_s: float = 10.0) -> bool:
    """End the sandbox of this folder and wait until it is gone. False when none was running.

    One that is on its way up, or too busy to answer at once, is told again. Raises SandboxFailed when it
    does not go.
    """
    if not data_dir.exists() or _is_free(data_dir):
        return False
    deadline = time.monotonic() + timeout_s
    told = False
    while time.monotonic() < deadline:
        if not told and (found := read(data_dir)) is not None:
            with contextlib.suppress(OSError, ValueError, ControlRefused):
                found.control().shutdown()
                told = True
        # The system frees the lock with the process.
        if _is_free(data_dir):
            return True
        time.sleep(0.01)
    raise SandboxFailed(f"The sandbox of {data_dir} does not end.")


def _is_free(data_dir: Path) -> bool:
    """Whether no sandbox has the folder."""
    lock = FolderLock(data_dir / LOCK_FILE)
    try:
        lock.hold()
    except FolderTaken:
        return False
    lock.free()
    return True


def _parse(text: str) -> Sandbox:
    known: dict[str, Any] = json.loads(text)
    return Sandbox(**{each.name: known[each.name] for each in fields(Sandbox) if each.name in known})


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, "sandbox-process"]
    # -P: the data folder is the working folder, and nothing there is to be taken for our code.
    return [sys.executable, "-P", "-m", "reply_desktop.sandbox"]


def _environment() -> dict[str, str] | None:
    if not getattr(sys, "frozen", False):
        return None
    from reply_desktop.channel.launch import child_environment

    return child_environment(os.environ, frozen=True)


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def _exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """How the child ended, once its output has."""
    try:
        return process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        return None


def _first_line(stream: IO[bytes], process: subprocess.Popen[bytes], timeout_s: float) -> str:
    """The line the child writes when it is ready; empty when it ends or takes too long."""
    late = threading.Timer(timeout_s, process.kill)
    late.daemon = True
    late.start()
    try:
        return stream.readline().decode()
    finally:
        late.cancel()
        stream.close()
