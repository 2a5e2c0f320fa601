"""Settings → Notifications as a whole: what follows the engine, keyboard order, room at the least width."""

from collections.abc import Callable
from datetime import UTC
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.rows import RelayRow, TeamChannelRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.settings_notifications import NotificationsPage
from tests.fakes.engine import NOW, FakeEngine, few
from tests.harness.settling import activate, settle

Open = Callable[[FakeEngine], Bridge]
LEAST = 760 - 56
"""Width of a page in the smallest window, beside the folded navigation."""
LONG = "a" * 40


@pytest.fixture
def open_page(qtbot: QtBot, open_bridge: Open) -> Callable[..., NotificationsPage]:
    def opened(engine: FakeEngine, width: int = 900) -> NotificationsPage:
        bridge = open_bridge(engine)
        page = NotificationsPage(bridge, Preferences(bridge), clock=lambda: NOW, zone=UTC)
        qtbot.addWidget(page)
        page.resize(width, 640)
        page.show()
        settle(qtbot, bridge)
        return page

    return opened


Page = Callable[..., NotificationsPage]


def full() -> FakeEngine:
    """Everything there can be, with words of great length."""
    engine = FakeEngine(few())
    engine.settings = {EMAIL_TO: f'"{LONG}@{LONG}.example"'}
    relay = RelayRow(
        MailServer(f"smtp.{LONG}.example", 587, Security.STARTTLS), LONG, f"x@{LONG}.example", True
    )
    engine.change_mail(
        to=f"{LONG}@{LONG}.example",
        through=f"{LONG}@{LONG}.example",
        relay=relay,
        waiting=3,
        trouble="No. " * 60,
    )
    trouble = "The service answered 410: " + "gone " * 40
    engine.team = (
        TeamChannelRow("t1", "Sales", "Slack", "hooks.slack.com", True),
        TeamChannelRow("t2", "On call " * 10, "Teams", f"{LONG}.{LONG}.example", False, trouble, NOW),
    )
    return engine


def controls(page: QWidget) -> list[QWidget]:
    kinds = (QAbstractButton, QLineEdit, QAbstractSpinBox, QComboBox)
    found = (one for kind in kinds for one in page.findChildren(kind))
    inner = {spin.lineEdit() for spin in page.findChildren(QAbstractSpinBox)}
    return [one for one in found if one.isVisibleTo(page) and one not in inner]


def test_the_grid_says_how_each_channel_stands(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    states = page.choices.states
    assert {name: label.text() for name, label in states.items()} == {
        "Bell": "always",
        "Desktop": "on",
        "E-mail": "no address",
        "Team channels": "none yet",
    }
    page.mail.offer.click()
    assert states["E-mail"].text() == "on"
    engine.change_team((TeamChannelRow("t1", "Sales", "Slack", "hooks.slack.com", True),))
    qtbot.waitUntil(lambda: states["Team channels"].text() == "1 on")
    page.team.rows["t1"].box.click()
    qtbot.waitUntil(lambda: states["Team channels"].text() == "all off")


def test_a_test_alert_is_asked_for(qtbot: QtBot, open_page: Page) -> None:
    page = open_page(FakeEngine())
    with qtbot.waitSignal(page.test_asked):
        page.choices.test.click()


def test_without_the_engine_nothing_is_chosen(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    engine.stop()
    qtbot.waitUntil(lambda: not page.mail.isEnabled())
    assert not page.choices.grid.isEnabled()
    assert not page.quiet.isEnabled()
    assert not page.team.isEnabled()
    assert page.choices.test.isEnabled()


@pytest.mark.parametrize("part", ["email", "team"])
def test_a_channels_part_is_brought_into_view(qtbot: QtBot, open_page: Page, part: str) -> None:
    page = open_page(FakeEngine(few()))
    activate(qtbot, page)
    wanted = {"email": page.mail.to, "team": page.team.add}[part]
    page.show_part(part)
    qtbot.waitUntil(wanted.hasFocus)

    def in_view() -> bool:
        at = wanted.mapTo(page.area.viewport(), QPoint(0, wanted.height()))
        return 0 < at.y() <= page.area.viewport().height()

    qtbot.waitUntil(in_view)


def test_the_keyboard_goes_from_top_to_bottom(qtbot: QtBot, open_page: Page) -> None:
    page = open_page(full())
    page.mail.more.toggle.setChecked(True)
    page.team.add.click()
    wanted = {
        one for one in controls(page) if one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    met: list[QWidget] = []
    at = page.nextInFocusChain()
    while at is not None and at is not page:
        if at in wanted:
            met.append(at)
        at = at.nextInFocusChain()
    assert set(met) == wanted

    def place(one: QWidget) -> tuple[int, int]:
        middle = one.mapTo(page, one.rect().center())
        return middle.y(), middle.x()

    # What was shown just now has its place once the page was laid out anew.
    qtbot.waitUntil(lambda: place(page.mail.relay.user)[0] > place(page.mail.relay.server)[0] + 24)
    for before, after in pairwise(met):
        (top, left), (below, right) = place(before), place(after)
        assert below > top - 8, (before.accessibleName(), after.accessibleName())
        assert below > top + 8 or right > left, (before.accessibleName(), after.accessibleName())


def test_nothing_is_cut_in_the_smallest_window(qtbot: QtBot, open_page: Page) -> None:
    page = open_page(full(), LEAST)
    page.mail.more.toggle.setChecked(True)
    page.team.add.click()
    page.team.rows["t1"].remove.click()
    page.mail.relay.remove.click()
    area = page.findChild(QScrollArea)
    assert area is not None
    inside = area.widget()
    assert inside is not None
    qtbot.waitUntil(lambda: inside.width() <= area.viewport().width())
    for one in [*controls(page), *page.findChildren(QLabel)]:
        if one.isVisible():
            right = one.mapTo(area.viewport(), QPoint(one.width(), 0)).x()
            assert right <= area.viewport().width(), one.accessibleName() or one
    for button in page.findChildren(QAbstractButton):
        if button.isVisible():
            assert button.width() >= button.minimumSizeHint().width(), button.text()
