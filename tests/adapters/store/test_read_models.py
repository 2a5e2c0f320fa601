import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.read_models import _list, _sent_by, _sent_by_all
from reply_desktop.adapters.store.repositories import _Account
from reply_desktop.domain.account import Account, connect
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import SORTS, AccountFilter, AccountRow, AppFault
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import SEVERITY, STORED, Color, State
from reply_desktop.domain.touch import COUNTS_AS_SENT, TouchState
from tests.adapters.store.nouns import (
    a_notification,
    a_sequence,
    a_touch,
    an_account,
    an_entry,
    an_episode,
)
from tests.adapters.store.plans import plan
from tests.fakes.clock import START, FakeClock

DAY = timedelta(days=1)


def keep(store: SqliteStore, *accounts: Account) -> None:
    with store.begin() as unit:
        for account in accounts:
            unit.accounts.add(account)
        unit.commit()


def some_of_each() -> list[Account]:
    """Accounts of every state, provider and a few causes, in no order; addresses repeat across providers."""
    chosen = itertools.product(STORED, Provider, (None, Cause.OFFLINE, Cause.GRANT_REVOKED))
    return [
        an_account(
            f"id{number * 37 % 101:03}",
            f"Person{number * 53 % 101:03}@{'Über' if number % 2 else 'Example'}.com",
            state=state,
            provider=provider,
            cause=cause,
            proven_at=START - timedelta(seconds=number * 17 % 7) if number % 5 else None,
            next_check_at=START + timedelta(seconds=number * 13 % 7) if number % 4 else None,
        )
        for number, (state, provider, cause) in enumerate(chosen)
    ]


def in_order(accounts: list[Account], wanted: AccountFilter) -> list[str]:
    """The same told by Python: filtered, sorted, what lacks a value last, ties by address."""
    text = wanted.text.strip().casefold()
    found = [
        one
        for one in accounts
        if (not wanted.states or one.state in wanted.states)
        and (not wanted.providers or one.provider in wanted.providers)
        and (text in one.address.casefold() or (one.cause is not None and text in one.cause))
    ]
    found.sort(key=lambda one: one.address.casefold(), reverse=wanted.sort == "address" and wanted.descending)
    keys: dict[str, Callable[[Account], object]] = {
        "severity": lambda one: SEVERITY.index(one.state),
        "provider": lambda one: one.provider.value,
        "cause": lambda one: one.cause and one.cause.value,
        "proven_at": lambda one: one.proven_at,
        "next_check_at": lambda one: one.next_check_at,
    }
    if wanted.sort in keys:
        key = keys[wanted.sort]
        have = [one for one in found if key(one) is not None]
        have.sort(key=key, reverse=wanted.descending)  # type: ignore[arg-type]
        found = have + [one for one in found if key(one) is None]
    return [one.id for one in found]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    "narrowed",
    [
        AccountFilter(),
        AccountFilter(text="ÜBER"),
        AccountFilter(text="  person01 "),
        AccountFilter(text="revoked"),
        AccountFilter(text="%"),
        AccountFilter(text="_"),
        AccountFilter(states=(State.EXPIRED, State.CONNECTED)),
        AccountFilter(providers=(Provider.OTHER,)),
        AccountFilter("REVOKED", (State.BLOCKED, State.NEW), (Provider.GOOGLE, Provider.MICROSOFT)),
        AccountFilter(states=(State.SIGNING_IN,)),
    ],
    ids=lambda one: f"{one.text}{'+'.join([*one.states, *one.providers])}",
)
def test_the_list_is_filtered_and_sorted(
    store: SqliteStore, sort: str, descending: bool, narrowed: AccountFilter
) -> None:
    accounts = some_of_each()
    keep(store, *accounts)
    wanted = replace(narrowed, sort=sort, descending=descending)
    assert store.reads.account_ids(wanted) == in_order(accounts, wanted)


def test_a_sort_that_is_none_is_refused(store: SqliteStore) -> None:
    with pytest.raises(InvalidInput, match="severity"):
        store.reads.account_ids(AccountFilter(sort="id; DROP TABLE accounts"))


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_every_sort_reads_an_index_and_not_the_rows(
    store: SqliteStore, path: Path, sort: str, descending: bool
) -> None:
    told = plan(path, _list(sort, descending, text=False, states=False, providers=False))
    assert "USING COVERING INDEX" in told
    assert "USE TEMP B-TREE FOR ORDER BY" not in told


