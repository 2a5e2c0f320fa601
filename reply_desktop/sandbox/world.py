"""The world the stand-ins share: mailboxes, grants and what has befallen them, kept in one JSON file.

Tokens are not kept: they are sealed references to a grant (`seal`), so that issuing and rotating them
needs no write, and a restarted sandbox knows every token it ever gave. Everything here may be called from
any thread; each change is on disk before the call returns.
"""

import json
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from reply_desktop.domain.provider import Provider
from reply_desktop.files import write_private
from reply_desktop.sandbox.control import CONTROLS, EVERYWHERE, Condition, Control, Door, Level, level_of

PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant id of every personal Microsoft account (learn.microsoft.com, access token claims)."""

GOOGLE_TOKEN_CAP: Final = 100
"""Live refresh tokens per account and client at Google; one more ends the oldest without a word."""

GOOGLE_SIGN_IN_SCOPES: Final = frozenset(
    {
        "openid",
        "email",
        "profile",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
    }
)
"""Scopes that only identify: exempt from Testing mode's end, and never offered with a tick box."""


class Kind(StrEnum):
    """Whose mailbox it is."""

    WORK = "work"
    PERSONAL = "personal"


class End(StrEnum):
    """Why a grant is over for good."""

    REVOKED = "revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason's name
    TESTING_OVER = "testing_over"
    UNUSED = "unused"
    TOO_MANY = "too_many"


@dataclass(slots=True)
class Mailbox:
    """One mailbox. `subject` is Google's `sub` or Entra's `oid`; `password` is an Other mailbox's."""

    address: str
    provider: Provider
    name: str
    kind: Kind
    subject: str
    tenant: str = ""
    password: str = field(default="", repr=False)

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2]


@dataclass(slots=True)
class Grant:
    """What one consent gave to one client. `ends_at`: the end known beforehand (Testing mode)."""

    id: str
    address: str
    client_id: str
    scopes: tuple[str, ...]
    consented_at: datetime
    refreshable: bool = True
    ends_at: datetime | None = None
    end: End | None = None


@dataclass(slots=True)
class Client:
    """The one app registration at a provider."""

    client_id: str
    secret: str = field(default="", repr=False)


Listener = Callable[[Control], None]


