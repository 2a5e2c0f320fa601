"""Text from outside made safe to show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.notification import plain, plain_sentence, provider_name
from reply_desktop.domain.provider import Provider

ANA = Account("a1", Provider.GOOGLE, "ana@example.com", datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_an_other_account_is_called_after_its_server() -> None:
    servers = MailServers(MailServer("mail.example.net", 465, Security.TLS))
    assert provider_name(replace(ANA, provider=Provider.OTHER, servers=servers)) == "mail.example.net"
    assert provider_name(ANA) == "Google"


@given(st.text(max_size=1000))
def test_plain_is_one_printable_line_cut_sensibly(text: str) -> None:
    line = plain(text, 100)
    assert len(line) <= 100
    assert all(character.isprintable() for character in line)
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@given(st.text())
def test_a_sentence_from_outside_ends_as_one(text: str) -> None:
    told = plain_sentence(text, 40)
    assert len(told) <= 40 and told == plain(told)
    assert not told or told.rstrip("”’\"')")[-1:] in (".", "!", "?", "…")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("535 no", "535 no."),
        ("invalid_grant.", "invalid_grant."),
        ("Why?", "Why?"),
        ("He said “no.”", "He said “no.”"),
        ("Denied:\n", "Denied."),
        (" \x00", ""),
    ],
)
def test_a_sentence_from_outside_gets_no_second_end(text: str, told: str) -> None:
    assert plain_sentence(text) == told


def test_plain_keeps_markup_as_text() -> None:
    assert plain("<b>bold</b>\n&amp;") == "<b>bold</b> &amp;"
