"""The mail that was not sent: listed as it comes, shown as plain text whatever it holds."""

from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial

import pytest
from PySide6.QtCore import QItemSelectionModel
from pytestqt.qtbot import QtBot

from reply_desktop.sandbox.control import ControlRefused
from reply_desktop.ui.errands import Errands
from reply_desktop.ui.sandbox_mail import BODY_LIMIT, MailCard, readable
from tests.ui.sandbox_world import FakeSandbox


@pytest.fixture
def errands(qtbot: QtBot) -> Iterator[Errands]:
    made = Errands("mail-test", (OSError, ControlRefused))
    yield made
    made.stop()


def mail(subject: str, text: str, html: str = "") -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ana@harbor.example", "bob@x.example", subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return bytes(made)


def subject(card: MailCard, row: int) -> str:
    cell = card.table.item(row, 3)
    assert cell is not None
    return cell.text()


def test_mail_is_listed_newest_first_and_shown(qtbot: QtBot, errands: Errands) -> None:
    sandbox = FakeSandbox()
    card = MailCard(errands, sandbox)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.show()
    assert card.empty.isVisible()
    assert not card.table.isVisible()
    sandbox.deliver("First", mail("First", "Hello <b>Bob</b>"))
    sandbox.deliver("Second", mail("Second", "Again"))
    card.look()
    qtbot.waitUntil(lambda: card.table.rowCount() == 2)
    assert [subject(card, row) for row in range(2)] == ["Second", "First"]
    card.table.selectRow(1)
    qtbot.waitUntil(lambda: "Hello <b>Bob</b>" in card.view.toPlainText())
    assert card.view.toPlainText().startswith("From: ana@harbor.example\nTo: bob@x.example\nSubject: First")
    sandbox.deliver("Third", mail("Third", "More"))
    card.look()
    qtbot.waitUntil(lambda: card.table.rowCount() == 3)
    assert subject(card, card.table.currentRow()) == "First"
    card.forget.click()
    qtbot.waitUntil(card.empty.isVisible)
    assert sandbox.sink == []


def test_news_selects_no_mail_whose_words_are_not_shown(qtbot: QtBot, errands: Errands) -> None:
    sandbox = FakeSandbox()
    card = MailCard(errands, sandbox)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.show()
    sandbox.deliver("First", mail("First", "Hello"))
    card.look()
    qtbot.waitUntil(lambda: card.table.rowCount() == 1)
    card.table.selectionModel().setCurrentIndex(
        card.table.model().index(0, 0), QItemSelectionModel.SelectionFlag.NoUpdate
    )
    sandbox.deliver("Second", mail("Second", "Again"))
    card.look()
    qtbot.waitUntil(lambda: card.table.rowCount() == 2)
    assert card.table.selectedItems() == []
    assert not any(made.isEnabled() for made in card.answers.values())


def test_a_mail_is_answered_as_its_recipient_would(qtbot: QtBot, errands: Errands) -> None:
    sandbox = FakeSandbox()
    card = MailCard(errands, sandbox)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.show()
    sandbox.deliver("First", mail("First", "Hello"))
    card.look()
    qtbot.waitUntil(lambda: card.table.rowCount() == 1)
    assert not any(made.isEnabled() for made in card.answers.values())
    card.table.selectRow(0)
    done: list[tuple[str, object, str]] = sandbox.done

    def has_said(name: str) -> bool:
        return card.said.startswith(name)

    for name, told in (
        ("Reply", "reply"), ("Out of office", "auto_reply"), ("Bounce", "bounce"), ("Unsubscribe", "unsubscribe"),
    ):  # fmt: skip
        card.answers[name].click()
        qtbot.waitUntil(partial(done.__contains__, (told, 1, "")))
        qtbot.waitUntil(partial(has_said, name))
    sandbox.refuse = "There is no such message."
    card.answers["Reply"].click()
    qtbot.waitUntil(lambda: card.said == "There is no such message.")


def test_a_sandbox_that_is_gone_is_somebody_elses_to_say(qtbot: QtBot, errands: Errands) -> None:
    sandbox = FakeSandbox()
    sandbox.gone = True
    card = MailCard(errands, sandbox)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.look()
    looked: list[bool] = []
    errands.run(lambda: True, looked.append, lambda _: None)
    qtbot.waitUntil(lambda: looked == [True])
    sandbox.gone = False
    sandbox.deliver("First", mail("First", "Hello"))
    card.look()
    card.look()
    qtbot.waitUntil(lambda: card.table.rowCount() == 1)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (mail("S", "plain ä", "<p>html</p>"), "plain ä"),
        (b"Subject: =?utf-8?q?=E2=80=AEevil?=\r\n\r\nbody", "Subject: evil\n\nbody"),
        (b"Content-Type: text/html\r\n\r\n<script>x</script>", "<script>x</script>"),
        (b"Content-Type: application/pdf\r\n\r\n%PDF", ""),
        (b"Content-Type: text/plain; charset=nonsense\r\n\r\nab\xff", "ab"),
        (b"\xff\xfe\x00", ""),
        (b"", ""),
    ],
)
def test_any_message_becomes_text(raw: bytes, wanted: str) -> None:
    assert wanted in readable(raw)


def test_an_endless_message_is_cut() -> None:
    assert len(readable(mail("S", "x" * 300_000))) == BODY_LIMIT
