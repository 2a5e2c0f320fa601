"""What earlier grants' lives say of the next one's end, and when they say nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import account as accounts
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.deadline import KnownEnd
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.learnt_end import LEARNT, TEACHES, Learnt, Life, learnt_end, learnt_life
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import Color, OutcomeKind, State

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FREQUENCY, REVOKED, CHANGED = Cause.SIGN_IN_FREQUENCY, Cause.GRANT_REVOKED, Cause.PASSWORD_CHANGED
WATCHED = 15 * MINUTE
"""Between the last proof of a grant and its being found dead, while the engine runs."""


class Past:
    """One account's past: grants that lived so long, and how they ended."""

    def __init__(self, provider: Provider = Provider.MICROSOFT) -> None:
        self.account = Account(
            "a", provider, "dana@fjord.example", START, State.CONNECTED, granted_at=START, generation=1
        )
        self.episodes: list[Episode] = []
        self.now = START

    def dies(self, after: timedelta, cause: Cause = FREQUENCY, *, unseen: timedelta = WATCHED) -> "Past":
        """The grant is found dead so long after it began; `unseen`: how long nobody had looked."""
        assert self.account.granted_at is not None
        self.now = self.account.granted_at + after
        proven_at = max(self.account.granted_at, self.now - unseen)
        self.account = replace(self.account, state=State.EXPIRED, cause=cause, proven_at=proven_at)
        self._open(cause, Color.RED)
        return self

    def changes(self, cause: Cause) -> "Past":
        """It is red for another reason from now on."""
        self._close(Ending.CAUSE_CHANGED)
        self._open(cause, Color.RED)
        return self

    def warned(self, after: timedelta) -> "Past":
        """The grant is alive, and an orange episode begins so long after it began."""
        assert self.account.granted_at is not None
        self.now = self.account.granted_at + after
        self.account = replace(self.account, proven_at=self.now)
        self._open(Cause.SIGN_IN_ENDS, Color.ORANGE)
        return self

    def reconnects(self, after: timedelta = HOUR) -> "Past":
        """The person signs in so long after what was last, and that is proven."""
        self.now += after
        end = self.learns()
        connected = accounts.connect(
            self.account, subject=None, scopes=(), now=self.now,
            deadline_at=end.at if end else None, deadline_cause=end.cause if end else None,
        )  # fmt: skip
        self.account = replace(connected, proven_at=self.now, state=State.CONNECTED, cause=None)
        if self.episodes and self.episodes[-1].ended_at is None:
            self._close(Ending.RECONNECTED)
        return self

    def recovers(self) -> "Past":
        self._close(Ending.CHECK_SUCCEEDED)
        return self

    def pauses(self) -> "Past":
        self._close(Ending.PAUSED)
        return self

    def learns(self) -> KnownEnd | None:
        return learnt_end(self.account, self.episodes, self.now)

    @property
    def expected(self) -> tuple[Cause, timedelta] | None:
        """(why, how long) the next grant will live, were it given now."""
        end = self.learns()
        return None if end is None else (end.cause, end.at - self.now)

    def _open(self, cause: Cause, color: Color) -> None:
        self.episodes.append(Episode(f"e{len(self.episodes)}", "a", cause, color, self.now))

    def _close(self, ending: Ending) -> None:
        self.episodes[-1] = replace(self.episodes[-1], ended_at=self.now, ending=ending)


def google() -> Past:
    return Past(Provider.GOOGLE)


def ends(life: timedelta, cause: Cause = Cause.SIGN_IN_ENDS) -> tuple[Cause, timedelta]:
    return cause, life


