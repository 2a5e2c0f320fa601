"""Gives a new sandbox its accounts and sequences, the way a person would: client ids, consents, imports."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from reply_desktop.channel import messages as m
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ConsentFailed, InvalidInput
from reply_desktop.domain.events import ConsentEnded, ImportProgress
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.provider import Provider
from reply_desktop.files import write_private
from reply_desktop.sandbox.campaigns import CAMPAIGNS, DAILY_LIMIT
from reply_desktop.sandbox.control import ControlRefused
from reply_desktop.sandbox.folder import FolderLock, FolderTaken
from reply_desktop.sandbox.person import NotOnThePage, Person
from reply_desktop.sandbox.process import Sandbox

CONNECTED: Final = 2
"""How many of each single-click provider's mailboxes are connected; the others wait to be added."""

ALERTS_TO: Final = "you@harbor.example"
"""Where a new sandbox's alert e-mail goes: it is seen among the mail that would have been sent."""

TURN_S: Final = 60.0
"""How long one that is filling the same sandbox is waited for, in seconds."""

LOCK_FILE: Final = "seed.lock"

DONE_FILE: Final = "sequences.made"
"""Tells that the sequences were made once: who removes them all does not get them again."""


class Front(Protocol):
    """A connection to the engine, as commands have it."""

    def ask(self, request: Any, timeout_s: float = ...) -> Any: ...
    def consent_end(self, consent_id: str) -> ConsentEnded: ...
    def import_end(self, import_id: str, on_progress: Callable[[ImportProgress], None]) -> ImportProgress: ...


def seed(sandbox: Sandbox, front: Front) -> Sequence[str]:
    """Set up providers that are not, connect the first mailboxes if there is no account, begin the sequences.

    Gives the addresses connected by this call; whoever comes meanwhile waits for it and has nothing to do.
    Raises ConsentFailed when a stand-in refuses or does not answer.
    """
    lock = FolderLock(Path(sandbox.data_dir) / LOCK_FILE)
    _take_turn(lock)
    try:
        connected = _fill(sandbox, front)
        _begin_sequences(sandbox, front)
        return connected
    except (OSError, ControlRefused, NotOnThePage):
        # Not their words: they name links, and links hold codes.
        raise ConsentFailed("The sandbox's providers did not answer.", "Try again.") from None
    finally:
        lock.free()


def _take_turn(lock: FolderLock) -> None:
    deadline = time.monotonic() + TURN_S
    while True:
        try:
            return lock.hold()
        except FolderTaken:
            if time.monotonic() >= deadline:
                raise ConsentFailed("The sandbox's accounts are not ready yet.", "Try again.") from None
            time.sleep(0.02)


def _fill(sandbox: Sandbox, front: Front) -> Sequence[str]:
    configured = {row.provider for row in front.ask(m.ListProviders()).rows if row.configured}
    if Provider.GOOGLE not in configured:
        with open(sandbox.google_client_file, encoding="utf-8") as file:  # noqa: PTH123 - a path in text
            front.ask(m.SetGoogle(file.read()))
    if Provider.MICROSOFT not in configured:
        front.ask(m.SetMicrosoft(sandbox.microsoft_client_id))
    if front.ask(m.ListAccounts()).ids:
        return []
    if not (Path(sandbox.data_dir) / DONE_FILE).exists():
        _let_alerts_come(front)
    connected = []
    control = sandbox.control()
    for provider in (Provider.GOOGLE, Provider.MICROSOFT):
        mailboxes = [one for one in control.state().mailboxes if one.provider is provider]
        for mailbox in mailboxes[:CONNECTED]:
            _consent(front, provider, mailbox.address)
            connected.append(mailbox.address)
    for mailbox in [one for one in control.state().mailboxes if one.provider is Provider.OTHER][:1]:
        servers = MailServers(
            MailServer(sandbox.smtp_host, sandbox.smtp_port, Security.STARTTLS),
            MailServer(sandbox.imap_host, sandbox.imap_tls_port, Security.TLS),
        )
        front.ask(m.AddOther(mailbox.address, servers, control.password(mailbox.address)))
        connected.append(mailbox.address)
    return connected


def _let_alerts_come(front: Front) -> None:
    if not json.loads(front.ask(m.GetSettings((EMAIL_TO,))).values[EMAIL_TO]):
        front.ask(m.PutSettings({EMAIL_TO: json.dumps(ALERTS_TO)}))


def _begin_sequences(sandbox: Sandbox, front: Front) -> None:
    """Make, fill and launch the sequences, once in a sandbox's life and only if there is none."""
    folder = Path(sandbox.data_dir)
    if (folder / DONE_FILE).exists():
        return
    if not front.ask(m.ListSequences()).rows:
        rows = front.ask(m.GetAccounts(front.ask(m.ListAccounts()).ids)).rows
        known = {row.address: row for row in rows}
        order = [known[box.address] for box in sandbox.control().state().mailboxes if box.address in known]
        first = {row.provider: row.id for row in reversed(order)}
        if not {Provider.GOOGLE, Provider.MICROSOFT} <= first.keys():
            return
        front.ask(m.SetDailyLimit((first[Provider.GOOGLE], first[Provider.MICROSOFT]), DAILY_LIMIT))
        for campaign in CAMPAIGNS:
            people = folder / campaign.file
            write_private(people, campaign.csv())
            accounts = tuple(first[provider] for provider in campaign.providers)
            made = front.ask(m.SaveSequence(campaign.sequence(accounts))).row
            started = front.ask(m.ImportProspects(made.id, str(people)))
            ended = front.import_end(started.import_id, lambda event: None)
            if ended.error is not None:
                raise InvalidInput(f"The people of “{campaign.name}” were not imported: {ended.error}")
            front.ask(m.LaunchSequence(made.id, now=True))
    write_private(folder / DONE_FILE, "")


def _consent(front: Front, provider: Provider, address: str) -> None:
    started = front.ask(m.BeginConsent(provider=provider, login_hint=address))
    Person().consent(started.url, address)
    ended = front.consent_end(started.consent_id)
    if ended.end != ConsentEnd.CONNECTED:
        raise ConsentFailed(ended.text)
