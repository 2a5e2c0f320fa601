"""One window per data folder and person: a second launch hands its errand to the first and ends."""

import hashlib
import json
import logging
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QDir, QLockFile, QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from reply_desktop.domain.errors import InvalidInput

log = logging.getLogger(__name__)

VERSION: Final = 3
"""Version of the message; a window understands the ones up to its own."""
LIMIT: Final = 4096
"""Greatest length of a message, in bytes."""
PATIENCE_MS: Final = 3000
"""How long either side waits for the other, in milliseconds."""
VISITORS: Final = 8
"""How many may talk at the same time."""
SCHEME: Final = "reply-desktop"


class Errand(StrEnum):
    """What a launch wants from the window that is there already."""

    RAISE = "raise"
    ACCOUNT = "account"
    RECONNECT = "reconnect"
    PROVIDERS = "providers"
    SEQUENCES = "sequences"
    SEQUENCE = "sequence"
    NOTIFICATIONS = "notifications"
    DIAGNOSIS = "diagnosis"


TABS: Final = ("steps", "prospects", "log", "forecast", "settings")
"""The tabs of a sequence's page that a link can open."""

_WITH_ID: Final = (Errand.ACCOUNT, Errand.RECONNECT, Errand.DIAGNOSIS, Errand.SEQUENCE)


@dataclass(frozen=True, slots=True)
class Message:
    """One errand. `account` is an account's id for ACCOUNT, RECONNECT and DIAGNOSIS.

    For SEQUENCE it is a sequence's, with `tab` and `entry`: the tab of its page and the entry in its log,
    None for no certain one. `token` lets the window come to the front.
    """

    errand: Errand = Errand.RAISE
    account: str = ""
    token: str = ""
    tab: str = TABS[0]
    entry: int | None = None


