"""The sandbox's mailboxes: what they sent and received, and which conversation it belongs to."""

from pathlib import Path

import pytest

from reply_desktop.sandbox.letters import Letters
from reply_desktop.sandbox.sink import Sink
from tests.fakes.clock import FakeClock
from tests.sandbox.callers import ANA, BEN


@pytest.fixture
def letters(tmp_path: Path, clock: FakeClock) -> Letters:
    return Letters(Sink(tmp_path / "sink", clock.now), Sink(tmp_path / "inbox", clock.now))


def mail(message_id: str, *answers: str) -> bytes:
    references = f"References: {' '.join(answers)}\r\n" if answers else ""
    return f"To: bo@x.example\r\nMessage-ID: <{message_id}>\r\n{references}\r\nbody".encode()


def test_an_answer_joins_the_thread_it_answers(letters: Letters) -> None:
    first = letters.send(ANA, "gmail", mail("1"))
    reply = letters.deliver(ANA, mail("2", "<1>"))
    follow_up = letters.send(ANA, "gmail", mail("3", "<1>", "<2>"))
    assert first.mail.thread == reply.mail.thread == follow_up.mail.thread
    assert letters.send(ANA, "gmail", mail("4")).mail.thread != first.mail.thread
    assert letters.deliver(BEN, mail("5", "<1>")).mail.thread != first.mail.thread, "another mailbox's"
    assert letters.knows_thread(ANA, first.mail.thread) and not letters.knows_thread(BEN, first.mail.thread)


def test_a_wanted_thread_counts_only_when_the_references_fit(letters: Letters) -> None:
    one, two = (letters.send(ANA, "gmail", mail(name)).mail.thread for name in ("1", "2"))
    assert letters.send(ANA, "gmail", mail("3", "<1>"), thread=one).mail.thread == one
    assert letters.send(ANA, "gmail", mail("4", "<1>"), thread=two).mail.thread not in (one, two)
    assert letters.send(ANA, "gmail", mail("5"), thread=one).mail.thread not in (one, two)


def test_sent_and_received_are_apart_and_kept(tmp_path: Path, clock: FakeClock, letters: Letters) -> None:
    sent, came = letters.send(ANA, "gmail", mail("1")), letters.deliver(ANA, mail("2", "<1>"))
    again = Letters(Sink(tmp_path / "sink", clock.now), Sink(tmp_path / "inbox", clock.now))
    for one in (letters, again):
        assert list(one.of(ANA, sent=True)) == [sent] and list(one.of(ANA, sent=False)) == [came]
        assert one.find(ANA, came.mail.id, sent=False) == came
        assert one.find(BEN, came.mail.id, sent=False) is None
        assert one.raw(came) == mail("2", "<1>") and one.last_received == 1
    assert again.deliver(ANA, mail("3", "<2>")).mail.thread == sent.mail.thread
    assert list(letters.of(ANA, sent=False, after=1)) == []
