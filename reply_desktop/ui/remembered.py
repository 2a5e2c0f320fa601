"""What the window remembers by itself: its place, columns and splitter, in a small file beside the data."""

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings


class Remembered:
    """Small values by name. Nothing here is worth an error: what cannot be read or kept is forgotten."""

    def __init__(self, path: Path | None) -> None:
        self._file = QSettings(str(path), QSettings.Format.IniFormat) if path else None
        self._held: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """A value put before, else None."""
        if self._file is None:
            return self._held.get(name)
        try:
            return json.loads(str(self._file.value(name, "null")))
        except ValueError:
            return None

    def put(self, name: str, value: Any) -> None:
        """Keep a plain value; the file is written by and by, and when the app ends."""
        if self._file is None:
            self._held[name] = value
        else:
            self._file.setValue(name, json.dumps(value))

    def get_bytes(self, name: str) -> QByteArray:
        """Bytes put before, else none."""
        text = self.get(name)
        return QByteArray.fromBase64(text.encode()) if isinstance(text, str) else QByteArray()

    def put_bytes(self, name: str, value: QByteArray) -> None:
        """Keep bytes."""
        self.put(name, bytes(value.toBase64().data()).decode())

    def save(self) -> None:
        """Write what is still to be written."""
        if self._file is not None:
            self._file.sync()
