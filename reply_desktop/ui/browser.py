"""Opens pages in the person's own browser."""

import os
import shlex
from collections.abc import Callable

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices

OpenPage = Callable[[str], bool]
"""Opens an address; False when it is known that nothing opened."""


def open_page(url: str) -> bool:
    """Open a web page in the browser named by `BROWSER`, else in the desktop's default one.

    True says only that it was tried: offer the link for copying as well. Other than web pages are refused.
    """
    if QUrl(url).scheme() not in ("http", "https"):
        return False
    for named in filter(None, os.environ.get("BROWSER", "").split(os.pathsep)):
        if _run(named, url):
            return True
    return QDesktopServices.openUrl(QUrl(url))


def _run(named: str, url: str) -> bool:
    """Start a browser command without waiting for it; `%s` in it stands for the address."""
    try:
        words = shlex.split(named)
    except ValueError:
        return False
    if not words:
        return False
    command = [word.replace("%s", url) for word in words]
    if not any("%s" in word for word in words):
        command.append(url)
    process = QProcess()
    process.setProgram(command[0])
    process.setArguments(command[1:])
    # A browser outlives the app and must not hold its pipes.
    process.setStandardInputFile(QProcess.nullDevice())
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    started = process.startDetached()
    return bool(started[0] if isinstance(started, tuple) else started)
