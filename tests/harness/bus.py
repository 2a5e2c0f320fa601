"""Plain calls on the message buses of the desktop session."""

from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

PROPERTIES = "org.freedesktop.DBus.Properties"
CALL_S = 10.0


class BusError(Exception):
    """The other side answered with an error."""


class Bus:
    """One connection; `address` is "SESSION" or what a bus printed as its address."""

    def __init__(self, address: str = "SESSION") -> None:
        self.connection: DBusConnection = open_dbus_connection(address)

    def call(
        self,
        service: str,
        path: str,
        interface: str,
        method: str,
        signature: str = "",
        arguments: tuple[Any, ...] = (),
    ) -> Any:
        """Calls and gives what came back: the value itself when it is one; raises BusError."""
        message = new_method_call(
            DBusAddress(path, service, interface), method, signature or None, arguments or ()
        )
        reply = self.connection.send_and_get_reply(message, timeout=CALL_S)
        if reply.header.message_type is MessageType.error:
            raise BusError(f"{reply.header.fields[HeaderFields.error_name]}: {reply.body}")
        return reply.body[0] if len(reply.body) == 1 else reply.body

    def property(self, service: str, path: str, interface: str, name: str) -> Any:
        """Reads a property, without its variant wrapping."""
        return self.call(service, path, PROPERTIES, "Get", "ss", (interface, name))[1]

    def owned(self, name: str) -> bool:
        """Whether somebody on this bus owns the name."""
        bus = "org.freedesktop.DBus"
        return bool(self.call(bus, "/org/freedesktop/DBus", bus, "NameHasOwner", "s", (name,)))

    def close(self) -> None:
        """Hangs up."""
        self.connection.close()
