from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.repositories import _Episode
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.states import STORED, Color, State
from tests.adapters.store.nouns import (
    accounts,
    an_account,
    an_episode,
    episodes,
)
from tests.adapters.store.plans import plan
from tests.fakes.clock import START, FakeClock


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """One store for drawn examples: nothing is committed, so each finds it empty."""
    opened = SqliteStore(tmp_path_factory.mktemp("shared") / "reply.db", FakeClock())
    yield opened
    opened.close()


def keep(store: SqliteStore, *accounts: Account) -> None:
    with store.begin() as unit:
        for account in accounts:
            unit.accounts.add(account)
        unit.commit()


# Accounts


@given(accounts)
def test_an_account_comes_back_as_it_was_added(shared: SqliteStore, account: Account) -> None:
    with shared.begin() as unit:
        unit.accounts.add(account)
        assert unit.accounts.get("a") == account


@given(accounts, accounts)
def test_an_account_comes_back_as_it_was_saved(shared: SqliteStore, before: Account, after: Account) -> None:
    with shared.begin() as unit:
        unit.accounts.add(before)
        unit.accounts.save(after)
        assert unit.accounts.get("a") == after


@given(accounts, accounts)
def test_saving_what_another_unit_loaded_writes_it_all(
    shared: SqliteStore, before: Account, after: Account
) -> None:
    with shared.begin() as unit:
        unit.accounts.add(before)
        unit.accounts.make_due(START, states=())
        unit.accounts.save(after)
        assert unit.accounts.get("a") == after


def test_half_a_surrogate_pair_from_a_provider_does_not_stop_a_save(store: SqliteStore) -> None:
    keep(store, an_account(provider_error="cut \ud83d", subject="\udfff", claims="\ud800"))
    with store.read() as unit:
        kept = unit.accounts.get("a")
    assert kept is not None
    assert (kept.provider_error, kept.subject, kept.claims) == ("cut ?", "?", "?")


def test_an_account_that_is_not_there(store: SqliteStore) -> None:
    with store.begin() as unit:
        assert unit.accounts.get("a") is None
        assert unit.accounts.find("a@example.com") is None
        unit.accounts.remove("a")
        with pytest.raises(NotFound, match=r"a@example\.com"):
            unit.accounts.save(an_account())


def test_one_mailbox_has_one_account_of_a_provider(store: SqliteStore) -> None:
    keep(store, an_account("a", "Ann.Müller@Example.com"))
    with store.begin() as unit:
        with pytest.raises(AlreadyExists, match="ANN"):
            unit.accounts.add(an_account("b", " ANN.MÜLLER@example.COM "))
        unit.accounts.add(an_account("c", "ann.müller@example.com", provider=Provider.OTHER))
        with pytest.raises(AlreadyExists):
            unit.accounts.save(an_account("c", "ann.müller@example.com"))
        unit.commit()
    with store.read() as unit:
        assert unit.accounts.count() == 2


@pytest.mark.parametrize(
    "spelling", ["ann.müller@example.com", " ANN.MÜLLER@EXAMPLE.COM\n", "Ann.MüLLer@example.com"]
)
def test_find_does_not_regard_case(store: SqliteStore, spelling: str) -> None:
    ann = an_account("a", "Ann.Müller@Example.com")
    keep(store, ann, an_account("b"))
    with store.read() as unit:
        assert unit.accounts.find(spelling) == ann
        assert unit.accounts.find(spelling, Provider.GOOGLE) == ann
        assert unit.accounts.find(spelling, Provider.OTHER) is None


def test_find_gives_the_oldest_where_several_providers_have_the_mailbox(store: SqliteStore) -> None:
    keep(
        store,
        an_account("young", "ann@x.example", created_at=START),
        an_account("old", "ann@x.example", created_at=START - timedelta(days=1), provider=Provider.OTHER),
    )
    with store.read() as unit:
        found = unit.accounts.find("ann@x.example")
    assert found is not None
    assert found.id == "old"


