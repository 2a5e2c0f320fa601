"""A front's end: answers by their types, errors as themselves, and the truth about a lost engine."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reply_desktop import __version__
from reply_desktop.channel import codec
from reply_desktop.channel import messages as m
from reply_desktop.channel.client import Client, hand_over, read_key
from reply_desktop.channel.wire import SocketListener, SocketWire, authenticate_newcomer
from reply_desktop.config import Config
from reply_desktop.domain import errors
from reply_desktop.domain.errors import EngineDiffers, EngineUnavailable, InvalidInput, ReplyDesktopError
from reply_desktop.domain.events import VaultChanged
from reply_desktop.files import write_private
from tests.channel.serving import SOON_S, Gate, serving, welcome
from tests.harness.waiting import wait_until

KEY = b"k" * 32


class Ended:
    """What one `ask_async` came to."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.errors: list[ReplyDesktopError] = []
        self._over = threading.Semaphore(0)

    def done(self, answer: Any) -> None:
        self.answers.append(answer)
        self._over.release()

    def failed(self, error: ReplyDesktopError) -> None:
        self.errors.append(error)
        self._over.release()

    def wait(self) -> "Ended":
        assert self._over.acquire(timeout=SOON_S)
        assert not self._over.acquire(blocking=False), "exactly one of the two, once"
        return self


@contextmanager
def scripted(
    folder: Path, play: Callable[[SocketWire], None], first: bytes | None = None
) -> Iterator[Config]:
    """An engine that does as told with the first front, once it has let it in (or said `first`)."""
    config = Config(folder)
    write_private(config.key_file, KEY.hex())
    listener = SocketListener(config.channel_address)

    def serve() -> None:
        wire = listener.accept()
        assert wire is not None
        authenticate_newcomer(wire, KEY)
        hello = codec.decode(wire.recv_bytes())
        wire.send_bytes(first or codec.encode("reply", welcome(config), hello.id))
        assert isinstance(wire, SocketWire)
        try:
            play(wire)
        except (OSError, EOFError):
            pass
        finally:
            wire.close()

    engine = threading.Thread(target=serve)
    engine.start()
    try:
        yield config
    finally:
        engine.join(SOON_S)
        listener.close()
        listener.accept()


