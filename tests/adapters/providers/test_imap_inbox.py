"""Reading over IMAP, from a real Dovecot and from scripted servers that answer otherwise."""

import imaplib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from reply_desktop.adapters.providers.other import Other
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security, TokenSet
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.domain.provider import Provider
from reply_desktop.services.ports import InboxPage, SentSearch
from tests.adapters.providers.test_headers import EXCHANGE, GMAIL
from tests.harness.mail_servers import HOST, Authority, Dovecot, Script, dialogue, dovecot, scripted

ADDRESS, PASSWORD = "anna@example.com", "correct horse 7"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SMTP = MailServer(HOST, 1, Security.TLS)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(authority, {ADDRESS: PASSWORD}) as running:
        yield running


@pytest.fixture(scope="module")
def other(authority: Authority) -> Iterator[Other]:
    made = Other(authority.client_context(), timeout_s=10, deadline_s=20)
    yield made
    made.close()


class Box:
    """The mailbox as the person's own mail program has it."""

    def __init__(self, imap: imaplib.IMAP4) -> None:
        self._imap = imap
        for name in ("INBOX", "Sent"):
            held = int(imap.select(name)[1][0] or 0)
            if held:
                imap.store("1:*", "+FLAGS", "\\Deleted")
                imap.expunge()

    def put(self, raw: bytes, folder: str = "INBOX", at: datetime = NOW) -> None:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert self._imap.append(folder, "", imaplib.Time2Internaldate(at), raw)[0] == "OK"

    def flags(self) -> list[bytes]:
        self._imap.select("INBOX", readonly=True)
        return [line for line in self._imap.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes)]


@pytest.fixture
def box(authority: Authority, server: Dovecot) -> Iterator[Box]:
    context = authority.client_context()
    with imaplib.IMAP4_SSL(HOST, server.tls.port, ssl_context=context, timeout=10) as imap:
        imap.login(ADDRESS, PASSWORD)
        yield Box(imap)


def account(imap: MailServer | None) -> Account:
    return Account("a1", Provider.OTHER, ADDRESS, NOW, servers=MailServers(SMTP, imap))


def look(
    other: Other, imap: MailServer, cursor: str | None = None, limit: int = 200, since: datetime = NOW
) -> InboxPage:
    return other.read_inbox(account(imap), Password(PASSWORD), cursor, since, limit)


def find(other: Other, imap: MailServer, marker: str = "touch-1") -> SentSearch:
    return other.find_sent(account(imap), Password(PASSWORD), marker, "<own@x>", NOW)


def mail(number: int, **more: str) -> bytes:
    head = {
        "From": f"p{number}@example.org",
        "Subject": f"Re: {number}",
        "Message-ID": f"<r{number}@x>",
        **more,
    }
    return "".join(f"{name}: {value}\n" for name, value in head.items()).encode() + b"\nsecret body\n"


# A real server
@pytest.mark.parametrize("security", list(Security))
def test_what_came_in_is_read_and_stays_unseen(
    other: Other, server: Dovecot, box: Box, security: Security
) -> None:
    box.put(mail(0, References="<m1@x>\n <m2@x>"))
    box.put(GMAIL)
    box.put(EXCHANGE)
    page = look(other, server.tls if security is Security.TLS else server.starttls)
    assert page.outcome is PROVEN and not page.more
    reply, failed, undeliverable = page.messages
    assert (reply.sender, reply.subject, reply.references) == (
        "p0@example.org",
        "Re: 0",
        ("<m1@x>", "<m2@x>"),
    )
    assert reply.at == NOW and "secret" not in repr(page)
    assert failed.markers == ("touch-42",) and failed.failed == (("nobody@example.org", "5.1.1"),)
    assert undeliverable.markers == ("touch-7",)
    assert len(box.flags()) == 3 and not any(b"Seen" in line for line in box.flags())


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_of_any_size_give_every_message_once(
    other: Other, server: Dovecot, box: Box, limit: int
) -> None:
    for number in range(5):
        box.put(mail(number))
    cursor, seen, more = None, [], True
    while more:
        page = look(other, server.tls, cursor, limit)
        seen += [message.subject for message in page.messages]
        cursor, more = page.cursor, page.more
    assert seen == [f"Re: {number}" for number in range(5)]
    again = look(other, server.tls, cursor, limit)
    assert (again.messages, again.cursor) == ((), cursor)
    box.put(mail(5))
    assert [message.subject for message in look(other, server.tls, cursor, limit).messages] == ["Re: 5"]


