"""What comes back for a message: mail as real programs and servers write it."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from reply_desktop.adapters.providers.headers import inbox_message, is_report, pairs_of
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.sandbox.control import Answered, SinkMessage
from reply_desktop.sandbox.prospects import AWAY_TEXT, REPLY_TEXT, addressee, answer_of
from tests.fakes.clock import START
from tests.sandbox.callers import ANA

TO = "bo@elsewhere.example"
RAW = (
    f"From: {ANA}\r\nTo: {TO}\r\nSubject: Re: Grüße\r\nReferences: <m0@x>\r\nX-Reply-Marker: touch-1\r\n"
    "List-Unsubscribe: <https://x.example/u>,\r\n <mailto:stop%2Bme@harbor.example?subject=unsubscribe%20t1>\r\n"
    "\r\nbody\r\n"
).encode()


def sent(*recipients: str, sender: str = ANA) -> SinkMessage:
    return SinkMessage(
        1, START, ANA, "gmail", sender, recipients or (TO,), "Re: Grüße", "<m1@mail.gmail.com>", 9
    )


def answer(kind: Answered, mail: SinkMessage | None = None, raw: bytes = RAW, text: str = "") -> EmailMessage:
    parsed = message_from_bytes(answer_of(kind, mail or sent(), raw, START, text), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def as_read(kind: Answered) -> InboxMessage:
    """As our own reader of headers understands it."""
    raw = answer_of(kind, sent(), RAW, START)
    pairs = pairs_of(raw)
    return inbox_message("1", START, pairs, report=raw if is_report(pairs) else None)


def test_a_reply_is_in_the_thread() -> None:
    reply = answer(Answered.REPLY, text="Yes, please.")
    assert (reply["From"], reply["To"], reply["Subject"]) == (TO, ANA, "Re: Grüße")
    assert reply["In-Reply-To"] == "<m1@mail.gmail.com>"
    assert reply["References"].split() == ["<m0@x>", "<m1@mail.gmail.com>"]
    assert "Yes, please." in reply.get_content() and "Auto-Submitted" not in reply
    assert REPLY_TEXT in answer(Answered.REPLY).get_content()


def test_an_automatic_answer_says_so() -> None:
    away = answer(Answered.AUTO_REPLY)
    assert away["Auto-Submitted"] == "auto-replied" and AWAY_TEXT in away.get_content()
    assert away["In-Reply-To"] == "<m1@mail.gmail.com>" and away["Subject"] == "Out of office: Grüße"


@pytest.mark.parametrize(
    ("kind", "action", "status"),
    [(Answered.BOUNCE_HARD, "failed", "5.1.1"), (Answered.BOUNCE_SOFT, "delayed", "4.2.2")],
)
def test_a_bounce_is_a_delivery_report(kind: Answered, action: str, status: str) -> None:
    report = answer(kind)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    words, statuses, returned = report.iter_parts()
    about = statuses.get_payload()
    assert isinstance(about, list) and isinstance(recipient := about[1], EmailMessage)
    assert (recipient["Action"], recipient["Status"]) == (action, status)
    assert recipient["Final-Recipient"] == f"rfc822; {TO}"
    assert "X-Reply-Marker: touch-1" in returned.get_payload()
    assert TO in words.get_payload(decode=True).decode()  # type: ignore[union-attr]
    read = as_read(kind)
    assert read.failed == ((TO, status),) and read.markers == ("touch-1",)


def test_unsubscribing_goes_to_the_address_named_for_it() -> None:
    stop = answer(Answered.UNSUBSCRIBE)
    assert (stop["To"], stop["Subject"], stop["In-Reply-To"]) == (
        "stop+me@harbor.example",
        "unsubscribe t1",
        None,
    )
    assert addressee(Answered.UNSUBSCRIBE, sent(), RAW) == "stop+me@harbor.example"
    bare = RAW.replace(b"List-Unsubscribe", b"X-Nothing")
    asked = answer(Answered.UNSUBSCRIBE, raw=bare)
    assert (asked["To"], asked["Subject"]) == (ANA, "unsubscribe") and asked["In-Reply-To"]
    assert addressee(Answered.UNSUBSCRIBE, sent(), bare) == ANA == addressee(Answered.REPLY, sent(), RAW)


@pytest.mark.parametrize("kind", list(Answered))
def test_international_addresses_answer_too(kind: Answered) -> None:
    raw = answer_of(kind, sent("jürgen@müller.example"), RAW, START)
    pairs = pairs_of(raw)
    read = inbox_message("1", START, pairs, report=raw if is_report(pairs) else None)
    assert "jürgen@müller.example" in (read.failed[0][0] if read.is_report else raw.decode())


def test_nobody_cannot_answer() -> None:
    mail = SinkMessage(1, START, ANA, "gmail", ANA, (), "x", "<1@x>", 9)
    with pytest.raises(ValueError, match="went to nobody"):
        answer_of(Answered.REPLY, mail, RAW, START)
