"""Steps become messages: every field filled in or a problem told, and nothing in a step can do harm."""

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.adapters.content import FILTERS, LONGEST, Content
from reply_desktop.domain.enrollment import Thread
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.sequence_rows import Rendered

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MARKER = "t0f3a"
ANA = Prospect(
    "p1",
    "ana@x.example",
    NOW,
    {"first_name": "Ana María", "company": "", "title": "R&D <lead>", "blank": " \t", "employees": "120"},
)
CONTENT = Content()


def step(body: str, subject: str = "Hi", *, html: bool = False) -> Step:
    return Step("s1", 1, 0.0, subject, body, html)


def render(
    one: Step, prospect: Prospect = ANA, *, name: str = "Bob", thread: Thread | None = None
) -> Rendered:
    return CONTENT.render(one, prospect, sender="bob@y.example", sender_name=name, thread=thread or Thread())


def compose(rendered: Rendered, **changes: Any) -> EmailMessage:
    wanted: dict[str, Any] = {
        "sender": "bob@y.example",
        "sender_name": "Bob",
        "recipient": "ana@x.example",
        "now": NOW,
        "marker": MARKER,
        "thread": Thread(),
        "unsubscribe": True,
    }
    message = email.message_from_bytes(CONTENT.compose(rendered, **(wanted | changes)).mime, policy=default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Hi {{ first_name }}!", "Hi Ana María!"),
        ("{{ email }} {{ sender }} {{ sender_name }}", "ana@x.example bob@y.example Bob"),
        ("{{ company | default('your team') }}", "your team"),
        ("{{ company | default('your team', true) }}", "your team"),
        ('{{ company or "your team" }}', "your team"),
        ("{{ nowhere or company or first_name }}", "Ana María"),
        ("{{ blank | default('x') }}", "x"),
        ("{{ company | upper | default('x') }}", "x"),
        ("{{ company | default(first_name) }}", "Ana María"),
        ("{{ first_name | default('x') }}", "Ana María"),
        ("{{ first_name | first_word | upper }}", "ANA"),
        ("{{ title | replace('&', ' and ') | truncate(9) }}", "R and D…"),
        ("{{ title | urlencode }}", "R%26D%20%3Clead%3E"),
        ("{{ '  x ' | trim }}", "x"),
        ("{{ 'anna lee' | title }}", "Anna Lee"),
        ("{{ 'ABC' | lower }}{{ 'abc' | capitalize }}{{ 'abc' | length }}", "abcAbc3"),
        ("{% if company %}at {{ company }}{% else %}alone{% endif %}", "alone"),
        ("{% if employees | int > 100 %}big{% elif employees %}small{% endif %}", "big"),
        ("{% if 'lead' in title and not company %}yes{% endif %}", "yes"),
        ("{% if nowhere is defined %}a{% else %}b{% endif %}", "b"),
        ("{% set who = first_name or 'there' %}\nHi {{ who }}\n", "Hi Ana María\n"),
        ("{% if first_name %}\n  one\n{% endif %}\ntwo", "  one\ntwo"),
        ("{{ title }} 1 < 2 & 3", "R&D <lead> 1 < 2 & 3"),
        ("{# not for you #}100 % {sure}", "100 % {sure}"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("a\r\nb\rc\x00\x0bd", "a\nb\ncd"),
        ("😀 שלום", "😀 שלום"),
    ],
)
def test_a_step_is_filled_in(body: str, text: str) -> None:
    assert render(step(body)) == Rendered("Hi", text, None)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "{{ company }}",
            "{{ company }} is empty for ana@x.example; write {{ company | default('your team') }} or fill it in.",
        ),
        ("{{ blank }}", "{{ blank }} is empty for ana@x.example"),
        ("{{ company | upper }}", "{{ company }} is empty for ana@x.example"),
        ("{{ company | default(nowhere) }}", "{{ nowhere }} is empty for ana@x.example"),
        ("{{ first_name | replace('A', company) }}", "{{ company }} is empty for ana@x.example"),
        ("{% if company > 'a' %}x{% endif %}", "{{ company }} is empty for ana@x.example"),
        ("{% if 'a' in company %}x{% endif %}", "{{ company }} is empty for ana@x.example"),
        ("{{ firstname }}", "{{ firstname }} is empty for ana@x.example; did you mean {{ first_name }}?"),
        ("{{ First_Name }}", "did you mean {{ first_name }}?"),
        ("{{ sender_nam }}", "did you mean {{ sender_name }}?"),
    ],
)
def test_a_field_that_is_missing_or_empty_is_a_problem(body: str, problem: str) -> None:
    problems = render(step("Hello\n" + body)).problems
    assert len(problems) == 1
    assert problem in problems[0]
    in_subject = render(step("Hello", "Hi " + body)).problems
    assert in_subject == problems


