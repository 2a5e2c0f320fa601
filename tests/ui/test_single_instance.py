"""One window per data folder: errands of later launches, stale locks, and visitors who talk nonsense."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui.single_instance import (
    LIMIT,
    TABS,
    VISITORS,
    Errand,
    Message,
    SingleInstance,
    from_bytes,
    parse_link,
    to_bytes,
)

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from reply_desktop.ui.single_instance import SingleInstance
app = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
print(instance.claim(), flush=True)
app.exec()
"""
SECOND = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from reply_desktop.ui.single_instance import Errand, Message, SingleInstance
app = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
print(instance.claim(), instance.send(Message(Errand.ACCOUNT, "a-1", "token")))
"""


@pytest.fixture
def instance(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[], SingleInstance]]:
    made: list[SingleInstance] = []

    def make() -> SingleInstance:
        made.append(SingleInstance(tmp_path, patience_ms=200))
        return made[-1]

    yield make
    for each in made:
        each.release()


def hand_over(qtbot: QtBot, first: SingleInstance, message: Message) -> Message:
    """What the first window hears when somebody sends this over its socket."""
    socket = QLocalSocket()
    with qtbot.waitSignal(first.asked) as heard:
        socket.connectToServer(first.address)
        socket.write(to_bytes(message))
    qtbot.waitUntil(lambda: bytes(socket.readAll().data()) == b"ok\n")
    socket.abort()
    heard_message: Message = heard.args[0]
    return heard_message


def test_the_second_launch_hands_its_errand_over(
    qtbot: QtBot, instance: Callable[[], SingleInstance], tmp_path: Path
) -> None:
    first = instance()
    assert first.claim() is True
    command = [sys.executable, "-c", SECOND, str(tmp_path)]
    with (
        qtbot.waitSignal(first.asked, timeout=15_000) as asked,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as second,
    ):
        # Its output ends with it, and this thread must answer meanwhile.
        qtbot.waitUntil(lambda: second.poll() is not None, timeout=15_000)
        assert second.stdout
        assert second.stdout.read() == "False True\n"
    assert asked.args == [Message(Errand.ACCOUNT, "a-1", "token")]


def test_the_next_one_may_claim_after_release(instance: Callable[[], SingleInstance]) -> None:
    first, second = instance(), instance()
    assert first.claim()
    first.release()
    assert second.claim()


def test_nobody_there_is_said(instance: Callable[[], SingleInstance]) -> None:
    assert instance().send(Message()) is False


@pytest.mark.skipif(sys.platform == "win32", reason="Windows pipes have no file")
def test_the_socket_is_private(instance: Callable[[], SingleInstance]) -> None:
    first = instance()
    assert first.claim()
    assert stat.S_IMODE(Path(first.address).stat().st_mode) & 0o077 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows pipes have no path")
def test_a_deep_data_folder_gets_a_short_socket(qtbot: QtBot, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    first = SingleInstance(deep)
    assert len(first.address) < 96
    assert first.claim()
    first.release()


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_a_window_that_was_killed_is_replaced_at_once(
    qtbot: QtBot, instance: Callable[[], SingleInstance], tmp_path: Path
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout
    with holder.stdout:
        assert holder.stdout.readline() == "True\n"
        assert instance().claim() is False
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    first = instance()
    assert Path(first.address).exists()
    assert first.claim() is True
    assert hand_over(qtbot, first, Message()) == Message()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(qtbot: QtBot, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InvalidInput, match="cannot be written"):
        SingleInstance(tmp_path).claim()


def test_a_folder_that_is_not_there_is_named(qtbot: QtBot, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        SingleInstance(tmp_path / "none" / "such").claim()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"{}\n",
        b"[" * 4000 + b"\n",
        b"x" * 100_000,
        b"\xff\xfe\n",
        b"1\n",
    ],
)
def test_nonsense_is_harmless(qtbot: QtBot, instance: Callable[[], SingleInstance], line: bytes) -> None:
    first = instance()
    first.claim()
    asked: list[Message] = []
    first.asked.connect(asked.append)
    socket = QLocalSocket()
    with qtbot.waitSignal(socket.disconnected, timeout=8000):
        socket.connectToServer(first.address)
        socket.write(line)
    assert asked == []
    assert hand_over(qtbot, first, Message()) == Message()


def test_a_crowd_of_silent_visitors_does_not_grow(
    qtbot: QtBot, instance: Callable[[], SingleInstance]
) -> None:
    first = instance()
    first.claim()
    sockets = [QLocalSocket() for _ in range(VISITORS * 3)]
    for socket in sockets:
        socket.connectToServer(first.address)
    qtbot.waitUntil(lambda: len(first._visitors) == VISITORS)
    qtbot.waitUntil(lambda: not first._visitors, timeout=8000)
    for socket in sockets:
        socket.abort()


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("reply-desktop://account/a-1", Message(Errand.ACCOUNT, "a-1")),
        ("REPLY-DESKTOP://account/a_2/", Message(Errand.ACCOUNT, "a_2")),
        ("reply-desktop://reconnect/a1", Message(Errand.ACCOUNT, "a1")),
        ("reply-desktop://providers", Message(Errand.PROVIDERS)),
        ("reply-desktop://notifications", Message(Errand.NOTIFICATIONS)),
        ("reply-desktop://notifications/email", Message()),
        ("reply-desktop://diagnosis/a-1", Message(Errand.DIAGNOSIS, "a-1")),
        ("reply-desktop://diagnosis", Message()),
        ("reply-desktop://account/../../etc", Message()),
        ("reply-desktop://account/" + "a" * 65, Message()),
        ("reply-desktop://account/%0a", Message()),
        ("reply-desktop://sequences", Message(Errand.SEQUENCES)),
        ("reply-desktop://sequences/s1", Message()),
        ("reply-desktop://sequence/s-1", Message(Errand.SEQUENCE, "s-1")),
        ("reply-desktop://sequence/s1/log", Message(Errand.SEQUENCE, "s1", tab="log")),
        ("reply-desktop://sequence/s1/log/17", Message(Errand.SEQUENCE, "s1", tab="log", entry=17)),
        ("reply-desktop://sequence/s1/log/1%207", Message(Errand.SEQUENCE, "s1", tab="log")),
        ("reply-desktop://sequence/s1/quit/../", Message(Errand.SEQUENCE, "s1")),
        ("reply-desktop://sequence/%0a/log", Message()),
        ("reply-desktop://sequence", Message()),
        ("reply-desktop://quit", Message()),
        ("https://account/a1", Message()),
        ("reply-desktop://[", Message()),
        ("", Message()),
    ],
)
def test_links_only_open_places(link: str, message: Message) -> None:
    assert parse_link(link) == message


def test_no_link_begins_anything() -> None:
    for place in Errand:
        assert parse_link(f"reply-desktop://{place}/a1").errand is not Errand.RECONNECT
        assert parse_link(f"reply-desktop://{place}").errand is not Errand.RECONNECT


def test_errands_that_come_early_are_done_once_the_window_is_there(
    qtbot: QtBot, instance: Callable[[], SingleInstance]
) -> None:
    first = instance()
    assert first.claim()
    early, late = Message(Errand.ACCOUNT, "a1"), Message(Errand.PROVIDERS)
    assert hand_over(qtbot, first, early) == early
    first.take(late)
    done: list[Message] = []
    first.serve(done.append)
    assert done == [early, late]
    first.take(early)
    assert done == [early, late, early]


def test_a_newer_launch_at_least_raises_the_window() -> None:
    assert from_bytes(b'{"version": 4, "errand": "dance", "token": "t"}') == Message(token="t")
    assert from_bytes(b'{"version": 1, "errand": "dance"}') is None


def test_an_older_launch_is_understood_and_nonsense_in_a_place_is_passed_over() -> None:
    assert from_bytes(b'{"version": 1, "errand": "account", "account": "a1"}') == Message(
        Errand.ACCOUNT, "a1"
    )
    line = b'{"version": 2, "errand": "sequence", "account": "s1", "tab": ["x"], "entry": "-1"}'
    assert from_bytes(line) == Message(Errand.SEQUENCE, "s1")
    assert from_bytes(b'{"version": 2, "errand": "sequence"}') is None


@given(
    st.sampled_from(Errand),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=64),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=256),
    st.sampled_from(TABS),
    st.none() | st.integers(0, 10**18 - 1),
)
def test_messages_survive_the_way(
    errand: Errand, account: str, token: str, tab: str, entry: int | None
) -> None:
    message = Message(errand, account, token, tab, entry)
    assert len(to_bytes(message)) <= LIMIT
    assert from_bytes(to_bytes(message)) == message


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
        lambda value: str(value).encode("utf-8", "replace")
    )
)
def test_no_bytes_raise(line: bytes) -> None:
    assert from_bytes(line) is None
