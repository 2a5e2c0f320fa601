"""The person's own browser."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from reply_desktop.ui.browser import open_page
from tests.fakes.engine import wait_until

PAGE = "https://login.example/authorize?a=1&b=two%20words"


class Desktop(QObject):
    """Stands for the desktop's default browser."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        self.opened.append(url.toString(QUrl.ComponentFormattingOption.FullyEncoded))


@pytest.fixture
def desktop(qapp: QApplication) -> Iterator[Desktop]:
    made = Desktop()
    # It takes a str only, though its stubs say bytes.
    QDesktopServices.setUrlHandler("https", made, "take")  # type: ignore[arg-type]
    yield made
    QDesktopServices.unsetUrlHandler("https")


def test_the_desktops_default_browser_opens(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    assert open_page(PAGE)
    assert desktop.opened == [PAGE]


def script(folder: Path) -> Path:
    file = folder / "browser.py"
    file.write_text("import sys; open(sys.argv[1], 'w').write(sys.argv[2])")
    return file


@pytest.mark.parametrize("form", ["{python} {file} {out}", "{python} {file} {out} %s"])
def test_browser_names_the_command(
    tmp_path: Path, desktop: Desktop, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("BROWSER", form.format(python=sys.executable, file=script(tmp_path), out=out))
    assert open_page(PAGE)
    wait_until(lambda: out.exists() and out.read_text() == PAGE)
    assert desktop.opened == []


def test_a_command_that_is_not_there_is_passed_over(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", f"/nowhere/browser{os.pathsep}'unclosed")
    assert open_page(PAGE)
    assert desktop.opened == [PAGE]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "mailto:a@x.example", ""])
def test_only_web_pages_are_opened(desktop: Desktop, url: str) -> None:
    assert not open_page(url)
    assert desktop.opened == []
