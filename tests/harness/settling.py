"""Lets what was asked over a bridge, or of the window system, arrive."""

from functools import partial

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetSummary
from reply_desktop.ui.bridge import Bridge


def settle(qtbot: QtBot, bridge: Bridge) -> None:
    """Let everything asked so far, and what that brings about, arrive."""
    for _ in range(3):
        answered: list[object] = []
        bridge.ask(GetSummary(), answered.append)
        qtbot.waitUntil(partial(bool, answered))


def activate(qtbot: QtBot, widget: QWidget) -> None:
    """Give the widget's window the keyboard; one that an earlier test leaves behind may take it once more."""

    def is_active() -> bool:
        widget.activateWindow()
        return widget.isActiveWindow()

    qtbot.waitUntil(is_active)