class TestAsking:
    def test_the_answer_has_the_class_the_request_names(self, tmp_path: Path) -> None:
        with serving(tmp_path, lambda request: m.AccountIndex(("a",))) as served:
            client = Client(served.config)
            index: m.AccountIndex = client.ask(m.ListAccounts())
            assert index.ids == ("a",)
            assert client.welcome.version == __version__
            client.close()

    @pytest.mark.parametrize("kind", errors.ERRORS.values())
    def test_a_failure_is_raised_as_the_error_it_was(
        self, tmp_path: Path, kind: type[ReplyDesktopError]
    ) -> None:
        def handle(request: Any) -> object:
            raise kind("What is wrong.", "What to do.")

        with serving(tmp_path, handle) as served:
            client = Client(served.config)
            with pytest.raises(kind) as caught:
                client.ask(m.MarkRead())
            assert type(caught.value) is kind
            assert (caught.value.what, caught.value.todo) == ("What is wrong.", "What to do.")
            client.close()

    def test_a_code_of_a_later_engine_is_kept(self, tmp_path: Path) -> None:
        def play(wire: SocketWire) -> None:
            frame = codec.decode(wire.recv_bytes())
            wire.send_bytes(codec.encode("failure", m.Failure("unheard_of", "What."), frame.id))
            wire.recv_bytes()

        with scripted(tmp_path, play) as config:
            client = Client(config)
            with pytest.raises(ReplyDesktopError, match=r"What\.") as caught:
                client.ask(m.MarkRead())
            assert caught.value.code == "unheard_of"
            client.close()

    def test_many_threads_share_one_connection(self, tmp_path: Path) -> None:
        def handle(request: Any) -> object:
            return m.SettingValues({name: name for name in request.names})

        with serving(tmp_path, handle) as served, ThreadPoolExecutor(16) as pool:
            client = Client(served.config)

            def ask(number: int) -> bool:
                return client.ask(m.GetSettings((str(number),))).values == {str(number): str(number)}

            assert all(pool.map(ask, range(1000)))
            client.close()

    def test_an_answer_too_late_is_engine_unavailable_and_then_ignored(self, tmp_path: Path) -> None:
        gate = Gate()

        def handle(request: Any) -> object:
            if isinstance(request, m.Export):
                gate()
                return m.Exported("late")
            return m.Done()

        with serving(tmp_path, handle) as served:
            client = Client(served.config)
            with pytest.raises(EngineUnavailable, match=r"did not answer within 0\.05 s"):
                client.ask(m.Export(), timeout_s=0.05)
            gate.open()
            assert client.ask(m.MarkRead()) == m.Done()
            client.close()

    def test_async_calls_exactly_one_of_the_two(self, tmp_path: Path) -> None:
        def handle(request: Any) -> object:
            if isinstance(request, m.GetSummary):
                raise errors.NotFound("Nothing.")
            return m.Done()

        with serving(tmp_path, handle) as served:
            client = Client(served.config)
            good, bad = Ended(), Ended()
            client.ask_async(m.MarkRead(), good.done, good.failed)
            client.ask_async(m.GetSummary(), bad.done, bad.failed)
            assert good.wait().answers == [m.Done()]
            assert type(bad.wait().errors[0]) is errors.NotFound
            client.close()

    def test_what_cannot_be_sent_fails_without_the_secret_in_it(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            client, ended = Client(served.config), Ended()
            request = m.UnlockVault("hunter2\ud800")
            client.ask_async(request, ended.done, ended.failed)
            assert isinstance(ended.wait().errors[0], InvalidInput)
            assert "hunter2" not in str(ended.errors[0])
            with pytest.raises(InvalidInput):
                client.ask(request)
            assert client.ask(m.MarkRead()) == m.Done()
            client.close()

    def test_async_never_waits_for_an_engine_that_does_not_read(self, tmp_path: Path) -> None:
        over = threading.Event()

        def play(wire: SocketWire) -> None:
            over.wait()

        with scripted(tmp_path, play) as config:
            client, ends = Client(config), [Ended() for _ in range(2000)]
            for end in ends:
                client.ask_async(m.PutSettings({"x": "x" * 1000}), end.done, end.failed)
            over.set()
            assert all(isinstance(end.wait().errors[0], EngineUnavailable) for end in ends)
            client.close()

    def test_waiting_inside_a_callback_is_refused_at_once(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            refused = list[Exception]()
            ended = threading.Event()

            def done(_: m.Done) -> None:
                try:
                    client.ask(m.MarkRead())
                except RuntimeError as error:
                    refused.append(error)
                ended.set()

            client = Client(served.config)
            client.ask_async(m.MarkRead(), done, lambda error: None)
            assert ended.wait(SOON_S)
            assert refused
            client.close()

    @pytest.mark.expect_log("A callback of the channel failed")
    def test_a_callbacks_fault_is_its_own(self, tmp_path: Path) -> None:
        def fail(_: object) -> None:
            raise ValueError

        with serving(tmp_path) as served:
            client = Client(served.config, events=True, on_event=fail)
            client.ask_async(m.MarkRead(), fail, fail)
            served.server.publish(VaultChanged("open"))
            assert client.ask(m.MarkRead()) == m.Done()
            client.close()

    def test_another_class_than_asked_for_is_no_answer(self, tmp_path: Path) -> None:
        def play(wire: SocketWire) -> None:
            frame = codec.decode(wire.recv_bytes())
            wire.send_bytes(codec.encode("reply", m.Exported("?"), frame.id))
            wire.recv_bytes()

        with scripted(tmp_path, play) as config:
            client = Client(config)
            with pytest.raises(EngineUnavailable, match="something else"):
                client.ask(m.MarkRead())
            client.close()


class TestEvents:
    def test_they_come_in_order_on_the_clients_own_thread(self, tmp_path: Path) -> None:
        got = list[tuple[object, str]]()
        with serving(tmp_path) as served:
            client = Client(
                served.config,
                events=True,
                on_event=lambda event: got.append((event, threading.current_thread().name)),
            )
            for number in range(100):
                served.server.publish(VaultChanged(str(number)))
            wait_until(lambda: len(got) == 100, "all events")
            assert [event for event, _ in got] == [VaultChanged(str(number)) for number in range(100)]
            assert {name for _, name in got} == {"channel-receive"}
            client.close()

    def test_an_event_of_a_later_engine_is_passed_over(self, tmp_path: Path) -> None:
        got = list[object]()

        def play(wire: SocketWire) -> None:
            wire.send_bytes(b'{"id":null,"kind":"event","name":"MoonPhase","body":{}}')
            wire.send_bytes(codec.encode("event", VaultChanged("open")))
            wire.recv_bytes()

        with scripted(tmp_path, play) as config:
            client = Client(config, events=True, on_event=got.append)
            wait_until(lambda: got == [VaultChanged("open")], "the known event")
            client.close()


class TestLoss:
    def test_open_requests_fail_first_then_on_lost_once(self, tmp_path: Path) -> None:
        order = list[str]()
        lost = threading.Event()
        asked = threading.Semaphore(0)

        def play(wire: SocketWire) -> None:
            for _ in range(3):
                wire.recv_bytes()
            asked.acquire(timeout=SOON_S)

        def on_lost() -> None:
            order.append("lost")
            lost.set()

        with scripted(tmp_path, play) as config:
            client = Client(config, on_lost=on_lost)
            for _ in range(3):
                client.ask_async(m.MarkRead(), order.append, lambda error: order.append(type(error).__name__))  # type: ignore[arg-type]
            asked.release()
            assert lost.wait(SOON_S)
            assert order == ["EngineUnavailable"] * 3 + ["lost"]
            assert client.wait_gone(0)
            with pytest.raises(EngineUnavailable, match="is not running"):
                client.ask(m.MarkRead())
            ended = Ended()
            client.ask_async(m.MarkRead(), ended.done, ended.failed)
            assert isinstance(ended.wait().errors[0], EngineUnavailable)
            client.close()
            assert order.count("lost") == 1

    @pytest.mark.expect_log("The engine cannot be understood")
    @pytest.mark.parametrize(
        "data", [b"{}", b"[]", b'{"id":null,"kind":"event","name":"VaultChanged","body":{"status":1}}']
    )
    def test_an_engine_that_cannot_be_understood_is_lost(self, tmp_path: Path, data: bytes) -> None:
        lost = threading.Event()

        def play(wire: SocketWire) -> None:
            wire.send_bytes(data)
            wire.recv_bytes()

        with scripted(tmp_path, play) as config:
            client = Client(config, on_lost=lost.set)
            assert lost.wait(SOON_S)
            client.close()

    def test_close_fails_what_is_open_and_does_not_call_on_lost(self, tmp_path: Path) -> None:
        lost, gate = list[int](), Gate()

        def handle(request: Any) -> object:
            gate()
            return m.Done()

        with serving(tmp_path, handle) as served:
            client, ended = Client(served.config, on_lost=lambda: lost.append(1)), Ended()
            client.ask_async(m.MarkRead(), ended.done, ended.failed)
            assert gate.reached.acquire(timeout=SOON_S)
            client.close()
            assert isinstance(ended.wait().errors[0], EngineUnavailable)
            assert lost == []
            client.close()
            gate.open()

    def test_close_from_a_callback(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            closed = threading.Event()

            def done(_: m.Done) -> None:
                client.close()
                closed.set()

            client = Client(served.config)
            client.ask_async(m.MarkRead(), done, lambda error: None)
            assert closed.wait(SOON_S)
            assert client.wait_gone(SOON_S)


class TestConnecting:
    def test_nobody_there(self, tmp_path: Path) -> None:
        with pytest.raises(EngineUnavailable, match="is not running"):
            Client(Config(tmp_path))
        write_private(Config(tmp_path).key_file, KEY.hex())
        with pytest.raises(EngineUnavailable, match="is not running"):
            Client(Config(tmp_path))

    def test_another_key(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            write_private(served.config.key_file, KEY.hex())
            with pytest.raises(EngineUnavailable, match="key is not ours"):
                Client(served.config)

    def test_another_version(self, tmp_path: Path) -> None:
        with (
            serving(tmp_path, version="9.9.9") as served,
            pytest.raises(EngineDiffers, match=r"version 9\.9\.9"),
        ):
            Client(served.config)

    def test_an_engine_whose_welcome_is_nonsense(self, tmp_path: Path) -> None:
        nonsense = b'{"id":0,"kind":"reply","name":"Welcome","body":{"version":1}}'
        with (
            scripted(tmp_path, lambda wire: None, nonsense) as config,
            pytest.raises(EngineUnavailable, match=r"cannot be understood.*`\$\.version`"),
        ):
            Client(config)

    def test_an_engine_that_accepts_and_says_nothing(self, tmp_path: Path) -> None:
        config = Config(tmp_path)
        write_private(config.key_file, KEY.hex())
        listener = SocketListener(config.channel_address)
        with pytest.raises(EngineUnavailable, match="does not answer"):
            Client(config, timeout_s=0.2)
        wire = listener.accept()
        assert wire is not None
        wire.close()
        listener.close()
        listener.accept()

    @pytest.mark.parametrize("text", ["", "no key", "0"])
    def test_a_damaged_key_file(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "engine.key"
        path.write_text(text)
        with pytest.raises(EngineUnavailable):
            read_key(path)


class TestHandOver:
    @pytest.mark.parametrize("version", ["9.9.9", __version__])
    def test_the_engine_is_asked_and_its_end_awaited(self, tmp_path: Path, version: str) -> None:
        asked = list[object]()
        gate = Gate()

        def handle(request: Any) -> object:
            asked.append(request)
            threading.Thread(target=end).start()
            return m.Done()

        def end() -> None:
            gate.reached.release()
            served.server.close()

        with serving(tmp_path, handle, version=version) as served:
            hand_over(served.config, SOON_S, own_too=version == __version__)
            assert asked == [m.Shutdown(hand_over=True)]
            wait_until(lambda: not Path(served.config.channel_address).exists(), "end of the engine")
            assert gate.reached.acquire(timeout=SOON_S)
            wait_until(lambda: not served.server._acceptor.is_alive(), "closed server")

    def test_an_engine_of_our_own_that_came_meanwhile_is_let_be(self, tmp_path: Path) -> None:
        asked = list[object]()
        with serving(tmp_path, asked.append) as served:
            hand_over(served.config, SOON_S)
        assert asked == []

    def test_one_that_refuses_is_told_of(self, tmp_path: Path) -> None:
        def handle(request: Any) -> object:
            raise errors.StoreFull("The disk is full.")

        with serving(tmp_path, handle, version="9.9.9") as served, pytest.raises(errors.StoreFull):
            hand_over(served.config, SOON_S)

    def test_one_that_stays_is_told_of(self, tmp_path: Path) -> None:
        with (
            serving(tmp_path, version="9.9.9") as served,
            pytest.raises(EngineUnavailable, match="The running engine does not end"),
        ):
            hand_over(served.config, 0.3)
