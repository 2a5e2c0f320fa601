"""The person's own browser: BROWSER first, never waited for, never with a frozen app's libraries."""

import sys
from pathlib import Path

import pytest

from reply_desktop.cli.browser import open_browser
from tests.harness.waiting import wait_until

LINK = "https://provider.example/auth?a=1&b=$(id)"


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that writes down the link and stays open."""
    script = tmp_path / "my browser"
    script.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        f"pathlib.Path({str(tmp_path / 'link.new')!r}).write_text(sys.argv[-1])\n"
        f"pathlib.Path({str(tmp_path / 'link.new')!r}).rename({str(tmp_path / 'link')!r})\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"'{script}'")
    return tmp_path / "link"


def test_browser_gets_the_link_untouched_by_any_shell(noted: Path) -> None:
    assert open_browser(LINK)
    wait_until(noted.exists, "the browser", 10)
    assert noted.read_text() == LINK


def test_percent_s_and_the_first_that_exists(noted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"no-such-browser:'{noted.parent / 'my browser'}' --new %s")
    assert open_browser(LINK)
    wait_until(noted.exists, "the browser", 10)
    assert noted.read_text() == LINK


def test_nothing_to_open_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BROWSER", "no-such-browser")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not open_browser(LINK)


def test_an_unclosed_quote_is_no_command(noted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"\"firefox:'{noted.parent / 'my browser'}'")
    assert open_browser(LINK)
    wait_until(noted.exists, "the browser", 10)
