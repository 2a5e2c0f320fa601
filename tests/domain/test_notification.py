"""Text from outside made safe to show."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.notification import plain, provider_name
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


def test_plain_keeps_markup_as_text() -> None:
    assert plain("<b>bold</b>\n&amp;") == "<b>bold</b> &amp;"
