"""One message tells all, in text and HTML alike, and nothing from outside is more than text in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.domain.alert_words import (
    NAMED,
    TEAM_LIMIT,
    News,
    email_text,
    headline,
    team_text,
    trial_text,
)
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.notification_rules import TROUBLE
from reply_desktop.domain.provider import Provider

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
K = NotificationKind

NOTHING_ELSE = {"!doctype", "html", "head", "meta", "title", "body", "div", "p", "a"}
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def notice(number: int = 1, kind: NotificationKind = K.ACCOUNT_LOST, **changes: object) -> Notification:
    made = Notification(
        f"n{number}",
        f"e{number}",
        kind,
        Severity.CRITICAL,
        f"ana{number}@example.com cannot send",
        f"Access was removed. Press Reconnect and choose ana{number}@example.com in the browser.",
        NOW,
        f"acc{number}",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def lost(number: int = 1, **changes: object) -> News:
    made = News(notice(number), f"ana{number}@example.com", Provider.GOOGLE, NOW, cause=Cause.GRANT_REVOKED)
    return replace(made, **changes)  # type: ignore[arg-type]


FAULT = News(
    notice(
        title="Google: Client ID or secret refused",
        text="Every account is affected.",
        kind=K.APP_FAULT,
        account_id=None,
    ),
    provider=Provider.GOOGLE,
    since=NOW,
)
DEADLINE = News(
    notice(kind=K.DEADLINE_NEAR, title="ben@example.com: sign-in ends soon, by 5 Mar 12:00 UTC"),
    "ben@example.com",
    Provider.GOOGLE,
    NOW,
)


class Seen(HTMLParser):
    """Every tag, attribute and piece of text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def links(self) -> list[str]:
        return [value for name, value in self.attributes if name == "href"]


def seen(page: str) -> Seen:
    """The page read, with nothing in it that could act, load or track."""
    read = Seen(page)
    assert read.open == [], "every tag is closed"
    assert set(read.tags) <= NOTHING_ELSE
    assert {name for name, _ in read.attributes} <= {"lang", "charset", "name", "content", "style", "href"}
    assert all(link.startswith("reply-desktop://") for link in read.links)
    styles = [value for name, value in read.attributes if name == "style"]
    assert not any("url(" in style or "background" in style for style in styles)
    return read


def test_one_account_what_why_since_when_and_what_to_do() -> None:
    told = email_text([lost(log=(("s1", "Spring", 12),), standing=frozenset())], BERLIN)
    assert told.subject == "ana1@example.com cannot send"
    assert told.text.splitlines()[:9] == [
        "ana1@example.com cannot send",
        "Access was removed. Press Reconnect and choose ana1@example.com in the browser.",
        "Since 2026-03-02 23:30 UTC (2026-03-03 00:30 on your computer).",
        "Going on from other accounts: “Spring”.",
        "Reconnect: reply-desktop://reconnect/acc1",
        "Open the account: reply-desktop://account/acc1",
        "Log of “Spring”: reply-desktop://sequence/s1/log/12",
        "By hand: open Reply Desktop → Settings → Email accounts → ana1@example.com → Reconnect. "
        "A sequence's log: Sequences → its name → Log.",
        "",
    ]
    page = seen(told.html)
    assert page.links == [
        "reply-desktop://reconnect/acc1",
        "reply-desktop://account/acc1",
        "reply-desktop://sequence/s1/log/12",
    ]


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (None, "Since 2026-03-02 23:30 UTC."),
        (UTC, "Since 2026-03-02 23:30 UTC."),
        (ZoneInfo("America/New_York"), "Since 2026-03-02 23:30 UTC (18:30 on your computer)."),
        (timezone(timedelta(hours=5, minutes=45)), "(2026-03-03 05:15 on your computer)."),
    ],
)
def test_times_are_told_in_utc_and_by_the_computers_clock(zone: timezone | None, words: str) -> None:
    assert words in email_text([lost()], zone).text


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (None, ["Sequences concerned: “Spring”, “Partner”."]),
        (frozenset(), ["Going on from other accounts: “Spring”, “Partner”."]),
        (
            frozenset({"s2"}),
            [
                "Standing still, with no account left to send from: “Partner”.",
                "Going on from other accounts: “Spring”.",
            ],
        ),
        (
            frozenset({"s1", "s2"}),
            ["Standing still, with no account left to send from: “Spring”, “Partner”."],
        ),
    ],
)
def test_how_sequences_fare(standing: frozenset[str] | None, words: list[str]) -> None:
    told = email_text([lost(log=(("s1", "Spring", 1), ("s2", "Partner", 2)), standing=standing)])
    assert [line for line in told.text.splitlines() if "“Partner”" in line and "Log" not in line] == [
        line for line in words if "“Partner”" in line
    ]
    assert all(line in told.text.splitlines() for line in words)


