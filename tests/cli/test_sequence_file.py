"""Sequence files: what is read, what is refused and how, and that what is written reads the same."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.cli.document import read_toml, read_yaml
from reply_desktop.cli.sequence_file import (
    KEYS,
    STEP_KEYS,
    WINDOW_KEYS,
    Plan,
    Start,
    parse_start,
    plan_of,
    read_plan,
    with_known_steps,
    write_plan,
)
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence import Ramp, Sequence, Step, Stranded, StrandedKind
from reply_desktop.domain.window import SendingWindow

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YAML = """
name: Spring outreach
accounts: [ana@example.com, Ben@Example.com]
window: {days: mon-fri, from: 9:00, to: 17:30, timezone: Europe/Berlin}
start: +15m
gap_s: [120, 5m]
daily_limit: 40
ramp: {first: 10, step: 5}
stranded: move_after:1d 2h
sender_name: Ana Costa
unsubscribe: yes
stop_on_reply: off
steps:
  - subject: Hello {{ first_name }}
    body: |
      Dear {{ first_name }},

      welcome.
  - after: 3d
    html: true
    body: <p>Did you see this?</p>
"""
TOML = '''
name = "Spring outreach"
accounts = ["ana@example.com", "ben@example.com"]
start = "+15m"
gap_s = [120, 300]
daily_limit = 40
stranded = "move_after:26h"
sender_name = "Ana Costa"
unsubscribe = true
stop_on_reply = false
ramp = {first = 10, step = 5}

[window]
days = ["mon", "tue", "wed", "thu", "fri"]
from = 09:00:00
to = "17:30"
timezone = "Europe/Berlin"

[[steps]]
subject = "Hello {{ first_name }}"
body = """
Dear {{ first_name }},

