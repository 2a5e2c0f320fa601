"""The sandbox's door on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reply_desktop.sandbox.__main__ import main
from reply_desktop.sandbox.folder import LOCK_FILE, FolderLock
from reply_desktop.sandbox.process import TAKEN


def test_it_tells_when_it_is_ready(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    told = tmp_path / "ready.json"
    words = ["--data-dir", str(tmp_path / "s"), "--ready-fd", str(writing), "--ready-file", str(told)]
    running = subprocess.Popen([sys.executable, "-m", "reply_desktop.sandbox", *words], pass_fds=[writing])
    try:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            line = json.loads(pipe.readline())
            assert pipe.read() == "", "the pipe is let go after the one line"
        assert line["pid"] == running.pid == json.loads(told.read_text())["pid"]
        assert (tmp_path / "s" / "sandbox.json").exists()
    finally:
        running.terminate()
        assert running.wait(10) == 0


def test_a_taken_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = FolderLock(tmp_path / LOCK_FILE)
    lock.hold()
    assert main(["--data-dir", str(tmp_path)]) == TAKEN
    assert str(tmp_path) in capsys.readouterr().err
    lock.free()


def test_the_folder_must_be_named() -> None:
    with pytest.raises(SystemExit):
        main([])
