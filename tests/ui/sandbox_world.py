"""A sandbox in memory for tests of the panel: does what the real control API does, without a process."""

from datetime import UTC, datetime
from typing import Any

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import (
    CONTROLS,
    EVERYWHERE,
    Condition,
    Control,
    ControlRefused,
    MailboxState,
    SinkMessage,
    WorldState,
)

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


class FakeSandbox:
    """Fits `SandboxControl` where the panel uses it."""

    def __init__(self) -> None:
        self.mailboxes = {
            "ana@harbor.example": MailboxState("ana@harbor.example", Provider.GOOGLE, "Ana", "work", 1),
            "dana@fjord.example": MailboxState("dana@fjord.example", Provider.MICROSOFT, "Dana", "work", 2),
            "gina@lantern.example": MailboxState("gina@lantern.example", Provider.OTHER, "Gina", "work", 0),
        }
        self.force: dict[tuple[Control, str], Condition] = {}
        self.done: list[tuple[str, Any, str]] = []
        self.sink: list[tuple[SinkMessage, bytes]] = []
        self.gone = False
        self.refuse = ""

    def _answer(self) -> None:
        if self.gone:
            raise ConnectionError("nobody listens")

    def state(self) -> WorldState:
        self._answer()
        return WorldState(tuple(self.mailboxes.values()), tuple(self.force.values()), len(self.sink), 0)

    def apply(self, control: Control, target: str = EVERYWHERE) -> None:
        self._answer()
        if self.refuse:
            raise ControlRefused(self.refuse)
        self.done.append(("apply", control, target))
        if CONTROLS[control].lasting:
            self.force[control, target] = Condition(control, target, NOW, {})

    def clear(self, control: Control, target: str = EVERYWHERE) -> None:
        self._answer()
        self.done.append(("clear", control, target))
        self.force.pop((control, target), None)

    def clear_all(self) -> None:
        self._answer()
        self.force.clear()

    def password(self, address: str) -> str:
        return f"password-of-{address}"

    def messages(self, *, after: int = 0) -> tuple[SinkMessage, ...]:
        self._answer()
        return tuple(message for message, _ in self.sink if message.id > after)

    def raw_message(self, number: int) -> bytes:
        return next(raw for message, raw in self.sink if message.id == number)

    def forget_messages(self) -> None:
        self.sink.clear()

    def reply(self, number: int) -> None:
        self._as_recipient("reply", number)

    def auto_reply(self, number: int) -> None:
        self._as_recipient("auto_reply", number)

    def bounce(self, number: int) -> None:
        self._as_recipient("bounce", number)

    def unsubscribe(self, number: int) -> None:
        self._as_recipient("unsubscribe", number)

    def _as_recipient(self, what: str, number: int) -> None:
        if self.refuse:
            raise ControlRefused(self.refuse)
        self.done.append((what, number, ""))

    def deliver(self, subject: str, raw: bytes) -> None:
        """A mail the stand-ins accepted."""
        number = len(self.sink) + 1
        message = SinkMessage(
            number, NOW, "ana@harbor.example", "gmail", "ana@harbor.example", ("bob@x.example",), subject,
            f"<{number}@x>", len(raw),
        )  # fmt: skip
        self.sink.append((message, raw))
