"""The form of a password account."""

from collections.abc import Callable

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import AddOther, EditOther, FindServers, FoundServers
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.ui.add_other_dialog import OtherPane, better_provider
from reply_desktop.ui.bridge import Bridge
from tests.fakes.engine import SERVERS, FakeEngine, few

Made = tuple[OtherPane, FakeEngine]


@pytest.fixture
def made(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Made:
    engine = FakeEngine(few())
    pane = OtherPane(open_bridge(engine))
    pane._find_soon.setInterval(0)
    qtbot.addWidget(pane)
    pane.resize(400, 800)
    pane.show()
    pane.begin()
    return pane, engine


def found(qtbot: QtBot, pane: OtherPane) -> None:
    QTest.keyClicks(pane.address, "kim@lindholm.example")
    qtbot.waitUntil(lambda: pane.smtp.host.text() == "smtp.lindholm.example")


def test_servers_are_found_while_typing(qtbot: QtBot, made: Made) -> None:
    pane, engine = made
    found(qtbot, pane)
    assert engine.of(FindServers)[-1] == FindServers("kim@lindholm.example")
    assert pane.imap.server() == SERVERS.imap
    assert "Servers found" in pane._progress.text() and pane._stop.isHidden()


def test_what_the_person_typed_is_not_overwritten(qtbot: QtBot, made: Made) -> None:
    pane, _ = made
    QTest.keyClicks(pane.smtp.host, "mail.own.example")
    QTest.keyClicks(pane.address, "kim@lindholm.example")
    qtbot.waitUntil(lambda: pane.imap.host.text() == "imap.lindholm.example")
    assert pane.smtp.host.text() == "mail.own.example"


def test_the_search_can_be_stopped(qtbot: QtBot, made: Made) -> None:
    pane, engine = made
    engine.mute = {FindServers}
    QTest.keyClicks(pane.address, "kim@lindholm.example")
    qtbot.waitUntil(lambda: bool(engine.held))
    assert not pane._stop.isHidden()
    pane._stop.click()
    engine.answer_held()
    qtbot.wait(20)
    assert pane.smtp.host.text() == "" and "Enter the servers" in pane._progress.text()


def test_no_servers_found_is_said(qtbot: QtBot, made: Made) -> None:
    pane, engine = made
    engine.answers[FindServers] = FoundServers(None)
    QTest.keyClicks(pane.address, "kim@lindholm.example")
    qtbot.waitUntil(lambda: "No servers found" in pane._progress.text())


def test_the_account_is_checked_and_added_and_the_password_forgotten(qtbot: QtBot, made: Made) -> None:
    pane, engine = made
    found(qtbot, pane)
    QTest.keyClicks(pane.password, "s3cret word")
    with qtbot.waitSignal(pane.saved) as saved:
        pane.save_button.click()
    assert engine.of(AddOther) == [AddOther("kim@lindholm.example", SERVERS, "s3cret word")]
    assert saved.args[0].address == "kim@lindholm.example"
    assert pane.password.text() == ""


def test_a_refused_login_is_told_and_may_be_mended(qtbot: QtBot, made: Made) -> None:
    pane, engine = made
    found(qtbot, pane)
    QTest.keyClicks(pane.password, "wrong")
    refusal = "Password or user name refused; nothing was stored. The server said: 535 <b>no</b>"
    engine.errors[AddOther] = InvalidInput(refusal, "Enter the current password.")
    pane.save_button.click()
    assert not pane.save_button.isEnabled() and pane.save_button.text() == "Checking the login…"
    qtbot.waitUntil(lambda: not pane.note.isHidden())
    assert pane.note.text() == f"{refusal} Enter the current password."
    assert pane.save_button.isEnabled() and pane.password.text() == "wrong"


@pytest.mark.parametrize(
    ("address", "host", "password", "said"),
    [
        ("kim", "h.example", "p", "is not a mail address"),
        ("kim@x.example", "", "p", "SMTP server is missing"),
        ("kim@x.example", "h.example", "", "password is missing"),
        ("kim@x.example", "two words", "p", "is not a server"),
    ],
)
def test_what_is_missing_is_said_without_asking(
    made: Made, address: str, host: str, password: str, said: str
) -> None:
    pane, engine = made
    pane.address.setText(address)
    pane.smtp.host.setText(host)
    pane.password.setText(password)
    pane.save()
    assert said in pane.note.text() and not pane.note.isHidden()
    assert engine.of(AddOther) == []


@pytest.mark.parametrize(("security", "ports"), [(Security.TLS, (465, 993)), (Security.STARTTLS, (587, 143))])
def test_without_a_port_the_usual_one_of_the_security_holds(
    made: Made, security: Security, ports: tuple[int, int]
) -> None:
    pane, _ = made
    for fields, port in zip((pane.smtp, pane.imap), ports, strict=True):
        fields.host.setText("h.example")
        fields.security.setCurrentIndex(fields.security.findData(security))
        assert fields.port.placeholderText() == str(port)
        assert fields.server() == MailServer("h.example", port, security)


def test_editing_keeps_the_password_that_is_not_entered(qtbot: QtBot, made: Made) -> None:
    pane, engine = made
    pane.begin(engine.rows["a5"], SERVERS)
    assert not pane.address.isEnabled() and pane.password.text() == ""
    pane.smtp.host.setText("new.lindholm.example")
    with qtbot.waitSignal(pane.saved):
        pane.save()
    changed = MailServers(MailServer("new.lindholm.example", 465, Security.TLS), SERVERS.imap)
    assert engine.of(EditOther) == [EditOther("a5", changed, None)]


def test_the_password_never_outlives_the_form(qtbot: QtBot, made: Made) -> None:
    pane, _ = made
    found(qtbot, pane)
    QTest.keyClicks(pane.password, "s3cret word")
    pane.leave()
    assert all("s3cret" not in field.text() for field in pane.findChildren(QLineEdit))
    assert pane.password.echoMode() is QLineEdit.EchoMode.Password


def test_a_google_mailbox_is_offered_the_better_way(qtbot: QtBot, made: Made) -> None:
    pane, _ = made
    QTest.keyClicks(pane.address, "kim@gmail.com")
    qtbot.waitUntil(lambda: not pane._take_offer.isHidden())
    assert pane._take_offer.text() == "Connect with Google instead"
    with qtbot.waitSignal(pane.better_wanted) as wanted:
        pane._take_offer.click()
    assert wanted.args == [Provider.GOOGLE]


def test_single_click_providers_are_known_by_domain_or_server() -> None:
    def served_by(host: str) -> MailServers:
        return MailServers(MailServer(host, 587, Security.STARTTLS))

    assert better_provider("a@outlook.com", None) is Provider.MICROSOFT
    assert better_provider("a@firm.example", served_by("smtp.office365.com")) is Provider.MICROSOFT
    assert better_provider("a@firm.example", served_by("smtp.gmail.com")) is Provider.GOOGLE
    assert better_provider("a@firm.example", served_by("smtp.firm.example")) is None
    assert better_provider("a@firm.example", None) is None
