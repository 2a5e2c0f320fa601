"""Steer a running sandbox: the table of its controls and a small client for its control API.

Light on purpose (standard library and the domain only), because the window's sandbox panel imports it.
The API is plain JSON over HTTP on a loopback port of its own, protected by a bearer key that lies, 0600,
in the sandbox's folder. It stays reachable while the stand-ins are offline.
"""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from reply_desktop.domain.provider import Provider

EVERYWHERE: Final = "*"
"""The target that means every mailbox of every provider."""


class Door(StrEnum):
    """Where a caller can come in."""

    PAGE = "page"
    DISCOVERY = "discovery"
    TOKEN = "token"  # noqa: S105 - a door's name
    API = "api"
    SMTP = "smtp"
    IMAP = "imap"
    AUTOCONFIG = "autoconfig"


MACHINE_DOORS: Final = (Door.DISCOVERY, Door.TOKEN, Door.API, Door.SMTP, Door.IMAP, Door.AUTOCONFIG)
"""Every door but the pages a person looks at: what network trouble applies to unless told otherwise."""


class Control(StrEnum):
    """Everything that can be done to the sandbox's world; `CONTROLS` has a row of words for each."""

    REMOVE_ACCESS = "remove_access"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - a control's name
    END_TESTING = "end_testing"
    END_UNUSED = "end_unused"

    ACCOUNT_DISABLED = "account_disabled"
    ADMIN_BLOCK = "admin_block"
    ADMIN_CONSENT = "admin_consent"
    NOT_ASSIGNED = "not_assigned"
    MFA_REQUIRED = "mfa_required"
    SIGN_IN_FREQUENCY = "sign_in_frequency"
    SESSION_CONTROL = "session_control"
    ENTRA_ERROR = "entra_error"
    MAIL_OFF = "mail_off"
    SMTP_AUTH_OFF = "smtp_auth_off"
    NOT_TEST_USER = "not_test_user"
    WITHHOLD_SCOPE = "withhold_scope"

    INVALID_CLIENT = "invalid_client"
    CLIENT_DELETED = "client_deleted"
    NOT_PUBLIC = "not_public"
    ORG_INTERNAL = "org_internal"
    API_OFF = "api_off"
    TESTING_MODE = "testing_mode"
    REDIRECTS = "redirects"
    CALLBACK_ISS = "callback_iss"
    SHORT_TOKENS = "short_tokens"

    THROTTLE = "throttle"
    RATE_LIMIT = "rate_limit"
    SERVER_TROUBLE = "server_trouble"
    PORTAL = "portal"
    LATENCY = "latency"
    LOSE_ANSWER = "lose_answer"
    RAW_ANSWER = "raw_answer"
    OFFLINE = "offline"
    SENDING_LIMIT = "sending_limit"
    KEEP_SENT = "keep_sent"
    BAD_CERTIFICATE = "bad_certificate"
    CLOCK_SKEW = "clock_skew"


class Answered(StrEnum):
    """How a prospect, or the prospect's mail server, answers a message."""

    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    BOUNCE_HARD = "bounce_hard"
    BOUNCE_SOFT = "bounce_soft"
    UNSUBSCRIBE = "unsubscribe"


