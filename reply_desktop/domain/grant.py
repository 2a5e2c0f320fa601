"""What a person let us use: the grant's secrets, and which of them belong to whom."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from reply_desktop.domain.errors import InvalidInput


class Security(StrEnum):
    """How a mail server's connection is protected; plain text is not offered."""

    TLS = "tls"
    STARTTLS = "starttls"


@dataclass(frozen=True, slots=True)
class MailServer:
    """One SMTP or IMAP server: where it is and how the connection is protected."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class MailServers:
    """The servers of an Other account; `imap` may be missing, `user` defaults to the address.

    `user` empty, with an empty password: mail is handed over without signing in, as to a relay.
    """

    smtp: MailServer
    imap: MailServer | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class TokenSet:
    """One grant's tokens. Secrets are kept out of `repr`; times are aware UTC.

    `refresh_expires_at` is the end the provider announced (Google `refresh_token_expires_in`), if any.
    `client_id` is the client the grant was given to, which alone can use it (RFC 6749 §10.4), if known.
    """

    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    issued_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    client_id: str = ""

    def refreshed(self, newer: "TokenSet") -> "TokenSet":
        """This set after a refresh: what the provider left out is kept (RFC 6749 §6)."""
        return replace(
            newer,
            refresh_token=newer.refresh_token or self.refresh_token,
            scopes=newer.scopes or self.scopes,
            issued_at=self.issued_at if newer.refresh_token in ("", self.refresh_token) else newer.issued_at,
            refresh_expires_at=newer.refresh_expires_at or self.refresh_expires_at,
            client_id=newer.client_id or self.client_id,
        )


@dataclass(frozen=True, slots=True)
class Password:
    """An Other account's password, kept out of `repr`."""

    password: str = field(repr=False)


Credentials = TokenSet | Password
"""What the vault seals for one account."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says signed in: the stable subject and the mail address."""

    subject: str
    address: str
    tenant: str = ""
    name: str = ""


def to_bytes(credentials: Credentials) -> bytes:
    """The credentials as JSON for sealing; never to be stored or logged unsealed."""
    kind = "tokens" if isinstance(credentials, TokenSet) else "password"
    fields = {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(credentials).items()
    }
    return json.dumps({"kind": kind, **fields}, separators=(",", ":")).encode()


def from_bytes(plain: bytes) -> Credentials:
    """The credentials that `to_bytes` made. Raises InvalidInput, without quoting them, when they are not."""
    try:
        fields = json.loads(plain)
        kind = fields.pop("kind")
        if kind == "password":
            return Password(fields["password"])
        for key in ("expires_at", "issued_at", "refresh_expires_at"):
            if fields.get(key):
                fields[key] = datetime.fromisoformat(fields[key]).astimezone(UTC)
        fields["scopes"] = tuple(fields.get("scopes", ()))
        return TokenSet(**fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput("The stored credentials cannot be read.", "Reconnect the account.") from None
