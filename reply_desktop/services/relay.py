"""The relay: a mail server of the person's choice for alerts, used when no account can send."""

from collections.abc import Mapping
from typing import Any, Final

from reply_desktop.domain.account import Account
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import RelayRow
from reply_desktop.services.accounts import not_let_in
from reply_desktop.services.ports import Clock, MailProvider
from reply_desktop.services.sealed_settings import SealedSettings

RELAY: Final = "relay"
"""The route that is no account's."""
SETTING: Final = "notify.relay"


class Relay:
    """Keeps the relay's server and sender, its password sealed.

    It is checked by the adapter of password mailboxes, which is asked for only then.
    """

    def __init__(
        self, sealed: SealedSettings, providers: Mapping[Provider, MailProvider], clock: Clock
    ) -> None:
        self._sealed = sealed
        self._providers = providers
        self._clock = clock

    def row(self) -> RelayRow | None:
        """The relay as fronts show it, None when there is none. Never opens the vault."""
        fields = self._sealed.fields(SETTING)
        if fields is None:
            return None
        return RelayRow(_server(fields), fields["user"], fields["sender"], self._sealed.has_secret(SETTING))

    def opened(self) -> tuple[Account, Password]:
        """The relay as an account to send from, which is stored nowhere, and its password.

        Raises NotFound, InvalidInput when its password is gone, VaultLocked or VaultUnavailable.
        """
        kept = self._sealed.both(SETTING)
        if kept is None:
            raise NotFound("It was removed.")
        fields, secret = kept
        if fields["user"] and not secret:
            raise InvalidInput("Its password is not at hand.", "Enter it again in Settings → Notifications.")
        return self._account(_server(fields), fields["sender"], fields["user"]), Password(secret)

    def put(self, server: MailServer, sender: str, user: str = "", password: str | None = None) -> None:
        """Keep the relay once it lets us in; nothing is stored when it does not.

        `user` empty: it takes mail without a sign-in. `password` None: the one that is stored. Raises
        InvalidInput with the server's reason, VaultLocked or VaultUnavailable.
        """
        sender, user = parse_address(sender), user.strip()
        secret = self._secret(user, password)
        draft = self._account(server, sender, user)
        probed = self._providers[Provider.OTHER].probe(draft, Password(secret), fresh=True)
        if not probed.outcome.proves:
            raise not_let_in(draft, probed.outcome, "Check server, port, security, user name and password.")
        fields = {
            "host": server.host,
            "port": server.port,
            "security": server.security.value,
            "user": user,
            "sender": sender,
        }
        self._sealed.put(SETTING, fields, secret)

    def clear(self) -> None:
        """Forget the relay and its password."""
        self._sealed.remove(SETTING)

    def _secret(self, user: str, password: str | None) -> str:
        if not user:
            if password:
                raise InvalidInput("The relay has a password but no user name.", "Enter both, or neither.")
            return ""
        secret = self._sealed.secret(SETTING) if password is None else password
        if not secret:
            raise InvalidInput(
                "The relay's password is missing.",
                "Enter it, or empty the user name if the relay needs no sign-in.",
            )
        return secret

    def _account(self, server: MailServer, sender: str, user: str) -> Account:
        servers = MailServers(server, user=user)
        return Account(RELAY, Provider.OTHER, sender, self._clock.now(), servers=servers)


def _server(fields: Mapping[str, Any]) -> MailServer:
    return MailServer(fields["host"], fields["port"], Security(fields["security"]))