def test_each_problem_is_told_once_and_the_rest_is_there_to_look_at() -> None:
    rendered = render(step("Hi {{ company }} {{ company }} {{ nowhere }} {{ first_name }}", "{{ company }}"))
    assert len(rendered.problems) == 2
    assert rendered.text == "Hi    Ana María"


def test_a_missing_senders_name_is_the_sequences_matter() -> None:
    (problem,) = render(step("{{ sender_name }}"), name=" ").problems
    assert problem == "{{ sender_name }} is empty; give the sequence a sender's name."


def test_no_column_takes_the_place_of_what_is_always_there() -> None:
    liar = Prospect("p", "ana@x.example", NOW, {"email": "x", "sender": "y", "sender_name": "z"})
    assert render(step("{{ email }} {{ sender }} {{ sender_name }}"), liar).text == (
        "ana@x.example bob@y.example Bob"
    )


WRONG = [
    ("{{ First Name }}", "Write {{ first_name }}."),
    ("{{ First Name | default('x') }}", "Write {{ first_name | default('x') }}."),
    ("{{ first-name }}", "Write {{ first_name }}."),
    ("{{ company.name }}", "Write {{ company_name }}."),
    ('{{ first_name | "there" }}', 'Write {{ first_name | default("there") }}.'),
    ("{{ first_name | default(“x”) }}", "straight quotes"),
    ("{{ first_name", "Check what stands between"),
    ("{% if first_name %}", "endif"),
    ("{{ first_name | shout }}", "there is no “| shout”; there are capitalize, d, default,"),
    ("{{ first_name | safe }}", "there is no “| safe”"),
    ("{{ first_name | upper(1) }}", "it cannot be worked out"),
    ("{% if employees > 5 %}x{% endif %}", "it cannot be worked out"),
    ("{% if first_name is odd %}x{% endif %}", "there is no test “is odd”"),
    ("{% for x in first_name %}x{% endfor %}", "cannot have {% for %}"),
    ("{% set a, b = first_name %}", "only one name"),
    ("{{ self }}", "“self” is no field"),
    ("{{ 2 ** 99999999 }}", "cannot have “pow”"),
    ("{{ 'a' * 999999999 }}", "cannot have “mul”"),
    ("{{ first_name ~ first_name }}", "cannot have ~"),
    ("{{ range(10) }}", "cannot have brackets after a name"),
    ("{{ first_name.upper() }}", "after a name"),
    ("{{ ''.__class__.__mro__ }}", "a dot after a name"),
    ("{{ first_name['__class__'] }}", "[ ] after a name"),
    ("{{ [first_name] }}", "cannot have “list”"),
    ("{% include 'x' %}", "cannot have “include”"),
    ("{% import 'x' as y %}", "cannot have “import”"),
    ("{% extends 'x' %}", "cannot have “extends”"),
    ("{% macro x() %}{% endmacro %}", "cannot have “macro”"),
    ("{% set x %}{% endset %}", "cannot have “assignblock”"),
    ("{% block x %}{% endblock %}", "cannot have “block”"),
    ("{{" + "(" * 5000, "cannot be read"),
    ("{% if a %}" * 300 + "{% endif %}" * 300, "cannot be read"),
    ("{{ " + "9" * 5000 + " }}", "cannot be read"),
    ("{{ x" + " | upper" * 2000 + " }}", "cannot be read"),
    ("x" * (LONGEST + 1), "longer than 200,000 characters"),
]


