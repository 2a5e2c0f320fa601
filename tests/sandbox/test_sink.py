"""The mail sink: what is accepted is kept, also over a restart, and headers are changed cleanly."""

from pathlib import Path

import pytest

from reply_desktop.sandbox.sink import Envelope, Sink, head_of, header_of, with_header
from tests.fakes.clock import FakeClock
from tests.sandbox.callers import ANA, mail

FOLDED = (
    b"Subject: one\r\n two\r\nTo: a@x.example, b@x.example\r\nMessage-ID: <1@x>\r\n\r\nbody: not a header\r\n"
)


def test_mail_is_kept_over_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    first = Sink(tmp_path, clock.now).accept(ANA, "gmail", mail(ANA, "Grüße"))
    sink = Sink(tmp_path, clock.now)
    second = sink.accept(ANA, "smtp", FOLDED, Envelope("bounce@x.example", ("c@x.example",)))
    assert sink.messages.after(0, lambda _: True) == [first, second]
    assert (first.id, first.subject, first.at) == (1, "Grüße", clock.now())
    assert (second.id, second.sender, second.recipients) == (2, "bounce@x.example", ("c@x.example",))
    assert sink.raw(1) == mail(ANA, "Grüße") and sink.raw(9) is None


def test_recipients_come_from_the_headers_when_there_is_no_envelope(tmp_path: Path, clock: FakeClock) -> None:
    kept = Sink(tmp_path, clock.now).accept(ANA, "graph", FOLDED + b"")
    assert kept.recipients == ("a@x.example", "b@x.example") and kept.message_id == "<1@x>"


def test_a_line_cut_short_by_a_kill_is_no_harm(tmp_path: Path, clock: FakeClock) -> None:
    Sink(tmp_path, clock.now).accept(ANA, "gmail", FOLDED)
    with (tmp_path / "index.jsonl").open("a") as index:
        index.write('{"id": 2, "at": "20')
    assert len(Sink(tmp_path, clock.now).messages) == 1


def test_forgetting(tmp_path: Path, clock: FakeClock) -> None:
    sink = Sink(tmp_path, clock.now)
    sink.accept(ANA, "gmail", FOLDED)
    sink.clear()
    assert len(sink.messages) == 0 and sink.raw(1) is None
    assert sink.accept(ANA, "gmail", FOLDED).id == 2


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("message-id", FOLDED.replace(b"Message-ID: <1@x>", b"message-id: <2@y>")),
        ("Subject", FOLDED.replace(b"Subject: one\r\n two", b"Subject: <2@y>")),
        ("X-New", b"X-New: <2@y>\r\n" + FOLDED),
        ("body", b"body: <2@y>\r\n" + FOLDED),
    ],
)
def test_a_header_is_set_and_nothing_else_moves(name: str, changed: bytes) -> None:
    assert with_header(FOLDED, name, "<2@y>") == changed


def test_reading_headers() -> None:
    assert header_of(FOLDED, "subject") == "one two" and header_of(FOLDED, "Cc") == ""
    assert head_of(FOLDED).endswith(b"<1@x>\r\n\r\n") and head_of(b"A: b") == b"A: b"


def test_a_subject_nobody_can_decode(tmp_path: Path, clock: FakeClock) -> None:
    raw = b"Subject: =?no-such-charset?q?x?=\r\nTo: a@x.example\r\n\r\n"
    assert Sink(tmp_path, clock.now).accept(ANA, "gmail", raw).subject