def test_the_sweep_finds_what_is_due_by_an_index(store: SqliteStore, path: Path) -> None:
    for statement in (_Account.due, _Account.stale, _Account.next_due, _Account.get, _Account.find):
        told = plan(path, statement)
        assert "SEARCH" in told
        assert "SCAN" not in told


def test_rows_come_in_the_order_asked_for_and_the_missing_are_left_out(store: SqliteStore) -> None:
    keep(store, *(an_account(f"{n}") for n in range(1200)))
    wanted = [str(n) for n in reversed(range(1200))]
    assert [row.id for row in store.reads.account_rows([*wanted, "gone"])] == wanted
    assert [row.id for row in store.reads.account_rows(["7", "gone", "3"])] == ["7", "3"]
    assert store.reads.account_rows([]) == []


def test_a_row_carries_what_the_account_is(store: SqliteStore) -> None:
    account = an_account(
        "a",
        "Ann@Example.com",
        provider=Provider.MICROSOFT,
        state=State.EXPIRED,
        cause=Cause.GRANT_REVOKED,
        provider_error="AADSTS50173",
        deadline_at=START + DAY,
        scopes=("openid", "Mail.Send"),
        daily_limit=70,
    )
    keep(store, account)
    assert store.reads.account_rows(["a"]) == [
        AccountRow(
            "a",
            Provider.MICROSOFT,
            "Ann@Example.com",
            State.EXPIRED,
            Cause.GRANT_REVOKED,
            "AADSTS50173",
            account.proven_at,
            account.checked_at,
            account.next_check_at,
            START + DAY,
            ("openid", "Mail.Send"),
            (),
            0,
            70,
            "g" * 30,
        )
    ]