def test_removing_an_account_removes_its_grant_and_episodes_and_no_others(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b"))
    with store.begin() as unit:
        for one in ("a", "b"):
            unit.grants.put(one, 1, b"sealed")
            unit.episodes.add(an_episode("of " + one, one))
        unit.accounts.remove("a")
        unit.commit()
    with store.read() as unit:
        assert unit.accounts.get("a") is None
        assert unit.grants.get("a") is None
        assert unit.episodes.open_of("a") is None
        assert unit.grants.get("b") == (1, b"sealed")
        assert unit.episodes.open_of("b") is not None


def test_ids_by_address_and_by_state(store: SqliteStore) -> None:
    keep(store, *(an_account(f"id {state}", f"{state}@x.example", state=state) for state in STORED))
    with store.read() as unit:
        assert unit.accounts.ids() == [f"id {state}" for state in sorted(STORED)]
        assert unit.accounts.ids(states=(State.PAUSED, State.EXPIRED)) == ["id expired", "id paused"]
        assert unit.accounts.ids(states=(State.SIGNING_IN,)) == []


def test_due_gives_the_longest_waiting_first(store: SqliteStore) -> None:
    def waits(name: str, seconds: float | None) -> Account:
        at = None if seconds is None else START + timedelta(seconds=seconds)
        return an_account(name, next_check_at=at)

    keep(
        store, waits("soon", 1), waits("now", 0), waits("late", -50), waits("later", -5), waits("never", None)
    )
    with store.read() as unit:
        assert unit.accounts.due(START, 10) == ["late", "later", "now"]
        assert unit.accounts.due(START, 2) == ["late", "later"]
        assert unit.accounts.due(START - timedelta(hours=1), 10) == []
        assert unit.accounts.next_due_at() == START - timedelta(seconds=50)


def test_nothing_is_due_where_there_is_nothing(store: SqliteStore) -> None:
    with store.read() as unit:
        assert unit.accounts.next_due_at() is None
        assert unit.accounts.due(START, 10) == []


def test_stale_are_connected_accounts_whose_proof_is_old_or_missing(store: SqliteStore) -> None:
    old = START - timedelta(hours=1)
    keep(
        store,
        an_account("fresh"),
        an_account("old", proven_at=old),
        an_account("missing", proven_at=None),
        an_account("expired", proven_at=old, state=State.EXPIRED),
    )
    with store.read() as unit:
        assert sorted(unit.accounts.stale(START - timedelta(minutes=30), 10)) == ["missing", "old"]
        assert unit.accounts.stale(old, 10) == ["missing"]
        assert len(unit.accounts.stale(START + timedelta(hours=1), 2)) == 2


def due_times(store: SqliteStore) -> dict[str, float | None]:
    """Seconds from START until each account is due."""
    with store.read() as unit:
        found = [unit.accounts.get(one) for one in unit.accounts.ids()]
    return {
        one.id: None if one.next_check_at is None else (one.next_check_at - START).total_seconds()
        for one in found
        if one
    }


def test_ten_thousand_accounts_do_not_fire_at_once(store: SqliteStore) -> None:
    keep(
        store,
        *(an_account(f"{n:032x}", next_check_at=START - timedelta(hours=8)) for n in range(2_000)),
        an_account("paused", state=State.PAUSED, next_check_at=None),
        an_account("expired", state=State.EXPIRED, next_check_at=START + timedelta(hours=1)),
    )
    with store.begin() as unit:
        made = unit.accounts.make_due(START, states=(State.CONNECTED, State.AT_RISK), spread_s=20.0)
        unit.commit()
    assert made == 2_000
    when = due_times(store)
    assert when.pop("paused") is None
    assert when.pop("expired") == 3600
    seconds = [int(at) for at in when.values() if at is not None]
    in_each = [seconds.count(second) for second in range(20)]
    assert sum(in_each) == 2_000
    assert max(in_each) < 2 * 2_000 / 20


def test_make_due_puts_nobody_off_and_is_the_same_each_time(store: SqliteStore) -> None:
    keep(store, an_account("soon", next_check_at=START + timedelta(microseconds=1)), an_account("far"))
    for _ in range(2):
        with store.begin() as unit:
            assert unit.accounts.make_due(START, states=(State.CONNECTED,), spread_s=600.0) == 2
            unit.commit()
        first = due_times(store)
        assert first["soon"] == 1e-6
        assert first["far"] is not None
        assert 0 <= first["far"] < 600
    assert due_times(store) == first


def test_make_due_without_spread_is_now(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b", state=State.EXPIRED))
    with store.begin() as unit:
        unit.accounts.make_due(START, states=(State.CONNECTED,))
        unit.commit()
    assert due_times(store) == {"a": 0, "b": 900}


def test_make_due_leaves_alone_what_only_a_person_can_mend(store: SqliteStore) -> None:
    wrong = an_account(state=State.EXPIRED, cause=Cause.WRONG_PASSWORD, next_check_at=None)
    keep(store, wrong)
    with store.begin() as unit:
        assert unit.accounts.make_due(START, states=(State.EXPIRED,)) == 0
        unit.commit()
    assert due_times(store) == {"a": None}


def test_make_due_lets_a_provider_wait_that_asked_to(store: SqliteStore) -> None:
    keep(store, an_account(state=State.AT_RISK, cause=Cause.THROTTLED))
    with store.begin() as unit:
        assert unit.accounts.make_due(START, states=(State.AT_RISK,)) == 0
        unit.commit()
    assert due_times(store) == {"a": 900}


def test_what_is_saved_after_make_due_is_what_is_kept(store: SqliteStore) -> None:
    keep(store, an_account())
    with store.begin() as unit:
        before = unit.accounts.get("a")
        assert before is not None
        unit.accounts.make_due(START, states=(State.CONNECTED,))
        unit.accounts.save(replace(before, failures=3))
        unit.commit()
    assert due_times(store) == {"a": 900}


def test_count(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b"), an_account("c", provider=Provider.OTHER))
    with store.read() as unit:
        assert unit.accounts.count() == 3
        assert unit.accounts.count(Provider.GOOGLE) == 2
        assert unit.accounts.count(Provider.MICROSOFT) == 0
        assert not unit.accounts.is_used("a")


# Grants


def test_a_newer_grant_takes_the_place_of_the_older(store: SqliteStore) -> None:
    keep(store, an_account())
    with store.begin() as unit:
        assert unit.grants.get("a") is None
        unit.grants.put("a", 1, b"one")
        unit.grants.put("a", 1, b"one, rotated")
        assert unit.grants.get("a") == (1, b"one, rotated")
        unit.grants.put("a", 2, b"two")
        assert unit.grants.get("a") == (2, b"two")


def test_a_late_answer_of_an_old_grant_never_replaces_the_new_one(store: SqliteStore) -> None:
    keep(store, an_account())
    with store.begin() as unit:
        unit.grants.put("a", 2, b"new")
        unit.grants.put("a", 1, b"late")
        assert unit.grants.get("a") == (2, b"new")


def test_a_grant_of_an_account_that_is_gone_is_refused(store: SqliteStore) -> None:
    with store.begin() as unit, pytest.raises(NotFound):
        unit.grants.put("gone", 1, b"sealed")


def test_any_gives_what_was_sealed_last(store: SqliteStore, clock: FakeClock) -> None:
    with store.read() as unit:
        assert unit.grants.any() is None
    for name in ("a", "b"):
        clock.advance(1)
        keep(store, an_account(name))
        with store.begin() as unit:
            unit.grants.put(name, 1, name.encode())
            unit.commit()
    clock.advance(1)
    with store.begin() as unit:
        assert unit.grants.any() == b"b"
        unit.grants.put("a", 1, b"a, rotated")
        assert unit.grants.any() == b"a, rotated"


# Episodes


@given(episodes)
def test_an_episode_comes_back_as_it_was(shared: SqliteStore, episode: Episode) -> None:
    episode = replace(episode, ended_at=None)
    with shared.begin() as unit:
        unit.accounts.add(an_account())
        unit.episodes.add(episode)
        assert unit.episodes.open_of("a") == episode


def test_an_account_has_one_open_episode_at_most(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b"))
    with store.begin() as unit:
        unit.episodes.add(an_episode("one"))
        unit.episodes.add(an_episode("other's", "b"))
        with pytest.raises(AlreadyExists):
            unit.episodes.add(an_episode("two"))
        unit.episodes.close(replace(an_episode("one"), ended_at=START, ending=Ending.RECONNECTED))
        assert unit.episodes.open_of("a") is None
        unit.episodes.add(an_episode("two"))
        assert unit.episodes.open_of("a") == an_episode("two")


def test_what_tells_of_an_accounts_grants(store: SqliteStore, path: Path) -> None:
    keep(store, an_account("a"), an_account("b"))
    day = timedelta(days=1)

    def past(name: str, days: int, ending: Ending, color: Color = Color.RED) -> Episode:
        began = START + days * day
        return an_episode(name, color=color, started_at=began, ended_at=began + day, ending=ending)

    dead = past("dead", 0, Ending.CAUSE_CHANGED)
    blocked = past("blocked", 1, Ending.RECONNECTED)
    warned = past("warned", 3, Ending.RECONNECTED, Color.ORANGE)
    network = past("network", 5, Ending.CHECK_SUCCEEDED, Color.ORANGE)
    lasts = an_episode("lasts", started_at=START + 6 * day)
    with store.begin() as unit:
        for episode in (warned, network, blocked, dead):
            unit.episodes.add(replace(episode, ended_at=None, ending=None))
            unit.episodes.close(episode)
        unit.episodes.add(lasts)
        unit.episodes.add(an_episode("other's", "b"))
        assert unit.episodes.of_grants("a") == [dead, blocked, warned, lasts]
        assert unit.episodes.of_grants("a", 2) == [warned, lasts]
    assert "ix_episodes_account_id_started_at (account_id=?)" in plan(path, _Episode.of_grants)


def test_an_episode_that_is_not_there_cannot_be_closed(store: SqliteStore) -> None:
    keep(store, an_account())
    with store.begin() as unit:
        with pytest.raises(NotFound):
            unit.episodes.close(an_episode(ended_at=START, ending=Ending.PAUSED))
        with pytest.raises(NotFound):
            unit.episodes.add(an_episode(account_id="gone"))


# App faults


def test_app_faults_by_key_the_oldest_first(store: SqliteStore) -> None:
    vault = AppFault("vault:locked", None, Cause.VAULT_LOCKED, None, START, 5)
    google = AppFault(
        "google:app_rejected", Provider.GOOGLE, Cause.APP_REJECTED, "invalid_client", START - timedelta(1), 2
    )
    with store.begin() as unit:
        assert unit.app_faults.open() == []
        unit.app_faults.put(vault)
        unit.app_faults.put(google)
        assert unit.app_faults.open() == [google, vault]
        unit.app_faults.put(replace(vault, accounts=9, provider_error="x"))
        assert unit.app_faults.open() == [google, replace(vault, accounts=9, provider_error="x")]
        unit.app_faults.remove("google:app_rejected")
        unit.app_faults.remove("never there")
        assert [fault.key for fault in unit.app_faults.open()] == ["vault:locked"]


# Settings


def test_settings(store: SqliteStore) -> None:
    with store.begin() as unit:
        assert unit.settings.get("general.theme") is None
        unit.settings.put("general.theme", '"dark"')
        unit.settings.put("general.theme", '"light"')
        assert unit.settings.get("general.theme") == '"light"'
        unit.settings.put("general.keep_running", "true")
        unit.settings.put("GENERAL.x", "1")
        assert unit.settings.starting("general.") == {
            "general.keep_running": "true",
            "general.theme": '"light"',
        }
        assert unit.settings.starting("general._") == {}
        unit.settings.remove("general.theme")
        unit.settings.remove("never there")
        assert unit.settings.get("general.theme") is None