@pytest.mark.parametrize(("body", "words"), WRONG, ids=[body[:30] for body, _ in WRONG])
def test_a_wrong_step_says_where_and_what_to_write(body: str, words: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        CONTENT.fields_of(step(f"Hello\n{body}"))
    assert words in str(raised.value)
    assert str(raised.value).startswith("Step 1, line ")
    assert render(step(f"Hello\n{body}")).problems == (str(raised.value),)


def test_a_wrong_line_is_named_with_what_stands_in_it() -> None:
    with pytest.raises(InvalidInput, match=r"Step 1, line 3 \(“Dear {{ First Name }},”\)"):
        CONTENT.fields_of(step("a\nb\nDear {{ First Name }},\nc"))
    with pytest.raises(InvalidInput, match=r"^Subject of step 1 \(“{{ x y }}”\)"):
        CONTENT.fields_of(step("a", "{{ x y }}"))


def test_fields_are_named_in_their_order() -> None:
    one = step("{{ b or a }}{% set q = c %}{{ q }}{{ email }}{% if d %}{{ a }}{% endif %}", "{{ z }}")
    assert CONTENT.fields_of(one) == ("z", "b", "a", "c", "d")


@pytest.mark.parametrize("length", [1_000, 100_000])
def test_no_field_makes_a_message_endless(length: int) -> None:
    giant = Prospect("p", "ana@x.example", NOW, {"x": "a" * length})
    body = "{{ x | replace('a', x) }}" if length == 1_000 else "{{ x }}" * 1000
    rendered = render(step(body), giant)
    assert len(rendered.problems) == 1
    assert "long" in rendered.problems[0]
    assert len(rendered.text) <= LONGEST


def test_html_is_escaped_and_has_its_text_beside() -> None:
    rendered = render(
        step("<p>Hi {{ title }},</p><a href='https://x.example'>see</a>", "{{ title }}", html=True)
    )
    assert rendered.problems == ()
    assert rendered.subject == "R&D <lead>"
    assert rendered.html == "<p>Hi R&amp;D &lt;lead&gt;,</p><a href='https://x.example'>see</a>"
    assert rendered.text == "Hi R&D <lead>,\n\nsee <https://x.example>\n"


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("a\r\nBcc: x@y.example", "a Bcc: x@y.example"),
        ("{{ nasty }}", "a Bcc: x@y.example b c d"),
        ("{% if nasty %}\nyes\n{% endif %}\n", "yes"),
    ],
)
def test_a_subject_is_one_line(subject: str, shown: str) -> None:
    nasty = Prospect("p", "ana@x.example", NOW, {"nasty": "a\r\nBcc: x@y.example\u2028b\tc\x85d\x00"})
    assert render(step("x", subject), nasty).subject == shown


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (step("x", ""), "Step 1 has no subject, and there is no mail before it to reply to."),
        (step(" \n"), "Step 1 has no text."),
        (step("<img src='x'>", html=True), "Step 1 has no text."),
        (step("x", "x" * 501), "The subject would be longer than 500 characters."),
        (step("\ud800"), "Step 1 has characters that cannot be sent."),
    ],
)
def test_what_cannot_be_sent_is_a_problem(one: Step, problem: str) -> None:
    assert render(one).problems == (problem,)


def test_a_message_with_problems_is_never_composed() -> None:
    with pytest.raises(InvalidInput, match=r"is empty for ana@x\.example"):
        compose(render(step("{{ company }}")))


def test_a_follow_up_without_subject_replies_in_the_thread() -> None:
    thread = Thread("Hi Ana", ("<1@y.example>", "<2@y.example>"), "g1")
    rendered = render(step("again", " "), thread=thread)
    assert rendered.subject == "Re: Hi Ana"
    message = compose(rendered, thread=thread)
    assert message["Subject"] == "Re: Hi Ana"
    assert message["In-Reply-To"] == "<2@y.example>"
    assert message["References"].split() == ["<1@y.example>", "<2@y.example>"]


