"""The nouns of the domain for the store's tests, plain or as Hypothesis draws them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason, Thread
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Ramp, SequenceStatus, Step, Stranded, StrandedKind
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.states import STORED, Color, State
from reply_desktop.domain.touch import Touch, TouchState
from reply_desktop.domain.window import SendingWindow
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
        "group": notification_id,
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
    group=texts.filter(bool),
    reminded=st.integers(0, 400),
    remind_at=st.none() | times,
)


def a_step(number: int = 1, **fields: Any) -> Step:
    """A plain step a day after the one before, but for what is said otherwise."""
    known: dict[str, Any] = {
        "id": f"step{number}",
        "after_s": 86_400.0,
        "subject": "Hello {{first_name}}",
        "body": "How are you?",
    }
    return Step(number=number, **known | fields)


def a_sequence(sequence_id: str = "s", name: str | None = None, **fields: Any) -> MailSequence:
    """A running sequence of two steps without accounts, but for what is said otherwise."""
    known: dict[str, Any] = {
        "created_at": START - timedelta(days=3),
        "status": SequenceStatus.RUNNING,
        "steps": (a_step(1), a_step(2)),
        "window": SendingWindow(tuple(range(1, 8)), time(), time()),
    }
    return MailSequence(id=sequence_id, name=name or f"Sequence {sequence_id}", **known | fields)


def a_prospect(prospect_id: str = "p", email: str | None = None, **fields: str) -> Prospect:
    """A prospect with these merge fields."""
    return Prospect(prospect_id, email or f"{prospect_id}@prospect.example", START, fields)


def an_enrollment(number: int = 1, sequence_id: str = "s", **fields: Any) -> Enrollment:
    """Nothing sent yet, due now, but for what is said otherwise; its prospect is `p` and its number."""
    known: dict[str, Any] = {"prospect_id": f"p{number}", "ordinal": number, "due_at": START}
    return Enrollment(id=f"{sequence_id}e{number}", sequence_id=sequence_id, **known | fields)


def a_touch(touch_id: str = "t", enrollment_id: str = "se1", step_id: str = "step1", **fields: Any) -> Touch:
    """A touch sent just now, but for what is said otherwise."""
    known: dict[str, Any] = {
        "sequence_id": "s",
        "account_id": "a",
        "state": TouchState.SENT,
        "reserved_at": START,
    }
    return Touch(touch_id, enrollment_id, step_id=step_id, **known | fields)


def an_entry(text: str = "Something happened.", **fields: Any) -> LogEntry:
    """A log entry of just now, but for what is said otherwise."""
    known: dict[str, Any] = {"at": START, "sequence_id": "s", "kind": LogKind.SENT}
    return LogEntry(text=text, **known | fields)


seconds = st.floats(0, 10**9)
sequence_steps = st.lists(
    st.builds(
        Step,
        id=texts,
        number=st.just(0),
        after_s=seconds,
        subject=texts,
        body=texts,
        html=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda step: step.id,
).map(lambda found: tuple(replace(step, number=number) for number, step in enumerate(found, start=1)))

windows = st.builds(
    SendingWindow,
    st.lists(st.integers(1, 7), max_size=7).map(tuple),
    st.times(),
    st.times(),
    texts,
)

sequences = st.builds(
    MailSequence,
    id=st.just("s"),
    name=texts,
    created_at=times,
    status=st.sampled_from(SequenceStatus),
    accounts=st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple),
    steps=sequence_steps,
    window=windows,
    gap_s=st.tuples(seconds, seconds),
    daily_limit=st.none() | st.integers(0, 10_000),
    ramp=st.none() | st.builds(Ramp, st.integers(0, 100), st.integers(0, 100)),
    stranded=st.builds(Stranded, st.sampled_from(StrandedKind), seconds),
    sender_name=texts,
    unsubscribe=st.booleans(),
    stop_on_reply=st.booleans(),
    start_at=st.none() | times,
    started_at=st.none() | times,
    problem=st.none() | st.sampled_from(Problem),
    revision=st.integers(0, 2**40),
)

threads = st.builds(Thread, texts, st.lists(texts, max_size=3).map(tuple), st.none() | texts)

enrollments = st.builds(
    Enrollment,
    id=st.just("e"),
    sequence_id=st.just("s"),
    prospect_id=st.just("p"),
    ordinal=st.integers(0, 2**40),
    state=st.sampled_from(EnrollmentState),
    account_id=st.none() | st.sampled_from("abc"),
    done=st.integers(0, 100),
    due_at=st.none() | times,
    last_sent_at=st.none() | times,
    finish_reason=st.none() | st.sampled_from(FinishReason),
    finished_at=st.none() | times,
    thread=threads,
    note=texts,
)

touches = st.builds(
    Touch,
    id=st.just("t"),
    enrollment_id=st.just("e"),
    sequence_id=st.just("s"),
    step_id=st.just("step1"),
    account_id=texts,
    state=st.sampled_from(TouchState),
    reserved_at=times,
    settled_at=st.none() | times,
    attempts=st.integers(0, 100),
    message_id=st.none() | texts,
    provider_id=st.none() | texts,
    cause=causes,
    error=st.none() | texts,
)

entries = st.builds(
    LogEntry,
    at=times,
    sequence_id=st.just("s"),
    kind=st.sampled_from(LogKind),
    text=texts,
    account=st.none() | texts,
    prospect=st.none() | texts,
    key=st.none() | texts,
)

prospects = st.builds(
    # No address has a NUL in it.
    Prospect,
    st.just("p"),
    texts.map(lambda text: text.replace("\0", "")),
    times,
    st.dictionaries(texts, texts, max_size=4),
)

paces = st.builds(
    Pace,
    st.just("a"),
    st.none() | times,
    st.none() | times,
    causes,
    st.none() | texts,
    st.none() | times,
)
