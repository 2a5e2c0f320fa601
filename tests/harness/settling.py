"""Lets what was asked over a bridge arrive."""

from functools import partial

from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetSummary
from reply_desktop.ui.bridge import Bridge


def settle(qtbot: QtBot, bridge: Bridge) -> None:
    """Let everything asked so far, and what that brings about, arrive."""
    for _ in range(3):
        answered: list[object] = []
        bridge.ask(GetSummary(), answered.append)
        qtbot.waitUntil(partial(bool, answered))