def test_many_sequences_are_counted() -> None:
    log = tuple((f"s{n}", f"Sequence {n}", n) for n in range(50))
    told = email_text([lost(log=log)])
    assert "“Sequence 3” and 46 more." in told.text
    assert len(seen(told.html).links) == 2 + 4


@pytest.mark.parametrize(
    ("provider", "cause", "offered"),
    [
        (Provider.GOOGLE, Cause.GRANT_REVOKED, True),
        (Provider.MICROSOFT, None, True),
        (Provider.MICROSOFT, Cause.ADMIN_POLICY, False),
        (Provider.OTHER, Cause.WRONG_PASSWORD, False),
    ],
)
def test_reconnect_is_offered_where_it_may_help(
    provider: Provider, cause: Cause | None, offered: bool
) -> None:
    told = email_text([lost(provider=provider, cause=cause)])
    assert ("reply-desktop://reconnect/acc1" in seen(told.html).links) is offered
    assert ("→ Reconnect." in told.text) is offered
    assert "reply-desktop://account/acc1" in told.text


@pytest.mark.parametrize("kind", list(K))
def test_every_kind_has_words(kind: NotificationKind) -> None:
    one, two = replace(lost(), notification=notice(kind=kind)), replace(lost(2), notification=notice(2, kind))
    alone, both = email_text([one]), email_text([one, two])
    assert alone.subject == "ana1@example.com cannot send", "the notification's own title"
    assert both.subject.startswith("2 ")
    assert both.text.startswith(f"{both.subject}.\n\n")
    assert ("By hand: open Reply Desktop → " in alone.text) is (kind in TROUBLE)
    assert ("Since " in alone.text) is (kind in (K.ACCOUNT_LOST, K.APP_FAULT))
    assert ("reply-desktop://reconnect/" in alone.text) is (kind in TROUBLE)
    assert team_text([one, two])[0] == both.subject
    seen(both.html)


@pytest.mark.parametrize(
    ("news", "subject"),
    [
        ([lost(n) for n in range(50)], "50 accounts cannot send"),
        ([lost(n) for n in range(1000)], "1000 accounts cannot send"),
        ([lost(1), lost(2)], "2 accounts cannot send"),
        ([lost(1), FAULT, lost(2)], "Google: Client ID or secret refused; 2 accounts cannot send"),
        ([DEADLINE], "ben@example.com: sign-in ends soon, by 5 Mar 12:00 UTC"),
        ([DEADLINE, DEADLINE, lost()], "ana1@example.com cannot send; 2 sign-ins end soon"),
    ],
)
def test_the_subject_tells_it_all(news: list[News], subject: str) -> None:
    assert headline(news) == email_text(news).subject == subject


@pytest.mark.parametrize("count", [1, 2, NAMED, NAMED + 1, 50, 1000])
def test_the_first_twenty_in_full_and_the_others_counted(count: int) -> None:
    told = email_text([lost(n) for n in range(count)])
    named = min(count, NAMED)
    page = seen(told.html)
    assert len(page.links) == 2 * named
    more = f"… and {count - named} more: open Reply Desktop, its bell lists them all."
    for words in (told.text, page.text):
        assert (more in words) is (count > NAMED)
        assert f"ana{named - 1}@example.com" in words
        assert f"ana{named}@example.com" not in words
    # Gmail cuts messages of more than 102 kB off.
    assert len(told.html.encode()) < 60_000


def test_the_gravest_comes_first_whatever_the_order() -> None:
    news = [DEADLINE, *(lost(n) for n in range(30)), FAULT]
    told = email_text(news).text
    assert told.index("Every account is affected.") < told.index("ana0@example.com")
    assert "ben@example.com" in headline(news) and "by 5 Mar" in headline(news)


