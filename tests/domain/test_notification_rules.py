"""The one table of who is told what, where and how often."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.notification_rules import (
    CHOICES,
    RULES,
    TROUBLE,
    default_choices,
    remind_at,
    wanted_channels,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = frozenset(Channel)


def test_every_kind_has_its_rule() -> None:
    assert set(RULES) == set(NotificationKind)


@pytest.mark.parametrize("kind", NotificationKind)
def test_a_rule_makes_sense(kind: NotificationKind) -> None:
    rule = RULES[kind]
    assert rule.channels <= rule.offered and rule.merge_s > 0
    assert list(rule.reminders_s) == sorted(rule.reminders_s)
    # Only what lasts is told again, and only what lasts is mailed: nobody gets two e-mails about one trouble.
    if kind not in TROUBLE:
        assert not rule.reminders_s and rule.again_s is None and Channel.EMAIL not in rule.offered


def test_every_choice_is_one_of_kinds_that_share_their_channels() -> None:
    named = [kind for kinds in CHOICES.values() for kind in kinds]
    assert len(named) == len(set(named))
    for kinds in CHOICES.values():
        assert len({(RULES[kind].channels, RULES[kind].offered) for kind in kinds}) == 1
    assert set(default_choices()) == set(CHOICES)


@pytest.mark.parametrize("kind", NotificationKind)
def test_the_defaults_are_what_the_rules_say(kind: NotificationKind) -> None:
    chosen = {choice: frozenset(map(Channel, channels)) for choice, channels in default_choices().items()}
    assert wanted_channels(kind, chosen) == wanted_channels(kind, {}) == RULES[kind].channels


@pytest.mark.parametrize("kind", NotificationKind)
def test_what_is_not_offered_cannot_be_chosen(kind: NotificationKind) -> None:
    assert wanted_channels(kind, dict.fromkeys(CHOICES, ALL)) <= RULES[kind].offered
    if any(kind in kinds for kinds in CHOICES.values()):
        assert wanted_channels(kind, dict.fromkeys(CHOICES, frozenset())) == frozenset()


@pytest.mark.parametrize("kind", [NotificationKind.ACCOUNT_LOST, NotificationKind.APP_FAULT])
def test_an_hour_eight_hours_then_every_day(kind: NotificationKind) -> None:
    after = [remind_at(kind, NOW, reminded) for reminded in range(5)]
    assert [at and at - NOW for at in after] == [
        timedelta(hours=hours) for hours in (1, 8, 8 + 24, 8 + 48, 8 + 72)
    ]


@given(st.sampled_from(NotificationKind), st.integers(0, 400))
def test_reminders_only_come_later(kind: NotificationKind, reminded: int) -> None:
    now, later = remind_at(kind, NOW, reminded), remind_at(kind, NOW, reminded + 1)
    assert now is None or (now > NOW and (later is None or later > now))
