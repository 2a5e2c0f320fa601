"""Episodes open, change and close as the states say; and what is told of them, once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending, Episode, follow
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import Color, State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
GREEN = Account(
    "a1", Provider.GOOGLE, "ana@example.com", BEFORE, State.CONNECTED, granted_at=BEFORE - timedelta(1)
)
RED = replace(GREEN, state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
OFFLINE = replace(GREEN, state=State.AT_RISK, cause=Cause.OFFLINE)
OPEN_RED = Episode("e1", "a1", Cause.GRANT_REVOKED, Color.RED, BEFORE)
OPEN_ORANGE = Episode("e1", "a1", Cause.OFFLINE, Color.ORANGE, BEFORE)


def test_trouble_opens_an_episode() -> None:
    closed, opened = follow(None, RED, NOW, "e2")
    assert closed is None and opened == Episode("e2", "a1", Cause.GRANT_REVOKED, Color.RED, NOW)


def test_the_same_trouble_goes_on_silently() -> None:
    assert follow(OPEN_RED, replace(RED, provider_error="said differently"), NOW, "e2") == (None, None)


def test_another_red_cause_is_another_episode() -> None:
    closed, opened = follow(OPEN_RED, replace(RED, state=State.BLOCKED, cause=Cause.ADMIN_POLICY), NOW, "e2")
    assert closed is not None and closed.ending is Ending.CAUSE_CHANGED
    assert opened is not None and opened.cause is Cause.ADMIN_POLICY


def test_a_reconnect_keeps_the_episode_until_the_proof() -> None:
    unproven = replace(RED, state=State.AT_RISK, cause=Cause.UNPROVEN, granted_at=NOW)
    assert follow(OPEN_RED, unproven, NOW, "e2") == (None, None)
    assert follow(OPEN_RED, replace(OFFLINE, granted_at=NOW), NOW, "e2") == (None, None)
    closed, opened = follow(OPEN_RED, replace(GREEN, granted_at=NOW), NOW, "e2")
    assert closed is not None and closed.ending is Ending.RECONNECTED and closed.ended_at == NOW
    assert opened is None


def test_green_by_itself_is_told_apart_from_reconnected() -> None:
    closed, opened = follow(OPEN_ORANGE, GREEN, NOW, "e2")
    assert closed is not None and closed.ending is Ending.CHECK_SUCCEEDED and opened is None


def test_orange_to_red_is_a_new_episode() -> None:
    closed, opened = follow(OPEN_ORANGE, RED, NOW, "e2")
    assert closed is not None and closed.ending is Ending.CAUSE_CHANGED
    assert opened is not None and opened.is_red


def test_a_foreseen_end_is_one_episode_however_often_the_network_fails() -> None:
    warned = replace(GREEN, state=State.AT_RISK, cause=Cause.SIGN_IN_ENDS)
    open_warning = Episode("e1", "a1", Cause.SIGN_IN_ENDS, Color.ORANGE, BEFORE)
    assert follow(open_warning, OFFLINE, NOW, "e2") == (None, None)
    assert follow(open_warning, replace(OFFLINE, cause=Cause.PROOF_STALE), NOW, "e2") == (None, None)
    assert follow(open_warning, warned, NOW, "e2") == (None, None)
    closed, opened = follow(open_warning, replace(GREEN, granted_at=NOW), NOW, "e2")
    assert closed is not None and closed.ending is Ending.RECONNECTED and opened is None
    closed, opened = follow(OPEN_ORANGE, warned, NOW, "e2")
    assert closed is not None and opened is not None and opened.cause is Cause.SIGN_IN_ENDS


def test_pause_ends_it() -> None:
    closed, opened = follow(OPEN_RED, replace(RED, state=State.PAUSED, cause=None), NOW, "e2")
    assert closed is not None and closed.ending is Ending.PAUSED and opened is None


def test_nothing_happens_to_a_green_account_without_trouble() -> None:
    assert follow(None, GREEN, NOW, "e2") == (None, None)
