"""Alert e-mail finds a way: another account, the relay, or it says why there is none."""

import email
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from reply_desktop.adapters import mail
from reply_desktop.adapters.providers.other import Other
from reply_desktop.domain import events, grant
from reply_desktop.domain.alert_words import News
from reply_desktop.domain.announcement import Announcement, AnnouncementState, Channel
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, VaultLocked
from reply_desktop.domain.grant import MailServer, Password, Security, TokenSet
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.preferences import EMAIL_CAP, EMAIL_TO, Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AlertMailRow, RelayRow
from reply_desktop.domain.states import State
from reply_desktop.services.alert_mail import ROUTES, AlertMail
from reply_desktop.services.alert_ports import Handed, HandedState, Messenger, NotNow
from reply_desktop.services.ports import SendResult, SentSearch
from reply_desktop.services.relay import RELAY, Relay
from reply_desktop.services.sealed_settings import SealedSettings
from tests.fakes.clock import START
from tests.fakes.world import READ, SEND, FakeProvider, World
from tests.harness.mail_servers import Authority, Mailbox, smtp_server

ME = "me@home.example"
SERVER = MailServer("relay.example.com", 587, Security.STARTTLS)
TOLD = Handed(HandedState.TOLD)
HOUR = timedelta(hours=1)


class Desk:
    """A world with alert e-mail that goes to the person."""

    def __init__(self) -> None:
        self.world = World()
        self.wants = self.world.settings.preferences
        self.relay = Relay(
            SealedSettings(self.world.store, self.world.vault), self.world.providers, self.world.clock
        )
        self.mail = AlertMail(
            self.world.store, self.world.credentials, self.world.providers, self.world.health, self.relay,
            lambda: self.wants(), self.world.bus, self.world.clock, mail, lambda: UTC, self.world.new_id,
        )  # fmt: skip
        self.changes = 0
        self.mail.on_change = self.on_change
        self.put(EMAIL_TO, ME)

    def on_change(self) -> None:
        self.changes += 1

    def put(self, name: str, value: object) -> None:
        self.world.settings.put({name: json.dumps(value)})

    def put_relay(self) -> None:
        self.relay.put(SERVER, "alerts@example.com", "robot", "secret 1")

    def routes(self, *about: str) -> list[str]:
        return list(self.mail.routes(Channel.EMAIL, [notice(one) for one in about]))

    def hand(self, route: str, *about: str, batch: str = "batch-1") -> Handed:
        news = [News(notice(one), f"{one}@example.com", Provider.GOOGLE, START) for one in about or ["ana"]]
        return self.mail.hand(Channel.EMAIL, route, batch, news)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def notice(account: str) -> Notification:
    return Notification(
        f"n-{account}",
        f"e-{account}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"{account}@example.com cannot send",
        "Access was removed. Press Reconnect.",
        START,
        account,
    )


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_it_is_the_messenger_of_email(desk: Desk) -> None:
    messenger: Messenger = desk.mail
    assert messenger.routes(Channel.EMAIL, []) == []


# Ways


@pytest.mark.parametrize(
    ("state", "cause", "able"),
    [
        (State.NEW, None, False),
        (State.CONNECTED, None, True),
        (State.AT_RISK, Cause.CONSENT_ENDS, True),
        (State.AT_RISK, Cause.OFFLINE, True),
        (State.EXPIRED, Cause.GRANT_REVOKED, False),
        (State.BLOCKED, Cause.ADMIN_POLICY, False),
        (State.PAUSED, None, False),
    ],
)
def test_only_accounts_that_can_send_are_ways(
    desk: Desk, state: State, cause: Cause | None, able: bool
) -> None:
    desk.world.add("ben", state=state, cause=cause)
    assert desk.routes() == (["ben"] if able else [])


def test_the_freshest_proof_first_then_those_at_risk_then_the_relay(desk: Desk) -> None:
    add = desk.world.add
    add("risky", state=State.AT_RISK, cause=Cause.OFFLINE, proven_at=START)
    add("older", proven_at=START - HOUR / 4)
    add("newer", proven_at=START - HOUR / 60)
    add("oldest", proven_at=START - HOUR / 3)
    desk.put_relay()
    assert desk.routes() == ["newer", "older", "oldest", "risky", RELAY]


def test_never_one_that_the_news_is_about(desk: Desk) -> None:
    for name in ("ana", "ben"):
        desk.world.add(name)
    assert desk.routes("ana") == ["ben"]
    assert desk.routes("ana", "ben") == []
    desk.put_relay()
    assert desk.routes("ana", "ben") == [RELAY]