def test_only_what_came_since_counts_on_the_first_look(other: Other, server: Dovecot, box: Box) -> None:
    box.put(mail(0), at=NOW - timedelta(seconds=1))
    box.put(mail(1), at=NOW - timedelta(days=30))
    box.put(mail(2), at=NOW + timedelta(hours=20))
    page = look(other, server.tls)
    assert [message.subject for message in page.messages] == ["Re: 2"]
    box.put(mail(3), at=NOW - timedelta(days=30))
    later = look(other, server.tls, page.cursor)
    assert [message.subject for message in later.messages] == ["Re: 3"], "the place counts, not the date"


def test_an_empty_inbox_has_a_place_too(other: Other, server: Dovecot, box: Box) -> None:
    page = look(other, server.tls)
    assert page.messages == () and page.cursor is not None
    box.put(mail(0), at=NOW - timedelta(days=30))
    assert len(look(other, server.tls, page.cursor).messages) == 1


@pytest.mark.parametrize("cursor", ["1:7", "rubbish", "7", ":"])
def test_when_uids_have_begun_anew_the_time_counts(
    other: Other, server: Dovecot, box: Box, cursor: str
) -> None:
    box.put(mail(0))
    box.put(mail(1), at=NOW - timedelta(days=9))
    page = look(other, server.tls, cursor)
    assert [message.subject for message in page.messages] == ["Re: 0"] and page.cursor != cursor


def test_a_message_of_ours_in_the_sent_folder(other: Other, server: Dovecot, box: Box) -> None:
    assert find(other, server.tls) == SentSearch(PROVEN), "nothing of ours is kept there, so nothing is known"
    box.put(mail(0, **{"X-Reply-Marker": "touch-12"}), "Sent")
    assert find(other, server.tls) == SentSearch(PROVEN, False), "a longer marker is another one"
    box.put(mail(1, **{"X-Reply-Marker": "touch-1"}), "Sent")
    found = find(other, server.tls)
    assert (found.outcome, found.found, found.message_id) == (PROVEN, True, "<r1@x>")


def test_a_wrong_password_is_told(other: Other, server: Dovecot) -> None:
    page = other.read_inbox(account(server.tls), Password("wrong"), "1:1", NOW)
    assert (page.outcome.cause, page.cursor) == (Cause.WRONG_PASSWORD, "1:1")
    search = other.find_sent(account(server.tls), Password("wrong"), "m", "<m@x>", NOW)
    assert (search.outcome.cause, search.found) == (Cause.WRONG_PASSWORD, None)


def test_without_an_imap_server_nothing_is_read(other: Other) -> None:
    bare = account(None)
    assert other.may_read(account(SMTP)) and not other.may_read(bare)
    assert other.read_inbox(bare, Password("x"), None, NOW).outcome.cause is Cause.GRANT_MISSING
    assert other.read_inbox(account(SMTP), TokenSet("x"), None, NOW).outcome.cause is Cause.GRANT_MISSING
    assert other.find_sent(bare, Password("x"), "m", "<m@x>", NOW) == SentSearch(PROVEN)


# Servers that answer otherwise
EXAMINED = ("EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n{tag} OK [READ-ONLY] done\r\n")
"""A server that does not foretell UIDs."""


def conversation(turns: Sequence[tuple[str, str]]) -> Script:
    """After a good sign-in."""
    return dialogue(
        [
            ("", "* OK hi\r\n"),
            ("CAPABILITY", "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"),
            ("LOGIN", "{tag} OK in\r\n"),
            ("NOOP", "{tag} OK done\r\n"),
            *turns,
        ]
    )


def look_by(
    other: Other, authority: Authority, *turns: tuple[str, str], cursor: str | None = None
) -> InboxPage:
    with scripted(conversation(turns), authority.server_context()) as port:
        return look(other, MailServer(HOST, port, Security.TLS), cursor)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("{tag} NO no such thing", Cause.UNKNOWN_ANSWER),
        ("{tag} NO [UNAVAILABLE] later", Cause.PROVIDER_TROUBLE),
        ("{tag} NO [LIMIT] slow down", Cause.THROTTLED),
        ("{tag} NO [AUTHORIZATIONFAILED] not yours", Cause.MAIL_ACCESS_OFF),
        ("{tag} BAD what", Cause.UNKNOWN_ANSWER),
        ("* BYE going down", Cause.PROVIDER_TROUBLE),
    ],
)
def test_a_refusal_after_the_sign_in_never_blames_the_password(
    other: Other, authority: Authority, answer: str, cause: Cause
) -> None:
    page = look_by(other, authority, ("EXAMINE", f"{answer}\r\n"), cursor="9:4")
    assert (page.outcome.cause, page.cursor) == (cause, "9:4")


