"""Messages as any RFC 5322 reader understands them, whatever names and addresses hold."""

import email
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters import mail
from reply_desktop.domain.errors import InvalidInput

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MARKER = "0f3a.b-1_c"


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_test_message_says_who_when_and_what() -> None:
    message = parsed(mail.test_message("anna@example.com", "bob@example.org", NOW, MARKER))
    assert message["From"] == "anna@example.com"
    assert message["To"] == "bob@example.org"
    assert message["Subject"] == "Test from Reply Desktop"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == f"<{MARKER}@example.com>"
    assert message["X-Reply-Marker"] == MARKER
    assert message["MIME-Version"] == "1.0"
    assert "anna@example.com" in message.get_content()


def test_the_same_arguments_give_the_same_bytes() -> None:
    arguments = ("anna@example.com", "bob@example.org", NOW, MARKER)
    assert mail.test_message(*arguments) == mail.test_message(*arguments)


def test_every_line_ends_in_crlf_and_is_short_seven_bit() -> None:
    raw = mail.compose("a@example.com", "b@example.com", "Grüße " * 30, "ü" * 3000, NOW, MARKER)
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "name", ["Anna Müller", "李雷", 'O"Brien, Jr. <x@y>', "Иван " * 20, "😀", "=?utf-8?q?x?="]
)
def test_display_names_come_through(name: str) -> None:
    raw = mail.test_message("a@example.com", "b@example.com", NOW, MARKER, sender_name=name)
    # The older reader: the newer one loses its place between encoded words.
    shown, address = parseaddr(" ".join(email.message_from_bytes(raw)["From"].split()))
    assert str(make_header(decode_header(shown))).strip() == name.strip()
    assert address == "a@example.com"
    assert parsed(raw)["From"].addresses[0].addr_spec == "a@example.com"


def test_international_domains_go_as_punycode() -> None:
    raw = mail.test_message("anna@bücher.example", "li@例え.example", NOW, MARKER)
    message = parsed(raw)
    assert message["From"] == "anna@xn--bcher-kva.example"
    assert message["To"] == "li@xn--r8jz45g.example"
    assert message["Message-ID"].endswith("@xn--bcher-kva.example>")


def test_international_local_parts_go_as_utf8() -> None:
    raw = mail.test_message("jürgen@example.com", "b@example.com", NOW, MARKER)
    assert "From: jürgen@example.com".encode() in raw


@pytest.mark.parametrize(
    "text", ["a\r\nBcc: evil@example.com", "a\nb", "a\rb", "a\x0bb", "a\x00b", "a\u2028b", "a\x7fb"]
)
def test_header_injection_is_impossible(text: str) -> None:
    with pytest.raises(InvalidInput):
        mail.compose("a@example.com", "b@example.com", text, "", NOW, MARKER)
    with pytest.raises(InvalidInput):
        mail.test_message("a@example.com", "b@example.com", NOW, MARKER, sender_name=text)
    with pytest.raises(InvalidInput):
        mail.test_message(f"{text}@example.com", "b@example.com", NOW, MARKER)
    with pytest.raises(InvalidInput):
        mail.test_message("a@example.com", f"b@{text}.example.com", NOW, MARKER)
    with pytest.raises(InvalidInput):
        mail.test_message("a@example.com", "b@example.com", NOW, text)


@given(
    subject=st.text(max_size=200),
    name=st.text(max_size=80),
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400),
)
def test_nothing_a_person_writes_adds_a_header(subject: str, name: str, text: str) -> None:
    try:
        raw = mail.compose("a@example.com", "b@example.com", subject, text, NOW, MARKER, sender_name=name)
    except InvalidInput:
        return
    message = email.message_from_bytes(raw, policy=SMTP)
    assert (
        str(make_header(decode_header(email.message_from_bytes(raw)["Subject"]))).strip() == subject.strip()
    )
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert sorted(message.keys()) == sorted(
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "X-Reply-Marker",
            "Content-Type",
            "Content-Transfer-Encoding",
            "MIME-Version",
        ]
    )
    assert [each.addr_spec for each in message["To"].addresses] == ["b@example.com"]
    assert [each.addr_spec for each in message["From"].addresses] == ["a@example.com"]


def test_the_text_comes_through() -> None:
    text = "Hello,\n\n.\nFrom here ü\n-- \nAnna\n"
    raw = mail.compose("a@example.com", "b@example.com", "x", text, NOW, MARKER)
    assert parsed(raw).get_content().replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("a@b.example", "a@b.example"),
        (" Anna.M@B.Example ", "Anna.M@b.example"),
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
    ],
)
def test_wire_addresses(address: str, wire: str) -> None:
    assert mail.wire_address(address) == wire
