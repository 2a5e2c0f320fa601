"""The person's settings as the window uses them: read from the engine, kept there, one signal per change."""

import json
import logging
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from reply_desktop.channel.messages import GetSettings, PutSettings, SettingValues
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.preferences import DEFAULTS
from reply_desktop.ui.bridge import Bridge, EngineState

log = logging.getLogger(__name__)


class Preferences(QObject):
    """The settings this window knows. `changed(name)` fires after a value changed, also by reading."""

    changed = Signal(str)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._values: dict[str, Any] = dict(DEFAULTS)
        bridge.engine_changed.connect(self._on_engine)
        self._on_engine(bridge.engine)

    def value(self, name: str) -> Any:
        """A setting's value now, of the type of its default."""
        return self._values[name]

    def put(
        self,
        name: str,
        value: Any,
        failed: Callable[[ReplyDesktopError], None] | None = None,
    ) -> None:
        """Keep a value: it holds at once, and falls back with a call of `failed` if the engine refuses it."""
        before = self._values[name]
        self._take(name, value)

        def refused(error: ReplyDesktopError) -> None:
            self._take(name, before)
            (failed or self._bridge.failed.emit)(error)

        self._bridge.ask(PutSettings({name: json.dumps(value)}), None, refused, owner=self)

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self._bridge.ask(GetSettings(tuple(DEFAULTS)), self._on_read)

    def _on_read(self, answer: SettingValues) -> None:
        for name, text in answer.values.items():
            try:
                value = json.loads(text)
            except ValueError:
                log.info("The setting %s cannot be read; its default holds.", name)
                continue
            if name in DEFAULTS and type(value) is type(DEFAULTS[name]):
                self._take(name, value)

    def _take(self, name: str, value: Any) -> None:
        if self._values[name] != value:
            self._values[name] = value
            self.changed.emit(name)
