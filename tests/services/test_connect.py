"""Sign-ins: the right mailbox is stored whole, anything else changes nothing, and the ending is told."""

import threading
from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ConsentFailed, InvalidInput, NotConfigured, NotFound
from reply_desktop.domain.grant import Identity, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.services.ports import Redeemed
from tests.fakes.listener import FakeListener
from tests.fakes.world import READ, SEND, World


class Ended:
    """Waits for the end of sign-ins."""

    def __init__(self, world: World) -> None:
        self._all: list[events.ConsentEnded] = []
        self._more = threading.Condition()
        world.bus.listen(self._on_event)

    def _on_event(self, event: events.Event) -> None:
        if isinstance(event, events.ConsentEnded):
            with self._more:
                self._all.append(event)
                self._more.notify_all()

    def of(self, consent_id: str) -> events.ConsentEnded:
        def found() -> events.ConsentEnded | None:
            return next((one for one in self._all if one.consent_id == consent_id), None)

        with self._more:
            assert self._more.wait_for(found, 30)
        end = found()
        assert end is not None
        return end


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ended(world: World) -> Ended:
    return Ended(world)


def red(world: World) -> None:
    world.add(state=State.CONNECTED)
    world.google.answer(Outcome(Cause.GRANT_REVOKED))
    world.health.check_now("ana")
    assert world.account().state is State.EXPIRED
    world.google.answer(PROVEN)
    world.clock.advance(60)


def reconnect(world: World) -> tuple[str, FakeListener]:
    opened = world.connect.begin(None, world.account(), None)
    return opened.consent_id, world.listeners[-1]


