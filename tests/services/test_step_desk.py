"""Steps as a prospect would get them, and as test messages, on a real store and real content."""

import email
import email.policy
from dataclasses import replace

import pytest

from reply_desktop.domain.enrollment import Thread
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.services.step_desk import EXAMPLE
from tests.fakes.sequence_rooms import Rooms


def test_a_step_for_a_prospect(rooms: Rooms) -> None:
    made = rooms.saved()
    one = rooms.enroll(made, "zoë")
    rendered = rooms.steps.preview(made, 1, one.id)
    assert (rendered.subject, rendered.problems) == ("Hello Zoë", ())
    assert rendered.text.startswith("Dear Zoë,")


def test_a_follow_up_has_the_subject_of_its_thread(rooms: Rooms) -> None:
    made = rooms.saved()
    new = rooms.enroll(made, "one")
    assert rooms.steps.preview(made, 2, new.id).subject == "Re: Hello One"
    begun = rooms.enroll(made, "two", 1, "ana", thread=Thread("What was sent", ("<1@x>",)))
    assert rooms.steps.preview(made, 3, begun.id).subject == "Re: What was sent"


def test_an_example_needs_nobody_and_no_saving(rooms: Rooms) -> None:
    draft = replace(rooms.plan(accounts=()), name="")
    rendered = rooms.steps.preview(draft, 1, None)
    assert (rendered.subject, rendered.problems) == ("Hello First name", ())


def test_a_field_no_prospect_has_is_a_problem_of_the_example(rooms: Rooms) -> None:
    made = rooms.saved()
    rooms.enroll(made, "one")
    wrong = replace(made, steps=(replace(made.steps[0], subject="Hi {{ firm }}"),))
    assert "firm" in rooms.steps.preview(wrong, 1, None).problems[0]
    broken = replace(rooms.plan(), steps=(replace(made.steps[0], body="{{ x"),))
    assert rooms.steps.preview(broken, 1, None).problems


def test_the_test_is_the_mail_but_for_the_recipient(rooms: Rooms) -> None:
    made = replace(rooms.saved(), sender_name="Ana Costa")
    one = rooms.enroll(made, "one")
    sent = rooms.steps.test(made, 1, "ana", "me@example.org", one.id)
    assert sent.message_id == "<1@x>"
    ((account, to, mime),) = rooms.sent
    message = email.message_from_bytes(mime, policy=email.policy.default)
    assert (account, to) == ("ana", "me@example.org")
    assert message["Subject"] == "Hello One" and message["To"] == "me@example.org"
    assert "Ana Costa" in message["From"] and message["List-Unsubscribe"] is None
    assert b"prospect.example" not in mime


def test_what_cannot_be_sent_or_is_not_there(rooms: Rooms) -> None:
    made = rooms.saved()
    wrong = replace(made, steps=(replace(made.steps[0], subject="{{ firm }}"),))
    rooms.enroll(made, "one")
    with pytest.raises(InvalidInput, match="firm"):
        rooms.steps.test(wrong, 1, "ana", None, None)
    assert rooms.sent == []
    with pytest.raises(NotFound, match="no step 9"):
        rooms.steps.preview(made, 9, None)
    with pytest.raises(NotFound, match="prospect"):
        rooms.steps.preview(made, 1, "gone")


def test_the_example_is_reserved_for_examples() -> None:
    assert EXAMPLE.endswith("@example.com")
