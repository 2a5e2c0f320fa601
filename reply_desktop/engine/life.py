"""The engine's life: takes the data folder, serves fronts, sweeps, and ends in order."""

import json
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from reply_desktop import __version__
from reply_desktop.channel import messages as m
from reply_desktop.channel.lock import EngineLock
from reply_desktop.channel.server import Server
from reply_desktop.config import PROTOCOL_VERSION, Config, Endpoints
from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.states import State
from reply_desktop.engine.build import Parts, build
from reply_desktop.engine.dispatches import Dispatches
from reply_desktop.engine.requests import Desk
from reply_desktop.engine.sweeps import Sweeps
from reply_desktop.engine.ticking import Ticking
from reply_desktop.files import write_private
from reply_desktop.services import keep_alive
from reply_desktop.services.ports import Clock
from reply_desktop.services.replies import EVERY_S

_log = logging.getLogger(__name__)

_VAULT_CAUSES = {
    m.VaultStatus.OPEN: None,
    m.VaultStatus.LOCKED: Cause.VAULT_LOCKED,
    m.VaultStatus.NEEDS_PASSPHRASE: Cause.VAULT_PASSPHRASE,
    m.VaultStatus.KEY_MISSING: Cause.VAULT_KEY_MISSING,
    m.VaultStatus.NO_KEYRING: Cause.VAULT_NONE,
}


def run(
    config: Config,
    *,
    once: bool = False,
    endpoints: Callable[[], Endpoints] | None = None,
    clock: Clock | None = None,
) -> int:
    """Be the engine of this data folder until told to stop; `once`: every due check and touch, then end.

    `endpoints` is asked where the providers are once the folder is ours; else the configured ones serve.
    `clock` stands in for this computer's.
    Gives the exit code. Raises EngineUnavailable when another engine owns the folder, and the store's errors.
    """
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with EngineLock(config.lock_file) as lock:
        lock.hold()
        if endpoints is not None:
            config = replace(config, endpoints=endpoints())
        parts = build(config, clock=clock)
        try:
            return _once(parts) if once else _Life(parts).run()
        finally:
            parts.close()


def restore(config: Config, backup: Path) -> Path | None:
    """Put a backup in place of the present database; gives where the present one was kept, if there was one.

    The engine must not be running. Raises EngineUnavailable if it is, StoreDamaged or StoreTooNew for a file
    that is no backup of ours; then nothing was changed.
    """
    from reply_desktop.adapters.clock import SystemClock
    from reply_desktop.adapters.store.database import SqliteStore

    with EngineLock(config.lock_file) as lock:
        lock.hold()
        return SqliteStore.restore(config.database, backup, SystemClock().now())


def _once(parts: Parts) -> int:
    parts.vault.open_now()
    parts.health.start()
    with parts.store.read() as unit:
        ids = unit.accounts.due(parts.clock.now() + timedelta(hours=1), 1_000_000)
    for future in [parts.health.submit(account_id) for account_id in ids]:
        future.result()
    parts.keep_alive.look()
    parts.sending.sender.start()
    parts.sending.sender.drain()
    parts.alerts.mail_what_lasts()
    parts.alerts.reminders.tick()
    parts.alerts.courier.drain()
    return 0


