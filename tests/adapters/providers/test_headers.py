"""Real answers and reports of many kinds: what they are about, and that nothing odd in them can hurt."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.adapters.providers.headers import inbox_message, is_report, pairs_of
from reply_desktop.domain.inbox import InboxMessage

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def read(raw: bytes) -> InboxMessage:
    pairs = pairs_of(raw)
    return inbox_message("1", AT, pairs, report=raw if is_report(pairs) else None)


def test_a_reply_names_what_it_answers() -> None:
    message = read(
        b"From: =?utf-8?q?Bj=C3=B6rn?= <bjorn@example.org>\r\nSubject: =?utf-8?b?UmU6IEdyw7zDn2U=?=\r\n"
        b"Message-ID:\r\n <r1@example.org>\r\nIn-Reply-To: <m2@x> (your note)\r\n"
        b"References: <m1@x>\r\n\t<m2@x>\r\n\r\nbody <not-a-reference@x>"
    )
    assert message == InboxMessage(
        id="1",
        at=AT,
        sender="bjorn@example.org",
        subject="Re: Grüße",
        message_id="<r1@example.org>",
        references=("<m2@x>", "<m1@x>"),
    )


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"Subject: x", ""),
        (b"Auto-Submitted: no", "no"),
        (b"Auto-Submitted: auto-replied (vacation)", "auto-replied"),
        (b"Auto-Submitted: Auto-Generated; owner-email=x@y", "auto-generated"),
        (b"X-Autoreply: yes", "auto-replied"),
        (b"Auto-Submitted: no\r\nX-Autorespond: vacation", "auto-replied"),
        (b"Content-Type: multipart/report; report-type=disposition-notification; boundary=x", "auto-replied"),
    ],
)
def test_automatic_answers_are_told_apart(head: bytes, said: str) -> None:
    message = read(head + b"\r\n\r\n")
    assert message.auto_submitted == said
    assert not message.is_report, "a read receipt is no bounce"


GMAIL = b"""Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: ana@example.com
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <own@mail.gmail.com>
In-Reply-To: <own@mail.gmail.com>
X-Failed-Recipients: nobody@example.org
Message-ID: <bounce@mx.google.com>
Content-Type: multipart/report; boundary="b1"; report-type=delivery-status

--b1
Content-Type: multipart/related; boundary="b2"

--b2
Content-Type: text/plain; charset="UTF-8"

** Address not found **
--b2--

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: Mon, 02 Mar 2026 01:00:00 -0800 (PST)

Final-Recipient: rfc822; Nobody@Example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b1
Content-Type: message/rfc822

From: ana@example.com
To: nobody@example.org
Message-ID: <own@mail.gmail.com>
X-Reply-Marker: touch-42
Subject: Hello

Hi, X-Reply-Marker: not-me
--b1--
"""

EXCHANGE = b"""From: postmaster@outlook.com
Subject: Undeliverable: Hello
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR.outlook.com

Original-Recipient: rfc822;nobody@example.org
Final-Recipient: rfc822;nobody@mail.example.org
Action: failed
Status: 5.1.10

Final-Recipient: rfc822;fine@example.org
Action: delivered
Status: 2.0.0

--x
Content-Type: text/rfc822-headers

Message-ID: <own@PROD.OUTLOOK.COM>
x-reply-marker: touch-7
"""

DELAYED = b"""Subject: Delayed Mail (still being retried)
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/global-delivery-status

Reporting-MTA: dns; mail.example.com

Final-Recipient: utf-8; j\xc3\xbcrgen@example.org
Action: delayed
Status: 5.4.1

--x--
"""

EXIM = b"""From: Mailer-Daemon@example.com
X-Failed-Recipients: nobody@example.org, second@example.org
Subject: Mail delivery failed: returning message to sender
Content-Type: text/plain

A message that you sent could not be delivered.

------ This is a copy of the message ------

Message-ID: <own@example.com>
X-Reply-Marker: touch-9
"""

NO_STATUS = b"""Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/delivery-status

Final-Recipient: rfc822; <nobody@example.org>
Action: failed
"""


@pytest.mark.parametrize(
    ("raw", "failed", "markers", "reference"),
    [
        (GMAIL, (("nobody@example.org", "5.1.1"),), ("touch-42",), "<own@mail.gmail.com>"),
        (
            EXCHANGE,
            (("nobody@mail.example.org", "5.1.10"), ("nobody@example.org", "5.1.10")),
            ("touch-7",),
            "<own@PROD.OUTLOOK.COM>",
        ),
        (DELAYED, (("jürgen@example.org", "4.4.1"),), (), None),
        (
            EXIM,
            (("nobody@example.org", "5.0.0"), ("second@example.org", "5.0.0")),
            ("touch-9",),
            "<own@example.com>",
        ),
        (NO_STATUS, (("nobody@example.org", "5.0.0"),), (), None),
    ],
    ids=["gmail", "exchange", "delayed", "exim", "no status"],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_report_names_who_was_not_reached(
    raw: bytes,
    failed: tuple[tuple[str, str], ...],
    markers: tuple[str, ...],
    reference: str | None,
    line_end: bytes,
) -> None:
    message = read(raw.replace(b"\n", line_end))
    assert message.is_report
    assert dict(message.failed) == dict(failed)
    assert message.markers == markers
    assert message.references == ((reference,) if reference else ())


def test_a_report_cut_short_still_tells() -> None:
    message = read(GMAIL[: GMAIL.index(b"Subject: Hello")])
    assert message.markers == ("touch-42",) and message.failed == (("nobody@example.org", "5.1.1"),)


def test_a_report_that_was_too_large_to_read_is_still_one() -> None:
    message = inbox_message("1", AT, pairs_of(GMAIL))
    assert message.is_report and message.failed == (("nobody@example.org", "5.0.0"),)
    delay = inbox_message("1", AT, [("X-Failed-Recipients", "a@b.c"), ("Subject", "Notification (Delay)")])
    assert delay.failed == (("a@b.c", "4.0.0"),)


def test_a_marker_at_the_top_of_an_answer_is_not_a_returned_one() -> None:
    """An automatic answer may copy headers; only what a report gives back is proof."""
    assert read(b"X-Reply-Marker: touch-1\r\nX-Failed-Recipients: a@b.c\r\n\r\n").markers == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: =?no-such-charset?q?x?=\r\nFrom: <<>>\r\n\r\n",
        b"Subject: =?utf-8?b?a?=\r\n\r\n",
        b"Subject: \xff\xfe\r\nFrom: \xff\r\nContent-Type: multipart/report; report-type*=x'y'%ff\r\n\r\n",
        b"Content-Type: multipart/report\r\n\r\nno boundary",
    ],
)
def test_odd_headers_do_no_harm(raw: bytes) -> None:
    assert read(raw).references == ()


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from([*GMAIL.splitlines(), *EXCHANGE.splitlines(), b"\xff\x00", b" x"]), max_size=30)
)
def test_no_mail_whatever_raises(lines: list[bytes]) -> None:
    message = read(b"\r\n".join(lines))
    assert len(message.subject) <= 300 and "\n" not in message.subject
    assert all(status[0] in "45" for _, status in message.failed)