class World:
    """The state of everything. `now` gives aware UTC."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._mailboxes: dict[str, Mailbox] = {}
        self._subjects: dict[tuple[Provider, str], Mailbox] = {}
        self._grants: dict[str, Grant] = {}
        self._grants_of: dict[str, list[Grant]] = {}
        self._conditions: dict[tuple[str, Control], Condition] = {}
        self.clients: dict[Provider, Client] = {}
        if path.exists():
            self._load()
        else:
            self._found()
            self._save()

    def now(self) -> datetime:
        """The time at the providers, aware UTC."""
        return self._now()

    def listen(self, listener: Listener) -> None:
        """Hear of every control that is applied, cleared or used up, after it is in force."""
        self._listeners.append(listener)

    def mailboxes(self, provider: Provider | None = None) -> list[Mailbox]:
        """All mailboxes, or those of one provider, in the order they were made."""
        with self._lock:
            return [each for each in self._mailboxes.values() if provider in (None, each.provider)]

    def mailbox(self, address: str | None, provider: Provider | None = None) -> Mailbox | None:
        """The mailbox with this address (case is ignored), if there is one."""
        with self._lock:
            found = self._mailboxes.get((address or "").strip().lower())
            return found if found and provider in (None, found.provider) else None

    def mailbox_of(self, subject: str, provider: Provider) -> Mailbox | None:
        """The mailbox with this subject, if there is one."""
        with self._lock:
            return self._subjects.get((provider, subject))

    def add_mailbox(
        self, provider: Provider, address: str, *, name: str = "", kind: Kind = Kind.WORK, password: str = ""
    ) -> Mailbox:
        """Make a mailbox, or give the one that has the address. Raises ValueError for what is no address."""
        local, at, domain = address.strip().lower().rpartition("@")
        if not (local and at and domain):
            raise ValueError(f"{address!r} is not a mail address")
        with self._lock:
            made = self._mailboxes.get(f"{local}@{domain}")
            if made is None:
                made = _new_mailbox(provider, f"{local}@{domain}", name or local.title(), kind, password)
                self._keep_mailbox(made)
                self._save()
            return made

    def add_grant(
        self,
        mailbox: Mailbox,
        client_id: str,
        scopes: tuple[str, ...],
        *,
        refreshable: bool = True,
        ends_at: datetime | None = None,
    ) -> Grant:
        """Record a consent. At Google the oldest of too many live grants ends."""
        with self._lock:
            grant = Grant(
                secrets.token_hex(8), mailbox.address, client_id, scopes, self.now(), refreshable, ends_at
            )
            self._keep_grant(grant)
            if mailbox.provider is Provider.GOOGLE:
                live = self.live_grants(mailbox.address, client_id)
                for oldest in live[: max(0, len(live) - GOOGLE_TOKEN_CAP)]:
                    oldest.end = End.TOO_MANY
            self._save()
            return grant

    def grant(self, grant_id: str) -> Grant | None:
        """The grant with this id, alive or not."""
        with self._lock:
            return self._grants.get(grant_id)

    def live_grants(self, address: str, client_id: str | None = None) -> list[Grant]:
        """Grants of a mailbox that can still be refreshed, oldest first."""
        now = self.now()
        with self._lock:
            return [
                each
                for each in self._grants_of.get(address, ())
                if each.refreshable
                and each.end is None
                and not (each.ends_at and each.ends_at <= now)
                and client_id in (None, each.client_id)
            ]

    def end_grants(self, address: str, why: End, scopes: Callable[[Grant], bool] = lambda _: True) -> None:
        """End the mailbox's grants that `scopes` picks, for good."""
        with self._lock:
            for each in self._grants_of.get(address, ()):
                if each.end is None and scopes(each):
                    each.end = why
            self._save()

    def apply(
        self,
        control: Control,
        target: str,
        params: Mapping[str, Any] | None = None,
        times: int | None = None,
    ) -> None:
        """Do the control, or put it in force. Raises ValueError with words when it makes no sense."""
        row = CONTROLS[control]
        target = target.strip().lower()
        given = dict(params or {})
        if unknown := given.keys() - row.params.keys():
            raise ValueError(f"{control} has no {', '.join(sorted(unknown))}")
        if level_of(target) not in row.levels:
            raise ValueError(f"{control} cannot be aimed at {target}")
        provider = self._provider_of(target)
        if provider is not None and provider not in row.providers:
            raise ValueError(f"{control} is not for {provider}")
        # As they will be read back after a restart.
        settings = json.loads(json.dumps({**row.params, **given}))
        with self._lock:
            if row.lasting:
                self._conditions[target, control] = Condition(control, target, self.now(), settings, times)
                self._save()
            else:
                self._deed(control, self._mailboxes[target], settings)
        self._tell(control)

    def clear(self, control: Control, target: str) -> None:
        """End a lasting control, if it is in force."""
        with self._lock:
            known = self._conditions.pop((target.strip().lower(), control), None)
            self._save()
        if known:
            self._tell(control)

    def clear_all(self, target: str | None = None) -> None:
        """End every lasting control, or those of one target."""
        with self._lock:
            gone = [key for key in self._conditions if target in (None, key[0])]
            for key in gone:
                del self._conditions[key]
            self._save()
        for _, control in gone:
            self._tell(control)

    def conditions(self) -> list[Condition]:
        """The lasting controls in force, oldest first."""
        with self._lock:
            return list(self._conditions.values())

    def find(
        self,
        control: Control,
        provider: Provider,
        mailbox: Mailbox | None = None,
        door: Door | None = None,
        *,
        strike: bool = True,
    ) -> Condition | None:
        """The condition that meets this caller: the mailbox's own, the provider's, or everybody's.

        `strike` counts it as used, so that one with `times` goes when they are used up.
        """
        with self._lock:
            for target in (mailbox.address if mailbox else None, provider.value, EVERYWHERE):
                found = self._conditions.get((target or "", control))
                if found is None or (door is not None and door not in found.params.get("where", (door,))):
                    continue
                if strike and found.times is not None:
                    self._use(found)
                return found
        return None

    def password(self, address: str) -> str:
        """The password of an Other mailbox. Raises ValueError when there is no such mailbox."""
        mailbox = self.mailbox(address, Provider.OTHER)
        if mailbox is None:
            raise ValueError(f"No Other mailbox has the address {address}")
        return mailbox.password

    def _use(self, condition: Condition) -> None:
        left = (condition.times or 0) - 1
        key = (condition.target, condition.control)
        if left > 0:
            self._conditions[key] = replace(condition, times=left)
        else:
            del self._conditions[key]
        self._save()

    def _provider_of(self, target: str) -> Provider | None:
        match level_of(target):
            case Level.WORLD:
                return None
            case Level.PROVIDER:
                return Provider(target)
        found = self.mailbox(target)
        if found is None:
            raise ValueError(f"No mailbox has the address {target}")
        return found.provider

    def _deed(self, control: Control, mailbox: Mailbox, settings: Mapping[str, Any]) -> None:
        match control:
            case Control.REMOVE_ACCESS:
                self.end_grants(mailbox.address, End.REVOKED)
            case Control.END_TESTING:
                self.end_grants(mailbox.address, End.TESTING_OVER, _beyond_sign_in)
            case Control.END_UNUSED:
                self.end_grants(mailbox.address, End.UNUSED)
            case Control.CHANGE_PASSWORD if mailbox.provider is Provider.OTHER:
                mailbox.password = str(settings["password"]) or secrets.token_urlsafe(12)
                self._save()
            case Control.CHANGE_PASSWORD:
                google = mailbox.provider is Provider.GOOGLE
                self.end_grants(
                    mailbox.address, End.PASSWORD_CHANGED, _reads_or_sends_gmail if google else lambda _: True
                )

    def _tell(self, control: Control) -> None:
        for listener in self._listeners:
            listener(control)

    def _found(self) -> None:
        self.clients = {
            Provider.GOOGLE: Client(
                f"{secrets.randbelow(10**12):012}-{secrets.token_hex(16)}.apps.googleusercontent.com",
                f"GOCSPX-{secrets.token_urlsafe(21)}",
            ),
            Provider.MICROSOFT: Client(str(uuid.uuid4())),
        }
        for provider, address, name, kind in _FIRST_MAILBOXES:
            self._keep_mailbox(_new_mailbox(provider, address, name, kind, ""))

    def _keep_mailbox(self, mailbox: Mailbox) -> None:
        self._mailboxes[mailbox.address] = mailbox
        self._subjects[mailbox.provider, mailbox.subject] = mailbox

    def _keep_grant(self, grant: Grant) -> None:
        self._grants[grant.id] = grant
        self._grants_of.setdefault(grant.address, []).append(grant)

    def _save(self) -> None:
        state = {
            "clients": {provider: asdict(client) for provider, client in self.clients.items()},
            "mailboxes": [asdict(each) for each in self._mailboxes.values()],
            "grants": [asdict(each) for each in self._grants.values()],
            "conditions": [
                {**dict(zip(_CONDITION, condition_fields(each), strict=True)), "params": dict(each.params)}
                for each in self._conditions.values()
            ],
        }
        write_private(self._path, json.dumps(state, default=datetime.isoformat))

    def _load(self) -> None:
        state = json.loads(self._path.read_text(encoding="utf-8"))
        self.clients = {Provider(name): Client(**fields) for name, fields in state["clients"].items()}
        for row in state["mailboxes"]:
            kinds = {"provider": Provider(row["provider"]), "kind": Kind(row["kind"])}
            self._keep_mailbox(Mailbox(**{**row, **kinds}))
        for row in state["grants"]:
            row["scopes"] = tuple(row["scopes"])
            row["consented_at"] = datetime.fromisoformat(row["consented_at"])
            row["ends_at"] = datetime.fromisoformat(row["ends_at"]) if row["ends_at"] else None
            row["end"] = End(row["end"]) if row["end"] else None
            self._keep_grant(Grant(**row))
        for row in state["conditions"]:
            control, since = Control(row["control"]), datetime.fromisoformat(row["since"])
            self._conditions[row["target"], control] = Condition(
                control, row["target"], since, row["params"], row["times"]
            )