def test_never_one_without_a_grant(desk: Desk) -> None:
    desk.world.add("gina", Provider.OTHER)
    assert desk.routes() == ["gina"]
    with desk.world.store.begin() as unit:
        del unit.tables.grants["gina"]
        unit.commit()
    assert desk.routes() == []


def test_a_few_ways_are_enough(desk: Desk) -> None:
    for number in range(ROUTES + 5):
        desk.world.add(f"ana{number:02}", proven_at=START + timedelta(seconds=number))
    assert desk.routes() == [f"ana{number:02}" for number in reversed(range(5, ROUTES + 5))]


def test_nobody_to_write_to_means_no_way(desk: Desk) -> None:
    desk.world.add("ben")
    desk.put(EMAIL_TO, "")
    assert desk.routes() == []
    assert desk.hand("ben").state is HandedState.REFUSED
    assert desk.world.google.sent == []


# Handing over


def test_through_an_account_with_its_own_mark(desk: Desk) -> None:
    desk.world.add("ben")
    assert desk.hand("ben", "ana", "cem") == TOLD
    message = parsed(desk.world.google.sent[0])
    assert message["From"] == "Reply Desktop <ben@example.com>"
    assert (message["To"], message["Subject"]) == (ME, "2 accounts cannot send")
    assert (message["X-Reply-Marker"], message["Message-ID"]) == ("batch-1", "<batch-1@example.com>")
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = (part.get_content() for part in message.iter_parts())
    for words in (text, html):
        assert "ana@example.com cannot send" in words and "cem@example.com cannot send" in words


def test_a_fresh_proof_is_not_asked_for_again(desk: Desk) -> None:
    desk.world.add("ben", proven_at=START - HOUR / 4)
    assert desk.hand("ben") == TOLD
    assert desk.world.google.probes == []


@pytest.mark.parametrize("how", ["stale", "token"])
def test_an_old_proof_is_renewed_first(desk: Desk, how: str) -> None:
    desk.world.add("ben", proven_at=START - HOUR if how == "stale" else START)
    if how == "token":
        desk.world.credentials.remember("ben", 1, TokenSet("refresh-1", "access-1", expires_at=START))
        desk.world.google.answer(PROVEN)
        # The check brings a new access token.
        desk.world.google.on_probe = lambda: desk.world.credentials.remember(
            "ben", 1, TokenSet("refresh-1", "access-2")
        )
    assert desk.hand("ben") == TOLD
    assert len(desk.world.google.probes) == 1 and len(desk.world.google.sent) == 1


def test_an_account_that_turns_out_dead_sends_nothing(desk: Desk) -> None:
    desk.world.add("ben", proven_at=START - HOUR)
    desk.world.google.answer(Outcome(Cause.GRANT_REVOKED, "invalid_grant"))
    handed = desk.hand("ben")
    assert handed == Handed(
        HandedState.REFUSED,
        "ben@example.com: Access was removed or has expired. The server said: invalid_grant.",
    )
    assert desk.world.google.sent == [] and desk.world.account("ben").state is State.EXPIRED


@pytest.mark.parametrize(
    ("result", "state", "said"),
    [
        (SendResult(PROVEN, "<1@x>"), HandedState.TOLD, ""),
        (SendResult(Outcome(Cause.CONSENT_ENDS)), HandedState.TOLD, ""),
        (
            SendResult(Outcome(Cause.OFFLINE), in_doubt=True),
            HandedState.IN_DOUBT,
            "ben@example.com: It may have been sent. No connection: cannot reach Google.",
        ),
        (
            SendResult(Outcome(Cause.THROTTLED)),
            HandedState.REFUSED,
            "ben@example.com: Google asks to slow down.",
        ),
        (
            SendResult(Outcome(Cause.MESSAGE_REFUSED, "550 no\r\nsuch \u202euser")),
            HandedState.REFUSED,
            "ben@example.com: Message was refused. The server said: 550 no such user.",
        ),
    ],
)
def test_what_became_of_it(desk: Desk, result: SendResult, state: HandedState, said: str) -> None:
    desk.world.add("ben")
    desk.world.google.send_result = result
    assert desk.hand("ben") == Handed(state, said)
    assert desk.world.account("ben").state is State.CONNECTED
    assert desk.mail.row().trouble == (said or None)