welcome.
"""

[[steps]]
after = "3d"
html = true
body = "<p>Did you see this?</p>"
'''
PLAN = Plan(
    Sequence(
        "",
        "Spring outreach",
        NOW,
        accounts=("ana@example.com", "ben@example.com"),
        steps=(
            Step("", 1, 0.0, "Hello {{ first_name }}", "Dear {{ first_name }},\n\nwelcome.\n"),
            Step("", 2, 259200.0, "", "<p>Did you see this?</p>", html=True),
        ),
        window=SendingWindow(opens=time(9), closes=time(17, 30), timezone="Europe/Berlin"),
        gap_s=(120.0, 300.0),
        daily_limit=40,
        ramp=Ramp(10, 5),
        stranded=Stranded(StrandedKind.MOVE_AFTER, 93600.0),
        sender_name="Ana Costa",
        stop_on_reply=False,
    ),
    Start(NOW + timedelta(minutes=15)),
)


def test_both_languages_say_the_same(tmp_path: Path) -> None:
    for name, text in (("plan.yaml", YAML), ("plan.toml", TOML)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_plan(tmp_path / name, NOW) == PLAN


def test_the_documented_file_is_one_and_every_key_is_told() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sequence-files.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    assert plan_of(read_yaml(example, "f"), NOW).sequence.stranded.after_s == 7200.0
    told = {
        word
        for line in text.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`([\w.\[\]]+)`", line.split("|")[1])
    }
    top = {*KEYS} - {"window"}
    assert told == top | {f"window.{key}" for key in WINDOW_KEYS} | {f"steps[].{key}" for key in STEP_KEYS}


def test_a_name_is_enough() -> None:
    assert plan_of(read_yaml("name: X", "f"), NOW) == Plan(Sequence("", "X", NOW))
    assert plan_of(read_yaml("name: No", "f"), NOW).sequence.name == "No"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "f: The sequence has no name"),
        ("- a", "line 1: A sequence must have keys"),
        ("name: X\nstep: []", r"line 2: A sequence has no key “step”\. Did you mean steps\?"),
        ("name: X\nwindow: {form: 9:00}", "“form”. Did you mean from"),
        ("name: X\nwindow:\n  from: 540", "line 3: from cannot be “540”.*9:00"),
        ("name: X\nwindow: {to: 25:00}", "to cannot be “25:00”"),
        ("name: X\nwindow: {days: [mon, day]}", "“day” is not a day.*mon, tue"),
        ("name: X\nwindow: {days: fri-mon}", "end of the week"),
        ("name: X\nwindow: {days: []}", "days is empty"),
        ("name: X\nwindow: {timezone: Berlin}", "“Berlin” is not a time zone"),
        ("name: X\nwindow: {from: 17:00, to: 9:00}", "ends at 09:00"),
        ("name: X\naccounts:\n- ana@example.com\n- nonsense", "line 4: “nonsense” is not a mail address"),
        ("name: X\naccounts: ana@example.com", "accounts must be a list"),
        ("name: X\nstart: soon", "now, \\+15m"),
        ("name: X\nstart: 2026-03-01T09:00Z", "is over"),
        ("name: X\ngap_s: 5", "must be a list"),
        ("name: X\ngap_s: [5]", "two numbers"),
        ("name: X\ngap_s: [9, 5]", "out of range"),
        ("name: X\ngap_s: [a, 5]", "not a number of seconds"),
        ("name: X\ndaily_limit: 0", "daily_limit cannot be “0”. Allowed are 1 to 10,000"),
        ("name: X\ndaily_limit: 1e3", "cannot be “1e3”"),
        ("name: X\nramp: {first: 1}", "ramp needs first and step"),
        ("name: X\nstranded: move", "wait, move_after:2h"),
        ("name: X\nstranded: wait:2h", "wait, move_after:2h"),
        ("name: X\nstranded: move_after:2", "line 2: “2” is not a span of time"),
        ("name: X\nunsubscribe: maybe", "unsubscribe cannot be “maybe”. Allowed are true and false"),
        ("name: X\nsteps:\n- subject: A", "line 3: Step 1 has no body"),
        ("name: X\nsteps:\n- subject: A\n  body: x\n  after: 3d", "line 5: Step 1 waits for no step"),
        ("name: X\nsteps:\n- subject: A\n  body: x\n- body: y", "Step 2 does not say after how long"),
        ("name: X\nsteps:\n- subject: A\n  body: x\n- body: y\n  after: 3", "line 6: “3” is not a span"),
        ("name: X\nsteps:\n- body: x", "Step 1 has no subject"),
        ("name: X\nsteps:\n- subjekt: x", "“subjekt”. Did you mean subject"),
    ],
)  # fmt: skip
def test_mistakes_name_the_key_the_line_and_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        plan_of(read_yaml(text, "f"), NOW)


def test_mistakes_in_toml_have_their_line_too() -> None:
    with pytest.raises(InvalidInput, match="f, line 4: “X” is not a time zone"):
        plan_of(read_toml("name = 'X'\n\n[window]\ntimezone = 'X'", "f"), NOW)


@pytest.mark.parametrize(
    ("text", "days"), [("sat", (6,)), ("[fri, Mo, monday]", (1, 5)), ("tue-thu", (2, 3, 4)), ("mon-sun", (1, 2, 3, 4, 5, 6, 7))]
)  # fmt: skip
def test_days(text: str, days: tuple[int, ...]) -> None:
    assert plan_of(read_yaml(f"name: X\nwindow: {{days: {text}}}", "f"), NOW).sequence.window.days == days


@pytest.mark.parametrize("text", ["24:00", "0:00", "00:00:00"])
def test_midnight_at_the_end(text: str) -> None:
    assert plan_of(read_yaml(f"name: X\nwindow: {{to: {text}}}", "f"), NOW).sequence.window.closes == time(0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", None), (" NOW ", None), ("+2h", NOW + timedelta(hours=2)), ("2026-03-02T10:30+01:00", NOW + timedelta(minutes=30)),
        ("2026-03-02T08:59:30Z", NOW - timedelta(seconds=30)),
    ],
)  # fmt: skip
def test_start(text: str, at: datetime | None) -> None:
    assert parse_start(text, NOW) == Start(at)


def test_a_start_without_an_offset_is_this_computers() -> None:
    local = datetime(2026, 6, 1, 12, 0)  # noqa: DTZ001 - meant: the zone is this computer's
    assert parse_start("2026-06-01T12:00", NOW) == Start(local.astimezone(UTC))


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t "), max_size=60)
lines = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=30)
steps = st.builds(
    Step, st.just(""), st.just(1), st.integers(0, 10**7).map(float), lines.filter(str.strip),
    texts.filter(str.strip), st.booleans(),
)  # fmt: skip
plans = st.builds(
    Plan,
    st.builds(
        Sequence,
        st.just(""),
        lines.map(str.strip).filter(bool),
        st.just(NOW),
        accounts=st.sampled_from([(), ("ana@example.com",), ("no@example.com", "1@example.com")]),
        steps=st.lists(steps, max_size=4).map(lambda many: tuple(replace(s, number=n, after_s=s.after_s if n > 1 else 0.0) for n, s in enumerate(many, 1))),
        window=st.builds(
            SendingWindow,
            st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
            st.times(max_value=time(11, 59)).map(lambda at: at.replace(microsecond=0, fold=0)),
            st.sampled_from([time(12), time(23, 59, 59), time(0)]),
            st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        ),
        gap_s=st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda both: tuple(map(float, sorted(both)))),
        daily_limit=st.none() | st.integers(1, 10_000),
        ramp=st.none() | st.builds(Ramp, st.integers(1, 50), st.integers(1, 50)),
        stranded=st.sampled_from(
            [Stranded(), Stranded(StrandedKind.MOVE_UNSTARTED), Stranded(StrandedKind.MOVE_AFTER, 5400.0)]
        ),
        sender_name=lines.map(str.strip),
        unsubscribe=st.booleans(),
        stop_on_reply=st.booleans(),
    ),
    st.sampled_from([None, Start(), Start(NOW + timedelta(hours=2))]),
)  # fmt: skip


@given(plans)
@settings(max_examples=60, deadline=None)
def test_what_is_written_reads_the_same(plan: Plan) -> None:
    assert plan_of(read_yaml(write_plan(plan), "f"), NOW) == plan


def test_steps_keep_their_ids_where_they_are_the_same() -> None:
    stored = replace(PLAN.sequence, id="1", revision=4, steps=tuple(
        Step(letter, n, 60.0, letter, letter) for n, letter in enumerate("abcd", 1)
    ))  # fmt: skip

    def ids(*texts: str) -> str:
        steps = tuple(Step("", n, 60.0, text, text) for n, text in enumerate(texts, 1))
        known = with_known_steps(replace(PLAN.sequence, steps=steps), stored)
        assert (known.id, known.revision) == ("1", 4)
        return ",".join(step.id for step in known.steps)

    assert ids("a", "b", "c", "d") == "a,b,c,d"
    assert ids("a", "new", "b", "c", "d") == "a,,b,c,d"
    assert ids("a", "c", "d") == "a,c,d"
    assert ids("a", "B!", "c", "d") == "a,b,c,d"
    assert ids("x", "y", "z", "w", "v") == "a,b,c,d,"
