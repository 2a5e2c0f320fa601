"""The one crossing between GUI thread and channel: requests go out, answers and events come in as signals."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot
from shiboken6 import isValid

from reply_desktop.channel.messages import Request, RowsChanged, Welcome
from reply_desktop.domain import events
from reply_desktop.domain.errors import EngineDiffers, EngineUnavailable, ReplyDesktopError

A = TypeVar("A")

TURN_S: Final = 0.006
"""How long deliveries may keep the GUI thread before it looks at the person again, in seconds."""

AfterExit = Callable[[float], float | None]
"""The engine was lost at that steady time: how long to wait before the next try; None: give up."""


class Link(Protocol):
    """A live connection to the engine."""

    @property
    def welcome(self) -> Welcome:
        """What the engine said of itself."""
        ...

    def ask_async(
        self,
        request: Request[Any],
        done: Callable[[Any], None],
        failed: Callable[[ReplyDesktopError], None],
    ) -> None:
        """Send a request; exactly one of the two is called later, on any thread. Never raises or waits."""
        ...

    def close(self) -> None:
        """End the connection; what is still open fails with EngineUnavailable."""
        ...


Connect = Callable[[Callable[[Any], None], Callable[[], None], threading.Event], Link]
"""(on event, on lost, cancelled) → link. Waits, starts the engine when it is not there.

