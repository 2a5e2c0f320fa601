"""The engine's half of the doctor: database, keyring, clock, network and providers, each really tried."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from reply_desktop.config import Endpoints
from reply_desktop.domain.provider import PROVIDER_NAMES, SINGLE_CLICK, Provider
from reply_desktop.domain.rows import DoctorRow, ProviderRow
from reply_desktop.services.ports import Clock, Store

CLOCK_OFF_S = 300.0
"""More than this, in seconds, and providers refuse what we send."""


class Answer(Protocol):
    """What one look at a host brought."""

    @property
    def headers(self) -> Mapping[str, str]: ...


class Look(Protocol):
    """A plain GET; raises an exception with words when the host cannot be reached."""

    def __call__(self, url: str) -> Answer: ...


class VaultView(Protocol):
    """What the doctor needs of the vault."""

    @property
    def status(self) -> str: ...
    @property
    def backend(self) -> str: ...
    @property
    def text(self) -> str: ...


def examine(
    store: Store,
    vault: VaultView,
    providers: list[ProviderRow],
    endpoints: Endpoints,
    look: Look,
    clock: Clock,
) -> Iterator[DoctorRow]:
    """One row per finding, in the order a person should mend them."""
    yield _database(store)
    yield DoctorRow(
        "vault",
        vault.status == "open",
        f"{vault.backend}: {vault.text}",
        ""
        if vault.status == "open"
        else "It is opened in the window's banner, or here: reply-desktop unlock --help.",
    )
    dates: list[datetime] = []
    for provider, url in (
        (Provider.GOOGLE, endpoints.google_token_uri),
        (Provider.MICROSOFT, endpoints.microsoft_authority + "/v2.0/.well-known/openid-configuration"),
    ):
        yield _network(provider, url, look, dates)
    yield _clock(dates, clock)
    for row in providers:
        if row.provider in SINGLE_CLICK:
            yield DoctorRow(
                f"{row.provider.value} client ID",
                row.configured,
                row.client_id or "not given",
                "" if row.configured else "Give it in Settings → Providers.",
                required=row.used_by > 0,
            )


def _database(store: Store) -> DoctorRow:
    try:
        accounts = sum(store.reads.summary().counts.values())
    except Exception as error:
        return DoctorRow(
            "database", False, type(error).__name__, "Restore a backup: reply-desktop restore FILE."
        )
    return DoctorRow("database", True, f"readable, {accounts} accounts")


def _network(provider: Provider, url: str, look: Look, dates: list[datetime]) -> DoctorRow:
    name = f"{provider.value} reachable"
    try:
        answer = look(url)
    except Exception as error:
        return DoctorRow(
            name,
            False,
            f"{PROVIDER_NAMES[provider]} did not answer ({type(error).__name__})",
            "Check the internet connection, VPN, proxy (HTTPS_PROXY) and firewall.",
        )
    told = {key.lower(): value for key, value in answer.headers.items()}.get("date")
    try:
        if told:
            dates.append(parsedate_to_datetime(told).astimezone(UTC))
    except ValueError:
        pass
    return DoctorRow(name, True, "answers")


def _clock(dates: list[datetime], clock: Clock) -> DoctorRow:
    if not dates:
        return DoctorRow("clock", True, "not compared: no provider answered", required=False)
    off = abs((clock.now() - max(dates)).total_seconds())
    if off > CLOCK_OFF_S:
        return DoctorRow(
            "clock",
            False,
            f"off by {off / 60:.0f} minutes",
            "Set this computer's date and time to automatic.",
        )
    return DoctorRow("clock", True, f"within {off:.0f} s of the providers'")