def parse_link(link: str) -> Message:
    """The errand of a `reply-desktop://` link.

    `account/ID`, `diagnosis/ID` and `reconnect/ID` are an account's, `sequence/ID/TAB/ENTRY` opens a sequence
    (tab and entry may be left out), `providers`, `notifications` and `sequences` are places. Links may come
    from anywhere, so they only open places; whatever is not understood raises the window.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return Message()
    place, named = parts.netloc.lower(), unquote(parts.path.strip("/"))
    if parts.scheme.lower() != SCHEME:
        return Message()
    if place in (Errand.PROVIDERS, Errand.NOTIFICATIONS, Errand.SEQUENCES) and not named:
        return Message(Errand(place))
    if place == Errand.DIAGNOSIS and _is_id(named):
        return Message(Errand.DIAGNOSIS, named)
    if place in (Errand.ACCOUNT, Errand.RECONNECT) and _is_id(named):
        return Message(Errand.ACCOUNT, named)
    if place == Errand.SEQUENCE:
        sequence_id, _, rest = named.partition("/")
        tab, _, entry = rest.partition("/")
        if _is_id(sequence_id):
            return Message(Errand.SEQUENCE, sequence_id, tab=_tab(tab), entry=_entry(entry))
    return Message()


def to_bytes(message: Message) -> bytes:
    """The message as one line of JSON."""
    fields = {
        "version": VERSION,
        "errand": message.errand,
        "account": message.account,
        "token": message.token,
        "tab": message.tab,
        "entry": message.entry,
    }
    return json.dumps(fields).encode() + b"\n"


def from_bytes(line: bytes) -> Message | None:
    """The message, or None when it is none of ours. A newer one than we know raises the window."""
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("version"), int):
        return None
    account, token = fields.get("account", ""), fields.get("token", "")
    if not (isinstance(account, str) and isinstance(token, str)) or (account and not _is_id(account)):
        return None
    if not token.isprintable() or len(token) > 256:
        token = ""
    try:
        errand = Errand(str(fields.get("errand")))
    except ValueError:
        return Message(token=token) if fields["version"] > VERSION else None
    if errand in _WITH_ID and not account:
        return None
    return Message(errand, account, token, _tab(fields.get("tab")), _entry(fields.get("entry")))


def _tab(named: object) -> str:
    return named if isinstance(named, str) and named in TABS else TABS[0]


def _entry(named: object) -> int | None:
    text = str(named)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text.isascii() and all(c.isalnum() or c in "-_" for c in text)


class SingleInstance(QObject):
    """The claim to be the window of a data folder. `asked` carries the Message of a later launch."""

    asked = Signal(object)

    def __init__(
        self, data_dir: Path, parent: QObject | None = None, *, patience_ms: int = PATIENCE_MS
    ) -> None:
        super().__init__(parent)
        self._data_dir = data_dir
        self.patience_ms = patience_ms
        self.address = _address(data_dir)
        self._lock = QLockFile(str(data_dir / "window.lock"))
        # The window may live for weeks; whether its process lives is looked at instead of the lock's age.
        self._lock.setStaleLockTime(0)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.setMaxPendingConnections(VISITORS)
        self._server.newConnection.connect(self._on_visitor)
        self._visitors: set[_Visitor] = set()
        self._early: deque[Message] | None = deque(maxlen=VISITORS)

    def claim(self) -> bool:
        """Whether this process is the window now; False when another one is. Waits for nobody.

        Raises InvalidInput when the data folder cannot be written.
        """
        if not self._lock.tryLock(0):
            if self._lock.error() is not QLockFile.LockError.LockFailedError:
                raise InvalidInput(
                    f"The data folder {self._data_dir} cannot be written.", "Check who may write to it."
                )
            return False
        # What a window that crashed left behind would keep ours from listening.
        QLocalServer.removeServer(self.address)
        if not self._server.listen(self.address):
            log.info("Later launches cannot reach this window: %s", self._server.errorString())
        return True

    def send(self, message: Message) -> bool:
        """Hand an errand to the window that is there; False when it does not answer in time."""
        socket = QLocalSocket()
        socket.connectToServer(self.address)
        if not socket.waitForConnected(self.patience_ms):
            return False
        socket.write(to_bytes(message))
        heard = socket.waitForReadyRead(self.patience_ms) and bytes(socket.readAll().data()).startswith(b"ok")
        socket.abort()
        return heard

    def release(self) -> None:
        """Let the next launch be the window."""
        for visitor in list(self._visitors):
            visitor.leave()
        self._server.close()
        self._lock.unlock()

    def _on_visitor(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            if len(self._visitors) >= VISITORS:
                socket.abort()
                socket.deleteLater()
                continue
            self._visitors.add(_Visitor(self, socket))

    def serve(self, slot: Callable[[Message], None]) -> None:
        """Have every errand done by this, those first that came while the window was still being made."""
        early, self._early = self._early or (), None
        self.asked.connect(slot)
        for message in early:
            slot(message)

    def take(self, message: Message) -> None:
        """An errand that came to this process itself, as links do on macOS, or from a later launch."""
        if self._early is not None:
            self._early.append(message)
        self.asked.emit(message)

    def on_line(self, visitor: "_Visitor", message: Message | None) -> None:
        """A visitor has spoken, or has shown that it never will."""
        self._visitors.discard(visitor)
        if message is not None:
            self.take(message)


class _Visitor(QObject):
    """One connection of a later launch, or of whoever found the socket: one short line, then it goes."""

    def __init__(self, host: SingleInstance, socket: QLocalSocket) -> None:
        super().__init__(host)
        self._host, self._socket, self._heard = host, socket, b""
        self._left = False
        socket.setParent(self)
        socket.setReadBufferSize(LIMIT + 1)
        self._late = QTimer(self, singleShot=True, interval=host.patience_ms)
        self._late.timeout.connect(lambda: self.leave())
        self._late.start()
        socket.readyRead.connect(self._on_bytes)
        socket.disconnected.connect(lambda: self.leave())
        if socket.bytesAvailable():
            self._on_bytes()

    def _on_bytes(self) -> None:
        if self._left:
            return
        self._heard += bytes(self._socket.readAll().data())
        line, end, _ = self._heard.partition(b"\n")
        if not end and len(self._heard) <= LIMIT:
            return
        message = from_bytes(line) if end and len(line) <= LIMIT else None
        if message is not None:
            self._socket.write(b"ok\n")
            self._socket.flush()
        self.leave(message)

    def leave(self, message: Message | None = None) -> None:
        """End the conversation, once."""
        if self._left:
            return
        self._left = True
        self._late.stop()
        self._socket.disconnectFromServer()
        self._host.on_line(self, message)
        self.deleteLater()


def _address(data_dir: Path) -> str:
    """A socket in the private data folder, or in the runtime folder when its path is too long for one."""
    digest = hashlib.sha256(os.fsencode(str(data_dir.resolve()))).hexdigest()[:16]
    if sys.platform == "win32":
        return f"reply-desktop-window-{digest}"
    path = data_dir / "window.sock"
    if len(os.fsencode(path)) <= 96:
        return QDir.toNativeSeparators(str(path))
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return str(base / f"reply-desktop-window-{os.getuid()}-{digest}.sock")
