"""What the README promises is what the app does: values to register, folders, words on buttons, commands."""

import re
from pathlib import Path

import platformdirs.macos
import pytest

from reply_desktop.cli import parser
from reply_desktop.config import APP_ID, Endpoints
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.provider_setup import SETUP_STEPS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
