"""Envelopes: a head as the app writes it is read the short way, which gives what a parser gives."""

import email
import email.policy
import email.utils
from datetime import UTC, datetime

import pytest

from reply_desktop.adapters.mail import test_message as compose_test
from reply_desktop.adapters.providers.envelope import Envelope, _simple_head
from reply_desktop.adapters.providers.refused import Refused
from reply_desktop.domain.causes import Cause

ADDRESS = "anna@example.com"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEST = compose_test(ADDRESS, "bob@example.org", NOW, "marker-1")


@pytest.mark.parametrize(
    ("head", "simple"),
    [
        ("To: b@x.example", True),
        ("To: First.Last+tag@x.example", True),
        ("TO: b@x.example", False),
        ("To: Bob <b@x.example>", False),
        ("To: b@x.example, c@x.example", False),
        ("To: b@x.example,\r\n c@x.example", False),
        ("To: b@x.example\r\n , c@x.example", False),
        ("To: b@x.example\r\nto: c@x.example", False),
        ("To: b@x.example\r\nCc: c@x.example", False),
        ("To: b@x.example\r\nBCC: c@x.example", False),
        ("Subject: a\r\n To: c@x.example\r\nTo: b@x.example", True),
        ("To: b@x.example\r\nMessage-ID: <other@x.example>", False),
        ("To: jürgen@x.example", False),
    ],
)
def test_an_envelope_read_the_short_way_is_the_parsers(head: str, simple: bool) -> None:
    written = f"{head}\r\nMessage-ID: <m1@x.example>\r\nX: y"
    found = _simple_head(written.encode())
    assert (found is not None) is simple
    envelope = Envelope.of(ADDRESS, f"{written}\r\n\r\nTo: d@x.example\r\n".encode())
    parsed = email.message_from_bytes(written.encode(), policy=email.policy.SMTP)
    wanted = [str(each) for name in ("To", "Cc", "Bcc") for each in parsed.get_all(name, [])]
    assert list(envelope.recipients) == [each for _, each in email.utils.getaddresses(wanted)]
    assert envelope.own_id == str(parsed["Message-ID"]).strip()
    assert found is None or found == (list(envelope.recipients), envelope.own_id)


def test_what_the_app_writes_is_read_the_short_way() -> None:
    head = TEST.partition(b"\r\n\r\n")[0]
    assert _simple_head(head) == (["bob@example.org"], "<marker-1@example.com>")


def test_bcc_is_a_recipient_that_the_message_does_not_name() -> None:
    mime = b"To: b@x.example\nBcc: c@x.example,\n d@x.example\nCc: B@x.example, b@x.example\nX: y\n\nBcc: no"
    envelope = Envelope.of(ADDRESS, mime)
    assert envelope.recipients == ("b@x.example", "B@x.example", "c@x.example", "d@x.example")
    assert envelope.message == b"To: b@x.example\r\nCc: B@x.example, b@x.example\r\nX: y\r\n\r\nBcc: no"


@pytest.mark.parametrize("mime", [b"Subject: x\r\n\r\nx", b"To: nobody at all\r\n\r\nx", b""])
def test_a_message_to_nobody_has_none(mime: bytes) -> None:
    with pytest.raises(Refused) as refused:
        Envelope.of(ADDRESS, mime)
    assert refused.value.outcome.cause is Cause.MESSAGE_REFUSED


@pytest.mark.parametrize(
    ("sender", "to", "international"),
    [
        (ADDRESS, "bob@example.org", False),
        (ADDRESS, "bob@bücher.example", False),
        (ADDRESS, "bücher@example.org", True),
        ("ännä@example.com", "bob@example.org", True),
    ],
)
def test_only_what_stands_before_the_at_makes_it_international(
    sender: str, to: str, international: bool
) -> None:
    assert Envelope.of(sender, f"To: {to}\r\n\r\nx".encode()).international is international