def test_reconnect_mends_the_same_row_by_a_real_check(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("Ana@Example.com", "sub-ana")
    consent_id, listener = reconnect(world)
    assert world.google.begun == [("http://127.0.0.1:4711/google", "ana@example.com", None)]
    shown = [e.row.state for e in world.events if isinstance(e, events.AccountChanged)]
    assert shown[-1] is State.SIGNING_IN
    probes = len(world.google.probes)
    listener.answer(code="c", state="st")
    end = ended.of(consent_id)
    ana = world.account()
    assert (end.end, end.account_id) == (ConsentEnd.CONNECTED, "ana")
    assert (ana.state, ana.generation, ana.subject, ana.scopes) == (State.CONNECTED, 2, "sub-ana", (SEND,))
    assert len(world.google.probes) == probes + 1
    assert world.stored() == (2, TokenSet("new-refresh", "new-access", scopes=(SEND,)))
    assert listener.closed and listener.pages[0][2]


def test_recovery_is_told_once_and_the_alert_withdrawn(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("ana@example.com")
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st")
    ended.of(consent_id)
    kinds = [n.kind for n in world.store.tables.notifications.values()]
    assert kinds == ["account_lost", "account_recovered"]
    assert len(world.of(events.NotificationWithdrawn)) == 1
    assert [e.ending for e in world.store.tables.episodes.values()] == ["reconnected"]


def test_wrong_account_stores_nothing_and_names_both(world: World, ended: Ended) -> None:
    red(world)
    before, grant = world.account(), world.store.tables.grants["ana"]
    world.google.signs_in("ben@example.com", "sub-ben")
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st")
    end = ended.of(consent_id)
    assert (end.end, end.expected, end.got) == (
        ConsentEnd.WRONG_ACCOUNT,
        "ana@example.com",
        "ben@example.com",
    )
    assert "ana@example.com" in end.text and "ben@example.com" in end.text
    assert world.account() == before and world.store.tables.grants["ana"] == grant
    assert len(world.store.tables.accounts) == 1
    assert not listener.pages[0][2]


def test_a_renamed_mailbox_is_known_by_its_subject(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("ana.new@example.com", "sub-ana")
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st")
    assert ended.of(consent_id).end == ConsentEnd.CONNECTED
    assert world.account().address == "ana@example.com"


def test_new_account(world: World, ended: Ended) -> None:
    world.google.signs_in("New@Example.com", "sub-new")
    opened = world.connect.begin(Provider.GOOGLE, None, None)
    world.listeners[-1].answer(code="c", state="st")
    end = ended.of(opened.consent_id)
    (account,) = world.store.tables.accounts.values()
    assert (end.account_id, account.address, account.state) == (
        account.id,
        "new@example.com",
        State.CONNECTED,
    )


def test_adding_a_known_mailbox_mends_its_row(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("ana@example.com", "sub-ana")
    opened = world.connect.begin(Provider.GOOGLE, None, None)
    world.listeners[-1].answer(code="c", state="st")
    assert ended.of(opened.consent_id).account_id == "ana"
    assert list(world.store.tables.accounts) == ["ana"]


def test_login_hint_of_a_new_account_is_guarded_too(world: World, ended: Ended) -> None:
    world.google.signs_in("ben@example.com")
    opened = world.connect.begin(Provider.GOOGLE, None, "ana@example.com")
    world.listeners[-1].answer(code="c", state="st")
    assert ended.of(opened.consent_id).end == ConsentEnd.WRONG_ACCOUNT
    assert world.store.tables.accounts == {}


@pytest.mark.parametrize(
    ("answer", "redeemed", "end"),
    [
        ({"error": "access_denied"}, Outcome(Cause.CONSENT_MISSING), ConsentEnd.DENIED),
        ({"error": "access_denied"}, Outcome(Cause.ADMIN_CONSENT), ConsentEnd.FAILED),
        ({"error": "server_error"}, Outcome(Cause.PROVIDER_TROUBLE), ConsentEnd.FAILED),
        ({"code": "c"}, Outcome(Cause.SCOPE_MISSING), ConsentEnd.SCOPE_MISSING),
        ({"code": "c"}, Outcome(Cause.UNREACHABLE), ConsentEnd.FAILED),
        ({"code": "c"}, PROVEN, ConsentEnd.FAILED),
    ],
)
def test_refusals_store_nothing_and_the_page_says_so(
    world: World, ended: Ended, answer: dict[str, str], redeemed: Outcome, end: ConsentEnd
) -> None:
    red(world)
    before = world.account()
    world.google.redeemed = Redeemed(redeemed)
    consent_id, listener = reconnect(world)
    listener.answer(state="st", **answer)
    assert ended.of(consent_id).end == end
    assert world.account() == before
    ((title, text, good),) = listener.pages
    assert not good and title and text and "done" not in (title + text).lower()


def test_iss_of_another_server_is_refused_before_the_exchange(world: World, ended: Ended) -> None:
    red(world)
    world.google.issuer = "https://accounts.google.com"
    world.google.signs_in("ana@example.com")
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st", iss="https://evil.example")
    assert ended.of(consent_id).end == ConsentEnd.FAILED
    assert world.account().generation == 1


def test_cancel_and_time_out(world: World, ended: Ended) -> None:
    red(world)
    first, _ = reconnect(world)
    world.connect.cancel(first)
    assert ended.of(first).end == ConsentEnd.CANCELLED
    with pytest.raises(NotFound):
        world.connect.cancel(first)
    second, listener = reconnect(world)
    listener.time_out()
    assert ended.of(second).end == ConsentEnd.TIMED_OUT
    assert world.account().state is State.EXPIRED


def test_what_the_page_said_is_kept_when_only_others_can_fix_it(world: World, ended: Ended) -> None:
    red(world)
    consent_id, _ = reconnect(world)
    with pytest.raises(InvalidInput):
        world.connect.cancel(consent_id, "nonsense")
    world.connect.cancel(consent_id, Cause.ADMIN_CONSENT)
    ended.of(consent_id)
    assert (world.account().state, world.account().cause) == (State.BLOCKED, Cause.ADMIN_CONSENT)


def test_a_second_sign_in_for_the_row_replaces_the_first(world: World, ended: Ended) -> None:
    red(world)
    first, first_listener = reconnect(world)
    second, listener = reconnect(world)
    assert ended.of(first).end == ConsentEnd.CANCELLED and first_listener.closed
    world.google.signs_in("ana@example.com")
    listener.answer(code="c", state="st")
    assert ended.of(second).end == ConsentEnd.CONNECTED


def test_removed_meanwhile(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("ana@example.com")
    consent_id, listener = reconnect(world)
    world.accounts.remove(["ana"], revoke=False)
    listener.answer(code="c", state="st")
    assert ended.of(consent_id).end == ConsentEnd.FAILED
    assert world.store.tables.accounts == {}


def test_a_grant_that_cannot_be_stored_leaves_the_old_one(
    world: World, ended: Ended, expect_log: object
) -> None:
    expect_log("sign-in failed")  # type: ignore[operator]
    world.add()
    world.google.signs_in("ana@example.com")
    consent_id, listener = reconnect(world)
    world.store.fail_next_commit = RuntimeError("killed here")
    listener.answer(code="c", state="st")
    assert ended.of(consent_id).end == ConsentEnd.FAILED
    assert world.stored() == (1, TokenSet("refresh-1", "access-1"))
    assert world.health.check_now("ana").state is State.CONNECTED


def test_vault_locked_at_the_end_stores_nothing(world: World, ended: Ended) -> None:
    world.add()
    world.google.signs_in("ana@example.com")
    consent_id, listener = reconnect(world)
    world.vault.locked = True
    listener.answer(code="c", state="st")
    end = ended.of(consent_id)
    assert end.end == ConsentEnd.FAILED and "locked" in end.text
    world.vault.locked = False
    assert world.account().generation == 1 and world.stored()[0] == 1


def test_signed_in_but_blocked_says_so(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("ana@example.com")
    world.google.answer(Outcome(Cause.MAILBOX_DISABLED))
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st")
    end = ended.of(consent_id)
    assert end.end == ConsentEnd.FAILED and "cannot send" in end.text
    assert world.account().state is State.BLOCKED


def test_offline_right_after_sign_in_is_not_called_proven(world: World, ended: Ended) -> None:
    red(world)
    world.google.signs_in("ana@example.com")
    world.google.answer(Outcome(Cause.OFFLINE))
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st")
    assert "not yet proven" in ended.of(consent_id).text
    assert world.account().state is State.AT_RISK
    world.google.answer(PROVEN)
    world.health.check_now("ana")
    kinds = [n.kind for n in world.store.tables.notifications.values()]
    assert kinds == ["account_lost", "account_recovered"]


@pytest.mark.parametrize(
    "error", [NotConfigured("No client ID."), ConsentFailed("Google cannot be reached.")]
)
def test_a_sign_in_that_cannot_begin_leaves_no_listener(world: World, error: Exception) -> None:
    world.google.begin_error = error
    with pytest.raises(type(error)):
        world.connect.begin(Provider.GOOGLE, None, None)
    assert world.listeners[-1].closed


def test_other_accounts_have_no_sign_in(world: World) -> None:
    world.add(provider=Provider.OTHER)
    with pytest.raises(InvalidInput, match="Edit credentials"):
        world.connect.begin(None, world.account(), None)
    with pytest.raises(InvalidInput):
        world.connect.begin(None, None, None)


def test_claims_go_with_the_next_sign_in(world: World, ended: Ended) -> None:
    world.add()
    world.google.answer(Outcome(Cause.MFA_REQUIRED, claims='{"x":1}'))
    world.health.check_now("ana")
    reconnect(world)
    assert world.google.begun[-1][2] == '{"x":1}'
    world.connect.close()


def test_close_ends_all_and_leaves_no_thread(world: World) -> None:
    world.add()
    reconnect(world)
    world.connect.begin(Provider.MICROSOFT, None, None)
    world.connect.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("consent-")]
    assert all(listener.closed for listener in world.listeners)


def test_the_link_is_kept_out_of_repr(world: World) -> None:
    opened = world.connect.begin(Provider.GOOGLE, None, None)
    assert "state=" not in repr(opened)
    world.connect.close()


@pytest.mark.parametrize(
    ("scopes", "wanted", "asked"),
    [((SEND,), False, False), ((SEND,), True, True), ((SEND, READ), False, True), ((SEND, READ), True, True)],
)
def test_a_reconnect_asks_to_read_only_when_wanted_or_had(
    world: World, ended: Ended, scopes: tuple[str, ...], wanted: bool, asked: bool
) -> None:
    world.add(state=State.CONNECTED, scopes=scopes)
    account = world.account()
    for account_given, hint in ((account, None), (None, account.address)):
        opened = world.connect.begin(Provider.GOOGLE, account_given, hint, reading=wanted)
        assert world.google.asked_to_read[-1] is asked
        world.connect.cancel(opened.consent_id)
        ended.of(opened.consent_id)


@pytest.mark.parametrize(("scopes", "told"), [((SEND,), True), ((SEND, READ), False)])
def test_a_permission_to_read_that_was_not_given_is_said(
    world: World, ended: Ended, scopes: tuple[str, ...], told: bool
) -> None:
    world.add(state=State.CONNECTED)
    account = world.account()
    world.google.signs_in(account.address, scopes=scopes)
    opened = world.connect.begin(None, account, None, reading=True)
    world.listeners[-1].answer(code="x")
    end = ended.of(opened.consent_id)
    assert end.end == ConsentEnd.CONNECTED, "reading is a gift, not a condition"
    assert ("was not given" in end.text) is told
    assert world.account().scopes == scopes


def sign_in(world: World, ended: Ended, tokens: TokenSet | None = None) -> None:
    world.clock.advance(60)
    world.google.signs_in("ana@example.com", "sub-ana")
    if tokens is not None:
        world.google.redeemed = Redeemed(PROVEN, tokens, Identity("sub-ana", "ana@example.com"))
    consent_id, listener = reconnect(world)
    listener.answer(code="c", state="st")
    assert ended.of(consent_id).end == ConsentEnd.CONNECTED


def pass_time(world: World, span: timedelta, every: timedelta = timedelta(minutes=15)) -> None:
    """Time passes with the account being checked."""
    for _ in range(span // every):
        world.clock.advance(every)
        world.health.check_now("ana")


def test_an_end_that_is_learnt_is_told_once_before_it_breaks_and_a_new_sign_in_ends_that(
    world: World, ended: Ended
) -> None:
    world.add()
    pass_time(world, timedelta(hours=24))
    world.google.answer(Outcome(Cause.SIGN_IN_FREQUENCY))
    pass_time(world, timedelta(minutes=15))
    assert world.account().state is State.EXPIRED
    world.google.answer(PROVEN)
    sign_in(world, ended)
    ana = world.account()
    began = world.clock.now()
    assert (ana.state, ana.deadline_cause) == (State.CONNECTED, Cause.SIGN_IN_ENDS)
    assert ana.deadline_at == began + timedelta(hours=24)
    pass_time(world, timedelta(hours=17, minutes=45))
    assert world.account().state is State.CONNECTED
    pass_time(world, timedelta(minutes=15))
    ana = world.account()
    assert (ana.state, ana.cause) == (State.AT_RISK, Cause.SIGN_IN_ENDS)
    world.google.answer(Outcome(Cause.OFFLINE), PROVEN)
    pass_time(world, timedelta(hours=2))
    told = list(world.store.tables.notifications.values())
    assert [one.kind for one in told] == ["account_lost", "account_recovered", "deadline_near"]
    sign_in(world, ended)
    ana = world.account()
    assert (ana.state, ana.cause) == (State.CONNECTED, None)
    assert ana.deadline_at == world.clock.now() + timedelta(hours=24), "what was learnt goes on"
    told = list(world.store.tables.notifications.values())
    assert len(told) == 3 and told[-1].withdrawn_at == world.clock.now()
    assert [one.ending for one in world.store.tables.episodes.values()] == ["reconnected", "reconnected"]


def test_a_grant_that_outlives_what_was_learnt_turns_green_again(world: World, ended: Ended) -> None:
    world.add()
    pass_time(world, timedelta(hours=24))
    world.google.answer(Outcome(Cause.SIGN_IN_FREQUENCY))
    pass_time(world, timedelta(minutes=15))
    world.google.answer(PROVEN)
    sign_in(world, ended)
    pass_time(world, timedelta(hours=25))
    assert world.account().state is State.AT_RISK
    pass_time(world, timedelta(hours=2))
    assert (world.account().state, world.account().deadline_at) == (State.CONNECTED, None)
    assert [one.kind for one in world.store.tables.notifications.values()][-1] == "deadline_near"
    sign_in(world, ended)
    assert world.account().deadline_at is None


def test_an_announced_end_counts_where_it_is_earlier(world: World, ended: Ended) -> None:
    world.add()
    now = world.clock.now()
    ends_at = now + timedelta(days=7)
    sign_in(world, ended, TokenSet("r", "a", scopes=(SEND,), issued_at=now, refresh_expires_at=ends_at))
    ana = world.account()
    assert (ana.deadline_at, ana.deadline_cause) == (ends_at, Cause.TESTING_MODE_ENDS)
