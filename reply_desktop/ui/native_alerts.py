"""Alerts with buttons on Windows and macOS, through desktop-notifier on one thread of its own."""

import asyncio
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from reply_desktop.config import APP_NAME
from reply_desktop.ui.alert_surface import DEFAULT, Alert

if TYPE_CHECKING:
    from desktop_notifier import DesktopNotifier

log = logging.getLogger(__name__)

REPLY_S: Final = 3.0
"""How long the end waits for the desktop to take the alerts away, in seconds."""


def native_notifier() -> "DesktopNotifier":
    """The notification service of this system. Called on the thread that serves the alerts."""
    from desktop_notifier import DesktopNotifier

    return DesktopNotifier(APP_NAME, app_icon=None)


class NativeAlerts(QObject):
    """The `AlertSurface` of Windows' toasts and macOS' notification centre.

    A change there pops up anew, so an alert that tells nothing fresh is left as it is. macOS shows alerts of
    signed apps only: others are `refused`. `make_notifier` is called once, on the thread that serves it.
    """

    activated = Signal(str, str, str)
    closed = Signal(object)
    refused = Signal(object)

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        make_notifier: "Callable[[], DesktopNotifier]" = native_notifier,
    ) -> None:
        super().__init__(parent)
        self._make_notifier = make_notifier
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._desk: _Desk | None = None
        self._stopped = False

    def show(self, alert: Alert) -> None:
        """Show an alert, or change the one with its key. Returns at once."""
        if self._stopped:
            return
        if self._desk is None:
            self._desk = _Desk(self, self._make_notifier)
        self._order(self._desk.show(alert))

    def withdraw(self, key: str) -> None:
        """Take an alert away; silent when it is gone already. Returns at once."""
        if self._desk is not None and not self._stopped:
            self._order(self._desk.withdraw(key))

    def stop(self) -> None:
        """Take every alert away, since its buttons would do nothing any more, and end the thread."""
        if self._stopped:
            return
        self._stopped = True
        if self._desk is None or self._loop is None or self._thread is None:
            return
        ended = self._order(self._desk.end())
        try:
            ended.result(REPLY_S)
        except TimeoutError:
            log.info("The desktop did not take the alerts away in time.")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(REPLY_S)

    def _order(self, order: Coroutine[Any, Any, None]) -> "Future[None]":
        """Have it carried out on the thread, after what was ordered before."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_serve, args=(self._loop,), name="native-alerts", daemon=True
            )
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(order, self._loop)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()


class _RefusedError(Exception):
    """The desktop does not show our alerts."""


class _Desk:
    """The thread's side: the notifier and what it shows. One order at a time, in their order."""

    def __init__(self, front: NativeAlerts, make_notifier: "Callable[[], DesktopNotifier]") -> None:
        self._front, self._make_notifier = front, make_notifier
        self._notifier: DesktopNotifier | None = None
        self._turn = asyncio.Lock()
        self._shown: dict[str, tuple[str, Alert]] = {}
        self._passing = ""
        self._number = 0
        self._pictures: Path | None = None

    async def show(self, alert: Alert) -> None:
        async with self._turn:
            if not alert.fresh and (shown := self._shown.get(alert.key)) is not None:
                self._shown[alert.key] = (shown[0], alert)
                return
            try:
                await self._notify(alert)
            except Exception as trouble:
                # The library lets through whatever its system says.
                log.info("An alert could not be shown: %s", trouble)
                self._front.refused.emit(alert)

    async def withdraw(self, key: str) -> None:
        async with self._turn:
            await self._clear(key)

    async def end(self) -> None:
        async with self._turn:
            for key in list(self._shown):
                await self._clear(key)
            if self._pictures is not None:
                shutil.rmtree(self._pictures, ignore_errors=True)

    async def _notify(self, alert: Alert) -> None:
        from desktop_notifier import Button, Icon, Notification, Urgency

        notifier = await self._meet()
        # Good news is of no use once there is newer; not every desktop tells when it went.
        if alert.passing and self._passing != alert.key and self._passing in self._shown:
            _, passed = self._shown[self._passing]
            await self._clear(self._passing)
            self._front.closed.emit(passed)
        await self._clear(alert.key)
        self._number += 1
        picture = None if alert.picture is None else self._keep(alert.picture)
        dispatched: list[bool] = []
        notice = Notification(
            alert.safe_title,
            alert.safe_text,
            urgency=Urgency.Critical if alert.critical else Urgency.Normal,
            icon=None if picture is None else Icon(path=picture),
            buttons=tuple(Button(label, identifier=code) for code, label in alert.actions),
            on_dispatched=lambda: dispatched.append(True),
            # A number of its own for each: taking the old one away must never take the new one.
            identifier=f"{alert.key}.{self._number}",
        )
        await notifier.send_notification(notice)
        # A failure is only logged there.
        if not dispatched:
            raise _RefusedError("the desktop did not take it")
        self._shown[alert.key] = (notice.identifier, alert)
        if alert.passing:
            self._passing = alert.key

    async def _meet(self) -> "DesktopNotifier":
        """The notifier, once the desktop allows it to show something."""
        if self._notifier is None:
            made = self._make_notifier()
            if not await made.get_capabilities():
                raise _RefusedError("this system shows no alerts of this app")
            made.on_clicked = lambda identifier: self._on_pressed(identifier, DEFAULT)
            made.on_button_pressed = self._on_pressed
            made.on_dismissed = self._on_dismissed
            self._notifier = made
        if not await self._notifier.request_authorisation():
            raise _RefusedError("the person does not let this app show alerts")
        return self._notifier

    async def _clear(self, key: str) -> None:
        shown = self._shown.pop(key, None)
        if shown is None or self._notifier is None:
            return
        try:
            await self._notifier.clear(shown[0])
        except Exception as gone:
            log.debug("An alert was gone already: %s", gone)

    def _keep(self, picture: QImage) -> Path:
        """The picture as a file, which is how these desktops want it."""
        if self._pictures is None:
            self._pictures = Path(tempfile.mkdtemp(prefix="reply-alerts-"))
        file = self._pictures / f"{self._number}.png"
        if not picture.save(str(file)):
            raise _RefusedError("its picture cannot be written")
        return file

    # Called by the notifier, on a thread of its choice

    def _on_pressed(self, identifier: str, action: str) -> None:
        key = identifier.rpartition(".")[0]
        self._front.activated.emit(key, action, "")
        self._on_gone(key, identifier)

    def _on_dismissed(self, identifier: str) -> None:
        self._on_gone(identifier.rpartition(".")[0], identifier)

    def _on_gone(self, key: str, identifier: str) -> None:
        # One that was replaced or taken away is no news.
        shown = self._shown.get(key)
        if shown is not None and shown[0] == identifier:
            del self._shown[key]
            self._front.closed.emit(shown[1])
