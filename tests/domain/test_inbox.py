"""Replies, automatic replies, bounces and wishes for no more mail, told apart as real servers write them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.inbox import (
    AUTO_HEADERS,
    AUTO_SUBJECTS,
    UNSUBSCRIBE_SUBJECTS,
    InboxKind,
    InboxMessage,
    auto_submitted,
    classify,
    matched,
    unsubscribe_marker,
)

ZOE = "Zoë@Alder.example"
PROSPECTS = ["li@cedar.example", ZOE]
OWN = ["ana@x.example", "ben@x.example"]

REPLY = InboxMessage("m1", datetime(2026, 3, 2, 9, tzinfo=UTC), "zoë@alder.example", "Re: Hello")
REPORT = replace(REPLY, sender="MAILER-DAEMON@mx.example", subject="Undelivered", is_report=True)


def kind(message: InboxMessage, *, ours: bool = False) -> InboxKind:
    return classify(message, PROSPECTS, OWN, ours=ours)


def with_headers(subject: str, headers: Mapping[str, str], sender: str = ZOE) -> InboxMessage:
    """The message as an adapter keeps it."""
    return replace(
        REPLY,
        sender=sender,
        subject=subject,
        auto_submitted=auto_submitted(headers),
        precedence=headers.get("Precedence", ""),
    )


AUTOMATIC = {
    "Exchange Online, out of office": (
        "Automatic reply: Hello",
        {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "X-MS-Has-Attach": ""},
    ),
    "Exchange, header of the standard lost": (
        "Abwesend",
        {"X-Auto-Response-Suppress": "All", "X-MS-Exchange-Transport-EndToEndLatency": "1"},
    ),
    "Outlook in German, every header lost": ("Automatische Antwort: Hello", {}),
    "Outlook in Japanese, every header lost": ("自動応答: Hello", {}),
    "Gmail vacation": (
        "Out of town Re: Hello",
        {"Auto-Submitted": "auto-replied", "Precedence": "bulk", "X-Autoreply": "yes"},
    ),
    "Postfix with vacation(1)": ("away from my mail", {"Auto-Submitted": "auto-replied (vacation)"}),
    "Dovecot Sieve": ("Auto: Hello", {"Auto-Submitted": "auto-replied (vacation)", "Precedence": "bulk"}),
    "cPanel autoresponder": ("Thank you", {"X-Autorespond": "Hello", "Precedence": "auto_reply"}),
    "ticket system": ("[#12] We got your mail", {"Auto-Submitted": "auto-replied; owner-email=\"a@x\""}),
    "Lotus": ("Hans ist außer Haus", {"Precedence": "auto-reply"}),
    "old vacation": ("Re: Hello", {"Precedence": "JUNK"}),
}  # fmt: skip


@pytest.mark.parametrize(("subject", "headers"), AUTOMATIC.values(), ids=AUTOMATIC.keys())
def test_automatic_replies(subject: str, headers: dict[str, str]) -> None:
    assert kind(with_headers(subject, headers)) is InboxKind.AUTO_REPLY
    assert kind(with_headers(subject, headers, "desk@elsewhere.example"), ours=True) is InboxKind.AUTO_REPLY
    assert kind(with_headers(subject, headers, "desk@elsewhere.example")) is InboxKind.UNRELATED


BY_HAND = {
    "Gmail": {"MIME-Version": "1.0", "X-Gm-Message-State": "AOJu0Y"},
    "says so": {"Auto-Submitted": "no"},
    "says so at length": {"auto-submitted": " No ; x=y"},
    "Outlook that wants no receipts": {"X-Auto-Response-Suppress": "DR, RN, NRN"},
    "priority": {"Precedence": "normal"},
    "not an autoreply": {"X-Autoreply": "no"},
}


@pytest.mark.parametrize("headers", BY_HAND.values(), ids=BY_HAND.keys())
def test_replies_by_hand(headers: dict[str, str]) -> None:
    assert kind(with_headers("Re: Hello", headers)) is InboxKind.REPLY


@pytest.mark.parametrize("name", AUTO_HEADERS)
def test_every_header_of_the_table_tells(name: str) -> None:
    value = AUTO_HEADERS[name] or "anything"
    assert auto_submitted({name.title(): value.upper()}) == "auto-replied"


@pytest.mark.parametrize("subject", AUTO_SUBJECTS)
def test_every_subject_of_the_table_tells(subject: str) -> None:
    assert subject == subject.lower()
    assert kind(replace(REPLY, subject=f"{subject.title()} Hello")) is InboxKind.AUTO_REPLY
    assert kind(replace(REPLY, subject=f"Re: {subject} Hello")) is InboxKind.REPLY


BOUNCES = {
    "Postfix, no such user": ((ZOE.lower(), "5.1.1"), InboxKind.BOUNCE_HARD),
    "Exchange, no such user": ((ZOE, "5.1.10"), InboxKind.BOUNCE_HARD),
    "Gmail, refused": ((ZOE, "5.7.1"), InboxKind.BOUNCE_HARD),
    "status unknown": ((ZOE, "5.0.0"), InboxKind.BOUNCE_HARD),
    "mailbox full": ((ZOE, "5.2.2"), InboxKind.BOUNCE_SOFT),
    "Postfix, delayed": ((ZOE, "4.4.1"), InboxKind.BOUNCE_SOFT),
    "Exchange, gave up": ((ZOE, "4.4.7"), InboxKind.BOUNCE_SOFT),
    "delivered": ((ZOE, "2.0.0"), InboxKind.AUTO_REPLY),
}


@pytest.mark.parametrize(("failed", "expected"), BOUNCES.values(), ids=BOUNCES.keys())
def test_bounces(failed: tuple[str, str], expected: InboxKind) -> None:
    message = replace(REPORT, failed=(failed,), auto_submitted="auto-replied")
    assert kind(message) is expected
    assert kind(message, ours=True) is expected
    assert kind(replace(message, is_report=False)) is expected, "a report whose type was lost"


def test_of_several_recipients_the_prospects_own_status_counts() -> None:
    failed = (("else@y.example", "5.1.1"), (ZOE, "4.2.0"))
    assert kind(replace(REPORT, failed=failed)) is InboxKind.BOUNCE_SOFT
    assert matched(replace(REPORT, failed=failed), PROSPECTS) == ZOE


def test_a_bounce_of_a_forwarded_address_counts_by_its_marker() -> None:
    failed = (("zoe.new@z.example", "5.1.1"),)
    assert kind(replace(REPORT, failed=failed)) is InboxKind.UNRELATED
    assert kind(replace(REPORT, failed=failed), ours=True) is InboxKind.BOUNCE_HARD


def test_a_daemon_that_says_no_status_is_a_soft_bounce() -> None:
    assert kind(replace(REPORT, is_report=False), ours=True) is InboxKind.BOUNCE_SOFT


def test_a_read_receipt_is_no_reply() -> None:
    assert kind(replace(REPLY, subject="Read: Hello", is_report=True)) is InboxKind.AUTO_REPLY


@pytest.mark.parametrize(
    ("subject", "marker"),
    [
        ("unsubscribe", None),
        ("Unsubscribe", None),
        (" UNSUBSCRIBE  01J9Z4K8M2 ", "01J9Z4K8M2"),
        ("unsubscribe 01j9z4k8m2", "01j9z4k8m2"),
    ],
)
def test_our_own_unsubscribe_address(subject: str, marker: str | None) -> None:
    assert unsubscribe_marker(subject) == marker
    assert kind(replace(REPLY, subject=subject)) is InboxKind.UNSUBSCRIBE
    stranger = replace(REPLY, subject=subject, sender="other@y.example")
    assert kind(stranger) is InboxKind.UNRELATED
    assert kind(stranger, ours=True) is InboxKind.UNSUBSCRIBE
    by_machine = replace(REPLY, subject=subject, auto_submitted="auto-generated")
    assert kind(by_machine) is InboxKind.UNSUBSCRIBE, "mail programs write this mail by themselves"


@pytest.mark.parametrize("subject", sorted(UNSUBSCRIBE_SUBJECTS))
def test_asked_for_in_the_subject(subject: str) -> None:
    assert kind(replace(REPLY, subject=f" {subject.title()}! ")) is InboxKind.UNSUBSCRIBE
    automatic = replace(REPLY, subject=subject, auto_submitted="auto-replied")
    assert kind(automatic) is InboxKind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Re: unsubscribe",
        "How do I unsubscribe from this?",
        "unsubscribe rates of our list",
        "Stop by on Monday",
        "",
    ],
)
def test_what_only_mentions_it_is_a_reply(subject: str) -> None:
    assert unsubscribe_marker(subject) is None
    assert kind(replace(REPLY, subject=subject)) is InboxKind.REPLY


@pytest.mark.parametrize(
    ("sender", "ours", "expected"),
    [
        ("ZOË@alder.EXAMPLE", False, InboxKind.REPLY),
        ("assistant@alder.example", True, InboxKind.REPLY),
        ("assistant@alder.example", False, InboxKind.UNRELATED),
        ("ana@x.example", True, InboxKind.UNRELATED),
        ("Ben@X.example", True, InboxKind.UNRELATED),
        ("", False, InboxKind.UNRELATED),
    ],
)
def test_who_writes(sender: str, ours: bool, expected: InboxKind) -> None:
    assert kind(replace(REPLY, sender=sender), ours=ours) is expected


def test_an_account_of_ours_may_be_a_prospect_too() -> None:
    message = replace(REPLY, sender="ben@x.example")
    assert classify(message, ["Ben@x.example"], OWN) is InboxKind.REPLY


def test_whom_it_is_about() -> None:
    assert matched(REPLY, PROSPECTS) == ZOE
    assert matched(replace(REPLY, sender="other@y.example"), PROSPECTS) is None
    assert matched(replace(REPORT, failed=(("other@y.example", "5.1.1"),)), PROSPECTS) is None


texts = st.text(max_size=20)


@given(
    st.builds(
        InboxMessage,
        id=texts,
        at=st.just(REPLY.at),
        sender=texts | st.sampled_from([ZOE, "ana@x.example", "mailer-daemon@x"]),
        subject=texts,
        auto_submitted=texts,
        precedence=texts,
        is_report=st.booleans(),
        failed=st.lists(st.tuples(texts | st.just(ZOE), texts | st.just("5.1.1")), max_size=2).map(tuple),
    ),
    st.booleans(),
)
def test_whatever_comes_is_told_and_only_what_is_ours_matters(message: InboxMessage, ours: bool) -> None:
    found = kind(message, ours=ours)
    if not ours and matched(message, PROSPECTS) is None:
        assert found is InboxKind.UNRELATED
    if message.is_report or message.failed:
        assert found not in (InboxKind.REPLY, InboxKind.UNSUBSCRIBE)
