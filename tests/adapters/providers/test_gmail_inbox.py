"""Reading Gmail: first looks, later ones by history, and what happens when Gmail forgets or things vanish."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reply_desktop.adapters.http import TransportFault
from reply_desktop.adapters.providers.gmail_inbox import Fields, delivered_id, find_marked, read_new
from reply_desktop.domain.answers import Fault
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.services.ports import SentSearch
from tests.adapters.providers.test_headers import GMAIL

SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Box:
    """A mailbox with the messages of these headers, a second apart; history begins at 100."""

    def __init__(self, *headers: dict[str, str]) -> None:
        self.headers = {f"m{number}": each for number, each in enumerate(headers)}
        self.raw: dict[str, bytes | Fault] = {}
        self.labels: dict[str, list[str]] = {}
        self.forgotten = False
        self.page = 2
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, path: str, fields: Fields) -> dict[str, Any] | None:
        asked = dict(fields)
        self.asked.append((path, asked))
        if path == "profile":
            return {"historyId": str(100 + len(self.headers))}
        if path == "history":
            return self._history(int(asked["startHistoryId"]), int(asked.get("pageToken", 0)))
        if path == "messages":
            return self._list(int(asked["q"].rpartition(":")[2]), int(asked.get("pageToken", 0)))
        return self._message(path.removeprefix("messages/"), asked)

    def _at(self, message_id: str) -> datetime:
        return SINCE + timedelta(seconds=1 + int(message_id[1:]))

    def _history(self, start: int, page: int) -> dict[str, Any] | None:
        if self.forgotten:
            return None
        records = [
            {"id": str(101 + number), "messagesAdded": [{"message": {"id": message_id}}]}
            for number, message_id in enumerate(self.headers)
            if 101 + number > start
        ]
        more = {"nextPageToken": str(page + self.page)} if len(records) > page + self.page else {}
        return {
            "history": records[page : page + self.page],
            "historyId": str(100 + len(self.headers)),
            **more,
        }

    def _list(self, after_s: int, page: int) -> dict[str, Any]:
        found = [each for each in reversed(self.headers) if self._at(each).timestamp() > after_s]
        more = {"nextPageToken": str(page + self.page)} if len(found) > page + self.page else {}
        return {"messages": [{"id": each} for each in found[page : page + self.page]], **more}

    def _message(self, message_id: str, asked: dict[str, str]) -> dict[str, Any] | None:
        if asked["format"] == "raw":
            raw = self.raw[message_id]
            if isinstance(raw, Fault):
                raise TransportFault(raw, "gmail.googleapis.com", sent=True)
            return {"raw": base64.urlsafe_b64encode(raw).decode().rstrip("=")}
        if message_id not in self.headers or self.headers[message_id] == {"gone": "yes"}:
            return None
        pairs = [{"name": name, "value": value} for name, value in self.headers[message_id].items()]
        return {
            "threadId": "t1",
            "internalDate": str(int(self._at(message_id).timestamp() * 1000)),
            "labelIds": self.labels.get(message_id, ["INBOX"]),
            "payload": {"headers": pairs},
        }


def mail(number: int) -> dict[str, str]:
    return {"From": f"p{number}@example.org", "Subject": f"Re: {number}"}


def test_the_first_look_lists_and_the_next_reads_history() -> None:
    box = Box(*map(mail, range(5)))
    page = read_new(box.get, None, SINCE, 200)
    assert [message.subject for message in page.messages] == [f"Re: {number}" for number in range(5)]
    assert (page.cursor, page.more, page.outcome) == ("h:105", False, PROVEN)
    assert page.messages[0].at == SINCE + timedelta(seconds=1) and page.messages[0].provider_thread == "t1"
    assert ("messages", {"q": f"in:inbox after:{int(SINCE.timestamp())}", "maxResults": "500"}) in box.asked
    box.headers["m5"] = mail(5)
    box.asked.clear()
    page = read_new(box.get, page.cursor, SINCE, 200)
    assert [message.id for message in page.messages] == ["m5"] and page.cursor == "h:106"
    assert not any(path == "messages" for path, _ in box.asked)


@pytest.mark.parametrize("cursor", [None, "h:100"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_of_any_size_give_every_message_once_and_in_order(cursor: str | None, limit: int) -> None:
    box = Box(*map(mail, range(7)))
    seen, more = [], True
    while more:
        page = read_new(box.get, cursor, SINCE, limit)
        seen += [message.id for message in page.messages]
        cursor, more = page.cursor, page.more
        assert len(page.messages) <= limit
    assert seen == [f"m{number}" for number in range(7)]
    assert read_new(box.get, cursor, SINCE, limit).messages == ()


@pytest.mark.parametrize("cursor", ["h:1", "rubbish", "l:1:x:y", "h:1:2"])
def test_a_place_gmail_has_forgotten_begins_anew(cursor: str) -> None:
    box = Box(mail(0))
    box.forgotten = True
    page = read_new(box.get, cursor, SINCE, 200)
    assert len(page.messages) == 1 and page.cursor == "h:101"


def test_what_vanished_meanwhile_and_drafts_are_passed_over() -> None:
    box = Box({"gone": "yes"}, mail(1), mail(2))
    box.labels["m1"] = ["DRAFT"]
    assert [message.id for message in read_new(box.get, "h:100", SINCE, 200).messages] == ["m2"]


def test_a_bounce_is_read_whole_unless_it_is_too_large() -> None:
    head = {"Content-Type": "multipart/report; report-type=delivery-status", "X-Failed-Recipients": "x@y.z"}
    box = Box(head, head)
    box.raw = {"m0": GMAIL, "m1": Fault.TOO_LARGE}
    whole, large = read_new(box.get, None, SINCE, 200).messages
    assert whole.markers == ("touch-42",) and whole.failed == (("nobody@example.org", "5.1.1"),)
    assert large.is_report and large.failed == (("x@y.z", "5.0.0"),)
    box.raw["m0"] = Fault.RESET
    with pytest.raises(TransportFault):
        read_new(box.get, None, SINCE, 200)


def test_only_the_headers_that_matter_are_asked_for() -> None:
    box = Box(mail(0))
    read_new(box.get, None, SINCE, 200)
    (asked,) = [fields for path, fields in box.asked if path == "messages/m0"]
    assert asked["format"] == "metadata"


def test_a_marker_is_looked_for_in_each_sent_message() -> None:
    box = Box({"X-Reply-Marker": "other"}, {"X-Reply-Marker": "mine", "Message-ID": "<given@mail.gmail.com>"})
    found = find_marked(box.get, "mine", SINCE)
    assert found == SentSearch(PROVEN, True, "<given@mail.gmail.com>", "m1", "t1")
    assert "in:sent" in box.asked[0][1]["q"]
    assert find_marked(box.get, "missing", SINCE) == SentSearch(PROVEN, False)


def test_too_many_to_look_through_prove_nothing() -> None:
    box = Box(*map(mail, range(501)))
    box.page = 500
    assert find_marked(box.get, "missing", SINCE).found is None


def test_the_delivered_id() -> None:
    box = Box({"Message-Id": " <given@mail.gmail.com> "}, {})
    assert delivered_id(box.get, "m0") == "<given@mail.gmail.com>"
    assert delivered_id(box.get, "m1") is None and delivered_id(box.get, "m9") is None


@pytest.mark.parametrize(
    "answer", [{}, {"messages": 7}, {"messages": ["x", {"id": 7}]}, {"history": {}, "historyId": 3}]
)
def test_answers_of_another_form_are_no_messages(answer: dict[str, Any]) -> None:
    for cursor in (None, "h:100"):
        assert read_new(lambda *_: answer, cursor, SINCE, 200).messages == ()