def test_a_follow_up_with_another_subject_begins_anew() -> None:
    thread = Thread("Hi Ana", ("<1@y.example>",))
    message = compose(render(step("x", "Something else"), thread=thread), thread=thread)
    assert "In-Reply-To" not in message
    assert "References" not in message


def test_a_message_says_all_it_must() -> None:
    composed = CONTENT.compose(
        render(step("Grüße\n" + "lang " * 300)),
        sender="bob@bücher.example",
        sender_name="Bób, Jr.",
        recipient="ana@x.example",
        now=NOW,
        marker=MARKER,
        thread=Thread(),
        unsubscribe=True,
    )
    message = email.message_from_bytes(composed.mime, policy=default)
    assert isinstance(message, EmailMessage)
    assert message["From"].addresses[0].addr_spec == "bob@xn--bcher-kva.example"
    assert message["To"] == "ana@x.example"
    assert message["Message-ID"] == composed.message_id == f"<{MARKER}@xn--bcher-kva.example>"
    assert message["X-Reply-Marker"] == MARKER
    assert message["List-Unsubscribe"] == (
        f"<mailto:bob@xn--bcher-kva.example?subject=unsubscribe%20{MARKER}>"
    )
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == "Grüße\n" + "lang " * 300 + "\n"
    lines = composed.mime.split(b"\r\n")
    assert max(len(line) for line in lines if not line.startswith(b"List-Unsubscribe:")) <= 78
    assert "lang" not in repr(composed)


def test_unsubscribe_is_there_only_when_wanted() -> None:
    assert "List-Unsubscribe" not in compose(render(step("x")), unsubscribe=False)


def test_an_html_step_has_both_parts() -> None:
    message = compose(render(step("<p>Hi {{ first_name }}</p>", html=True)))
    plain, rich = message.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(rich, EmailMessage)
    assert plain.get_content().strip() == "Hi Ana María"
    assert rich.get_content().strip() == "<p>Hi Ana María</p>"


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\r\n\t\0\x0b\x0c\x1b\x7f\x85\u2028\u2029\u202e:<>@,;{}%#|\"'&="), st.characters()
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(value=NASTY, html=st.booleans())
def test_no_field_gets_out_of_its_place(value: str, html: bool) -> None:
    prospect = Prospect("p", "ana@x.example", NOW, {"value": value})
    rendered = render(step("<p>{{ value | default('-') }}.</p>", "x {{ value or '-' }}", html=html), prospect)
    if rendered.problems:
        assert any("\ud800" <= c <= "\udfff" for c in value)
        return
    message = compose(rendered)
    assert {"From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe"} <= {*message.keys()}
    assert not {"Bcc", "Cc", "In-Reply-To"} & {*message.keys()}
    assert len(message.keys()) == (9 if html else 10)
    assert str(message["Subject"]).startswith("x")
    if html:
        assert rendered.html is not None
        inside = rendered.html.removeprefix("<p>").removesuffix(".</p>")
        assert not {"<", ">", '"', "'"} & {*inside}


@given(body=st.text(alphabet=st.sampled_from("{}%#|()[]._-'\"ab1 =~*\n<>"), max_size=60))
def test_no_step_raises_or_leaves_a_tag_half_read(body: str) -> None:
    one = step(body)
    rendered = render(one)
    try:
        CONTENT.fields_of(one)
    except InvalidInput as error:
        assert rendered.problems == (str(error),)
    else:
        assert rendered.problems or rendered.text.strip()


def test_every_filter_passes_a_gap_on() -> None:
    for name in FILTERS.keys() - {"default", "d"}:
        arguments = "('a', 'b')" if name == "replace" else ""
        assert render(step(f"x{{{{ company | {name}{arguments} | default('y') }}}}")).text == "xy"
