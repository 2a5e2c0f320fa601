"""The composition: what is in force after a start is in force on the network too."""

import socket
from pathlib import Path

from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.process import Sandbox


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_sandbox_that_was_offline_starts_offline(tmp_path: Path) -> None:
    started = process.start(tmp_path)
    started.control().apply(Control.OFFLINE)
    process.stop(tmp_path)
    started = process.start(tmp_path)
    assert refused(started.smtp_port)
    started.control().clear(Control.OFFLINE)
    assert not refused(started.smtp_port)
    process.stop(tmp_path)
    assert refused(started.smtp_port)


def test_the_folder_holds_nothing_others_can_read(sandbox: Sandbox) -> None:
    open_to_others = [
        path.name
        for path in Path(sandbox.data_dir).rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077
    ]
    assert open_to_others in ([], ["sandbox.log"])
