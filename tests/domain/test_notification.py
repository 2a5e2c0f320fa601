"""What is told, to whom it matters, once; and text from outside made safe."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import notification
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.notification import NotificationKind, Preferences, Severity, about_fault, plain
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import Color, State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANA = Account("a1", Provider.GOOGLE, "ana@example.com", NOW, State.EXPIRED, Cause.GRANT_REVOKED)
RED = Episode("e1", "a1", Cause.GRANT_REVOKED, Color.RED, NOW)
ORANGE = Episode("e1", "a1", Cause.OFFLINE, Color.ORANGE, NOW)


def about(account=ANA, closed=None, opened=None, told=False, wants=Preferences()):  # noqa: B008
    numbers = count()
    return notification.about_episode(account, closed, opened, told, wants, NOW, lambda: f"n{next(numbers)}")


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
    assert len(about(other, opened=lost, wants=Preferences(other_accounts=True))) == 1


def test_app_level_trouble_is_not_told_per_account() -> None:
    assert about(opened=replace(RED, cause=Cause.APP_REJECTED)) == []


@pytest.mark.parametrize(
    ("ending", "told", "wanted", "notices"),
    [
        (Ending.RECONNECTED, True, True, 1),
        (Ending.CHECK_SUCCEEDED, True, True, 1),
        (Ending.RECONNECTED, False, True, 0),
        (Ending.RECONNECTED, True, False, 0),
        (Ending.PAUSED, True, True, 0),
        (Ending.CAUSE_CHANGED, True, True, 0),
    ],
)
def test_recovery_is_told_once_to_who_heard_of_the_trouble(
    ending: Ending, told: bool, wanted: bool, notices: int
) -> None:
    closed = replace(RED, ending=ending, ended_at=NOW)
    assert len(about(closed=closed, told=told, wants=Preferences(recovery=wanted))) == notices


@pytest.mark.parametrize("over", [False, True])
def test_fault_names_the_provider(over: bool) -> None:
    notice = about_fault(
        "google:app_rejected", Cause.APP_REJECTED, Provider.GOOGLE, NOW, lambda: "n", over=over
    )
    assert "Google" in notice.title and notice.account_id is None


def test_an_other_account_is_called_after_its_server() -> None:
    servers = MailServers(MailServer("mail.example.net", 465, Security.TLS))
    assert (
        notification.provider_name(replace(ANA, provider=Provider.OTHER, servers=servers))
        == "mail.example.net"
    )
    assert notification.provider_name(ANA) == "Google"


@given(st.text(max_size=1000))
def test_plain_is_one_printable_line_cut_sensibly(text: str) -> None:
    line = plain(text, 100)
    assert len(line) <= 100
    assert all(character.isprintable() for character in line)
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def test_plain_keeps_markup_as_text() -> None:
    assert plain("<b>bold</b>\n&amp;") == "<b>bold</b> &amp;"
