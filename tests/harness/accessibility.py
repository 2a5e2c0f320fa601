"""Reads and works the windows on the screen as an assistive technology does, over AT-SPI's own bus."""

from collections.abc import Iterator
from typing import Any

from tests.harness.bus import Bus, BusError
from tests.harness.waiting import WAIT_S, wait_until

ACCESSIBLE = "org.a11y.atspi.Accessible"
ACTION = "org.a11y.atspi.Action"
TEXT = "org.a11y.atspi.Text"
EDITABLE = "org.a11y.atspi.EditableText"
TABLE = "org.a11y.atspi.Table"
COMPONENT = "org.a11y.atspi.Component"
ROOT = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
NOTHING = "/org/a11y/atspi/null"
# Bits of AtspiStateType (atspi-constants.h) that tests ask for.
STATES = {
    "checked": 4, "editable": 7, "enabled": 8, "expanded": 10, "focusable": 11, "focused": 12,
    "selected": 23, "sensitive": 24, "showing": 25, "visible": 30,
}  # fmt: skip
# What the role is called has changed between AT-SPI versions.
ROLES = {"button": "push button", "page tab list": "tab list"}


class Node:
    """One thing on the screen."""

    def __init__(self, bus: Bus, reference: tuple[str, str]) -> None:
        self._bus = bus
        self.reference = reference

    def _call(self, interface: str, method: str, signature: str = "", *arguments: Any) -> Any:
        return self._bus.call(*self.reference, interface, method, signature, arguments)

    def _property(self, interface: str, name: str) -> Any:
        return self._bus.property(*self.reference, interface, name)

    @property
    def name(self) -> str:
        """What a screen reader says first."""
        return str(self._property(ACCESSIBLE, "Name"))

    @property
    def description(self) -> str:
        """What a screen reader says next."""
        return str(self._property(ACCESSIBLE, "Description"))

    @property
    def role(self) -> str:
        """Kind of control, such as "push button", "table cell", "check box", "label", "frame"."""
        role = str(self._call(ACCESSIBLE, "GetRoleName"))
        return ROLES.get(role, role)

    @property
    def process_id(self) -> int:
        """The process that shows it."""
        bus = "org.freedesktop.DBus"
        service = (self.reference[0],)
        return int(
            self._bus.call(bus, "/org/freedesktop/DBus", bus, "GetConnectionUnixProcessID", "s", service)
        )

    @property
    def children(self) -> list["Node"]:
        """Parts, in order; empty when it went away."""
        try:
            return [
                Node(self._bus, (service, path))
                for service, path in self._call(ACCESSIBLE, "GetChildren")
                if path != NOTHING
            ]
        except BusError:
            return []

    @property
    def text(self) -> str:
        """Content of a text field."""
        return str(self._call(TEXT, "GetText", "ii", 0, -1))

    @property
    def extents(self) -> tuple[int, int, int, int]:
        """x, y, width and height on the screen, in pixels."""
        x, y, width, height = self._call(COMPONENT, "GetExtents", "u", 0)
        return x, y, width, height

    def has(self, state: str) -> bool:
        """Whether the state holds; STATES lists the names."""
        low, high = self._call(ACCESSIBLE, "GetState")
        bit = STATES[state]
        return bool((low if bit < 32 else high) >> (bit % 32) & 1)

    def walk(self, depth: int = 24, *, shown: bool = False) -> Iterator["Node"]:
        """This and everything in it, top down; the cells of a table are left out (see `cell`).

        `shown`: what cannot be seen is left out, with everything in it.
        """
        yield self
        if depth:
            for child in self.children:
                try:
                    if shown and not child.has("showing"):
                        continue
                    if child.role in ("table", "tree table"):
                        yield child
                    else:
                        yield from child.walk(depth - 1, shown=shown)
                except BusError:
                    continue

    def find(self, *, role: str, name: str | None = None, shown: bool = False) -> "Node | None":
        """The first part of this role, and of this name when one is given; `shown`: only where it can be seen."""
        for each in self.walk(shown=shown):
            try:
                if each.role == role and (name is None or each.name == name):
                    return each
            except BusError:
                continue
        return None

    def wait_for(
        self, *, role: str, name: str | None = None, shown: bool = False, deadline_s: float = WAIT_S
    ) -> "Node":
        """As `find`, waiting for it to appear."""
        return wait_until(
            lambda: self.find(role=role, name=name, shown=shown), f"{role} {name or ''}", deadline_s
        )

    @property
    def actions(self) -> list[str]:
        """What can be done with it."""
        return [name for name, _, _ in self._call(ACTION, "GetActions")]

    def press(self, action: str | None = None) -> None:
        """Does its first action, or the one named, such as "Press" or "SetFocus"."""
        index = 0 if action is None else self.actions.index(action)
        assert self._call(ACTION, "DoAction", "i", index), f"{self.name!r} did not let itself be pressed"

    def type(self, text: str) -> None:
        """Replaces the content of a text field."""
        assert self._call(EDITABLE, "SetTextContents", "s", text), f"{self.name!r} took no text"

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a table."""
        return self._property(TABLE, "NRows"), self._property(TABLE, "NColumns")

    def cell(self, row: int, column: int) -> "Node":
        """A cell of a table."""
        return Node(self._bus, tuple(self._call(TABLE, "GetAccessibleAt", "ii", row, column)))


class Accessibility:
    """A connection to the accessibility bus; close it when done."""

    def __init__(self) -> None:
        session = Bus()
        try:
            address = session.call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress")
        finally:
            session.close()
        self._bus = Bus(address)
        self.desktop = Node(self._bus, ROOT)

    def application(self, name: str, process_id: int | None = None) -> Node | None:
        """The running application of this name, and process, when it shows itself to assistive technologies."""
        for each in self.desktop.children:
            try:
                if each.name == name and process_id in (None, each.process_id):
                    return each
            except (BusError, TimeoutError):
                continue
        return None

    def wait_for_application(self, name: str, deadline_s: float = WAIT_S) -> Node:
        """As `application`, waiting for it to start."""
        return wait_until(lambda: self.application(name), f"application {name}", deadline_s)

    def close(self) -> None:
        """Hangs up."""
        self._bus.close()
