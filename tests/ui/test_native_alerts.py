"""Alerts over desktop-notifier: what it is given, and what comes back, with a notifier that is a fake."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from desktop_notifier import Capability, Notification, Urgency
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from reply_desktop.ui.alert_surface import DEFAULT, Alert
from reply_desktop.ui.native_alerts import NativeAlerts

ALERT = Alert(
    "bad-1",
    "ana cannot send",
    "Press Reconnect.",
    critical=True,
    actions=(("reconnect", "Reconnect"), ("details", "Details")),
)


class Notifier:
    """Stands for the library's notifier. It takes everything unless told otherwise."""

    def __init__(self) -> None:
        self.sent: list[Notification] = []
        self.cleared: list[str] = []
        self.threads: set[str] = set()
        self.allowed, self.takes, self.able = True, True, True
        self.trouble: Exception | None = None
        self.on_clicked: Callable[[str], Any] = lambda identifier: None
        self.on_button_pressed: Callable[[str, str], Any] = lambda identifier, action: None
        self.on_dismissed: Callable[[str], Any] = lambda identifier: None

    async def get_capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.TITLE}) if self.able else frozenset()

    async def request_authorisation(self) -> bool:
        return self.allowed

    async def send_notification(self, notification: Notification) -> str:
        self.threads.add(threading.current_thread().name)
        if self.trouble is not None:
            raise self.trouble
        if self.takes:
            self.sent.append(notification)
            assert notification.on_dispatched is not None
            notification.on_dispatched()
        return notification.identifier

    async def clear(self, identifier: str) -> None:
        self.cleared.append(identifier)
        if self.trouble is not None:
            raise self.trouble

    @property
    def visible(self) -> list[str]:
        return [each.title for each in self.sent if each.identifier not in self.cleared]


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


@pytest.fixture
def alerts(qtbot: QtBot, notifier: Notifier) -> Iterator[NativeAlerts]:
    made = NativeAlerts(make_notifier=lambda: notifier)  # type: ignore[arg-type, return-value]
    yield made
    made.stop()


def test_everything_the_desktop_needs_is_given(
    qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier
) -> None:
    picture = QImage(64, 64, QImage.Format.Format_ARGB32)
    picture.fill(QColor("#d93636"))
    alerts.show(Alert("k", "T", "B", critical=True, actions=ALERT.actions, picture=picture))
    qtbot.waitUntil(lambda: bool(notifier.sent))
    (sent,) = notifier.sent
    assert (sent.title, sent.message, sent.urgency) == ("T", "B", Urgency.Critical)
    assert [(each.identifier, each.title) for each in sent.buttons] == list(ALERT.actions)
    assert notifier.threads == {"native-alerts"}
    assert sent.icon is not None
    kept = sent.icon.as_path()
    assert QImage(str(kept)).pixelColor(9, 9) == QColor("#d93636")
    alerts.stop()
    assert not kept.parent.exists()


def test_hostile_texts_arrive_as_one_short_line(
    qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier
) -> None:
    alerts.show(Alert("k", "\u202e" + "x" * 500 + "\n\x00", "<b>\ud800\x1b[31m & \u2066שלום\u2069\nB"))
    qtbot.waitUntil(lambda: bool(notifier.sent))
    (sent,) = notifier.sent
    assert sent.title == "x" * 99 + "…"
    assert sent.message == "<b> [31m & שלום B"


def test_what_the_person_does_comes_back_and_ends_the_alert(
    qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier
) -> None:
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(notifier.sent))
    heard: list[tuple[Any, ...]] = []
    alerts.activated.connect(lambda *values: heard.append(values))
    alerts.closed.connect(lambda *values: heard.append(values))
    notifier.on_button_pressed(notifier.sent[0].identifier, "reconnect")
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard == [("bad-1", "reconnect", ""), (ALERT,)]
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: len(notifier.sent) == 2)
    with qtbot.waitSignal(alerts.activated) as pressed:
        notifier.on_clicked(notifier.sent[1].identifier)
    assert pressed.args == ["bad-1", DEFAULT, ""]
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: len(notifier.sent) == 3)
    with qtbot.waitSignal(alerts.closed) as closed:
        notifier.on_dismissed(notifier.sent[2].identifier)
    assert closed.args == [ALERT]


