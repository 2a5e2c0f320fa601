"""Settings become what the person wants to hear of; nonsense is refused by name."""

from typing import Any

import pytest

from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification_rules import RULES
from reply_desktop.domain.preferences import (
    ALERT_CHOICES,
    DEFAULTS,
    EMAIL_CAP,
    EMAIL_TO,
    QUIET,
    Preferences,
    preferences,
)

NIGHT = {"on": True, "from": "22:00", "to": "07:30", "weekends": True}


def test_the_defaults_tell_everything_everywhere_and_keep_no_quiet() -> None:
    made = preferences(DEFAULTS)
    assert (made.tray, made.reminders, made.quiet, made.email_to) == (True, True, None, "")
    assert made.chosen["lost"] == frozenset(Channel)
    assert Preferences().email_cap == made.email_cap == DEFAULTS[EMAIL_CAP]
    assert len(RULES) > len(made.chosen)


def test_what_is_set_is_taken() -> None:
    given = {
        **DEFAULTS,
        QUIET: NIGHT,
        ALERT_CHOICES: {"lost": ["tray"], "unknown": ["tray"]},
        EMAIL_TO: "a@b.c",
    }
    made = preferences(given, ("t1",))
    assert made.quiet is not None
    assert (made.quiet.begins.hour, made.quiet.ends.minute, made.quiet.weekends) == (22, 30, True)
    assert made.chosen == {"lost": frozenset({Channel.TRAY})}
    assert (made.team, made.email_to) == (("t1",), "a@b.c")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (QUIET, {}),
        (QUIET, {**NIGHT, "from": "25:00"}),
        (QUIET, {**NIGHT, "to": 7}),
        (QUIET, {**NIGHT, "on": "yes"}),
        (QUIET, {**NIGHT, "from": "22:00+01:00"}),
        (ALERT_CHOICES, {"lost": ["pigeon"]}),
        (ALERT_CHOICES, {"lost": 3}),
        (EMAIL_CAP, 0),
        (EMAIL_CAP, 101),
    ],
)
def test_nonsense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput):
        preferences({**DEFAULTS, name: value})
