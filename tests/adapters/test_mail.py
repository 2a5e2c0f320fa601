"""Messages as any RFC 5322 reader understands them, whatever names and addresses hold."""

import email
import re
from datetime import UTC, datetime
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP, SMTPUTF8, default
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given, settings
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


def content(part: Message) -> str:
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


LONG_ID = f"<{'x' * 80}@AM0PR10MB1234.EURPRD10.PROD.OUTLOOK.COM>"


def test_html_goes_with_its_text_and_the_reader_chooses() -> None:
    html = "<p>Grüße 😀</p>\n" + "x" * 2000
    raw = mail.compose("a@example.com", "b@example.com", "x", "Grüße 😀\n", NOW, MARKER, html=html)
    message = email.message_from_bytes(raw, policy=default)
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert content(plain) == "Grüße 😀\n"
    assert content(rich) == html + "\n"
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert raw == mail.compose("a@example.com", "b@example.com", "x", "Grüße 😀\n", NOW, MARKER, html=html)


def test_no_text_ends_its_part_early() -> None:
    text = f"--=_{MARKER}\n\n--=_{MARKER}--\nBcc: x@example.com\n"
    raw = mail.compose("a@example.com", "b@example.com", "x", text, NOW, MARKER, html=text)
    message = email.message_from_bytes(raw, policy=default)
    assert [content(part) for part in message.iter_parts()] == [text, text]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_reply_names_the_whole_thread(count: int) -> None:
    ids = [f"<{number}.{MARKER}@example.com>" for number in range(count - 1)] + [LONG_ID]
    raw = mail.compose("a@example.com", "b@example.com", "x", "", NOW, MARKER, answers=ids)
    message = email.message_from_bytes(raw)
    assert message["References"].split() == ids
    assert message["In-Reply-To"] == LONG_ID
    assert b"=?" not in raw
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x@y",
        "<a b@c>",
        "<a@b>\r\nBcc: x@y.example",
        "<a\u2028@b>",
        "<ü@b>",
        "<<a@b>>",
        f"<{'a' * 1000}@b>",
    ],
)
def test_what_is_no_message_id_is_left_out(bad: str) -> None:
    raw = mail.compose("a@example.com", "b@example.com", "x", "", NOW, MARKER, answers=[bad, "<a@b>"])
    assert email.message_from_bytes(raw)["References"] == "<a@b>"
    alone = parsed(mail.compose("a@example.com", "b@example.com", "x", "", NOW, MARKER, answers=[bad]))
    assert "References" not in alone
    assert "In-Reply-To" not in alone


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("a@example.com", "a@example.com"),
        ("a+b?c&d=%@example.com", "a+b?c&d=%@example.com"),
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
        ("😀" * 16 + "@example.com", "😀" * 16 + "@example.com"),
    ],
)
def test_whoever_wants_no_more_mail_can_say_so(sender: str, address: str) -> None:
    raw = mail.compose(sender, "b@example.com", "x", "", NOW, MARKER, unsubscribe=True)
    message = email.message_from_bytes(raw)
    link = message["List-Unsubscribe"].strip()
    assert link.isascii()
    assert link[0] + link[-1] == "<>"
    parts = urlsplit(link[1:-1])
    assert (parts.scheme, unquote(parts.path), unquote(parts.query)) == (
        "mailto",
        address,
        f"subject=unsubscribe {MARKER}",
    )
    # One click needs https (RFC 8058).
    assert "List-Unsubscribe-Post" not in message


def test_the_message_id_can_be_known_before() -> None:
    raw = mail.compose("a@bücher.example", "b@example.com", "x", "", NOW, MARKER)
    assert parsed(raw)["Message-ID"] == mail.message_id("a@bücher.example", MARKER)
    with pytest.raises(InvalidInput):
        mail.message_id("a@example.com", "a b")


@pytest.mark.parametrize(
    ("subject", "reply"),
    [
        ("Hello", "Re: Hello"),
        ("RE: re : Hello", "Re: Hello"),
        (" re:Re:Hello", "Re: Hello"),
        ("More: info", "Re: More: info"),
        ("Re: ", ""),
        ("", ""),
    ],
)
def test_one_re_is_enough(subject: str, reply: str) -> None:
    assert mail.reply_subject(subject) == reply
    assert mail.same_thread(reply, subject)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("Re: Hello", "Hello", True), ("Hello  you", "re: Hello you", True), ("Hello", "Hullo", False)],
)
def test_subjects_of_one_thread_differ_in_re_only(one: str, other: str, same: bool) -> None:
    assert mail.same_thread(one, other) is same


def test_half_a_character_cannot_be_sent() -> None:
    for text, html, subject in (("\ud800", None, "x"), ("x", "\ud800", "x"), ("x", None, "\ud800")):
        with pytest.raises(InvalidInput):
            mail.compose("a@example.com", "b@example.com", subject, text, NOW, MARKER, html=html)


def test_too_long_a_local_part_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too long before the @"):
        mail.wire_address("ü" * 40 + "@example.com")


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from('\r\n\t\0\x0b\x0c\x1b\x7f\x85\u2028\u2029\u202e:<>@,;?&%=" '),
        st.characters(),
    ),
    max_size=40,
)