def test_a_row_tells_what_was_sent_in_the_last_day(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b"))
    with store.begin() as unit:
        for number, state in enumerate(TouchState):
            unit.touches.add(a_touch(f"{number}", f"e{number}", state=state))
        unit.touches.add(a_touch("old", "e9", reserved_at=START - DAY))
        unit.touches.add(a_touch("just", "e9", "step2", reserved_at=START - DAY + timedelta(microseconds=1)))
        unit.commit()
    sent = {row.id: row.sent_today for row in store.reads.account_rows(["a", "b"])}
    assert sent == {"a": len(COUNTS_AS_SENT) + 1, "b": 0}


@pytest.mark.parametrize(
    ("descending", "expected"),
    [(True, ["d", "b", "e", "a", "c", "f"]), (False, ["a", "c", "f", "b", "e", "d"])],
)
def test_the_list_is_sorted_by_what_was_sent(
    store: SqliteStore, descending: bool, expected: list[str]
) -> None:
    keep(store, *(an_account(one) for one in "fedcba"))
    with store.begin() as unit:
        for number, account_id in enumerate(["b", "d", "e", "d", "gone"]):
            unit.touches.add(a_touch(f"{number}", f"e{number}", account_id=account_id))
        unit.touches.add(a_touch("old", "e9", account_id="c", reserved_at=START - 2 * DAY))
        unit.touches.add(a_touch("failed", "e8", account_id="a", state=TouchState.FAILED))
        unit.commit()
    wanted = AccountFilter(sort="sent_today", descending=descending)
    assert store.reads.account_ids(wanted) == expected
    assert store.reads.account_ids(replace(wanted, text="d@")) == ["d"]


def test_what_was_sent_is_counted_by_an_index(store: SqliteStore, path: Path) -> None:
    assert "COVERING INDEX ix_touches_counted_reserved_at (reserved_at>?)" in plan(path, _sent_by_all)
    assert "COVERING INDEX ix_touches_counted (account_id=? AND reserved_at>?)" in plan(path, _sent_by)


def test_a_row_names_the_sequences_that_are_on_and_use_it(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b"))
    on = {"running": SequenceStatus.RUNNING, "Alpha": SequenceStatus.SCHEDULED}
    with store.begin() as unit:
        for name, status in (on | {"off": SequenceStatus.PAUSED, "draft": SequenceStatus.DRAFT}).items():
            unit.sequences.add(a_sequence(name, name, status=status, accounts=("a",)))
        unit.commit()
    used = {row.id: row.used_by for row in store.reads.account_rows(["a", "b"])}
    assert used == {"a": ("Alpha", "running"), "b": ()}


def test_the_bell_leads_to_the_log_that_tells_of_the_same_trouble(store: SqliteStore) -> None:
    with store.begin() as unit:
        for name in "st":
            unit.sequences.add(a_sequence(name))
        unit.log.add([an_entry(key="e"), an_entry(key="e", sequence_id="t"), an_entry(key="other")])
        unit.notifications.add(a_notification("1", key="e"))
        unit.notifications.add(a_notification("2", key="nowhere"))
        unit.commit()
    assert {row.id: row.sequence_id for row in store.reads.notifications(9)} == {"1": "t", "2": None}
    with store.begin() as unit:
        unit.sequences.remove("t")
        unit.commit()
    assert {row.id: row.sequence_id for row in store.reads.notifications(9)} == {"1": "s", "2": None}


def test_the_strip_shows_each_accounts_own_trouble(store: SqliteStore) -> None:
    keep(store, an_account("a"), an_account("b"), an_account("new", granted_at=None, generation=0))
    over = {"ended_at": START - 3 * DAY, "ending": Ending.RECONNECTED}
    with store.begin() as unit:
        unit.episodes.add(an_episode("1", "a", started_at=START - 5 * DAY, **over))
        unit.episodes.add(an_episode("2", "a", started_at=START - DAY, color=Color.ORANGE))
        unit.episodes.add(an_episode("3", "b", started_at=START - 60 * DAY))
        unit.commit()
    strips = {row.id: row.strip for row in store.reads.account_rows(["a", "b", "new"])}
    assert strips == {"a": "g" * 24 + "rrr" + "g" + "oo", "b": "r" * 30, "new": "-" * 30}


def test_episodes_that_ended_long_ago_are_not_read_for_the_strip(store: SqliteStore, path: Path) -> None:
    keep(store, an_account())
    with store.begin() as unit:
        for n in range(40, 400):
            at = START - n * DAY
            unit.episodes.add(an_episode(f"{n}", started_at=at, ended_at=at, ending=Ending.CHECK_SUCCEEDED))
        unit.commit()
    assert store.reads.account_rows(["a"])[0].strip == "g" * 30
    from reply_desktop.adapters.store.read_models import _spans

    told = plan(path, _spans)
    assert "ix_episodes_account_id_ended_at (account_id=? AND ended_at>?)" in told
    assert "SCAN episodes" not in told


def test_reconnecting_does_not_wipe_the_strip(store: SqliteStore, clock: FakeClock) -> None:
    keep(store, an_account(granted_at=START - 9 * DAY))
    with store.begin() as unit:
        before = unit.accounts.get("a")
        assert before is not None
        unit.accounts.save(connect(before, subject=None, scopes=(), now=START))
        unit.commit()
    assert store.reads.account_rows(["a"])[0].strip == "-" * 20 + "g" * 10


def test_the_first_grant_of_an_account_that_was_added_without_one(store: SqliteStore) -> None:
    keep(store, an_account(state=State.NEW, granted_at=None, generation=0))
    with store.begin() as unit:
        before = unit.accounts.get("a")
        assert before is not None
        unit.accounts.save(connect(before, subject=None, scopes=(), now=START - 2 * DAY))
        unit.commit()
    assert store.reads.account_rows(["a"])[0].strip == "-" * 27 + "ggg"


def test_detail_has_the_timeline_newest_first(store: SqliteStore) -> None:
    servers = MailServers(MailServer("smtp.x.example", 465, Security.TLS))
    keep(store, an_account(provider=Provider.OTHER, servers=servers), an_account("b"))
    with store.begin() as unit:
        unit.episodes.add(
            an_episode("1", started_at=START - 2 * DAY, ended_at=START - DAY, ending=Ending.RECONNECTED)
        )
        unit.episodes.add(an_episode("2", cause=Cause.WRONG_PASSWORD, provider_error="535 5.7.8"))
        unit.episodes.add(an_episode("3", "b"))
        unit.commit()
    detail = store.reads.account_detail("a")
    assert detail is not None
    assert detail.servers == servers
    assert (detail.created_at, detail.granted_at) == (START - 100 * DAY, START - 100 * DAY)
    assert detail.row == store.reads.account_rows(["a"])[0]
    assert [(one.cause, one.started_at, one.ended_at, one.ending) for one in detail.episodes] == [
        (Cause.WRONG_PASSWORD, START, None, None),
        (Cause.GRANT_REVOKED, START - 2 * DAY, START - DAY, "reconnected"),
    ]
    assert detail.episodes[0].provider_error == "535 5.7.8"
    assert store.reads.account_detail("gone") is None


def test_the_summary_of_nothing(store: SqliteStore) -> None:
    summary = store.reads.summary()
    assert summary.worst is None
    assert set(summary.counts.values()) == {0}
    assert set(summary.counts) == set(State)
    assert (summary.needs_person, summary.red, summary.unread, summary.app_faults) == (0, (), 0, ())


def test_the_summary_counts_and_names_the_worst_first(store: SqliteStore) -> None:
    accounts = some_of_each()
    keep(store, *accounts)
    fault = AppFault("vault:x", None, Cause.VAULT_LOCKED, None, START, 3)
    with store.begin() as unit:
        unit.notifications.add(a_notification("1"))
        unit.notifications.add(a_notification("2", read_at=START))
        unit.app_faults.put(fault)
        unit.commit()
    summary = store.reads.summary()
    assert summary.counts == {state: 9 if state in STORED else 0 for state in State}
    assert summary.worst is State.EXPIRED
    assert summary.needs_person == 18
    wanted = AccountFilter(states=(State.EXPIRED, State.BLOCKED))
    assert [row.id for row in summary.red] == in_order(accounts, wanted)
    assert summary.unread == 1
    assert summary.app_faults == (fault,)


def test_the_summary_names_fifty_red_accounts_at_most(store: SqliteStore) -> None:
    keep(
        store,
        *(an_account(f"blocked{n:02}", state=State.BLOCKED) for n in range(30)),
        *(an_account(f"expired{n:02}", state=State.EXPIRED) for n in range(30)),
    )
    summary = store.reads.summary()
    assert summary.needs_person == 60
    assert [row.id for row in summary.red] == [f"expired{n:02}" for n in range(30)] + [
        f"blocked{n:02}" for n in range(20)
    ]


def test_paused_accounts_never_count_as_worst(store: SqliteStore) -> None:
    keep(store, an_account("a", state=State.PAUSED))
    assert store.reads.summary().worst is None
    keep(store, an_account("b", state=State.NEW))
    assert store.reads.summary().worst is State.NEW
    keep(store, an_account("c", state=State.AT_RISK))
    assert store.reads.summary().worst is State.AT_RISK


def test_the_bell_lists_the_newest_first_page_by_page(store: SqliteStore) -> None:
    with store.begin() as unit:
        for n in range(5):
            at = START + timedelta(seconds=n)
            read = {"read_at": START} if n == 3 else {}
            unit.notifications.add(a_notification(f"{n}", key=f"k{n}", at=at, **read))
        unit.notifications.withdraw("4", START)
        unit.commit()
    first = store.reads.notifications(2)
    assert [(row.id, row.read, row.withdrawn) for row in first] == [("4", False, True), ("3", True, False)]
    assert (first[0].key, first[0].account_id, first[0].title) == ("k4", "a", "ann@example.com cannot send")
    assert [row.id for row in store.reads.notifications(2, first[-1].at)] == ["2", "1"]
    assert [row.id for row in store.reads.notifications(2, START)] == []


def test_entries_of_the_same_moment_are_listed_the_last_added_first(store: SqliteStore) -> None:
    with store.begin() as unit:
        for name in ("b", "a", "c"):
            unit.notifications.add(a_notification(name))
        unit.commit()
    assert [row.id for row in store.reads.notifications(9)] == ["c", "a", "b"]


def test_a_page_of_the_bell_ends_with_a_whole_moment(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.notifications.add(a_notification("old", at=START - timedelta(seconds=1)))
        for n in range(5):
            unit.notifications.add(a_notification(f"{n}"))
        unit.notifications.add(a_notification("new", at=START + timedelta(seconds=1)))
        unit.commit()
    first = store.reads.notifications(3)
    assert [row.id for row in first] == ["new", "4", "3", "2", "1", "0"]
    assert [row.id for row in store.reads.notifications(3, first[-1].at)] == ["old"]