class _Life:
    """One running engine."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stopped = threading.Event()
        self._over = False
        self._news = threading.Lock()
        self._sweeps = Sweeps(self._sweep, parts.store, parts.clock, parts.scheduler)
        sender = parts.sending.sender
        self._dispatches = Dispatches(self._tick, sender.wake, parts.clock, parts.scheduler)
        sender.soon = self._dispatches.soon
        parts.sequences.on_change = self._dispatches.changed
        self._alerts = Ticking(self._tell, parts.clock, parts.scheduler, "alerts")
        parts.alerts.on_change = self._alerts.soon
        config = parts.config
        self._server = Server(
            config.channel_address,
            _key(config.key_file),
            Desk(parts, self._stop, self._on_signal),
            m.Welcome(
                __version__,
                PROTOCOL_VERSION,
                os.getpid(),
                parts.clock.now(),
                str(config.data_dir),
                config.sandbox,
            ),
        )

    def run(self) -> int:
        from reply_desktop.adapters.desktop import DesktopSignals

        parts, config = self._parts, self._parts.config
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopped.set())
        parts.bus.listen(self._forward)
        parts.bus.listen(self._on_event)
        parts.health.start()
        parts.sending.sender.start()
        parts.sequences.imports.tidy()
        parts.sequences.removals.clear()
        self._server.start()
        write_private(
            config.engine_file,
            json.dumps(
                {
                    "pid": os.getpid(),
                    "version": __version__,
                    "protocol": PROTOCOL_VERSION,
                    "address": config.channel_address,
                }
            ),
        )
        parts.vault.on_change = self._on_vault
        parts.tasks.submit(parts.vault.open_now)
        parts.bus.listen(self._sweeps.on_event)
        self._sweeps.soon()
        parts.bus.listen(self._dispatches.on_event)
        self._dispatches.soon()
        parts.alerts.mail_what_lasts()
        self._alerts.soon()
        parts.scheduler.every(max(EVERY_S * config.pace, 5.0), self._look, "replies")
        parts.scheduler.every(keep_alive.EVERY_S, self._keep_alive, "keep-alive")
        signals = DesktopSignals(on_resume=lambda: self._on_signal("resumed"), on_network=self._on_network)
        signals.start()
        _log.info("The engine serves %s", config.data_dir)
        try:
            self._stopped.wait()
        finally:
            signals.close()
            # The vault tells on a thread of its own, whenever the keyring answers.
            with self._news:
                self._over = True
            self._server.close()
            config.engine_file.unlink(missing_ok=True)
        return 0

    def _stop(self, hand_over: bool) -> None:
        _log.info("Asked to stop%s", " and hand over" if hand_over else "")
        self._stopped.set()

    def _sweep(self) -> int:
        return 0 if self._stopped.is_set() else self._parts.health.sweep()

    def _tick(self) -> datetime | None:
        return None if self._stopped.is_set() else self._parts.sending.sender.tick()

    def _tell(self) -> datetime | None:
        return None if self._stopped.is_set() else self._parts.alerts.tick()

    def _look(self) -> None:
        if not self._stopped.is_set():
            self._parts.sending.replies.look()

    def _keep_alive(self) -> None:
        if not self._stopped.is_set():
            self._parts.tasks.submit(self._parts.keep_alive.look)

    def _on_network(self) -> None:
        self._on_signal("up")

    def _on_signal(self, what: str) -> None:
        if what in ("up", "resumed"):
            _log.info("Network or sleep signal: %s; all live accounts are due", what)
            self._parts.transport.renew()
            self._parts.scheduler.wake()
            self._parts.health.recheck(spread=True)
            self._sweeps.soon()
            self._dispatches.soon()
            self._parts.alerts.courier.look_again()
            self._alerts.soon()

    def _on_vault(self, status: str) -> None:
        cause = _VAULT_CAUSES[m.VaultStatus(status)]
        with self._news:
            if self._over:
                return
            self._parts.credentials.forget_all()
            self._parts.settings.forget_opened()
            self._parts.ledger.vault_fault(cause)
            self._parts.bus.publish([events.VaultChanged(status)])
            if cause is None:
                self._parts.health.recheck()
                self._sweeps.soon()

    def _on_event(self, event: events.Event) -> None:
        if isinstance(event, events.ProviderChanged):
            with self._parts.store.begin() as unit:
                unit.accounts.make_due(
                    self._parts.clock.now(),
                    states=(State.CONNECTED, State.AT_RISK, State.BLOCKED, State.EXPIRED),
                )
                unit.commit()
            self._sweeps.soon()

    def _forward(self, event: events.Event) -> None:
        if isinstance(event, events.AccountChanged):
            self._server.publish_row(event.row)
        elif type(event).__name__ in m.EVENTS:
            self._server.publish(event)


def _key(path: Path) -> bytes:
    """The channel's key: made once per engine start, readable by this user alone."""
    key = secrets.token_bytes(32)
    write_private(path, key.hex())
    return key
