"""The private desktop session is a real one: every part that other tests lean on is proven here."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, new_method_call

from tests.harness.accessibility import Accessibility
from tests.harness.browser import Browser
from tests.harness.bus import Bus
from tests.harness.fixtures import Desktop
from tests.harness.keyring import SessionKeyring
from tests.harness.notifications import PATH, SERVICE, Closed, Notifications
from tests.harness.tray import Tray
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.desktop

TRAY_APP = """
from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QSystemTrayIcon
app = QApplication(["tray-probe"])
app.setQuitOnLastWindowClosed(False)
pixmap = QPixmap(22, 22)
pixmap.fill(QColor("red"))
icon = QSystemTrayIcon(QIcon(pixmap))
menu = QMenu()
menu.addAction("Check now")
menu.addAction("Quit").triggered.connect(app.quit)
icon.setContextMenu(menu)
icon.setToolTip("2 accounts need you")
icon.show()
window = QPushButton("Reconnect")
window.setWindowTitle("Probe window")
window.clicked.connect(lambda: window.setText("Done"))
window.show()
assert QSystemTrayIcon.isSystemTrayAvailable()
app.exec()
"""
OPEN_BY_QT = """
import sys
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
app = QGuiApplication([])
assert QDesktopServices.openUrl(QUrl(sys.argv[1]))
"""


@pytest.fixture
def notify() -> Iterator[Callable[..., int]]:
    """Asks the real daemon to show something and gives its number."""
    bus = Bus()

    def send(summary: str, body: str, *, replaces: int = 0, actions: tuple[str, ...] = ()) -> int:
        arguments: tuple[Any, ...] = ("probe", replaces, "", summary, body, list(actions), {}, -1)
        return int(bus.call(SERVICE, PATH, SERVICE, "Notify", "susssasa{sv}i", arguments))

    yield send
    bus.close()


@pytest.fixture
def page_url() -> Iterator[str]:
    """A page on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = b"<title>Probe</title><body>hello <button onclick=\"this.innerText='ok'\">go</button>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the name of the standard library
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/probe"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def tray_app() -> Iterator["subprocess.Popen[bytes]"]:
    """A Qt program with a tray icon and a window, in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", TRAY_APP]) as app:
        yield app
        app.terminate()


def test_home_and_folders_are_the_sessions_own(desktop: Desktop) -> None:
    assert Path.home() == desktop.home
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        assert Path(os.environ[name]).is_relative_to(desktop.folder)
    assert Path(os.environ["XDG_RUNTIME_DIR"]).stat().st_mode & 0o777 == 0o700


def test_the_real_daemon_receives_a_notification(
    notifications: Notifications, notify: Callable[..., int], screenshot: Callable[[str], Path]
) -> None:
    number = notify("Mailbox needs you", "ada@example.org: access was removed")
    shown = notifications.wait_for(lambda each: each.summary == "Mailbox needs you")
    assert (shown.id, shown.body, shown.app) == (number, "ada@example.org: access was removed", "probe")
    assert notifications.visible == [shown]
    assert screenshot("session-notification").stat().st_size > 1_000


def test_a_notification_is_replaced_and_withdrawn(
    notifications: Notifications, notify: Callable[..., int]
) -> None:
    number = notify("First", "")
    assert notify("Second", "", replaces=number) == number
    second = notifications.wait_for(lambda each: each.summary == "Second")
    assert notifications.visible == [second]
    bus = Bus()
    bus.call(SERVICE, PATH, SERVICE, "CloseNotification", "u", (number,))
    bus.close()
    assert notifications.wait_until_closed(second) is Closed.WITHDRAWN
    assert second.close_requested
    assert notifications.visible == []


def test_an_action_is_pressed_in_the_bubble(notifications: Notifications, notify: Callable[..., int]) -> None:
    notify("Other", "", actions=("reconnect", "Reconnect"))
    notify("Mailbox", "", actions=("reconnect", "Reconnect", "later", "Later"))
    shown = notifications.wait_for(lambda each: each.summary == "Mailbox")
    notifications.press(shown, "reconnect")
    assert shown.pressed == ["reconnect"]
    other = notifications.wait_for(lambda each: each.summary == "Other")
    assert other.pressed == []


def test_what_is_not_shown_is_not_found(notifications: Notifications) -> None:
    with pytest.raises(AssertionError, match="no such notification"):
        notifications.wait_for(lambda each: True, deadline_s=0.2)


def test_the_tray_shows_icon_tooltip_and_menu(
    tray: Tray, tray_app: "subprocess.Popen[bytes]", screenshot: Callable[[str], Path]
) -> None:
    assert tray.hosted
    icon = tray.wait_for_icon()
    assert icon.tooltip == "2 accounts need you"
    assert icon.picture[:4] == bytes((255, 255, 0, 0))
    assert [entry.label for entry in icon.menu] == ["Check now", "Quit"]
    screenshot("session-tray")
    icon.choose("Quit")
    assert tray_app.wait(10) == 0
    wait_until(lambda: not tray.icons, "empty tray")


def test_a_window_is_read_and_pressed_by_assistive_technology(
    accessibility: Accessibility, tray_app: "subprocess.Popen[bytes]"
) -> None:
    app = accessibility.wait_for_application("tray-probe")
    button = app.wait_for(role="push button", name="Reconnect")
    assert button.has("showing")
    button.press()
    app.wait_for(role="push button", name="Done")


def test_a_secret_goes_round(keyring: SessionKeyring) -> None:
    assert not keyring.locked
    subprocess.run(["secret-tool", "store", "--label=probe", "kind", "probe"], input=b"s3cret", check=True)
    assert [each.get("kind") for each in keyring.items] == ["probe"]
    found = subprocess.run(["secret-tool", "lookup", "kind", "probe"], capture_output=True, check=True)
    assert found.stdout == b"s3cret"


def test_the_keyring_can_be_locked_and_opened(keyring: SessionKeyring) -> None:
    keyring.lock()
    assert keyring.locked
    keyring.unlock()
    assert not keyring.locked


def test_the_python_keyring_finds_it(keyring: SessionKeyring) -> None:
    probe = (
        "import keyring; assert type(keyring.get_keyring()).__module__ == 'keyring.backends.SecretService';"
        "keyring.set_password('probe', 'me', 'x'); assert keyring.get_password('probe', 'me') == 'x'"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, timeout=30)
    assert [each.get("service") for each in keyring.items] == ["probe"]


@pytest.mark.parametrize(
    "opener",
    [
        pytest.param(["xdg-open"], id="xdg-open"),
        pytest.param([sys.executable, "-c", OPEN_BY_QT], id="QDesktopServices"),
        pytest.param([sys.executable, "-m", "webbrowser"], id="webbrowser"),
    ],
)
def test_the_default_browser_opens_a_page(
    browser: Browser, page_url: str, opener: list[str], screenshot: Callable[[str], Path]
) -> None:
    assert browser.pages == []
    subprocess.run([*opener, page_url], check=True, timeout=60, stdout=subprocess.DEVNULL)
    page = browser.wait_for_page(lambda each: each.url == page_url and each.title == "Probe")
    assert page.text.startswith("hello")
    page.click("button")
    assert page.evaluate("document.querySelector('button').innerText") == "ok"
    screenshot("session-browser")


def test_a_session_gives_the_exit_code_and_leaves_no_process(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "scripts" / "session"
    # One that left its parent and its terminal, as the engine does, must not outlive the session either.
    command = f"setsid sleep 600 & echo $! $DISPLAY >{tmp_path}/seen; exit 3"
    ended = subprocess.run([sys.executable, script, "bash", "-c", command], capture_output=True, timeout=60)
    assert ended.returncode == 3, ended.stderr
    pid, display = (tmp_path / "seen").read_text().split()
    assert display != os.environ["DISPLAY"]
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(f"/tmp/.X11-unix/X{display[1:]}").exists()


def test_a_bus_call_without_answer_is_told() -> None:
    message = new_method_call(DBusAddress("/x", "org.example.Nobody", "org.example.Nobody"), "Ask")
    bus = Bus()
    reply = bus.connection.send_and_get_reply(message, timeout=5)
    assert "org.example.Nobody" in str(reply.body)
    assert not bus.owned("org.example.Nobody")
    bus.close()