Raises ReplyDesktopError; soon after `cancelled` was set, too.
"""


class EngineState(StrEnum):
    """How the engine looks from here: GONE is LOST without another try until `retry_now`."""

    STARTING = "starting"
    RUNNING = "running"
    LOST = "lost"
    GONE = "gone"


class Pending:
    """A request under way. `cancel` drops its answer, whatever the engine does."""

    __slots__ = ("_done", "_failed", "_owner")

    def __init__(
        self,
        done: Callable[[Any], None] | None,
        failed: Callable[[ReplyDesktopError], None] | None,
        owner: QObject | None,
    ) -> None:
        self._done, self._failed, self._owner = done, failed, owner

    def cancel(self) -> None:
        """Forget the answer."""
        self._done = self._failed = self._owner = None

    def _deliver(self, callback: Callable[[Any], None] | None, value: object) -> None:
        owner = self._owner
        self.cancel()
        if callback is not None and (owner is None or isValid(owner)):
            callback(value)

    def answer(self, value: object) -> None:
        """Hand the answer to the one who asked, if it still lives. GUI thread."""
        self._deliver(self._done, value)

    def fail(self, error: ReplyDesktopError) -> None:
        """Hand the error to the one who asked, if it still lives. GUI thread."""
        self._deliver(self._failed, error)


class Bridge(QObject):
    """The engine as the window sees it. Everything is called, and every signal fires, on the GUI thread.

    Signals carry the frozen dataclasses of `domain.events` and `channel.messages`; `failed` carries the
    ReplyDesktopError of a request whose asker gave no `failed` of its own.
    """

    engine_changed = Signal(object)
    failed = Signal(object)
    rows_changed = Signal(object)
    account_removed = Signal(object)
    summary_changed = Signal(object)
    fault_opened = Signal(object)
    fault_closed = Signal(object)
    notification_raised = Signal(object)
    notification_withdrawn = Signal(object)
    alerts_due = Signal(object)
    alert_mail_changed = Signal(object)
    team_channels_changed = Signal(object)
    consent_ended = Signal(object)
    check_progress = Signal(object)
    provider_changed = Signal(object)
    vault_changed = Signal(object)
    sequences_changed = Signal(object)
    sequence_removed = Signal(object)
    log_added = Signal(object)
    prospects_changed = Signal(object)
    import_progress = Signal(object)
    sending_paused = Signal(object)
    _arrived = Signal()

    def __init__(
        self,
        connect: Connect,
        parent: QObject | None = None,
        *,
        after_exit: AfterExit | None = None,
    ) -> None:
        super().__init__(parent)
        self._connect, self._after_exit = connect, after_exit
        self.engine = EngineState.STARTING
        self.welcome: Welcome | None = None
        self.trouble: ReplyDesktopError | None = None
        self._inbox: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._orders: queue.SimpleQueue[tuple[Request[Any], Pending] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._again = threading.Event()
        self._let_go = threading.Event()
        self._link: Link | None = None
        self._thread: threading.Thread | None = None
        self._signals = {
            RowsChanged: self.rows_changed,
            events.AccountRemoved: self.account_removed,
            events.SummaryChanged: self.summary_changed,
            events.AppFaultOpened: self.fault_opened,
            events.AppFaultClosed: self.fault_closed,
            events.NotificationRaised: self.notification_raised,
            events.NotificationWithdrawn: self.notification_withdrawn,
            events.AlertsDue: self.alerts_due,
            events.AlertMailChanged: self.alert_mail_changed,
            events.TeamChannelsChanged: self.team_channels_changed,
            events.ConsentEnded: self.consent_ended,
            events.CheckProgress: self.check_progress,
            events.ProviderChanged: self.provider_changed,
            events.VaultChanged: self.vault_changed,
            events.SequencesChanged: self.sequences_changed,
            events.SequenceRemoved: self.sequence_removed,
            events.LogAdded: self.log_added,
            events.ProspectsChanged: self.prospects_changed,
            events.ImportProgress: self.import_progress,
            events.SendingPaused: self.sending_paused,
        }
        self._arrived.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin reaching for the engine; `engine_changed` tells how it goes."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="channel", daemon=True)
            self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Leave the engine (it goes on working) and end the channel thread."""
        self._closing.set()
        self._wake.set()
        self._orders.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._inbox.clear()

    def ask(
        self,
        request: Request[A],
        done: Callable[[A], None] | None = None,
        failed: Callable[[ReplyDesktopError], None] | None = None,
        *,
        owner: QObject | None = None,
    ) -> Pending:
        """Ask the engine; exactly one of the callbacks is called later, on the GUI thread.

        Nothing is called once `owner` (or the object whose method `done` is) has been destroyed. Without
        `failed`, the error goes to the signal of that name.
        """
        if owner is None:
            holder = getattr(done, "__self__", None) or getattr(failed, "__self__", None)
            owner = holder if isinstance(holder, QObject) else None
        pending = Pending(done, failed or self.failed.emit, owner)
        if self.engine is EngineState.RUNNING and not self._closing.is_set():
            self._orders.put((request, pending))
        else:
            self._post(lambda: pending.fail(_not_there()))
        return pending

    def retry_now(self) -> None:
        """Do not wait for the next try to reach the engine, and forget how often it was lost."""
        self._again.set()
        self._wake.set()

    def let_go(self) -> None:
        """The engine ends because it was asked to: once it is gone, it is not started again."""
        self._let_go.set()
        self._wake.set()

    def _post(self, delivery: Callable[[], None]) -> None:
        """Have something called on the GUI thread. Any thread."""
        if self._closing.is_set():
            return
        with self._lock:
            first = not self._inbox
            self._inbox.append(delivery)
        if first and isValid(self):
            self._arrived.emit()

    @Slot()
    def _drain(self) -> None:
        with self._lock:
            deliveries, self._inbox = self._inbox, deque()
        end = time.monotonic() + TURN_S
        try:
            while deliveries and time.monotonic() < end:
                deliveries.popleft()()
        finally:
            # What is left, after a callback that raised too, waits for its next turn in the same order.
            if deliveries and isValid(self):
                with self._lock:
                    self._inbox.extendleft(reversed(deliveries))
                self._arrived.emit()

    def _on_event(self, event: object) -> None:
        signal = self._signals.get(type(event))
        if signal is not None:
            self._post(lambda: signal.emit(event))

    def _tell(self, state: EngineState, link: Link | None, trouble: ReplyDesktopError | None) -> None:
        def told() -> None:
            self.engine = state
            self.welcome = link.welcome if link else self.welcome
            self.trouble = trouble
            if state is not EngineState.RUNNING:
                # What was asked after the channel turned its orders away, and before this was heard.
                self._turn_away()
            self.engine_changed.emit(state)

        self._post(told)

    def _run(self) -> None:
        after_exit = self._after_exit or _restarts()
        while not (self._closing.is_set() or self._let_go.is_set()):
            self._wake.clear()
            lost = threading.Event()
            served = False
            try:
                link = self._connect(self._on_event, partial(self._on_lost, lost), self._closing)
            except ReplyDesktopError as error:
                trouble = error
            else:
                trouble, served = _not_there(), True
                self._tell(EngineState.RUNNING, link, None)
                try:
                    self._serve(link, lost)
                finally:
                    link.close()
            if self._closing.is_set():
                return
            wait_s = None if isinstance(trouble, EngineDiffers) else after_exit(time.monotonic())
            if wait_s is None and served:
                trouble = EngineUnavailable(
                    "The background service stopped again and again.", "Press Try now; its log says more."
                )
            self._tell(EngineState.GONE if wait_s is None else EngineState.LOST, None, trouble)
            self._turn_away()
            self._wake.wait(wait_s)
            if self._again.is_set():
                self._again.clear()
                after_exit = self._after_exit or _restarts()

    def _on_lost(self, lost: threading.Event) -> None:
        lost.set()
        self._orders.put(None)

    def _serve(self, link: Link, lost: threading.Event) -> None:
        while not (lost.is_set() or self._closing.is_set()):
            order = self._orders.get()
            if order is None:
                continue
            request, pending = order
            link.ask_async(request, self._poster(pending.answer), self._poster(pending.fail))

    def _poster(self, deliver: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda value: self._post(lambda: deliver(value))

    def _turn_away(self) -> None:
        """Fail what is asked and not sent. Any thread; a word to the channel's own is left to it."""
        woken = False
        with suppress(queue.Empty):
            while True:
                order = self._orders.get_nowait()
                if order is None:
                    woken = True
                else:
                    self._poster(order[1].fail)(_not_there())
        if woken:
            self._orders.put(None)


def _restarts() -> AfterExit:
    from reply_desktop.channel.launch import Restarts

    return Restarts().after_exit


def _not_there() -> EngineUnavailable:
    return EngineUnavailable("The background service is not running.", "It is being restarted.")