class Level(StrEnum):
    """What a control can be aimed at: one mailbox, one provider, or everything."""

    MAILBOX = "mailbox"
    PROVIDER = "provider"
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control. `lasting` ones stay until cleared; the others happen once and cannot be taken back.

    `params` are the names and defaults of what can be set. Every lasting control also takes `times`: how
    often it strikes before it goes by itself.
    """

    label: str
    explanation: str
    levels: frozenset[Level]
    providers: frozenset[Provider]
    lasting: bool = True
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_GOOGLE = frozenset({Provider.GOOGLE})
_MICROSOFT = frozenset({Provider.MICROSOFT})
_OTHER = frozenset({Provider.OTHER})
_OAUTH = _GOOGLE | _MICROSOFT
_ALL = _OAUTH | _OTHER
_BOX = frozenset({Level.MAILBOX})
_APP = frozenset({Level.PROVIDER})
_ANY = frozenset(Level)
_WIDE = frozenset({Level.PROVIDER, Level.WORLD})


def _row(
    label: str,
    explanation: str,
    levels: frozenset[Level],
    providers: frozenset[Provider],
    *,
    lasting: bool = True,
    **params: Any,
) -> ControlRow:
    return ControlRow(label, explanation, levels, providers, lasting, MappingProxyType(params))


CONTROLS: Final[Mapping[Control, ControlRow]] = MappingProxyType(
    {
        Control.REMOVE_ACCESS: _row(
            "Remove access",
            "The person removes the app on the provider's page: every grant of the mailbox ends.",
            _BOX,
            _OAUTH,
            lasting=False,
        ),
        Control.CHANGE_PASSWORD: _row(
            "Change password",
            "Google ends grants with Gmail scopes, Microsoft ends all (50173), Other wants the new password.",
            _BOX,
            _ALL,
            lasting=False,
            password="",
        ),
        Control.END_TESTING: _row(
            "End Testing-mode sign-in",
            "The seven days of a Google project in Testing mode are over.",
            _BOX,
            _GOOGLE,
            lasting=False,
        ),
        Control.END_UNUSED: _row(
            "End unused sign-in",
            "The grant was not used for too long (Google 6 months, Microsoft 90 days).",
            _BOX,
            _OAUTH,
            lasting=False,
        ),
        Control.ACCOUNT_DISABLED: _row(
            "Disable the account", "The organisation switched the account off (Entra 50057).", _BOX, _ALL
        ),
        Control.ADMIN_BLOCK: _row(
            "Block by policy",
            "The administrator's policy forbids it (Google admin_policy_enforced, Entra 53003).",
            _BOX,
            _OAUTH,
        ),
        Control.ADMIN_CONSENT: _row(
            "Require admin consent",
            "An administrator must consent to the app first (90094).",
            _BOX,
            _MICROSOFT,
        ),
        Control.NOT_ASSIGNED: _row(
            "Unassign from the app", "The account is not assigned to the app (50105).", _BOX, _MICROSOFT
        ),
        Control.MFA_REQUIRED: _row(
            "Require a second factor",
            "A policy wants multi-factor sign-in; grants made before it fail (50076 with claims).",
            _BOX,
            _MICROSOFT,
        ),
        Control.SIGN_IN_FREQUENCY: _row(
            "Require a fresh sign-in",
            "A sign-in frequency policy (70043): grants made before it fail, or, with `every_s`, each grant "
            "that many seconds after its sign-in.",
            _BOX,
            _MICROSOFT,
            every_s=0,
        ),
        Control.SESSION_CONTROL: _row(
            "Require re-authentication",
            "Google's session control; grants made before it fail (invalid_rapt).",
            _BOX,
            _GOOGLE,
        ),
        Control.ENTRA_ERROR: _row(
            "Refuse with an Entra code",
            "Refreshing fails with the AADSTS code given, for as long as this lasts.",
            _BOX,
            _MICROSOFT,
            code=50173,
            error="",
            suberror="",
            claims="",
        ),
        Control.MAIL_OFF: _row(
            "Switch the mailbox off", "The account lives, but has no mail service.", _BOX, _OAUTH
        ),
        Control.SMTP_AUTH_OFF: _row(
            "Switch SMTP sign-in off", "The server answers 535 5.7.139.", _BOX, _OTHER
        ),
        Control.NOT_TEST_USER: _row(
            "Take off the test users",
            "The Google project is in Testing mode and does not list this account.",
            _BOX,
            _GOOGLE,
        ),
        Control.WITHHOLD_SCOPE: _row(
            "Grant less than asked",
            "The next consent leaves these permissions out; empty: every permission to send.",
            _BOX,
            _OAUTH,
            scopes=(),
        ),
        Control.INVALID_CLIENT: _row(
            "Reject the client secret", "The app registration's secret is wrong or expired.", _APP, _OAUTH
        ),
        Control.CLIENT_DELETED: _row(
            "Delete the app registration",
            "The client id is gone (Google deleted_client, Entra 700016).",
            _APP,
            _OAUTH,
        ),
        Control.NOT_PUBLIC: _row(
            "Forbid public client flows", "The registration is no public client (7000218).", _APP, _MICROSOFT
        ),
        Control.ORG_INTERNAL: _row(
            "Limit the app to another organisation", "Shown in the browser only: org_internal.", _APP, _GOOGLE
        ),
        Control.API_OFF: _row(
            "Switch the mail API off", "The Gmail API is not enabled in the project.", _APP, _GOOGLE
        ),
        Control.TESTING_MODE: _row(
            "Put the project in Testing mode",
            "New sign-ins end after the time given and say so (refresh_token_expires_in).",
            _APP,
            _GOOGLE,
            seconds=604_800,
        ),
        Control.REDIRECTS: _row(
            "Register other redirect addresses",
            "Only these redirect addresses are known; any other one is a mismatch.",
            _APP,
            _OAUTH,
            uris=(),
        ),
        Control.CALLBACK_ISS: _row(
            "Name the issuer in the callback",
            "The redirect carries `iss` (RFC 9207): `own`, or `wrong` as in a mix-up attack.",
            _APP,
            _OAUTH,
            value="own",
        ),
        Control.SHORT_TOKENS: _row(
            "Issue short-lived access tokens",
            "Access tokens live this many seconds.",
            _WIDE,
            _OAUTH,
            seconds=5,
        ),
        Control.THROTTLE: _row(
            "Throttle",
            "Answers 429 with Retry-After (SMTP and IMAP: a passing refusal).",
            _ANY,
            _ALL,
            retry_after_s=30,
            where=MACHINE_DOORS,
        ),
        Control.RATE_LIMIT: _row(
            "Exceed the rate limit",
            "The mail API answers 403 rateLimitExceeded.",
            _ANY,
            _GOOGLE,
            where=(Door.API,),
        ),
        Control.SENDING_LIMIT: _row(
            "Reach the sending limit",
            "No more mail is taken until cleared (Gmail and Graph 429, SMTP 550 5.4.5); signing in goes on.",
            _ANY,
            _ALL,
            retry_after_s=3600,
        ),
        Control.KEEP_SENT: _row(
            "Keep what is sent",
            "The SMTP server puts a copy of each message into the IMAP folder Sent, as few servers do.",
            _ANY,
            _OTHER,
        ),
        Control.SERVER_TROUBLE: _row(
            "Server trouble",
            "Answers 500, 502 or 503 with an HTML page (SMTP and IMAP: a passing refusal).",
            _ANY,
            _ALL,
            status=503,
            retry_after_s=0,
            where=MACHINE_DOORS,
        ),
        Control.PORTAL: _row(
            "Captive portal",
            "Answers 200 with the sign-in page of a guest network.",
            _ANY,
            _ALL,
            where=(Door.DISCOVERY, Door.TOKEN, Door.API, Door.AUTOCONFIG),
        ),
        Control.LATENCY: _row(
            "Slow answers", "Waits before each answer.", _ANY, _ALL, ms=1000, where=MACHINE_DOORS
        ),
        Control.LOSE_ANSWER: _row(
            "Lose the answer",
            "Does what was asked, then drops the connection before the answer leaves.",
            _ANY,
            _ALL,
            where=(Door.TOKEN,),
        ),
        Control.RAW_ANSWER: _row(
            "Answer with this",
            "Answers with exactly this status, type and body.",
            _ANY,
            _OAUTH,
            status=400,
            content_type="application/json",
            body='{"error":"unheard_of"}',
            where=(Door.TOKEN,),
        ),
        Control.OFFLINE: _row(
            "Go offline",
            "`refused`: nobody listens; `reset`: connections are accepted and reset.",
            _WIDE,
            _ALL,
            mode="refused",
        ),
        Control.BAD_CERTIFICATE: _row(
            "Show an untrusted certificate",
            "TLS doors show a certificate of an unknown authority.",
            _WIDE,
            _MICROSOFT | _OTHER,
        ),
        Control.CLOCK_SKEW: _row(
            "Shift the clock", "The Date header of every answer is off by this.", _WIDE, _ALL, seconds=86_400
        ),
    }
)
"""One row per control."""


def level_of(target: str) -> Level:
    """What kind of target this is: `*`, a provider's name, or a mail address."""
    if target == EVERYWHERE:
        return Level.WORLD
    return Level.PROVIDER if target in set(Provider) else Level.MAILBOX