def test_news_take_the_place_and_what_is_no_news_does_not_pop_up_again(
    qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier
) -> None:
    alerts.show(ALERT)
    alerts.show(Alert("bad-1", "2 accounts need you", ""))
    alerts.show(Alert("bad-1", "ben cannot send", "", fresh=False))
    alerts.show(Alert("bad-2", "eva cannot send", "", fresh=False))
    qtbot.waitUntil(lambda: notifier.visible == ["2 accounts need you", "eva cannot send"])
    gone: list[Alert] = []
    alerts.closed.connect(gone.append)
    notifier.on_dismissed(notifier.sent[0].identifier)
    alerts.withdraw("bad-1")
    alerts.withdraw("bad-1")
    qtbot.waitUntil(lambda: notifier.visible == ["eva cannot send"])
    assert gone == []


def test_what_went_is_the_last_that_was_to_be_shown(
    qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier
) -> None:
    alerts.show(ALERT)
    changed = Alert("bad-1", "ben cannot send", "", fresh=False)
    alerts.show(changed)
    alerts.show(Alert("bad-2", "eva cannot send", ""))
    qtbot.waitUntil(lambda: len(notifier.sent) == 2)
    with qtbot.waitSignal(alerts.closed) as closed:
        notifier.on_dismissed(notifier.sent[0].identifier)
    assert closed.args[0] is changed


def test_good_news_leaves_with_the_next(qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier) -> None:
    first = Alert("good-1", "ana works again", "", passing=True)
    alerts.show(first)
    with qtbot.waitSignal(alerts.closed) as closed:
        alerts.show(Alert("good-2", "ben works again", "", passing=True))
    assert closed.args == [first]
    qtbot.waitUntil(lambda: notifier.visible == ["ben works again"])


@pytest.mark.parametrize("broken", ["allowed", "takes", "able", "trouble", "absent"])
def test_what_cannot_be_shown_is_refused_and_tried_anew_later(
    qtbot: QtBot, notifier: Notifier, broken: str
) -> None:
    def make() -> Notifier:
        if broken == "absent" and not mended:
            raise RuntimeError("Could not get ToastNotifier")
        return notifier

    mended: list[bool] = []
    alerts = NativeAlerts(make_notifier=make)  # type: ignore[arg-type]
    if broken == "trouble":
        notifier.trouble = OSError("unsigned")
    elif broken != "absent":
        setattr(notifier, broken, False)
    with qtbot.waitSignal(alerts.refused) as refused:
        alerts.show(ALERT)
    assert refused.args == [ALERT]
    assert notifier.sent == []
    mended.append(True)
    notifier.trouble, notifier.allowed, notifier.takes, notifier.able = None, True, True, True
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(notifier.sent))
    notifier.trouble = KeyError("gone")
    alerts.stop()


def test_stopping_takes_everything_away_and_ends_the_thread(
    qtbot: QtBot, alerts: NativeAlerts, notifier: Notifier
) -> None:
    alerts.show(ALERT)
    alerts.show(Alert("bad-2", "T", ""))
    alerts.stop()
    alerts.stop()
    assert notifier.visible == []
    assert not any(thread.name == "native-alerts" for thread in threading.enumerate())
    alerts.show(ALERT)
    alerts.withdraw("bad-1")
    assert len(notifier.sent) == 2


def test_nothing_is_begun_before_there_is_something_to_show(qtbot: QtBot) -> None:
    made: list[bool] = []
    alerts = NativeAlerts(make_notifier=lambda: made.append(True))  # type: ignore[arg-type, return-value]
    alerts.withdraw("k")
    alerts.stop()
    assert made == []
