"""A new sandbox gets its accounts by consent, once, through the same requests a person's front makes."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ConsentFailed, InvalidInput
from reply_desktop.domain.events import ConsentEnded, ImportProgress
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.domain.sequence_rows import SequenceDetail
from reply_desktop.sandbox import process
from reply_desktop.sandbox.campaigns import CAMPAIGNS, DAILY_LIMIT
from reply_desktop.sandbox.process import Sandbox
from reply_desktop.sandbox.seed import DONE_FILE, seed
from tests.fakes import engine
from tests.fakes.sequences import sequence_row


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("seed") / "providers"
    yield process.start(folder)
    process.stop(folder)


@pytest.fixture(autouse=True)
def sequences_to_make(sandbox: Sandbox) -> None:
    (Path(sandbox.data_dir) / DONE_FILE).unlink(missing_ok=True)


CONNECTED = {
    "ana@harbor.example": Provider.GOOGLE,
    "ben@harbor.example": Provider.GOOGLE,
    "dana@fjord.example": Provider.MICROSOFT,
    "gina@lantern.example": Provider.OTHER,
}


class Front:
    """Takes requests; its sign-in link is a page that needs nobody (an error page of the stand-in)."""

    def __init__(self, sandbox: Sandbox, *, configured: bool = False, accounts: tuple[str, ...] = ()) -> None:
        self.asked: list[Any] = []
        self.url = sandbox.google_auth_uri + "?client_id=unknown"
        self._configured = configured
        self._accounts = accounts
        self.end = ConsentEnd.CONNECTED
        self.sequences: tuple[str, ...] = ()
        self.import_error: str | None = None
        self.alerts_to = ""

    def ask(self, request: Any, timeout_s: float = 0) -> Any:
        self.asked.append(request)
        match request:
            case m.ListProviders():
                rows = [ProviderRow(p, self._configured, None, None, None, False, 0) for p in Provider]
                return m.ProviderList(tuple(rows))
            case m.ListAccounts():
                return m.AccountIndex(self._accounts)
            case m.GetSettings(names):
                return m.SettingValues({name: json.dumps(self.alerts_to) for name in names})
            case m.ListSequences():
                return m.SequenceList(tuple(sequence_row(1, name) for name in self.sequences))
            case m.GetAccounts():
                told = [
                    replace(engine.row(1, address, provider=provider), id=address)
                    for address, provider in sorted(CONNECTED.items(), reverse=True)
                ]
                return m.AccountRows(tuple(told))
            case m.SaveSequence(made):
                row = replace(sequence_row(1, made.name), id=made.name.lower())
                return SequenceDetail(row, made, (), ())
            case m.ImportProspects():
                return m.ImportStarted("i1")
            case m.BeginConsent():
                return m.ConsentStarted("c", self.url, datetime.now(UTC))
        return m.Done()

    def consent_end(self, consent_id: str) -> ConsentEnded:
        return ConsentEnded(consent_id, self.end, None, "how it ended")

    def import_end(self, import_id: str, on_progress: Callable[[ImportProgress], None]) -> ImportProgress:
        return ImportProgress(import_id, 1, 1, None, self.import_error)

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


def test_alerts_come_to_the_sink(sandbox: Sandbox) -> None:
    front = Front(sandbox)
    seed(sandbox, front)
    assert front.asked_for(m.PutSettings) == [m.PutSettings({"notify.email_to": '"you@harbor.example"'})]


def test_the_persons_own_address_stays(sandbox: Sandbox) -> None:
    front = Front(sandbox)
    front.alerts_to = "me@example.com"
    seed(sandbox, front)
    assert front.asked_for(m.PutSettings) == []


def test_an_address_that_was_taken_out_later_does_not_come_back(sandbox: Sandbox) -> None:
    (Path(sandbox.data_dir) / DONE_FILE).touch()
    front = Front(sandbox)
    assert len(seed(sandbox, front)) == 5
    assert front.asked_for(m.PutSettings) == []


def test_what_is_there_is_left_alone(sandbox: Sandbox) -> None:
    front = Front(sandbox, configured=True, accounts=("a1",))
    assert seed(sandbox, front) == []
    front.asked.clear()
    assert seed(sandbox, front) == []
    assert [type(one) for one in front.asked] == [m.ListProviders, m.ListAccounts]


def test_a_new_folder_gets_two_running_sequences(sandbox: Sandbox) -> None:
    front = Front(sandbox, configured=True, accounts=("a1",))
    seed(sandbox, front)
    spring, partner = (one.sequence for one in front.asked_for(m.SaveSequence))
    assert spring.accounts == ("ana@harbor.example", "dana@fjord.example")
    assert partner.accounts == ("ana@harbor.example",), "the same Google mailbox"
    assert front.asked_for(m.SetDailyLimit) == [m.SetDailyLimit(spring.accounts, DAILY_LIMIT)]
    assert front.asked_for(m.LaunchSequence) == [
        m.LaunchSequence(one.name.lower(), now=True) for one in (spring, partner)
    ]
    files = [Path(one.path).read_text(encoding="utf-8") for one in front.asked_for(m.ImportProspects)]
    assert [len(text.splitlines()) - 1 for text in files] == [campaign.people for campaign in CAMPAIGNS]


def test_sequences_that_were_removed_do_not_come_back(sandbox: Sandbox) -> None:
    front = Front(sandbox, configured=True, accounts=("a1",))
    front.sequences = ("My own",)
    seed(sandbox, front)
    front.sequences = ()
    seed(sandbox, front)
    assert front.asked_for(m.SaveSequence) == []


def test_an_import_that_fails_is_said_and_done_again(sandbox: Sandbox) -> None:
    front = Front(sandbox, configured=True, accounts=("a1",))
    front.import_error = "The disk is full."
    with pytest.raises(InvalidInput, match=r"Spring outreach.*The disk is full"):
        seed(sandbox, front)
    assert front.asked_for(m.LaunchSequence) == []
    assert not (Path(sandbox.data_dir) / DONE_FILE).exists()


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
