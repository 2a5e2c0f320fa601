"""What README and pages promise is what the app does: values, folders, words on buttons, commands, rules."""

import re
from pathlib import Path

import platformdirs.macos
import pytest

from reply_desktop.cli import parser
from reply_desktop.config import APP_ID, Endpoints
from reply_desktop.domain.alert_words import NAMED
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.notification_rules import CHOICE_WORDS, CHOICES, RULES
from reply_desktop.domain.preferences import DEFAULTS, EMAIL_CAP
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.provider_setup import SETUP_STEPS
from reply_desktop.services.alert_mail import ROUTES
from reply_desktop.services.courier import LADDER_S

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
HOUR_S, DAY_S = 3600.0, 24 * 3600.0


@pytest.mark.parametrize("provider", sorted(SETUP_STEPS))
def test_the_values_to_register_are_those_the_app_shows(provider: Provider) -> None:
    values = [value for step in SETUP_STEPS[provider] for value in step.values]
    assert values
    assert [value for value in values if f"`{value}`" not in README] == []


def test_the_data_folders_are_the_platforms_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    macos = platformdirs.macos.MacOS(APP_ID, appauthor=False).user_data_path
    assert f"`~/{macos.relative_to(Path.home())}`" in README
    assert f"`~/.local/share/{APP_ID}`" in README
    assert f"`%LOCALAPPDATA%\\{APP_ID}`" in README
    assert f"`{APP_ID}-sandbox`" in README


def test_the_one_host_that_is_no_provider_is_named() -> None:
    assert Endpoints().autoconfig_url.split("/")[2] in README


def test_words_on_buttons_stand_in_the_code() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "reply_desktop").rglob("*.py"))
    for words in ("Add account", "Remove access", "Reconnect", "Who may sign in", "Also end the access"):
        assert words in README and words in code
    login = "Start Reply Desktop when I log in"
    assert login in README and f'"{login}"' in code
    for name in PROVIDER_NAMES.values():
        assert f"Add account → {name}" in README


def test_commands_and_options_exist() -> None:
    help_text = parser.build().format_help()
    mentioned = set(re.findall(r"`(?:uv run |\.venv/bin/)?reply-desktop ([^`]+)`", README))
    assert mentioned
    for words in mentioned:
        for word in words.split():
            assert word in help_text, word
    for option in re.findall(r"`(--[a-z-]+)", README):
        assert option in help_text


def told(kind: NotificationKind) -> list[str]:
    """A line of the table in docs/alerts.md, after what it says of the news itself."""
    rule = RULES[kind]
    choice = next((CHOICE_WORDS[name] for name, kinds in CHOICES.items() if kind in kinds), "–")
    marks = ["✓" if channel in rule.channels else "–" for channel in Channel]
    reminders = ", ".join(f"{after_s / HOUR_S:g} h" for after_s in rule.reminders_s)
    assert rule.again_s == (DAY_S if reminders else None)
    again = f"after {reminders}, then every day" if reminders else "–"
    return [choice, *marks, f"within {rule.merge_s:g} s", again]


def test_the_table_of_alerts_is_the_one_the_engine_goes_by() -> None:
    lines = [line.strip("| ").split(" | ") for line in ALERTS.splitlines() if line.startswith("| ")]
    rows = {match[1]: rest for first, *rest in lines if (match := re.search(r"\(`([a-z_]+)`\)", first))}
    assert rows == {kind.value: told(kind) for kind in NotificationKind}
    # What is never told on a channel cannot be chosen for it either, as the page says of its dashes.
    assert all(rule.channels == rule.offered for rule in RULES.values())


def test_numbers_about_alerts_are_the_apps_own() -> None:
    numbers = {5: "five", 10: "10", 20: "Twenty"}
    first, second, third, last = (wait_s / 60 for wait_s in LADDER_S)
    assert f"At most {numbers[DEFAULTS[EMAIL_CAP]]} e-mails in any 24 hours" in ALERTS
    assert f"after {first:g}, {second:g}, {third:g} minutes, then every hour" in ALERTS and last == 60
    assert f"{numbers[ROUTES]} at most" in ALERTS
    assert f"{numbers[NAMED]} troubles are told in full" in ALERTS
