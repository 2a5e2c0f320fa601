"""Builds what tells the person. Heavy libraries are loaded when first needed, not here."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from reply_desktop.domain import alert_words, events
from reply_desktop.domain.announcement import Channel, kind_of
from reply_desktop.domain.preferences import ALERT_CHOICES, EMAIL_TO, OF_ALERTS, QUIET
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.services.alert_mail import AlertMail
from reply_desktop.services.alert_ports import Handed, Messenger, TeamSender
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.courier import Courier
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.health import Health
from reply_desktop.services.ports import Clock, MailProvider, Store, Tasks, Vault
from reply_desktop.services.relay import Relay
from reply_desktop.services.reminders import Reminders
from reply_desktop.services.sealed_settings import SealedSettings
from reply_desktop.services.settings import SettingsDesk
from reply_desktop.services.team_channels import TeamChannels
from reply_desktop.services.tray_channel import TrayChannel

if TYPE_CHECKING:
    from reply_desktop.adapters.team_channel import AppriseSender


class LazyAlertComposer:
    """Writes alert messages with what is loaded for the first of them."""

    def alert(
        self, sender: str, to: str, subject: str, text: str, html: str, now: datetime, marker: str
    ) -> bytes:
        """As `adapters.mail.alert`."""
        from reply_desktop.adapters import mail

        return mail.alert(sender, to, subject, text, html, now, marker)

    def message_id(self, sender: str, marker: str) -> str:
        """As `adapters.mail.message_id`."""
        from reply_desktop.adapters import mail

        return mail.message_id(sender, marker)


class LazyTeamSender:
    """A TeamSender whose library is loaded with the first channel it sees."""

    def __init__(self) -> None:
        self._made: AppriseSender | None = None
        self._closed = False
        self._lock = threading.Lock()

    def examine(self, url: str) -> tuple[str, str, str]:
        """As `TeamSender.examine`."""
        return self._sender.examine(url)

    def post(self, url: str, title: str, text: str) -> Handed:
        """As `TeamSender.post`."""
        return self._sender.post(url, title, text)

    def close(self) -> None:
        """As `AppriseSender.close`."""
        with self._lock:
            self._closed = True
            if self._made is not None:
                self._made.close()

    @property
    def _sender(self) -> TeamSender:
        with self._lock:
            if self._made is None:
                from reply_desktop.adapters.team_channel import AppriseSender

                self._made = AppriseSender()
                if self._closed:
                    self._made.close()
            return self._made


@dataclass
class AlertParts:
    """All that tells the person. `on_change()` is called when there may be something to tell now.

    `mail_what_lasts()`, for an engine that starts: one that died as the person gave an address, or chose
    e-mail for more news, may have left troubles unnoted that last. `stop()`: hand nothing more over, and wait
    for no team channel's answer.
    """

    announcer: Announcer
    tray: TrayChannel
    reminders: Reminders
    mail: AlertMail
    team: TeamChannels
    courier: Courier
    on_change: Callable[[], None]
    mail_what_lasts: Callable[[], None]
    stop: Callable[[], None]

    def tick(self) -> datetime | None:
        """Tell whatever is due; gives when something next is."""
        times = [each() for each in (self.reminders.tick, self.tray.tick, self.courier.tick)]
        return min((at for at in times if at is not None), default=None)

    def on_event(self, event: events.Event) -> None:
        """Listens to the bus for news, and for accounts that can carry it."""
        match event:
            case events.NotificationRaised() | events.NotificationWithdrawn():
                self.on_change()
            case events.AccountChanged(before=before, after=after) if after.state in CAN_SEND:
                if before is None or before.state not in CAN_SEND:
                    self._way_opened()
            case events.VaultChanged():
                self._way_opened()

    def _way_opened(self) -> None:
        self.courier.look_again()
        self.on_change()


def build_alerts(
    store: Store,
    vault: Vault,
    credentials: CredentialStore,
    providers: Mapping[Provider, MailProvider],
    health: Health,
    settings: SettingsDesk,
    announcer: Announcer,
    bus: Bus,
    clock: Clock,
    tasks: Tasks,
    zone: Callable[[], tzinfo],
    new_id: Callable[[], str],
) -> AlertParts:
    """All that tells the person, on these adapters and services."""
    wants = settings.preferences
    relay = Relay(SealedSettings(store, vault), providers, clock)
    mail = AlertMail(
        store, credentials, providers, health, relay, wants, bus, clock, LazyAlertComposer(), zone, new_id
    )
    sender = LazyTeamSender()
    team = TeamChannels(
        store,
        vault,
        bus,
        clock,
        sender,
        lambda news: alert_words.team_text(news, zone()),
        new_id,
    )
    messengers: dict[Channel, Messenger] = {Channel.EMAIL: mail, Channel.TEAM: team}
    courier = Courier(store, announcer, messengers, wants, bus, clock, tasks, new_id)

    def mail_what_lasts() -> None:
        if wants().email_to:
            with store.begin() as unit:
                announcer.address_given(unit, clock.now())
                unit.commit()

    def stop() -> None:
        courier.stop()
        sender.close()

    parts = AlertParts(
        announcer,
        TrayChannel(store, announcer, bus, clock),
        Reminders(store, announcer, bus, clock),
        mail,
        team,
        courier,
        on_change=lambda: None,
        mail_what_lasts=mail_what_lasts,
        stop=stop,
    )

    def way_changed() -> None:
        settings.team_changed()
        courier.look_again()
        parts.on_change()

    def on_put(names: frozenset[str]) -> None:
        if names & {EMAIL_TO, ALERT_CHOICES}:
            mail_what_lasts()
        if QUIET in names:
            with store.begin() as unit:
                announcer.quiet_changed(unit, clock.now())
                unit.commit()
        if names & set(OF_ALERTS):
            mail.changed()

    def on_end(channel: str) -> None:
        if kind_of(channel) is Channel.EMAIL:
            mail.tell()
        parts.on_change()

    settings.team = team.enabled_ids
    settings.on_put = on_put
    mail.on_change = way_changed
    team.on_change = way_changed
    courier.on_end = on_end
    return parts