_CONDITION = ("control", "target", "since", "params", "times")


def condition_fields(condition: Condition) -> tuple[Any, ...]:
    """The fields of a condition, in order."""
    return tuple(getattr(condition, name) for name in _CONDITION)


def end_of_testing(now: datetime, seconds: float, scopes: tuple[str, ...]) -> datetime | None:
    """When a sign-in of a project in Testing mode ends; None when it only identifies."""
    return now + timedelta(seconds=seconds) if set(scopes) - GOOGLE_SIGN_IN_SCOPES else None


def _beyond_sign_in(grant: Grant) -> bool:
    return bool(set(grant.scopes) - GOOGLE_SIGN_IN_SCOPES)


def _reads_or_sends_gmail(grant: Grant) -> bool:
    return any("/auth/gmail." in scope or scope == "https://mail.google.com/" for scope in grant.scopes)


_FIRST_MAILBOXES: Final = (
    (Provider.GOOGLE, "ana@harbor.example", "Ana Duarte", Kind.WORK),
    (Provider.GOOGLE, "ben@harbor.example", "Ben Okafor", Kind.WORK),
    (Provider.GOOGLE, "cleo@harbor.example", "Cleo Marsh", Kind.WORK),
    (Provider.MICROSOFT, "dana@fjord.example", "Dana Lind", Kind.WORK),
    (Provider.MICROSOFT, "emil@outpost.example", "Emil Novak", Kind.PERSONAL),
    (Provider.MICROSOFT, "finn@fjord.example", "Finn Berg", Kind.WORK),
    (Provider.OTHER, "gina@lantern.example", "Gina Rossi", Kind.WORK),
)
"""Who lives here first. Cleo and Finn are for choosing the wrong account; nobody connects them."""


def _new_mailbox(provider: Provider, address: str, name: str, kind: Kind, password: str) -> Mailbox:
    match provider:
        case Provider.GOOGLE:
            subject = "1" + "".join(str(secrets.randbelow(10)) for _ in range(20))
            return Mailbox(address, provider, name, kind, subject)
        case Provider.MICROSOFT if kind is Kind.PERSONAL:
            subject = f"00000000-0000-0000-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
            return Mailbox(address, provider, name, kind, subject, PERSONAL_TENANT)
        case Provider.MICROSOFT:
            tenant = str(uuid.uuid5(uuid.NAMESPACE_DNS, address.rpartition("@")[2]))
            return Mailbox(address, provider, name, kind, str(uuid.uuid4()), tenant)
    return Mailbox(address, provider, name, kind, "", password=password or secrets.token_urlsafe(12))
