"""The preview: debounced, per prospect, inert, and honest about what keeps a step from being sent."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.events import ProspectsChanged
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.step_preview import PROBLEMS, StepPreview
from tests.fakes.engine import FakeEngine, few_sequences, prospects, sender_row, sequence
from tests.harness.settling import settle

Show = Callable[..., StepPreview]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine, sequence_id: str = "s2") -> StepPreview:
        bridge = open_bridge(engine)
        draft = Draft(bridge)
        draft.begin(sequence(2, "Spring outreach"))
        made = StepPreview(bridge, draft)
        qtbot.addWidget(made)
        made.resize(420, 600)
        made.show()
        made.put_senders(engine.sequences.senders)
        made.show_sequence(sequence_id)
        made.show_step("t1")
        qtbot.waitUntil(lambda: made.subject.text() != "" or made.problems.isVisible())
        settle(qtbot, bridge)
        return made

    return shown


def engine_with(number: int) -> FakeEngine:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.enroll("s2", prospects(number))
    return engine


def test_it_shows_the_first_prospects_message(show: Show) -> None:
    preview = show(engine_with(3))
    assert preview.whom.text() == "p00001@company1.example (1 of 3)"
    assert preview.subject.text() == "A question about Company 3"
    assert preview.text.toPlainText().startswith("Hello Zoë,")
    assert not preview.problems.isVisible()


def test_without_prospects_it_is_an_example(show: Show) -> None:
    engine = engine_with(0)
    preview = show(engine)
    assert "example" in preview.whom.text() and not preview.next.isEnabled()
    assert engine.of(m.PreviewStep)[-1].enrollment is None


def test_going_through_the_prospects(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(3)
    preview = show(engine)
    preview.before.click()
    qtbot.waitUntil(lambda: preview.whom.text() == "p00003@company3.example (3 of 3)")
    preview.next.click()
    qtbot.waitUntil(lambda: preview.whom.text() == "p00001@company1.example (1 of 3)")
    assert [one.enrollment for one in engine.of(m.PreviewStep)][-2:] == ["e3", "e1"]


def test_fast_typing_is_asked_for_once(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(1)
    preview = show(engine)
    before = len(engine.of(m.PreviewStep))
    for body in ("a", "ab", "abc"):
        preview._draft.change_step("t1", "Change the text", body=body)
    qtbot.waitUntil(lambda: len(engine.of(m.PreviewStep)) > before)
    settle(qtbot, preview._bridge)
    asked = engine.of(m.PreviewStep)[before:]
    assert [one.sequence.steps[0].body for one in asked] == ["abc"]


def test_an_answer_to_an_older_text_is_dropped(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(1)
    preview = show(engine)
    engine.mute = {m.PreviewStep}
    preview.ask()
    qtbot.waitUntil(lambda: len(engine.held) == 1)
    engine.sequences.rendered = Rendered("Newer", "", None)
    preview.ask()
    qtbot.waitUntil(lambda: len(engine.held) == 2)
    engine.mute = set()
    engine.held[1]()
    qtbot.waitUntil(lambda: preview.subject.text() == "Newer")
    engine.sequences.rendered = Rendered("Older", "", None)
    engine.held[0]()
    settle(qtbot, preview._bridge)
    assert preview.subject.text() == "Newer"


def test_problems_name_the_missing_field(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(1)
    told = tuple(f"{{{{ field{number} }}}} is empty" for number in range(PROBLEMS + 2))
    engine.sequences.rendered = Rendered("x", "", None, told)
    preview = show(engine)
    assert "{{ field0 }} is empty" in preview.problems.text()
    assert "and 2 more" in preview.problems.text()


def test_what_the_engine_refuses_is_a_problem_too(show: Show) -> None:
    engine = engine_with(1)
    engine.errors[m.PreviewStep] = InvalidInput("Line 2: a step cannot have {% for %} there.")
    preview = show(engine)
    assert preview.problems.text() == "Line 2: a step cannot have {% for %} there."


def test_html_is_shown_and_nothing_in_it_is_loaded(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(1)
    engine.sequences.rendered = Rendered(
        "x", "", "<p>Hi <a href='https://x.example'>there</a><img src='https://x.example/p.png'></p>"
    )
    preview = show(engine)
    view = preview.html
    assert preview.stack.currentWidget() is view and "Hi there" in view.toPlainText()
    assert not view.openLinks() and not view.openExternalLinks()
    for kind in (QTextDocument.ResourceType.ImageResource, QTextDocument.ResourceType.StyleSheetResource):
        loaded = view.loadResource(int(kind.value), QUrl("https://x.example/p.png"))
        assert loaded.size().width() == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (m.TestSent(None, None, False), "was accepted"),
        (m.TestSent(None, None, True), "not known whether"),
        (m.TestSent("grant_revoked", "invalid_grant", False), "The provider said: invalid_grant"),
        (InvalidInput("Step 1 is empty.", "Write something."), "Write something."),
    ],
)
def test_a_test_is_sent_to_oneself(qtbot: QtBot, show: Show, answer: object, told: str) -> None:
    engine = engine_with(1)
    if isinstance(answer, InvalidInput):
        engine.errors[m.TestStep] = answer
    else:
        engine.answers[m.TestStep] = answer
    preview = show(engine)
    preview.test.click()
    qtbot.waitUntil(lambda: told in preview.result.text())
    (asked,) = engine.of(m.TestStep)
    assert (asked.account, asked.to, asked.number, asked.enrollment) == ("a1", None, 1, "e1")
    assert preview.test.isEnabled()
    preview.show_step("t2")
    assert not preview.result.isVisible()


def test_an_account_that_can_send_is_proposed(show: Show) -> None:
    engine = engine_with(1)
    engine.sequences.senders = (
        sender_row("a2", "ben@x.example", state=State.EXPIRED), sender_row("a1", "ana@x.example"),
    )  # fmt: skip
    preview = show(engine)
    assert preview.account.currentText() == "ana@x.example"
    preview.account.setCurrentIndex(0)
    preview.put_senders(engine.sequences.senders)
    assert preview.account.currentText() == "ben@x.example"
    preview.put_senders(())
    assert not preview.test.isEnabled()


def test_an_import_brings_prospects(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(0)
    preview = show(engine)
    engine.sequences.enroll("s2", prospects(2))
    preview._ids_soon.setInterval(0)
    engine.push(ProspectsChanged("s2"))
    qtbot.waitUntil(lambda: preview.whom.text() == "p00001@company1.example (1 of 2)")


def test_without_the_engine_the_last_preview_stays(qtbot: QtBot, show: Show) -> None:
    engine = engine_with(1)
    preview = show(engine)
    engine.stop()
    qtbot.waitUntil(lambda: not preview.test.isEnabled())
    assert preview.text.toPlainText().startswith("Hello Zoë,")
    engine.up = True
    qtbot.waitUntil(preview.test.isEnabled)
    qtbot.waitUntil(lambda: "1 of 1" in preview.whom.text())