@pytest.mark.parametrize(
    ("cause", "state"), [(Cause.GRANT_REVOKED, State.EXPIRED), (Cause.ADMIN_POLICY, State.BLOCKED)]
)
def test_a_dead_account_found_by_sending_turns_red(desk: Desk, cause: Cause, state: State) -> None:
    desk.world.add("ben")
    desk.world.google.send_result = SendResult(Outcome(cause))
    assert desk.hand("ben").state is HandedState.REFUSED
    assert desk.world.account("ben").state is state
    assert desk.routes() == []


def test_a_locked_vault_is_said_and_nothing_raised(desk: Desk) -> None:
    desk.world.add("ben")
    desk.put_relay()
    desk.world.vault.locked = True
    assert desk.hand("ben") == Handed(HandedState.REFUSED, "ben@example.com: Keyring is locked.")
    assert desk.hand(RELAY) == Handed(HandedState.REFUSED, "The relay: The keyring is locked. Unlock it.")
    assert desk.mail.row().relay == RelayRow(SERVER, "robot", "alerts@example.com", True)


class Raising(FakeProvider):
    """Fails in the middle of a send or a search."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Provider.GOOGLE)
        self.error = error

    def send(self, *args: object, **options: object) -> SendResult:
        raise self.error

    def find_sent(self, *args: object) -> SentSearch:
        raise self.error


def test_a_locked_client_secret_is_said(desk: Desk) -> None:
    desk.world.add("ben")
    desk.world.providers[Provider.GOOGLE] = Raising(VaultLocked("The keyring is locked."))
    assert desk.hand("ben") == Handed(HandedState.REFUSED, "ben@example.com: Keyring is locked.")


def test_a_fault_in_the_midst_leaves_doubt(desk: Desk, expect_log: Callable[[str], None]) -> None:
    expect_log("adapter failed on google")
    desk.world.add("ben")
    desk.world.providers[Provider.GOOGLE] = Raising(RuntimeError("broken"))
    assert desk.hand("ben").state is HandedState.IN_DOUBT


@pytest.mark.parametrize(("state", "said"), [(State.PAUSED, "Paused."), (State.NEW, "Not signed in.")])
def test_an_account_that_was_stopped_meanwhile(desk: Desk, state: State, said: str) -> None:
    desk.world.add("ben", state=state)
    assert desk.hand("ben") == Handed(HandedState.REFUSED, f"ben@example.com: {said}")


@pytest.mark.parametrize(
    ("route", "said"), [("gone", "The account: It was removed."), (RELAY, "The relay: It was removed.")]
)
def test_a_way_that_is_gone(desk: Desk, route: str, said: str) -> None:
    assert desk.hand(route) == Handed(HandedState.REFUSED, said)


def test_through_the_relay(desk: Desk) -> None:
    desk.put_relay()
    assert desk.hand(RELAY) == TOLD
    message = parsed(desk.world.other.sent[0])
    assert message["From"] == "Reply Desktop <alerts@example.com>"
    desk.world.other.send_result = SendResult(Outcome(Cause.WRONG_PASSWORD, "535 no"))
    assert desk.hand(RELAY) == Handed(
        HandedState.REFUSED,
        "The relay relay.example.com: Password or user name refused. The server said: 535 no.",
    )


# After a crash


@pytest.mark.parametrize("found", [True, False, None])
def test_a_mailbox_that_may_be_read_tells(desk: Desk, found: bool | None) -> None:
    desk.world.add("ben", scopes=(SEND, READ))
    desk.world.google.search = SentSearch(PROVEN, found)
    assert desk.mail.find(Channel.EMAIL, "ben", "batch-1", START) is found
    assert desk.world.google.searched == ["batch-1"]


def test_what_is_found_is_no_trouble_any_more(desk: Desk) -> None:
    desk.world.add("ben", scopes=(SEND, READ))
    desk.world.google.send_result = SendResult(Outcome(Cause.UNREACHABLE), in_doubt=True)
    assert desk.hand("ben").state is HandedState.IN_DOUBT
    assert "may have been sent" in (desk.mail.row().trouble or "")
    desk.world.google.search = SentSearch(PROVEN, True)
    assert desk.mail.find(Channel.EMAIL, "ben", "batch-1", START)
    assert desk.mail.row().trouble is None


@pytest.mark.parametrize(("found", "told"), [(True, True), (False, None), (None, None)])
def test_an_smtp_mailbox_without_a_copy_proves_nothing(
    desk: Desk, found: bool | None, told: bool | None
) -> None:
    desk.world.add("gina", Provider.OTHER, scopes=(READ,))
    desk.world.other.search = SentSearch(PROVEN, found)
    assert desk.mail.find(Channel.EMAIL, "gina", "batch-1", START) is told


@pytest.mark.parametrize("route", ["unreadable", "gone", "paused", RELAY])
def test_nobody_can_tell(desk: Desk, route: str) -> None:
    desk.world.add("unreadable")
    desk.world.add("paused", state=State.PAUSED, scopes=(READ,))
    desk.put_relay()
    desk.world.google.search = SentSearch(PROVEN, True)
    assert desk.mail.find(Channel.EMAIL, route, "batch-1", START) is None


def test_a_search_that_fails_tells_nothing(desk: Desk, expect_log: Callable[[str], None]) -> None:
    desk.world.add("ben", scopes=(READ,))
    desk.world.providers[Provider.GOOGLE] = Raising(RuntimeError("broken"))
    expect_log("adapter failed on google")
    assert desk.mail.find(Channel.EMAIL, "ben", "batch-1", START) is None


def test_what_cannot_be_looked_for_now_can_be_later(desk: Desk) -> None:
    desk.world.add("ben", scopes=(SEND, READ))
    google, away = desk.world.google, Outcome(Cause.OFFLINE)

    def is_not_now() -> bool:
        with pytest.raises(NotNow):
            desk.mail.find(Channel.EMAIL, "ben", "batch-1", START)
        return True

    google.search = SentSearch(away)
    assert is_not_now()
    desk.world.providers[Provider.GOOGLE] = Raising(VaultLocked("Locked."))
    assert is_not_now()
    desk.world.providers[Provider.GOOGLE] = google
    desk.world.vault.locked = True
    desk.world.credentials.forget_all()
    assert is_not_now()
    desk.world.vault.locked = False
    desk.world.clock.advance(HOUR)
    google.answer(away)
    assert is_not_now(), "the check that must come first"
    google.answer(PROVEN)
    google.search = SentSearch(PROVEN, True)
    assert desk.mail.find(Channel.EMAIL, "ben", "batch-1", START) is True


def test_an_account_lost_just_then_cannot_tell_any_more(desk: Desk) -> None:
    desk.world.add("ben", scopes=(SEND, READ))
    desk.world.clock.advance(HOUR)
    desk.world.google.answer(Outcome(Cause.GRANT_REVOKED))
    assert desk.mail.find(Channel.EMAIL, "ben", "batch-1", START) is None


# What the person sees and does


def test_how_it_stands(desk: Desk) -> None:
    no_way = "No account can send, and no relay is set up."
    assert desk.mail.row() == AlertMailRow(ME, None, None, 0, 0, 10, no_way)
    desk.put_relay()
    relay = RelayRow(SERVER, "robot", "alerts@example.com", True)
    assert desk.mail.row() == AlertMailRow(ME, "relay.example.com", relay, 0, 0, 10)
    desk.world.add("ben")
    desk.put(EMAIL_CAP, 3)
    with desk.world.store.begin() as unit:
        unit.notifications.add(notice("ana"))
        for number, (state, batch) in enumerate(
            [
                (AnnouncementState.WAITING, None),
                (AnnouncementState.TOLD, "b1"),
                (AnnouncementState.TOLD, "b2"),
            ]
        ):
            ages = START - timedelta(hours=23 + number)
            unit.announcements.add(
                Announcement("n-ana", Channel.EMAIL, START, number, state, 1, batch, "ben", ages)
            )
        unit.commit()
    assert desk.mail.row() == AlertMailRow(ME, "ben@example.com", relay, 1, 0, 3)
    desk.world.clock.set_wall(START - timedelta(minutes=30))
    assert desk.mail.row().sent_today == 1
    desk.put(EMAIL_TO, "")
    assert desk.mail.row().to == "" and desk.mail.row().trouble is None


def test_putting_and_clearing_the_relay_is_told_and_looked_at(desk: Desk) -> None:
    row = desk.mail.put_relay(SERVER, "alerts@example.com", "robot", "secret 1")
    assert row.relay == RelayRow(SERVER, "robot", "alerts@example.com", True)
    assert desk.changes == 1
    assert desk.mail.clear_relay().relay is None
    assert desk.changes == 2
    told = [event.mail.relay for event in desk.world.of(events.AlertMailChanged)]  # type: ignore[attr-defined]
    assert told == [row.relay, None]


def test_a_relay_that_is_refused_changes_nothing(desk: Desk) -> None:
    desk.world.other.answer(Outcome(Cause.WRONG_PASSWORD, "535 no"))
    with pytest.raises(InvalidInput, match="535 no"):
        desk.mail.put_relay(SERVER, "alerts@example.com", "robot", "secret 1")
    assert desk.changes == 0 and desk.world.of(events.AlertMailChanged) == []


def test_a_test_goes_out_now(desk: Desk) -> None:
    desk.world.add("ben")
    assert desk.mail.test() == f"Sent to {ME} through ben@example.com."
    assert parsed(desk.world.google.sent[0])["Subject"] == "Test alert from Reply Desktop"
    assert len(desk.world.of(events.AlertMailChanged)) == 1


def test_a_test_goes_on_to_the_next_way(desk: Desk) -> None:
    desk.world.add("ben")
    desk.put_relay()
    desk.world.google.send_result = SendResult(Outcome(Cause.GRANT_REVOKED))
    assert desk.mail.test() == f"Sent to {ME} through relay.example.com."


@pytest.mark.parametrize(
    ("to", "account", "result", "said"),
    [
        ("", True, SendResult(PROVEN), "No address is set"),
        (ME, False, SendResult(PROVEN), "No account can send, and no relay"),
        (
            ME,
            True,
            SendResult(Outcome(Cause.THROTTLED)),
            "was not sent. ben@example.com: Google asks to slow",
        ),
        (
            ME,
            True,
            SendResult(Outcome(Cause.OFFLINE), in_doubt=True),
            "may have been sent.*Look into your inbox",
        ),
    ],
)
def test_why_a_test_did_not_go_out(desk: Desk, to: str, account: bool, result: SendResult, said: str) -> None:
    if account:
        desk.world.add("ben")
    desk.put(EMAIL_TO, to)
    desk.world.google.send_result = result
    with pytest.raises(InvalidInput, match=said):
        desk.mail.test()


# Real servers


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def other(authority: Authority) -> Iterator[Other]:
    made = Other(authority.client_context(), timeout_s=10, deadline_s=20, idle_s=0)
    yield made
    made.close()


@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize("signs_in", [True, False])
def test_the_only_account_is_dead_and_the_relay_carries_it(
    desk: Desk, authority: Authority, other: Other, security: Security, signs_in: bool
) -> None:
    desk.world.providers[Provider.OTHER] = other  # type: ignore[assignment]
    desk.world.add("ana", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    assert desk.routes("ana") == []
    mailbox = Mailbox("robot", "secret 1")
    options = {} if signs_in else {"auth_required": False, "authenticator": None}
    with smtp_server(authority, mailbox, security, **options) as server:
        if signs_in:
            desk.mail.put_relay(server, "alerts@example.com", "robot", "secret 1")
        else:
            desk.mail.put_relay(server, "alerts@example.com")
        assert desk.routes("ana") == [RELAY]
        assert desk.hand(RELAY, "ana") == TOLD
    (envelope,) = mailbox.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@example.com", [ME])
    assert isinstance(envelope.content, bytes)
    message = parsed(envelope.content)
    assert message["Subject"] == "ana@example.com cannot send"
    text, _ = (part.get_content() for part in message.iter_parts())
    assert "reply-desktop://reconnect/ana" in text


def test_a_password_mailbox_carries_it_too(desk: Desk, authority: Authority, other: Other) -> None:
    desk.world.providers[Provider.OTHER] = other  # type: ignore[assignment]
    mailbox = Mailbox("gina@example.com", "secret 1")
    with smtp_server(authority, mailbox, Security.TLS) as server:
        desk.world.add("gina", Provider.OTHER, servers=grant.MailServers(server))
        with desk.world.store.begin() as unit:
            sealed = desk.world.vault.seal("gina", grant.to_bytes(Password("secret 1")))
            unit.grants.put("gina", 1, sealed)
            unit.commit()
        assert desk.hand("gina") == TOLD
    assert len(mailbox.received) == 1


def test_of_two_that_tell_at_once_the_last_told_is_the_newest(desk: Desk) -> None:
    def read() -> Preferences:
        wants = desk.world.settings.preferences()
        if not others:
            others.append(threading.Thread(target=desk.mail.tell))
            desk.put(EMAIL_CAP, 3)
            others[0].start()
            # It can end only where it need not wait for us.
            others[0].join(0.2)
        return wants

    others: list[threading.Thread] = []
    desk.wants = read
    desk.mail.tell()
    others[0].join()
    told = [event.mail for event in desk.world.events if isinstance(event, events.AlertMailChanged)]
    assert [row.daily_cap for row in told] == [10, 3]
