"""The real app with a sandbox of its own, run, seen and worked from outside, as the person at the screen does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from reply_desktop.channel.client import Client
from reply_desktop.channel.launch import ensure_engine, stop_running
from reply_desktop.channel.messages import (
    BeginConsent,
    CheckAccounts,
    GetAccount,
    GetAccounts,
    GetSettings,
    ListAccounts,
    MarkRead,
    Request,
    RowsChanged,
)
from reply_desktop.config import APP_ID, Config
from reply_desktop.domain.events import NotificationRaised
from reply_desktop.domain.rows import AccountRow, NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import SandboxControl
from reply_desktop.sandbox.person import Person
from tests.harness.accessibility import Accessibility, Node
from tests.harness.browser import Browser
from tests.harness.bus import BusError
from tests.harness.keyring import SessionKeyring
from tests.harness.notifications import Notifications
from tests.harness.tray import TrayIcon
from tests.harness.waiting import WAIT_S, wait_until

A = TypeVar("A")
ROOT = Path(__file__).resolve().parents[2]
PRESSED = {"push button", "check box", "radio button", "button menu", "menu item", "toggle button"}
"""Roles of what can be pressed."""
HANDLED = {*PRESSED, "text", "password text", "combo box", "table", "slider", "spin button", "link"}
"""Roles of what a person handles, and so must be named."""
START_S = 30.0
OUTSIDE = ("1200", "15")
"""Where the pointer rests: on the empty part of the panel."""


@dataclass(frozen=True)
class Row:
    """A line of the table, as a screen reader says it."""

    status: str
    action: str
    address: str
    provider: str
    wrong: str
    proven: str


class App:
    """One data folder and the window on it. Nothing runs before `start`; `close` ends all of it.

    `program` runs the app another way than from source; `env` and `cwd` are what its processes are given.
    """

    def __init__(
        self,
        folder: Path,
        accessibility: Accessibility,
        *,
        program: Sequence[str] = (sys.executable, "-m", "reply_desktop"),
        env: Mapping[str, str] = os.environ,
        cwd: Path = ROOT,
    ) -> None:
        self.config = Config(folder, sandbox=True)
        self._program, self._env, self._cwd = program, env, cwd
        self._accessibility = accessibility
        self._log = folder.with_name(f"{folder.name}.log")
        self._window: subprocess.Popen[bytes] | None = None
        self._root: Node | None = None
        self._table: Node | None = None

    def command(self, *words: str) -> list[str]:
        """The command line of the app on this folder."""
        folder = str(self.config.data_dir)
        return [*self._program, "--sandbox", "--data-dir", folder, *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the app, once it has ended."""
        return subprocess.run(
            self.command(*words), cwd=self._cwd, env=self._env, timeout=60, capture_output=True, text=True
        )

    # The window's process

    def start(self, *words: str) -> None:
        """Open the window and wait until it can be read."""
        with self._log.open("wb") as log:
            self._window = subprocess.Popen(
                self.command(*words),
                cwd=self._cwd,
                env=self._env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        process_id = self._window.pid
        self._root = wait_until(
            lambda: self._accessibility.application(APP_ID, process_id), "window of the app", START_S
        )
        self._table = None
        # It opens at the section that was in view last.
        wait_until(
            lambda: any(map(self._page_table, ("Email accounts", "Sequences"))), "page of the app", START_S
        )

    def _page_table(self, name: str) -> Node | None:
        return self.root.find(role="table", name=name)

    def launch_again(self, *words: str) -> int:
        """Start it a second time, as a person who finds no window does; the exit code of that launch."""
        return self.run(*words).returncode

    def kill_window(self) -> None:
        """End the window's process without a word, as a crash does."""
        assert self._window
        self._window.kill()
        self._window.wait()

    def wait_for_end(self) -> int:
        """The exit code of the window's process, once it has ended by itself."""
        assert self._window
        return self._window.wait(START_S)

    def quit(self, icon: TrayIcon, answer: str = "Stop sending") -> int:
        """Quit from the tray, with this answer when it asks what becomes of the sequences; its exit code."""
        assert self._window
        window = self._window
        icon.choose("Quit")

        def ended() -> bool:
            return window.poll() is not None or self._answered(answer)

        wait_until(ended, f"end of the window, or the question with {answer!r}", START_S)
        return self.wait_for_end()

    def _answered(self, answer: str) -> bool:
        """Whether the question was there and has its answer."""
        try:
            asked = self.find(answer)
            if asked is not None:
                asked.press()
        except (BusError, TimeoutError):
            return False
        return asked is not None

    def close_window(self) -> None:
        """End the window's process, if it runs; the engine goes on."""
        if self._window is not None and self._window.poll() is None:
            self._window.terminate()
            self._window.wait(START_S)

    def close(self) -> None:
        """End the window, the engine and the sandbox, whatever still runs."""
        self.close_window()
        stop_running(self.config)
        process.stop(self.config.sandbox_dir)

    @property
    def said(self) -> str:
        """What the window's process has written to its output since it was started."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    # Reading

    @property
    def root(self) -> Node:
        """All windows of the app."""
        assert self._root is not None, "it is not started"
        return self._root

    @property
    def frame(self) -> Node:
        """The main window."""
        return self.root.children[0]

    @property
    def table(self) -> Node:
        """The table of accounts."""
        if self._table is None:
            self._table = wait_until(lambda: self._page_table("Email accounts"), "table of accounts", START_S)
        return self._table

    @property
    def rows(self) -> dict[str, Row]:
        """The table from top to bottom, by address; empty while it changes."""
        try:
            return {row.address: row for row in map(self._row, range(self.table.size[0]))}
        except BusError:
            return {}

    def _row(self, number: int) -> Row:
        return Row(*(self.table.cell(number, column).name for column in range(6)))

    def wait_for_row(self, address: str, status: str, deadline_s: float = WAIT_S) -> Row:
        """The account's line, once its status reads so."""

        def found() -> Row | None:
            row = self.rows.get(address)
            return row if row is not None and row.status == status else None

        try:
            return wait_until(found, f"row {address} {status!r}", deadline_s)
        except AssertionError as late:
            raise AssertionError(f"{late}; shown: {list(self.rows.values())}") from None

    def wait_for_all(self, status: str, number: int = 5, deadline_s: float = START_S) -> dict[str, Row]:
        """All lines, once there are so many and each status reads so."""

        def found() -> dict[str, Row] | None:
            rows = self.rows
            return rows if len(rows) == number and {row.status for row in rows.values()} == {status} else None

        try:
            return wait_until(found, f"table of {number} accounts, all {status!r}", deadline_s)
        except AssertionError as late:
            raise AssertionError(f"{late}; shown: {list(self.rows.values())}") from None

    def sheet(self, name: str, deadline_s: float = WAIT_S) -> Node:
        """The table of this name, once it is shown."""
        return self.wait_for(name, "table", deadline_s)

    @property
    def toggles(self) -> dict[str, str]:
        """What each switch in the list of sequences says, by the sequence's name; empty while it changes."""
        sheet = self.find("Sequences", "table")
        try:
            return (
                {}
                if sheet is None
                else {
                    said.partition(":")[0]: said
                    for said in (sheet.cell(row, 0).name for row in range(sheet.size[0]))
                }
            )
        except BusError:
            return {}

    def toggle(self, sequence: str) -> Node:
        """The cell with the switch of a sequence."""
        names = wait_until(
            lambda: next((found for found in [list(self.toggles)] if sequence in found), None), sequence
        )
        return self.sheet("Sequences").cell(names.index(sequence), 0)

    def wait_for_toggle(self, sequence: str, begins: str, deadline_s: float = START_S) -> str:
        """What a switch says, once it begins so after the name, such as "Active, green"."""

        def found() -> str | None:
            said = self.toggles.get(sequence, "")
            return said if said.startswith(f"{sequence}: {begins}") else None

        try:
            return wait_until(found, f"{sequence}: {begins}", deadline_s)
        except AssertionError as late:
            raise AssertionError(f"{late}; shown: {list(self.toggles.values())}") from None

    def wait_for_log_entry(self, begins: str) -> list[Node]:
        """The cells of the entry that a log was opened at, once it is: it has the keyboard and begins so."""
        self.wait_for("Clear highlight")
        log = self.sheet("Log")

        def found() -> list[Node] | None:
            for row in range(min(log.size[0], 40)):
                cells = [log.cell(row, column) for column in range(5)]
                if any(cell.has("focused") for cell in cells):
                    return cells if cells[0].name.startswith(begins) else None
            return None

        return wait_until(found, f"entry “{begins}” at hand")

    def find(self, name: str, role: str = "push button") -> Node | None:
        """What is shown under this name, if it is."""
        return self.root.find(role=role, name=name, shown=True)

    def shown(self, name: str | None = None, role: str = "push button") -> list[Node]:
        """All that is shown of this role, and under this name where one is given."""
        found = (each for each in self.frame.walk(shown=True) if each.role == role)
        return [each for each in found if name in (None, each.name)]

    def wait_for(self, name: str, role: str = "push button", deadline_s: float = WAIT_S) -> Node:
        """As `find`, waiting for it to be shown."""
        return self.root.wait_for(role=role, name=name, shown=True, deadline_s=deadline_s)

    def wait_until_gone(self, name: str, role: str = "push button", deadline_s: float = WAIT_S) -> None:
        """Wait until nothing of this name is shown."""
        wait_until(lambda: self.find(name, role) is None, f"end of {role} {name!r}", deadline_s)

    @property
    def words(self) -> list[str]:
        """Everything the windows say, from top to bottom."""
        return [each.name for each in self.root.walk(shown=True) if each.role == "label" and each.name]

    def wait_for_words(self, *parts: str, deadline_s: float = WAIT_S) -> str:
        """The first label that holds all the parts, once there is one."""

        def said() -> str | None:
            return next((text for text in self.words if all(part in text for part in parts)), None)

        return wait_until(said, f"label with {parts}", deadline_s)

    @property
    def bell(self) -> Node:
        """The bell in the header."""
        return next(
            each
            for each in self.frame.walk(shown=True)
            if each.role == "push button" and each.name.startswith("Notifications")
        )

    @property
    def unread(self) -> int:
        """How many unread notifications the bell counts."""
        return int(self.bell.name.partition(", ")[2].partition(" ")[0] or 0)

    @property
    def nameless(self) -> list[str]:
        """What a person handles in what is shown now and a screen reader has no word for."""
        return [
            f"{each.role} at {each.extents}"
            for each in self.root.walk(shown=True)
            if each.role in HANDLED and not each.name
        ]

    @property
    def clipboard(self) -> str:
        """The text in the clipboard, as another program gets it."""
        read = "from PySide6.QtGui import QGuiApplication as A; app = A([]); print(app.clipboard().text())"
        done = subprocess.run(
            [sys.executable, "-c", read], check=True, timeout=20, capture_output=True, text=True
        )
        return done.stdout

    # Working

    def press(self, name: str, role: str = "push button", *, deadline_s: float = WAIT_S) -> None:
        """Press what is shown under this name, once it is there and can be pressed."""

        def ready() -> Node | None:
            node = self.find(name, role)
            return node if node is not None and node.has("enabled") else None

        wait_until(ready, f"{role} {name!r} that can be pressed", deadline_s).press()

    def click_row_button(self, address: str) -> None:
        """Click the button in an account's row with the pointer."""
        self.click(self._cell(address, 1))

    def click_row(self, address: str) -> None:
        """Click an account's address in the table with the pointer."""
        self.click(self._cell(address, 2))

    def _cell(self, address: str, column: int) -> Node:
        rows = wait_until(
            lambda: next((r for r in [list(self.rows)] if address in r), None), f"row {address}"
        )
        return self.table.cell(rows.index(address), column)

    def hover(self, x: int, y: int) -> str:
        """What the window tells of this place on the screen when the pointer rests there, which it goes on to."""
        # A tip of another place would be taken for this one's.
        _xdotool("mousemove", *OUTSIDE)
        wait_until(lambda: self.tip() is None, "end of the other tip")
        _xdotool("mousemove", "--sync", str(x - 3), str(y), "mousemove", "--sync", str(x), str(y))
        return wait_until(self.tip, f"tip at {x}, {y}")

    def tip(self) -> str | None:
        """What the tip says that is shown now."""
        tips = (each for each in self.root.children if each.role == "tool tip" and each.has("showing"))
        try:
            return next((each.name for each in tips), None)
        except BusError:
            return None

    def click(self, node: Node) -> None:
        """Click the middle of something with the pointer, which then leaves it."""
        x, y, width, height = node.extents
        self.click_at(x + width // 2, y + height // 2)

    def click_at(self, x: int, y: int) -> None:
        """Click a place on the screen with the pointer, which then leaves the window."""
        _xdotool("mousemove", "--sync", str(x), str(y), "click", "1", "mousemove", *OUTSIDE)

    def double_click_at(self, x: int, y: int) -> None:
        """Click a place on the screen twice with the pointer, which then leaves the window."""
        twice = ("click", "--repeat", "2", "--delay", "60", "1")
        _xdotool("mousemove", "--sync", str(x), str(y), *twice, "mousemove", *OUTSIDE)

    def scroll_up(self, x: int, y: int) -> None:
        """Turn the wheel over a place until it is at the top."""
        _xdotool("mousemove", "--sync", str(x), str(y), "click", "--repeat", "60", "4", "mousemove", *OUTSIDE)

    def scroll_down(self, x: int, y: int, notches: int = 8) -> None:
        """Turn the wheel over a place a little further."""
        turned = ("click", "--repeat", str(notches), "5")
        _xdotool("mousemove", "--sync", str(x), str(y), *turned, "mousemove", *OUTSIDE)

    def keys(self, *keys: str) -> None:
        """Press keys, such as "Tab" or "ctrl+f", on whatever has the keyboard."""
        _xdotool("key", "--clearmodifiers", *keys)

    def tab_to(self, name: str, most: int = 30) -> Node:
        """The button of this name, once Tab was pressed until it has the keyboard."""
        passed = []
        for _ in range(most):
            there = wait_until(self._focused, "control with the keyboard")
            if there.role == "push button" and there.name == name:
                return there
            passed.append(f"{there.role} {there.name}")
            self.keys("Tab")
            wait_until(lambda: not there.has("focused"), f"step from {passed[-1]}")  # noqa: B023
        raise AssertionError(f"by Tab the keyboard did not come to {name!r}, but to {', '.join(passed)}")

    def _focused(self) -> Node | None:
        for each in self.frame.walk(shown=True):
            with suppress(BusError):
                if each.has("focused"):
                    return each
        return None

    def with_keyboard(self, name: str) -> Node | None:
        """The button of this name that has the keyboard, if one has."""
        return next((each for each in self.shown(name) if each.has("focused")), None)

    def allow_by_keyboard(self, browser: Browser) -> None:
        """Give the consent that the browser asks for, and put its window and the app's away."""
        page = browser.consent_page()
        wait_until(lambda: page.evaluate("document.hasFocus()"), "browser with the keyboard")
        for _ in range(10):
            if page.evaluate("document.activeElement.value") == "allow":
                break
            self.keys("Tab")
        self.keys("Return")
        browser.wait_for_page(lambda page: "is signed in" in page.title)
        browser.close_pages()
        wait_until(lambda: self.wait_for("Done").has("focused"), "keyboard on Done")
        self.keys("Return")

    def text(self, text: str) -> None:
        """Type a text into whatever has the keyboard."""
        _xdotool("type", "--clearmodifiers", text)

    def choose_file(self, title: str, path: Path) -> None:
        """Give this path to the desktop's own dialog of this title, once it has the keyboard."""

        def active() -> bool:
            # Between two windows none is active, and it says so with an error.
            named = subprocess.run(
                ["xdotool", "getactivewindow", "getwindowname"], timeout=20, capture_output=True, text=True
            )
            return named.stdout.strip() == title

        wait_until(active, f"dialog {title!r}")
        self.text(str(path))
        self.keys("Return")

    def place(self, x: int, y: int, width: int, height: int) -> None:
        """Put the window's inside there on the screen, without its frame, and wait until it is."""
        assert self._window
        # By class, since it does not see names that hold more than Latin letters.
        mine = ["--pid", str(self._window.pid), "--class", APP_ID]
        number = _xdotool("search", "--sync", "--all", "--onlyvisible", *mine).split()[0]
        _xdotool("windowsize", "--sync", number, str(width), str(height))
        wanted = (x, y, width, height)

        def there() -> bool:
            # What a window manager makes of a wish depends on its frames, so the wish follows what it made.
            now = self.frame.extents
            if now != wanted:
                asked.append((asked[-1][0] + x - now[0], asked[-1][1] + y - now[1]))
                _xdotool("windowmove", "--sync", number, *map(str, asked[-1]))
            return now == wanted

        asked = [(x, y)]
        _xdotool("windowmove", number, str(x), str(y))
        wait_until(there, f"window at {wanted}")

    # The engine and the world

    def ask(self, request: Request[A]) -> A:
        """What the engine answers."""
        with closing(self.client()) as client:
            return client.ask(request)

    def setting(self, name: str) -> Any:
        """A setting as the engine keeps it."""
        return json.loads(self.ask(GetSettings((name,))).values[name])

    def account_id(self, address: str) -> str:
        """The id of the account with this address."""
        return self.ask(GetAccount(address)).row.id

    @property
    def control(self) -> SandboxControl:
        """The levers of the app's sandbox, which may be another one after each start of the window."""
        return wait_until(lambda: process.running(self.config.sandbox_dir), "sandbox", START_S).control()

    def grants(self, address: str) -> int:
        """How many sign-ins of a mailbox are alive at its provider."""
        return next(each.grants for each in self.control.state().mailboxes if each.address == address)

    def client(self, **options: Any) -> Client:
        """Another front's connection to the engine."""
        return Client(self.config, **options)

    def mend_all(self) -> None:
        """End every trouble of the world and prove every account anew; nothing is unread after it."""
        client = ensure_engine(self.config)
        self.control.clear_all()
        began_at = datetime.now(UTC)

        def mended() -> bool:
            rows = client.ask(GetAccounts(client.ask(ListAccounts()).ids)).rows
            for row in rows:
                if row.state is State.EXPIRED and not row.checking:
                    Person().consent(client.ask(BeginConsent(account=row.id)).url, row.address)
            return all(
                row.state is State.CONNECTED and (row.proven_at or began_at) > began_at for row in rows
            )

        try:
            client.ask(CheckAccounts())
            wait_until(mended, "all accounts proven")
            client.ask(MarkRead())
        finally:
            client.close()

    @property
    def engine_pid(self) -> int:
        """The engine's process."""
        client = self.client()
        try:
            return client.welcome.pid
        finally:
            client.close()

    def kill_engine(self) -> int:
        """End the engine without a word, as a crash does; its process id."""
        number = self.engine_pid
        os.kill(number, signal.SIGKILL)
        return number


@contextmanager
def open_world(folder: Path, **options: Any) -> Iterator[App]:
    """The app on a new data folder, with an empty keyring and no bubble over it; nothing runs yet."""
    with closing(Accessibility()) as accessibility, closing(SessionKeyring()) as keyring:
        keyring.clear()
        with closing(Notifications()) as before:
            before.clear_all()
        made = App(folder, accessibility, **options)
        try:
            yield made
        finally:
            made.close()


class Heard:
    """Everything the engine says from now on, kept in order; close it when done."""

    def __init__(self, app: App) -> None:
        self.events: list[Any] = []
        self._client = app.client(events=True, on_event=self.events.append)

    @property
    def rows(self) -> list[AccountRow]:
        """Every row as it was at each change."""
        return [row for event in self.events if isinstance(event, RowsChanged) for row in event.rows]

    @property
    def notifications(self) -> list[NotificationRow]:
        """Every notification raised."""
        return [event.notification for event in self.events if isinstance(event, NotificationRaised)]

    def check(self) -> None:
        """Have the engine ask the providers about every account."""
        self._client.ask(CheckAccounts())

    def wait_for(
        self, predicate: Callable[[AccountRow], bool], what: str, deadline_s: float = WAIT_S
    ) -> None:
        """Wait until some row has been as the predicate says."""
        wait_until(lambda: any(map(predicate, self.rows)), what, deadline_s)

    def close(self) -> None:
        """Hang up."""
        self._client.close()


def _xdotool(*words: str) -> str:
    done = subprocess.run(["xdotool", *words], check=True, timeout=20, capture_output=True, text=True)
    return done.stdout
