"""Accounts, episodes and notifications for the store's tests, plain or as Hypothesis draws them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import STORED, Color, State
from tests.fakes.clock import START


def an_account(account_id: str = "a", address: str | None = None, **fields: Any) -> Account:
    """A connected Google account, proven just now, but for what is said otherwise."""
    known: dict[str, Any] = {
        "provider": Provider.GOOGLE,
        "created_at": START - timedelta(days=100),
        "state": State.CONNECTED,
        "proven_at": START,
        "checked_at": START,
        "next_check_at": START + timedelta(seconds=900),
        "generation": 1,
        "granted_at": START - timedelta(days=100),
    }
    return Account(id=account_id, address=address or f"{account_id}@example.com", **known | fields)


def an_episode(episode_id: str = "e", account_id: str = "a", **fields: Any) -> Episode:
    """A red episode that began just now and lasts, but for what is said otherwise."""
    known: dict[str, Any] = {"cause": Cause.GRANT_REVOKED, "color": Color.RED, "started_at": START}
    return Episode(id=episode_id, account_id=account_id, **known | fields)


def a_notification(notification_id: str = "n", key: str = "e", **fields: Any) -> Notification:
    """An unread notification of just now, but for what is said otherwise."""
    known: dict[str, Any] = {
        "kind": NotificationKind.ACCOUNT_LOST,
        "severity": Severity.CRITICAL,
        "title": "ann@example.com cannot send",
        "text": "Access was removed.",
        "at": START,
        "account_id": "a",
    }
    return Notification(id=notification_id, key=key, **known | fields)


_FIRST, _LAST = datetime(1971, 1, 1), datetime(2500, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone
times = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
servers = st.builds(
    MailServer, st.text("abc.-ü", max_size=9), st.integers(1, 65535), st.sampled_from(Security)
)
mail_servers = st.builds(MailServers, servers, st.none() | servers, st.none() | texts)
causes = st.none() | st.sampled_from(Cause)

accounts = st.builds(
    Account,
    id=st.just("a"),
    provider=st.sampled_from(Provider),
    address=texts,
    created_at=times,
    state=st.sampled_from(STORED),
    cause=causes,
    provider_error=st.none() | texts,
    proven_at=st.none() | times,
    checked_at=st.none() | times,
    next_check_at=st.none() | times,
    failures=st.integers(0, 2**40),
    generation=st.integers(0, 2**40),
    subject=st.none() | texts,
    scopes=st.lists(texts, max_size=3).map(tuple),
    granted_at=st.none() | times,
    deadline_at=st.none() | times,
    deadline_cause=causes,
    claims=st.none() | texts,
    servers=st.none() | mail_servers,
    daily_limit=st.integers(0, 10_000),
)

episodes = st.builds(
    Episode,
    id=st.just("e"),
    account_id=st.just("a"),
    cause=st.sampled_from(Cause),
    color=st.sampled_from(Color),
    started_at=times,
    ended_at=st.none() | times,
    ending=st.none() | st.sampled_from(Ending),
    provider_error=st.none() | texts,
)

notifications = st.builds(
    Notification,
    id=st.just("n"),
    key=texts,
    kind=st.sampled_from(NotificationKind),
    severity=st.sampled_from(Severity),
    title=texts,
    text=texts,
    at=times,
    account_id=st.none() | texts,
    read_at=st.none() | times,
    withdrawn_at=st.none() | times,
)
