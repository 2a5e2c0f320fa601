"""The engine's end: answers, pushes, and is harmed by no front, however it behaves."""

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reply_desktop import __version__
from reply_desktop.channel import codec, outbox
from reply_desktop.channel import messages as m
from reply_desktop.config import PROTOCOL_VERSION
from reply_desktop.domain import errors
from reply_desktop.domain.events import AccountRemoved, CheckProgress, SummaryChanged, VaultChanged
from reply_desktop.domain.rows import Summary
from tests.channel.serving import SOON_S, Gate, Served, exchange, is_let_go, receive, send, serving
from tests.fakes.engine import row
from tests.harness.waiting import wait_until

HELLO = m.Hello(__version__, PROTOCOL_VERSION)


def still_serves(served: Served) -> bool:
    """Whether somebody new gets in and is answered."""
    front = served.front()
    answered: bool = exchange(front, m.MarkRead()) == m.Done()
    front.close()
    return answered


class TestRequests:
    def test_the_answer_carries_the_requests_id(self, tmp_path: Path) -> None:
        index = m.AccountIndex(("a", "b"))
        with serving(tmp_path, lambda request: index) as served:
            front = served.front()
            send(front, m.ListAccounts(), 71)
            assert codec.decode(front.recv_bytes()) == codec.Frame(71, "reply", index)
            front.close()

    def test_requests_of_one_front_run_side_by_side(self, tmp_path: Path) -> None:
        gate = Gate()

        def handle(request: Any) -> object:
            if isinstance(request, m.Export):
                gate()
                return m.Exported("{}")
            return m.Done()

        with serving(tmp_path, handle) as served:
            front = served.front()
            send(front, m.Export(), 1)
            assert gate.reached.acquire(timeout=SOON_S)
            assert exchange(front, m.MarkRead(), 2) == m.Done()
            gate.open()
            assert receive(front) == m.Exported("{}")
            front.close()

    def test_one_fronts_slow_requests_are_bounded_and_hold_up_nobody_else(self, tmp_path: Path) -> None:
        gate = Gate()

        def handle(request: Any) -> object:
            if isinstance(request, m.MarkRead) and request.ids:
                gate()
            return m.Done()

        with serving(tmp_path, handle) as served:
            greedy = served.front()
            for number in range(40):
                send(greedy, m.MarkRead(("slow",)), number)
            for _ in range(16):
                assert gate.reached.acquire(timeout=SOON_S)
            assert still_serves(served)
            assert not gate.reached.acquire(blocking=False), "no more than 16 at once"
            gate.open()
            assert [receive(greedy) for _ in range(40)] == [m.Done()] * 40
            greedy.close()

    @pytest.mark.parametrize("kind", errors.ERRORS.values())
    def test_an_error_keeps_its_kind_and_words(
        self, tmp_path: Path, kind: type[errors.ReplyDesktopError]
    ) -> None:
        def handle(request: Any) -> object:
            raise kind("What is wrong.", "What to do.")

        with serving(tmp_path, handle) as served:
            front = served.front()
            assert exchange(front, m.MarkRead()) == m.Failure(kind.code, "What is wrong.", "What to do.")
            front.close()

    def test_an_error_that_quotes_a_name_which_is_no_text_is_told_all_the_same(self, tmp_path: Path) -> None:
        def handle(request: Any) -> object:
            raise errors.StoreFull("There is no room for b\udcfcro.db." + "x" * 20_000_000)

        with serving(tmp_path, handle) as served:
            front = served.front()
            failure = exchange(front, m.Backup("/b"))
            assert failure.code == "store_full"
            assert failure.what.startswith("There is no room for b?ro.db.")
            front.close()

    @pytest.mark.expect_log("MarkRead failed: (ValueError|KeyError|TypeError|AssertionError)")
    @pytest.mark.parametrize("fault", [ValueError, KeyError, None, "not an answer"])
    def test_a_fault_of_our_own_tells_no_detail(
        self, tmp_path: Path, fault: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        password = "hunter2"[::-1]

        def handle(request: Any) -> object:
            if isinstance(fault, type):
                raise fault(password)
            return fault

        with serving(tmp_path, handle) as served:
            front = served.front()
            failure = exchange(front, m.MarkRead())
            assert (failure.code, failure.what) == ("error", "The engine met a fault of its own.")
            assert "Traceback" not in str(failure)
            assert exchange(front, m.MarkRead(), 2) == failure, "and the front stays"
            front.close()
        assert password not in caplog.text

    def test_an_unknown_request_is_answered_and_the_front_stays(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            front = served.front()
            front.send_bytes(b'{"id":5,"kind":"request","name":"FormatDisk","body":{}}')
            frame = codec.decode(front.recv_bytes())
            assert (frame.id, frame.kind, frame.message.code) == (5, "failure", "unknown_request")
            assert exchange(front, m.MarkRead(), 6) == m.Done()
            front.close()

    def test_a_wrong_field_is_named(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            front = served.front()
            front.send_bytes(b'{"id":5,"kind":"request","name":"GetAccounts","body":{"ids":["a",1]}}')
            failure = codec.decode(front.recv_bytes()).message
            assert failure.code == "invalid_input"
            assert "`$.ids[1]`" in failure.what
            front.close()

    def test_an_answer_too_long_for_a_frame_is_a_failure_and_not_a_silence(self, tmp_path: Path) -> None:
        with serving(tmp_path, lambda request: m.Exported("x" * 17_000_000)) as served:
            front = served.front()
            failure = exchange(front, m.Export())
            assert failure.code == "invalid_input"
            assert failure.what == "Exported is too long to be sent."
            front.close()


class TestHello:
    def test_it_is_answered_by_who_we_are(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            wire = served.wire()
            welcome = exchange(wire, HELLO)
            assert isinstance(welcome, m.Welcome)
            assert (welcome.version, welcome.protocol) == (__version__, PROTOCOL_VERSION)
            wire.close()

    @pytest.mark.parametrize(
        "frame",
        [
            codec.encode("request", m.GetSummary(), 1),
            codec.encode("request", m.Shutdown(hand_over=True), 1),
            codec.encode("request", HELLO, None),
            codec.encode("reply", m.Done(), 1),
            b"{}",
            b"",
        ],
    )
    def test_nothing_else_may_come_first(self, tmp_path: Path, frame: bytes) -> None:
        asked = list[object]()
        with serving(tmp_path, asked.append) as served:
            wire = served.wire()
            wire.send_bytes(frame)
            assert is_let_go(wire)
            wire.close()
            assert asked == []

    @pytest.mark.parametrize(
        "hello", [m.Hello("0.0.1", PROTOCOL_VERSION), m.Hello(__version__, PROTOCOL_VERSION + 1)]
    )
    def test_another_version_is_told_ours_and_may_ask_nothing(self, tmp_path: Path, hello: m.Hello) -> None:
        asked = list[object]()
        with serving(tmp_path, asked.append) as served:
            for request in (m.GetSummary(), m.Shutdown(hand_over=False)):
                wire = served.wire()
                failure = exchange(wire, hello)
                assert failure.code == "engine_differs"
                assert f"version {__version__} (protocol {PROTOCOL_VERSION})" in failure.what
                assert exchange(wire, request, 2) == failure
                assert is_let_go(wire)
                wire.close()
            assert asked == []

    def test_another_version_may_ask_to_hand_over(self, tmp_path: Path) -> None:
        asked = list[object]()

        def handle(request: Any) -> object:
            asked.append(request)
            return m.Done()

        with serving(tmp_path, handle) as served:
            wire = served.wire()
            assert exchange(wire, m.Hello("9.9.9", 99)).code == "engine_differs"
            assert exchange(wire, m.Shutdown(hand_over=True), 2) == m.Done()
            wire.close()
        assert asked == [m.Shutdown(hand_over=True)]

    def test_a_front_of_another_version_that_says_nothing_more_is_let_go(self, tmp_path: Path) -> None:
        with serving(tmp_path, handshake_s=0.2) as served:
            wire = served.wire()
            assert exchange(wire, m.Hello("9.9.9", 99)).code == "engine_differs"
            assert is_let_go(wire)
            wire.close()

    def test_it_is_said_once(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            front = served.front()
            send(front, HELLO, 2)
            assert is_let_go(front)
            front.close()

    def test_there_are_only_so_many_fronts(self, tmp_path: Path) -> None:
        with serving(tmp_path, most_fronts=2) as served:
            fronts = [served.front(), served.front()]
            wire = served.wire()
            assert exchange(wire, HELLO).code == "engine_unavailable"
            assert is_let_go(wire)
            wire.close()
            fronts.pop().close()
            wait_until(lambda: len(served.server._fronts) == 1, "room again")
            assert still_serves(served)
            fronts.pop().close()


class TestEvents:
    def test_only_fronts_that_want_them_get_them(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            window, command = served.front(events=True), served.front()
            served.server.publish(VaultChanged("locked"))
            assert receive(window) == VaultChanged("locked")
            assert exchange(command, m.MarkRead()) == m.Done()
            window.close()
            command.close()

    def test_rows_are_gathered_by_account_and_the_latest_wins(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            window = served.front(events=True)
            rows = [row(number, f"a{number}@x.example") for number in range(10)]
            for number in range(5000):
                served.server.publish_row(replace(rows[number % 10], sent_today=number))
            latest: dict[str, int] = {}
            frames = 0
            while len(latest) < 10 or min(latest.values()) < 4990:
                changed = receive(window)
                frames += 1
                for each in changed.rows:
                    assert each.sent_today > latest.get(each.id, -1), "never back in time"
                    latest[each.id] = each.sent_today
            assert sorted(latest.values()) == list(range(4990, 5000))
            assert frames < 500
            window.close()

    def test_a_removal_comes_after_the_row_changed_before_it(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            window = served.front(events=True)
            one = row(1, "a@x.example")
            for _ in range(20):
                served.server.publish_row(one)
            served.server.publish(AccountRemoved("a1", "a@x.example"))
            got = [receive(window)]
            while not isinstance(got[-1], AccountRemoved):
                got.append(receive(window))
            served.server.publish(VaultChanged("end"))
            assert receive(window) == VaultChanged("end"), "no row follows its removal"
            window.close()

    def test_many_rows_are_cut_into_frames(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            window = served.front(events=True)
            for number in range(2000):
                served.server.publish_row(row(number, "a@x.example"))
            seen = set[str]()
            while len(seen) < 2000:
                changed = receive(window)
                assert len(changed.rows) <= 500
                seen |= {each.id for each in changed.rows}
            window.close()

    def test_of_summaries_the_latest_and_of_progress_the_furthest_arrives_last(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            window = served.front(events=True)
            for number in range(1000):
                served.server.publish(SummaryChanged(Summary({}, None, number, (), 0)))
                served.server.publish(CheckProgress("c", number + 1, 1000))
            served.server.publish(CheckProgress("c", 999, 1000))
            last: dict[str, int] = {}
            count = 0
            while last != {"summary": 999, "done": 1000}:
                event = receive(window)
                count += 1
                if isinstance(event, SummaryChanged):
                    last["summary"] = event.summary.needs_person
                else:
                    last["done"] = event.done
            assert count < 500
            window.close()

    def test_nobody_listening_costs_nothing_and_fails_nothing(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            served.server.publish_row(row(1, "a@x.example"))
            served.server.publish(VaultChanged("open"))

    def test_what_is_no_event_is_refused_to_the_publisher(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            window = served.front(events=True)
            with pytest.raises(errors.InvalidInput, match="Done is not a event"):
                served.server.publish(m.Done())
            window.close()


class TestBadFronts:
    def test_a_wrong_key_is_refused(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            with pytest.raises((PermissionError, EOFError)):
                served.wire(b"x" * 32)
            assert still_serves(served)

    def test_one_that_stalls_in_the_handshake_stops_nobody_and_is_let_go(self, tmp_path: Path) -> None:
        with serving(tmp_path, handshake_s=0.5) as served:
            silent = [served.knock() for _ in range(20)]
            assert still_serves(served)
            assert all(is_let_go(each) for each in silent)
            for each in silent:
                each.close()

    def test_one_that_proves_the_key_and_never_says_hello_is_let_go(self, tmp_path: Path) -> None:
        with serving(tmp_path, handshake_s=0.3) as served:
            wire = served.wire()
            assert is_let_go(wire)
            wire.close()

    def test_a_flood_of_connections_does_not_keep_a_front_out(self, tmp_path: Path) -> None:
        with serving(tmp_path, most_newcomers=8) as served:
            over = threading.Event()

            def flood() -> None:
                held = list[socket.socket]()
                try:
                    while not over.is_set():
                        held.append(served.knock())
                        if len(held) > 50:
                            held.pop(0).close()
                finally:
                    for each in held:
                        each.close()

            flooding = threading.Thread(target=flood)
            flooding.start()
            try:
                assert any(_gets_in(served) for _ in range(50))
            finally:
                over.set()
                flooding.join()
            assert still_serves(served)

    @pytest.mark.parametrize(
        "data",
        [
            struct.pack("!i", -1) + b"\xff" * 8,
            struct.pack("!i", 2**31 - 1),
            struct.pack("!i", 16 * 1024 * 1024 + 1),
            struct.pack("!i", 4) + b"\0\1\2\3",
            struct.pack("!i", 2) + b"{}",
            os.urandom(4096),
        ],
    )
    @pytest.mark.parametrize("stage", ["newcomer", "stranger", "front"])
    def test_garbage_costs_its_sender_the_connection_only(
        self, tmp_path: Path, data: bytes, stage: str
    ) -> None:
        with serving(tmp_path, handshake_s=2) as served:
            other = served.front(events=True)
            if stage == "newcomer":
                bare = served.knock()
            else:
                wire = served.front() if stage == "front" else served.wire()
                bare = wire._socket
            bare.sendall(data)
            bare.shutdown(socket.SHUT_WR)
            assert is_let_go(bare)
            bare.close()
            served.server.publish(VaultChanged("open"))
            assert receive(other) == VaultChanged("open")
            assert still_serves(served)
            other.close()

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.binary(max_size=300), framed=st.booleans(), stage=st.sampled_from(["newcomer", "front"]))
    def test_random_bytes_harm_nobody(
        self, tmp_path_factory: pytest.TempPathFactory, data: bytes, framed: bool, stage: str
    ) -> None:
        with serving(tmp_path_factory.mktemp("fuzz")) as served:
            bare = served.knock() if stage == "newcomer" else served.front()._socket
            bare.sendall(struct.pack("!i", len(data)) + data if framed else data)
            bare.shutdown(socket.SHUT_WR)
            assert is_let_go(bare)
            bare.close()
            assert still_serves(served)

    def test_one_that_leaves_in_the_middle_of_a_frame(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            front = served.front(events=True)
            front._socket.sendall(struct.pack("!i", 1000) + b'{"id":1')
            front.close()
            wait_until(lambda: not served.server._fronts, "end of that front")
            served.server.publish_row(row(1, "a@x.example"))
            assert still_serves(served)

    def test_one_that_leaves_while_its_request_runs(self, tmp_path: Path) -> None:
        gate = Gate()

        def handle(request: Any) -> object:
            if isinstance(request, m.Export):
                gate()
                return m.Exported("x" * 100_000)
            return m.Done()

        with serving(tmp_path, handle) as served:
            front = served.front()
            send(front, m.Export())
            assert gate.reached.acquire(timeout=SOON_S)
            front.close()
            gate.open()
            assert still_serves(served)

    @pytest.mark.expect_log("does not read what it is sent and is let go")
    def test_one_that_does_not_read_waits_for_rows_and_is_let_go_for_more(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            stopped, window = served.front(events=True), served.front(events=True)
            seen: dict[str, int] = {}
            heard = list[object]()

            def read() -> None:
                with suppress(EOFError):
                    while True:
                        event = receive(window)
                        if isinstance(event, m.RowsChanged):
                            seen.update((each.id, each.sent_today) for each in event.rows)
                        else:
                            heard.append(event)

            reading = threading.Thread(target=read)
            reading.start()
            rows = [row(number, f"a{number}@x.example") for number in range(1000)]
            for turn in range(10):
                for one in rows:
                    served.server.publish_row(replace(one, sent_today=turn))
            wait_until(lambda: len(seen) == 1000 and set(seen.values()) == {9}, "all rows at the other front")
            assert len(served.server._fronts) == 2, "rows alone are no reason"
            while len(heard) < outbox.MOST_FRAMES + 200:
                due = len(heard) + 100
                for _ in range(100):
                    served.server.publish(VaultChanged("open"))
                wait_until(lambda due=due: len(heard) == due, "events at the other front")  # type: ignore[misc]
            assert is_let_go(stopped)
            assert len(served.server._fronts) == 1
            window._socket.shutdown(socket.SHUT_RD)
            reading.join()
            stopped.close()
            window.close()

    def test_one_that_asks_much_and_reads_nothing_is_bounded(self, tmp_path: Path, expect_log: Any) -> None:
        expect_log("does not read what it is sent and is let go")
        with serving(tmp_path, lambda request: m.Exported("x" * 8_000_000)) as served:
            front = served.front()
            front.set_deadline(time.monotonic() + SOON_S)
            number = 0
            with pytest.raises(OSError, match=r"Broken pipe|reset"):
                while True:
                    number += 1
                    send(front, m.Export(), number)
            assert number < 1_000_000
            front.close()


def _gets_in(served: Served) -> bool:
    try:
        return still_serves(served)
    except (OSError, EOFError):
        return False


class TestClose:
    def test_replies_under_way_are_sent_first(self, tmp_path: Path) -> None:
        gate = Gate()

        def handle(request: Any) -> object:
            gate()
            return m.Exported("x" * 2_000_000)

        got = list[Any]()
        with serving(tmp_path, handle) as served:
            front = served.front()
            send(front, m.Export())
            assert gate.reached.acquire(timeout=SOON_S)
            closing = threading.Thread(target=served.server.close)
            closing.start()
            wait_until(lambda: not Path(served.config.channel_address).exists(), "closed door")
            gate.open()
            got.append(receive(front))
            closing.join(SOON_S)
            assert is_let_go(front)
            front.close()
        assert got == [m.Exported("x" * 2_000_000)]

    @pytest.mark.expect_log("Export did not end in time")
    def test_a_request_that_does_not_end_does_not_keep_us(self, tmp_path: Path) -> None:
        gate = Gate()

        def handle(request: Any) -> object:
            gate()
            return m.Exported("")

        with serving(tmp_path, handle) as served:
            front = served.front()
            send(front, m.Export())
            assert gate.reached.acquire(timeout=SOON_S)
            served.server.close(0.2)
            assert is_let_go(front)
            front.close()
            gate.open()

    def test_fronts_that_stall_do_not_keep_us(self, tmp_path: Path) -> None:
        with serving(tmp_path, handshake_s=3600.0) as served:
            knocking, stopped = served.knock(), served.front(events=True)
            for number in range(5000):
                served.server.publish_row(row(number, "a@x.example"))
            served.server.close()
            assert is_let_go(knocking)
            knocking.close()
            stopped.close()

    def test_twice_and_unstarted(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            served.server.close()
            served.server.publish(VaultChanged("open"))
            served.server.publish_row(row(1, "a@x.example"))

    def test_no_connection_is_left_open(self, tmp_path: Path) -> None:
        before = _open_sockets()
        with serving(tmp_path) as served:
            fronts = [served.front(events=True) for _ in range(5)]
            bare = served.knock()
            for each in fronts:
                each.close()
            bare.close()
        assert _open_sockets() == before


def _open_sockets() -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            count += str(link.readlink()).startswith("socket:")
    return count
