"""The sandbox's page waits for the stand-ins."""

import json
from dataclasses import asdict, fields
from pathlib import Path

from pytestqt.qtbot import QtBot

from reply_desktop.sandbox.process import Sandbox
from reply_desktop.ui.sandbox_page import SandboxPage


def announce(folder: Path, port: int) -> None:
    """What a started sandbox leaves in its folder; nobody listens there."""
    key = folder / "key"
    key.write_text("k")
    values = {one.name: (port if one.type in (int, "int") else "x") for one in fields(Sandbox)}
    made = Sandbox(**values | {"key_file": str(key), "control_url": f"http://127.0.0.1:{port}"})  # type: ignore[arg-type]
    (folder / "sandbox.json").write_text(json.dumps(asdict(made)))


def test_it_waits_and_then_shows_the_levers(qtbot: QtBot, tmp_path: Path) -> None:
    page = SandboxPage(tmp_path)
    page._look.setInterval(10)
    qtbot.addWidget(page)
    page.show()
    assert page.panel is None
    announce(tmp_path, 9)
    qtbot.waitUntil(lambda: page.panel is not None)
    first = page.panel
    announce(tmp_path, 19)
    qtbot.waitUntil(lambda: page.panel is not first)
    assert page.currentWidget() is page.panel and page.count() == 2
    page.close_down()


def test_it_rests_while_nobody_looks(qtbot: QtBot, tmp_path: Path) -> None:
    page = SandboxPage(tmp_path)
    qtbot.addWidget(page)
    page.show()
    assert page._look.isActive()
    page.hide()
    assert not page._look.isActive()