@pytest.mark.parametrize("where", ["sender", "recipient", "subject", "sender_name", "answer", "text", "html"])
@settings(max_examples=40)
@given(nasty=NASTY)
def test_nothing_from_outside_adds_a_header_or_a_part(where: str, nasty: str) -> None:
    given: dict[str, Any] = dict.fromkeys(("sender", "recipient"), "a@example.com") | {
        "subject": "x",
        "text": "x",
        "html": "x",
    }
    given |= {"sender_name": "x", "answer": "a@b"}
    given[where] = f"{nasty}@example.com" if where in ("sender", "recipient") else f"a{nasty}b"
    answer = given.pop("answer")
    try:
        raw = mail.compose(
            **given, now=NOW, marker=MARKER, answers=["<a@b>", f"<{answer}>"], unsubscribe=True
        )
    except InvalidInput:
        assert where not in ("answer", "text", "html") or re.search("[\ud800-\udfff]", nasty)
        return
    message = email.message_from_bytes(raw, policy=default)
    assert sorted(message.keys()) == [
        "Content-Type",
        "Date",
        "From",
        "In-Reply-To",
        "List-Unsubscribe",
        "MIME-Version",
        "Message-ID",
        "References",
        "Subject",
        "To",
        "X-Reply-Marker",
    ]
    assert len([*message.iter_parts()]) == 2
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


HTML = "<!DOCTYPE html><html><body><p>Ana &lt;b&gt; “kann nicht senden”</p></body></html>"


def test_an_alert_says_that_a_machine_wrote_it() -> None:
    raw = mail.alert("ana@example.com", "me@example.org", "ben cannot send", "Text …\n", HTML, NOW, MARKER)
    message = parsed(raw)
    assert message["From"] == "Reply Desktop <ana@example.com>"
    assert (message["To"], message["Subject"]) == ("me@example.org", "ben cannot send")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert (message["Message-ID"], message["X-Reply-Marker"]) == (f"<{MARKER}@example.com>", MARKER)
    assert message["List-Unsubscribe"] is None
    assert message.get_content_type() == "multipart/alternative"
    plain_part, html_part = message.iter_parts()
    assert (plain_part.get_content_type(), html_part.get_content_type()) == ("text/plain", "text/html")
    assert plain_part.get_content().splitlines() == ["Text …"]
    assert html_part.get_content().strip() == HTML
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 78


def test_other_mail_does_not() -> None:
    assert parsed(mail.test_message("a@example.com", "b@example.com", NOW, MARKER))["Auto-Submitted"] is None


def test_an_alert_takes_no_header_from_its_subject() -> None:
    with pytest.raises(InvalidInput, match="one line"):
        mail.alert("a@example.com", "b@example.com", "x\r\nBcc: evil@example.com", "t", HTML, NOW, MARKER)


def as_email_writes_it(
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    marker: str,
    *,
    name: str,
    html: str | None,
    answers: list[str],
    unsubscribe: bool,
    automatic: bool,
) -> bytes:
    """The same message by the standard library alone, which is slower and knows all the rules."""
    origin, goal = mail.wire_address(sender), mail.wire_address(recipient)
    rules = SMTP if origin.isascii() and goal.isascii() else SMTPUTF8
    message = EmailMessage(rules.clone(refold_source="none"))

    def put(header: str, words: str, address: str = "") -> None:
        if words.isascii() and "=?" not in words:
            local, _, domain = address.rpartition("@")
            message[header] = Address(words, local, domain) if address else words
            return
        value = Header(words, "utf-8", maxlinelen=72, header_name=header).encode()
        message.set_raw(header, f"{value}\n <{address}>" if address else value)

    put("From", name, origin)
    put("To", "", goal)
    put("Subject", subject)
    message["Date"] = format_datetime(NOW)
    message.set_raw("Message-ID", mail.message_id(sender, marker))
    if answers:
        message.set_raw("In-Reply-To", answers[-1])
        message.set_raw("References", "\n ".join(answers))
    if unsubscribe:
        local, _, domain = origin.rpartition("@")
        link = f"<mailto:{quote(local, safe='')}@{domain}?subject=unsubscribe%20{marker}>"
        message.set_raw("List-Unsubscribe", link)
    if automatic:
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message["X-Reply-Marker"] = marker
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    if html is not None:
        message.add_alternative(html, subtype="html", charset="utf-8", cte="quoted-printable")
        message.set_boundary(f"=_{marker}")
    return message.as_bytes()


_ANY_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)
_ASCII_LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120)
_WORDS = st.lists(st.text("abcXYZ019.,-'!", min_size=1, max_size=30), max_size=12).map(" ".join)
_LINES = _WORDS | _ASCII_LINE | _ANY_LINE
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.lists(
    _WORDS | _ASCII_LINE, max_size=6
).map("\n".join)
_ADDRESSES = st.sampled_from(
    [
        "a@own.example",
        "First.Last+tag@mail.Own.example",
        "o'brien@own.example",
        "jürgen@own.example",
        "anna@bücher.example",
        f"{'x' * 60}@{'y' * 60}.example",
    ]
)


@settings(max_examples=60)
@given(
    _ADDRESSES,
    _ADDRESSES,
    _LINES,
    _LINES,
    _TEXTS,
    st.none() | _TEXTS,
    st.text("abc019.-_", min_size=1, max_size=64),
    st.lists(st.sampled_from(["<a@b>", "<c@d.example>", f"<{'x' * 200}@d>"]), max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_it_is_byte_for_byte_what_the_standard_library_writes(
    sender: str,
    recipient: str,
    subject: str,
    name: str,
    text: str,
    html: str | None,
    marker: str,
    answers: list[str],
    unsubscribe: bool,
    automatic: bool,
) -> None:
    written = mail.compose(
        sender,
        recipient,
        subject,
        text,
        NOW,
        marker,
        sender_name=name,
        html=html,
        answers=answers,
        unsubscribe=unsubscribe,
        automatic=automatic,
    )
    assert written == as_email_writes_it(
        sender,
        recipient,
        subject,
        text,
        marker,
        name=name,
        html=html,
        answers=answers,
        unsubscribe=unsubscribe,
        automatic=automatic,
    )