@pytest.mark.parametrize(
    ("provider", "way"), [(Provider.GOOGLE, "Settings → Providers."), (None, "Settings → General.")]
)
def test_an_app_fault_leads_to_its_settings(provider: Provider | None, way: str) -> None:
    told = email_text([replace(FAULT, provider=provider)])
    assert way in told.text and "Reconnect" not in told.text
    assert seen(told.html).links == []


def test_the_words_of_text_and_html_are_the_same() -> None:
    told = email_text([lost(1, log=(("s1", "Spring", 1),)), lost(2), DEADLINE, FAULT], BERLIN)
    words = seen(told.html).text
    for line in told.text.splitlines():
        label, _, link = line.partition(": reply-desktop://")
        assert label in words
        assert not link or f"reply-desktop://{link}" in seen(told.html).links


HOSTILE = (
    '<script>alert(1)</script><img src="https://evil.example/x.png">',
    '"><a href="https://evil.example">click</a>',
    "\u202egnp.exe\u202c \u2066x\u2069",
    "Subject\r\nBcc: evil@example.com\r\n\r\n<b>body",
    "x" * 500,
    "a\x00b\x07c\x1bd\x85e\u2028f",
    "{title}{body}{0}%s",
    "&amp; & &lt;",
    "\ud800 half a character",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_from_outside_stay_text(text: str) -> None:
    bad = News(
        notice(title=text, text=text, account_id=text, id=text, key=text),
        text,
        Provider.GOOGLE,
        NOW,
        ((text, text, 7),),
        frozenset({text}),
    )
    for news in ([bad], [bad, lost(2), bad]):
        told = email_text(news, BERLIN)
        page = seen(told.html)
        check_text(told.text)
        check_text("\n".join(page.words))
        assert len(told.subject) <= 150 and "\n" not in told.subject
        told.text.encode()
        assert all(link.split("://")[1].count("/") <= 3 for link in page.links)
    title, words = team_text([bad])
    check_text(f"{title}\n{words}")


def check_text(text: str) -> None:
    """Nothing in it but lines that show as they stand."""
    assert not BIDI & set(text)
    # The HTML's own blank that does not break is the one that is no plain character.
    assert all(line.replace("\xa0", " ").isprintable() for line in text.split("\n"))


def test_a_long_address_does_not_push_out_what_is_wrong() -> None:
    address = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example"
    news = lost(address=address, notification=notice(title=f"{address} cannot send"))
    assert headline([news]).endswith("… cannot send")
    assert len(headline([news])) < 150


anything = st.text(max_size=600)


@settings(max_examples=60)
@given(title=anything, text=anything, name=anything, account=anything, address=anything)
def test_whatever_the_words_are(title: str, text: str, name: str, account: str, address: str) -> None:
    one = News(
        notice(title=title, text=text, account_id=account),
        address,
        Provider.GOOGLE,
        NOW,
        ((account, name, 1),) * 6,
    )
    told = email_text([one, one, FAULT], BERLIN)
    check_text(told.text)
    check_text("\n".join(seen(told.html).words))
    title, words = team_text([one] * 30)
    check_text(f"{title}\n{words}")
    assert len(words) <= TEAM_LIMIT
    assert len(told.html) < 30_000


@pytest.mark.parametrize("count", [1, 2, 50, 1000])
def test_team_channels_get_the_same_words_in_short(count: int) -> None:
    title, text = team_text([lost(n) for n in range(count)], BERLIN)
    assert title == ("ana0@example.com cannot send" if count == 1 else f"{count} accounts cannot send")
    assert len(text) <= TEAM_LIMIT
    first = text.splitlines()[0]
    assert first.endswith(
        "Access was removed. Press Reconnect and choose ana0@example.com in the browser. "
        "Since 2026-03-02 23:30 UTC (2026-03-03 00:30 on your computer)."
    )
    assert first.startswith("• ana0@example.com cannot send: ") is (count > 1)
    told = sum(line.startswith("•") for line in text.splitlines())
    assert count < 50 or text.endswith(
        f"… and {count - told} more: open Reply Desktop, its bell lists them all."
    )
    assert "http" not in text and "reply-desktop:" not in text


def test_the_test_says_that_it_is_one() -> None:
    told = trial_text()
    assert told.subject == "Test alert from Reply Desktop"
    assert "This is the test you asked for" in told.text
    assert "This is the test you asked for" in seen(told.html).text


def test_why_it_comes_and_where_to_end_it() -> None:
    assert "Settings → Notifications" in email_text([lost()]).text
