"""Every request has its service, and every answer is of the class the request promises."""

from pathlib import Path

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.account import Account
from reply_desktop.domain.errors import InvalidInput, NotConfigured, NotFound, ReplyDesktopError
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.states import State
from reply_desktop.engine.build import Parts
from reply_desktop.engine.requests import Desk

SERVERS = MailServers(MailServer("localhost", 1, Security.TLS))
CLIENT_ID = "26b58c67-f05f-45f9-867c-8f0dcf2e587a"


class Asked:
    """A desk whose outer doors only note what came through."""

    def __init__(self, parts: Parts) -> None:
        self.stopped: list[bool] = []
        self.signals: list[str] = []
        self._desk = Desk(parts, self.stopped.append, self.signals.append)
        self.parts = parts

    def __call__(self, request: object) -> object:
        answer = self._desk(request)
        assert isinstance(answer, type(request).Answer)  # type: ignore[attr-defined]
        return answer


@pytest.fixture
def ask(parts: Parts) -> Asked:
    now = parts.clock.now()
    with parts.store.begin() as unit:
        unit.accounts.add(
            Account("a1", Provider.GOOGLE, "ana@example.com", now, State.CONNECTED, generation=1)
        )
        unit.commit()
    return Asked(parts)


def test_every_request_is_in_the_table(ask: Asked) -> None:
    table = ask._desk._table
    assert {*m.REQUESTS.values()} - {m.Hello} == set(table)


@pytest.mark.parametrize(
    "request_",
    [
        m.ListAccounts(),
        m.GetAccounts(("a1", "gone")),
        m.GetAccount("a1"),
        m.GetAccount("ANA@example.com"),
        m.GetDiagnosis("ana@example.com"),
        m.GetSummary(),
        m.CancelCheck("none"),
        m.PauseAccounts(("a1",)),
        m.RemoveAccounts(("a1",)),
        m.SetDailyLimit(("a1",), 100),
        m.ListProviders(),
        m.SetMicrosoft(CLIENT_ID.upper()),
        m.ClearProvider(Provider.GOOGLE),
        m.ListNotifications(),
        m.MarkRead(),
        m.GetVault(),
        m.GetSettings(),
        m.PutSettings({"notify.tray": "false"}),
        m.Export(),
        m.NetworkHint("up"),
        m.Shutdown(),
    ],
    ids=lambda request: type(request).__name__,
)
def test_answers(ask: Asked, request_: object) -> None:
    ask(request_)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (m.GetAccount("nobody"), NotFound),
        (m.CheckAccounts(("nobody",)), NotFound),
        (m.CancelConsent("none"), NotFound),
        (m.BeginConsent(Provider.OTHER), InvalidInput),
        (m.BeginConsent(), InvalidInput),
        (m.BeginConsent(Provider.GOOGLE), NotConfigured),
        (m.BeginConsent(account="a1"), NotConfigured),
        (m.AddOther("no address", SERVERS, "pw"), InvalidInput),
        (m.EditOther("a1", SERVERS), InvalidInput),
        (m.FindServers("no address"), InvalidInput),
        (m.SetGoogle("{"), InvalidInput),
        (m.SetMicrosoft("not a guid"), InvalidInput),
        (m.SetMicrosoft(CLIENT_ID, authority="http://login.example"), InvalidInput),
        (m.SetMicrosoft(CLIENT_ID, graph_url="https://"), InvalidInput),
        (m.SetMicrosoft(CLIENT_ID, graph_url="https://[::"), InvalidInput),
        (m.SetMicrosoft(CLIENT_ID, graph_url="https://a b"), InvalidInput),
        (m.TestProvider(Provider.OTHER), InvalidInput),
        (m.TestProvider(Provider.MICROSOFT), NotConfigured),
        (m.PutSettings({"nonsense": "1"}), InvalidInput),
        (m.SetDailyLimit(("a1",), 0), InvalidInput),
        (m.StartOverVault("short"), ReplyDesktopError),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_refusals(ask: Asked, request_: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(request_)


def test_life_and_signals_reach_the_engine(ask: Asked) -> None:
    ask(m.Shutdown(hand_over=True))
    ask(m.NetworkHint("resumed"))
    assert (ask.stopped, ask.signals) == ([True], ["resumed"])


def test_settings_and_lists(ask: Asked) -> None:
    ask(m.SetMicrosoft(CLIENT_ID, "https://login.microsoftonline.us/common", "https://graph.microsoft.us"))
    rows = ask(m.ListProviders())
    assert isinstance(rows, m.ProviderList)
    (microsoft,) = [row for row in rows.rows if row.provider is Provider.MICROSOFT]
    assert (microsoft.client_id, microsoft.graph_url) == (CLIENT_ID, "https://graph.microsoft.us")
    index = ask(m.ListAccounts(AccountFilter(text="nobody")))
    assert isinstance(index, m.AccountIndex) and index.ids == ()


def test_backup(ask: Asked, tmp_path: Path) -> None:
    ask(m.Backup(str(tmp_path / "copy.db")))
    assert (tmp_path / "copy.db").read_bytes().startswith(b"SQLite format 3")


def test_doctor_tells_of_a_network_that_is_not_there(ask: Asked) -> None:
    ask.parts.transport.close()
    report = ask(m.RunDoctor())
    assert isinstance(report, m.DoctorReport)
    found = {row.name: row for row in report.rows}
    assert not found["google reachable"].ok and found["database"].ok
