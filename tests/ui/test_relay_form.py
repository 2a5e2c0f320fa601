"""The relay's form: what is kept, what is refused and why, and that its password never comes back."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.rows import AlertMailRow, RelayRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.relay_form import RelayForm
from tests.fakes.engine import FakeEngine

Open = Callable[[FakeEngine], Bridge]
SERVER = MailServer("smtp.relay.example", 587, Security.STARTTLS)
RELAY = RelayRow(SERVER, "ana", "alerts@acme.example", True)


@pytest.fixture
def open_form(qtbot: QtBot, open_bridge: Open) -> Callable[[FakeEngine], RelayForm]:
    def opened(engine: FakeEngine) -> RelayForm:
        form = RelayForm(open_bridge(engine))
        qtbot.addWidget(form)
        form.show()
        return form

    return opened


Form = Callable[[FakeEngine], RelayForm]


def fill(form: RelayForm, *, user: str = "ana", password: str = "s3cret") -> None:
    form.server.put(SERVER)
    form.user.setText(user)
    form.password.setText(password)
    form.address.setText("Alerts@acme.example")


def test_it_is_kept_after_its_check(qtbot: QtBot, open_form: Form) -> None:
    engine = FakeEngine()
    engine.mute = {m.PutRelay}
    form = open_form(engine)
    kept: list[AlertMailRow] = []
    form.changed.connect(kept.append)
    fill(form)
    form.save.click()
    qtbot.waitUntil(lambda: bool(engine.held))
    assert form.note.text() == "Asking smtp.relay.example…"
    assert not form.save.isEnabled()
    assert not form.password.isEnabled()
    form._on_save()
    engine.answer_held()
    qtbot.waitUntil(lambda: bool(kept))
    assert engine.of(m.PutRelay) == [m.PutRelay(SERVER, "alerts@acme.example", "ana", "s3cret")]
    assert form.note.text().startswith("The relay let us in and is kept.")
    assert form.password.text() == ""
    assert form.save.isEnabled()


def test_a_kept_password_is_never_shown_and_stays_when_left_empty(qtbot: QtBot, open_form: Form) -> None:
    engine = FakeEngine()
    form = open_form(engine)
    form.show_relay(RELAY)
    assert form.server.server() == SERVER
    assert (form.user.text(), form.address.text(), form.password.text()) == ("ana", "alerts@acme.example", "")
    assert form.password.placeholderText() == "Stored; empty keeps it"
    assert form.password.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClick(form.user, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: engine.of(m.PutRelay) == [m.PutRelay(SERVER, "alerts@acme.example", "ana", None)])


def test_what_is_typed_stays_while_the_same_relay_is_kept(open_form: Form) -> None:
    form = open_form(FakeEngine())
    form.show_relay(RELAY)
    form.user.setText("ben")
    form.show_relay(RELAY)
    assert form.user.text() == "ben"
    form.show_relay(None)
    assert form.user.text() == ""
    assert not form.remove.isVisible()


@pytest.mark.parametrize(
    ("host", "sender", "said", "wrong"),
    [
        ("", "a@x.example", "The relay's server is missing.", "Relay server"),
        ("two words", "a@x.example", "is not a server.", "Relay server"),
        ("smtp.x.example", "", "The mail address is missing.", "Relay sender address"),
        ("smtp.x.example", "nobody", "is not a mail address.", "Relay sender address"),
    ],
)
def test_what_is_missing_is_said_at_its_field(
    open_form: Form, host: str, sender: str, said: str, wrong: str
) -> None:
    engine = FakeEngine()
    form = open_form(engine)
    form.server.host.setText(host)
    form.address.setText(sender)
    form.save.click()
    assert said in form.note.text()
    assert [one.accessibleName() for one in form._fields if one.property("wrong")] == [wrong]
    assert engine.of(m.PutRelay) == []


def test_a_refusal_is_told_and_what_was_typed_stays(qtbot: QtBot, open_form: Form) -> None:
    engine = FakeEngine()
    engine.errors[m.PutRelay] = InvalidInput("The relay refused the login.", "Check user and password.")
    form = open_form(engine)
    fill(form)
    form.save.click()
    qtbot.waitUntil(lambda: form.note.text() == "The relay refused the login. Check user and password.")
    assert form.password.text() == "s3cret"
    assert form.save.isEnabled()


def test_it_is_removed_after_a_question(qtbot: QtBot, open_form: Form) -> None:
    engine = FakeEngine()
    form = open_form(engine)
    form.show_relay(RELAY)
    form.remove.click()
    assert form.question.isVisible()
    form.question.keep.click()
    assert not form.question.isVisible()
    assert engine.of(m.ClearRelay) == []
    form.remove.click()
    form.question.yes.click()
    with qtbot.waitSignal(form.changed) as changed:
        pass
    assert changed.args[0].relay is None
    assert form.note.text() == "The relay is removed."
