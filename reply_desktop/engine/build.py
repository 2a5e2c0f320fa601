"""Builds one engine's services on its adapters. Heavy libraries are loaded when first needed, not here."""

import functools
import random
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reply_desktop.adapters.baked import baked_settings
from reply_desktop.adapters.clock import SystemClock, local_zone
from reply_desktop.adapters.http import Transport
from reply_desktop.adapters.scheduler import BackgroundScheduler
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.tasks import WorkerPool
from reply_desktop.adapters.vault import KeyringVault
from reply_desktop.config import Config
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.engine.alert_parts import AlertParts, build_alerts
from reply_desktop.engine.sending_parts import SendingParts, build_sending
from reply_desktop.engine.sequence_parts import LazyComposer, SequenceParts, build_sequences
from reply_desktop.services.accounts import AccountDesk
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.connect import Connect
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.diagnoses import Diagnoses
from reply_desktop.services.health import Health
from reply_desktop.services.keep_alive import KeepAlive
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import Clock, ConsentListener, MailProvider
from reply_desktop.services.queries import Queries
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.settings import SettingsDesk
from reply_desktop.services.summary import SummaryFeed

if TYPE_CHECKING:
    from reply_desktop.adapters.providers.autoconfig import Autoconfig


def new_id() -> str:
    """A fresh id for anything stored."""
    return uuid.uuid4().hex


class LazyProviders(Mapping[Provider, Any]):
    """Builds each provider's adapter on first use, so that its vendor library is loaded only then."""

    def __init__(self, makers: Mapping[Provider, Callable[[], MailProvider]]) -> None:
        self._makers = makers
        self._made: dict[Provider, MailProvider] = {}
        self._lock = threading.Lock()

    def __getitem__(self, provider: Provider) -> Any:
        made = self._made.get(provider)
        if made is None:
            with self._lock:
                made = self._made.get(provider)
                if made is None:
                    made = self._made[provider] = self._makers[provider]()
        return made

    def close(self) -> None:
        """Let pending calls of those adapters end at once that keep connections of their own."""
        for made in list(self._made.values()):
            if hasattr(made, "close"):
                made.close()

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@dataclass(frozen=True)
class Parts:
    """All of one engine, made once by `build`."""

    config: Config
    clock: Clock
    store: SqliteStore
    vault: KeyringVault
    transport: Transport
    tasks: WorkerPool
    scheduler: BackgroundScheduler
    bus: Bus
    queries: Queries
    diagnoses: Diagnoses
    settings: SettingsDesk
    providers: LazyProviders
    credentials: CredentialStore
    ledger: Ledger
    health: Health
    keep_alive: KeepAlive
    connect: Connect
    accounts: AccountDesk
    summary: SummaryFeed
    search: Callable[[], "Autoconfig"]
    feed: SequenceFeed
    sequences: SequenceParts
    sending: SendingParts
    alerts: AlertParts

    def close(self) -> None:
        """End everything in order: no new work, mails in flight, sign-ins, checks, then the database."""
        self.scheduler.close()
        self.alerts.stop()
        self.sending.stop()
        self.health.stop()
        self.sequences.imports.stop()
        self.sequences.removals.stop()
        self.transport.close()
        self.providers.close()
        self.connect.close()
        self.tasks.close()
        self.health.abandon()
        self.sending.sender.finish()
        self.summary.close()
        self.feed.close()
        self.vault.close()
        self.store.close()


