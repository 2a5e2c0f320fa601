"""Delays, subjects and pieces of messages in words."""

import pytest

from reply_desktop.domain.sequence import Step
from reply_desktop.ui.step_words import as_html, delay_words, field_tag, length_words, subject_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 minutes"), (60, "1 minute"), (3 * 86_400, "3 days"), (90_060, "1 day 1 hour 1 minute")],
)
def test_lengths(seconds: float, words: str) -> None:
    assert length_words(seconds) == words


@pytest.mark.parametrize(
    ("number", "after_s", "words"),
    [
        (1, 0, "First"),
        (1, 259_200, "First"),
        (2, 0, "At once after it"),
        (2, 3 * 86_400, "3 days later"),
        (2, 7200, "2 hours later"),
    ],
)
def test_delays(number: int, after_s: float, words: str) -> None:
    assert delay_words(Step("t", number, after_s, "", "")) == words


@pytest.mark.parametrize(
    ("number", "subject", "words"),
    [(1, "  Hi ", "Hi"), (1, "", "No subject yet"), (3, " ", "Reply in the thread")],
)
def test_subjects(number: int, subject: str, words: str) -> None:
    assert subject_words(Step("t", number, 0, subject, "")) == words


def test_a_field_is_written_as_the_engine_reads_it() -> None:
    assert field_tag("first_name") == "{{ first_name }}"


def test_plain_text_becomes_paragraphs_and_fields_stay() -> None:
    told = as_html('Dear {{ name or "A & B" }},\n\nfish & chips < 5\nor > 6\n\n\n')
    assert told == '<p>Dear {{ name or "A & B" }},</p>\n<p>fish &amp; chips &lt; 5<br>\nor &gt; 6</p>'
