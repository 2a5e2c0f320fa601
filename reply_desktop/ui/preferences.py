"""The person's settings as the window uses them: read from the engine, kept there, one signal per change."""

import json
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from reply_desktop.channel.messages import GetSettings, PutSettings, SettingValues
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError
from reply_desktop.domain.preferences import DEFAULTS, preferences
from reply_desktop.ui.bridge import Bridge, EngineState

log = logging.getLogger(__name__)


class _Put(NamedTuple):
    value: Any
    kept: Callable[[], object] | None
    failed: Callable[[ReplyDesktopError], object]


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
        self._puts: Counter[str] = Counter()
        self._on_their_way: defaultdict[str, deque[_Put]] = defaultdict(deque)
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
        failed: Callable[[ReplyDesktopError], object] | None = None,
        kept: Callable[[], object] | None = None,
    ) -> None:
        """Keep a value: it holds at once, and falls back with a call of `failed` if the engine refuses it.

        `kept` is called once the engine has it.
        """
        self._take(name, value)
        self._puts[name] += 1
        on_their_way = self._on_their_way[name]
        on_their_way.append(_Put(value, kept, failed or self._bridge.failed.emit))
        if len(on_their_way) == 1:
            self._ask(name)

    def _ask(self, name: str) -> None:
        """Ask for one change of a setting after the other: the engine carries out many requests at a time."""
        on_their_way = self._on_their_way[name]
        put = on_their_way[0]

        def answered() -> None:
            on_their_way.popleft()
            if on_their_way:
                self._ask(name)

        def kept(_: object) -> None:
            self._kept[name] = put.value
            answered()
            if put.kept is not None:
                put.kept()

        def refused(error: ReplyDesktopError) -> None:
            answered()
            if not on_their_way:
                self._take(name, self._kept[name])
            put.failed(error)

        self._bridge.ask(PutSettings({name: json.dumps(put.value)}), kept, refused, owner=self)

    def read(self) -> None:
        """Take over what the engine has, but for what is being put meanwhile."""
        if self._bridge.engine is EngineState.RUNNING:
            own = {name for name, puts in self._on_their_way.items() if puts}
            before = self._puts.copy()
            self._bridge.ask(
                GetSettings(tuple(DEFAULTS)), lambda answer: self._on_read(answer, own, before), owner=self
            )

    def _on_engine(self, state: EngineState) -> None:
        self.read()

    def _on_read(self, answer: SettingValues, own: AbstractSet[str], before: Mapping[str, int]) -> None:
        for name, text in answer.values.items():
            if name in own or self._puts[name] != before[name]:
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