def build(
    config: Config, *, make_store: type[SqliteStore] = SqliteStore, clock: Clock | None = None
) -> Parts:
    """One engine for this data folder, by this computer's clock unless another is given.

    Raises StoreTooNew, StoreDamaged or StoreFull.
    """
    clock = clock or SystemClock()
    store = make_store(config.database, clock)
    bus = Bus()
    vault = KeyringVault(
        config.vault_file,
        entry=str(config.data_dir.resolve()),
        any_sealed=lambda: settings.any_sealed() or _any_grant(store),
    )
    queries = Queries(store)
    settings = SettingsDesk(store, vault, bus, {} if config.sandbox else baked_settings())
    transport = Transport(config.endpoints.ca_file)
    providers = LazyProviders(
        {
            Provider.GOOGLE: lambda: _google(config, transport, settings, clock),
            Provider.MICROSOFT: lambda: _microsoft(config, transport, settings, clock),
            Provider.OTHER: lambda: _other(transport),
        }
    )
    credentials = CredentialStore(store, vault)
    announcer = Announcer(settings.preferences, local_zone)
    ledger = Ledger(store, queries, bus, clock, new_id, settings.preferences, announcer)
    tasks = WorkerPool(config.workers)
    health = Health(
        store,
        credentials,
        providers,
        ledger,
        queries,
        bus,
        clock,
        random.random,
        tasks,
        pace=config.pace,
    )
    connect = Connect(
        store,
        credentials,
        _only(providers, SINGLE_CLICK),
        health,
        ledger,
        queries,
        bus,
        clock,
        _listen,
        new_id,
    )
    accounts = AccountDesk(
        store, credentials, providers, health, ledger, queries, clock, _compose_test(clock), new_id
    )
    composer = LazyComposer()
    feed = SequenceFeed(store, queries, ledger, bus, clock, _later)
    sequences = build_sequences(
        store, feed, composer, providers, accounts, health, bus, clock, random.random, tasks, new_id
    )
    sending = build_sending(
        store, credentials, providers, composer, health, feed, clock, random.random, tasks, new_id
    )
    bus.listen(sending.sender.on_event)
    alerts = build_alerts(
        store,
        vault,
        credentials,
        providers,
        health,
        settings,
        announcer,
        bus,
        clock,
        tasks,
        local_zone,
        new_id,
    )
    bus.listen(alerts.on_event)
    return Parts(
        config,
        clock,
        store,
        vault,
        transport,
        tasks,
        BackgroundScheduler(),
        bus,
        queries,
        Diagnoses(store, queries, settings.provider_row, clock),
        settings,
        providers,
        credentials,
        ledger,
        health,
        KeepAlive(store, credentials, health.ask, health.settle, clock),
        connect,
        accounts,
        SummaryFeed(queries, bus, _later),
        functools.partial(_search, config, transport),
        feed,
        sequences,
        sending,
        alerts,
    )


def _only(providers: LazyProviders, kinds: Collection[Provider]) -> LazyProviders:
    return LazyProviders({kind: functools.partial(providers.__getitem__, kind) for kind in kinds})


def _google(config: Config, transport: Transport, settings: SettingsDesk, clock: Clock) -> MailProvider:
    from reply_desktop.adapters.providers.google import Google

    return Google(transport, config.endpoints, settings.provider, clock)


def _microsoft(config: Config, transport: Transport, settings: SettingsDesk, clock: Clock) -> MailProvider:
    from reply_desktop.adapters.providers.microsoft import Microsoft

    return Microsoft(transport, config.endpoints, settings.provider, clock)


def _other(transport: Transport) -> MailProvider:
    from reply_desktop.adapters.providers.other import Other

    return Other(transport.ssl_context)


def _listen(host: str, path: str) -> ConsentListener:
    from reply_desktop.adapters.providers.loopback import LoopbackListener

    return LoopbackListener(host, path)


def _search(config: Config, transport: Transport) -> "Autoconfig":
    from reply_desktop.adapters.providers.autoconfig import Autoconfig, fetch_by

    return Autoconfig(config.endpoints.autoconfig_url, fetch_by(transport))


def _compose_test(clock: Clock) -> Callable[[str, str], bytes]:
    def compose(sender: str, to: str) -> bytes:
        from reply_desktop.adapters.mail import test_message

        return test_message(sender, to, clock.now(), new_id())

    return compose


def _any_grant(store: SqliteStore) -> bytes | None:
    with store.read() as unit:
        return unit.grants.any()


def _later(seconds: float, run: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, run)
    timer.daemon = True
    timer.start()
