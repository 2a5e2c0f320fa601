"""Connections kept for the next message: one each, for a moment only, and none once the app ends."""

import smtplib
import socket
import threading
from collections.abc import Iterator

import pytest

from reply_desktop.adapters.providers.smtp_pool import SmtpPool, say_goodbye
from tests.harness.waiting import wait_until


class Line(smtplib.SMTP):
    """A connection without a server."""

    def __init__(self, *, rude: bool = False) -> None:
        super().__init__()
        self.sock, self._other = socket.socketpair()
        self.rude = rude
        self.goodbyes = 0

    def quit(self) -> tuple[int, bytes]:
        self.goodbyes += 1
        if self.rude:
            raise smtplib.SMTPServerDisconnected("gone")
        return 221, b"bye"

    def close(self) -> None:
        super().close()
        self._other.close()

    @property
    def is_open(self) -> bool:
        return self._other.fileno() >= 0


@pytest.fixture
def pool() -> Iterator[SmtpPool[Line]]:
    made: SmtpPool[Line] = SmtpPool(30.0)
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "mail-idle"]


def test_a_kept_connection_is_taken_once(pool: SmtpPool[Line]) -> None:
    line = Line()
    pool.give("a", line)
    assert pool.take("b") is None
    assert pool.take("a") is line and pool.take("a") is None
    assert line.is_open and line.goodbyes == 0
    line.close()


def test_one_is_kept_for_a_key_and_the_second_ends(pool: SmtpPool[Line]) -> None:
    first, second = Line(), Line()
    pool.give("a", first)
    pool.give("a", second)
    assert not second.is_open and second.goodbyes == 1
    assert first.is_open


def test_what_is_not_used_ends_with_a_goodbye() -> None:
    pool: SmtpPool[Line] = SmtpPool(0.02)
    lines = [Line(), Line(rude=True)]
    for number, line in enumerate(lines):
        pool.give(number, line)
    wait_until(lambda: not any(line.is_open for line in lines), "end of the idle connections")
    assert [line.goodbyes for line in lines] == [1, 1]
    names = lambda: [thread.name for thread in threading.enumerate()]  # noqa: E731
    wait_until(lambda: "mail-idle" not in names(), "end of the keeper")
    again = Line()
    pool.give("a", again)
    wait_until(lambda: not again.is_open, "end of a later one")
    pool.close()


def test_closing_ends_all_and_keeps_no_more(pool: SmtpPool[Line]) -> None:
    lines = [Line() for _ in range(3)]
    for number, line in enumerate(lines):
        pool.give(number, line)
    pool.close()
    late = Line()
    pool.give("late", late)
    assert not any(line.is_open for line in [*lines, late])
    assert pool.take(0) is None


def test_none_is_kept_when_none_is_wanted() -> None:
    pool: SmtpPool[Line] = SmtpPool(0)
    line = Line()
    pool.give("a", line)
    assert not line.is_open and pool.take("a") is None


def test_a_goodbye_to_a_dead_line_is_quiet() -> None:
    say_goodbye(smtplib.SMTP())


def test_a_goodbye_never_raises() -> None:
    class Broken(Line):
        def close(self) -> None:
            super().close()
            raise OSError("the close failed")

    line = Broken(rude=True)
    say_goodbye(line)
    assert not line.is_open
