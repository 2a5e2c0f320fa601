"""The person's settings as the window uses them: read from the engine, kept there, one signal per change."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from PySide6.QtCore import QObject, Signal

from reply_desktop.channel.messages import GetSettings, PutSettings, SettingValues
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError
from reply_desktop.domain.preferences import DEFAULTS, preferences
from reply_desktop.ui.bridge import Bridge, EngineState

log = logging.getLogger(__name__)


class Preferences(QObject):
    """The settings this window knows. `changed(name)` fires after a value changed, also by reading.

    Commands and other windows change them too: `read` looks for that.
    """

    changed = Signal(str)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._values: dict[str, Any] = dict(DEFAULTS)
        self._kept: dict[str, Any] = dict(DEFAULTS)
        self._puts: dict[str, int] = {}
        self._on_their_way: Counter[str] = Counter()
        bridge.engine_changed.connect(self._on_engine)
        bridge.alert_mail_changed.connect(lambda _: self.read())
        self._on_engine(bridge.engine)

    def value(self, name: str) -> Any:
        """A setting's value now, of the type of its default; never to be changed in place."""
        return self._values[name]

    def put(
        self,
        name: str,
        value: Any,
        failed: Callable[[ReplyDesktopError], None] | None = None,
    ) -> None:
        """Keep a value: it holds at once, and falls back with a call of `failed` if the engine refuses it."""
        self._take(name, value)
        number = self._puts[name] = self._puts.get(name, 0) + 1
        self._on_their_way[name] += 1

        def kept(_: object) -> None:
            self._on_their_way[name] -= 1
            self._kept[name] = value

        def refused(error: ReplyDesktopError) -> None:
            self._on_their_way[name] -= 1
            if number == self._puts[name]:
                # One that was put after it is still on its way otherwise.
                self._take(name, self._kept[name])
            (failed or self._bridge.failed.emit)(error)

        self._bridge.ask(PutSettings({name: json.dumps(value)}), kept, refused, owner=self)

    def read(self) -> None:
        """Take over what the engine has, but for what is being put meanwhile."""
        if self._bridge.engine is EngineState.RUNNING:
            own = {name for name, number in self._on_their_way.items() if number}
            before = dict(self._puts)
            self._bridge.ask(
                GetSettings(tuple(DEFAULTS)), lambda answer: self._on_read(answer, own, before), owner=self
            )

    def _on_engine(self, state: EngineState) -> None:
        self.read()

    def _on_read(self, answer: SettingValues, own: AbstractSet[str], before: Mapping[str, int]) -> None:
        for name, text in answer.values.items():
            if name in own or self._puts.get(name) != before.get(name):
                continue
            try:
                value = json.loads(text)
            except ValueError:
                log.info("The setting %s cannot be read; its default holds.", name)
                continue
            if name in DEFAULTS and self._fits(name, value):
                self._kept[name] = value
                self._take(name, value)

    def _fits(self, name: str, value: Any) -> bool:
        if type(value) is not type(DEFAULTS[name]):
            return False
        try:
            preferences({**DEFAULTS, name: value})
        except InvalidInput as error:
            log.info("%s Its default holds.", error.what)
            return False
        return True

    def _take(self, name: str, value: Any) -> None:
        if self._values[name] != value:
            self._values[name] = value
            self.changed.emit(name)
