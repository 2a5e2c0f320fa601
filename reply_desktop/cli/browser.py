"""Opens the person's own browser from a command: `BROWSER` first, else the desktop's default."""

import os
import shlex
import shutil
import subprocess
import sys
import threading


def open_browser(url: str) -> bool:
    """Try to open the link; False when nothing could be started. Never waits for the browser.

    `BROWSER` is a colon-separated list of commands, each with `%s` for the link or the link added.
    """
    for command in filter(None, os.environ.get("BROWSER", "").split(os.pathsep)):
        try:
            words = [part.replace("%s", url) for part in shlex.split(command)]
        except ValueError:
            # A quote without its end: no command.
            continue
        if "%s" not in command:
            words.append(url)
        if _start(words):
            return True
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - the desktop's own way to open a link
        return True
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    return _start([opener, url])


def _start(words: list[str]) -> bool:
    if not words or shutil.which(words[0]) is None:
        return False
    try:
        browser = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    # Waited for beside us, so that a browser that ends leaves no dead child behind.
    threading.Thread(target=browser.wait, name="browser", daemon=True).start()
    return True
