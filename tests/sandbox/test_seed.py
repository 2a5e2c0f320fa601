"""A new sandbox gets its accounts by consent, once, through the same requests a person's front makes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ConsentFailed
from reply_desktop.domain.events import ConsentEnded
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.sandbox import process
from reply_desktop.sandbox.process import Sandbox
from reply_desktop.sandbox.seed import seed


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("seed") / "providers"
    yield process.start(folder)
    process.stop(folder)


class Front:
    """Takes requests; its sign-in link is a page that needs nobody (an error page of the stand-in)."""

    def __init__(self, sandbox: Sandbox, *, configured: bool = False, accounts: tuple[str, ...] = ()) -> None:
        self.asked: list[Any] = []
        self.url = sandbox.google_auth_uri + "?client_id=unknown"
        self._configured = configured
        self._accounts = accounts
        self.end = ConsentEnd.CONNECTED

    def ask(self, request: Any, timeout_s: float = 0) -> Any:
        self.asked.append(request)
        match request:
            case m.ListProviders():
                rows = [ProviderRow(p, self._configured, None, None, None, False, 0) for p in Provider]
                return m.ProviderList(tuple(rows))
            case m.ListAccounts():
                return m.AccountIndex(self._accounts)
            case m.BeginConsent():
                return m.ConsentStarted("c", self.url, datetime.now(UTC))
        return m.Done()

    def consent_end(self, consent_id: str) -> ConsentEnded:
        return ConsentEnded(consent_id, self.end, None, "how it ended")

    def asked_for(self, kind: type) -> list[Any]:
        return [request for request in self.asked if isinstance(request, kind)]


def test_a_new_folder_gets_two_two_and_one(sandbox: Sandbox) -> None:
    front = Front(sandbox)
    connected = seed(sandbox, front)
    assert len(front.asked_for(m.SetGoogle)) == len(front.asked_for(m.SetMicrosoft)) == 1
    consents = front.asked_for(m.BeginConsent)
    assert [one.provider for one in consents] == [Provider.GOOGLE] * 2 + [Provider.MICROSOFT] * 2
    (other,) = front.asked_for(m.AddOther)
    assert connected == [*(one.login_hint for one in consents), other.address]
    assert other.password not in repr(other)


def test_what_is_there_is_left_alone(sandbox: Sandbox) -> None:
    front = Front(sandbox, configured=True, accounts=("a1",))
    assert seed(sandbox, front) == []
    assert [type(one) for one in front.asked] == [m.ListProviders, m.ListAccounts]


def test_a_stand_in_that_refuses_is_said(sandbox: Sandbox) -> None:
    front = Front(sandbox)
    front.end = ConsentEnd.FAILED
    with pytest.raises(ConsentFailed, match="how it ended"):
        seed(sandbox, front)


def test_a_page_that_does_not_answer_is_said_without_the_link(sandbox: Sandbox) -> None:
    front = Front(sandbox)
    front.url = "http://127.0.0.1:1/auth?state=hidden"
    with pytest.raises(ConsentFailed, match="did not answer") as told:
        seed(sandbox, front)
    assert "hidden" not in str(told.value) and told.value.__suppress_context__


def test_two_at_once_take_turns(sandbox: Sandbox) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Front):
        def consent_end(self, consent_id: str) -> ConsentEnded:
            inside.set()
            assert go_on.wait(30)
            return super().consent_end(consent_id)

    first, second = Slow(sandbox), Front(sandbox, accounts=("a1",))
    with ThreadPoolExecutor(2) as pool:
        filling = pool.submit(seed, sandbox, first)
        assert inside.wait(30)
        coming = pool.submit(seed, sandbox, second)
        # It must still be waiting; that it has asked nothing is looked at when the first one goes on.
        with pytest.raises(TimeoutError):
            coming.result(0.1)
        assert second.asked == []
        go_on.set()
        assert len(filling.result(30)) == 5
        assert coming.result(30) == []
