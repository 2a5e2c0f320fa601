"""The window's door: one per data folder, and painted before anything heavy is loaded."""

import gc
import os
import signal
import sys
from dataclasses import replace

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from reply_desktop.config import APP_ID, APP_NAME, Config
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui import icons, theme
from reply_desktop.ui.life import Life
from reply_desktop.ui.main_window import MainWindow
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.single_instance import Message, SingleInstance, parse_link


class Application(QApplication):
    """The application. `link_asked` carries the address of a link that macOS hands to the running app."""

    link_asked = Signal(str)

    def event(self, event: QEvent) -> bool:
        """Take links; they come as if a file was to be opened."""
        if isinstance(event, QFileOpenEvent) and not event.url().isLocalFile():
            self.link_asked.emit(event.url().toString())
            return True
        return super().event(event)


def run(config: Config, *, hidden: bool = False, link: str | None = None) -> int:
    """Show the window until the person quits; gives the exit code.

    `hidden`: begin in the tray. `link`: a `reply-desktop://` place to open. When the data folder has its
    window already, that one is raised and opens the link, and this call returns at once. Raises InvalidInput
    when the data folder cannot be written.
    """
    app = application()
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The data folder {config.data_dir} cannot be written: {error.strerror}.",
            "Check who may write to it.",
        ) from error
    errand = parse_link(link) if link else Message()
    instance = SingleInstance(config.data_dir, app)
    if not instance.claim():
        token = os.environ.pop("XDG_ACTIVATION_TOKEN", "")
        if instance.send(replace(errand, token=token)):
            return 0
        sys.stderr.write(f"{APP_NAME} is open already, but does not answer. End it and try again.\n")
        return 1
    if isinstance(app, Application):
        app.link_asked.connect(lambda address: instance.take(parse_link(address)))
    # Nothing made while starting is garbage; `life.quiet_collector` turns it on again.
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    remembered = Remembered(config.data_dir / "window.ini")
    theme.install(app, theme.scheme_named(remembered.get("theme")))
    icons.follow_theme()
    window = MainWindow(remembered, sandbox=config.sandbox)
    life = Life(config, window, remembered, instance, errand if link else None)
    if hidden:
        QTimer.singleShot(0, life.load)
    else:
        window.installEventFilter(life)
        window.show()
    code = app.exec()
    life.close()
    return code


def application() -> QApplication:
    """The process's application, made on first use."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        return app
    QApplication.setDesktopFileName(APP_ID)
    made = Application(sys.argv[:1])
    made.setApplicationName(APP_ID)
    made.setApplicationDisplayName(APP_NAME)
    made.setQuitOnLastWindowClosed(False)
    return made