CASES: dict[str, tuple[Past, tuple[Cause, timedelta] | None]] = {
    "nothing has happened": (Past(), None),
    "a sign-in frequency repeats by nature": (Past().dies(DAY), ends(DAY - WATCHED)),
    "a short one too": (Past().dies(40 * MINUTE), ends(25 * MINUTE)),
    "Google's session control as well": (google().dies(16 * HOUR), ends(16 * HOUR - WATCHED)),
    "nobody was looking when it ended": (Past().dies(3 * DAY, unseen=2 * DAY), None),
    "it was never proven": (Past().dies(10 * MINUTE), None),
    "one death at any time teaches nothing": (Past().dies(9 * DAY, REVOKED), None),
    "seven days at Google look like Testing mode": (
        google().dies(7 * DAY + HOUR, REVOKED), ends(7 * DAY, Cause.TESTING_MODE_LIKELY),
    ),
    "not at Microsoft": (Past().dies(7 * DAY + HOUR, REVOKED), None),
    "not after six days": (google().dies(6 * DAY, REVOKED), None),
    "not when nobody was looking": (google().dies(7 * DAY + HOUR, REVOKED, unseen=2 * DAY), None),
    "not for a changed password": (google().dies(7 * DAY, CHANGED), None),
    "two lives alike": (
        Past().dies(30 * DAY, Cause.MFA_REQUIRED).reconnects().dies(30 * DAY + HOUR, Cause.MFA_REQUIRED),
        ends(30 * DAY - HOUR + HOUR),
    ),
    "two lives alike of two causes": (
        Past().dies(30 * DAY, REVOKED).reconnects().dies(30 * DAY, Cause.GRANT_EXPIRED),
        ends(30 * DAY - HOUR),
    ),
    "two lives not alike": (Past().dies(30 * DAY, REVOKED).reconnects().dies(20 * DAY, REVOKED), None),
    "an outlier in between": (
        Past().dies(30 * DAY, REVOKED).reconnects().dies(3 * DAY, REVOKED).reconnects().dies(30 * DAY, REVOKED),
        None,
    ),
    "two short lives alike": (
        Past().dies(3 * HOUR, REVOKED).reconnects().dies(3 * HOUR, REVOKED), None,
    ),
    "changed passwords never teach": (
        Past().dies(30 * DAY, CHANGED).reconnects().dies(30 * DAY, CHANGED), None,
    ),
    "nor between two that would": (
        Past().dies(30 * DAY, CHANGED).reconnects().dies(30 * DAY, REVOKED), None,
    ),
    "it worked again by itself, so it had not died": (
        Past().dies(30 * DAY, REVOKED).recovers().dies(60 * DAY, REVOKED), None,
    ),
    "blocked first: who knows when it died": (
        Past().dies(DAY, Cause.ADMIN_POLICY).changes(FREQUENCY), None,
    ),
    "another cause afterwards does not matter": (
        Past().dies(DAY).changes(Cause.APP_REJECTED), ends(DAY - WATCHED),
    ),
    "after a pause nobody knows when the grant began": (
        Past().dies(30 * DAY, REVOKED).pauses().reconnects().dies(30 * DAY, REVOKED), None,
    ),
    "what was learnt goes on while the person signs in early": (
        Past().dies(DAY).reconnects().warned(20 * HOUR).reconnects().warned(20 * HOUR), ends(DAY - WATCHED),
    ),
    "and through a single deed": (
        Past().dies(DAY).reconnects().dies(2 * HOUR, CHANGED), ends(DAY - WATCHED),
    ),
    "and through a death nobody watched": (
        Past().dies(DAY).reconnects().dies(3 * DAY, unseen=3 * DAY - 9 * HOUR), ends(DAY - WATCHED),
    ),
    "a newer life that ended teaches anew": (
        Past().dies(DAY).reconnects().dies(7 * DAY), ends(7 * DAY - WATCHED),
    ),
    "a grant that outlived it refutes it": (Past().dies(DAY).reconnects().warned(3 * DAY), None),
    "one replaced alive that had lived longer ends what two would teach": (
        Past().dies(10 * DAY, REVOKED).reconnects().warned(30 * DAY).reconnects().dies(10 * DAY, REVOKED), None,
    ),
    "one replaced alive early does not": (
        Past().dies(10 * DAY, REVOKED).reconnects().warned(2 * DAY).reconnects().dies(10 * DAY, REVOKED),
        ends(10 * DAY - HOUR),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_what_the_past_teaches(what: str) -> None:
    past, expected = CASES[what]
    got = past.expected
    if expected is None:
        assert got is None
        return
    assert got is not None and got[0] is expected[0]
    # A beginning is known to the proof after the sign-in, an end to the check that found it.
    assert abs(got[1] - expected[1]) <= HOUR


def test_two_sign_ins_in_a_row_do_not_make_a_life_of_none() -> None:
    past = Past().dies(DAY)
    past.now += HOUR
    end = past.learns()
    assert end is not None
    again = accounts.connect(
        past.account, subject=None, scopes=(), now=past.now, deadline_at=end.at, deadline_cause=end.cause
    )
    assert learnt_end(again, past.episodes, past.now + HOUR) == KnownEnd(end.at + HOUR, end.cause)


def test_only_dead_grants_teach_and_only_warnings_are_learnt() -> None:
    assert all(CAUSES[cause].kind is OutcomeKind.LOST for cause in TEACHES)
    assert all(CAUSES[cause].kind is OutcomeKind.WARNING for cause in LEARNT)
    assert not TEACHES.keys() & {CHANGED, Cause.SCOPE_MISSING, Cause.WRONG_PASSWORD, Cause.GRANT_MISSING}


causes = st.sampled_from([FREQUENCY, REVOKED, CHANGED, Cause.MFA_REQUIRED, Cause.ADMIN_POLICY])
lengths = st.timedeltas(timedelta(), timedelta(days=400))
lives = st.lists(
    st.builds(lambda cause, one, two: Life(cause, max(one, two), min(one, two)), causes, lengths, lengths),
    max_size=6,
)
deeds = st.lists(st.tuples(lengths, causes, lengths, st.booleans()), max_size=5)


def told(story: Sequence[tuple[timedelta, Cause, timedelta, bool]], provider: Provider) -> Past:
    past = Past(provider)
    for after, cause, unseen, dies in story:
        past = past.dies(after, cause, unseen=unseen) if dies else past.warned(after)
        past.reconnects()
    return past


@given(lives, st.sampled_from(Provider))
def test_what_is_learnt_is_a_life_that_was_lived(story: list[Life], provider: Provider) -> None:
    learnt = learnt_life(provider, story)
    if learnt is None:
        return
    assert learnt.cause in LEARNT and learnt.life > timedelta()
    if learnt.cause is Cause.SIGN_IN_ENDS:
        assert learnt.life <= story[-1].found
    if story[-1].cause is not FREQUENCY and learnt.cause is Cause.SIGN_IN_ENDS:
        assert len(story) > 1 and abs(story[-1].found - story[-2].found) <= DAY * 20


@given(deeds, st.sampled_from([Provider.GOOGLE, Provider.MICROSOFT]), lengths)
def test_no_end_is_foreseen_before_now_for_a_grant_that_outlived_it(
    story: list[tuple[timedelta, Cause, timedelta, bool]], provider: Provider, later: timedelta
) -> None:
    past = told(story, provider)
    now = past.now + later
    proven = accounts.apply(past.account, PROVEN, past.account.generation, now, used=False, chance=0.5)
    again = learnt_end(proven, past.episodes, now)
    assert again is None or again.at > now
    if again is not None and proven.granted_at is not None:
        # What it lives on to teach is no shorter than what it has lived, but for what is off by a little.
        assert (now - proven.granted_at) <= (again.at - now) * 1.25 + MINUTE


@given(deeds, st.integers(-12, 12))
def test_time_zones_are_irrelevant(story: list[tuple[timedelta, Cause, timedelta, bool]], hours: int) -> None:
    past = told(story, Provider.GOOGLE).dies(7 * DAY, REVOKED)
    zone = timezone(timedelta(hours=hours))
    moved = [
        replace(
            one,
            started_at=one.started_at.astimezone(zone),
            ended_at=one.ended_at and one.ended_at.astimezone(zone),
        )
        for one in past.episodes
    ]
    assert learnt_end(past.account, moved, past.now.astimezone(zone)) == past.learns()


@given(lengths)
def test_one_outlier_does_not_teach(odd: timedelta) -> None:
    regular = Life(REVOKED, 30 * DAY, 30 * DAY)
    got = learnt_life(Provider.MICROSOFT, [regular, regular, Life(REVOKED, odd, odd)])
    assert got in (None, Learnt(min(odd, 30 * DAY), Cause.SIGN_IN_ENDS))
    if abs(odd - 30 * DAY) > 2 * DAY:
        assert got is None