@dataclass(frozen=True, slots=True)
class Condition:
    """One lasting control in force. `times`: how often it still strikes; None = until cleared."""

    control: Control
    target: str
    since: datetime
    params: Mapping[str, Any]
    times: int | None = None


@dataclass(frozen=True, slots=True)
class MailboxState:
    """One mailbox of the sandbox. `grants` counts the sign-ins that are alive."""

    address: str
    provider: Provider
    name: str
    kind: str
    grants: int


@dataclass(frozen=True, slots=True)
class WorldState:
    """All of the world that may be shown: no token, no password."""

    mailboxes: tuple[MailboxState, ...]
    conditions: tuple[Condition, ...]
    messages: int
    visits: int


@dataclass(frozen=True, slots=True)
class SinkMessage:
    """One mail the stand-ins accepted, as kept by the sink; `channel` is gmail, graph or smtp.

    `message_id` is the one it was delivered with; `thread` the conversation it belongs to.
    """

    id: int
    at: datetime
    account: str
    channel: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    size: int
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request at a door. `what` names it in short; `status` is HTTP's or SMTP's, 0 for a lost answer."""

    id: int
    at: datetime
    provider: Provider
    door: Door
    mailbox: str | None
    status: int
    what: str


class ControlRefused(Exception):
    """The sandbox did not do it; the text says why."""


class SandboxControl:
    """A client of one sandbox's control API. Safe to use from several threads: one connection per call."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._key = key
        self._timeout_s = timeout_s

    def ping(self) -> None:
        """Return when the sandbox answers. Raises OSError or ControlRefused when it does not."""
        self._json("GET", "/ping")

    def state(self) -> WorldState:
        """The world as it is now. Raises OSError when the sandbox is gone (as every method here)."""
        return _world(self._json("GET", "/state"))

    def apply(
        self, control: Control, target: str = EVERYWHERE, *, times: int | None = None, **params: Any
    ) -> None:
        """Do it, or put it in force; done when this returns. Raises ControlRefused, with the reason."""
        self._json(
            "POST", "/controls", {"control": control, "target": target, "times": times, "params": params}
        )

    def clear(self, control: Control, target: str = EVERYWHERE) -> None:
        """End a lasting control; one that is not in force is no error."""
        self._json("DELETE", "/controls", {"control": control, "target": target})

    def clear_all(self, target: str | None = None) -> None:
        """End every lasting control, or those of one target."""
        self._json("POST", "/clear", {"target": target})

    def password(self, address: str) -> str:
        """The present password of an Other mailbox."""
        return str(self._json("GET", f"/password?{urlencode({'address': address})}")["password"])

    def add_mailbox(self, provider: Provider, address: str, *, name: str = "", kind: str = "work") -> None:
        """Add a mailbox; `kind` is work or personal. One that is there already is no error."""
        self._json(
            "POST", "/mailboxes", {"provider": provider, "address": address, "name": name, "kind": kind}
        )

    def messages(
        self, *, after: int = 0, account: str | None = None, count: int = 1, wait_s: float = 0.0
    ) -> tuple[SinkMessage, ...]:
        """Mails with an id above `after`, oldest first; waits up to `wait_s` until there are `count`."""
        rows = self._list("/messages", after, count, wait_s, account=account)
        return tuple(
            SinkMessage(**{**row, "at": _time(row["at"]), "recipients": tuple(row["recipients"])})
            for row in rows
        )

    def raw_message(self, message_id: int) -> bytes:
        """The mail as it was delivered, byte for byte."""
        return self._call("GET", f"/messages/{message_id}")

    def reply(self, message_id: int, text: str = "") -> None:
        """Let the recipient of a mail answer it; it lies in the sender's inbox when this returns.

        Raises ControlRefused when there is no such mail (as `bounce`, `auto_reply` and `unsubscribe`).
        """
        self._answer(Answered.REPLY, message_id, text)

    def bounce(self, message_id: int, *, hard: bool = True) -> None:
        """Let a mail come back: `hard` because the address does not exist, else with a notice of delay."""
        self._answer(Answered.BOUNCE_HARD if hard else Answered.BOUNCE_SOFT, message_id)

    def auto_reply(self, message_id: int) -> None:
        """Let the recipient's mailbox answer that nobody is there."""
        self._answer(Answered.AUTO_REPLY, message_id)

    def unsubscribe(self, message_id: int) -> None:
        """Let the recipient write to the mail's unsubscribe address, or ask for it in an answer."""
        self._answer(Answered.UNSUBSCRIBE, message_id)

    def _answer(self, kind: Answered, message_id: int, text: str = "") -> None:
        self._json("POST", f"/messages/{message_id}/{kind}", {"text": text})

    def forget_messages(self) -> None:
        """Empty the sink."""
        self._json("DELETE", "/messages")

    def visits(
        self,
        *,
        after: int = 0,
        mailbox: str | None = None,
        door: Door | None = None,
        count: int = 1,
        wait_s: float = 0.0,
    ) -> tuple[Visit, ...]:
        """Requests with an id above `after`, oldest first; waits up to `wait_s` until there are `count`."""
        rows = self._list("/visits", after, count, wait_s, mailbox=mailbox, door=door)
        return tuple(
            Visit(
                **{
                    **row,
                    "at": _time(row["at"]),
                    "provider": Provider(row["provider"]),
                    "door": Door(row["door"]),
                }
            )
            for row in rows
        )

    def shutdown(self) -> None:
        """Ask the sandbox to end in order; returns when it has heard."""
        self._json("POST", "/shutdown")

    def _list(
        self, path: str, after: int, count: int, wait_s: float, **filters: str | None
    ) -> Sequence[dict[str, Any]]:
        query = {key: value for key, value in filters.items() if value is not None}
        query |= {"after": str(after), "count": str(count), "wait_s": str(wait_s)}
        rows: list[dict[str, Any]] = self._json("GET", f"{path}?{urlencode(query)}", wait_s=wait_s)["rows"]
        return rows

    def _json(self, method: str, path: str, body: object = None, *, wait_s: float = 0.0) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._call(method, path, body, wait_s=wait_s))
        return answer

    def _call(self, method: str, path: str, body: object = None, *, wait_s: float = 0.0) -> bytes:
        connection = http.client.HTTPConnection(*self._address, timeout=self._timeout_s + wait_s)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            )
            response = connection.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError("The sandbox broke the connection.") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise ControlRefused(_reason(content) or f"The sandbox answered {response.status}.")
        return content


def _reason(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _world(answer: dict[str, Any]) -> WorldState:
    return WorldState(
        mailboxes=tuple(
            MailboxState(**{**row, "provider": Provider(row["provider"])}) for row in answer["mailboxes"]
        ),
        conditions=tuple(
            Condition(**{**row, "control": Control(row["control"]), "since": _time(row["since"])})
            for row in answer["conditions"]
        ),
        messages=answer["messages"],
        visits=answer["visits"],
    )
