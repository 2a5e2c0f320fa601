"""Reading by Graph: nothing twice, nothing lost, though mail may show up out of order."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.adapters.providers.graph_inbox import OVERLAP, find_marked, read_new
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.services.ports import SentSearch
from tests.adapters.providers.test_headers import EXCHANGE

SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Box:
    """An inbox: id → seconds after SINCE, and headers; pages of two."""

    def __init__(self, **times: int) -> None:
        self.times = times
        self.headers: dict[str, dict[str, str]] = {}
        self.sent: dict[str, dict[str, str]] = {}
        self.raw: dict[str, bytes | None] = {}
        self.asked: list[str] = []

    def get(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if "sentitems" in path:
            return {"value": [row for part, row in self.sent.items() if part in query["$filter"]]}
        start = datetime.fromisoformat(query["$filter"].rpartition(" ")[2])
        rows = sorted((at, name) for name, at in self.times.items() if SINCE + timedelta(seconds=at) >= start)
        skip = int(query.get("$skip", "0"))
        page = {"value": [self._row(name, at) for at, name in rows[skip : skip + 2]]}
        more = f"https://graph.microsoft.com/v1.0/me/{path.partition('&$skip')[0]}&$skip={skip + 2}"
        return page | ({"@odata.nextLink": more} if len(rows) > skip + 2 else {})

    def get_raw(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.raw[path]

    def _row(self, name: str, at: int) -> dict[str, Any]:
        received = (SINCE + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = [{"name": each, "value": value} for each, value in self.headers.get(name, {}).items()]
        return {
            "id": name,
            "receivedDateTime": received,
            "subject": f"About {name}",
            "from": {"emailAddress": {"address": "bo@example.org"}},
            "internetMessageId": f"<{name}@example.org>",
            "conversationId": "c1",
            **({"internetMessageHeaders": headers} if headers else {}),
        }


def test_rows_become_messages_and_headers_count_more() -> None:
    box = Box(a=1, b=2)
    box.headers["b"] = {
        "From": "Bo <bo@other.example>",
        "In-Reply-To": "<m1@x>",
        "Auto-Submitted": "auto-replied",
    }
    page = read_new(box.get, box.get_raw, None, SINCE, 200)
    one, two = page.messages
    assert (one.sender, one.subject, one.message_id) == ("bo@example.org", "About a", "<a@example.org>")
    assert one.at == SINCE + timedelta(seconds=1) and one.provider_thread == "c1"
    assert (two.sender, two.references, two.auto_submitted) == (
        "bo@other.example",
        ("<m1@x>",),
        "auto-replied",
    )
    assert page.outcome is PROVEN and "internetMessageHeaders" in box.asked[0]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_pages_of_any_size_give_every_message_once(limit: int) -> None:
    box = Box(**{f"m{number}": number // 3 for number in range(9)})
    cursor, seen, more = None, [], True
    while more:
        page = read_new(box.get, box.get_raw, cursor, SINCE, limit)
        seen += [message.id for message in page.messages]
        cursor, more = page.cursor, page.more
    assert seen == [f"m{number}" for number in range(9)]


def test_one_that_shows_up_late_is_not_lost() -> None:
    box = Box(a=100)
    page = read_new(box.get, box.get_raw, None, SINCE, 200)
    box.times["late"] = 100 - int(OVERLAP.total_seconds()) + 1
    page = read_new(box.get, box.get_raw, page.cursor, SINCE, 200)
    assert [message.id for message in page.messages] == ["late"]


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 60), max_size=6), max_size=6),
    st.integers(1, 4),
)
def test_whatever_comes_when_is_read_once(batches: list[list[int]], limit: int) -> None:
    """Each batch of arrivals may be out of order by less than the overlap."""
    box = Box()
    cursor, seen = None, []
    for batch in batches:
        for at in batch:
            box.times[f"m{len(box.times)}"] = at
        more = True
        while more:
            page = read_new(box.get, box.get_raw, cursor, SINCE, limit)
            seen += [message.id for message in page.messages]
            cursor, more = page.cursor, page.more
    assert sorted(seen) == sorted(box.times)


def test_the_place_forgets_what_is_long_past() -> None:
    box = Box(**{f"m{number}": 60 * number for number in range(50)})
    page = read_new(box.get, box.get_raw, None, SINCE, 200)
    assert len(json.loads(page.cursor or "")["seen"]) == 3, "those of the last two minutes"


@pytest.mark.parametrize("cursor", ["", "rubbish", "[]", '{"at": 1}', '{"at": 1e99, "seen": {}}', "h:1"])
def test_a_place_nobody_can_read_begins_anew(cursor: str) -> None:
    assert len(read_new(Box(a=1).get, lambda _: None, cursor, SINCE, 200).messages) == 1


def test_a_bounce_is_read_whole() -> None:
    box = Box(a=1)
    box.headers["a"] = {"Content-Type": "multipart/report; report-type=delivery-status"}
    box.raw["messages/a/$value"] = EXCHANGE
    (message,) = read_new(box.get, box.get_raw, None, SINCE, 200).messages
    assert (
        message.is_report
        and message.markers == ("touch-7",)
        and "<own@PROD.OUTLOOK.COM>" in message.references
    )
    box.raw["messages/a/$value"] = None
    (message,) = read_new(box.get, box.get_raw, None, SINCE, 200).messages
    assert message.is_report and message.failed == ()


def test_sent_mail_is_found_by_id_or_by_our_own_header() -> None:
    box = Box()
    row = {"id": "s1", "internetMessageId": "<new@PROD.OUTLOOK.COM>", "conversationId": "c1"}
    found = SentSearch(PROVEN, True, "<new@PROD.OUTLOOK.COM>", "s1", "c1")
    for part in ("internetMessageId eq '<o''brien@x>'", "Name X-Reply-Marker' and ep/value eq 'mark'"):
        box.sent = {part: row}
        assert find_marked(box.get, "mark", "<o'brien@x>") == found
    box.sent = {}
    assert find_marked(box.get, "mark", "<o'brien@x>") == SentSearch(PROVEN, False)


@pytest.mark.parametrize("answer", [None, {}, {"value": 7}, {"value": ["x"]}, {"value": [{"id": 7}]}])
def test_answers_of_another_form_do_no_harm(answer: dict[str, Any] | None) -> None:
    page = read_new(lambda _: answer, lambda _: None, None, SINCE, 200)
    assert all(message.references == () for message in page.messages)
