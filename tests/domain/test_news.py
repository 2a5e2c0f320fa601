"""What is told of an account's or an app registration's trouble, to whom it matters, once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.news import about_disuse, about_episode, about_fault, about_unsent
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.notification_rules import RULES
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import COLORS, Color, OutcomeKind, State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANA = Account("a1", Provider.GOOGLE, "ana@example.com", NOW, State.EXPIRED, Cause.GRANT_REVOKED)
RED = Episode("e1", "a1", Cause.GRANT_REVOKED, Color.RED, NOW)
ORANGE = Episode("e1", "a1", Cause.OFFLINE, Color.ORANGE, NOW)


def about(account=ANA, closed=None, opened=None, told=False, other_accounts=False):
    numbers = count()
    return about_episode(
        account, closed, opened, told, NOW, lambda: f"n{next(numbers)}", other_accounts=other_accounts
    )


def test_a_red_episode_is_told_with_account_cause_and_the_one_thing_to_do() -> None:
    (notice,) = about(opened=RED)
    assert (notice.key, notice.kind, notice.severity) == (
        "e1",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
    )
    assert "ana@example.com" in notice.title
    assert "Access was removed" in notice.text and "Reconnect" in notice.text


def test_orange_is_silent() -> None:
    assert about(opened=ORANGE) == [] and about(closed=replace(ORANGE, ending=Ending.CHECK_SUCCEEDED)) == []


def test_other_accounts_are_silent_unless_wanted() -> None:
    other = replace(ANA, provider=Provider.OTHER, cause=Cause.WRONG_PASSWORD)
    lost = replace(RED, cause=Cause.WRONG_PASSWORD)
    assert about(other, opened=lost) == []
    assert len(about(other, opened=lost, other_accounts=True)) == 1


def test_app_level_trouble_is_not_told_per_account() -> None:
    assert about(opened=replace(RED, cause=Cause.APP_REJECTED)) == []


@pytest.mark.parametrize(
    ("ending", "told", "notices"),
    [
        (Ending.RECONNECTED, True, 1),
        (Ending.CHECK_SUCCEEDED, True, 1),
        (Ending.RECONNECTED, False, 0),
        (Ending.PAUSED, True, 0),
        (Ending.CAUSE_CHANGED, True, 0),
    ],
)
def test_recovery_is_told_once_to_who_heard_of_the_trouble(ending: Ending, told: bool, notices: int) -> None:
    closed = replace(RED, ending=ending, ended_at=NOW)
    assert len(about(closed=closed, told=told)) == notices


def test_a_foreseen_end_is_told_with_its_time_and_its_end_is_no_news() -> None:
    near = replace(
        ANA,
        state=State.AT_RISK,
        cause=Cause.TESTING_MODE_ENDS,
        deadline_at=datetime(2026, 3, 3, 14, 5, tzinfo=UTC),
    )
    opened = replace(ORANGE, cause=Cause.TESTING_MODE_ENDS)
    (notice,) = about(near, opened=opened)
    assert (notice.kind, notice.severity) == (NotificationKind.DEADLINE_NEAR, Severity.WARNING)
    assert notice.title == "ana@example.com: sign-in ends soon (Testing mode), by 3 Mar, 14:05"
    assert "every sign-in ends after 7 days. Reconnect ana@example.com" in notice.text
    closed = replace(opened, ending=Ending.RECONNECTED, ended_at=NOW)
    assert about(replace(near, state=State.CONNECTED, cause=None), closed=closed, told=True) == []


def test_an_end_that_was_learnt_is_told_with_about_and_by_the_wall_clock() -> None:
    end = datetime(2026, 3, 3, 23, 5, tzinfo=UTC)
    cause = Cause.SIGN_IN_ENDS
    near = replace(ANA, state=State.AT_RISK, cause=cause, deadline_at=end, deadline_cause=cause)
    (notice,) = about_episode(
        near, None, replace(ORANGE, cause=cause), False, NOW, lambda: "n",
        other_accounts=False, zone=timezone(timedelta(hours=2)),
    )  # fmt: skip
    assert notice.title.endswith(", about 4 Mar, 01:05")


@given(
    st.integers(0, 364 * 24 * 60).map(lambda minutes: NOW.replace(month=1) + timedelta(minutes=minutes)),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_the_time_told_is_that_of_the_end_on_the_wall_all_year_round(end: datetime, zone: str) -> None:
    near = replace(ANA, state=State.AT_RISK, cause=Cause.CONSENT_ENDS, deadline_at=end)
    wall = ZoneInfo(zone)
    title = about_disuse(near, "k", NOW, lambda: "n", wall).title
    said = f"{end.astimezone(wall).year} {title.partition(', by ')[2]}"
    told = datetime.strptime(said, "%Y %d %b, %H:%M").replace(tzinfo=wall)
    assert end in {told.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_told_by_its_kind(cause: Cause) -> None:
    row = CAUSES[cause]
    states = {
        OutcomeKind.LOST: State.EXPIRED,
        OutcomeKind.BLOCKED: State.BLOCKED,
    }
    state = states.get(row.kind, State.AT_RISK)
    account = replace(ANA, state=state, cause=cause)
    told = about(account, opened=replace(RED, cause=cause, color=COLORS[state]))
    expected = {
        OutcomeKind.LOST: NotificationKind.ACCOUNT_LOST,
        OutcomeKind.BLOCKED: NotificationKind.ACCOUNT_LOST,
        OutcomeKind.WARNING: NotificationKind.DEADLINE_NEAR,
    }.get(row.kind)
    assert [notice.kind for notice in told] == ([] if row.app_level or expected is None else [expected])


@pytest.mark.parametrize("over", [False, True])
def test_fault_names_the_provider(over: bool) -> None:
    notice = about_fault(
        "google:app_rejected", Cause.APP_REJECTED, Provider.GOOGLE, NOW, lambda: "n", over=over
    )
    assert "Google" in notice.title and notice.account_id is None


@pytest.mark.parametrize(
    ("cause", "title"),
    [
        (Cause.VAULT_LOCKED, "Keyring is locked"),
        (Cause.VAULT_PASSPHRASE, "Passphrase is needed"),
        (Cause.VAULT_NONE, "Passphrase must be chosen"),
    ],
)
def test_the_vaults_fault_is_named_once_and_by_its_kind(cause: Cause, title: str) -> None:
    told = about_fault("vault", cause, None, NOW, lambda: "n", over=False)
    assert told.title == title and ("passphrase" in told.text) is (cause is not Cause.VAULT_LOCKED)
    over = about_fault("vault", cause, None, NOW, lambda: "n", over=True)
    assert over.title == "Your sign-ins can be opened again"


@pytest.mark.parametrize("length", [20, 40, 64, 254])
@pytest.mark.parametrize("cause", [one for one in Cause if CAUSES[one].kind is not OutcomeKind.TRANSIENT])
def test_a_text_is_short_names_the_account_and_ends_with_the_one_thing_to_do(
    cause: Cause, length: int
) -> None:
    address = f"{'a' * (length - 10)}@b.example"
    account = replace(ANA, provider=Provider.MICROSOFT, address=address, deadline_at=NOW)
    if CAUSES[cause].app_level:
        notices = [about_fault("k", cause, Provider.MICROSOFT, NOW, lambda: "n", over=False)]
    else:
        notices = about(account, opened=replace(RED, cause=cause, color=_color(cause)))
    if cause is Cause.IDLE_ENDS:
        notices.append(about_disuse(account, "k", NOW, lambda: "n"))
    for notice in notices:
        assert len(notice.text) <= 300 and notice.text.endswith((".", ")")) and "…." not in notice.text
        step = CAUSES[cause].steps[0].partition("{address}")
        assert step[0] in notice.text and step[2].replace("{provider}", "Microsoft 365") in notice.text
        assert notice.account_id is None or notice.title.startswith(address[:60])
        assert notice.kind is not NotificationKind.DEADLINE_NEAR or notice.title.endswith("1 Mar, 12:00")


def _color(cause: Cause) -> Color:
    return Color.ORANGE if CAUSES[cause].kind is OutcomeKind.WARNING else Color.RED


def test_what_waits_is_told_in_plain_words() -> None:
    notice = about_unsent("email:unsent", "Alert e-mail\nwaits", "No\x07 way", NOW, lambda: "n")
    assert (notice.title, notice.text, notice.key) == ("Alert e-mail waits", "No way", "email:unsent")
    assert notice.severity is RULES[NotificationKind.ALERT_UNSENT].severity
