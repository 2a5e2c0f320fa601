"""The window's door."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from reply_desktop import app
from reply_desktop.config import Config
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui.single_instance import Errand, Message, SingleInstance


def test_the_application_is_made_once(qapp: QApplication) -> None:
    assert app.application() is qapp


def test_a_second_launch_hands_its_errand_over_and_ends(qapp: QApplication, tmp_path: Path) -> None:
    first = SingleInstance(tmp_path)
    assert first.claim()
    heard: list[Message] = []
    first.asked.connect(heard.append)
    second = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib; from reply_desktop import app; from reply_desktop.config import Config;"
            "sys.exit(app.run(Config(pathlib.Path(sys.argv[1])), link='reply-desktop://account/a4'))",
            str(tmp_path),
        ],
        cwd=Path(app.__file__).parents[1],
    )
    while second.poll() is None:
        qapp.processEvents()
    first.release()
    assert second.returncode == 0
    assert [(one.errand, one.account) for one in heard] == [(Errand.ACCOUNT, "a4")]


def test_a_link_that_macos_hands_over_is_heard() -> None:
    code = (
        "from PySide6.QtCore import QCoreApplication, QUrl; from PySide6.QtGui import QFileOpenEvent;"
        "from reply_desktop import app; made = app.application(); made.link_asked.connect(print);"
        "send = lambda place: QCoreApplication.sendEvent(made, QFileOpenEvent(place));"
        "send(QUrl('reply-desktop://account/a4')); send('/etc/hosts')"
    )
    heard = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(app.__file__).parents[1],
        timeout=60,
    )
    assert (heard.stdout, heard.stderr) == ("reply-desktop://account/a4\n", "")


def test_a_folder_that_cannot_be_written_is_told(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        app.run(Config(file / "data"))