@pytest.mark.parametrize(("there", "place"), [("4 7 2", "9:7"), ("", "9:0")])
def test_a_server_that_foretells_no_uids_is_asked_for_all(
    other: Other, authority: Authority, there: str, place: str
) -> None:
    found = f"* SEARCH {there}".rstrip() + "\r\n{tag} OK done\r\n"
    none = "* SEARCH\r\n{tag} OK done\r\n"
    page = look_by(other, authority, EXAMINED, ("SEARCH ALL", found), ("SEARCH SINCE 1-Mar-2026", none))
    assert (page.outcome, page.cursor, page.messages) == (PROVEN, place, ())


def test_the_last_message_comes_again_for_an_open_range_and_is_dropped(
    other: Other, authority: Authority
) -> None:
    """RFC 3501 §6.4.8: 5:* with 4 as the highest means 4:5."""
    turns = (EXAMINED, ("SEARCH UID 5:*", "* SEARCH 4\r\n{tag} OK done\r\n"))
    page = look_by(other, authority, *turns, cursor="9:4")
    assert (page.outcome, page.cursor, page.messages) == (PROVEN, "9:4", ())


def test_data_in_any_order_and_of_vanished_messages(other: Other, authority: Authority) -> None:
    head = "From: bo@example.org\r\n\r\n"
    fetched = (
        f"* 2 FETCH (BODY[HEADER.FIELDS (FROM)] {{{len(head)}}}\r\n{head} "
        'INTERNALDATE " 2-Mar-2026 10:00:00 +0100" UID 6)\r\n'
        "* 3 FETCH (FLAGS (\\Seen))\r\n{tag} OK done\r\n"
    )
    turns = (EXAMINED, ("SEARCH", "* SEARCH 6 5\r\n{tag} OK done\r\n"), ("FETCH 5,6", fetched))
    page = look_by(other, authority, *turns, cursor="9:4")
    assert [(message.id, message.at, message.sender) for message in page.messages] == [
        ("6", NOW, "bo@example.org")
    ]
    assert page.cursor == "9:6"


def test_a_date_nobody_can_read_is_long_ago(other: Other, authority: Authority) -> None:
    fetched = '* 1 FETCH (UID 5 INTERNALDATE "what" BODY[HEADER] {2}\r\n\r\n)\r\n{tag} OK done\r\n'
    turns = (EXAMINED, ("SEARCH", "* SEARCH 5\r\n{tag} OK done\r\n"), ("FETCH", fetched))
    (message,) = look_by(other, authority, *turns, cursor="9:4").messages
    assert message.at == datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize(
    ("listed", "opened"),
    [
        (
            '* LIST (\\HasNoChildren \\Sent) "/" "Odes&AOk-s"\r\n* LIST () "/" Sent\r\n',
            'EXAMINE "Odes&AOk-s"',
        ),
        ('* LIST () "." INBOX\r\n* LIST () "." "INBOX.Sent"\r\n', 'EXAMINE "INBOX.Sent"'),
        (
            '* LIST (\\Noselect) NIL ""\r\n* LIST () "/" {12}\r\nSent "Items"\r\n* LIST () "/" SENT\r\n',
            "EXAMINE SENT",
        ),
    ],
)
def test_the_sent_folder_by_its_mark_or_its_name(
    other: Other, authority: Authority, listed: str, opened: str
) -> None:
    none = "* SEARCH\r\n{tag} OK done\r\n"
    turns = (
        ("LIST", listed + "{tag} OK done\r\n"),
        (opened, EXAMINED[1]),
        ("SEARCH SINCE 1-Mar-2026 HEADER X-Reply-Marker", none),
        ("SEARCH HEADER X-Reply-Marker", "* SEARCH 3\r\n{tag} OK done\r\n"),
    )
    with scripted(conversation(turns), authority.server_context()) as port:
        assert find(other, MailServer(HOST, port, Security.TLS)) == SentSearch(PROVEN, False)


def test_no_sent_folder_proves_nothing(other: Other, authority: Authority) -> None:
    turns = [("LIST", '* LIST () "/" INBOX\r\n{tag} OK done\r\n')]
    with scripted(conversation(turns), authority.server_context()) as port:
        assert find(other, MailServer(HOST, port, Security.TLS)) == SentSearch(PROVEN)
